//! The files of an export as one archive, with a manifest and what checks them.

use std::fs::File;
use std::io::{self, Read, Seek, Write};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::audit::export::rows::{Written, scratch};
use crate::audit::export::{ExportError, Exported, Exporting, Format, Names};
use crate::audit::key::Key;

/// The form of the manifest.
pub(super) const FORM: &str = "schoolgate-export/1";
/// The list of every file's digest, in the form of `sha256sum`.
pub(super) const SUMS: &str = "SHA256SUMS";
/// The manifest.
pub(super) const MANIFEST: &str = "manifest.json";

const VERIFIER: &str = include_str!("verify_export.py");
const HOW: &str = include_str!("VERIFY.txt");
const HOW_PSEUDONYMS: &str = include_str!("VERIFY-pseudonyms.txt");

/// An archive being written.
struct Archive {
    zip: ZipWriter<File>,
    /// Names and digests so far.
    sums: String,
    files: Vec<Value>,
}

/// Puts everything into one file.
pub(super) fn pack(wanted: Exporting<'_>, written: Written, keys: &str) -> Result<Exported, ExportError> {
    let mut archive =
        Archive { zip: ZipWriter::new(scratch(wanted.scratch)?), sums: String::new(), files: Vec::new() };
    for (name, what, mut file) in written.files {
        wanted.room_for(file.metadata()?.len())?;
        file.rewind()?;
        archive.put(name, what, &mut file)?;
    }
    let lines = wanted.formats.contains(&Format::Jsonl) && wanted.names == Names::Own;
    if lines {
        archive.put("key.pem", "the public keys that signed", &mut keys.as_bytes())?;
    }
    for part in &wanted.parts {
        archive.put(part.name, part.what, &mut part.text.as_bytes())?;
    }
    let how = if lines { HOW } else { HOW_PSEUDONYMS };
    archive.put("VERIFY.txt", "how to check this archive", &mut how.as_bytes())?;
    archive.put("verify_export.py", "what checks it", &mut VERIFIER.as_bytes())?;
    let mut manifest = wanted.about;
    let names = match wanted.names {
        Names::Own => "own",
        Names::Pseudonyms => "pseudonyms",
    };
    let proofs = match lines {
        true => json!({ "lines": written.lines + written.closes, "unproven": written.unproven,
            "checkpoints": written.checkpoints }),
        false => json!({ "lines": 0, "why_none": "only lines of the trail as they stand can be proven, and \
            those are for whoever may see names, and asks for jsonl" }),
    };
    for (name, value) in [
        ("form", json!(FORM)),
        ("names", json!(names)),
        ("events", json!(written.events)),
        ("lines", json!({ "events": written.lines, "closes": if lines { written.closes } else { 0 } })),
        ("first", json!(written.first)),
        ("last", json!(written.last)),
        ("proofs", proofs),
        ("keys", json!(fingerprints(keys))),
        ("files", json!(archive.files)),
    ] {
        manifest.insert(name.to_owned(), value);
    }
    manifest.extend(written.pages.map(|pages| ("pages".to_owned(), json!(pages))));
    let mut text = serde_json::to_string_pretty(&manifest).map_err(io::Error::from)?;
    text.push('\n');
    let digest = archive.put(MANIFEST, "", &mut text.as_bytes())?;
    let sums = archive.sums.clone();
    archive.put(SUMS, "", &mut sums.as_bytes())?;
    let mut file = archive.zip.finish().map_err(io::Error::from)?;
    let length = file.stream_position()?;
    file.rewind()?;
    Ok(Exported { file, length, manifest: digest, events: written.events })
}

impl Archive {
    /// Adds a file, and answers its digest.
    fn put(&mut self, name: &str, what: &str, from: &mut dyn Read) -> io::Result<String> {
        // What is compressed already is not compressed once more.
        let method = match name.ends_with(".xlsx") {
            true => CompressionMethod::Stored,
            false => CompressionMethod::Deflated,
        };
        let options = SimpleFileOptions::default().compression_method(method).large_file(true);
        self.zip.start_file(name, options)?;
        let (mut digest, mut bytes) = (Sha256::new(), 0_u64);
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = from.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            digest.update(&buffer[..read]);
            self.zip.write_all(&buffer[..read])?;
            bytes += read as u64;
        }
        let digest = hex(&digest.finalize());
        self.sums.push_str(&format!("{digest}  {name}\n"));
        self.files.push(json!({ "name": name, "what": what, "bytes": bytes, "sha256": digest }));
        Ok(digest)
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn fingerprints(keys: &str) -> Vec<String> {
    Key::parse(keys).unwrap_or_default().iter().map(Key::fingerprint).collect()
}
