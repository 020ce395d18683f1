//! Who may name whom: the table of layers, one home for each crate, pure layers, file length.
//!
//! Reads the sources as text: grouped imports, `super::super::` and inline paths are seen through.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Module, what it may name, and whether it is pure (no I/O, threads, clocks or logs).
const TABLE: &[(&str, &[&str], Purity)] = &[
    ("model", &[], Purity::Pure),
    ("document", &["model"], Purity::Pure),
    ("wire", &["model"], Purity::Pure),
    ("lists", &["model"], Purity::Pure),
    ("services", &["model", "document"], Purity::Pure),
    ("content", &["model", "document"], Purity::Pure),
    ("policy", &["model", "document", "lists", "services", "content"], Purity::Pure),
    ("clock", &["model"], Purity::Edge),
    ("mapped", &[], Purity::Edge),
    ("whole", &[], Purity::Edge),
    ("settings", &["model", "document", "lists"], Purity::Edge),
    ("telemetry", &[], Purity::Edge),
    ("identity", &["model", "settings", "telemetry"], Purity::Edge),
    ("ca", &["model", "settings", "telemetry", "whole"], Purity::Edge),
    ("audit", &["model", "policy", "settings", "telemetry", "whole"], Purity::Edge),
    (
        "proxy",
        &[
            "model",
            "wire",
            "services",
            "content",
            "policy",
            "clock",
            "identity",
            "ca",
            "audit",
            "settings",
            "telemetry",
        ],
        Purity::Edge,
    ),
    (
        "control",
        &[
            "model",
            "document",
            "lists",
            "services",
            "content",
            "policy",
            "clock",
            "mapped",
            "identity",
            "audit",
            "settings",
            "telemetry",
            "whole",
        ],
        Purity::Edge,
    ),
    ("shipping", &["model", "audit", "settings", "telemetry", "whole"], Purity::Edge),
    (
        "web",
        &[
            "model",
            "document",
            "lists",
            "services",
            "content",
            "policy",
            "clock",
            "ca",
            "control",
            "audit",
            "settings",
            "telemetry",
            "whole",
        ],
        Purity::Edge,
    ),
    ("app", EVERYTHING, Purity::Edge),
    ("cli", EVERYTHING, Purity::Edge),
    ("lib", EVERYTHING, Purity::Edge),
    ("main", EVERYTHING, Purity::Edge),
];

const EVERYTHING: &[&str] = &[
    "model",
    "document",
    "wire",
    "lists",
    "services",
    "content",
    "policy",
    "clock",
    "mapped",
    "whole",
    "settings",
    "telemetry",
    "identity",
    "ca",
    "audit",
    "proxy",
    "control",
    "shipping",
    "web",
    "app",
    "cli",
];

/// Crates with a home, and the modules that share it.
const HOMES: &[(&str, &[&str])] = &[
    ("idna", &["model"]),
    ("url", &["model"]),
    ("httparse", &["wire"]),
    ("regex", &["lists"]),
    ("aho_corasick", &["lists"]),
    ("xorf", &["lists"]),
    ("zerocopy", &["lists"]),
    ("psl", &["lists", "audit"]),
    ("siphasher", &["lists"]),
    ("blake3", &["lists", "audit", "control"]),
    ("bloomfilter", &["lists"]),
    ("csv", &["lists", "audit", "control"]),
    ("tar", &["lists"]),
    ("flate2", &["lists", "services", "content"]),
    ("unicode_normalization", &["content", "control"]),
    ("infer", &["content"]),
    ("zip", &["lists", "audit"]),
    ("rust_xlsxwriter", &["audit"]),
    ("toml", &["document"]),
    ("toml_edit", &["document"]),
    ("annotate_snippets", &["document"]),
    ("config", &["settings"]),
    ("tracing_subscriber", &["telemetry"]),
    ("prometheus", &["telemetry"]),
    ("memmap2", &["mapped"]),
    ("rusqlite", &["audit", "control"]),
    ("rustix", &["audit"]),
    ("sha2", &["ca", "audit", "control"]),
    ("aws_lc_rs", &["ca", "audit", "control", "shipping", "web"]),
    ("zstd", &["audit"]),
    ("zstd_safe", &["audit"]),
    ("getrandom", &["control"]),
    ("argon2", &["control"]),
    ("totp_rs", &["control"]),
    ("utoipa", &["web"]),
    ("utoipa_axum", &["web"]),
    ("qrcode", &["web"]),
    ("minisign_verify", &["settings", "control"]),
    ("ureq", &["control"]),
    ("rustls_native_certs", &["ca", "control", "shipping"]),
    ("hyper", &["proxy", "web"]),
    ("hyper_util", &["proxy", "web"]),
    ("socket2", &["proxy", "shipping"]),
    ("hickory_resolver", &["proxy"]),
    ("askama", &["proxy", "web", "control"]),
    ("lettre", &["control"]),
    ("base64", &["audit", "control"]),
    ("tokio_rustls", &["proxy", "shipping", "web"]),
    ("rcgen", &["ca", "web"]),
    ("moka", &["ca"]),
    ("zeroize", &["ca"]),
    ("x509_parser", &["ca"]),
    ("webpki", &["ca"]),
    ("axum", &["web"]),
    ("clap", &["cli"]),
    ("comfy_table", &["cli"]),
    ("console", &["cli"]),
    ("anyhow", &["app", "cli"]),
];

/// What no pure layer may name.
const IMPURE: [&str; 12] = [
    "std::fs",
    "std::net::Tcp",
    "std::net::Udp",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::env",
    "std::process",
    "tracing",
    "tokio::net",
    "tokio::time",
    "tokio::fs",
];
const MAX_LINES: usize = 400;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Purity {
    Pure,
    Edge,
}

struct Source {
    path: PathBuf,
    module: String,
    /// Every path that the code names, `super` and `crate` resolved: `crate::policy::Verdict`.
    names: BTreeSet<String>,
    lines: usize,
}

#[test]
fn every_module_names_only_what_its_row_allows() {
    let table: BTreeMap<&str, &[&str]> = TABLE.iter().map(|(module, may, _)| (*module, *may)).collect();
    let mut faults = Vec::new();
    for source in sources() {
        let Some(may) = table.get(source.module.as_str()) else {
            faults.push(format!("{}: the module {} has no row", source.path.display(), source.module));
            continue;
        };
        for name in source.names.iter().filter_map(|name| name.strip_prefix("crate::")) {
            let named = name.split("::").next().unwrap_or(name);
            let known = table.contains_key(named);
            if known && named != source.module && !may.contains(&named) {
                faults.push(format!("{}: {} may not name {named}", source.path.display(), source.module));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_crate_is_named_at_home_only() {
    let mut faults = Vec::new();
    for source in sources() {
        for (name, homes) in HOMES {
            let prefix = format!("{name}::");
            let named = source.names.iter().any(|path| path.starts_with(&prefix) || path == name);
            if named && !homes.contains(&source.module.as_str()) {
                faults.push(format!("{}: {name} is at home in {homes:?}", source.path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn pure_layers_have_no_sockets_files_threads_clocks_or_logs() {
    let mut faults = Vec::new();
    for source in sources() {
        let pure =
            TABLE.iter().any(|(module, _, purity)| *module == source.module && *purity == Purity::Pure);
        for impure in IMPURE.iter().filter(|_| pure) {
            let prefix = format!("{impure}::");
            if source.names.iter().any(|name| name == impure || name.starts_with(&prefix)) {
                faults.push(format!("{}: a pure layer names {impure}", source.path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn files_are_short_enough_to_have_one_purpose() {
    let long: Vec<String> = sources()
        .into_iter()
        .filter(|source| source.lines > MAX_LINES)
        .map(|source| format!("{}: {} lines", source.path.display(), source.lines))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn one_file_has_unsafe_code() {
    let word = |line: &str| {
        let code = line.split("//").next().unwrap_or_default();
        ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern", "#[unsafe("]
            .iter()
            .any(|form| code.contains(form))
    };
    let unsafe_files: Vec<PathBuf> = sources()
        .into_iter()
        .map(|source| source.path)
        .filter(|path| {
            let file = root().join("src").join(path).with_extension("rs");
            std::fs::read_to_string(file).unwrap().lines().any(word)
        })
        .collect();
    assert_eq!(unsafe_files, [PathBuf::from("mapped")]);
}

#[test]
fn every_dependency_says_why_it_is_here() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let start = manifest.find("[dependencies]").unwrap();
    let end = manifest.find("[profile.dev]").unwrap();
    let silent: Vec<&str> =
        manifest[start..end].lines().filter(|line| line.contains(" = ") && !line.contains('#')).collect();
    assert!(silent.is_empty(), "{silent:#?}");
}

#[test]
fn the_readers_of_names_see_through_groups_and_supers() {
    let text = "use crate::policy::{self, live::{Live, Publisher}, Verdict as V};\nuse super::super::audit::Head;\n\
                fn f() { let x = crate::web::serve(); tokio::net::lookup_host(\"x\"); }\n// use crate::fleet::X;";
    let names = names(text, &["proxy".into(), "gate".into()]);
    for name in [
        "crate::policy",
        "crate::policy::live::Live",
        "crate::policy::live::Publisher",
        "crate::policy::Verdict",
        "crate::audit::Head",
        "crate::web::serve",
        "tokio::net::lookup_host",
    ] {
        assert!(names.contains(name), "{name} in {names:?}");
    }
    assert!(!names.iter().any(|name| name.contains("fleet")), "comments are not code");
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    read_folder(&root().join("src"), &mut sources);
    assert!(sources.len() > 50, "the sources are where this test looks");
    sources
}

fn read_folder(folder: &Path, sources: &mut Vec<Source>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_folder(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(read_source(&path));
        }
    }
}

fn read_source(path: &Path) -> Source {
    let relative = path.strip_prefix(root().join("src")).unwrap().with_extension("");
    let modules: Vec<String> = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().count();
    let code = without_tests(&text, &modules);
    Source { path: relative, module: modules[0].clone(), names: names(&code, &modules), lines }
}

/// Tests may name what they like; they stand last in a file or in files of their own.
fn without_tests(text: &str, modules: &[String]) -> String {
    if modules.iter().any(|module| module == "tests" || module.starts_with("test_")) {
        return String::new();
    }
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned()
}

/// Every path named, in `use` trees and inline, with `crate` and `super` resolved.
fn names(text: &str, modules: &[String]) -> BTreeSet<String> {
    let code: String =
        text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    for statement in code.split(';') {
        if let Some(at) = statement.find("use ").filter(|at| {
            statement[..*at].trim_end().is_empty()
                || statement[..*at].trim_end().ends_with(['{', '}', ']', 'b', ')'])
        }) {
            expand(statement[at + 4..].trim(), "", &mut found);
        }
    }
    for word in code.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')) {
        if word.contains("::") {
            found.insert(word.trim_start_matches("::").trim_end_matches(':').to_owned());
        }
    }
    found.into_iter().map(|name| resolved(&name, modules)).collect()
}

/// `a::{b, c::{d}}` to `a::b` and `a::c::d`.
fn expand(tree: &str, prefix: &str, found: &mut BTreeSet<String>) {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let name = tree.split(" as ").next().unwrap_or(tree).trim();
        let name = format!("{prefix}{name}");
        found.insert(name.trim_end_matches("::self").trim_end_matches("::*").to_owned());
        return;
    };
    let head = format!("{prefix}{}", &tree[..open]);
    let inner = tree[open + 1..].trim_end().trim_end_matches('}');
    let (mut depth, mut start) = (0, 0);
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&inner[start..at], &head, found);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !inner[start..].trim().is_empty() {
        expand(&inner[start..], &head, found);
    }
}

fn resolved(name: &str, modules: &[String]) -> String {
    let mut parts: Vec<&str> = name.split("::").collect();
    let supers = parts.iter().take_while(|part| **part == "super").count();
    if supers == 0 {
        return name.to_owned();
    }
    let above = modules.len().saturating_sub(supers);
    let mut whole = vec!["crate"];
    whole.extend(modules[..above].iter().map(String::as_str));
    whole.extend(parts.drain(supers..));
    whole.join("::")
}
