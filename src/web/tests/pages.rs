//! The pages: first account, link, second factor, sign-in, sign-out; all without script.

use axum::body::Body;
use axum::http::{Request, header};

use super::fixture::Office;
use super::people::{Browser, HOME, PASSWORD, settled};
use crate::control::Kind;
use crate::control::accounts::{By, code_at};
use crate::model::Role;

#[tokio::test]
async fn a_link_works_once_and_a_reset_makes_a_new_one() {
    let office = Office::open().await;
    assert!(office.control.first_link().await.unwrap().is_none(), "there are accounts");
    let name = "asker".parse().unwrap();
    let first = office.control.reset_member(&By::local(), &name, None).await.unwrap().value;
    let link = office.control.reset_member(&By::local(), &name, None).await.unwrap().value;
    assert_eq!(office.get("asker", "/me").await.0, 401, "a reset ends the tokens too");
    let mut browser = Browser::at(&office, HOME);
    let path = format!("/setup/{}", link.token);
    for dead in
        [format!("/setup/{}", first.token), format!("/setup/{}", "0".repeat(64)), "/setup/x".to_owned()]
    {
        let (status, _, text) = browser.page(&dead, None).await;
        assert!(status == 404 && text.contains("works no more"), "{dead}");
        let (status, ..) = browser.page(&dead, Some(&[("password", PASSWORD), ("again", PASSWORD)])).await;
        assert_eq!(status, 404, "{dead}");
    }
    let (status, _, text) = browser.page(&path, None).await;
    assert!(status == 200 && text.contains("asker") && !text.contains("fieldset"), "{text}");
    for (password, again, says) in [
        ("short one", "short one", "too short"),
        (PASSWORD, "something else", "not the same"),
        ("asker-asker-2026-x", "asker-asker-2026-x", "made of your name"),
    ] {
        let (status, _, text) = browser.page(&path, Some(&[("password", password), ("again", again)])).await;
        assert!(status == 422 && text.contains(says), "{password}: {text}");
        assert!(!text.contains(password), "no password is shown again");
    }
    let (status, to, _) = browser.page(&path, Some(&[("password", PASSWORD), ("again", PASSWORD)])).await;
    assert_eq!((status, to.as_str()), (303, "/"), "a teacher needs no second factor");
    assert!(browser.page("/", None).await.2.contains("signed in as <strong>asker"));
    assert_eq!(browser.page(&path, None).await.0, 404, "it works once");
}

#[tokio::test]
async fn the_first_account_is_set_up_once_by_the_newest_link() {
    let office = Office::unstaffed().await;
    let old = office.control.first_link().await.unwrap().unwrap();
    let link = office.control.first_link().await.unwrap().unwrap();
    let mut browser = Browser::at(&office, HOME);
    assert_eq!(browser.page(&format!("/setup/{}", old.token), None).await.0, 404, "a start makes it anew");
    let path = format!("/setup/{}", link.token);
    let (_, _, text) = browser.page(&path, None).await;
    let ticked = |text: &str| text.matches("checked").count();
    assert!(text.contains("Set up the first account") && ticked(&text) == 2, "{text}");
    let both = [("role", "headteacher"), ("role", "filtering_manager")];
    let form =
        |name: &'static str| [("name", name), ("password", PASSWORD), ("again", PASSWORD), both[0], both[1]];
    assert_eq!(browser.page(&path, Some(&form("../x")[..])).await.0, 422);
    assert_eq!(browser.page(&path, Some(&form("break-glass")[..])).await.0, 409);
    assert_eq!(
        browser.page(&path, Some(&form("h.owen")[..3])).await.0,
        422,
        "somebody answers for something"
    );
    let (status, to, _) = browser.page(&path, Some(&form("h.owen")[..])).await;
    assert_eq!((status, to.as_str()), (303, "/second-factor"));
    assert_eq!(browser.page(&path, Some(&form("m.bevan")[..])).await.0, 404, "once");
    assert!(office.control.first_link().await.unwrap().is_none());
    let staff = office.control.staff().await.unwrap();
    assert_eq!((staff.len(), &staff[0].roles[..]), (1, &[Role::Headteacher, Role::FilteringManager][..]));

    let stale = Office::unstaffed().await;
    let link = stale.control.first_link().await.unwrap().unwrap();
    stale.clock.advance(std::time::Duration::from_secs(24 * 3600));
    assert_eq!(Browser::at(&stale, HOME).page(&format!("/setup/{}", link.token), None).await.0, 404);
}

#[tokio::test]
async fn people_sign_in_and_out_on_a_page() {
    let office = Office::open().await;
    let secret = settled(&office, "h.owen", &[Role::Headteacher], Kind::School).await.unwrap();
    let mut browser = Browser::at(&office, HOME);
    assert!(browser.page("/", None).await.2.contains("href=\"/sign-in\""));
    assert_eq!(browser.page("/second-factor", None).await.1, "/sign-in");
    let wrong = browser.page("/sign-in", Some(&[("name", "\"><b>"), ("password", PASSWORD)])).await;
    assert!(wrong.0 == 401 && wrong.2.contains("role=\"alert\"") && !wrong.2.contains("<b>"), "{}", wrong.2);
    let asked = browser.page("/sign-in", Some(&[("name", "h.owen"), ("password", PASSWORD)])).await;
    assert!(asked.0 == 401 && asked.2.contains("A code of the second factor is needed too."), "{}", asked.2);
    let code = code_at(&secret, office.clock.now());
    let form = [("name", "h.owen"), ("password", PASSWORD), ("code", code.as_str())];
    let (status, to, _) = browser.page("/sign-in", Some(&form)).await;
    assert_eq!((status, to.as_str()), (303, "/"));
    let (_, _, home) = browser.page("/", None).await;
    let csrf = home.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(browser.page("/sign-out", Some(&[("csrf", "0000")])).await.0, 403);
    let cookie = browser.cookie.clone();
    assert_eq!(browser.page("/sign-out", Some(&[("csrf", &csrf)])).await.1, "/sign-in");
    browser.cookie = cookie;
    assert!(browser.page("/", None).await.2.contains("href=\"/sign-in\""));
}

#[tokio::test]
async fn the_second_factor_is_set_up_on_a_page() {
    let office = Office::open().await;
    let name = "dsl".parse().unwrap();
    let link = office.control.reset_member(&By::local(), &name, None).await.unwrap().value;
    let mut browser = Browser::at(&office, HOME);
    let path = format!("/setup/{}", link.token);
    let (_, to, _) = browser.page(&path, Some(&[("password", PASSWORD), ("again", PASSWORD)])).await;
    assert_eq!(to, "/second-factor");
    let (_, _, text) = browser.page("/second-factor", None).await;
    let csrf = text.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let (_, _, text) = browser.page("/second-factor", Some(&[("csrf", &csrf)])).await;
    assert!(text.contains("src=\"data:image/svg+xml,"), "{text}");
    let secret = text.split("class=\"secret\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let confirm = async |browser: &mut Browser<'_>, code: &str| {
        browser.page("/second-factor/confirm", Some(&[("csrf", &csrf), ("code", code)])).await
    };
    let (status, _, text) = confirm(&mut browser, "123456").await;
    assert!(status == 422 && !text.contains(&secret), "what is begun is not shown again");
    let (status, _, text) = confirm(&mut browser, &code_at(&secret, office.clock.now())).await;
    assert_eq!((status, text.matches("<li><code>").count()), (200, 10));
    assert!(browser.page("/", None).await.2.contains("signed in as"));
}

#[tokio::test]
async fn pages_load_nothing_from_elsewhere_and_take_forms_of_ours_alone() {
    let office = Office::open().await;
    for path in ["/", "/sign-in", "/setup/x"] {
        let answer = office.answer(Request::get(path).body(Body::empty()).unwrap()).await;
        let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'; ") && !policy.contains("unsafe"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"));
        assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
        let text = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        let text = String::from_utf8(text.to_vec()).unwrap();
        assert!(!text.contains("<script") && !text.contains("style=") && !text.contains("onclick"), "{path}");
        assert!(text.contains("lang=\"en-GB\"") && text.contains("<h1>"), "{path}");
    }
    for (site, kind, expected) in [
        (Some("cross-site"), "application/x-www-form-urlencoded", 403),
        (None, "application/x-www-form-urlencoded", 403),
        (Some("same-origin"), "text/plain", 415),
        (Some("same-origin"), "application/x-www-form-urlencoded", 401),
    ] {
        let mut request = Request::post("/sign-in").header(header::CONTENT_TYPE, kind);
        if let Some(site) = site {
            request = request.header("sec-fetch-site", site);
        }
        let answer = office.answer(request.body(Body::from("name=x&password=y")).unwrap()).await;
        assert_eq!(answer.status().as_u16(), expected, "{site:?} {kind}");
    }
}
