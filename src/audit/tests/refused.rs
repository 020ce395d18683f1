//! Writes of which a part came onto the disk, and cuts that did not happen: nobody is shown what the
//! writer refused.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use super::faults::until;
use super::*;
use crate::audit::disk::Pen;
use crate::audit::{ClosedBy, Closing, Follower};

/// What the disk does with the next writes and cuts; what is not said goes well.
#[derive(Default)]
struct Moods {
    /// How many writes put all of their lines on the segment, and then fail.
    writes: AtomicU64,
    /// How many cuts fail.
    cuts: AtomicU64,
    /// Is called between a write that failed and its cut.
    between: Mutex<Option<Box<dyn FnMut() + Send>>>,
}

impl Moods {
    fn take(of: &AtomicU64) -> bool {
        of.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    fn pen(self: &Arc<Moods>) -> Pen {
        let (moods, also) = (Arc::clone(self), Arc::clone(self));
        let write = move |mut file: &fs::File, lines: &[u8]| {
            io::Write::write_all(&mut file, lines)?;
            if Moods::take(&moods.writes) { Err(io::Error::other("no more")) } else { Ok(()) }
        };
        let cut = move |file: &fs::File, length: u64| {
            if let Some(between) = also.between.lock().unwrap().as_mut() {
                between();
            }
            if Moods::take(&also.cuts) { Err(io::Error::other("no cut")) } else { file.set_len(length) }
        };
        Pen { write: Box::new(write), cut: Box::new(cut) }
    }
}

/// All that a follower shows until it has caught up.
fn shown(follower: &Mutex<Follower>) -> Vec<String> {
    follower.lock().unwrap().read(1000).unwrap().into_iter().map(|written| written.line).collect()
}

/// Two lines that stand, then writes and cuts that fail while followers read, then lines that stand
/// again: what the followers showed is what was answered, nothing else.
fn followed(writes: u64, cuts: u64, next_day: bool) -> (Trail, Vec<String>) {
    let (trail, moods) = (Trail::new(), Arc::new(Moods::default()));
    let running = trail.start_with(Disk { pen: moods.pen(), ..trail.disk() });
    trail.record(&running, access("stands-1.example")).unwrap();
    let at_end = Arc::new(Mutex::new(running.recorder.follow(0)));
    let mut seen = shown(&at_end);
    trail.record(&running, access("stands-2.example")).unwrap();
    let ahead = Arc::new(Mutex::new(running.recorder.follow(1)));
    let (reads, ahead_seen) = (Arc::clone(&ahead), Arc::new(Mutex::new(Vec::new())));
    let into = Arc::clone(&ahead_seen);
    *moods.between.lock().unwrap() = Some(Box::new(move || into.lock().unwrap().extend(shown(&reads))));
    moods.cuts.store(cuts, Ordering::Relaxed);
    moods.writes.store(writes, Ordering::Relaxed);
    assert!(trail.record(&running, access("refused.example")).is_err());
    // The writer tries again by itself.
    until(|| moods.writes.load(Ordering::Relaxed) == 0 && !running.recorder.is_stuck());
    if next_day {
        trail.tick(86_400_000);
    }
    for host in ["stands-3.example", "stands-4.example"] {
        trail.record(&running, access(host)).unwrap();
    }
    seen.extend(shown(&at_end));
    let fresh = shown(&Mutex::new(running.recorder.follow(0)));
    assert_eq!(seen, fresh);
    let mut ahead_seen = ahead_seen.lock().unwrap().clone();
    ahead_seen.extend(shown(&ahead));
    assert_eq!(ahead_seen, fresh[1..]);
    running.writer.finish();
    (trail, fresh)
}

#[test]
fn a_follower_shows_no_line_that_was_refused() {
    for next_day in [false, true] {
        for (writes, cuts) in [(1, 0), (1, 1), (1, 2), (2, 1), (2, 2), (2, 3), (3, 4), (3, 9)] {
            let (_trail, shown) = followed(writes, cuts, next_day);
            let told = format!("{writes} writes and {cuts} cuts failed, next day {next_day}: {shown:#?}");
            assert!(shown.iter().all(|line| !line.contains("refused.example")), "{told}");
            for host in 1..=4 {
                let of = |line: &&String| line.contains(&format!("stands-{host}.example"));
                assert_eq!(shown.iter().filter(of).count(), 1, "{told}");
            }
        }
    }
}

/// What could not be cut off at once is cut off before anything else is written.
#[test]
fn a_cut_that_failed_once_is_made_good_and_the_chain_holds() {
    for (writes, cuts) in [(1, 1), (2, 1), (3, 1)] {
        let (trail, shown) = followed(writes, cuts, false);
        sound(&trail.dir());
        assert_eq!(trail.lines(), shown);
    }
}

/// A segment that can't be cut is left, and the trail says so.
#[test]
fn a_segment_that_cannot_be_cut_is_left_and_told_of() {
    let (trail, shown) = followed(1, 2, false);
    assert!(shown.iter().any(|line| line.contains("audit.disturbed")), "{shown:#?}");
    assert_eq!(trail.segments().len(), 2);
}

/// A segment that can't be cut and in which nothing stands is no part of the trail, whichever day the
/// next line belongs to.
#[test]
fn a_segment_with_nothing_but_what_was_refused_is_moved_aside() {
    for later in [0, 86_400_000] {
        let (trail, moods) = (Trail::new(), Arc::new(Moods::default()));
        let running = trail.start_with(Disk { pen: moods.pen(), ..trail.disk() });
        let (clock, mut wait) = (Arc::clone(&trail.clock), later);
        let pass = move || {
            clock.fetch_add(std::mem::take(&mut wait), Ordering::Relaxed);
        };
        *moods.between.lock().unwrap() = Some(Box::new(pass));
        moods.cuts.store(2, Ordering::Relaxed);
        moods.writes.store(1, Ordering::Relaxed);
        assert!(trail.record(&running, access("refused.example")).is_err());
        until(|| !running.recorder.is_stuck());
        trail.record(&running, access("stands.example")).unwrap();
        running.writer.finish();
        assert_eq!(sound(&trail.dir()).events, 2);
        assert!(trail.lines().iter().all(|line| !line.contains("refused.example")));
        let folder = fs::read_dir(trail.dir().join("2026-11-24")).unwrap();
        let kept = folder.map(|entry| entry.unwrap().path());
        let kept: Vec<_> = kept.filter(|path| path.to_string_lossy().contains(".torn-")).collect();
        assert!(fs::read_to_string(&kept[0]).unwrap().contains("refused.example"), "{kept:?}");
    }
}

/// The reason for a refusal is that of the write, whatever becomes of the cut: a full disk opens the
/// room that is kept.
#[test]
fn a_full_disk_that_cannot_be_cut_opens_the_kept_room() {
    let trail = Trail::new();
    let full = Arc::new(AtomicU64::new(0));
    let (asked, reserve) = (Arc::clone(&full), trail.dir().join("reserve"));
    let write = move |mut file: &fs::File, lines: &[u8]| {
        if asked.load(Ordering::Relaxed) == 1 && reserve.exists() {
            io::Write::write_all(&mut file, &lines[..lines.len() / 2])?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        io::Write::write_all(&mut file, lines)
    };
    let once = AtomicU64::new(1);
    let cut = move |file: &fs::File, length: u64| {
        if Moods::take(&once) { Err(io::Error::other("no cut")) } else { file.set_len(length) }
    };
    let pen = Pen { write: Box::new(write), cut: Box::new(cut) };
    let running = trail.start_with(Disk { pen, ..trail.disk() });
    trail.record(&running, block("a.example")).unwrap();
    full.store(1, Ordering::Relaxed);
    trail.record(&running, block("b.example")).unwrap();
    running.writer.finish();
    sound(&trail.dir());
    assert!(trail.lines().iter().any(|line| line.contains("audit.reserve_opened")));
}

/// The ends of accesses may be told from a thread without tasks, with the queue full.
#[test]
fn ends_of_accesses_outside_of_any_task_wait_their_turn() {
    const QUEUE: u64 = 8192;
    let trail = Trail::new();
    let ((release, gate), (begin, begun)) = (mpsc::channel::<()>(), mpsc::channel());
    let write = move |mut file: &fs::File, lines: &[u8]| {
        let _ = begin.send(());
        let _ = gate.recv();
        io::Write::write_all(&mut file, lines)
    };
    let pen = Pen { write: Box::new(write), ..Pen::default() };
    let running = trail.start_with(Disk { pen, ..trail.disk() });
    release.send(()).unwrap();
    let receipt = trail.record(&running, access("a.example")).unwrap();
    begun.recv().unwrap();
    let end = Closing { bytes_up: 1, bytes_down: 1, duration: Duration::ZERO, closed_by: ClosedBy::Origin };
    running.recorder.close(receipt, end);
    // Writing this one, the writer takes no more from the queue.
    begun.recv().unwrap();
    let (recorder, told) = (running.recorder.clone(), Arc::new(AtomicU64::new(0)));
    let count = Arc::clone(&told);
    let ends = std::thread::spawn(move || {
        for _ in 0..QUEUE + 100 {
            count.fetch_add(1, Ordering::Relaxed);
            recorder.close(receipt, end);
        }
    });
    // One place is kept for the end of the writer.
    until(|| told.load(Ordering::Relaxed) == QUEUE);
    drop(release);
    ends.join().unwrap();
    running.writer.finish();
    assert_eq!(sound(&trail.dir()).events, QUEUE + 102);
}

/// Whatever ends the writer, the gateway is not ready any more.
#[test]
fn a_writer_that_is_gone_is_no_good_writer() {
    let trail = Trail::new();
    let write = |_: &fs::File, _: &[u8]| panic!("as a fault of the program would");
    let running =
        trail.start_with(Disk { pen: Pen { write: Box::new(write), ..Pen::default() }, ..trail.disk() });
    assert!(!running.recorder.is_stuck());
    assert!(matches!(trail.record(&running, access("a.example")), Err(RecordError::Closed)));
    until(|| running.recorder.is_stuck());
    assert!(matches!(trail.record(&running, access("a.example")), Err(RecordError::Closed)));
    running.writer.finish();
}

/// What is cut off is kept each time, also where time stands still.
#[test]
fn torn_ends_of_one_moment_are_all_kept() {
    let trail = Trail::new();
    for torn in 1..4 {
        let running = trail.start();
        trail.record(&running, access("a.example")).unwrap();
        running.writer.finish();
        let mut file = fs::OpenOptions::new().append(true).open(&trail.segments()[0]).unwrap();
        io::Write::write_all(&mut file, b"half a line").unwrap();
        trail.start().writer.finish();
        let folder = trail.dir().join("2026-11-24");
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let kept = names.filter(|name| name.to_string_lossy().contains(".torn-")).count();
        assert_eq!(kept, torn);
    }
    sound(&trail.dir());
}

/// A day that somebody took away is not said to be covered.
#[test]
fn nothing_is_covered_where_the_day_is_gone() {
    let trail = Trail::signed(64 << 20);
    let running = trail.start();
    trail.record(&running, access("a.example")).unwrap();
    let covered = trail.runtime.block_on(running.recorder.seal()).unwrap();
    trail.record(&running, access("b.example")).unwrap();
    fs::remove_dir_all(trail.dir().join("2026-11-24")).unwrap();
    assert!(trail.runtime.block_on(running.recorder.seal()).is_err());
    assert_eq!(running.recorder.covered().sequence, covered);
    trail.record(&running, access("c.example")).unwrap();
    assert!(trail.runtime.block_on(running.recorder.seal()).unwrap() > covered);
    running.writer.finish();
}
