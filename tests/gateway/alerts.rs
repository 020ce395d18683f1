//! From a pupil's request to the safeguarding lead's mail: in time, without a name, never lost.

use std::time::Duration;

use serde_json::Value;

use crate::harness::{Builder, Gateway, Hook, Mood, POLICY, Postbox, Shown, Tls};

/// Danger reaches a human within this, from the request on.
const IN_TIME: Duration = Duration::from_secs(10);
/// What no message may hold: the person, the site, the list.
const UNSAID: [&str; 4] = ["127.1.2.7", "statutory.example", "synthetic", "adult.example"];

fn gateway(postbox: &Postbox) -> Builder {
    Gateway::new()
        .setting("SMTP__HOST", "127.0.0.1")
        .setting("SMTP__PORT", &postbox.address.port().to_string())
        .setting("SMTP__TLS", "none")
        .setting("SMTP__FROM", "filter@school.county.sch.uk")
        .setting("ALERTS__DSL", r#"["dsl@school.county.sch.uk", "deputy@school.county.sch.uk"]"#)
        // Whatever the time of day is while this runs.
        .setting("ALERTS__DIGEST_AT", "never")
        .setting("ALERTS__HEADTEACHER", r#"["head@school.county.sch.uk"]"#)
}

fn recipients(postbox: &Postbox) -> Vec<String> {
    let mut all: Vec<String> = postbox.taken().into_iter().map(|(to, _)| to).collect();
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_danger_reaches_the_leads_in_time_and_names_nobody() {
    let (postbox, hook) = (Postbox::open(Mood::Takes).await, Hook::open().await);
    let hooks = format!(r#"[{{ url = "http://{}/in", secret_file = "hook" }}]"#, hook.address);
    let gateway = gateway(&postbox)
        .setting("ALERTS__WEBHOOK", &hooks)
        .file("hook", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
        .start()
        .await;
    assert_eq!(gateway.browser("ks2").get("http://statutory.example/").await.status, 403);
    let took = postbox.takes(2, IN_TIME).await;
    assert!(took < IN_TIME, "{took:?}");
    assert_eq!(
        recipients(&postbox),
        ["RCPT TO:<deputy@school.county.sch.uk>", "RCPT TO:<dsl@school.county.sch.uk>"]
    );
    for (_, message) in postbox.taken() {
        assert!(
            message.contains("Subject: DANGER: Illegal content") && message.contains("text/html"),
            "{message}"
        );
        assert!(UNSAID.iter().all(|word| !message.contains(word)), "{message}");
    }
    gateway.eventually("the webhook is told", |_| !hook.told().is_empty()).await;
    let (head, body) = hook.told().remove(0);
    let head = head.to_ascii_lowercase();
    assert!(
        head.contains("webhook-id: ")
            && head.contains("webhook-timestamp: ")
            && head.contains("webhook-signature: v1,")
    );
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&body["type"], &body["data"]["severity"]), (&"alert.raised".into(), &"danger".into()));
    assert!(UNSAID.iter().all(|word| !body.to_string().contains(word)), "{body}");
    let raised = gateway.events("schoolgate.alert");
    assert_eq!(raised.len(), 1);
    assert!(UNSAID.iter().all(|word| !raised[0].line.contains(word)), "{}", raised[0].line);

    // More of the same joins it, and tells nobody again; staff's is the headteacher's alone.
    assert_eq!(gateway.browser("ks2").get("http://statutory.example/").await.status, 403);
    assert_eq!(gateway.browser("staff").get("http://statutory.example/").await.status, 403);
    postbox.takes(3, IN_TIME).await;
    assert_eq!(postbox.taken()[2].0, "RCPT TO:<head@school.county.sch.uk>");
    assert_eq!((postbox.taken().len(), hook.told().len()), (3, 1));
    gateway.eventually("nothing waits", |gateway| gateway.metric("alerts_undelivered") == 0).await;
    gateway.stop().await;
}

/// What a child looks for and finds is told as what they are kept from: the words that were typed, on
/// their way from a list of terms to a lead.
#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_was_let_pass_reaches_the_leads_without_its_words() {
    let postbox = Postbox::open(Mood::Takes).await;
    let terms = "[groups.pupils.search_terms]\nsuicide = \"alert\"\nbullying = \"block\"\n";
    let gateway = gateway(&postbox)
        .policy(&format!("{POLICY}{terms}"))
        .file("blocklists/terms/suicide.txt", "# language: en\nkill myself\n")
        .file("blocklists/terms/bullying.txt", "# language: en\nnobody likes you\n")
        .setting("RESOLVER__HOSTS", r#"{ "www.google.com" = "127.0.0.1" }"#)
        .start()
        .await;
    let browser = gateway.browser("ks2");
    for (words, status, subject) in [
        ("how+to+kill+myself", 200, "Subject: DANGER: Self-harm"),
        ("nobody%20likes%20you", 403, "Subject: Caution: Bullying"),
    ] {
        let told = postbox.taken().len();
        let answer = browser.get(&format!("http://www.google.com/search?q={words}")).await;
        assert_eq!(answer.status, status, "{words}: {answer:?}");
        let took = postbox.takes(told + 2, IN_TIME).await;
        assert!(took < IN_TIME, "{words}: {took:?}");
        for (_, message) in &postbox.taken()[told..] {
            assert!(message.contains(subject), "{message}");
            let unsaid = ["127.1.2.7", "kill", "likes", "google"];
            assert!(unsaid.iter().all(|word| !message.contains(word)), "{message}");
        }
    }
    // An ordinary one raises none.
    assert_eq!(browser.get("http://www.google.com/search?q=barn+owls").await.status, 200);
    let raised = gateway.events("schoolgate.alert");
    let rule = |at: usize| raised[at].event.pointer("/schoolgate/details/rule").cloned();
    assert_eq!(
        (raised.len(), rule(0), rule(1)),
        (2, Some("search_term:suicide".into()), Some("search_term:bullying".into()))
    );
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_loses_nothing_and_doubles_nothing() {
    let postbox = Postbox::open(Mood::Refuses(451)).await;
    let gateway = gateway(&postbox).start().await;
    assert_eq!(gateway.browser("ks2").get("http://statutory.example/").await.status, 403);
    gateway.eventually("it waits", |gateway| gateway.metric("alerts_undelivered") == 2).await;
    postbox.is_now(Mood::Refuses(550));
    // Not even a restart lets go of it.
    let gateway = gateway.restarted().await;
    gateway.eventually("it waits still", |gateway| gateway.metric("alerts_undelivered") == 2).await;
    assert!(postbox.taken().is_empty());
    postbox.is_now(Mood::Takes);
    postbox.takes(2, Duration::from_secs(40)).await;
    gateway.eventually("nothing waits", |gateway| gateway.metric("alerts_undelivered") == 0).await;
    assert_eq!(postbox.taken().len(), 2);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_says_nothing_holds_up_neither_filter_nor_stop() {
    let postbox = Postbox::open(Mood::Silent).await;
    let gateway = gateway(&postbox).start().await;
    assert_eq!(gateway.browser("ks2").get("http://statutory.example/").await.status, 403);
    gateway.eventually("it waits", |gateway| gateway.metric("alerts_undelivered") == 2).await;
    for _ in 0..3 {
        assert_eq!(gateway.browser("ks2").get("http://maths.example/").await.status, 200);
    }
    let (status, ready) = gateway.ready().await;
    assert_eq!((status, &ready["ready"]), (200, &Value::from(true)), "{ready}");
    let began = std::time::Instant::now();
    gateway.stop().await;
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

/// A bug: what the store could not mark as delivered was sent again every second.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_keeps_nothing_makes_no_flood_of_mail() {
    // It fails once the server has taken a message, or before one is sent.
    for (column, taken) in [("sent_at", 1), ("due_at", 0)] {
        let postbox = Postbox::open(Mood::Takes).await;
        let gateway = gateway(&postbox).start().await;
        let store = rusqlite::Connection::open(gateway.file("var/state.db")).unwrap();
        store.busy_timeout(Duration::from_secs(5)).unwrap();
        let full = format!(
            "CREATE TRIGGER full BEFORE UPDATE OF {column} ON outbox BEGIN SELECT RAISE(ABORT, 'full'); END"
        );
        store.execute_batch(&full).unwrap();
        assert_eq!(gateway.browser("ks2").get("http://statutory.example/").await.status, 403);
        gateway.eventually("it waits", |gateway| gateway.metric("alerts_undelivered") == 2).await;
        postbox.takes(taken, IN_TIME).await;
        // Several rounds; nothing tells of what does not happen.
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(postbox.taken().len(), taken, "{column}");
        store.execute_batch("DROP TRIGGER full").unwrap();
        postbox.takes(2, IN_TIME).await;
        gateway.eventually("nothing waits", |gateway| gateway.metric("alerts_undelivered") == 0).await;
        assert_eq!(postbox.taken().len(), 2, "{column}");
        gateway.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_goes_over_tls_to_a_server_that_can_be_trusted_and_to_no_other() {
    let postbox = Postbox::with(Tls::Always, Shown::Good, None).await;
    let gateway = gateway(&postbox).setting("SMTP__TLS", "tls");
    let gateway = gateway.file("mail.pem", &postbox.certificate).start().await;
    assert_eq!(gateway.browser("ks2").get("http://statutory.example/").await.status, 403);
    gateway.eventually("it waits", |gateway| gateway.metric("alerts_undelivered") == 2).await;
    let gateway = trusting(gateway, &postbox).await;
    postbox.takes(2, Duration::from_secs(40)).await;
    gateway.stop().await;
}

/// The same gateway, which trusts the mail server from now on.
async fn trusting(gateway: Gateway, postbox: &Postbox) -> Gateway {
    assert!(postbox.taken().is_empty(), "nothing goes to a server that nobody vouches for");
    let mut gateway = gateway;
    let file = gateway.file("mail.pem");
    gateway.settings.smtp.as_mut().unwrap().ca = Some(file);
    gateway.restarted().await
}
