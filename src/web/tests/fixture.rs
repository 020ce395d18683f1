//! A gateway's office: staff of every role, two groups, three lists, a clock that is set by hand.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, header};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

use super::conform;
use crate::audit::{
    Access, Entry, Filter, Indexer, Observer, Order, Recorder, Seen, Signer, Visibility, Writer, query,
};
use crate::ca::Authority;
use crate::clock::Clock;
use crate::control::accounts::Cost;
use crate::control::lists::{Exempt, Kept, Places};
use crate::control::{self, Control, Sources, Unlicensed};
use crate::identity::Directory;
use crate::model::{Host, Role, Subject};
use crate::policy::{Asked, Content, Destination, Reach, Shown};
use crate::settings::{Alerts, Inspect, Loosening, Smtp, SmtpTls};
use crate::telemetry::Metrics;
use crate::web::{Shared, admin};

pub(super) const POLICY: &str = r#"
[groups.pupils]
name = "Pupils"
default = "allow"
[groups.pupils.categories]
games = "block"
adult = "block"
[groups.ks2]
name = "Key Stage 2"
inherits = "pupils"
subnets = ["10.1.2.0/24"]
[groups.staff]
default = "allow"
subnets = ["10.1.9.0/24"]
[categories.games]
name = "Games"
unblockable = true
sources = ["seed/games"]
[categories.adult]
name = "Adult"
unblockable = false
sources = ["seed/adult"]
[unblock.caps]
teacher = { hours = 2, approval = "needed" }
dsl = { hours = 24, approval = "needed" }
headteacher = { hours = 24, approval = "needed" }
filtering_manager = { hours = 24, approval = "not_needed" }
"#;

pub(super) struct Office {
    pub(super) folder: TempDir,
    pub(super) control: Arc<Control>,
    pub(super) recorder: Recorder,
    pub(super) clock: Clock,
    pub(super) metrics: Metrics,
    pub(super) shared: Shared,
    pub(super) writer: Writer,
    tokens: HashMap<String, String>,
}

impl Office {
    /// One member of staff a role, named like it, and a second teacher, `asker`.
    pub(super) async fn open() -> Office {
        let mut office = Office::unstaffed().await;
        let staff = Role::ALL.map(|role| (role.as_str(), role)).into_iter().chain([("asker", Role::Teacher)]);
        for (name, role) in staff {
            let word = name.parse().unwrap();
            office.control.add_staff(&word, &[role]).await.unwrap();
            let token = office.control.make_token(&word).await.unwrap().value.text;
            office.tokens.insert(name.to_owned(), token);
        }
        office
    }

    /// Nobody has an account.
    pub(super) async fn unstaffed() -> Office {
        let folder = TempDir::new().unwrap();
        for (path, text) in [
            ("policy.toml", POLICY),
            ("lists/categories/games.txt", "# list: Games\n# Date: 2026-11-22\ngames.example\n"),
            ("lists/categories/adult.txt", "# list: Adult\n# Date: 2026-11-22\nadult.example\n"),
            ("lists/school/allow.txt", "# none\n"),
            ("lists/school/block.txt", "# none\n"),
            ("statutory/test.txt", "# schoolgate: synthetic\nlisted.example\n"),
        ] {
            write(&folder, path, text);
        }
        Office::on(folder, Clock::manual(), Loosening::Held).await
    }

    /// The same after an end and a start.
    pub(super) async fn restarted(self) -> Office {
        self.restarted_with(Loosening::Held).await
    }

    /// The same, with another rule for edits of the policy that open something.
    pub(super) async fn restarted_with(self, loosening: Loosening) -> Office {
        let Office { folder, control, recorder, clock, shared, writer, tokens, .. } = self;
        drop((control, recorder, shared));
        tokio::task::spawn_blocking(move || writer.finish()).await.unwrap();
        Office { tokens, ..Office::on(folder, clock, loosening).await }
    }

    async fn on(folder: TempDir, clock: Clock, policy_loosening: Loosening) -> Office {
        let (alerts, smtp) = told();
        let at = |path: &str| folder.path().join(path);
        let metrics = Metrics::new().unwrap();
        let observer = Observer { name: "test".into(), version: "0".into() };
        let times = clock.clone();
        let signer = Signer::open(&at("audit.key"), &at("audit")).unwrap();
        let opened = Recorder::open(&at("audit"), observer, Some(signer), move || times.now());
        let (recorder, writer) = opened.unwrap();
        let sources = Sources {
            policy_file: at("policy.toml"),
            store_file: at("state.db"),
            places: Places {
                lists: at("lists"),
                imported: at("imported"),
                statutory: at("statutory"),
                compiled: Kept::Written(at("compiled")),
                kept: at("statutory.kept"),
                fetched: Vec::new(),
                own: Vec::new(),
                exempt: Exempt::default(),
                max_shrink_percent: 100,
            },
            loosening: Loosening::Held,
            policy_loosening,
            unlicensed: Unlicensed::Accepted,
            reach: Arc::new(Reach::default()),
            feeds: Vec::new(),
            extra_roots: Vec::new(),
            zone: jiff::tz::TimeZone::UTC,
            alerts,
            smtp: Some(smtp),
        };
        let (index, _) = Indexer::start(&recorder, None).unwrap();
        let given = control::Shared {
            recorder: recorder.clone(),
            index: index.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
            directory: Directory::default(),
        };
        let started = Control::start(sources, given, &|_, _, _| ()).await;
        let control = started.unwrap_or_else(|fault| panic!("{fault}"));
        let control = Arc::new(control.with_password_cost(Cost { memory: 8, passes: 1 }));
        let inspect = Inspect { authority: None, no_inspect: None, never: Vec::new() };
        let authority = Authority::open(&inspect, folder.path(), "Fish & Chips", clock.now()).unwrap();
        let public = authority.public().clone();
        let shared = Shared::new(Arc::clone(&control), recorder.clone(), index, public, "Fish & Chips");
        Office { folder, control, recorder, clock, metrics, shared, writer, tokens: HashMap::new() }
    }

    pub(super) fn write(&self, path: &str, text: &str) {
        write(&self.folder, path, text);
    }

    /// The token of a member of staff; nothing for `none`, one that never was for `wrong`.
    pub(super) fn token(&self, who: &str) -> Option<String> {
        match who {
            "none" => None,
            "wrong" => Some(format!("sg_{}", "0".repeat(64))),
            name => Some(self.tokens[name].clone()),
        }
    }

    pub(super) async fn get(&self, who: &str, path: &str) -> (u16, Value) {
        self.send(who, "GET", path, "", b"").await
    }

    pub(super) async fn post(&self, who: &str, path: &str, body: Value) -> (u16, Value) {
        self.send(who, "POST", path, "application/json", body.to_string().as_bytes()).await
    }

    pub(super) async fn send(
        &self,
        who: &str,
        method: &str,
        path: &str,
        kind: &str,
        body: &[u8],
    ) -> (u16, Value) {
        let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        if let Some(token) = self.token(who) {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if !kind.is_empty() {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        read(self.answer(request.body(Body::from(body.to_vec())).unwrap()).await).await
    }

    /// The answer to a request, held against the API's description.
    pub(super) async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
        let (parts, body) = ask(admin(&self.shared), request).await.into_parts();
        let kind = parts.headers.get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap().to_owned());
        if kind.as_deref() == Some("text/event-stream") {
            return Response::from_parts(parts, body);
        }
        let bytes = to_bytes(body, 1 << 24).await.unwrap();
        conform::check(&method, &path, parts.status.as_u16(), &kind.unwrap_or_default(), &bytes);
        Response::from_parts(parts, Body::from(bytes))
    }

    /// A fresh unblock that waits for approval; its id.
    pub(super) async fn pending(&self) -> String {
        let (status, asked) = self.post("asker", "/unblocks", wish("games.example")).await;
        assert_eq!((status, &asked["state"]), (201, &json!("pending")), "{asked}");
        asked["id"].as_str().unwrap().to_owned()
    }

    /// A pupil goes to a host, as the proxy would record it; what came of it.
    pub(super) async fn visit(&self, client: &str, user: &str, host: &str) -> String {
        self.see(client, user, host, Seen::default()).await
    }

    /// The same, of which more was seen.
    pub(super) async fn see(&self, client: &str, user: &str, host: &str, seen: Seen) -> String {
        let client: IpAddr = client.parse().unwrap();
        let subject = self.control.attribute(client).await;
        let subject = Subject {
            user: Some(user.parse().unwrap()),
            device: Some("CB-2-017".parse().unwrap()),
            ..subject
        };
        let destination = Destination { host: Some(Host::parse(host).unwrap()), port: 443, url: None };
        let asked = Asked {
            subject: &subject,
            destination: &destination,
            shown: Shown::TlsName,
            content: Content::unseen(),
        };
        let verdict = self.control.live().snapshot().on_connect(&asked, self.clock.now());
        let seen = Seen { visibility: Visibility::Host, ..seen };
        let access = Access::new(&subject, &destination, &verdict, &seen);
        self.recorder.record(Entry::Access(access)).await.unwrap();
        format!("{} {}", verdict.action.as_str(), verdict.reason.rung.as_str())
    }

    /// Every event so far, the oldest first.
    pub(super) async fn trail(&self) -> Vec<Value> {
        let filter = Filter { order: Order::OldestFirst, limit: 10_000, ..Filter::default() };
        let page = query(&self.folder.path().join("audit"), &filter).unwrap();
        page.records.into_iter().map(|record| record.event).collect()
    }
}

/// A request for an hour of `target` for Key Stage 2.
pub(super) fn wish(target: &str) -> Value {
    json!({ "target": target, "groups": ["ks2"], "minutes": 60, "reason": "Maths games for the topic week" })
}

pub(super) async fn ask(router: Router, request: Request<Body>) -> Response<Body> {
    router.oneshot(request).await.unwrap()
}

pub(super) async fn read(answer: Response<Body>) -> (u16, Value) {
    let status = answer.status().as_u16();
    let bytes = to_bytes(answer.into_body(), 1 << 24).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

fn write(folder: &TempDir, path: &str, text: &str) {
    let path = folder.path().join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Who is told of alerts; nothing listens there.
fn told() -> (Alerts, Smtp) {
    let alerts = Alerts {
        governor_account: "governor".parse().ok(),
        dsl: vec!["dsl@school.county.sch.uk".parse().unwrap()],
        headteacher: vec!["head@school.county.sch.uk".parse().unwrap()],
        governor: vec!["chair@school.county.sch.uk".parse().unwrap()],
        ..Alerts::default()
    };
    let smtp = Smtp {
        host: "127.0.0.1".to_owned(),
        port: 9,
        from: "filter@school.county.sch.uk".parse().unwrap(),
        tls: SmtpTls::None,
        login: None,
        ca: None,
    };
    (alerts, smtp)
}
