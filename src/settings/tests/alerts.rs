//! Who is told of alerts, and by which server.

use super::*;
use crate::model::Theme;

#[test]
fn mail_and_alerts_are_read() {
    let text = "[smtp]\nhost = \"mail.school.county.sch.uk\"\nfrom = \"filter@school.county.sch.uk\"\n\
                user = \"filter\"\npassword_file = \"smtp.password\"\n\
                [alerts]\ndsl = [\"dsl@school.county.sch.uk\"]\nlink = \"https://filter.school.county.sch.uk:8443\"\n\
                escalate_minutes = 5\ndigest_at = \"08:00\"\n[alerts.categories]\nhorror = \"violence\"\ndrugs = \"none\"\n\
                [[alerts.webhook]]\nurl = \"https://hooks.example/in\"\nsecret_file = \"hook\"\n";
    let settings = read(text, &[]).unwrap_or_else(|faults| panic!("{faults}"));
    let smtp = settings.smtp.unwrap();
    assert_eq!((smtp.port, smtp.tls), (587, SmtpTls::Starttls));
    assert_eq!(smtp.login.unwrap().password_file, Path::new("etc/smtp.password"));
    let alerts = settings.alerts;
    assert_eq!(alerts.dsl[0].as_str(), "dsl@school.county.sch.uk");
    assert_eq!(alerts.escalate, Duration::from_secs(300));
    assert_eq!(alerts.digest_at, Some(jiff::civil::time(8, 0, 0, 0)));
    assert_eq!(alerts.categories["horror"], Some(Theme::Violence));
    assert_eq!(alerts.categories["drugs"], None);
    assert_eq!(alerts.webhooks[0].secret_file, Path::new("etc/hook"));
    assert_eq!(alerts.staff_groups[0].as_str(), "staff");
    let nothing = read("", &[]).unwrap();
    assert_eq!((nothing.smtp, nothing.alerts), (None, Alerts::default()));
}

#[test]
fn what_is_wrong_with_mail_is_said_where_it_stands() {
    let rows = [
        ("[smtp]\nport = 25\n", "`host`"),
        ("[smtp]\nhost = \"mail.example\"\n", "`from`"),
        ("[smtp]\nhost = \"a b\"\nfrom = \"a@b.example\"\n", "2:8"),
        (
            "[smtp]\nhost = \"m.example\"\nfrom = \"a@b.example\"\nuser = \"u\"\n",
            "4:8 `user` and `password_file`",
        ),
        (
            "[smtp]\nhost = \"m.example\"\nfrom = \"a@b.example\"\ntls = \"none\"\nuser = \"u\"\npassword_file = \"p\"\n",
            "4:7 a password would go in clear text",
        ),
        ("[alerts]\ntries = 1\n", "2:9 1 is out of range"),
        ("[alerts.categories]\nx = \"illegal\"\n", "2:5 the theme illegal belongs"),
        ("[alerts.categories]\nx = \"porn\"\n", "there is no theme"),
        ("[[alerts.webhook]]\nurl = \"https://h.example/\"\n", "a webhook has a `secret_file`"),
        ("[alerts]\ndigest_at = \"noon\"\n", "2:13 not a time of day"),
    ];
    for (text, said) in rows {
        let faults = faults(text);
        assert!(faults.iter().any(|fault| fault.contains(said)), "{text}: {faults:#?}");
    }
}

#[test]
fn no_address_breaks_a_header() {
    for good in ["dsl@school.county.sch.uk", "d.s+l@x.example", "o'neil@school.example"] {
        assert_eq!(good.parse::<MailAddress>().map(|mail| mail.to_string()), Ok(good.to_owned()));
    }
    for bad in [
        "",
        "dsl",
        "@x.example",
        "a@",
        "a b@x.example",
        "a\r\nBcc: b@x.example",
        "a@x.example\r\nBcc: b@y.example",
        "a@x.example, b@y.example",
        "<a@x.example>",
        "\"a b\"@x.example",
        "a@[10.0.0.1]",
        "a@10.0.0.1",
        ".a@x.example",
        "a..b@x.example",
    ] {
        assert!(bad.parse::<MailAddress>().is_err(), "{bad:?}");
    }
}
