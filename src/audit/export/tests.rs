//! Archives: one record stays one record, proofs hold, and no byte changes unnoticed.

use std::collections::BTreeMap;
use std::io::{Read, Seek, Write};
use std::path::PathBuf;
use std::process::Command;

use super::cells::cells;
use super::commas::Commas;
use super::matter::Matter;
use super::sheet::Sheet;
use super::*;
use crate::audit::{Act, Actor, Entry, Observer, Recorder, Signer, Writer};
use crate::model::Timestamp;

/// What breaks rows, runs as a formula, hides or turns round.
fn nasty() -> Vec<String> {
    let long = format!("https://long.example/{}", "a\u{e9}".repeat(32 * 1024));
    let mut all: Vec<String> = [
        "=cmd|' /C calc'!A0",
        "+1",
        "-1+1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "＝1+1",
        "a\r\nb",
        "a\nb",
        "a\rb",
        "\u{1b}[31mred",
        "a\u{2028}b\u{2029}c",
        "\u{202e}gpj.exe",
        "a\0b",
        "\"quoted\", \"twice\"",
        "a,b;c\td",
        "</td><script>alert(1)</script>",
        "'already",
        "_x000D_",
        "\u{feff}bom",
        "\u{fffe}\u{ffff}",
        "\u{fffd}\u{85}",
        "=HYPERLINK(\"http://x.example\")",
        "http://link.example/",
        "1e5",
        "00123",
        "TRUE",
        "2026-11-24",
    ]
    .map(str::to_owned)
    .to_vec();
    all.push(long);
    // Each of these is longer in a spreadsheet than it is in characters.
    all.extend(["\u{200b}".repeat(4096), "\u{200b}".repeat(20_000), "\u{1f512}".repeat(20_000)]);
    all
}

/// An event with the same text wherever a text may stand.
fn event(sequence: u64, text: &str) -> Value {
    serde_json::json!({
        "@timestamp": "2026-07-24T09:14:03.123Z",
        "event": { "sequence": sequence, "dataset": text, "action": text, "outcome": text, "reason": text,
                   "duration": 1_500_000_000_u64 },
        "user": { "name": text, "group": { "name": text } }, "host": { "name": text },
        "source": { "ip": text }, "url": { "domain": text, "full": text },
        "rule": { "category": text, "name": text, "ruleset": text },
        "http": { "request": { "referrer": text } },
        "schoolgate": { "rung": text, "search": text, "suggestion": text, "categories": [text, text],
                        "visibility": text, "closed_by": text, "bytes_up": 7, "bytes_down": 1_u64 << 40,
                        "details": { "words": text } },
    })
}

const READ_SHEETS: &str = r#"
import csv, datetime, json, openpyxl, sys
folder, count = sys.argv[1], int(sys.argv[2])
raw = open(folder + "/events.csv", "rb").read()
assert raw.startswith(b"\xef\xbb\xbf") and raw.endswith(b"\r\n")
assert raw.count(b"\r\n") == count + 1 and raw.count(b"\n") == count + 1 and raw.count(b"\r") == count + 1
assert len(raw.decode("utf-8").splitlines()) == count + 1, "no other line end either"
rows = list(csv.reader(open(folder + "/events.csv", encoding="utf-8-sig", newline="")))
assert len(rows) == count + 1 and {len(row) for row in rows} == {27}, [len(row) for row in rows]
for row in rows[1:]:
    assert row[1] == "2026-07-24 10:14:03", "the school's clock: summer time"
    assert row[2] == "2026-07-24T09:14:03.123Z" and row[23] == str(1 << 40) and row[24] == "1.500"
    for cell in row:
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d")), cell[:40]
        assert not any(ord(c) < 32 or c in "\u2028\u2029\u202e\ufeff\x85\x7f" for c in cell), cell[:40]
book = openpyxl.load_workbook(folder + "/events.xlsx")
sheet = book["Events"]
assert sheet.max_row == count + 1 and sheet.max_column == 27, (sheet.max_row, sheet.max_column)
assert sheet.freeze_panes == "A2" and sheet.auto_filter.ref == "A1:AA%d" % (count + 1), sheet.auto_filter.ref
for row in list(sheet.rows)[1:]:
    assert row[1].value == datetime.datetime(2026, 7, 24, 10, 14, 3), row[1].value
    assert row[0].data_type == "n" and row[23].value == 1 << 40
    for cell in row:
        assert cell.data_type != "f" and cell.hyperlink is None, cell.value
    assert isinstance(row[6].value, str), row[6].value
for ours, theirs in zip(rows[1:], list(sheet.rows)[1:]):
    text = ours[6][1:] if ours[6].startswith("'") and ours[6] != "'already" else ours[6]
    # A text that looks like an escape of the file format is escaped itself.
    assert theirs[6].value.replace("_x005F_", "_") == text, (theirs[6].value[:50], text[:50])
page = open(folder + "/matter.html", encoding="utf-8").read()
assert page.count("<tr>") == count and "<script" not in page and "&lt;script&gt;" in page
assert page.count('<tr class="own"><td>2</td>') == 1 and "<b>" not in page and "&lt;b&gt;why" in page
assert "<dt>From</dt><dd>Fri 24 Jul 2026, 10:00:00</dd>" in page, "the school's clock: summer time"
"#;

#[test]
fn one_record_stays_one_record_in_every_sheet() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| File::create(dir.path().join(name)).unwrap();
    let about = serde_json::json!({ "reason": "<b>why</b>", "event": 2, "query": { "from": "2026-07-24T09:00:00Z" } });
    let about = about.as_object().unwrap();
    let mut commas = Commas::begin(at("events.csv"), Rows::Events).unwrap();
    let mut sheet = Sheet::begin(dir.path(), Rows::Events).unwrap();
    let zone = TimeZone::get("Europe/London").unwrap();
    let mut matter = Matter::begin(at("matter.html"), about, &zone).unwrap();
    let all = nasty();
    for (at, text) in all.iter().enumerate() {
        let cells = cells(&event(at as u64 + 1, text), &zone, Rows::Events);
        commas.row(&cells).unwrap();
        sheet.row(&cells).unwrap();
        matter.row(&cells).unwrap();
    }
    commas.end().unwrap();
    sheet.end(at("events.xlsx")).unwrap();
    matter.end().unwrap();
    python(READ_SHEETS, &[dir.path().to_str().unwrap(), &all.len().to_string()]);
}

fn python(script: &str, arguments: &[&str]) {
    // Debian's own: it has the package that reads workbooks.
    let ran = Command::new("/usr/bin/python3").arg("-c").arg(script).args(arguments).output().unwrap();
    assert!(
        ran.status.success(),
        "{}{}",
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
}

struct Trail {
    dir: tempfile::TempDir,
    recorder: Recorder,
    index: Index,
    _writer: Writer,
}

/// Nasty words in acts, sealed.
async fn trail() -> Trail {
    let dir = tempfile::tempdir().unwrap();
    let audit = dir.path().join("audit");
    let signer = Signer::open(&dir.path().join("audit.key"), &audit).unwrap();
    let now: Timestamp = "2026-11-24T09:14:03.123Z".parse().unwrap();
    let observer = Observer { name: "st-example".into(), version: "0".into() };
    let (recorder, writer) = Recorder::open(&audit, observer, Some(signer), move || now).unwrap();
    for words in nasty() {
        let act =
            Act { reason: Some(words.chars().take(900).collect()), ..Act::new(Actor::Local, "test.said") };
        recorder.record(Entry::Change(act)).await.unwrap();
    }
    recorder.seal().await.unwrap();
    let index = Index::of(recorder.dir());
    Trail { dir, recorder, index, _writer: writer }
}

impl Trail {
    fn exporting<'a>(&'a self, names: Names, show: &'a dyn Fn(Value) -> Option<Value>) -> Exporting<'a> {
        Exporting {
            index: &self.index,
            filter: Filter { dataset: Some("schoolgate.change".to_owned()), ..Filter::default() },
            formats: Format::ALL.into(),
            rows: Rows::Events,
            names,
            show,
            explain: None,
            zone: TimeZone::UTC,
            scratch: self.dir.path(),
            about: Map::from_iter([("gateway".to_owned(), Value::from("st-example"))]),
            parts: vec![Part { name: "note.txt", what: "a note", text: "noted\n".to_owned() }],
            most: 1000,
            least_free: 0,
        }
    }

    /// Writes the archive to a file of that name.
    fn archive(&self, name: &str, wanted: Exporting<'_>) -> (PathBuf, Exported) {
        let mut exported = export(wanted).unwrap();
        let path = self.dir.path().join(name);
        std::io::copy(&mut exported.file, &mut File::create(&path).unwrap()).unwrap();
        exported.file.rewind().unwrap();
        (path, exported)
    }
}

fn files(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut zip = zip::ZipArchive::new(File::open(path).unwrap()).unwrap();
    let mut files = BTreeMap::new();
    for at in 0..zip.len() {
        let mut file = zip.by_index(at).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        files.insert(file.name().unwrap().into_owned(), bytes);
    }
    files
}

/// The independent verifier's verdict, and what it said.
fn verified(place: &Path, more: &[&str]) -> (bool, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/audit/export/verify_export.py");
    let ran = Command::new("python3").arg(script).arg(place).args(more).output().unwrap();
    let said = [ran.stdout, ran.stderr].concat();
    (ran.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test]
async fn an_archive_proves_its_lines_to_anybody() {
    let trail = trail().await;
    let (path, exported) = trail.archive("export.zip", trail.exporting(Names::Own, &Some));
    let count = nasty().len();
    assert_eq!(exported.events as usize, count);
    assert_eq!(exported.length, std::fs::metadata(&path).unwrap().len());
    let files = files(&path);
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "SHA256SUMS",
            "VERIFY.txt",
            "checkpoints.jsonl",
            "closes.jsonl",
            "events.csv",
            "events.jsonl",
            "events.xlsx",
            "key.pem",
            "manifest.json",
            "note.txt",
            "proofs.jsonl",
            "verify_export.py",
        ]
    );
    let lines = String::from_utf8(files["events.jsonl"].clone()).unwrap();
    let stands: Vec<String> =
        trail.recorder.follow(0).read(100).unwrap().into_iter().map(|line| line.line).collect();
    let of_change = stands.iter().filter(|line| line.contains("\"schoolgate.change\""));
    assert!(lines.lines().eq(of_change), "the lines as they stand");

    let checked = check_export(&path, None).unwrap();
    assert_eq!((checked.proven, &checked.manifest), (count, &exported.manifest));
    let (good, said) = verified(&path, &["--manifest", &exported.manifest]);
    assert!(
        good && said.contains(&format!("{count} are proven")) && said.contains(&checked.keys[0]),
        "{said}"
    );
    assert!(!verified(&path, &["--manifest", &"0".repeat(64)]).0);
    let other = tempfile::tempdir().unwrap();
    Signer::open(&other.path().join("secret"), other.path()).unwrap();
    let theirs = other.path().join(Key::FILE);
    let (good, said) = verified(&path, &["--key", theirs.to_str().unwrap()]);
    assert!(!good && said.contains("no key"), "{said}");
    assert!(check_export(&path, Some(Key::read(&theirs).unwrap())).is_err());
    let left = std::fs::read_dir(trail.dir.path()).unwrap();
    let left: Vec<String> = left.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(left.iter().all(|name| !name.starts_with("export-")), "{left:?}");
}

#[tokio::test]
async fn no_byte_of_an_archive_changes_unnoticed() {
    let trail = trail().await;
    let (path, _) = trail.archive("export.zip", trail.exporting(Names::Own, &Some));
    let files = files(&path);
    let spoilt = trail.dir.path().join("spoilt.zip");
    for (name, bytes) in &files {
        for place in [0, bytes.len() / 2, bytes.len().saturating_sub(2)] {
            if bytes.is_empty() {
                continue;
            }
            let folder = tempfile::tempdir().unwrap();
            let mut zip = zip::ZipWriter::new(File::create(&spoilt).unwrap());
            for (other, whole) in &files {
                let mut whole = whole.clone();
                if other == name {
                    whole[place] ^= 1;
                }
                std::fs::write(folder.path().join(other), &whole).unwrap();
                zip.start_file(other, zip::write::SimpleFileOptions::default()).unwrap();
                zip.write_all(&whole).unwrap();
            }
            zip.finish().unwrap();
            let (good, said) = verified(folder.path(), &[]);
            assert!(!good, "{name} at {place}: {said}");
            assert!(check_export(&spoilt, None).is_err(), "{name} at {place}");
        }
    }
}

/// Whoever makes the sums right again still can't change a line.
#[tokio::test]
async fn a_forger_who_mends_the_sums_is_found_by_the_proofs() {
    let trail = trail().await;
    let (path, _) = trail.archive("export.zip", trail.exporting(Names::Own, &Some));
    let mut files = files(&path);
    let forged = String::from_utf8(files["events.jsonl"].clone()).unwrap();
    let mut lines: Vec<String> = forged.lines().map(str::to_owned).collect();
    let honest = lines[3].rsplit_once(",\"hash\":\"").unwrap().0.replace("local", "lokal");
    lines[3] = format!("{honest},\"hash\":\"{}\"}}}}", crate::audit::LineHash::of(honest.as_bytes()));
    files.insert("events.jsonl".into(), (lines.join("\n") + "\n").into_bytes());
    let digest = |bytes: &[u8]| super::archive::hex(&<sha2::Sha256 as sha2::Digest>::digest(bytes));
    let mut manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    for entry in manifest["files"].as_array_mut().unwrap() {
        let bytes = &files[entry["name"].as_str().unwrap()];
        entry["sha256"] = digest(bytes).into();
        entry["bytes"] = bytes.len().into();
    }
    files.insert("manifest.json".into(), manifest.to_string().into_bytes());
    files.remove("SHA256SUMS");
    let sums: String = files.iter().map(|(name, bytes)| format!("{}  {name}\n", digest(bytes))).collect();
    files.insert("SHA256SUMS".into(), sums.into_bytes());
    let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
    for (name, bytes) in &files {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
    let (good, said) = verified(&path, &[]);
    assert!(!good && said.contains("is not among the lines that were signed"), "{said}");
    let found = check_export(&path, None).unwrap_err();
    assert!(matches!(found, Tampered::Line { file: "events.jsonl", line: 4, .. }), "{found}");
}

#[tokio::test]
async fn pseudonyms_come_without_lines_and_too_much_not_at_all() {
    let trail = trail().await;
    let hide = |mut event: Value| {
        event["event"]["reason"] = Value::Null;
        Some(event)
    };
    let (path, exported) = trail.archive("export.zip", trail.exporting(Names::Pseudonyms, &hide));
    let files = files(&path);
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "SHA256SUMS",
            "VERIFY.txt",
            "events.csv",
            "events.xlsx",
            "manifest.json",
            "note.txt",
            "verify_export.py"
        ]
    );
    assert!(!String::from_utf8_lossy(&files["events.csv"]).contains("already"));
    assert_eq!(check_export(&path, None).unwrap().manifest, exported.manifest);
    let (good, said) = verified(&path, &[]);
    assert!(good && said.contains("no lines"), "{said}");
    let few = Exporting { most: 5, ..trail.exporting(Names::Own, &Some) };
    assert!(matches!(export(few), Err(ExportError::TooMany { most: 5 })));
    let full = Exporting { least_free: u64::MAX, ..trail.exporting(Names::Own, &Some) };
    assert!(matches!(export(full), Err(ExportError::NoRoom)));
    let left = std::fs::read_dir(trail.dir.path()).unwrap();
    assert!(left.flatten().all(|file| !file.file_name().to_string_lossy().starts_with("export-")));
}
