//! What nobody without the key can do to a signed trail unseen, plain or compressed.

use std::mem::discriminant;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::tamper::Copy;
use super::*;
use crate::audit::line::Link;
use crate::audit::{FaultKind, Key, Options, verify};

/// A trail of three days, the first two of several compressed segments.
static SAMPLE: LazyLock<Trail> = LazyLock::new(|| {
    let trail = Trail::signed(5000);
    for day in ["2026-11-24", "2026-11-25", "2026-11-26"] {
        trail.set(&format!("{day}T09:00:00Z"));
        let running = trail.start();
        for number in 0..12 {
            trail.tick(20_000);
            trail.record(&running, access(&format!("site-{number}.example"))).unwrap();
        }
        running.writer.finish();
    }
    trail.pack();
    trail
});

fn kinds(copy: &Copy) -> Vec<FaultKind> {
    copy.faults(&[]).into_iter().map(|fault| fault.what).collect()
}

fn checkpoints_of(copy: &Copy, day: &str) -> PathBuf {
    copy.path().join(day).join("checkpoints.jsonl")
}

/// Changes a line and makes the chain anew from there on, as whoever has no key can.
fn rechained(lines: &mut [String], from: usize, change: impl FnOnce(&str) -> String) {
    let link = |line: &str| {
        let link = Link::read(line.trim_end().as_bytes()).unwrap();
        (link.hash, link.computed())
    };
    lines[from] = change(&lines[from]);
    let mut prev = link(&lines[from - 1]).0;
    for line in &mut lines[from..] {
        let body = line.find(",\"prev\":\"").unwrap();
        let chained = |hash| format!("{},\"prev\":\"{prev}\",\"hash\":\"{hash}\"}}}}\n", &line[..body]);
        let hash = link(&chained(prev)).1;
        *line = chained(hash);
        prev = hash;
    }
}

fn edit(path: &Path, edit: impl FnOnce(&mut Vec<String>)) {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.split_inclusive('\n').map(str::to_owned).collect();
    edit(&mut lines);
    fs::write(path, lines.concat()).unwrap();
}

type Spoil = Box<dyn Fn(&Copy)>;

/// What somebody does to a trail, and what is found.
fn spoilt() -> Vec<(&'static str, Spoil, FaultKind)> {
    use FaultKind::*;
    let day = "2026-11-24";
    let last_of = |lines: &Vec<String>| lines.len() - 1;
    vec![
        ("no checkpoints", Box::new(move |c| fs::remove_file(checkpoints_of(c, day)).unwrap()), Unsealed),
        (
            "the last one is gone",
            Box::new(move |c| edit(&checkpoints_of(c, day), |lines| drop(lines.pop()))),
            Unsealed,
        ),
        (
            "another word",
            Box::new(move |c| {
                edit(&checkpoints_of(c, day), |lines| {
                    lines[0] = lines[0].replace("st-example", "st-exampel")
                });
            }),
            Unsigned,
        ),
        (
            "a note",
            Box::new(move |c| edit(&checkpoints_of(c, day), |lines| lines.push("{}\n".into()))),
            Stray,
        ),
        (
            "half of one",
            Box::new(move |c| {
                edit(&checkpoints_of(c, day), |lines| {
                    let last = last_of(lines);
                    lines[last].truncate(100);
                });
            }),
            Stray,
        ),
        (
            "another key",
            Box::new(|c| {
                fs::remove_file(c.path().join("key.pem")).unwrap();
                Signer::open(&c.path().join("other.key"), c.path()).unwrap();
            }),
            Unsigned,
        ),
        (
            "the trail's last segment",
            Box::new(|c| fs::remove_file(c.paths.last().unwrap()).unwrap()),
            Contradicted { after: 0 },
        ),
        (
            "the trail's last line",
            Box::new(|c| edit(c.paths.last().unwrap(), |lines| drop(lines.pop()))),
            Contradicted { after: 0 },
        ),
    ]
}

#[test]
fn what_was_signed_is_held_against_what_is_there() {
    assert_eq!(Copy::of(&SAMPLE).faults(&[]), []);
    assert_eq!(Copy::of(&SAMPLE).python(&[]), []);
    for (name, spoil, what) in spoilt() {
        let copy = Copy::of(&SAMPLE);
        spoil(&copy);
        let is_it = |found: &FaultKind| discriminant(found) == discriminant(&what);
        assert!(kinds(&copy).iter().any(is_it), "{name}: {:#?}", copy.faults(&[]));
        let (file, line) = (copy.faults(&[])[0].file.clone(), copy.faults(&[])[0].line);
        assert_eq!(copy.python(&[])[0], (file, line), "{name}");
    }
}

/// A chain that was made anew holds; what was signed does not, and says between which records.
#[test]
fn a_line_that_was_replaced_with_all_after_it_is_found_between_two_checkpoints() {
    let trail = Trail::signed(64 << 20);
    let running = trail.start();
    let recorded = (0..9).map(|_| {
        trail.tick(20_000);
        trail.record(&running, access("site-1.example")).unwrap().sequence
    });
    let recorded: Vec<u64> = recorded.collect();
    running.writer.finish();
    let signed: Vec<u64> = fs::read_to_string(checkpoints_of(&Copy::of(&trail), "2026-11-24"))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["sequence"].as_u64().unwrap())
        .collect();
    assert!(signed.len() > 3, "{signed:?}");
    for sequence in recorded {
        let copy = Copy::of(&trail);
        edit(&copy.paths[0], |lines| {
            rechained(lines, sequence as usize - 1, |line| line.replace("site-1", "site-2"));
        });
        let (held, upset): (Vec<u64>, Vec<u64>) = signed.iter().partition(|signed| **signed < sequence);
        let faults = copy.faults(&[]);
        let found = (faults[0].sequence, faults[0].what.clone());
        let after = held.last().copied().unwrap_or(0);
        assert_eq!(found, (upset.first().copied(), FaultKind::Contradicted { after }));
        assert_eq!(copy.python(&[])[0], (faults[0].file.clone(), faults[0].line));
    }
}

/// Somebody makes a whole new chain with their own key: the noted fingerprint tells.
#[test]
fn a_trail_that_was_signed_anew_is_not_by_the_known_key() {
    let others = Trail::signed(5000);
    others.start().writer.finish();
    let keys = Key::read(&SAMPLE.dir().join(Key::FILE)).unwrap();
    let options = Options { keys, ..Options::default() };
    assert_eq!(verify(&SAMPLE.dir(), &options).unwrap().faults, []);
    let faults = verify(&others.dir(), &options).unwrap().faults;
    assert!(faults.iter().all(|fault| fault.what == FaultKind::Unsigned) && !faults.is_empty());
}

#[test]
fn a_verification_may_start_at_a_day_that_a_checkpoint_leads_up_to() {
    let copy = Copy::of(&SAMPLE);
    let since = |day: &str| Options { since: Some(at(&format!("{day}T15:00:00Z"))), ..Options::default() };
    let all = verify(copy.path(), &Options::default()).unwrap();
    let report = verify(copy.path(), &since("2026-11-25")).unwrap();
    assert!(report.is_sound() && report.head == all.head && report.days == 2, "{report:#?}");
    assert!(0 < report.events && report.events < all.events);
    let noted = all.head.zip(all.last).map(|(hash, sequence)| crate::audit::Anchor { sequence, hash });
    let later = Options { known: noted.into_iter().collect(), ..since("2030-01-01") };
    let report = verify(copy.path(), &later).unwrap();
    assert!(report.is_sound() && report.head == all.head && report.days == 1, "{report:#?}");
    // The first day is spoilt, and was not looked at.
    fs::write(&copy.paths[0], "spoilt").unwrap();
    assert!(verify(copy.path(), &since("2026-11-25")).unwrap().is_sound());
    assert!(!verify(copy.path(), &since("2026-11-24")).unwrap().is_sound());
    // Without the checkpoint nothing leads up to the second day.
    fs::remove_file(checkpoints_of(&copy, "2026-11-24")).unwrap();
    let faults = verify(copy.path(), &since("2026-11-25")).unwrap().faults;
    assert_eq!(faults[0].what, FaultKind::NoBeginning);
}

#[test]
fn a_trail_from_before_there_were_checkpoints_goes_on_with_them() {
    let trail = Trail::filled(8, 5000);
    let trail = Trail { signed: true, ..trail };
    let running = trail.start();
    for _ in 0..12 {
        trail.record(&running, access("a.example")).unwrap();
    }
    running.writer.finish();
    assert!(trail.segments().len() > 3);
    sound(&trail.dir());
    assert_eq!(Copy::of(&trail).python(&[]), []);
}

/// Changes one bit of one file; what is told of it.
fn flipped(copy: &Copy, file: prop::sample::Index, place: prop::sample::Index, bit: u8) -> PathBuf {
    let mut files = copy.paths.clone();
    files.extend(["2026-11-24", "2026-11-25", "2026-11-26"].map(|day| checkpoints_of(copy, day)));
    let path = file.get(&files).clone();
    let mut bytes = fs::read(&path).unwrap();
    let at = place.index(bytes.len());
    bytes[at] ^= 1 << bit;
    fs::write(&path, bytes).unwrap();
    path
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_single_bit_of_a_signed_trail_is_found(file in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(), bit in 0..8u8) {
        let copy = Copy::of(&SAMPLE);
        let path = flipped(&copy, file, place, bit);
        let faults = copy.faults(&[]);
        prop_assert!(!faults.is_empty());
        prop_assert_eq!(&faults[0].file, &path);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_independent_verifier_finds_it_too(file in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(), bit in 0..8u8) {
        let copy = Copy::of(&SAMPLE);
        let path = flipped(&copy, file, place, bit);
        let faults = copy.python(&[]);
        prop_assert!(!faults.is_empty());
        prop_assert_eq!(&faults[0].0, &path);
    }
}
