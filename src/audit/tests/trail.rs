//! The trail as a whole: order, days, segments, restarts, crashes.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use super::*;
use crate::audit::line::Place;
use crate::audit::{LineHash, OpenError, Options, verify};

#[test]
fn the_chain_runs_over_days_segments_and_restarts() {
    let trail = Trail::of_segments(2500);
    let running = trail.start();
    let mut follower = running.recorder.follow(0);
    for time in ["2026-11-24T23:59:59.998Z", "2026-11-24T23:59:59.999Z", "2026-11-25T00:00:00.000Z"] {
        trail.set(time);
        for _ in 0..4 {
            trail.record(&running, access("a.example")).unwrap();
        }
    }
    trail.set("2026-11-23T12:00:00Z");
    trail.record(&running, block("a.example")).unwrap();
    let head = running.recorder.head();
    running.writer.finish();
    let followed: Vec<_> = follower.read(100).unwrap().into_iter().map(|written| written.line).collect();
    assert_eq!(followed, trail.lines());
    assert_eq!((head.sequence, head.time), (13, at("2026-11-25T00:00:00Z")), "time does not go back");

    let names: Vec<_> =
        trail.segments().iter().map(|path| path.strip_prefix(trail.dir()).unwrap().to_owned()).collect();
    assert_eq!(names[0], Path::new("2026-11-24/000000000001.jsonl"));
    assert!(names.contains(&"2026-11-25/000000000009.jsonl".into()) && names.len() > 4, "{names:?}");
    for path in [trail.dir().join("2026-11-24"), trail.segments()[0].clone()] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o027, 0);
    }

    let again = trail.start();
    assert_eq!(again.recorder.head(), head);
    trail.record(&again, change("policy.reloaded")).unwrap();
    again.writer.finish();
    let report = verify(&trail.dir(), &Options::knowing(&[head.anchor()])).unwrap();
    assert!(report.is_sound(), "{:#?}", report.faults);
    assert_eq!((report.events, report.first, report.last, report.days), (14, Some(1), Some(14), 2));
}

#[test]
fn twenty_thousand_events_from_fifty_tasks_are_gapless() {
    let trail = Trail::of_segments(4 << 20);
    let running = trail.start();
    let mut slow = running.recorder.follow(0);
    let start = Instant::now();
    trail.runtime.block_on(async {
        let tasks: Vec<_> = (0..50)
            .map(|task| {
                let recorder = running.recorder.clone();
                tokio::spawn(async move {
                    for number in 0..400 {
                        let host = format!("t{task}-{number}.example");
                        let entry = if number % 10 == 0 { block(&host) } else { access(&host) };
                        recorder.record(entry).await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    println!("{:.0} events/s, one in ten durable", 20_000.0 / start.elapsed().as_secs_f64());
    let read = std::iter::from_fn(|| Some(slow.read(999).unwrap()).filter(|lines| !lines.is_empty()));
    assert!(read.flatten().map(|line| line.sequence).eq(1..=20_000), "a slow reader misses nothing");
    running.writer.finish();
    let report = sound(&trail.dir());
    assert_eq!((report.events, report.last), (20_000, Some(20_000)));
    let sequences: Vec<_> =
        trail.events().iter().map(|event| event["event"]["sequence"].as_u64().unwrap()).collect();
    assert!(sequences.iter().copied().eq(1..=20_000));
}

#[test]
fn what_was_answered_survives_without_an_orderly_end() {
    let trail = Trail::new();
    let running = trail.start();
    for _ in 0..100 {
        trail.record(&running, access("a.example")).unwrap();
    }
    // What another process would find, had this one been killed here.
    let copy = tempfile::tempdir().unwrap();
    let day = copy.path().join("2026-11-24");
    fs::create_dir(&day).unwrap();
    fs::copy(&trail.segments()[0], day.join("000000000001.jsonl")).unwrap();
    assert_eq!(sound(copy.path()).events, 100);
    let observer = Observer { name: "x".into(), version: "0".into() };
    let second = Recorder::open(&trail.dir(), observer, None, || at("2026-11-24T10:00:00Z"));
    assert!(matches!(second, Err(OpenError::InUse)), "one writer to a trail");
    drop(running);
}

#[test]
fn a_finished_writer_has_written_all_and_takes_no_more() {
    let trail = Trail::new();
    let running = trail.start();
    let recorder = running.recorder.clone();
    let queued: Vec<_> = (0..500)
        .map(|_| {
            let recorder = recorder.clone();
            trail.runtime.spawn(async move { recorder.record(access("a.example")).await })
        })
        .collect();
    trail.record(&running, access("b.example")).unwrap();
    running.writer.finish();
    let answers = queued.into_iter().map(|task| trail.runtime.block_on(task).unwrap());
    let recorded = answers.filter(Result::is_ok).count() as u64;
    assert_eq!(sound(&trail.dir()).events, recorded + 1);
    let late = trail.runtime.block_on(recorder.record(access("a.example")));
    assert!(matches!(late, Err(RecordError::Closed)));
}

#[test]
fn a_tail_torn_at_any_byte_is_cut_kept_and_recorded() {
    let trail = Trail::filled(3, 64 << 20).in_memory();
    let path = trail.segments()[0].clone();
    let whole = fs::read(&path).unwrap();
    let last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for end in last..=whole.len() {
        fs::write(&path, &whole[..end]).unwrap();
        trail.tick(1);
        let running = trail.start();
        let torn = end > last && end < whole.len();
        running.writer.finish();
        let mut expected = whole[..if end == whole.len() { end } else { last }].to_vec();
        let now = fs::read(&path).unwrap();
        assert!(now.starts_with(&expected), "{end}");
        sound(&trail.dir());
        let events = trail.events();
        if torn {
            let note = &events[2];
            assert_eq!(note["event"]["action"], "audit.repaired", "{end}");
            let details = &note["schoolgate"]["details"];
            assert_eq!(
                (details["bytes"].as_u64(), details["lines"].as_u64()),
                (Some((end - last) as u64), Some(1))
            );
            let kept = details["kept"].as_str().unwrap();
            expected.extend(fs::read(kept).unwrap());
            assert_eq!(expected, &whole[..end]);
            fs::remove_file(kept).unwrap();
        } else {
            assert_eq!(now, expected);
        }
    }
}

#[test]
fn a_tail_that_does_not_verify_is_cut_back_to_what_does() {
    let trail = Trail::filled(6, 2500);
    let paths = trail.segments();
    let (path, before) = (paths.last().unwrap(), &paths[paths.len() - 2]);
    let left = fs::read_to_string(before).unwrap();
    let left = left.lines().last().and_then(|line| Place::read(line.as_bytes())).unwrap().sequence;
    // The last segment is garbage from its first byte: the chain goes on from the one before.
    fs::write(path, vec![0; 5000]).unwrap();
    trail.tick(1);
    trail.start().writer.finish();
    let report = sound(&trail.dir());
    assert!(left < 6);
    assert_eq!(report.last, Some(left + 1), "what was cut is told in the line after it");
    assert_ne!(report.head, Some(LineHash::NONE));
}

#[test]
fn a_start_is_fast_on_a_long_segment() {
    let trail = Trail::filled(2, 64 << 20);
    let path = trail.segments()[0].clone();
    let line = fs::read(&path).unwrap();
    // Only the end is read: what stands before need not be good.
    let mut long = vec![b'x'; 64 << 20];
    long.push(b'\n');
    long.extend(line);
    fs::write(&path, long).unwrap();
    let start = Instant::now();
    let running = trail.start();
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(running.recorder.head().sequence, 2);
    running.writer.finish();
}
