//! The bench that the tests work at: an authority in a folder of its own, and openssl beside it.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tempfile::TempDir;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::validate::{Validator, VecLogger, X509StructureValidator};

use crate::ca::{Authority, AuthorityError, Minter, since_epoch};
use crate::model::{Host, Name, Timestamp};
use crate::settings::{Inspect, Pair};

/// A Tuesday in a term.
pub(super) const NOW: &str = "2026-11-24T09:00:00Z";
pub(super) const SCHOOL: &str = "St Example's CE Primary";
pub(super) const DAY: Duration = Duration::from_secs(86_400);

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

    /// One that is given an authority like this.
    pub(super) fn given_as(params: &CertificateParams) -> Bench {
        let bench = Bench::given();
        let key = KeyPair::generate().unwrap();
        bench.write("ca.pem", &params.self_signed(&key).unwrap().pem());
        bench.write_key("ca.key", &key.serialize_pem());
        bench
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap()
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.file(name), text).unwrap();
    }

    pub(super) fn write_key(&self, name: &str, text: &str) {
        self.write(name, text);
        self.allow(name, 0o600);
    }

    pub(super) fn allow(&self, name: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(self.file(name), PermissionsExt::from_mode(mode)).unwrap();
    }

    pub(super) fn mode(&self, name: &str) -> u32 {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(self.file(name)).unwrap().permissions().mode() & 0o7777
    }

    pub(super) fn open(&self) -> Result<Authority, AuthorityError> {
        self.open_at(at(NOW))
    }

    pub(super) fn open_at(&self, now: Timestamp) -> Result<Authority, AuthorityError> {
        Authority::open(&self.inspect, self.dir.path(), SCHOOL, now)
    }

    pub(super) fn minter(&self) -> Minter {
        Minter::new(self.open().unwrap()).unwrap()
    }

    /// The authority as one who has stolen its key would use it.
    pub(super) fn stolen(&self) -> Issuer<'static, KeyPair> {
        let key = KeyPair::from_pem(&self.text("ca/authority.key")).unwrap();
        Issuer::from_ca_cert_pem(&self.text("ca/authority.pem"), key).unwrap()
    }

    /// Runs openssl in the folder: whether it is content, and what it says.
    pub(super) fn openssl(&self, arguments: &str) -> (bool, String) {
        let words: Vec<&str> = arguments.split_whitespace().collect();
        let done = Command::new("openssl").args(words).current_dir(self.dir.path()).output().unwrap();
        let said = [done.stdout, done.stderr].concat();
        (done.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    pub(super) fn made(&self, arguments: &str) {
        let (good, said) = self.openssl(arguments);
        assert!(good, "openssl {arguments}: {said}");
    }

    /// What `openssl verify` says of a leaf, under the authority in the state folder.
    pub(super) fn verify(&self, leaf: &[u8], more: &str) -> (bool, String) {
        std::fs::write(self.file("leaf.der"), leaf).unwrap();
        self.made("x509 -inform DER -in leaf.der -out leaf.pem");
        let at = since_epoch(at(NOW)).as_secs();
        self.openssl(&format!(
            "verify -purpose sslserver -x509_strict -attime {at} {more} -CAfile ca/authority.pem leaf.pem"
        ))
    }
}

/// What an authority is at least.
pub(super) fn authority(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// What openssl makes begins now.
pub(super) fn today() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp::from_millis(0).plus(since)
}

pub(super) fn host(text: &str) -> Host {
    Host::parse(text).unwrap()
}

pub(super) fn name(text: &str) -> Name {
    host(text).name().unwrap().clone()
}

pub(super) fn parsed(der: &[u8]) -> X509Certificate<'_> {
    X509Certificate::from_der(der).unwrap().1
}

/// What a linter has against a certificate.
pub(super) fn lint(der: &[u8]) -> Vec<String> {
    let mut log = VecLogger::default();
    X509StructureValidator.validate(&parsed(der), &mut log);
    [log.warnings(), log.errors()].concat()
}
