//! Finds the captured hellos and corpora that the tests of this module read.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// What the manifest says of one captured hello.
#[derive(Deserialize)]
pub(super) struct Expected {
    pub(super) file: String,
    pub(super) expected_sni: Option<String>,
    pub(super) expected_host: Option<String>,
    pub(super) alpn: Vec<String>,
    pub(super) ech: String,
    pub(super) supported_versions: Vec<String>,
    pub(super) size: usize,
}

/// The hellos kept with the project.
pub(super) fn hellos() -> Vec<(Expected, Vec<u8>)> {
    read_hellos(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/clienthello"))
}

/// All captured hellos, where the large data set lies beside the project.
pub(super) fn all_hellos() -> Option<Vec<(Expected, Vec<u8>)>> {
    beside_the_project("clienthello").map(|folder| read_hellos(&folder))
}

/// One hello kept with the project, by its name without `.bin`.
pub(super) fn hello(name: &str) -> Vec<u8> {
    let file = format!("tests/fixtures/clienthello/{name}.bin");
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// A part of the large data set: below `SCHOOLGATE_DATA`, or else beside the project.
pub(super) fn beside_the_project(part: &str) -> Option<PathBuf> {
    let root = std::env::var_os("SCHOOLGATE_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    let path = root.join(part);
    if !path.exists() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

fn read_hellos(folder: &Path) -> Vec<(Expected, Vec<u8>)> {
    let manifest = std::fs::read(folder.join("manifest.json")).unwrap();
    let expected: Vec<Expected> = serde_json::from_slice(&manifest).unwrap();
    expected
        .into_iter()
        .map(|expected| {
            let bytes = std::fs::read(folder.join(&expected.file)).unwrap();
            (expected, bytes)
        })
        .collect()
}
