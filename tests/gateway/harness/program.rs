//! The real program as a process of its own: started, told by signals, killed.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use super::browser::{PATIENCE, within};
use super::{Browser, Builder, Origin, address_of};

/// A gateway's folder and its internet, for as many lives of the program as a test wants.
pub(crate) struct Site {
    pub(crate) origin: Origin,
    folder: TempDir,
    environment: Vec<(String, String)>,
}

/// The program while it runs. Dropped, it is killed.
pub(crate) struct Program {
    process: Child,
    banner: Vec<String>,
    stdout: watch::Receiver<String>,
    stderr: watch::Receiver<String>,
}

impl Builder {
    /// Writes everything and starts the origin; the program itself is started by `serve`.
    pub(crate) async fn site(self) -> Site {
        let folder = tempfile::tempdir().unwrap();
        let origin = Origin::start().await;
        self.write(folder.path(), &origin);
        Site { origin, folder, environment: self.settings }
    }
}

impl Site {
    /// A file of the folder.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes a file of the folder.
    pub(crate) fn write(&self, path: &str, text: &str) {
        std::fs::write(self.file(path), text).unwrap();
    }

    /// A variable of the program's environment.
    pub(crate) fn variable(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Runs a subcommand to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        within(self.command(arguments).output()).await.unwrap()
    }

    /// Starts the gateway; back once it says where it listens.
    pub(crate) async fn serve(&self) -> Program {
        Program::start(&mut self.command(&["serve"])).await
    }

    /// A command on this site, not yet started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_schoolgate"));
        command.args(arguments).arg("--config").arg(self.file("schoolgate.toml"));
        command.env_remove("NOTIFY_SOCKET").env_remove("WATCHDOG_USEC").env_remove("SCHOOLGATE_LOG");
        command.envs(self.environment.iter().map(|(name, value)| (name, value))).kill_on_drop(true);
        command
    }

    /// A client in the subnet of a group, at the explicit door.
    pub(crate) fn browser(&self, program: &Program, group: &str) -> Browser {
        Browser::new(address_of(group), program.at("explicit"), vec![self.origin.authority.clone()])
    }

    /// The same on a device that the school manages: it trusts the school's authority as well.
    pub(crate) fn managed(&self, program: &Program, group: &str) -> Browser {
        let school = CertificateDer::from_pem_file(self.file("var/ca/authority.pem")).unwrap();
        let trusted = vec![self.origin.authority.clone(), school];
        Browser::new(address_of(group), program.at("explicit"), trusted)
    }

    /// Every line of the audit trail, read from its files without the program's help.
    pub(crate) fn trail(&self) -> Vec<Value> {
        let text: Vec<String> =
            self.segments().iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
        text.iter().flat_map(|text| text.lines()).map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The files of the audit trail, in order.
    pub(crate) fn segments(&self) -> Vec<PathBuf> {
        let within = |path: &Path| -> Vec<PathBuf> {
            let mut found: Vec<PathBuf> =
                std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
            found.sort();
            found
        };
        let days = within(&self.file("var/audit")).into_iter().filter(|path| path.is_dir());
        let files = days.flat_map(|day| within(&day));
        let is_segment = |path: &PathBuf| {
            let stem = path.file_stem().unwrap().to_string_lossy();
            path.extension().is_some_and(|end| end == "jsonl")
                && stem.bytes().all(|byte| byte.is_ascii_digit())
        };
        files.filter(is_segment).collect()
    }

    /// The trail must verify, by the program's own command.
    pub(crate) async fn verify(&self) {
        let said = self.run(&["audit", "verify"]).await;
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
    }
}

impl Program {
    /// Starts a command that serves, and reads what it says of itself.
    pub(crate) async fn start(command: &mut Command) -> Program {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = follow(process.stderr.take().unwrap());
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut banner = Vec::new();
        while let Some(line) = within(lines.next_line()).await.unwrap() {
            let last = line.trim_start().starts_with("metrics");
            banner.push(line);
            if last {
                let stdout = follow(lines.into_inner());
                return Program { process, banner, stdout, stderr };
            }
        }
        panic!("it did not start: {}", *stderr.borrow());
    }

    /// Where it listens, as its banner says: `explicit`, `transparent tls`, `API`.
    pub(crate) fn at(&self, name: &str) -> SocketAddr {
        let line = self.banner.iter().find_map(|line| line.trim_start().strip_prefix(name)).unwrap();
        let place = line.split_whitespace().last().unwrap().trim_start_matches("http://");
        place.split('/').next().unwrap().parse().unwrap()
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.id().unwrap()
    }

    /// Sends a signal: `TERM`, `HUP`.
    pub(crate) async fn signal(&self, name: &str) {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("kill -{name} {}", self.id()));
        assert!(command.status().await.unwrap().success());
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        within(self.process.wait()).await.unwrap()
    }

    /// Ends it as a crash or a power cut would: it gets no chance to do anything.
    pub(crate) async fn kill(mut self) {
        self.process.kill().await.unwrap();
    }

    /// What it has said on stderr so far.
    pub(crate) fn said(&self) -> String {
        self.stderr.borrow().clone()
    }

    /// All that it says of itself on stdout when it starts, up to the last thing to try.
    pub(crate) async fn all_of_the_banner(&mut self) -> String {
        let told = self.stdout.wait_for(|all| all.contains("how to see why"));
        let rest = within(told).await.unwrap().clone();
        format!("{}\n{rest}", self.banner.join("\n"))
    }

    /// Waits until it has said something on stderr, and gives all it has said so far.
    pub(crate) async fn says(&mut self, text: &str) -> String {
        self.says_again(text, 1).await
    }

    /// As `says`, for the so-many-th time.
    pub(crate) async fn says_again(&mut self, text: &str, times: usize) -> String {
        let told = self.stderr.wait_for(|all| all.matches(text).count() >= times);
        if let Ok(Ok(all)) = tokio::time::timeout(PATIENCE, told).await {
            return all.clone();
        }
        panic!("it never said {text:?} ({times}), but: {}", self.said());
    }
}

/// Collects what is said, line by line.
pub(crate) fn follow(stream: impl AsyncRead + Unpin + Send + 'static) -> watch::Receiver<String> {
    let (tell, told) = watch::channel(String::new());
    tokio::spawn(async move {
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            tell.send_modify(|all| {
                all.push_str(&line);
                all.push('\n');
            });
        }
    });
    told
}
