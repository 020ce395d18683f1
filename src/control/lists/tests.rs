//! Trees of lists, sound and broken.

mod compiled;
mod held;
mod import;
mod load;
mod overblocking;
mod protected;
mod school_day;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;
use crate::document::Fault;

pub(super) const KEYS: Keys = Keys { index: [1; 16], statutory: [2; 32] };

/// The project's own folder.
pub(super) fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A sound little tree in a folder of its own.
pub(super) struct Tree {
    pub(super) folder: TempDir,
}

impl Tree {
    pub(super) fn new() -> Tree {
        let tree = Tree { folder: TempDir::new().unwrap() };
        tree.write("lists/categories/games.txt", "# list: Games\n# Date: 2026-11-22\ngames.example\n");
        tree.write("lists/school/allow.txt", "# none\n");
        tree.write("lists/school/block.txt", "# none\n");
        tree.write("statutory/test.txt", "# schoolgate: synthetic\nlisted.example\n");
        tree
    }

    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(super) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(super) fn places(&self) -> Places {
        Places {
            lists: self.path("lists"),
            imported: self.path("imported"),
            statutory: self.path("statutory"),
            compiled: Kept::Written(self.path("compiled")),
            kept: self.path("kept"),
            fetched: Vec::new(),
            own: Vec::new(),
            exempt: Exempt::default(),
            max_shrink_percent: 20,
        }
    }

    pub(super) fn load(&self) -> Result<Loaded, Faults> {
        self.load_after(&Sizes::new())
    }

    pub(super) fn load_after(&self, sizes: &Sizes) -> Result<Loaded, Faults> {
        load(&self.places(), &KEYS, sizes, &|_, _, _| {})
    }

    /// The faults, which there must be.
    pub(super) fn faults(&self) -> Vec<Fault> {
        match self.load() {
            Ok(_) => panic!("no fault was found"),
            Err(faults) => faults.into_iter().collect(),
        }
    }
}
