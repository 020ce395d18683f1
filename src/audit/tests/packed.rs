//! Compressed segments: they read as the plain ones did, whatever happens meanwhile.

use std::collections::HashSet;
use std::process::Command;

use super::*;
use crate::audit::packed::{FRAME, Unpacker, is_sealed, pack};
use crate::audit::segment::Backward;
use crate::audit::{Filter, Order, prove, query};

type Pieces = Vec<(u64, Vec<u8>, bool)>;

fn forward(path: &Path, offset: u64) -> Pieces {
    let mut pieces = Vec::new();
    let mut reader = Forward::open_at(path, offset).unwrap();
    while let Some(piece) = reader.next().unwrap() {
        pieces.push((piece.offset, piece.bytes.to_vec(), piece.complete));
    }
    pieces
}

fn backward(path: &Path) -> Pieces {
    let mut pieces = Vec::new();
    let mut reader = Backward::open(path).unwrap();
    while let Some(piece) = reader.next().unwrap() {
        pieces.insert(0, (piece.offset, piece.bytes.to_vec(), piece.complete));
    }
    pieces
}

/// Lines of several frames, one of them as long as a line can be.
fn many_lines() -> String {
    let line = |number: usize| format!("{number} {}\n", "words and more ".repeat(number % 200));
    let mut text: String = (0..1200).map(line).collect();
    text.push_str(&format!("{}\n", "long".repeat((1 << 18) - 1)));
    text.extend((0..100).map(line));
    text
}

fn packed_file(dir: &Path, text: &str) -> PathBuf {
    let path = dir.join("000000000001.jsonl.zst");
    assert!(pack(text.as_bytes(), fs::File::create(&path).unwrap(), || Ok(())).unwrap());
    path
}

#[test]
fn a_compressed_segment_reads_as_the_plain_one_from_anywhere() {
    let dir = tempfile::tempdir().unwrap();
    let text = many_lines();
    let (plain, packed) = (dir.path().join("plain"), packed_file(dir.path(), &text));
    fs::write(&plain, &text).unwrap();
    let lines = forward(&plain, 0);
    assert!(lines == forward(&packed, 0) && lines == backward(&packed));
    for at in (0..lines.len()).step_by(97).chain([lines.len() - 1]) {
        assert!(lines[at..] == forward(&packed, lines[at].0), "from line {at}");
    }
    let mut reader = Forward::open(&packed).unwrap();
    for at in (0..lines.len()).map(|number| number * 389 % lines.len()) {
        reader.seek(lines[at].0).unwrap();
        let piece = reader.next().unwrap().unwrap();
        assert!((piece.offset, piece.bytes) == (lines[at].0, &*lines[at].1), "line {at}");
    }
    assert_eq!(forward(&packed, text.len() as u64), []);
    assert_eq!(Unpacker::open(&packed).unwrap().length(), text.len() as u64);
    assert!(fs::metadata(&packed).unwrap().len() < text.len() as u64 / 5);
    let cat = Command::new("zstd").arg("-dcq").arg(&packed).output().unwrap();
    assert!(cat.status.success() && cat.stdout == text.as_bytes());
}

#[test]
fn what_is_no_text_of_lines_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    for text in ["x".repeat(8 << 20), format!("a\n{}", "x".repeat(8 << 20))] {
        let out = fs::File::create(dir.path().join("out")).unwrap();
        assert!(!pack(text.as_bytes(), out, || Ok(())).unwrap());
    }
}

#[test]
fn any_byte_changed_is_told_and_other_frames_are_still_read() {
    let dir = tempfile::tempdir().unwrap();
    let text = many_lines();
    let packed = packed_file(dir.path(), &text);
    let whole = fs::read(&packed).unwrap();
    assert!(is_sealed(&packed).unwrap());
    let all = forward(&packed, 0).len();
    let known: HashSet<&[u8]> = text.lines().map(str::as_bytes).collect();
    for at in (0..whole.len()).step_by(whole.len() / 60).chain(whole.len() - 45..whole.len()) {
        let mut spoilt = whole.clone();
        spoilt[at] ^= 1 << (at % 8);
        fs::write(&packed, &spoilt).unwrap();
        assert!(!is_sealed(&packed).unwrap(), "{at}");
        let lines: Vec<_> = forward(&packed, 0).into_iter().map(|(_, bytes, _)| bytes).collect();
        assert!(lines.len() >= all / 2, "{} of {all} at {at}", lines.len());
        assert!(lines.iter().all(|line| known.contains(line.as_slice())), "{at}");
    }
    for length in [0, 20, 39, 40, 100, whole.len() - 41, whole.len() - 1] {
        fs::write(&packed, &whole[..length]).unwrap();
        assert!(!is_sealed(&packed).unwrap(), "{length}");
        assert!(forward(&packed, 0).len() < all || length > whole.len() - 41);
    }
}

#[test]
fn behind_a_damaged_frame_lines_stand_where_they_stood() {
    let dir = tempfile::tempdir().unwrap();
    let packed = packed_file(dir.path(), &many_lines());
    let (whole, lines) = (fs::read(&packed).unwrap(), forward(&packed, 0));
    let starts = |at: &usize| whole[*at..].starts_with(&[0x28, 0xb5, 0x2f, 0xfd]);
    let frames: Vec<usize> = (0..whole.len()).filter(starts).collect();
    assert!(frames.len() > 3);
    for frame in &frames[1..] {
        let mut spoilt = whole.clone();
        // The checksum of the frame before.
        spoilt[frame - 1] ^= 1;
        fs::write(&packed, &spoilt).unwrap();
        let left = forward(&packed, 0);
        assert!(left.len() < lines.len() && left.iter().all(|line| lines.contains(line)), "{frame}");
        for at in (0..lines.len()).step_by(61) {
            let from = left.partition_point(|line| line.0 < lines[at].0);
            assert!(left[from..] == forward(&packed, lines[at].0), "{frame}, line {at}");
        }
    }
}

#[test]
fn a_segment_that_cannot_be_compressed_holds_up_no_other_and_the_open_one_is_left() {
    let trail = Trail::filled(20, 5000);
    let segments = trail.segments();
    let last = trail.lines().len() as u64;
    assert!(segments.len() > 3);
    fs::remove_file(&segments[0]).unwrap();
    fs::create_dir(&segments[0]).unwrap();
    let later = trail.dir().join("2099-01-01");
    fs::create_dir(&later).unwrap();
    fs::write(later.join("000000009999.jsonl"), "a\n").unwrap();
    let (_running, stop) = mpsc::channel();
    assert!(pack_closed(&trail.dir(), last, &mut Vec::new(), &stop).is_err());
    let (open, closed) = segments.split_last().unwrap();
    assert!(open.exists() && segments[0].exists());
    assert!(closed[1..].iter().all(|path| !path.exists() && path.with_extension("jsonl.zst").exists()));
}

#[test]
fn readers_of_the_trail_do_not_mind_the_form() {
    let trail = Trail::signed(4000);
    let running = trail.start();
    for number in 0..40 {
        trail.tick(4_000_000);
        trail.record(&running, access(&format!("site-{number}.example"))).unwrap();
    }
    let mut follower = running.recorder.follow(0);
    let mut followed = follower.read(7).unwrap();
    let lines = trail.lines();
    let asked = [Order::OldestFirst, Order::NewestFirst].map(|order| Filter {
        order,
        limit: 1000,
        text: Some("site-1".into()),
        ..Filter::default()
    });
    let found = |filter: &Filter| query(&trail.dir(), filter).unwrap().records;
    let before = asked.each_ref().map(found);
    let plain = trail.segments().len();
    trail.pack();
    let packed = trail.segments().into_iter().filter(|path| path.extension().unwrap() == "zst").count();
    assert_eq!(packed, plain - 1);
    assert_eq!(trail.lines(), lines);
    assert_eq!(asked.each_ref().map(found), before);
    followed.extend(follower.read(1000).unwrap());
    assert!(followed.into_iter().map(|written| written.line).eq(lines.iter().cloned()));
    assert_eq!(running.recorder.follow(17).read(1).unwrap()[0].sequence, 18);
    running.writer.finish();
    trail.start().writer.finish();
    assert_eq!(trail.lines().len(), lines.len() + 1);
    for sequence in 1..=lines.len() as u64 {
        prove(&trail.dir(), sequence).unwrap();
    }
    sound(&trail.dir());
}

#[test]
fn a_crash_between_any_two_steps_leaves_a_trail_that_reads_right() {
    let trail = Trail::filled(12, 5000);
    let lines = trail.lines();
    let plain = trail.segments().remove(0);
    let text = fs::read(&plain).unwrap();
    let packed = plain.with_extension("jsonl.zst");
    // Half of the new file.
    fs::write(plain.with_extension("jsonl.zst.new"), "half").unwrap();
    assert_eq!(trail.lines(), lines);
    trail.pack();
    assert!(packed.exists() && !plain.exists() && !plain.with_extension("jsonl.zst.new").exists());
    // Both are there, and the compressed one is not whole.
    fs::write(&plain, &text).unwrap();
    fs::write(&packed, "half").unwrap();
    assert_eq!(trail.lines(), lines);
    trail.pack();
    assert!(packed.exists() && !plain.exists());
    assert_eq!(trail.lines(), lines);
    // One that is asked for by the name that it had a moment ago.
    assert_eq!(forward(&plain, 0), forward(&packed, 0));
    assert_eq!(backward(&plain), backward(&packed));
    assert!(text.len() < FRAME);
    trail.start().writer.finish();
    sound(&trail.dir());
}
