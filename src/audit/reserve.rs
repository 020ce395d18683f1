//! Room that is kept on the disk for what must be recorded when nothing else can be: blocks, and
//! what staff do.
//!
//! **Invariant:** the room is taken before it is needed, and given up once, to the trail alone; it
//! is taken again only where as much is free besides.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate, statvfs};

/// The file that holds the room.
const FILE: &str = "reserve";
/// How much is written at once where the file system can't allocate.
const BLOCK: usize = 1 << 20;

/// The kept room.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    size: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Kept,
    Given,
}

impl Reserve {
    /// Takes `size` bytes under `dir`, or starts without them where they are not there.
    pub(super) fn open(dir: &Path, size: u64) -> Reserve {
        let mut reserve = Reserve { path: dir.join(FILE), size, state: State::Given };
        if let Err(error) = reserve.take() {
            tracing::error!(%error, "there is no room to keep for blocks and changes: is the disk full?");
        }
        reserve
    }

    /// Whether the room was given up.
    pub(super) fn is_given(&self) -> bool {
        self.state == State::Given
    }

    /// Gives the room up to the trail; false when that was done before.
    pub(super) fn give(&mut self) -> io::Result<bool> {
        if self.is_given() {
            return Ok(false);
        }
        match fs::remove_file(&self.path) {
            Ok(()) => {}
            // Somebody took it away: the trail has the room already.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        self.state = State::Given;
        Ok(true)
    }

    /// Takes the room again, where as much is free besides it; whether it is kept now.
    pub(super) fn restore(&mut self) -> bool {
        if self.is_given() && self.free().is_ok_and(|free| free >= 2 * self.size) {
            let _ = self.take();
        }
        !self.is_given()
    }

    /// Whether so little is left that it must do for what staff do.
    pub(super) fn is_low(&self) -> bool {
        self.is_given() && self.free().is_ok_and(|free| free < self.size / 4)
    }

    /// What is free on the disk, in bytes.
    fn free(&self) -> io::Result<u64> {
        free(self.path.parent().unwrap_or(&self.path))
    }

    fn take(&mut self) -> io::Result<()> {
        let there = fs::metadata(&self.path).is_ok_and(|file| file.len() == self.size);
        if !there && let Err(error) = allocate(&self.path, self.size) {
            // Half a reserve is none, and takes room from the trail.
            let _ = fs::remove_file(&self.path);
            return Err(error);
        }
        self.state = State::Kept;
        Ok(())
    }
}

/// Gives up the room of an earlier run, where it is there.
pub(super) fn abandon(dir: &Path) -> io::Result<()> {
    match fs::remove_file(dir.join(FILE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// What the disk of a folder has free for this process, in bytes.
pub(super) fn free(dir: &Path) -> io::Result<u64> {
    let disk = statvfs(dir)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn allocate(path: &Path, size: u64) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(path)?;
    match fallocate(&file, FallocateFlags::empty(), 0, size) {
        Ok(()) => file.sync_all(),
        Err(rustix::io::Errno::OPNOTSUPP) => fill(&mut file, size),
        Err(error) => Err(error.into()),
    }
}

fn fill(file: &mut File, size: u64) -> io::Result<()> {
    let block = vec![0; BLOCK];
    let mut left = size;
    while left > 0 {
        let part = block.len().min(usize::try_from(left).unwrap_or(BLOCK));
        file.write_all(&block[..part])?;
        left -= part as u64;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_that_somebody_took_away_is_given_once_and_taken_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut reserve = Reserve::open(folder.path(), 4096);
        fs::remove_file(folder.path().join("reserve")).unwrap();
        assert!(reserve.give().unwrap());
        assert!(reserve.is_given() && !reserve.give().unwrap());
        assert!(reserve.restore());
        assert_eq!(fs::metadata(folder.path().join("reserve")).unwrap().len(), 4096);
    }
}
