//! Archives of every kind, packed here.

use std::io::{Cursor, Write};

use flate2::{Compression, write::GzEncoder};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::lists::archive::{Alias, ArchiveFault, Packing, open, open_within};
use crate::lists::ut1;

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

enum Member<'m> {
    File(&'m str, &'m [u8]),
    Link(&'m str, &'m str),
    Folder(&'m str),
}
use Member::{File, Folder, Link};

fn zipped(members: &[Member<'_>]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for member in members {
        match member {
            File(path, bytes) => {
                zip.start_file(*path, options).unwrap();
                zip.write_all(bytes).unwrap();
            }
            Link(path, target) => zip.add_symlink(*path, *target, options).unwrap(),
            Folder(path) => zip.add_directory(*path, options).unwrap(),
        }
    }
    zip.finish().unwrap().into_inner()
}

/// The archive with one name of its members written over by another of the same length.
fn renamed(mut archive: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<_> =
        (0..archive.len()).filter(|&at| archive[at..].starts_with(from.as_bytes())).collect();
    for at in places {
        archive[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    archive
}

#[test]
fn a_zip_is_a_tree() {
    let archive = zipped(&[
        Folder("blacklists/"),
        File("blacklists/adult/domains", b"bad.example\n"),
        Link("blacklists/porn", "adult"),
        File("blacklists/adult/urls.gz", &gzipped(b"site.example/x\n")),
    ]);
    assert_eq!(Packing::of(&archive), Some(Packing::Zip));
    let unpacked = open("lists.zip", &archive).unwrap();
    let paths: Vec<_> = unpacked.files.iter().map(|file| (&*file.path, &*file.bytes)).collect();
    assert_eq!(
        paths,
        [("blacklists/adult/domains", &b"bad.example\n"[..]), ("blacklists/adult/urls", b"site.example/x\n")]
    );
    let link = Alias { name: "blacklists/porn".into(), target: "blacklists/adult".into() };
    assert_eq!(unpacked.aliases, [link]);
}

#[test]
fn a_zip_that_leads_outside_is_refused_whole() {
    let archive = || zipped(&[File("ok", b"a"), File("aaa/bbb", b"b")]);
    for path in ["../bbbb", "a/../..", "/aa/bbb", "C:/bbbb", "aaa\\bbb"] {
        let outcome = open("x.zip", &renamed(archive(), "aaa/bbb", path));
        assert!(matches!(outcome, Err(ArchiveFault::PathLeavesRoot(_))), "{path}: {outcome:?}");
    }
    for target in ["/etc/passwd", "../x", "b/../../x"] {
        let outcome = open("x.zip", &zipped(&[Link("link", target)]));
        assert!(matches!(outcome, Err(ArchiveFault::LinkLeavesRoot(_))), "{target}: {outcome:?}");
    }
}

#[test]
fn every_packing_is_bounded_and_whole() {
    let zeros = [0; 100_000];
    let inner = gzipped(&zeros);
    let archives = [zipped(&[File("big", &zeros)]), gzipped(&zeros), zipped(&[File("big.gz", &inner)])];
    for archive in &archives {
        assert!(matches!(open_within("x.gz", archive, 50_000, 9), Err(ArchiveFault::TooLarge(50_000))));
        assert!(open_within("x.gz", archive, 200_000, 9).is_ok());
        let half = &archive[..archive.len() / 2];
        assert!(matches!(open("x.gz", half), Err(ArchiveFault::Damaged(_))));
    }
    let many: Vec<String> = (0..10).map(|n| format!("f{n}")).collect();
    let many: Vec<_> = many.iter().map(|name| File(name, b"")).collect();
    assert!(matches!(open_within("x.zip", &zipped(&many), 50_000, 9), Err(ArchiveFault::TooMany(9))));
    assert!(matches!(open("x", b"<html>404"), Err(ArchiveFault::Unknown)));
}

#[test]
fn one_packed_file_keeps_its_name() {
    let unpacked = open("/tmp/adult.txt.gz", &gzipped(b"a.example\n")).unwrap();
    assert_eq!((&*unpacked.files[0].path, &*unpacked.files[0].bytes), ("adult.txt", &b"a.example\n"[..]));
    assert_eq!(Packing::of(b"a.example\n"), None);
}

#[test]
fn a_tree_may_hold_packed_files_and_changes() {
    let tree = open(
        "bl.zip",
        &zipped(&[
            File("BL/games/domains.gz", &gzipped(b"a.example\nb.example\n")),
            File("BL/games/domains.diff", b"-a.example\n+c.example\n-gone.example\n"),
            File("BL/games/expressions", b"# none\n(play|game)s\n"),
            File("BL/games/very_restrictive_expression", b"sex\n"),
            File("BL/hobby/pets/urls.diff", b"+pets.example/x\n"),
            File("BL/hobby/pets/usage", b"black\n"),
            File("BL/empty/domains", b"a.example\n"),
            File("BL/empty/domains.diff", b"-a.example\n"),
        ]),
    )
    .unwrap();
    let categories = ut1::categories(&tree);
    let names: Vec<_> = categories.iter().map(|category| &*category.name).collect();
    assert_eq!(names, ["empty", "games", "hobby/pets"]);
    assert!(categories[0].domains.is_none());
    let games = &categories[1];
    let domains = games.domains.as_ref().unwrap();
    assert_eq!((domains.path, &*domains.bytes), ("BL/games/domains", &b"\nb.example\nc.example\n"[..]));
    assert_eq!((domains.notes.len(), domains.notes[0].line), (1, 3));
    assert_eq!((games.expressions.as_ref().map(ut1::ListFile::lines), games.left_out), (Some(1), 1));
    let pets = categories[2].urls.as_ref().unwrap();
    assert_eq!((pets.path, &*pets.bytes), ("BL/hobby/pets/urls", &b"pets.example/x\n"[..]));
}
