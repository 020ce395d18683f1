//! Browsers and the people who sit at them.

use std::net::IpAddr;

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, header};
use serde_json::{Value, json};

use super::fixture::{Office, read};
use crate::control::accounts::{By, NewMember, code_at};
use crate::control::{Kind, Staff};
use crate::model::Role;
use crate::web::auth::Peer;

pub(super) const PASSWORD: &str = "four words in rain";
pub(super) const HOME: &str = "192.0.2.7";

/// A browser at an address, with the cookie that it was given.
pub(super) struct Browser<'o> {
    pub(super) office: &'o Office,
    pub(super) client: IpAddr,
    pub(super) cookie: String,
    pub(super) csrf: String,
}

impl<'o> Browser<'o> {
    pub(super) fn at(office: &'o Office, client: &str) -> Browser<'o> {
        Browser { office, client: client.parse().unwrap(), cookie: String::new(), csrf: String::new() }
    }

    /// Asks the API as a page of the gateway would, and keeps the cookie and the session's word.
    pub(super) async fn send(&mut self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let own = [("sec-fetch-site", "same-origin".to_owned()), ("x-csrf-token", self.csrf.clone())];
        self.send_with(method, path, body, &own).await
    }

    pub(super) async fn send_with(
        &mut self,
        method: &str,
        path: &str,
        body: Value,
        fields: &[(&'static str, String)],
    ) -> (u16, Value) {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let answer = self.exchange(request, text, fields).await;
        let (status, body) = read(answer).await;
        if let Some(csrf) = body["csrf_token"].as_str() {
            self.csrf = csrf.to_owned();
        }
        (status, body)
    }

    /// Opens a page, or sends a form; status, `Location` and text.
    pub(super) async fn page(&mut self, path: &str, form: Option<&[(&str, &str)]>) -> (u16, String, String) {
        let method = if form.is_some() { "POST" } else { "GET" };
        let form = form.unwrap_or_default().iter().map(|(name, value)| format!("{name}={}", typed(value)));
        let body = form.collect::<Vec<_>>().join("&");
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let own = [("sec-fetch-site", "same-origin".to_owned())];
        let answer = self.exchange(request, body, &own).await;
        let to = answer.headers().get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned());
        let status = answer.status().as_u16();
        let bytes = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, to.unwrap_or_default(), String::from_utf8(bytes.to_vec()).unwrap())
    }

    pub(super) async fn exchange(
        &mut self,
        mut request: axum::http::request::Builder,
        body: String,
        fields: &[(&'static str, String)],
    ) -> Response<Body> {
        for (name, value) in fields {
            request = request.header(*name, value);
        }
        if !self.cookie.is_empty() {
            request = request.header(header::COOKIE, &self.cookie);
        }
        let mut request = request.body(Body::from(body)).unwrap();
        request.extensions_mut().insert(Peer(Some(self.client)));
        let answer = self.office.answer(request).await;
        if let Some(set) = answer.headers().get(header::SET_COOKIE) {
            let pair = set.to_str().unwrap().split(';').next().unwrap();
            self.cookie = if pair.ends_with('=') { String::new() } else { pair.to_owned() };
        }
        answer
    }

    pub(super) async fn sign_in(&mut self, name: &str, code: Option<&str>) -> (u16, Value) {
        let body = json!({ "name": name, "password": PASSWORD, "code": code });
        self.send("POST", "/session", body).await
    }
}

/// An account with a password; its second factor's secret, when its roles take one.
pub(super) async fn settled(office: &Office, name: &str, roles: &[Role], kind: Kind) -> Option<String> {
    let staff = Staff { kind, ..Staff::of(name.parse().unwrap(), roles) };
    let control = &office.control;
    let new = NewMember { staff: staff.clone(), reason: None };
    let link = control.add_member(&By::local(), &new).await.unwrap().value.token;
    if kind == Kind::Supplier {
        control.let_in(&By::local(), &staff.name, 60, "sets the first password up").await.unwrap();
    }
    let secret = taken(office, &link).await;
    if kind == Kind::Supplier {
        control.let_out(&By::local(), &staff.name).await.unwrap();
    }
    secret
}

/// Whoever has a set-up link sets password and second factor; its secret, when there is one.
pub(super) async fn taken(office: &Office, link: &str) -> Option<String> {
    let control = &office.control;
    let made = control.redeem(link, None, PASSWORD, "Fish & Chips", None).await.unwrap().value;
    if !made.must_enrol {
        return None;
    }
    let by = By { staff: Some(made.staff), client: None };
    let secret = control.begin_factor(&by, None, "Fish & Chips").await.unwrap().secret;
    control.confirm_factor(&by, &code_at(&secret, office.clock.now())).await.unwrap();
    office.clock.advance(std::time::Duration::from_secs(60));
    Some(secret)
}

/// A browser in which somebody of these roles is signed in.
pub(super) async fn seated<'o>(office: &'o Office, name: &str, roles: &[Role]) -> Browser<'o> {
    let secret = settled(office, name, roles, Kind::School).await;
    sits_down(office, name, secret).await
}

/// A browser in which somebody with that second factor is signed in.
pub(super) async fn sits_down<'o>(office: &'o Office, name: &str, secret: Option<String>) -> Browser<'o> {
    let code = secret.map(|secret| code_at(&secret, office.clock.now()));
    let mut browser = Browser::at(office, HOME);
    let (status, answer) = browser.sign_in(name, code.as_deref()).await;
    assert_eq!((status, &answer["must"]), (200, &json!([])), "{answer}");
    browser
}

fn typed(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
