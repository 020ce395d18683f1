//! Says no, and why: a page where one can be shown, a TLS alert where none can.
//!
//! **Invariant:** a page is never cached, never says who else did what, and says of a
//! statutory match nothing but that it is one.

use std::borrow::Cow;

use askama::Template;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::ca::OriginFault;
use crate::policy::{Reason, Rung};
use crate::proxy::ask::{self, Offer, Told};
use crate::proxy::parting;
use crate::wire::alert;

mod asking;

/// A page that explains itself, in English and Welsh.
#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    title: &'a str,
    school: &'a str,
    site: Option<&'a str>,
    notice: Option<&'static str>,
    parts: [Part<'a>; 2],
    /// Where a form to ask for the site goes, and its ticket.
    ask: Option<(&'static str, &'a str)>,
    help: bool,
    reference: String,
}

struct Part<'a> {
    lang: &'static str,
    heading: &'static str,
    lines: Vec<Cow<'a, str>>,
}

/// What the page is about.
pub(super) struct About<'a> {
    /// The school.
    pub(super) school: &'a str,
    /// What must be said on every page, such as that no statutory list is held.
    pub(super) notice: Option<&'static str>,
    /// The host that was asked for.
    pub(super) site: Option<&'a str>,
    /// The number of the record.
    pub(super) sequence: u64,
    /// What a pupil may ask.
    pub(super) offer: Offer,
}

/// What kept a request from being answered, other than policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The request is not one that can be judged.
    BadRequest(u16, &'static str),
    /// The request reached the proxy as though it were a web site.
    NotASite,
    /// The site's name was not found, or it could not be reached.
    Unreachable,
    /// The site took too long.
    TooSlow,
    /// The site answered something that is not HTTP.
    BadAnswer,
    /// The site could not prove that it is the site.
    Origin(OriginFault),
    /// The request is for another site than its connection.
    Misdirected,
    /// The record can't be kept, so nothing may pass.
    CannotRecord,
}

/// The page for a refusal; for other than a page's worth of request, less.
pub(super) fn blocked(reason: &Reason, about: &About<'_>, wants: Wants) -> Response<Full<Bytes>> {
    let statutory = reason.rung == Rung::Statutory;
    let mut parts = if statutory { statutory_parts() } else { blocked_parts(reason) };
    let ask = match &about.offer {
        Offer::Nothing => None,
        Offer::Form(ticket) => Some((ask::PATH, ticket.as_str())).filter(|_| !statutory),
        Offer::Asked(told) => {
            for (part, words) in parts.iter_mut().zip(told.words()) {
                part.lines.push(words.into());
            }
            None
        }
    };
    let page = Page {
        title: "This site is blocked",
        school: about.school,
        site: about.site.filter(|_| !statutory),
        notice: about.notice,
        parts,
        ask,
        help: !statutory,
        reference: format!("Reference {}", about.sequence),
    };
    let told = serde_json::json!({
        "type": "about:blank", "title": "Blocked by the school’s web filter", "status": 403,
        "code": "blocked", "rung": reason.rung.as_str(), "detail": reason.text,
        "audit_seq": about.sequence,
    });
    respond(StatusCode::FORBIDDEN, answer(wants, &page, &told))
}

/// The page that says what became of an ask.
pub(super) fn asked(told: Told, school: &str) -> Response<Full<Bytes>> {
    let [english, welsh] = told.words();
    let page = Page {
        title: "Asking for a site",
        school,
        site: None,
        notice: None,
        parts: [
            Part { lang: "en-GB", heading: "Asking for a site", lines: vec![english.into()] },
            Part { lang: "cy", heading: "Gofyn am wefan", lines: vec![welsh.into()] },
        ],
        ask: None,
        help: true,
        reference: format!("Code {}", told.status().as_u16()),
    };
    respond(told.status(), html(&page))
}

/// The page for anything else that went wrong.
pub(super) fn failed(failure: Failure, school: &str, wants: Wants) -> Response<Full<Bytes>> {
    let (status, english, welsh) = failure.words();
    let page = Page {
        title: "This page could not be shown",
        school,
        site: None,
        notice: None,
        parts: [
            Part { lang: "en-GB", heading: "This page could not be shown", lines: vec![english.into()] },
            Part { lang: "cy", heading: "Nid oedd modd dangos y dudalen hon", lines: vec![welsh.into()] },
        ],
        ask: None,
        help: false,
        reference: format!("Code {}", status.as_u16()),
    };
    let told = serde_json::json!({
        "type": "about:blank", "title": "The school’s web filter could not show this",
        "status": status.as_u16(), "code": "not_shown", "detail": english,
    });
    respond(status, answer(wants, &page, &told))
}

/// Ends a TLS connection with an alert that says why (RFC 8446 section 6.2).
pub(super) async fn tls(mut stream: TcpStream, description: u8) {
    // The client may be gone already; then there is nobody to tell.
    let _ = stream.write_all(&alert::fatal(description)).await;
    let _ = parting::part(stream).await;
}

impl Failure {
    fn words(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Failure::BadRequest(status, english) => (
                StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST),
                english,
                "Nid yw’r cais yn ddilys.",
            ),
            Failure::NotASite => (
                StatusCode::BAD_REQUEST,
                "This address is the school’s web filter, not a web site.",
                "Hidlydd gwe’r ysgol yw’r cyfeiriad hwn, nid gwefan.",
            ),
            Failure::Unreachable => (
                StatusCode::BAD_GATEWAY,
                "The site was not found or did not answer. Check the spelling, or try later.",
                "Ni ddaethpwyd o hyd i’r wefan, neu nid atebodd. Gwiria’r sillafu, neu rho gynnig arni eto.",
            ),
            Failure::TooSlow => (
                StatusCode::GATEWAY_TIMEOUT,
                "The site took too long to answer. Try again later.",
                "Cymerodd y wefan ormod o amser i ateb. Rho gynnig arni eto.",
            ),
            Failure::BadAnswer => (
                StatusCode::BAD_GATEWAY,
                "The site sent an answer that could not be read.",
                "Anfonodd y wefan ateb na ellid ei ddarllen.",
            ),
            Failure::Origin(fault) => {
                let (english, welsh) = fault.words();
                (StatusCode::BAD_GATEWAY, english, welsh)
            }
            Failure::Misdirected => (
                StatusCode::MISDIRECTED_REQUEST,
                "The page was asked for on a connection to another site.",
                "Gofynnwyd am y dudalen ar gysylltiad â gwefan arall.",
            ),
            Failure::CannotRecord => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The filter can’t keep its record just now, so it lets nothing through. Tell a grown-up.",
                "Ni all yr hidlydd gadw ei gofnod ar hyn o bryd, felly nid yw’n gadael dim drwodd.",
            ),
        }
    }
}

/// What the client can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wants {
    /// A page: a person looks at it.
    Page,
    /// JSON: a script reads it.
    Json,
    /// Nothing but the status: it is part of a page.
    Neither,
}

impl Wants {
    /// By what the request says of itself (Fetch Metadata, `Accept`).
    pub(super) fn of(asked: &HeaderMap) -> Wants {
        let field = |name: &str| asked.get(name).and_then(|value| value.to_str().ok());
        let accept = field("accept").unwrap_or("*/*");
        match field("sec-fetch-dest") {
            Some("document" | "iframe" | "frame" | "embed" | "object") => Wants::Page,
            _ if accept.contains("text/html") => Wants::Page,
            _ if accept.contains("json") => Wants::Json,
            Some(_) => Wants::Neither,
            None => Wants::Page,
        }
    }
}

fn blocked_parts(reason: &Reason) -> [Part<'_>; 2] {
    let (why, pam) = why(reason);
    let english = vec![
        why,
        "If you need it for a lesson, ask your teacher: teachers can ask for a site to be opened.".into(),
    ];
    let welsh = vec![pam, "Os oes ei angen arnat ar gyfer gwers, gofynna i dy athro.".into()];
    [
        Part { lang: "en-GB", heading: "This site is blocked", lines: english },
        Part { lang: "cy", heading: "Mae’r wefan hon wedi’i rhwystro", lines: welsh },
    ]
}

/// Why, for a child of nine.
fn why(reason: &Reason) -> (Cow<'_, str>, Cow<'_, str>) {
    let name = &reason.rule.name;
    match reason.rung {
        Rung::Category => (
            format!("It belongs to a kind of site that is blocked for you: {name}.").into(),
            format!("Mae’n perthyn i fath o wefan sydd wedi’i rhwystro i ti: {name}.").into(),
        ),
        Rung::Timetable => (
            "It is shut at this time of day. Try again later, or ask your teacher.".into(),
            "Mae ar gau yr adeg hon o’r dydd. Rho gynnig arall arni wedyn, neu gofynna i dy athro.".into(),
        ),
        Rung::WalledGarden => (
            "You can visit the sites that your teachers have chosen. This is not one of them.".into(),
            "Gelli di ymweld â’r gwefannau y mae dy athrawon wedi’u dewis. Nid yw hon yn un ohonynt.".into(),
        ),
        Rung::SchoolLists => {
            ("Your school has chosen to block it.".into(), "Mae dy ysgol wedi dewis ei rhwystro.".into())
        }
        Rung::FileKind => (
            "Your school does not allow this kind of file.".into(),
            "Nid yw dy ysgol yn caniatáu’r math hwn o ffeil.".into(),
        ),
        Rung::SearchTerm => (
            "Your school has stopped this search. If something is wrong, people can help you: see below."
                .into(),
            "Mae dy ysgol wedi atal y chwiliad hwn. Os oes rhywbeth o’i le, gall pobl dy helpu: gweler isod."
                .into(),
        ),
        Rung::Protocol => (
            "The filter could not tell what this is, so it was stopped.".into(),
            "Ni allai’r hidlydd ddweud beth yw hyn, felly cafodd ei atal.".into(),
        ),
        Rung::Suspended => (
            "Your internet is switched off for a while. If you need help, see below; you can also talk to your \
             teacher."
                .into(),
            "Mae dy ryngrwyd wedi’i ddiffodd am ychydig. Os oes angen help arnat, gweler isod; gelli hefyd \
             siarad â dy athro."
                .into(),
        ),
        Rung::EmergencyBlock => (
            "Your school has shut it for everybody for now.".into(),
            "Mae dy ysgol wedi’i gau i bawb am y tro.".into(),
        ),
        Rung::Default | Rung::Unblock | Rung::Lifeline | Rung::Statutory => {
            ("Nobody has checked this site yet.".into(), "Nid oes neb wedi gwirio’r wefan hon eto.".into())
        }
    }
}

/// The words that the IWF asks for on a splash page (its good practice for URL blocking).
fn statutory_parts() -> [Part<'static>; 2] {
    let english = vec![
        "Access has been denied by your internet access provider because this page may contain illegal material."
            .into(),
        "If you think this is a mistake, ask the school to report it to the list’s owner. If you are worried \
         about your own or somebody else’s behaviour, Stop It Now can help in confidence: 0808 1000 900."
            .into(),
    ];
    let welsh =
        vec!["Gwrthodwyd mynediad oherwydd y gallai’r dudalen hon gynnwys deunydd anghyfreithlon.".into()];
    [
        Part { lang: "en-GB", heading: "Access denied", lines: english },
        Part { lang: "cy", heading: "Gwrthodwyd mynediad", lines: welsh },
    ]
}

fn answer(wants: Wants, page: &Page<'_>, told: &serde_json::Value) -> (Bytes, &'static str) {
    match wants {
        Wants::Page => html(page),
        Wants::Json => (told.to_string().into(), "application/problem+json"),
        Wants::Neither => (Bytes::new(), "text/plain; charset=utf-8"),
    }
}

fn html(page: &Page<'_>) -> (Bytes, &'static str) {
    match page.render() {
        Ok(text) => (text.into(), "text/html; charset=utf-8"),
        Err(_) => (Bytes::from_static(b"This site is blocked."), "text/plain; charset=utf-8"),
    }
}

fn respond(status: StatusCode, (body, kind): (Bytes, &'static str)) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    fields.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    fields.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    fields.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"),
    );
    response
}
