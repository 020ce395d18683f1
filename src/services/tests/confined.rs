//! Sign-ins confined to tenants: which hosts, which headers, and nobody's own copy of them.

use super::url;
use crate::services::{Consumer, Enforce, Microsoft, Slack, Tenants};

fn confined() -> Enforce {
    let tenants = Tenants {
        google: vec!["school.sch.uk".into(), "trust.example".into()],
        microsoft: Some(Microsoft {
            tenants: vec!["school.onmicrosoft.com".into(), "trust.example".into()],
            directory: "00000000-0000-4000-8000-000000000000".into(),
        }),
        microsoft_consumer: Consumer::Block,
        slack: Some(Slack { workspaces: vec!["T1".into(), "T2".into()], requester: "T1".into() }),
        dropbox: vec!["dbtid:1".into()],
    };
    Enforce { tenants, ..Enforce::default() }
}

/// Headers as `name: value`, each of which must be taken out first.
fn headers(enforce: &Enforce, text: &str) -> Vec<String> {
    let rewrite = enforce.rewrite(&url(text));
    assert_eq!(rewrite.url, None);
    assert_eq!(rewrite.remove, rewrite.set.iter().map(|(name, _)| *name).collect::<Vec<_>>(), "{text}");
    assert_eq!(enforce.needs_url(url(text).host()), !rewrite.set.is_empty(), "{text}");
    rewrite.set.into_iter().map(|(name, value)| format!("{name}: {value}")).collect()
}

#[test]
fn each_service_gets_its_own_headers() {
    let google = "x-googapps-allowed-domains: school.sch.uk,trust.example";
    let microsoft = [
        "restrict-access-to-tenants: school.onmicrosoft.com,trust.example",
        "restrict-access-context: 00000000-0000-4000-8000-000000000000",
    ];
    let slack = ["x-slack-allowed-workspaces-requester: T1", "x-slack-allowed-workspaces: T1,T2"];
    let cases = [
        ("https://accounts.google.com/signin", &[google][..]),
        ("https://mail.google.com/", &[google]),
        ("https://google.co.uk/", &[google]),
        ("https://www.google.co.uk/search?q=a&safe=off", &[google]),
        ("https://www.google.evil.example/", &[]),
        ("https://www.google.com.evil.example/", &[]),
        ("https://login.microsoftonline.com/common/oauth2", &microsoft),
        ("https://login.microsoft.com/", &microsoft),
        ("https://login.windows.net/", &microsoft),
        ("https://eu.login.microsoftonline.com/", &[]),
        ("https://login.live.com/", &["sec-restrict-tenant-access-policy: restrict-msa"]),
        ("https://school.slack.com/", &slack),
        ("https://slack.com/signin", &slack),
        ("https://notslack.com/", &[]),
        ("https://www.dropbox.com/login", &["x-dropbox-allowed-team-ids: dbtid:1"]),
        ("https://192.0.2.1/", &[]),
    ];
    for (text, expected) in cases {
        assert_eq!(headers(&confined(), text), expected, "{text}");
        assert!(headers(&Enforce::default(), text).is_empty(), "{text}");
    }
}

#[test]
fn each_service_is_confined_by_itself() {
    let tenants = Tenants { microsoft_consumer: Consumer::Block, ..Tenants::default() };
    let enforce = Enforce { tenants, ..Enforce::default() };
    assert_eq!(headers(&enforce, "https://login.live.com/").len(), 1);
    assert!(headers(&enforce, "https://login.microsoftonline.com/").is_empty());
    assert!(headers(&enforce, "https://accounts.google.com/").is_empty());
}
