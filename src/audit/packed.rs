//! Closed segments in compressed form: independent zstd frames of whole lines, so that one line is
//! read without the rest, and `zstdcat` reads them all.
//!
//! **Invariant:** the last 40 bytes are a frame that decoders skip: the SHA-256 of all before it.
//! What a damaged frame held is passed over and told; what stands behind it is still read.

use std::fs::File;
use std::io::{self, BufRead, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use sha2::{Digest, Sha256};
use zstd::bulk::{Compressor, Decompressor};
use zstd_safe::CParameter;

use crate::audit::line::MAX_LINE;

/// How many bytes of lines a frame holds, but for the line that passes it.
pub(super) const FRAME: usize = 256 * 1024;
/// The most that a frame can hold.
const LARGEST: usize = FRAME + MAX_LINE + 1;
const LEVEL: i32 = 6;
const MAGIC: [u8; 4] = 0xFD2F_B528u32.to_le_bytes();
/// What stands before the digest: a skippable frame of 32 bytes (RFC 8878, section 3.1.2).
const SEAL: [u8; 8] = [0x50, 0x2a, 0x4d, 0x18, 32, 0, 0, 0];
const SEALED: u64 = SEAL.len() as u64 + 32;
/// The longest header of a frame.
const HEADER: usize = 18;

/// Writes a segment in compressed form.
pub(super) struct Packer<W> {
    out: W,
    compressor: Compressor<'static>,
    digest: Sha256,
}

/// Reads a compressed segment's lines as if they stood there plainly.
pub(super) struct Unpacker {
    file: File,
    frames: Vec<Frame>,
    decompressor: Decompressor<'static>,
    /// The frame to be read next.
    next: usize,
    /// Where `plain` starts among the lines.
    start: u64,
    plain: Vec<u8>,
    /// How much of `plain` was read.
    read: usize,
    damaged: bool,
}

/// Where a frame stands, and what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Frame {
    at: u64,
    length: u64,
    /// Where its first byte stands among the lines.
    plain: u64,
    size: usize,
}

impl<W: Write> Packer<W> {
    pub(super) fn new(out: W) -> io::Result<Packer<W>> {
        let mut compressor = Compressor::new(LEVEL)?;
        compressor.set_parameter(CParameter::ChecksumFlag(true))?;
        compressor.set_parameter(CParameter::ContentSizeFlag(true))?;
        Ok(Packer { out, compressor, digest: Sha256::new() })
    }

    /// Writes a frame of whole lines.
    pub(super) fn frame(&mut self, lines: &[u8]) -> io::Result<()> {
        let frame = self.compressor.compress(lines)?;
        self.digest.update(&frame);
        self.out.write_all(&frame)
    }

    /// Writes the digest.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.out.write_all(&SEAL)?;
        self.out.write_all(&self.digest.finalize())?;
        Ok(self.out)
    }
}

/// Compresses what a reader answers, whole lines to a frame; `after` each frame. False, with the
/// rest unread, when it is no text of lines.
pub(super) fn pack(
    mut from: impl Read,
    to: impl Write,
    mut after: impl FnMut() -> io::Result<()>,
) -> io::Result<bool> {
    let mut packer = Packer::new(to)?;
    let mut lines = Vec::with_capacity(FRAME);
    loop {
        let room = (FRAME.max(lines.len() + FRAME / 4) - lines.len()) as u64;
        let read = from.by_ref().take(room).read_to_end(&mut lines)?;
        let whole = lines.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let end = if read == 0 { lines.len() } else { whole };
        if lines.len() > LARGEST {
            return Ok(false);
        }
        if end > 0 {
            packer.frame(&lines[..end])?;
            lines.drain(..end);
            after()?;
        }
        if read == 0 {
            return packer.finish().map(|_| true);
        }
    }
}

/// Whether a compressed segment is, byte for byte, as it was written.
pub(super) fn is_sealed(path: &Path) -> io::Result<bool> {
    let bytes = std::fs::read(path)?;
    let Some((frames, seal)) = bytes.len().checked_sub(SEALED as usize).map(|at| bytes.split_at(at)) else {
        return Ok(false);
    };
    Ok(seal.strip_prefix(&SEAL) == Some(Sha256::digest(frames).as_slice()))
}

impl Unpacker {
    pub(super) fn open(path: &Path) -> io::Result<Unpacker> {
        let file = File::open(path)?;
        let mut walk =
            Walk { at: 0, plain: 0, length: file.metadata()?.len(), frames: Vec::new(), damaged: false };
        walk.all(&file)?;
        let Walk { frames, damaged, .. } = walk;
        let decompressor = Decompressor::new()?;
        Ok(Unpacker { file, frames, decompressor, next: 0, start: 0, plain: Vec::new(), read: 0, damaged })
    }

    /// Goes on reading at this byte of the lines.
    pub(super) fn seek(&mut self, offset: u64) -> io::Result<()> {
        let held = self.start..self.start + self.plain.len() as u64;
        if !held.contains(&offset) {
            self.next = self.frames.partition_point(|frame| frame.plain + frame.size as u64 <= offset);
            self.plain.clear();
            self.read = 0;
            self.fill_buf()?;
        }
        // A frame that stands behind a damaged one is read from its start.
        let from = usize::try_from(offset.saturating_sub(self.start)).map_err(io::Error::other)?;
        self.read = from.min(self.plain.len());
        Ok(())
    }

    /// Where the next byte stands among the lines, what damaged frames held counted.
    pub(super) fn position(&mut self) -> io::Result<u64> {
        self.fill_buf()?;
        Ok(self.start + self.read as u64)
    }

    /// How many bytes of lines there are.
    pub(super) fn length(&self) -> u64 {
        self.frames.last().map_or(0, |frame| frame.plain + frame.size as u64)
    }

    /// Whether something that was passed over so far is no frame of lines.
    pub(super) fn is_damaged(&self) -> bool {
        self.damaged
    }

    /// The lines of the last frame that starts before this byte of the lines, and where it starts.
    pub(super) fn before(&mut self, offset: u64) -> io::Result<Option<(u64, Vec<u8>)>> {
        let mut at = self.frames.partition_point(|frame| frame.plain < offset);
        while at > 0 {
            at -= 1;
            let frame = self.frames[at];
            if self.unpack(frame)? {
                self.read = 0;
                return Ok(Some((frame.plain, std::mem::take(&mut self.plain))));
            }
        }
        Ok(None)
    }

    /// Puts a frame's lines into `plain`; false when it is damaged.
    fn unpack(&mut self, frame: Frame) -> io::Result<bool> {
        let mut packed = vec![0; usize::try_from(frame.length).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut packed, frame.at)?;
        self.plain.clear();
        self.plain.reserve(frame.size);
        let unpacked = self.decompressor.decompress_to_buffer(&packed, &mut self.plain);
        let sound = unpacked.is_ok_and(|size| size == frame.size);
        if !sound {
            self.damaged = true;
            self.plain.clear();
        }
        Ok(sound)
    }
}

impl BufRead for Unpacker {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.read == self.plain.len() {
            let Some(frame) = self.frames.get(self.next).copied() else { break };
            self.next += 1;
            self.read = 0;
            self.start = frame.plain;
            self.unpack(frame)?;
        }
        Ok(&self.plain[self.read..])
    }

    fn consume(&mut self, amount: usize) {
        self.read += amount;
    }
}

impl Read for Unpacker {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(out)?;
        self.consume(read);
        Ok(read)
    }
}

impl std::fmt::Debug for Unpacker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unpacker").field("frames", &self.frames.len()).field("next", &self.next).finish()
    }
}

/// Finds the frames by their headers.
struct Walk {
    at: u64,
    plain: u64,
    length: u64,
    frames: Vec<Frame>,
    damaged: bool,
}

impl Walk {
    fn all(&mut self, file: &File) -> io::Result<()> {
        while self.at + SEALED < self.length {
            match self.frame(file)? {
                Some(frame) => {
                    self.frames.push(frame);
                    self.at += frame.length;
                    self.plain += frame.size as u64;
                }
                None => {
                    self.damaged = true;
                    self.at = self.magic(file, self.at + 1)?;
                }
            }
        }
        Ok(())
    }

    /// The frame that starts here, by its header and those of its blocks (RFC 8878, section 3.1.1).
    fn frame(&self, file: &File) -> io::Result<Option<Frame>> {
        let mut header = [0; HEADER];
        file.read_exact_at(&mut header, self.at)?;
        let size = zstd_safe::get_frame_content_size(&header).ok().flatten();
        let size = size.and_then(|size| usize::try_from(size).ok()).filter(|size| *size <= LARGEST);
        let (Some(size), true) = (size, header.starts_with(&MAGIC)) else { return Ok(None) };
        let descriptor = header[4];
        let window = u64::from(descriptor & 0x20 == 0);
        let content = match descriptor >> 6 {
            0 => 1 - window,
            wide => 1 << wide,
        };
        let mut end = self.at + 5 + window + [0, 1, 2, 4][usize::from(descriptor & 3)] + content;
        loop {
            let mut block = [0; 4];
            if end + 3 + SEALED > self.length {
                return Ok(None);
            }
            file.read_exact_at(&mut block[..3], end)?;
            let block = u32::from_le_bytes(block);
            let repeats = block >> 1 & 3 == 1;
            end += 3 + if repeats { 1 } else { u64::from(block >> 3) };
            if block & 1 == 1 {
                break;
            }
        }
        end += if descriptor & 4 == 0 { 0 } else { 4 };
        let whole = end + SEALED <= self.length;
        Ok(whole.then_some(Frame { at: self.at, length: end - self.at, plain: self.plain, size }))
    }

    /// Where the next frame may start.
    fn magic(&self, file: &File, from: u64) -> io::Result<u64> {
        let mut block = vec![0; FRAME];
        let mut at = from;
        while at < self.length {
            let read = file.read_at(&mut block, at)?;
            if let Some(found) = block[..read].windows(MAGIC.len()).position(|four| four == MAGIC) {
                return Ok(at + found as u64);
            }
            // The start of one may stand at the end of the block.
            at += (read.saturating_sub(MAGIC.len() - 1)).max(1) as u64;
        }
        Ok(self.length)
    }
}
