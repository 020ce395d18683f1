//! A small UT1 tree, packed here.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use tar::{Builder, EntryType, Header};

use crate::lists::archive::{Alias, ArchiveFault, unpack, unpack_within};
use crate::lists::ut1::{self, Kind};
use crate::lists::{Asked, CatalogueBuilder, Form, Format, Reading};

fn member(builder: &mut Builder<Vec<u8>>, path: &str, bytes: &[u8], kind: EntryType, link: &str) {
    let mut header = Header::new_gnu();
    // Names are written raw: the crate itself would refuse the bad ones.
    header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    builder.append(&header, bytes).unwrap();
}

fn packed(members: &[(&str, &[u8], EntryType, &str)]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (path, bytes, kind, link) in members {
        member(&mut builder, path, bytes, *kind, link);
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&builder.into_inner().unwrap()).unwrap();
    gzip.finish().unwrap()
}

const FILE: EntryType = EntryType::Regular;
const LINK: EntryType = EntryType::Symlink;

fn tree() -> Vec<u8> {
    let usage = "# c\nNAME:\tadult\nDEFAULT_TYPE: black\nNAME EN: Adult (X)\nDESC EN: Not for children.\n\n\
                 NAME: child\nDEFAULT_TYPE: white\nNAME EN: For children\n";
    packed(&[
        ("./blacklists/", b"", EntryType::Directory, ""),
        ("./blacklists/README", b"", FILE, ""),
        ("./blacklists/global_usage", usage.as_bytes(), FILE, ""),
        ("./blacklists/adult/domains", b"bad.example\n192.0.2.7\nco.uk\n", FILE, ""),
        ("./blacklists/adult/urls", b"site.example/bad\n", FILE, ""),
        ("./blacklists/adult/expressions", b"# none\n(sex|porn)\n", FILE, ""),
        ("./blacklists/adult/usage", b"black\nadult\nporn\n", FILE, ""),
        ("./blacklists/child/domains", b"good.example\ngov.uk\n", FILE, ""),
        ("./blacklists/child/urls", b"\n# nothing\n", FILE, ""),
        ("./blacklists/bank/domains", b"bank.example\n", FILE, ""),
        ("./blacklists/bank/usage", b"white\nblack\n", FILE, ""),
        ("./blacklists/porn", b"", LINK, "adult"),
        ("./blacklists/bank/again", b"", LINK, "../child/"),
    ])
}

#[test]
fn a_tree_becomes_categories_with_their_second_names() {
    let unpacked = unpack(&tree()[..]).unwrap();
    assert_eq!(unpacked.files.len(), 10);
    assert_eq!(
        unpacked.aliases[0],
        Alias { name: "blacklists/porn".into(), target: "blacklists/adult".into() }
    );
    let categories = ut1::categories(&unpacked);
    let told: Vec<_> = categories
        .iter()
        .map(|c| {
            (
                &*c.name,
                &*c.title,
                c.kind,
                c.domains.is_some(),
                c.urls.is_some(),
                c.expressions.as_ref().map_or(0, ut1::ListFile::lines),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("adult", "Adult (X)", Kind::Black, true, true, 1),
            ("bank", "bank", Kind::Either, true, false, 0),
            ("child", "For children", Kind::White, true, false, 0),
        ]
    );
    assert_eq!(categories[0].aliases, ["porn"]);
    assert_eq!(categories[0].description, "Not for children.");
}

#[test]
fn a_catalogue_knows_every_list_and_whose_entry_matched() {
    let unpacked = unpack(&tree()[..]).unwrap();
    let mut builder = CatalogueBuilder::new([3; 16]);
    let reports = builder.add_ut1(&unpacked, "2026-08-17");
    let files: Vec<_> = reports.iter().map(|(file, _)| &**file).collect();
    assert_eq!(files, ["adult/domains", "adult/urls", "bank/domains", "child/domains"]);
    let catalogue = builder.build();
    let adult = catalogue.list("ut1/adult").unwrap();
    assert_eq!((adult.entries, adult.rejected), (3, 1));
    let source = b"bad.example\n192.0.2.7\nco.uk\nsite.example/bad\n";
    assert_eq!(&*adult.digest, blake3::hash(source).to_hex().as_str());
    assert_eq!(catalogue.list("ut1/child").unwrap().reading, Reading::Allow);

    let host = super::host("a.gov.uk");
    let matches = catalogue.index().find(&Asked { host: &host, url: None }, Reading::Allow);
    assert_eq!(matches.len(), 1);
    assert_eq!(&*catalogue.list_of(matches[0].origin).id, "ut1/child");
    assert_eq!(&*catalogue.index().origin(matches[0].origin).file, "child/domains");
    assert_eq!(catalogue.index().line(&matches[0]), 2);
    assert!(matches!(builder_with_page(), Err(crate::lists::NotAList::WebPage)));
}

fn builder_with_page() -> Result<(), crate::lists::NotAList> {
    let mut builder = CatalogueBuilder::new([3; 16]);
    let list = builder.add_list(crate::lists::ListHead {
        id: "x".into(),
        title: "x".into(),
        version: "1".into(),
        licence: "".into(),
        reading: Reading::Block,
    });
    builder.add_file(list, "domains", &Form::of(Format::Domains), b"<html>404").map(|_| ())
}

#[test]
fn an_archive_that_leads_outside_is_refused_whole() {
    let refused = |path, kind, link| unpack(&packed(&[("ok", b"a", FILE, ""), (path, b"", kind, link)])[..]);
    for path in ["/etc/passwd", "../x", "a/../../x", "a\\..\\x", "C:/x"] {
        assert!(matches!(refused(path, FILE, ""), Err(ArchiveFault::PathLeavesRoot(_))), "{path}");
    }
    for link in ["/etc/passwd", "../x", "b/../../../x"] {
        assert!(matches!(refused("l", LINK, link), Err(ArchiveFault::LinkLeavesRoot(_))), "{link}");
    }
    assert!(refused("a/l", LINK, "../b").is_ok());
    assert!(matches!(refused("null", EntryType::Char, ""), Err(ArchiveFault::Special(_))));
}

#[test]
fn an_archive_is_bounded_and_whole() {
    let zeros = packed(&[("big", &[0; 100_000], FILE, "")]);
    assert!(matches!(unpack_within(&zeros[..], 50_000, 9), Err(ArchiveFault::TooLarge(50_000))));
    assert!(unpack_within(&zeros[..], 200_000, 9).is_ok());
    let many: Vec<_> = (0..10).map(|_| ("f", &b""[..], FILE, "")).collect();
    assert!(matches!(unpack_within(&packed(&many)[..], 50_000, 9), Err(ArchiveFault::TooMany(9))));
    assert!(matches!(unpack(&zeros[..zeros.len() / 2]), Err(ArchiveFault::Damaged(_))));
    assert!(matches!(unpack(&b"<html>404"[..]), Err(ArchiveFault::Damaged(_))));
}
