//! `/ca`: the authority's certificate for whoever sets up a device, and how to install it.
//!
//! **Invariant:** nothing here is secret, so nothing asks for a token; the key is not known here.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, header};
use axum::response::Html;
use axum::routing::get;
use bytes::Bytes;

use crate::ca::Public;
use crate::model::Name;
use crate::web::Shared;
use crate::web::problem::Problem;

const STYLE: &[u8] = include_bytes!("pages/ca.css");

/// A file: its kind and its bytes.
type File = ([(HeaderName, &'static str); 1], Bytes);

/// What is handed out, made once.
pub(super) struct Handout {
    page: Result<String, askama::Error>,
    pem: Bytes,
    der: Bytes,
    mobileconfig: Bytes,
}

/// The page, in English and Welsh.
#[derive(Template)]
#[template(path = "ca.html")]
struct Page<'a> {
    school: &'a str,
    name: &'a str,
    fingerprint: &'a str,
    until: String,
    never: Vec<&'a str>,
}

impl Handout {
    /// What devices are given to trust, in the name of the school.
    pub(super) fn new(public: Public, school: &str) -> Handout {
        let page = Page {
            school,
            name: &public.name,
            fingerprint: &public.fingerprint,
            until: public.not_after.day(),
            never: public.excluded.iter().map(Name::as_str).collect(),
        };
        Handout {
            page: page.render(),
            mobileconfig: public.mobileconfig(school).into(),
            pem: public.pem.into(),
            der: public.der.into(),
        }
    }
}

/// The page and its files. The kinds are those by which devices know what to do with them.
pub(super) fn router(shared: &Shared) -> Router {
    Router::new()
        .route("/ca", get(page))
        .route("/ca/style.css", get(style))
        .route("/ca/authority.pem", get(pem))
        .route("/ca/authority.crt", get(der))
        .route("/ca/authority.mobileconfig", get(mobileconfig))
        .with_state(shared.clone())
}

async fn page(State(shared): State<Shared>) -> Result<Html<String>, Problem> {
    match &shared.handout.page {
        Ok(page) => Ok(Html(page.clone())),
        Err(fault) => Err(Problem::internal("page", fault)),
    }
}

async fn style() -> File {
    file("text/css; charset=utf-8", &Bytes::from_static(STYLE))
}

async fn pem(State(shared): State<Shared>) -> File {
    file("application/x-pem-file", &shared.handout.pem)
}

async fn der(State(shared): State<Shared>) -> File {
    file("application/x-x509-ca-cert", &shared.handout.der)
}

async fn mobileconfig(State(shared): State<Shared>) -> File {
    file("application/x-apple-aspen-config", &shared.handout.mobileconfig)
}

fn file(kind: &'static str, bytes: &Bytes) -> File {
    ([(header::CONTENT_TYPE, kind)], bytes.clone())
}
