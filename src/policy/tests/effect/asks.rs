//! Everything that is asked of two policies, and what may not happen between them.

use std::sync::LazyLock;

use super::dice::{GROUPS, LISTS};
use super::*;
use crate::content::FileKind;
use crate::identity::{Directory, Subnets};
use crate::services::{Search, SearchKind};

const URLS: [&str; 17] = [
    "https://games.example/",
    "https://adult.example/",
    "https://both.example/a/b",
    "https://news.example/",
    "http://approved.example/",
    "https://extra.example/",
    "https://other.example/play/x",
    "https://other.example/",
    "https://unknown.example/",
    "https://allowed.example/",
    "https://blocked.example/",
    "https://93.184.216.34/",
    "https://games.example:8080/",
    "https://help.example/",
    "https://duckduckgo.com/?q=x",
    "http://web.archive.org/web/2020/http://news.example/",
    "http://unknown.example/?url=http%3A%2F%2Fgames.example%2F",
];
const CLIENTS: [&str; 6] = ["10.1.0.1", "10.1.2.1", "10.2.0.1", "10.9.0.1", "192.168.0.1", "2a00:1450::1"];

static PARTS: LazyLock<Parts> = LazyLock::new(|| {
    let mut catalogue = CatalogueBuilder::new([1; 16]);
    let lists = [
        "adult.example\nboth.example\n",
        "games.example\nboth.example\nother.example/play/\n93.184.216.34\nblocked.example\n",
        "news.example\nallowed.example\n",
        "approved.example\nboth.example\n93.184.216.34\n",
        "extra.example\nnews.example\nweb.archive.org\n",
    ];
    for (id, text) in LISTS.into_iter().zip(lists) {
        let list = catalogue.add_list(head(id, Reading::Block));
        catalogue.add_file(list, "list.txt", &Form::of(Format::Domains), text.as_bytes()).unwrap();
    }
    Parts {
        draft: Arc::default(),
        catalogue: Arc::new(catalogue.build()),
        school_allow: Arc::new(single("allow", Reading::Allow, "allowed.example\n")),
        school_block: Arc::new(single("block", Reading::Block, "blocked.example\n")),
        statutory: Arc::new(StatutoryBuilder::new(*b"0123456789abcdefghijklmnopqrstuv").build()),
        lifeline: Arc::new(index_of(&["help.example"])),
        no_inspect: Arc::new(index_of(&[])),
        terms: Arc::new(World::usual().terms()),
        reach: Arc::default(),
        unblocks: Arc::default(),
        suspensions: Arc::default(),
        blocks: Arc::default(),
        zone: jiff::tz::TimeZone::UTC,
    }
});

/// A policy in force, and who is taken for whom.
struct InForce {
    policy: Policy,
    directory: Directory,
}

/// What came out more open than it was, in words; `None` when nothing.
pub(super) fn opened(before: &Draft, after: &Draft, unblocks: &[Unblock]) -> Option<String> {
    let (was, is) = (InForce::new(before, unblocks), InForce::new(after, unblocks));
    let clients = was.clients(before).into_iter().zip(is.clients(before));
    for (before, after) in clients {
        for url in URLS {
            let url = Url::parse(url).unwrap();
            for shown in shown(&url) {
                for content in contents(&shown) {
                    let one = was.asked(&before, &url, &shown, &content);
                    let other = is.asked(&after, &url, &shown, &content);
                    if let Some(problem) = opens(&one, &other) {
                        return Some(format!("{problem}: {url} {shown:?} {content:?} {before:?} {after:?}"));
                    }
                }
            }
        }
    }
    None
}

impl InForce {
    fn new(draft: &Draft, unblocks: &[Unblock]) -> InForce {
        let parts = Parts { draft: Arc::new(draft.clone()), unblocks: unblocks.into(), ..PARTS.clone() };
        let directory = Directory::default();
        let groups = draft.groups.iter();
        directory.publish(Subnets::new(
            groups.flat_map(|group| group.subnets.iter().map(|net| (*net, group.id.clone()))),
        ));
        InForce { policy: Policy::compile(parts, 1).unwrap(), directory }
    }

    /// Clients by their addresses, and those whom the policy of before had put in a group.
    fn clients(&self, before: &Draft) -> Vec<Subject> {
        let by_address = CLIENTS.map(|address| self.directory.attribute(address.parse().unwrap()));
        let named =
            GROUPS.into_iter().filter(|id| before.groups.iter().any(|group| group.id.as_str() == *id));
        let mut clients: Vec<Subject> =
            by_address.into_iter().chain(named.map(|id| subject(Some(id)))).collect();
        let user = Subject { user: Some("y5.042".parse().unwrap()), ..clients[0].clone() };
        clients.push(user);
        clients
    }

    fn asked(&self, subject: &Subject, url: &Url, shown: &Shown, content: &Content) -> Verdict<OnConnect> {
        let seen = matches!(shown, Shown::Request | Shown::RequestElsewhere(_)).then(|| url.clone());
        let destination = Destination { host: Some(url.host().clone()), port: url.port(), url: seen };
        let asked = Asked { subject, destination: &destination, shown: shown.clone(), content };
        self.policy.on_connect(&asked, now())
    }
}

fn opens(was: &Verdict<OnConnect>, is: &Verdict<OnConnect>) -> Option<String> {
    let told = |what: &str| {
        Some(format!("{what}: {:?} by {:?}, {:?} by {:?}", was.action, was.reason, is.action, is.reason))
    };
    if is.action < was.action {
        return told("more open");
    }
    match (&was.answer, &is.answer) {
        (OnConnect::Inspect(_), OnConnect::Splice(_)) => told("no longer looked into"),
        _ => None,
    }
}

fn shown(url: &Url) -> Vec<Shown> {
    if url.query().is_some() || url.path().contains("http:") {
        return vec![Shown::Request];
    }
    vec![
        Shown::Request,
        Shown::TlsName,
        Shown::TlsNoName,
        Shown::OtherProtocol("ssh"),
        Shown::TlsOtherName(Host::parse("games.example").unwrap()),
    ]
}

fn contents(shown: &Shown) -> Vec<Content> {
    if *shown != Shown::Request {
        return vec![Content::default()];
    }
    let search = |query: &str, kind| {
        let search = Search { engine: "other", query: query.into(), kind };
        Content { search: Some(search), ..Content::default() }
    };
    let file = |kinds: &[FileKind]| Content { file: kinds.to_vec(), ..Content::default() };
    vec![
        Content::default(),
        search("worry about", SearchKind::Search),
        search("stop that", SearchKind::Search),
        search("stop that worry about noted here", SearchKind::Search),
        search("stop that noted here", SearchKind::Suggestion),
        file(&[FileKind::Executable]),
        file(&[FileKind::Video]),
        file(&[FileKind::Executable, FileKind::Video]),
        Content { file: vec![FileKind::Video], ..search("worry about", SearchKind::Search) },
        Content { carries: Carries::Dns, ..Content::default() },
    ]
}
