//! Files written whole or not at all: aside, made durable, renamed, and their folder made durable.
//!
//! **Invariant:** whenever the process or the machine ends, the file is as it was or as it is to
//! be, never a part; and nobody ever sees it with a wider mode than its own.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Writes a file, in the place of the one before; it is on disk when this returns. It is written
/// beside itself first, as `NAME.new`.
///
/// # Errors
/// What the system says; the file is then as it was, unless the last step, making its folder
/// durable, is what failed.
pub fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    write_by(&beside(path), path, mode, |mut file| file.write_all(bytes))
}

/// As [`write()`], written aside at `aside`, in the same folder, by what `fill` puts into it.
///
/// # Errors
/// As [`write()`], or what `fill` says.
pub fn write_by(
    aside: &Path,
    path: &Path,
    mode: u32,
    fill: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<()> {
    match fs::remove_file(aside) {
        Err(fault) if fault.kind() != io::ErrorKind::NotFound => return Err(fault),
        Ok(()) | Err(_) => {}
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(aside)?;
    let placed = fill(&file).and_then(|()| file.sync_all()).and_then(|()| fs::rename(aside, path));
    if placed.is_err() {
        let _ = fs::remove_file(aside);
    }
    placed.and_then(|()| sync_folder(path))
}

/// Puts a file that is whole and on disk in the place of another of its folder.
///
/// # Errors
/// What the system says.
pub fn put(aside: &Path, path: &Path) -> io::Result<()> {
    fs::rename(aside, path)?;
    sync_folder(path)
}

fn beside(path: &Path) -> PathBuf {
    let mut beside = path.to_owned().into_os_string();
    beside.push(".new");
    PathBuf::from(beside)
}

fn sync_folder(of: &Path) -> io::Result<()> {
    let folder = of.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_file_takes_the_place_of_the_one_before_with_its_own_mode() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("id");
        fs::write(dir.path().join("id.new"), "left by a crash, and much longer").unwrap();
        for (text, bits) in [("one\n", 0o600), ("two\n", 0o640), ("three\n", 0o600)] {
            write(&path, text.as_bytes(), bits).unwrap();
            assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode(&path)), (text, bits));
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_fault_in_any_step_leaves_what_was_there() {
        type Obstacle = fn(&Path);
        let steps: [(&str, Obstacle, io::Result<()>); 3] = [
            ("opening", |dir| fs::create_dir_all(dir.join("id.new/full")).unwrap(), Ok(())),
            ("filling", |_| {}, Err(io::ErrorKind::StorageFull.into())),
            ("renaming", |dir| fs::create_dir_all(dir.join("taken/full")).unwrap(), Ok(())),
        ];
        for (step, obstacle, filled) in steps {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("id");
            write(&path, b"before\n", 0o600).unwrap();
            obstacle(dir.path());
            let to = if step == "renaming" { dir.path().join("taken") } else { path.clone() };
            let fill = |mut file: &File| file.write_all(b"aft").and(filled);
            assert!(write_by(&beside(&path), &to, 0o600, fill).is_err(), "{step}");
            assert_eq!(fs::read_to_string(&path).unwrap(), "before\n", "{step}");
            assert!(!beside(&path).is_file(), "{step}: what may hold a key is not left beside");
        }
        assert!(write(Path::new("/nowhere/at/all"), b"x", 0o600).is_err());
    }
}
