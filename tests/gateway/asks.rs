//! A pupil asks for a site from the block page: in the clear and inside TLS, without script.

use schoolgate::control::{AskState, Staff};
use schoolgate::model::Role;

use crate::harness::{BOTH, Gateway, POLICY};

const PATH: &str = "/.well-known/schoolgate/ask";
const FORM: &str = "application/x-www-form-urlencoded";
const WORDS: &str = "We+need+it+for+maths";

fn may_ask() -> String {
    format!("{POLICY}\n[unblock]\npupils = \"may_ask\"\n")
}

/// The ticket of a block page's form, if it has one.
fn ticket(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("name=\"ticket\" value=\"")?;
    Some(rest.split('"').next()?.to_owned())
}

async fn post(gateway: &Gateway, group: &str, body: &str) -> (u16, String) {
    let head = format!(
        "POST http://games.example{PATH} HTTP/1.1\r\nHost: games.example\r\nContent-Type: {FORM}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let answer = gateway.browser(group).send(&head).await;
    (answer.status, answer.body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pupil_asks_from_the_page_and_sees_what_becomes_of_it() {
    let gateway = Gateway::new().policy(&may_ask()).start().await;
    let page = gateway.browser("ks2").get("http://games.example/chess").await;
    assert_eq!(page.status, 403);
    assert!(page.body.contains(&format!("action=\"{PATH}\"")), "{}", page.body);
    let sealed = ticket(&page.body).unwrap();
    let form = format!("ticket={sealed}&why={WORDS}");
    for (group, body, status) in [
        ("ks2", format!("ticket={sealed}&why=please"), 400),
        ("ks2", format!("ticket={}&why={WORDS}", sealed.replacen('7', "6", 1)), 400),
        ("ks2", "nonsense".to_owned(), 400),
        ("eyfs_ks1", form.clone(), 400),
        ("ks2", form.clone(), 200),
        ("ks2", form, 200),
    ] {
        let (found, page) = post(&gateway, group, &body).await;
        assert_eq!(found, status, "{body}: {page}");
        assert_eq!(page.contains("Your teacher will see this"), status == 200, "{page}");
    }
    let control = &gateway.running.control;
    let head = Staff::of("head".parse().unwrap(), &[Role::Headteacher]);
    control.add_staff(&head.name, &head.roles).await.unwrap();
    let asks = control.asks(&head).await.unwrap();
    assert_eq!(asks.len(), 1, "{asks:?}");
    assert_eq!((asks[0].words.as_str(), asks[0].group.as_str()), ("We need it for maths", "ks2"));
    assert_eq!(asks[0].target.to_string(), "http://games.example/chess");
    let page = gateway.browser("ks2").get("http://games.example/chess").await;
    assert!(
        page.body.contains("Your teacher will see this") && ticket(&page.body).is_none(),
        "{}",
        page.body
    );
    control.refuse_ask(&head, asks[0].id, Some("a private remark"), None).await.unwrap();
    let page = gateway.browser("ks2").get("http://games.example/").await;
    assert!(page.body.contains("the answer is no") && !page.body.contains("private"), "{}", page.body);

    let gateway = gateway.restarted().await;
    let control = &gateway.running.control;
    assert_eq!(control.asks(&head).await.unwrap()[0].state(control.now()), AskState::Refused);
    let page = gateway.browser("ks2").get("http://games.example/").await;
    assert!(page.body.contains("the answer is no"), "{}", page.body);
    let adult = gateway.browser("ks2").get("http://adult.example/").await;
    assert!(adult.status == 403 && ticket(&adult.body).is_none(), "nobody could open it: {}", adult.body);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inside_tls_the_form_works_too_and_a_form_never_leaves() {
    let policy = may_ask().replace("[groups.pupils]\n", "[groups.pupils]\ninspect = \"surgical\"\n");
    let gateway = Gateway::new().policy(&policy).start().await;
    let browser = gateway.managed("ks2");
    let mut visit = browser.visit("games.example", &BOTH).await;
    let page = visit.get("/chess").await;
    assert_eq!(page.status, 403);
    let body = format!("ticket={}&why={WORDS}", ticket(&page.text()).unwrap());
    let mut visit = browser.visit("games.example", &BOTH).await;
    let page = visit.ask("POST", PATH, &[("content-type", FORM)], body.clone()).await.unwrap();
    assert!(page.status == 200 && page.text().contains("Your teacher will see this"), "{}", page.text());
    // A site that is open by now sees nothing of it either.
    let head = format!(
        "POST http://maths.example{PATH} HTTP/1.1\r\nHost: maths.example\r\nContent-Type: {FORM}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(gateway.browser("ks2").send(&head).await.status, 200);
    assert!(gateway.accesses().iter().all(|access| access.event["url"]["path"] != PATH));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_pupils_may_not_ask_there_is_no_form() {
    let gateway = Gateway::new().start().await;
    let page = gateway.browser("ks2").get("http://games.example/").await;
    assert!(page.status == 403 && !page.body.contains("<form"), "{}", page.body);
    gateway.stop().await;
}
