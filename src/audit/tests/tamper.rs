//! Every kind of tampering is found at the very record, here and by the independent verifier.

use std::process::Command;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::audit::{Anchor, Fault, FaultKind, Options, verify};

static SAMPLE: LazyLock<Trail> = LazyLock::new(|| Trail::filled(12, 5000));

/// A copy of the sample that a test may spoil.
pub(super) struct Copy {
    dir: tempfile::TempDir,
    pub(super) paths: Vec<PathBuf>,
}

impl Copy {
    fn new() -> Copy {
        Copy::of(&SAMPLE)
    }

    /// A copy of this trail: its segments and checkpoints, and the public key.
    pub(super) fn of(trail: &Trail) -> Copy {
        let dir = tempfile::tempdir().unwrap();
        let from = trail.dir();
        let days =
            fs::read_dir(&from).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
        let mut files: Vec<PathBuf> =
            days.flat_map(|day| fs::read_dir(day).unwrap().map(|entry| entry.unwrap().path())).collect();
        files.extend(Some(from.join("key.pem")).filter(|key| key.exists()));
        for path in files {
            let to = dir.path().join(path.strip_prefix(&from).unwrap());
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(path, &to).unwrap();
        }
        let within = |path: &PathBuf| dir.path().join(path.strip_prefix(&from).unwrap());
        let paths = trail.segments().iter().map(within).collect();
        Copy { dir, paths }
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Rewrites the lines of one segment.
    fn edit(&self, segment: usize, edit: impl FnOnce(&mut Vec<String>)) {
        let text = fs::read_to_string(&self.paths[segment]).unwrap();
        let mut lines = text.lines().map(|line| format!("{line}\n")).collect();
        edit(&mut lines);
        fs::write(&self.paths[segment], lines.concat()).unwrap();
    }

    pub(super) fn faults(&self, known: &[Anchor]) -> Vec<Fault> {
        verify(self.dir.path(), &Options::knowing(known)).unwrap().faults
    }

    /// What the independent verifier says: each fault's file and line.
    pub(super) fn python(&self, known: &[Anchor]) -> Vec<(PathBuf, u64)> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verify_audit.py");
        let heads = known.iter().map(ToString::to_string);
        let out = Command::new("python3").arg(script).arg(self.dir.path()).args(heads).output().unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        let faults: Vec<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix("FAULT "))
            .map(|line| line.splitn(3, ':').collect::<Vec<_>>())
            .map(|parts| (PathBuf::from(parts[0]), parts[1].parse().unwrap()))
            .collect();
        let code = if faults.is_empty() { 0 } else { 1 };
        assert_eq!(out.status.code(), Some(code), "{text}{}", String::from_utf8_lossy(&out.stderr));
        faults
    }
}

fn head_of_sample() -> Anchor {
    let report = sound(&SAMPLE.dir());
    Anchor { sequence: report.last.unwrap(), hash: report.head.unwrap() }
}

#[test]
fn tampering_is_found_at_the_record() {
    use FaultKind::*;
    type Spoil = Box<dyn Fn(&Copy)>;
    let head = head_of_sample();
    let rename =
        |copy: &Copy, name: &str| fs::rename(&copy.paths[1], copy.paths[1].with_file_name(name)).unwrap();
    let (first, second) = (0, 1);
    let length = fs::read_to_string(&SAMPLE.segments()[0]).unwrap().lines().count() as u64;
    let cases: Vec<(&str, Spoil, usize, u64, FaultKind)> = vec![
        ("edit", Box::new(move |c| c.edit(first, |l| l[2] = l[2].replace("site-2", "site-9"))), 0, 3, Edited),
        ("delete", Box::new(move |c| c.edit(first, |l| drop(l.remove(1)))), 0, 2, Missing { from: 2 }),
        ("delete the first", Box::new(move |c| c.edit(first, |l| drop(l.remove(0)))), 0, 1, NoBeginning),
        ("swap", Box::new(move |c| c.edit(first, |l| l.swap(1, 2))), 0, 2, Missing { from: 2 }),
        ("copy", Box::new(move |c| c.edit(first, |l| l.insert(3, l[1].clone()))), 0, 4, OutOfPlace),
        ("insert", Box::new(move |c| c.edit(first, |l| l.insert(2, "{}\n".into()))), 0, 3, Malformed),
        (
            "end of a segment",
            Box::new(move |c| c.edit(first, |l| drop(l.pop()))),
            1,
            1,
            Missing { from: length },
        ),
        (
            "segment",
            Box::new(move |c| fs::remove_file(&c.paths[second]).unwrap()),
            2,
            1,
            Missing { from: length + 1 },
        ),
        ("rename", Box::new(move |c| rename(c, "000000000007.jsonl")), 1, 1, Misnamed),
        (
            "truncate",
            Box::new(move |c| c.edit(2, |l| drop(l.pop()))),
            2,
            0,
            Truncated { head: head.sequence },
        ),
    ];
    assert!(Copy::new().faults(&[head]).is_empty());
    assert!(Copy::new().python(&[head]).is_empty());
    for (name, spoil, segment, line, what) in cases {
        let copy = Copy::new();
        assert_eq!(copy.paths.len(), 3);
        spoil(&copy);
        let faults = copy.faults(&[head]);
        let file = faults[0].file.file_name().unwrap();
        let renamed = name == "rename";
        assert!(renamed || file == copy.paths[segment].file_name().unwrap(), "{name}: {faults:#?}");
        assert_eq!((faults[0].line, &faults[0].what), (line, &what), "{name}: {faults:#?}");
        assert!(faults.len() <= 2, "{name}: {faults:#?}");
        let python = copy.python(&[head]);
        assert_eq!(python[0], (faults[0].file.clone(), line), "{name}: {python:?}");
    }
}

/// Whoever can write everything can make a whole new chain; an older head tells.
#[test]
fn a_rewritten_trail_is_told_by_an_older_head() {
    let trail = Trail::filled(12, 5000);
    sound(&trail.dir());
    let noted = Anchor { sequence: 5, ..head_of_sample() };
    let faults = verify(&trail.dir(), &Options::knowing(&[noted])).unwrap().faults;
    assert_eq!(
        faults.iter().map(|fault| (fault.sequence, &fault.what)).collect::<Vec<_>>(),
        [(Some(5), &FaultKind::Rewritten)]
    );
}

#[test]
fn days_that_retention_removed_are_vouched_for_by_their_last_head() {
    let copy = Copy::new();
    let last = fs::read_to_string(&copy.paths[0]).unwrap().lines().last().unwrap().to_owned();
    let event: serde_json::Value = serde_json::from_str(&last).unwrap();
    let kept = format!("{}:{}", event["event"]["sequence"], event["schoolgate"]["hash"].as_str().unwrap());
    fs::remove_file(&copy.paths[0]).unwrap();
    assert_eq!(copy.faults(&[])[0].what, FaultKind::NoBeginning);
    let kept = [kept.parse().unwrap()];
    assert!(copy.faults(&kept).is_empty() && copy.python(&kept).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_single_bit_is_found_at_its_line(segment in 0..3usize, place in any::<prop::sample::Index>(), bit in 0..8u8) {
        let copy = Copy::new();
        let path = &copy.paths[segment];
        let mut bytes = fs::read(path).unwrap();
        let at = place.index(bytes.len());
        let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
        bytes[at] ^= 1 << bit;
        fs::write(path, bytes).unwrap();
        let faults = copy.faults(&[]);
        prop_assert!(!faults.is_empty());
        prop_assert_eq!((&faults[0].file, faults[0].line), (path, line));
        prop_assert!(faults.len() <= 3, "{:#?}", faults);
    }
}

/// Not a test of rightness: `cargo test --release million -- --ignored --nocapture`.
#[test]
#[ignore = "takes a gigabyte of disk"]
fn a_million_events_are_verified_in_seconds() {
    let trail = Trail::signed(64 << 20);
    let running = trail.start();
    let start = std::time::Instant::now();
    trail.runtime.block_on(async {
        let tasks = (0..200).map(|_| {
            let recorder = running.recorder.clone();
            tokio::spawn(async move {
                for number in 0..5000 {
                    recorder.record(access(&format!("site-{number}.example"))).await.unwrap();
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    });
    println!("recorded in {:?}", start.elapsed());
    running.writer.finish();
    let start = std::time::Instant::now();
    assert_eq!(sound(&trail.dir()).events, 1_000_001);
    println!("verified in {:?}, plain", start.elapsed());
    trail.pack();
    let start = std::time::Instant::now();
    assert_eq!(sound(&trail.dir()).events, 1_000_001);
    println!("verified in {:?}, compressed", start.elapsed());
    let start = std::time::Instant::now();
    let host = Some(Host::parse("site-4999.example").unwrap());
    let found =
        crate::audit::scan(&trail.dir(), &crate::audit::Filter { host, ..Default::default() }, |_| true);
    println!("{} found in {:?}", found.unwrap(), start.elapsed());
}

/// A trail that is gone whole is not taken for one that holds.
#[test]
fn a_folder_without_one_record_is_no_sound_trail() {
    let gone = Copy::new();
    fs::remove_dir_all(gone.paths[0].parent().unwrap()).unwrap();
    assert_eq!(
        gone.faults(&[]).into_iter().map(|fault| fault.what).collect::<Vec<_>>(),
        [FaultKind::NoTrail]
    );
    assert_eq!(gone.python(&[]), [(gone.path().to_owned(), 0)]);
    let noted = gone.faults(&[head_of_sample()]);
    assert_eq!(noted[0].what, FaultKind::Truncated { head: head_of_sample().sequence });
}
