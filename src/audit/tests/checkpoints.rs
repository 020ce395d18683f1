//! Checkpoints and proofs: written in time, found again after a restart, held against the lines.

use super::*;
use crate::audit::checkpoint::Signed;
use crate::audit::{Checkpoint, Key, ProveError, SealError, Unproven, prove};

fn keys(trail: &Trail) -> Vec<Key> {
    Key::read(&trail.dir().join(Key::FILE)).unwrap()
}

fn checkpoints(trail: &Trail) -> Vec<Checkpoint> {
    let mut days: Vec<PathBuf> =
        fs::read_dir(trail.dir()).unwrap().map(|entry| entry.unwrap().path()).collect();
    days.sort();
    let keys = keys(trail);
    let read = |day: &PathBuf| fs::read_to_string(day.join("checkpoints.jsonl")).unwrap_or_default();
    let signed = |line: &str| {
        let signed = Signed::read(line).unwrap();
        assert!(signed.is_by(&keys));
        signed.checkpoint
    };
    days.iter().map(read).flat_map(|text| text.lines().map(signed).collect::<Vec<_>>()).collect()
}

/// Every line of a trail has its proof, and no proof is another line's.
fn all_proven(trail: &Trail) {
    let (lines, keys) = (trail.lines(), keys(trail));
    for (at, line) in lines.iter().enumerate() {
        let proof = prove(&trail.dir(), at as u64 + 1).unwrap();
        assert_eq!(proof.holds(line, keys.last().unwrap()), Ok(()));
        let other = &lines[(at + 1) % lines.len()];
        assert_eq!(proof.holds(other, &keys[0]), Err(Unproven::Line));
    }
}

#[test]
fn the_last_checkpoint_of_a_segment_covers_its_last_line() {
    let trail = Trail::signed(2500);
    let running = trail.start();
    for time in ["2026-11-24T23:59:58Z", "2026-11-24T23:59:59Z", "2026-11-25T00:00:00Z"] {
        trail.set(time);
        for _ in 0..4 {
            trail.record(&running, access("a.example")).unwrap();
        }
    }
    running.writer.finish();
    let found = checkpoints(&trail);
    let last = trail.lines().len() as u64;
    let firsts: Vec<u64> =
        Segment::list(&trail.dir()).unwrap().into_iter().map(|segment| segment.first).collect();
    assert!(firsts.len() > 3);
    for (at, first) in firsts.iter().enumerate() {
        let end = firsts.get(at + 1).map_or(last, |next| next - 1);
        let of = |checkpoint: &&Checkpoint| checkpoint.segment == *first && checkpoint.sequence == end;
        let covering = found.iter().find(of).unwrap_or_else(|| panic!("{first}: {found:#?}"));
        assert_eq!(covering.size, end - first + 1);
    }
    assert_eq!(found[0].size, 1, "the first of all at once");
    all_proven(&trail);
}

/// A bug: what was written shortly after a checkpoint had none until something else was written.
#[test]
fn the_last_lines_before_a_silence_are_signed_in_it() {
    let trail = Trail::signed(64 << 20);
    let every = std::time::Duration::from_millis(20);
    let running = trail.start_with(Disk { every, ..trail.disk() });
    let mut covered = running.recorder.covered.clone();
    let mut covers = |sequence: u64| {
        let covered = covered.wait_for(|covered| covered.sequence >= sequence);
        trail.runtime.block_on(covered).map(drop).unwrap();
    };
    covers(1);
    trail.tick(1);
    let last = trail.record(&running, access("a.example")).unwrap().sequence;
    trail.tick(20);
    covers(last);
    assert_eq!(running.recorder.head().sequence, last, "nothing was written meanwhile");
    running.writer.finish();
    sound(&trail.dir());
}

#[test]
fn a_checkpoint_is_written_every_minute_of_activity() {
    let trail = Trail::signed(64 << 20);
    let running = trail.start();
    trail.runtime.block_on(running.recorder.seal()).unwrap();
    let mut expected = vec![];
    for second in 0..200u64 {
        trail.tick(1000);
        let receipt = trail.record(&running, access("a.example")).unwrap();
        if second % 60 == 59 {
            expected.push(receipt.sequence);
        }
    }
    let last = running.recorder.head().sequence;
    running.writer.finish();
    let found: Vec<u64> = checkpoints(&trail).iter().map(|checkpoint| checkpoint.sequence).collect();
    assert_eq!(found[0], 1);
    assert_eq!(found[1..found.len() - 1], expected);
    assert_eq!(found.last(), Some(&last));
    all_proven(&trail);
}

#[test]
fn a_restart_goes_on_with_the_tree_and_signs_what_a_crash_left_out() {
    let trail = Trail::signed(2500);
    for _ in 0..3 {
        let running = trail.start();
        for _ in 0..4 {
            trail.tick(1000);
            trail.record(&running, access("a.example")).unwrap();
        }
        running.writer.finish();
    }
    all_proven(&trail);
    // As if the process had died before the last ones were written.
    let path = trail.dir().join("2026-11-24/checkpoints.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let few: String = text.split_inclusive('\n').take(3).collect();
    fs::write(&path, few + "{\"gateway\":\"st-exa").unwrap();
    let running = trail.start();
    running.writer.finish();
    all_proven(&trail);
    let actions: Vec<_> = trail.events().iter().map(|event| event["event"]["action"].clone()).collect();
    assert_eq!(actions.iter().filter(|action| *action == "audit.signing").count(), 4);
    assert!(!actions.iter().any(|action| action == "audit.disturbed"), "{actions:?}");
}

#[test]
fn a_segment_that_is_not_as_it_was_signed_is_not_gone_on_with() {
    let trail = Trail::signed(64 << 20);
    let running = trail.start();
    for _ in 0..4 {
        trail.record(&running, access("a.example")).unwrap();
    }
    running.writer.finish();
    let path = trail.segments().remove(0);
    let text = fs::read_to_string(&path).unwrap();
    let fewer: String = text.split_inclusive('\n').take(3).collect();
    fs::write(&path, fewer).unwrap();
    let running = trail.start();
    running.writer.finish();
    assert_eq!(trail.segments().len(), 2);
    let events = trail.events();
    let noted = events.iter().find(|event| event["event"]["action"] == "audit.disturbed").unwrap();
    assert!(noted["schoolgate"]["details"]["segment"].as_str().unwrap().ends_with("000000000001.jsonl"));
}

#[test]
fn a_line_can_be_proven_as_soon_as_it_is_sealed() {
    let trail = Trail::signed(64 << 20);
    let running = trail.start();
    let key = keys(&trail).remove(0);
    let sealed = trail.runtime.block_on(running.recorder.seal()).unwrap();
    assert_eq!(sealed, 1);
    trail.tick(1000);
    let receipt = trail.record(&running, access("a.example")).unwrap();
    let early = prove(&trail.dir(), receipt.sequence);
    assert!(matches!(early, Err(ProveError::Uncovered(2))), "{early:?}");
    assert_eq!(trail.runtime.block_on(running.recorder.seal()).unwrap(), 2);
    assert_eq!(trail.runtime.block_on(running.recorder.seal()).unwrap(), 2);
    assert_eq!(running.recorder.covered().sequence, 2);
    assert_eq!(checkpoints(&trail).len(), 2, "nothing is signed twice");
    let line = trail.lines().remove(1);
    let proof = prove(&trail.dir(), 2).unwrap();
    let sent = serde_json::to_string(&proof).unwrap();
    let received: crate::audit::Proof = serde_json::from_str(&sent).unwrap();
    assert_eq!(received.holds(&line, &key), Ok(()));
    assert_eq!(received.holds(&line.replace("a.example", "b.example"), &key), Err(Unproven::Line));
    let moved = crate::audit::Proof { path: vec![], ..received.clone() };
    assert_eq!(moved.holds(&line, &key), Err(Unproven::Path));
    let others = Trail::signed(64 << 20);
    others.start().writer.finish();
    assert_eq!(received.holds(&line, &keys(&others)[0]), Err(Unproven::Checkpoint));
    assert!(matches!(prove(&trail.dir(), 3), Err(ProveError::Unknown(3))));
    running.writer.finish();
}

#[test]
fn a_checkpoint_that_is_written_while_a_proof_is_made_spoils_nothing() {
    let trail = Trail::signed(64 << 20);
    let running = trail.start();
    for _ in 0..4 {
        trail.record(&running, access("a.example")).unwrap();
    }
    running.writer.finish();
    let (segment, signed) = (trail.segments().remove(0), trail.dir().join("2026-11-24/checkpoints.jsonl"));
    let (lines, said) = (fs::read_to_string(&segment).unwrap(), fs::read(&signed).unwrap());
    // Whoever opens the checkpoints finds that the trail has grown meanwhile.
    fs::write(&segment, lines.split_inclusive('\n').take(3).collect::<String>()).unwrap();
    fs::remove_file(&signed).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&signed).status().unwrap().success());
    let proof = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut pipe = fs::OpenOptions::new().write(true).open(&signed).unwrap();
            fs::write(&segment, &lines).unwrap();
            std::io::Write::write_all(&mut pipe, &said).unwrap();
        });
        prove(&trail.dir(), 2)
    });
    assert_eq!(proof.unwrap().size, lines.lines().count() as u64);
}

#[test]
fn a_trail_without_a_key_has_nothing_to_seal() {
    let trail = Trail::new();
    let running = trail.start();
    trail.record(&running, access("a.example")).unwrap();
    let sealed = trail.runtime.block_on(running.recorder.seal());
    assert!(matches!(sealed, Err(SealError::Nothing)));
    running.writer.finish();
    assert!(!trail.dir().join("2026-11-24/checkpoints.jsonl").exists());
}

#[test]
fn a_checkpoint_that_cannot_be_written_holds_up_nothing_and_comes_later() {
    let trail = Trail::signed(64 << 20);
    let obstacle = trail.dir().join("2026-11-24/checkpoints.jsonl");
    fs::create_dir_all(&obstacle).unwrap();
    let running = trail.start();
    trail.record(&running, block("a.example")).unwrap();
    assert!(!running.recorder.is_stuck());
    let sealed = trail.runtime.block_on(running.recorder.seal());
    assert!(matches!(sealed, Err(SealError::Unwritten(_))), "{sealed:?}");
    fs::remove_dir(&obstacle).unwrap();
    assert_eq!(trail.runtime.block_on(running.recorder.seal()).unwrap(), 2);
    running.writer.finish();
    all_proven(&trail);
}
