//! Every key, every default, every mix-up.

mod alerts;
mod inspect;
mod sources;
mod syslog;

use super::*;

fn read(text: &str, env: &[(&str, &str)]) -> Result<Settings, Faults> {
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Settings::parse(Path::new("etc/schoolgate.toml"), text.to_owned(), env)
}

/// `line:column problem` of each fault.
fn faults(text: &str) -> Vec<String> {
    let faults = read(text, &[]).expect_err(text);
    faults.iter().map(|fault| format!("{}:{} {}", fault.line, fault.column, fault.problem)).collect()
}

fn shipped(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name)).unwrap()
}

/// The shipped file with its keys in force: `#key` is a key, `# text` is prose.
fn uncommented() -> String {
    let key = |line: &str| {
        line.strip_prefix('#').filter(|rest| rest.starts_with(char::is_alphabetic)).map(str::to_owned)
    };
    shipped("schoolgate.toml").lines().map(|line| key(line).unwrap_or(line.to_owned()) + "\n").collect()
}

/// What every source may have.
const SOURCE_KEYS: &str =
    "name url path every timeout licence attribution sha256 sha256_url minisign_key max_bytes";

#[test]
fn the_shipped_file_holds_every_key_with_its_default() {
    let default = read("", &[]).unwrap();
    assert_eq!(read(&shipped("schoolgate.toml"), &[]).unwrap(), default);
    assert_eq!(read(&uncommented(), &[]).unwrap(), default);
    let known = [
        ("site", "name gateway timezone languages domains"),
        ("state", "dir"),
        ("listen", "explicit transparent_http transparent_tls admin metrics dns proxy_protocol_from"),
        ("policy", "file loosening"),
        ("lists", "dir max_shrink_percent loosening"),
        ("[lists.source]", SOURCE_KEYS),
        ("[lists.source]", "category format accept_protected"),
        ("statutory", "dir unlicensed"),
        ("[statutory.source]", SOURCE_KEYS),
        ("inspect", "ca_cert ca_key no_inspect never"),
        ("resolver", "servers hosts"),
        ("upstream", "allow_private extra_roots ports connect_timeout"),
        (
            "limits",
            "connections per_client header_bytes hello_seconds head_seconds idle_seconds drain_seconds",
        ),
        ("audit", "retention_days acts_days alerts_days system_days sync"),
        ("[audit.syslog]", "name address transport ca datasets"),
        ("admin", "certificate key"),
        ("smtp", "host port from tls user password_file ca"),
        (
            "alerts",
            "dsl headteacher governor governor_account staff_groups escalate_minutes reopen_hours tries link \
             digest_at categories",
        ),
        ("[alerts.webhook]", "url secret_file"),
    ];
    let text = uncommented();
    for (section, keys) in known {
        let bare = |line: &'_ str| line.trim_start_matches(['#', ' ']).to_owned();
        let mut within = false;
        let mut below = Vec::new();
        for line in text.lines().map(bare) {
            within = if line.starts_with('[') { line == format!("[{section}]") } else { within };
            below.extend(Some(line).filter(|_| within));
        }
        for key in keys.split(' ') {
            assert!(below.iter().any(|line| line.starts_with(&format!("{key} = "))), "{section} {key}");
        }
    }
}

#[test]
fn the_defaults_are_those_that_are_documented() {
    let settings = read("", &[]).unwrap();
    let all = |port| vec![SocketAddr::from(([0, 0, 0, 0], port))];
    assert_eq!(settings.listen.explicit, all(3128));
    assert_eq!(settings.listen.transparent_http, all(3129));
    assert_eq!(settings.listen.transparent_tls, all(3130));
    assert_eq!(settings.listen.admin, all(8443));
    assert!(!settings.listen.admin_is_local());
    assert_eq!(settings.listen.metrics, ["127.0.0.1:9090".parse().unwrap()]);
    assert_eq!(settings.state.dir, Path::new("/var/lib/schoolgate"));
    assert_eq!(settings.statutory.dir, Path::new("etc/blocklists/statutory"));
    assert!(!settings.statutory.unlicensed);
    assert_eq!(settings.upstream.connect_timeout, Duration::from_secs(10));
    assert_eq!((settings.limits.connections, settings.limits.per_client), (50_000, 512));
    assert_eq!(
        (settings.limits.idle, settings.limits.drain),
        (Duration::from_secs(300), Duration::from_secs(15))
    );
    let Audit { retention_days, acts_days, alerts_days, system_days, sync, syslog } = &settings.audit;
    assert_eq!((*retention_days, *acts_days, *alerts_days, *system_days), (365, 2555, 2555, 365));
    assert!(*sync == AuditSync::Group && syslog.is_empty());
    assert_eq!(settings.site.languages, [Language::English, Language::Welsh]);
    assert_eq!(settings.site.timezone.iana_name(), Some("Europe/London"));
}

#[test]
fn the_quick_start_stays_on_this_machine() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/quickstart.toml");
    let settings = Settings::load(&path, std::iter::empty()).unwrap();
    let listen = &settings.listen;
    let on: Vec<String> = [&listen.explicit, &listen.admin, &listen.metrics]
        .into_iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    assert_eq!(on, ["127.0.0.1:3128", "127.0.0.1:8080", "127.0.0.1:9090"]);
    assert!(listen.admin_is_local());
    assert!(listen.transparent_http.is_empty() && listen.transparent_tls.is_empty());
    let here = |name| path.parent().unwrap().parent().unwrap().join(name);
    assert_eq!(settings.state.dir, here("var"), "paths are told without `..`");
    let policy = here("config/policy.toml");
    assert_eq!((settings.lists.dir, settings.policy.file), (here("blocklists"), policy));
    assert_eq!(
        settings.statutory,
        Statutory { dir: here("blocklists/statutory"), unlicensed: true, sources: Vec::new() }
    );
}

#[test]
fn every_key_refuses_every_wrong_type() {
    let values = ["\"!\"", "-1", "1.5", "true", "2026-11-24", "[[1]]", "{ x = [true] }"];
    let text = uncommented() + "certificate = \"a\"\nkey = \"b\"\n";
    let keys: Vec<(usize, &str)> =
        text.lines().enumerate().filter(|(_, line)| line.contains(" = ") && !line.starts_with('#')).collect();
    assert!(keys.len() >= 34, "{}", keys.len());
    for (at, line) in keys {
        let key = line.split(" = ").next().unwrap();
        let refused = values.iter().filter(|value| {
            let changed = format!("{key} = {value}");
            let lines =
                text.lines().enumerate().map(|(n, line)| if n == at { changed.as_str() } else { line });
            let told = read(&lines.collect::<Vec<_>>().join("\n"), &[]);
            told.is_err_and(|faults| faults.iter().any(|fault| usize::try_from(fault.line) == Ok(at + 1)))
        });
        assert!(refused.count() >= values.len() - 1, "{line}");
    }
}

#[test]
fn faults_are_told_all_at_once_where_they_are() {
    let text = "[listen]\nexplicit = [\"localhost:3128\", \"127.0.0.1\"]\nadmin = [\"127.0.0.1:3128\"]\nmetrics = [\"127.0.0.1:3128\"]\n\
                [limits]\nper_client = 60000\nconnections = \"5\"\n[audit]\nsync = \"never\"\nretain = 5\n[lits]\n[admin]\nkey = \"x\"\n";
    assert_eq!(
        faults(text),
        [
            "2:13 not an address with a port; write 127.0.0.1:3128, or [::1]:3128 (a name can't stand here)",
            "2:31 not an address with a port; write 127.0.0.1:3128, or [::1]:3128 (a name can't stand here)",
            "4:12 127.0.0.1:3128 is listened on twice",
            "6:14 one client may not hold more than all of them, 50000",
            "7:15 a number in quotes",
            "9:8 events are written in groups alone",
            "10:1 unknown key `retain`",
            "11:2 unknown key `lits`; did you mean `lists`?",
            "13:7 `certificate` and `key` go together: one is missing",
        ]
    );
}

#[test]
fn what_this_version_cannot_do_is_refused() {
    let text = "[listen]\ndns = [\"0.0.0.0:53\"]\nproxy_protocol_from = [\"10.0.0.0/8\"]\n";
    let lines: Vec<String> = faults(text);
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines.iter().all(|line| line.contains("this version")), "{lines:#?}");
    assert!(read("[listen]\ndns = []\nproxy_protocol_from = []\n", &[]).is_ok());
}

#[test]
fn no_key_turns_the_statutory_rung_off() {
    for key in ["enabled", "disabled", "off", "mode", "skip", "action"] {
        assert!(read(&format!("[statutory]\n{key} = false\n"), &[]).is_err(), "{key}");
    }
    assert!(read("statutory = false\n", &[]).is_err());
}

#[test]
fn hosts_answer_for_a_name_before_the_longest_suffix() {
    let settings = read(
        "[resolver.hosts]\n\"a.test\" = \"10.0.0.1\"\n\"*.test\" = [\"10.0.0.2\", \"::1\"]\n\"*.B.test\" = \"10.0.0.3\"\n",
        &[],
    )
    .unwrap();
    let first = |name: &str| match crate::model::Host::parse(name) {
        Ok(crate::model::Host::Name(name)) => {
            settings.resolver.hosts.addresses(&name).map(|found| found[0].to_string())
        }
        other => panic!("{other:?}"),
    };
    let cases = [
        ("a.test", Some("10.0.0.1")),
        ("x.a.test", Some("10.0.0.2")),
        ("x.b.test", Some("10.0.0.3")),
        ("b.test", Some("10.0.0.2")),
        ("test", None),
        ("attest", None),
    ];
    for (name, address) in cases {
        assert_eq!(first(name).as_deref(), address, "{name}");
    }
    assert_eq!(faults("[resolver.hosts]\n\"10.0.0.1\" = \"10.0.0.2\"\n\"a.test\" = \"x\"\n").len(), 2);
    assert_eq!(faults("[resolver.hosts]\n\"a.test\" = \"::1\"\n\"A.test.\" = \"::1\"\n").len(), 1);
}

#[test]
fn upstream_is_read() {
    let text = "[upstream]\nallow_private = [\"127.0.0.0/8\"]\nextra_roots = [\"r.pem\", \"/r.pem\"]\nports = { 443 = 8443 }\nconnect_timeout = \"500ms\"\n";
    assert_eq!(faults(text), ["5:19 out of range"]);
    let upstream = read(&text.replace("500ms", "1500ms"), &[]).unwrap().upstream;
    assert_eq!(upstream.ports, BTreeMap::from([(443, 8443)]));
    assert_eq!(upstream.extra_roots, [Path::new("etc/r.pem"), Path::new("/r.pem")]);
    assert_eq!(upstream.connect_timeout, Duration::from_millis(1500));
    let wrong = "[upstream]\nallow_private = [\"127.0.0.1/8\"]\nports = { https = 8443, 0 = 1, 80 = 0 }\n";
    assert_eq!(
        faults(wrong),
        [
            "2:18 an address inside a network; the network is 127.0.0.0/8",
            "3:11 not a port; write a number from 1 to 65535",
            "3:25 not a port; write a number from 1 to 65535",
            "3:37 0 is out of range"
        ]
    );
}

#[test]
fn the_environment_stands_above_the_file() {
    let env = [
        ("SCHOOLGATE__LISTEN__EXPLICIT", "[\"127.0.0.1:9\"]"),
        ("SCHOOLGATE__SITE__NAME", "Ysgol Gŵyl"),
        ("SCHOOLGATE__LIMITS__PER_CLIENT", "7"),
        ("SCHOOLGATE__STATUTORY__UNLICENSED", "true"),
        ("SCHOOLGATE__UPSTREAM__CONNECT_TIMEOUT", "3s"),
        ("SCHOOLGATE__RESOLVER__HOSTS", "{ \"*.test\" = \"127.0.0.1\" }"),
        ("SCHOOLGATE_CONFIG", "other.toml"),
        ("SCHOOLGATE_LOG", "debug"),
        ("PATH", "/bin"),
    ];
    let settings =
        read("[listen]\nexplicit = [\"127.0.0.1:3128\"]\n[limits]\nper_client = 5\n", &env).unwrap();
    assert_eq!(settings.listen.explicit, ["127.0.0.1:9".parse().unwrap()]);
    assert_eq!((settings.site.name.as_str(), settings.limits.per_client), ("Ysgol Gŵyl", 7));
    assert!(settings.statutory.unlicensed && !settings.resolver.hosts.is_empty());
    assert_eq!(settings.upstream.connect_timeout, Duration::from_secs(3));
}

#[test]
fn a_fault_of_the_environment_names_the_variable() {
    let env = [
        ("SCHOOLGATE__LISTEN__EXPLICIT", "127.0.0.1:9"),
        ("SCHOOLGATE__LIMITS__PER_CLIENTS", "7"),
        ("SCHOOLGATE__COLOUR", "red"),
        ("SCHOOLGATE__INSPECT__CA_CERT", "x"),
    ];
    let faults = read("", &env).unwrap_err();
    let told: Vec<(&str, &str)> =
        faults.iter().map(|fault| (fault.file.as_str(), fault.problem.as_str())).collect();
    assert_eq!(
        told,
        [
            ("SCHOOLGATE__COLOUR", "unknown key `colour`"),
            ("SCHOOLGATE__INSPECT__CA_CERT", "`ca_cert` and `ca_key` go together: one is missing"),
            ("SCHOOLGATE__LIMITS__PER_CLIENTS", "unknown key `per_clients`; did you mean `per_client`?"),
            ("SCHOOLGATE__LISTEN__EXPLICIT", "text where a list is expected"),
        ]
    );
    let listen = faults.iter().last().unwrap();
    assert_eq!(listen.text, "127.0.0.1:9");
    assert_eq!(listen.help.as_deref(), Some("put it in brackets: [\"127.0.0.1:9\"]"));
}

#[test]
fn a_missing_file_is_one_clear_fault() {
    let faults = Settings::load(Path::new("/nowhere/schoolgate.toml"), std::iter::empty()).unwrap_err();
    assert_eq!(faults.len(), 1);
    let shown = faults.to_string();
    assert!(
        shown.contains("can't be read: No such file") && shown.contains("--> /nowhere/schoolgate.toml"),
        "{shown}"
    );
}

#[test]
fn loosening_and_the_schools_own_domains_are_read() {
    let settings =
        read("[site]\ndomains = [\"St-Example.sch.uk.\"]\n[lists]\nloosening = \"at_once\"\n", &[]);
    let settings = settings.unwrap();
    assert_eq!(settings.lists.loosening, Loosening::AtOnce);
    assert_eq!(settings.site.domains.iter().map(Name::as_str).collect::<Vec<_>>(), ["st-example.sch.uk"]);
    assert_eq!(read("", &[]).unwrap().lists.loosening, Loosening::Held, "unless the school says otherwise");
    assert_eq!(
        faults("[site]\ndomains = [\"school\", \"10.1.2.3\", \"a..b\"]\n[lists]\nloosening = \"yes\"\n"),
        [
            "2:12 a single word; write the whole domain, as st-example.sch.uk",
            "2:22 an address; write the domain, as st-example.sch.uk",
            "2:34 the host has an empty label",
            "4:13 write \"held\" (a second person approves) or \"at_once\"",
        ]
    );
}
