//! A store that can't be written: refused, counted, recovered.

use std::process::Command;
use std::time::{Duration, Instant};

use super::*;
use crate::audit::{ClosedBy, Closing, FaultKind, Options, disk, verify};
use crate::telemetry::Metrics;

/// A small file system of its own; none where this process may not mount one.
struct Disk {
    dir: PathBuf,
}

impl Disk {
    fn mount(dir: &Path) -> Option<Disk> {
        fs::create_dir(dir).unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=128k", "none"]).arg(dir).status();
        mounted.is_ok_and(|status| status.success()).then(|| Disk { dir: dir.to_owned() })
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.dir).status();
    }
}

fn resumed(trail: &Trail) -> Vec<serde_json::Value> {
    let resumed = |event: &serde_json::Value| event["event"]["action"] == "audit.resumed";
    trail.events().into_iter().filter(resumed).map(|event| event["schoolgate"]["details"].clone()).collect()
}

pub(super) fn until(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < Duration::from_secs(5), "it does not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_file_where_the_folder_should_be_refuses_until_it_is_gone() {
    let trail = Trail::new();
    fs::create_dir(trail.dir()).unwrap();
    let obstacle = trail.dir().join("2026-11-24");
    fs::write(&obstacle, "in the way").unwrap();
    let running = trail.start();
    for entry in [access("a.example"), block("a.example"), change("policy.changed")] {
        assert!(matches!(trail.record(&running, entry), Err(RecordError::Unwritten(_))));
        assert!(running.recorder.is_stuck());
    }
    assert_eq!(running.recorder.head().sequence, 0);
    fs::remove_file(&obstacle).unwrap();
    until(|| !running.recorder.is_stuck());
    assert_eq!(trail.record(&running, access("b.example")).unwrap().sequence, 2);
    running.writer.finish();
    assert_eq!(sound(&trail.dir()).events, 2);
    assert_eq!(resumed(&trail)[0]["refused"], 3);
}

/// A trail whose first segment is a device that can't be forced.
fn on_device() -> Trail {
    let trail = Trail::new();
    let day = trail.dir().join("2026-11-24");
    fs::create_dir_all(&day).unwrap();
    std::os::unix::fs::symlink("/dev/null", day.join("000000000001.jsonl")).unwrap();
    trail
}

#[test]
fn a_write_that_fails_is_refused_and_counted() {
    let trail = Trail::new();
    let first = std::sync::atomic::AtomicBool::new(true);
    let write = move |mut file: &fs::File, lines: &[u8]| match first.swap(false, Ordering::Relaxed) {
        true => Err(std::io::Error::other("not written")),
        false => std::io::Write::write_all(&mut file, lines),
    };
    let pen = disk::Pen { write: Box::new(write), ..disk::Pen::default() };
    let running = trail.start_with(disk::Disk { pen, ..trail.disk() });
    assert!(matches!(trail.record(&running, access("a.example")), Err(RecordError::Unwritten(_))));
    until(|| !running.recorder.is_stuck());
    assert_eq!(trail.record(&running, access("a.example")).unwrap().sequence, 2);
    running.writer.finish();
    assert_eq!(sound(&trail.dir()).events, 2);
    assert_eq!(resumed(&trail)[0]["refused"], 1);
}

#[test]
fn a_disk_that_does_not_confirm_is_refused_for_the_durable_grade_alone() {
    let trail = on_device();
    let running = trail.start();
    assert_eq!(trail.record(&running, access("a.example")).unwrap().sequence, 1);
    let trail = on_device();
    let running = trail.start();
    assert!(matches!(trail.record(&running, block("a.example")), Err(RecordError::Unwritten(_))));
    assert!(running.recorder.is_stuck());
    until(|| !running.recorder.is_stuck());
    assert_eq!(trail.record(&running, block("a.example")).unwrap().sequence, 3);
    running.writer.finish();
    fs::remove_file(trail.dir().join("2026-11-24/000000000001.jsonl")).unwrap();
    let details = &resumed(&trail)[0];
    assert_eq!((&details["refused"], &details["refused_after_writing"]), (&0.into(), &1.into()));
}

#[test]
fn a_full_disk_refuses_and_loses_nothing_that_was_answered() {
    let trail = Trail::new();
    let Some(_disk) = Disk::mount(&trail.dir()) else {
        println!("not tried: this process may not mount a file system");
        return;
    };
    let ballast = trail.dir().join("ballast");
    fs::write(&ballast, vec![0; 64 * 1024]).unwrap();
    let running = trail.start();
    let (mut recorded, mut refused) = (vec![], 0);
    // Shorter batches may still fit where a longer one did not.
    while refused < 20 || !running.recorder.is_stuck() {
        let tasks: Vec<_> = (0..10)
            .map(|_| {
                let recorder = running.recorder.clone();
                trail.runtime.spawn(async move { recorder.record(block("a.example")).await })
            })
            .collect();
        for task in tasks {
            match trail.runtime.block_on(task).unwrap() {
                Ok(receipt) => recorded.push(receipt.id.to_string()),
                Err(_) => refused += 1,
            }
        }
    }
    assert!(recorded.len() > 20, "{}", recorded.len());
    let mid = verify(&trail.dir(), &Options::knowing(&[running.recorder.head().anchor()])).unwrap();
    assert!(mid.is_sound(), "no half line is left: {:?}", mid.faults);
    fs::remove_file(&ballast).unwrap();
    until(|| !running.recorder.is_stuck());
    trail.record(&running, block("b.example")).unwrap();
    running.writer.finish();
    sound(&trail.dir());
    let ids: Vec<_> =
        trail.events().iter().map(|event| event["event"]["id"].as_str().unwrap().to_owned()).collect();
    assert!(recorded.iter().all(|id| ids.contains(id)));
    let counted: u64 = resumed(&trail).iter().map(|details| details["refused"].as_u64().unwrap()).sum();
    assert_eq!(counted, refused);
}

#[test]
fn a_segment_that_somebody_touched_is_left_and_the_chain_goes_on_elsewhere() {
    type Touch = fn(&Path);
    let touches: [(&str, Touch); 3] = [
        ("appended", |path| {
            let text = fs::read_to_string(path).unwrap();
            fs::write(path, text + "x\n").unwrap();
        }),
        ("emptied", |path| fs::write(path, "").unwrap()),
        ("removed", |path| fs::remove_dir_all(path.parent().unwrap()).unwrap()),
    ];
    for (name, touch) in touches {
        let trail = Trail::new();
        let running = trail.start();
        trail.record(&running, access("a.example")).unwrap();
        let head = running.recorder.head();
        touch(&trail.segments()[0]);
        assert_eq!(trail.record(&running, access("b.example")).unwrap().sequence, 2, "{name}");
        running.writer.finish();
        let last = trail.segments().last().unwrap().clone();
        assert!(last.ends_with("000000000002.jsonl"), "{name}");
        assert!(fs::read_to_string(last).unwrap().contains("audit.disturbed"), "{name}");
        let faults = verify(&trail.dir(), &Options::knowing(&[head.anchor()])).unwrap().faults;
        let without = verify(&trail.dir(), &Options::default()).unwrap().faults;
        match name {
            "appended" => assert_eq!(faults[0].what, FaultKind::Malformed),
            _ => {
                assert!(faults.is_empty(), "{name}: what was noted leads up to the rest: {faults:?}");
                assert_eq!(without[0].what, FaultKind::NoBeginning, "{name}");
            }
        }
    }
}

/// With the disk full, what passes is refused; blocks and what staff do go on in the room that was
/// kept, the last of it for staff; and all of it is counted once there is room again.
#[test]
fn a_full_disk_keeps_room_for_blocks_and_changes() {
    let trail = Trail { reserve: 16 << 10, ..Trail::new() };
    let Some(_disk) = Disk::mount(&trail.dir()) else {
        println!("not tried: this process may not mount a file system");
        return;
    };
    let running = trail.start();
    let ballast = trail.dir().join("ballast");
    fs::write(&ballast, vec![0; 40 << 10]).unwrap();
    let mut passed = 0;
    while trail.record(&running, access("a.example")).is_ok() {
        passed += 1;
        assert!(passed < 1000);
    }
    assert!(running.recorder.is_stuck());
    assert!(trail.record(&running, block("b.example")).is_ok(), "a block goes on record");
    let mut blocks = 1;
    while trail.record(&running, block("b.example")).is_ok() {
        blocks += 1;
        assert!(blocks < 1000);
    }
    assert!(
        trail.record(&running, change("policy.changed")).is_ok(),
        "a change is on record after the last block"
    );
    assert!(trail.record(&running, access("a.example")).is_err());
    sound(&trail.dir());
    fs::remove_file(&ballast).unwrap();
    until(|| !running.recorder.is_stuck());
    assert!(trail.record(&running, access("c.example")).is_ok());
    running.writer.finish();
    sound(&trail.dir());
    let actions: Vec<_> = trail.events().iter().map(|event| event["event"]["action"].clone()).collect();
    let at = |action: &str| actions.iter().position(|found| found == action).unwrap();
    assert!(at("audit.reserve_opened") < at("policy.changed") && at("policy.changed") < at("audit.resumed"));
    assert_eq!(actions.iter().filter(|action| *action == "block").count(), blocks);
    assert_eq!(resumed(&trail)[0]["refused"], 3);
}

/// A start on a disk without room says so and refuses what passes, until there is room.
#[test]
fn a_start_without_room_refuses_until_there_is() {
    let trail = Trail { reserve: 48 << 10, ..Trail::new() };
    let Some(_disk) = Disk::mount(&trail.dir()) else {
        println!("not tried: this process may not mount a file system");
        return;
    };
    let ballast = trail.dir().join("ballast");
    fs::write(&ballast, vec![0; 90 << 10]).unwrap();
    let running = trail.start();
    let started = Entry::System(Act::new(Actor::System, "gateway.started"));
    assert!(trail.record(&running, started).is_ok(), "else the gateway would not start");
    assert!(trail.record(&running, access("a.example")).is_err());
    assert!(trail.record(&running, change("policy.changed")).is_ok());
    fs::remove_file(&ballast).unwrap();
    until(|| !running.recorder.is_stuck());
    trail.record(&running, access("a.example")).unwrap();
    running.writer.finish();
    sound(&trail.dir());
}

/// What needs the kernel alone does not wait for a disk that is slow to confirm.
#[test]
fn a_slow_disk_holds_up_only_what_must_be_on_it() {
    let trail = Trail::new();
    let (release, gate) = std::sync::mpsc::channel::<()>();
    let (asked, waits) = std::sync::mpsc::channel::<()>();
    let force = move |file: &fs::File| {
        asked.send(()).unwrap();
        gate.recv().unwrap();
        file.sync_data()
    };
    let running = trail.start_with(disk::Disk { force: Box::new(force), ..trail.disk() });
    let recorder = running.recorder.clone();
    let blocked = trail.runtime.spawn(async move { recorder.record(block("a.example")).await });
    waits.recv().unwrap();
    for _ in 0..100 {
        trail.record(&running, access("b.example")).unwrap();
    }
    assert!(!blocked.is_finished());
    let further: Vec<_> = (0..50)
        .map(|_| {
            let recorder = running.recorder.clone();
            trail.runtime.spawn(async move { recorder.record(block("c.example")).await })
        })
        .collect();
    until(|| running.recorder.head().sequence == 151);
    release.send(()).unwrap();
    assert_eq!(trail.runtime.block_on(blocked).unwrap().unwrap().sequence, 1);
    waits.recv().unwrap();
    assert!(further.iter().all(|task| !task.is_finished()));
    release.send(()).unwrap();
    for task in further {
        trail.runtime.block_on(task).unwrap().unwrap();
    }
    assert!(waits.try_recv().is_err(), "fifty that waited were forced at once");
    drop(release);
    drop(running);
}

/// A batch that begins in one segment and ends in the next: those who wait for the first are not
/// answered by the second.
#[test]
fn who_waits_for_a_segment_is_answered_by_its_own_disk() {
    let trail = Trail { full: 1500, ..Trail::new() };
    let number = std::sync::atomic::AtomicU64::new(0);
    let force = move |file: &fs::File| match number.fetch_add(1, Ordering::Relaxed) {
        0 => Err(std::io::Error::other("not written")),
        _ => file.sync_data(),
    };
    let running = trail.start_with(disk::Disk { force: Box::new(force), ..trail.disk() });
    let waiting: Vec<_> = (0..6)
        .map(|_| {
            let recorder = running.recorder.clone();
            trail.runtime.spawn(async move { recorder.record(block("a.example")).await })
        })
        .collect();
    let answers: Vec<_> = waiting.into_iter().map(|task| trail.runtime.block_on(task).unwrap()).collect();
    let refused = answers.iter().filter(|answer| answer.is_err()).count() as u64;
    assert!(refused > 0);
    until(|| !running.recorder.is_stuck());
    trail.record(&running, block("b.example")).unwrap();
    running.writer.finish();
    let counted: u64 = resumed(&trail)
        .iter()
        .map(|told| told["refused"].as_u64().unwrap() + told["refused_after_writing"].as_u64().unwrap())
        .sum();
    assert_eq!(counted, refused);
}

/// Nobody waits for ever: what passes and comes too late has no line, or one that ends with no
/// bytes; a block has its line.
#[test]
fn what_comes_too_late_has_not_passed() {
    let trail = Trail::new();
    let (release, gate) = std::sync::mpsc::channel::<()>();
    let (asked, waits) = std::sync::mpsc::channel::<()>();
    let write = move |mut file: &fs::File, lines: &[u8]| {
        asked.send(()).unwrap();
        let _ = gate.recv();
        std::io::Write::write_all(&mut file, lines)
    };
    let pen = disk::Pen { write: Box::new(write), ..disk::Pen::default() };
    let running = trail.start_with(disk::Disk { pen, ..trail.disk() });
    let soon = |entry| {
        let recorder = running.recorder.clone();
        trail.runtime.spawn(async move { recorder.record_within(entry, Duration::from_millis(20)).await })
    };
    let late = |asked| matches!(trail.runtime.block_on(asked), Ok(Err(RecordError::Late)));
    let first = soon(access("written-late.example"));
    waits.recv_timeout(Duration::from_secs(5)).unwrap();
    assert!(late(first));
    assert!(running.recorder.lag() >= Duration::from_millis(20), "who is gone is not who was told");
    let dropped = running.recorder.clone();
    let dropped = trail.runtime.spawn(async move { dropped.record(access("dropped.example")).await });
    assert!(late(soon(access("never-written.example"))));
    assert!(late(soon(block("blocked.example"))));
    dropped.abort();
    assert!(trail.runtime.block_on(dropped).is_err());
    drop(release);
    let ends =
        |trail: &Trail| trail.events().iter().filter(|event| event["event"]["action"] == "close").count();
    until(|| ends(&trail) == 2 && running.recorder.lag() == Duration::ZERO);
    running.writer.finish();
    let events = trail.events();
    let line = |host: &str| events.iter().find(|event| event["url"]["domain"] == host);
    for host in ["written-late.example", "dropped.example"] {
        let sequence = &line(host).unwrap()["event"]["sequence"];
        let end = events.iter().find(|event| event["schoolgate"]["access"] == *sequence).unwrap();
        assert_eq!(end["schoolgate"]["closed_by"], "gateway", "{host}");
        assert_eq!(
            (&end["schoolgate"]["bytes_up"], &end["schoolgate"]["bytes_down"]),
            (&0.into(), &0.into())
        );
    }
    assert!(line("never-written.example").is_none());
    assert_eq!(line("blocked.example").unwrap()["event"]["action"], "block");
    assert_eq!(resumed(&trail)[0]["refused"], 1);
}

#[test]
fn an_end_that_comes_after_the_writers_is_counted() {
    let trail = Trail::new();
    let running = trail.start();
    let metrics = Metrics::new().unwrap();
    let recorder = running.recorder.clone().counted(metrics.clone());
    let receipt = trail.record(&running, access("a.example")).unwrap();
    running.writer.finish();
    let duration = Duration::from_secs(1);
    recorder.close(receipt, Closing { bytes_up: 0, bytes_down: 0, duration, closed_by: ClosedBy::Client });
    assert!(metrics.render().unwrap().contains("schoolgate_audit_ends_lost_total 1\n"));
}
