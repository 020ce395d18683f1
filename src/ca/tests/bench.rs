//! The bench that the tests work at: an authority in a folder of its own, and openssl beside it.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::ca::{Authority, AuthorityError, Minter};
use crate::model::{Host, Timestamp};
use crate::settings::{Inspect, Pair};

/// A Tuesday in a term.
pub(super) const NOW: &str = "2026-11-24T09:00:00Z";
pub(super) const SCHOOL: &str = "St Example's CE Primary";

pub(super) struct Bench {
    pub(super) dir: TempDir,
    pub(super) inspect: Inspect,
}

impl Bench {
    pub(super) fn new() -> Bench {
        let never = ["childline.org.uk", "nhs.uk"].map(name).to_vec();
        Bench {
            dir: tempfile::tempdir().unwrap(),
            inspect: Inspect { authority: None, no_inspect: None, never },
        }
    }

    /// One that is given the files `ca.pem` and `ca.key` of its folder.
    pub(super) fn given() -> Bench {
        let mut bench = Bench::new();
        let pair = Pair { certificate: bench.file("ca.pem"), key: bench.file("ca.key") };
        bench.inspect.authority = Some(pair);
        bench
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn open(&self) -> Result<Authority, AuthorityError> {
        Authority::open(&self.inspect, self.dir.path(), SCHOOL, at(NOW))
    }

    pub(super) fn minter(&self) -> Minter {
        Minter::new(self.open().unwrap()).unwrap()
    }

    /// Runs openssl in the folder: whether it is content, and what it says.
    pub(super) fn openssl(&self, arguments: &str) -> (bool, String) {
        openssl(self.dir.path(), &arguments.split(' ').collect::<Vec<_>>())
    }
}

pub(super) fn openssl(dir: &Path, arguments: &[&str]) -> (bool, String) {
    let done = Command::new("openssl").args(arguments).current_dir(dir).output().unwrap();
    let said = [done.stdout, done.stderr].concat();
    (done.status.success(), String::from_utf8_lossy(&said).into_owned())
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn host(text: &str) -> Host {
    Host::parse(text).unwrap()
}

pub(super) fn name(text: &str) -> crate::model::Name {
    host(text).name().unwrap().clone()
}

/// PEM of a certificate.
pub(super) fn pem(der: &[u8], beside: &Path) -> String {
    let raw = beside.join("to-pem.der");
    std::fs::write(&raw, der).unwrap();
    let (good, pem) = openssl(beside, &["x509", "-inform", "DER", "-in", "to-pem.der"]);
    assert!(good, "{pem}");
    pem
}
