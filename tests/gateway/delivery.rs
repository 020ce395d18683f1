//! How alerts go out: over TLS with a login, to a webhook over https; to nobody who can't be trusted.

use std::net::SocketAddr;
use std::time::Duration;

use crate::harness::{Builder, Gateway, Hook, Login, Mood, Postbox, Shown, Tls};

/// How long an attempt or two may take: they are 2, 5, 15 and 30 seconds apart.
const PATIENCE: Duration = Duration::from_secs(40);
const PASSWORD: &str = "kestrel over the weir";

fn gateway(at: SocketAddr, tls: &str) -> Builder {
    Gateway::new()
        .setting("SMTP__HOST", "127.0.0.1")
        .setting("SMTP__PORT", &at.port().to_string())
        .setting("SMTP__TLS", tls)
        .setting("SMTP__FROM", "filter@school.county.sch.uk")
        .setting("ALERTS__DSL", r#"["dsl@school.county.sch.uk"]"#)
        // Whatever the time of day is while this runs.
        .setting("ALERTS__DIGEST_AT", "never")
}

/// One that trusts the mail server and signs in there.
fn known(postbox: &Postbox, tls: &str, password: &str) -> Builder {
    gateway(postbox.address, tls)
        .setting("SMTP__CA", "mail.pem")
        .file("mail.pem", &postbox.certificate)
        .setting("SMTP__USER", "filter")
        .setting("SMTP__PASSWORD_FILE", "smtp.password")
        .file("smtp.password", &format!("{password}\n"))
}

async fn alerted(gateway: &Gateway) {
    assert_eq!(gateway.browser("ks2").get("http://statutory.example/").await.status, 403);
}

fn store(gateway: &Gateway) -> rusqlite::Connection {
    let store = rusqlite::Connection::open(gateway.file("var/state.db")).unwrap();
    store.busy_timeout(Duration::from_secs(5)).unwrap();
    store
}

/// Waits until an attempt failed, and says of what.
async fn failed(gateway: &Gateway) -> String {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let fault = store(gateway).query_row("SELECT max(fault) FROM outbox", [], |row| row.get(0));
        if let Some(fault) = fault.unwrap() {
            return fault;
        }
        assert!(tokio::time::Instant::now() < deadline, "no attempt failed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_goes_in_secret_after_a_sign_in() {
    for (tls, word, mechanism) in [
        (Tls::Starttls, "starttls", "PLAIN"),
        (Tls::Starttls, "starttls", "LOGIN"),
        (Tls::Always, "tls", "PLAIN"),
    ] {
        let login: Login = ("filter", PASSWORD, mechanism);
        let postbox = Postbox::with(tls, Shown::Good, Some(login)).await;
        let gateway = known(&postbox, word, PASSWORD).start().await;
        alerted(&gateway).await;
        postbox.takes(1, PATIENCE).await;
        assert_eq!(postbox.taken()[0].0, "RCPT TO:<dsl@school.county.sch.uk>");
        let clear: Vec<String> =
            postbox.overheard().into_iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
        let expected: &[&str] = if tls == Tls::Starttls { &["EHLO", "STARTTLS"] } else { &[] };
        assert_eq!(clear, expected, "{word} {mechanism}");
        gateway.eventually("nothing waits", |gateway| gateway.metric("alerts_undelivered") == 0).await;
        gateway.stop().await;
    }
}

/// The file is read at every attempt: putting it right is enough.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_an_alarm_and_loses_nothing() {
    let postbox = Postbox::with(Tls::Starttls, Shown::Good, Some(("filter", PASSWORD, "PLAIN"))).await;
    let gateway = known(&postbox, "starttls", "merlin").start().await;
    alerted(&gateway).await;
    let fault = failed(&gateway).await;
    assert_eq!(
        fault,
        "the mail server does not let the gateway sign in (535): look at [smtp] user and password_file"
    );
    // As if that were two minutes ago.
    store(&gateway).execute("UPDATE outbox SET made_at = made_at - 120000", []).unwrap();
    let alarm = format!("1 message of a danger alert has waited for more than a minute: {fault}");
    gateway.becomes("an alarm", |_, said| said.to_string().contains(&alarm)).await;
    assert!(postbox.taken().is_empty() && gateway.metric("alerts_undelivered") == 1);
    std::fs::write(gateway.file("smtp.password"), PASSWORD).unwrap();
    postbox.takes(1, PATIENCE).await;
    gateway.eventually("nothing waits", |gateway| gateway.metric("alerts_undelivered") == 0).await;
    gateway.becomes("no alarm", |_, said| !said.to_string().contains("sign in")).await;
    assert_eq!(postbox.taken().len(), 1);
    gateway.stop().await;
}

/// Neither mail nor password goes to a server that nobody vouches for, or in clear.
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_cannot_be_trusted_is_told_nothing() {
    for (tls, shown, word, why) in [
        (
            Tls::Starttls,
            Shown::Lapsed,
            "starttls",
            "the mail server can't be trusted: its certificate has lapsed",
        ),
        (Tls::Always, Shown::Lapsed, "tls", "the mail server can't be trusted: its certificate has lapsed"),
        (
            Tls::Always,
            Shown::OfAnother,
            "tls",
            "the mail server can't be trusted: its certificate is for another name",
        ),
        (Tls::Never, Shown::Good, "starttls", "the mail server can't do what is asked of it"),
    ] {
        let postbox = Postbox::with(tls, shown, Some(("filter", PASSWORD, "PLAIN"))).await;
        let gateway = known(&postbox, word, PASSWORD).start().await;
        alerted(&gateway).await;
        assert_eq!(failed(&gateway).await, why);
        let said = postbox.overheard();
        assert!(said.iter().all(|line| !line.starts_with("AUTH") && !line.starts_with("MAIL")), "{said:?}");
        gateway.eventually("it waits", |gateway| gateway.metric("alerts_undelivered") == 1).await;
        assert!(postbox.taken().is_empty());
        gateway.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_over_https_is_told_when_its_certificate_holds_and_else_not() {
    for (shown, is_trusted, why) in [
        (Shown::Good, true, None),
        (Shown::Good, false, Some("nobody who is trusted signed its certificate")),
        (Shown::Lapsed, true, Some("its certificate has lapsed")),
        (Shown::OfAnother, true, Some("its certificate is for another name")),
    ] {
        let hook = Hook::with(Tls::Always, shown).await;
        let hooks = format!(r#"[{{ url = "https://{}/in", secret_file = "hook" }}]"#, hook.address);
        let builder = Gateway::new()
            .setting("ALERTS__DIGEST_AT", "never")
            .setting("ALERTS__WEBHOOK", &hooks)
            .file("hook", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
        let builder = match is_trusted {
            true => builder
                .file("hook.pem", &hook.certificate)
                .setting("UPSTREAM__EXTRA_ROOTS", r#"["hook.pem"]"#),
            false => builder,
        };
        let gateway = builder.start().await;
        alerted(&gateway).await;
        match why {
            None => gateway.eventually("it is told", |_| hook.told().len() == 1).await,
            Some(why) => {
                assert_eq!(failed(&gateway).await, format!("the webhook can't be trusted: {why}"));
                gateway.eventually("it waits", |gateway| gateway.metric("alerts_undelivered") == 1).await;
                assert!(hook.told().is_empty());
            }
        }
        gateway.stop().await;
    }
}

/// What a server repeats of the message or of addresses stands nowhere.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_says_is_not_repeated() {
    let postbox = Postbox::open(Mood::Refuses(550)).await;
    let gateway = gateway(postbox.address, "none").start().await;
    alerted(&gateway).await;
    assert_eq!(failed(&gateway).await, "the mail server refuses it for good (550)");
    gateway.stop().await;
}
