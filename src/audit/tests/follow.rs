//! Following the trail: in order, from anywhere, over segments and days, as it grows.

use super::*;
use crate::audit::Follower;

fn sequences(follower: &mut Follower) -> Vec<u64> {
    follower.read(1000).unwrap().into_iter().map(|written| written.sequence).collect()
}

#[test]
fn a_follower_starts_anywhere_and_goes_on_as_the_trail_grows() {
    let trail = Trail::of_segments(2000);
    let running = trail.start();
    for after in 0..12 {
        let mut follower = running.recorder.follow(after);
        let so_far = running.recorder.head().sequence;
        assert!(sequences(&mut follower).into_iter().eq(after + 1..=so_far), "after {after}");
        assert!(!follower.is_behind());
        // A bug: who found nothing new lost their place, and sought it again with each line.
        assert!(sequences(&mut follower).is_empty() && follower.keeps_its_place() == (after < so_far));
        trail.tick(6 * 3_600_000);
        trail.record(&running, access("a.example")).unwrap();
        trail.record(&running, access("b.example")).unwrap();
        assert!(trail.runtime.block_on(follower.more()));
        assert!(sequences(&mut follower).into_iter().eq(so_far.max(after) + 1..=so_far + 2), "after {after}");
    }
    running.writer.finish();
}

#[test]
fn a_follower_waits_for_what_is_not_written_yet_and_ends_with_the_trail() {
    let trail = Trail::new();
    let running = trail.start();
    let mut follower = running.recorder.follow(0);
    assert!(!follower.is_behind());
    let waiting = trail.runtime.spawn(async move { (follower.more().await, follower) });
    trail.record(&running, access("a.example")).unwrap();
    let (more, mut follower) = trail.runtime.block_on(waiting).unwrap();
    assert!(more);
    assert_eq!(sequences(&mut follower), [1]);
    running.writer.finish();
    drop(running.recorder);
    assert!(!trail.runtime.block_on(follower.more()), "closed, and all is read");
}

#[test]
fn what_the_writer_does_not_stand_by_is_not_shown() {
    let trail = Trail::new();
    let running = trail.start();
    trail.record(&running, access("a.example")).unwrap();
    let mut follower = running.recorder.follow(0);
    assert_eq!(sequences(&mut follower), [1]);
    // Half a line, as a write that failed leaves for a moment.
    let path = trail.segments().remove(0);
    let whole = fs::read(&path).unwrap();
    let half = &whole[..whole.len() / 2];
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    std::io::Write::write_all(&mut file, half).unwrap();
    assert_eq!(sequences(&mut follower), Vec::<u64>::new());
    file.set_len(whole.len() as u64).unwrap();
    trail.record(&running, access("b.example")).unwrap();
    assert_eq!(sequences(&mut follower), [2]);
    running.writer.finish();
}

/// From any sequence on, in a segment that is read in parts, plain or compressed, with lines of very
/// different lengths and some that are no events.
#[test]
fn a_follower_finds_its_place_in_a_long_segment() {
    let trail = Trail::of_segments(8 << 20);
    let running = trail.start();
    for number in 0..400_usize {
        let reason = "x".repeat(number * 7919 % 20_000);
        let act = Act::new(Actor::System, "policy.changed").with("reason", reason);
        trail.record(&running, Entry::System(act)).unwrap();
    }
    trail.tick(86_400_000);
    trail.record(&running, access("a.example")).unwrap();
    running.writer.finish();
    let running = trail.start();
    for packed in [false, true] {
        if packed {
            trail.pack();
        }
        for after in (0..402).step_by(7).chain([1, 399, 400, 401]) {
            let mut follower = running.recorder.follow(after);
            let head = running.recorder.head().sequence;
            assert!(sequences(&mut follower).into_iter().eq(after + 1..=head), "after {after}, {packed}");
        }
    }
    let path = trail.segments().remove(0);
    assert!(path.to_string_lossy().ends_with(".zst"));
    let mut reader = Forward::open(&path).unwrap();
    let found = crate::audit::follow::near(&mut reader, 300).unwrap();
    reader.seek(found).unwrap();
    let first = crate::audit::line::Place::read(reader.next().unwrap().unwrap().bytes).unwrap().sequence;
    assert!((200..=300).contains(&first), "{first} is near to 300");
    running.writer.finish();
}
