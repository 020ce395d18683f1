//! What became of an import, for people and for programs.

use serde_json::{Value, json};

use crate::cli::output;
use crate::control::lists::{FileRow, Report};
use crate::lists::Rejected;
use crate::model::counted;

/// The most lines of one kind that people are shown.
const SHOWN: usize = 20;

/// The report as a program reads it.
pub(super) fn json(report: &Report) -> Value {
    let rejected = |rejected: &Rejected| {
        json!({
            "line": rejected.line, "column": rejected.column, "text": rejected.text,
            "reason": rejected.reason.to_string(),
        })
    };
    let file = |row: &FileRow| {
        json!({
            "list": row.list, "file": row.file, "format": row.format, "format_from": row.why, "read": row.read,
            "kept": row.kept, "exceptions": row.exceptions, "repaired": row.repaired, "merged": row.merged,
            "skipped": row.skipped, "rejected": row.rejected, "dangerous": row.dangerous,
            "first_skipped": row.first_skipped.iter().map(rejected).collect::<Vec<_>>(),
            "first_rejected": row.first_rejected.iter().map(rejected).collect::<Vec<_>>(),
        })
    };
    json!({
        "source": report.source, "version": report.version, "licence": report.licence,
        "written_to": report.written_to, "files": report.files.iter().map(file).collect::<Vec<_>>(),
        "aliases": report.aliases.iter().map(|(name, list)| json!({ "name": name, "list": list })).collect::<Vec<_>>(),
        "notes": report.notes, "unused": report.unused,
        "protected": report.protected,
    })
}

/// The report as people read it.
pub(super) fn print(report: &Report) {
    let mut table = output::table();
    table.set_header([
        "list",
        "format",
        "because",
        "read",
        "kept",
        "repaired",
        "merged",
        "skipped",
        "rejected",
        "dangerous",
    ]);
    for row in &report.files {
        let counts = [row.read, row.kept, row.repaired, row.merged, row.skipped, row.rejected, row.dangerous];
        let names = [row.list.clone(), row.format.to_string(), row.why.to_owned()];
        table.add_row(names.into_iter().chain(counts.map(|count| count.to_string())));
    }
    out!("{table}");
    print_lines(report, "Lines not taken", |row| &row.first_rejected);
    print_lines(report, "Lines that mean nothing at a gateway", |row| &row.first_skipped);
    print_notes(report);
    let kept: usize = report.files.iter().map(|row| row.kept).sum();
    match &report.written_to {
        Some(folder) => {
            out!(
                "\n{} of {}: {} in {}.",
                report.source,
                report.version,
                counted(kept, "entry"),
                folder.display()
            );
            out!(
                "Next: `schoolgate check`, then `systemctl reload schoolgate` (or SIGHUP) puts them in force."
            );
        }
        None => {
            out!(
                "\nA dry run: {} of {} could be imported; nothing was written.",
                counted(kept, "entry"),
                report.source
            );
        }
    }
}

/// Lines of one kind, the first of each file.
fn print_lines(report: &Report, heading: &str, of: fn(&FileRow) -> &[Rejected]) {
    let lines = report.files.iter().flat_map(|row| of(row).iter().map(move |line| (row, line)));
    let mut shown = lines.peekable();
    if shown.peek().is_none() {
        return;
    }
    out!("\n{heading} (the first of each file):");
    for (row, line) in shown.by_ref().take(SHOWN) {
        out!("  {}/{}:{}:{}: {} ({})", row.list, row.file, line.line, line.column, line.reason, line.text);
    }
    let more = shown.count();
    if more > 0 {
        out!("  and more: --json shows them");
    }
}

fn print_notes(report: &Report) {
    let exact = report.files.iter().filter(|row| row.format.is_exact());
    for row in exact {
        out!(
            "\n{}: each name covers that host alone, as the format {} means it; --subtree covers what lies below.",
            row.list,
            row.format
        );
    }
    if !report.protected.is_empty() {
        out!("\nEntries that would block a protected name (help lines stay open whatever lists say):");
        for hit in report.protected.iter().take(SHOWN) {
            out!("  {}/{}:{}: {} ({})", hit.list, hit.file, hit.line, hit.entry, hit.name);
        }
        if report.protected.len() > SHOWN {
            out!("  and {} more: --json shows them", report.protected.len() - SHOWN);
        }
    }
    if !report.aliases.is_empty() {
        let names = report.aliases.iter().map(|(name, list)| format!("{name} = {list}"));
        out!("\nSecond names, which are no lists of their own: {}.", names.collect::<Vec<_>>().join(", "));
    }
    if !report.notes.is_empty() {
        out!("\nNotes:");
        for note in report.notes.iter().take(SHOWN) {
            out!("  {note}");
        }
    }
    if !report.unused.is_empty() {
        out!("\nLists that no category of the policy uses: {}.", report.unused.join(", "));
    }
    if !report.licence.is_empty() {
        out!("\nLicence: {}.", report.licence);
    }
}
