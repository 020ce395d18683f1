//! A disk that is full, one that can't be written to, and a record that somebody moved away: what is
//! let pass is recorded or refused, blocks and acts go on as long as there is room, and nothing that
//! was answered is lost.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use schoolgate::web::local::call;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::harness::{Browser, Gateway, Program, Site, skipped, within};

/// The least that is enough: what is less is told of.
const ENOUGH: &str = "1600m";

/// A site whose state stands on a file system of its own, which this test alone sees: it lies in a
/// mount namespace, so that no privileges are needed and nothing is left behind.
struct OwnDisk {
    site: Site,
    holder: Child,
}

impl OwnDisk {
    /// `None` where this system lets no namespaces be made, after saying so.
    async fn make() -> Option<OwnDisk> {
        let site = Gateway::new().site().await;
        std::fs::create_dir(site.file("var")).unwrap();
        let mut command = Command::new("unshare");
        let make = format!("mount -t tmpfs -o size={ENOUGH},mode=700 tmpfs \"$0\" && echo made && exec cat");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &make]).arg(site.file("var"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut holder = command.spawn().expect("unshare (Debian package util-linux)");
        let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines();
        if within(lines.next_line()).await.unwrap().as_deref() == Some("made") {
            return Some(OwnDisk { site, holder });
        }
        let said = within(holder.wait_with_output()).await.unwrap();
        skipped("a full disk was", &String::from_utf8_lossy(&said.stderr));
        None
    }

    /// Something to be run where the disk is seen. `nsenter` becomes it, so that signals reach it.
    fn inside(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--preserve-credentials", "--user", "--mount", "--target"]);
        command.arg(self.holder.id().unwrap().to_string()).args(["--", program]);
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    fn schoolgate(&self, arguments: &[&str]) -> Command {
        let mut command = self.inside(env!("CARGO_BIN_EXE_schoolgate"));
        command.args(arguments).arg("--config").arg(self.site.file("schoolgate.toml"));
        command
    }

    async fn serve(&self) -> Program {
        Program::start(&mut self.schoolgate(&["serve"])).await
    }

    async fn said(&self, arguments: &[&str]) -> String {
        let said = within(self.schoolgate(arguments).output()).await.unwrap();
        assert!(said.status.success(), "{arguments:?}: {said:?}");
        String::from_utf8(said.stdout).unwrap()
    }

    /// Runs a line of shell in the state's folder.
    async fn shell(&self, line: &str) {
        let mut command = self.inside("sh");
        let said =
            within(command.args(["-ec", &format!("cd \"$0\"; {line}")]).arg(self.site.file("var")).output());
        let said = said.await.unwrap();
        assert!(said.status.success(), "{line}: {said:?}");
    }

    /// How large the disk is.
    async fn resize(&self, size: &str) {
        self.shell(&format!("mount -o remount,size={size} \"$0\"")).await;
    }

    /// Leaves nothing free on the disk.
    async fn fill(&self) {
        self.shell("size=$(df -k --output=used . | tail -1); mount -o remount,size=$((size + 64))k \"$0\"")
            .await;
        self.shell(
            "cat /dev/zero > ballast 2>/dev/null || true; ! head -c 4096 /dev/zero > more 2>/dev/null",
        )
        .await;
    }

    /// Where this process sees what stands on the disk.
    fn file(&self, path: &str) -> PathBuf {
        let file = self.site.file("var").join(path);
        let root = format!("/proc/{}/root", self.holder.id().unwrap());
        Path::new(&root).join(file.strip_prefix("/").unwrap())
    }

    /// Every line of the trail, from its files.
    fn trail(&self, folder: &str) -> Vec<Value> {
        let listed = |path: &Path| {
            let entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
            entries.collect::<BTreeSet<PathBuf>>()
        };
        let days = listed(&self.file(folder)).into_iter().filter(|path| path.is_dir());
        let is_segment = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.strip_suffix(".jsonl").is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let files = days.flat_map(|day| listed(&day)).filter(is_segment);
        let texts: Vec<String> = files.map(|file| std::fs::read_to_string(file).unwrap()).collect();
        texts.iter().flat_map(|text| text.lines()).map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    async fn staff(&self, name: &str, role: &str) -> String {
        self.said(&["staff", "add", name, "--role", role]).await;
        self.said(&["staff", "token", name]).await.trim().to_owned()
    }

    /// Proposes that a host be blocked.
    async fn block(&self, token: &str, host: &str) -> (u16, Value) {
        let change = json!({ "kind": "entry", "list": "school/block", "op": "add", "entry": host });
        let proposal = json!({ "change": change, "reason": "for the maths topic of this week" });
        let socket = self.file("schoolgate.sock");
        within(call(&socket, "POST", "/api/v1/changes", Some(token), Some(proposal))).await.unwrap()
    }

    /// Ends the program in order; the trail must verify, and hold all of these addresses.
    async fn ends(self, mut program: Program, answered: &[String]) -> Vec<Value> {
        program.signal("TERM").await;
        assert!(program.ended().await.success(), "{}", program.said());
        let trail = self.trail("audit");
        self.said(&["audit", "verify"]).await;
        let held: BTreeSet<&str> =
            trail.iter().filter_map(|event| event.pointer("/url/full").and_then(Value::as_str)).collect();
        let lost: Vec<_> = answered.iter().filter(|url| !held.contains(url.as_str())).collect();
        assert!(lost.is_empty(), "answered and not in the trail: {lost:?}");
        trail
    }
}

/// One who asks for a new address each time, and notes which were answered by the site or a refusal
/// that is on record.
struct Pupil {
    browser: Browser,
    asked: u32,
    answered: Vec<String>,
}

impl Pupil {
    fn new(disk: &OwnDisk, program: &Program) -> Pupil {
        Pupil { browser: disk.site.browser(program, "ks2"), asked: 0, answered: Vec::new() }
    }

    async fn get(&mut self, host: &str) -> u16 {
        self.asked += 1;
        let url = format!("http://{host}/page-{}", self.asked);
        let status = self.browser.get(&url).await.status;
        assert!(matches!(status, 200 | 403 | 503), "{url}: {status}");
        if status != 503 {
            self.answered.push(url);
        }
        status
    }
}

fn has_alarm(body: &Value, name: &str) -> bool {
    body["alarms"].as_array().unwrap().iter().any(|alarm| alarm["list"] == name)
}

fn details<'a>(trail: &'a [Value], action: &str) -> Vec<&'a Value> {
    let of = trail.iter().filter(|event| event["event"]["action"] == action);
    of.map(|event| &event["schoolgate"]["details"]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_what_passes_records_blocks_and_acts_and_mends_by_itself() {
    let Some(disk) = OwnDisk::make().await else { return };
    let program = disk.serve().await;
    let manager = disk.staff("m.jones", "filtering_manager").await;
    let mut pupil = Pupil::new(&disk, &program);
    assert_eq!((pupil.get("maths.example").await, pupil.get("games.example").await), (200, 403));
    program.becomes("room enough", |status, body| status == 200 && !has_alarm(body, "disk")).await;

    disk.fill().await;
    // What is left of the last block of the segment takes some lines yet; the line that does not fit
    // opens the kept room.
    let mut refused = 0;
    while refused < 5 {
        refused += u32::from(pupil.get("maths.example").await == 503);
        assert!(pupil.asked < 200);
    }
    assert_eq!(pupil.get("games.example").await, 403, "a block is recorded in the kept room");
    program.becomes("an alarm", |status, body| status == 503 && has_alarm(body, "disk")).await;
    let (status, answer) = disk.block(&manager, "one.example").await;
    assert_eq!(status, 201, "an act goes on record in the kept room: {answer}");

    // The kept room is full as well: nothing can be recorded, and nothing happens.
    disk.fill().await;
    while pupil.get("games.example").await != 503 {
        assert!(pupil.asked < 200);
    }
    let mut acts = 1;
    let (status, answer) = loop {
        let (status, answer) = disk.block(&manager, &format!("two-{acts}.example")).await;
        match status {
            201 => acts += 1,
            _ => break (status, answer),
        }
        assert!(acts < 50);
    };
    assert_eq!((status, &answer["code"]), (507, &json!("no_room")), "{answer}");
    assert!(answer["detail"].as_str().unwrap().contains("disk"), "{answer}");
    assert_eq!(pupil.get("maths.example").await, 503);

    disk.shell("rm ballast more").await;
    disk.resize(ENOUGH).await;
    program
        .becomes("everything passes again", |status, body| status == 200 && !has_alarm(body, "disk"))
        .await;
    assert_eq!((pupil.get("maths.example").await, pupil.get("games.example").await), (200, 403));
    assert_eq!(disk.block(&manager, "three.example").await.0, 201);
    let answered = std::mem::take(&mut pupil.answered);
    let trail = disk.ends(program, &answered).await;
    for action in ["disk.short", "audit.reserve_opened", "audit.resumed", "disk.enough"] {
        assert_eq!(details(&trail, action).len(), 1, "{action}");
    }
    let counted = details(&trail, "audit.resumed")[0]["refused"].as_u64().unwrap();
    let unanswered = u64::from(pupil.asked) - answered.len() as u64;
    assert!(counted >= unanswered, "{counted} are said to be refused, {unanswered} were");
    let recorded = trail.iter().filter(|event| {
        event["event"]["action"] == "change.proposed" && event["event"]["outcome"] == "success"
    });
    assert_eq!(recorded.count(), acts + 1, "just the acts that were answered as done");
}

/// A file system that can't be written to lies over the record: what is asked for is refused; when it
/// is gone, all goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_became_read_only_refuses_until_it_can_be_written_again() {
    let Some(disk) = OwnDisk::make().await else { return };
    let program = disk.serve().await;
    let manager = disk.staff("m.jones", "filtering_manager").await;
    let mut pupil = Pupil::new(&disk, &program);
    assert_eq!(pupil.get("maths.example").await, 200);

    // The folder by itself: the open segment is written on.
    disk.shell("mount --bind audit audit; mount -o remount,bind,ro audit").await;
    assert_eq!((pupil.get("maths.example").await, pupil.get("games.example").await), (200, 403));
    disk.shell("umount audit").await;

    disk.shell("mount -t tmpfs -o ro none audit").await;
    assert_eq!((pupil.get("maths.example").await, pupil.get("games.example").await), (503, 503));
    let (status, answer) = disk.block(&manager, "one.example").await;
    assert_eq!((status, &answer["code"]), (503, &json!("not_recorded")), "{answer}");
    program.becomes("not ready", |status, _| status == 503).await;
    disk.shell("umount audit").await;
    program.becomes("ready again", |status, _| status == 200).await;
    assert_eq!((pupil.get("maths.example").await, pupil.get("games.example").await), (200, 403));
    assert_eq!(disk.block(&manager, "one.example").await.0, 201);
    let trail = disk.ends(program, &pupil.answered).await;
    let resumed = details(&trail, "audit.resumed");
    assert!(resumed[0]["error"].as_str().unwrap().contains("Read-only"), "{resumed:?}");
}

/// Somebody moves the record away while it is written: it is told of, the chain goes on in a new
/// folder, and put together again both are whole.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_moved_away_goes_on_and_can_be_put_together() {
    let Some(disk) = OwnDisk::make().await else { return };
    let program = disk.serve().await;
    let manager = disk.staff("m.jones", "filtering_manager").await;
    let mut pupil = Pupil::new(&disk, &program);
    assert_eq!((pupil.get("maths.example").await, pupil.get("games.example").await), (200, 403));
    disk.shell("mv audit away").await;
    assert_eq!((pupil.get("maths.example").await, pupil.get("games.example").await), (200, 403));
    assert_eq!(disk.block(&manager, "one.example").await.0, 201);
    program.becomes("still ready", |status, _| status == 200).await;
    assert_eq!(details(&disk.trail("audit"), "audit.disturbed").len(), 1);

    // And back, under its feet, with what came meanwhile.
    disk.shell("mv audit meanwhile; mv away audit; for day in meanwhile/????-??-??; do \
                cp -n $day/*[0-9].jsonl audit/${day#*/}/; cat $day/checkpoints.jsonl >> audit/${day#*/}/checkpoints.jsonl; \
                done").await;
    assert_eq!((pupil.get("maths.example").await, pupil.get("games.example").await), (200, 403));
    disk.ends(program, &pupil.answered).await;
}
