//! Real browsers: curl and Chromium, on a device that trusts the school's authority.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use super::*;
use crate::harness::{Program, Site, ten_mebibytes};
use tempfile::TempDir;
use tokio::process::Command;

/// Which of the two settings a page is loaded under: it must look the same.
const INSPECTIONS: [&str; 2] = ["surgical", "never"];

/// The policy in which this machine itself is a pupil's, inspected so.
fn policy(inspection: &str) -> String {
    let pupils = "[groups.pupils]\n";
    let hosts = "[\"h2.example\", \"h1only.example\", \"expired.example\"]";
    let inspect = format!("{pupils}inspect = \"{inspection}\"\ninspect_hosts = {hosts}\n");
    POLICY.replace(pupils, &inspect).replace("\"127.1.2.0/24\"", "\"127.1.2.0/24\", \"127.0.0.1/32\"")
}

async fn serving(inspection: &str) -> (Site, Program) {
    let site = Gateway::new().policy(&policy(inspection)).site().await;
    let program = site.serve().await;
    (site, program)
}

/// Both authorities in one file, as a managed device has them.
fn bundle(site: &Site) -> String {
    let school = std::fs::read_to_string(site.file("var/ca/authority.pem")).unwrap();
    let file = site.file("trusted.pem");
    std::fs::write(&file, format!("{school}\n{}", site.origin.authority_pem)).unwrap();
    file.display().to_string()
}

/// Says loudly that a browser is missing; in CI that is a failure.
fn is_missing(program: &str, package: &str) -> bool {
    use std::io::Write;
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|folder| folder.join(program).is_file()) {
        return false;
    }
    let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(!in_ci, "there is no {program} (Debian package {package})");
    let loud =
        format!("\n*** SKIPPED: NOT tested with a real browser: no {program} (Debian package {package})\n");
    std::io::stderr().write_all(loud.as_bytes()).unwrap();
    true
}

async fn curl(site: &Site, program: &Program, arguments: &[&str]) -> (String, Vec<u8>) {
    let mut command = Command::new("curl");
    command.args(["-sS", "--max-time", "20", "--proxy", &format!("http://{}", program.at("explicit"))]);
    command.args(["--cacert", &bundle(site), "-w", "%{stderr}%{http_code} %{http_version}"]).args(arguments);
    let said = command.stdin(Stdio::null()).output().await.unwrap();
    (String::from_utf8_lossy(&said.stderr).into_owned(), said.stdout)
}

/// curl over HTTP/1.1 and HTTP/2: pages, ten mebibytes both ways, refusals, bad certificates.
#[tokio::test(flavor = "multi_thread")]
async fn curl_gets_the_same_with_and_without_inspection() {
    if is_missing("curl", "curl") {
        return;
    }
    for inspection in INSPECTIONS {
        let (site, program) = serving(inspection).await;
        let body = site.file("body.bin");
        std::fs::write(&body, ten_mebibytes()).unwrap();
        let upload = format!("@{}", body.display());
        for (option, target, spoken) in [
            ("--http1.1", "h2.example", "1.1"),
            ("--http2", "h2.example", "2"),
            ("--http2", "h1only.example", "1.1"),
            ("--http1.1", "maths.example", "1.1"),
        ] {
            let what = format!("{inspection} {option} {target}");
            let (told, page) = curl(&site, &program, &[option, &format!("https://{target}/path?x")]).await;
            assert_eq!(told, format!("200 {spoken}"), "{what}");
            assert_eq!(page, b"/path?x", "{what}");
            let post = [option, "--data-binary", &upload, &format!("https://{target}/body")];
            let (told, page) = curl(&site, &program, &post).await;
            assert_eq!(told, format!("200 {spoken}"), "{what}");
            assert!(page == ten_mebibytes(), "{what}: {} bytes", page.len());
            let (told, _) = curl(&site, &program, &[option, "-I", &format!("https://{target}/large")]).await;
            assert_eq!(told, format!("200 {spoken}"), "{what}");
        }
        let (told, page) = curl(&site, &program, &["https://games.example/"]).await;
        let (bad, bad_page) = curl(&site, &program, &["https://expired.example/"]).await;
        if inspection == "never" {
            assert!(told.contains("403") && page.is_empty(), "refused at CONNECT: {told}");
            assert!(bad.contains("certificate has expired"), "{bad}");
        } else {
            assert!(
                told.starts_with("403") && text(&page).contains("This site is blocked"),
                "{told} {}",
                text(&page)
            );
            assert!(
                bad.starts_with("502") && text(&bad_page).contains("too old"),
                "{bad} {}",
                text(&bad_page)
            );
        }
    }
}

/// Chromium with a profile of its own, that trusts what a managed device does.
struct Chromium {
    home: TempDir,
    proxy: String,
}

impl Chromium {
    async fn new(site: &Site, program: &Program) -> Chromium {
        let home = tempfile::tempdir().unwrap();
        let store = home.path().join(".pki/nssdb");
        std::fs::create_dir_all(&store).unwrap();
        let store = format!("sql:{}", store.display());
        certutil(home.path(), &["-N", "-d", &store, "--empty-password"]).await;
        let school = site.file("var/ca/authority.pem");
        let origins = site.file("origin.pem");
        for (name, file) in [("school", school), ("origins", origins)] {
            let file = file.display().to_string();
            certutil(home.path(), &["-A", "-d", &store, "-t", "C,,", "-n", name, "-i", &file]).await;
        }
        Chromium { home, proxy: format!("--proxy-server=http://{}", program.at("explicit")) }
    }

    /// The page as it is once it has loaded.
    async fn page(&self, url: &str) -> String {
        let mut command = Command::new("chromium");
        command.args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]);
        command.args(["--disable-background-networking", "--disable-component-update", "--no-first-run"]);
        command.arg(format!("--user-data-dir={}", self.home.path().join("profile").display()));
        command.args([&self.proxy, "--dump-dom", url]).env("HOME", self.home.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let said = tokio::time::timeout(Duration::from_secs(60), command.output()).await;
        let said = said.unwrap_or_else(|_| panic!("{url}: it never finished")).unwrap();
        let dom = text(&said.stdout);
        assert!(!dom.trim().is_empty(), "{url}: {}", text(&said.stderr));
        dom
    }
}

async fn certutil(home: &Path, arguments: &[&str]) {
    let said = Command::new("certutil").args(arguments).env("HOME", home).output().await.unwrap();
    assert!(said.status.success(), "{arguments:?}: {}", text(&said.stderr));
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The list that the page of the tests has made of what it found.
fn findings(dom: &str) -> Vec<String> {
    let list = dom.split("<ul id=\"findings\">").nth(1).and_then(|rest| rest.split("</ul>").next());
    let items = list.unwrap_or_default().split("<li>").skip(1);
    items.map(|item| item.split("</li>").next().unwrap_or_default().to_owned()).collect()
}

const FOUND: [&str; 6] = [
    "cookie: one=1",
    "image: 12x34",
    "json: forty-two",
    "posted: 100000ab",
    "sheet: rgb(1, 2, 3)",
    "socket: hello there",
];

/// A page with a style sheet, an image, JSON, a form, cookies and a WebSocket is the same page with
/// and without inspection; what is refused, and what can't be trusted, is said.
#[tokio::test(flavor = "multi_thread")]
async fn chromium_shows_the_same_page_with_and_without_inspection() {
    if is_missing("chromium", "chromium") || is_missing("certutil", "libnss3-tools") {
        return;
    }
    for inspection in INSPECTIONS {
        for target in ["h2.example", "h1only.example"] {
            let (site, program) = serving(inspection).await;
            let chromium = Chromium::new(&site, &program).await;
            let dom = chromium.page(&format!("https://{target}/page")).await;
            assert_eq!(findings(&dom), FOUND, "{inspection} {target}: {dom}");
            let trail = site.trail();
            let seen = trail.iter().filter(|event| event["url"]["path"] == "/style.css").count();
            assert_eq!(seen > 0, inspection == "surgical", "{inspection} {target}");
            if inspection == "surgical" && target == "h2.example" {
                let dom = chromium.page("https://games.example/").await;
                assert!(dom.contains("This site is blocked") && dom.contains("Games"), "{dom}");
                let dom = chromium.page("https://shared.example/listed/page").await;
                assert!(dom.contains("Access denied"), "{dom}");
                let dom = chromium.page("https://expired.example/").await;
                assert!(dom.contains("too old") && !dom.contains("hello from the origin"), "{dom}");
            }
        }
    }
}
