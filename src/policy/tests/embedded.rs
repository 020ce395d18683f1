//! Pages inside the addresses of others are judged by the same ladder.

use proptest::prelude::*;

use super::*;

/// Around a page, each a site that no list knows.
const WRAPS: [fn(&str) -> String; 8] = [
    |page| format!("http://web.archive.org/web/2020/{page}"),
    |page| format!("http://translate.google.com/translate?sl=cy&tl=en&u={}", escaped(page)),
    |page| format!("http://ok.example/?url={}", escaped(page)),
    |page| format!("http://ok.example/?x=1&u={}", escaped(&escaped(page))),
    |page| format!("http://ok.example/fetch/{page}"),
    |page| format!("http://r.jina.ai/{page}"),
    |page| format!("http://webcache.googleusercontent.com/search?q=cache:abc-123:{}", escaped(page)),
    |page| translated(page).unwrap_or_else(|| format!("http://ok.example/?{page}")),
];

fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            if plain { char::from(byte).to_string() } else { format!("%{byte:02X}") }
        })
        .collect()
}

/// As `translate.goog` writes it; an address and a port can't be written so.
fn translated(page: &str) -> Option<String> {
    let url = Url::parse(page).unwrap();
    let name = url.host().name().filter(|_| url.port() == 80)?;
    let label = name.as_str().replace('-', "--").replace('.', "-");
    let joint = if url.query().is_some() { '&' } else { '?' };
    Some(format!("http://{label}.translate.goog{}{joint}_x_tr_sl=cy&_x_tr_sch=http", url.target()))
}

fn verdict(policy: &Policy, group: Option<&str>, text: &str) -> Verdict<OnRequest> {
    let url = Url::parse(text).unwrap();
    let destination = Destination { host: Some(url.host().clone()), port: url.port(), url: Some(url) };
    let subject = subject(group);
    policy.on_request(
        &Asked {
            subject: &subject,
            destination: &destination,
            shown: Shown::Request,
            content: Content::NONE,
        },
        now(),
    )
}

fn on_name(policy: &Policy, group: &str, name: &str, shown: Shown) -> (Action, Rung) {
    let destination = Destination { host: Host::parse(name).ok(), port: 443, url: None };
    let subject = subject(Some(group));
    let verdict = policy.on_connect(
        &Asked { subject: &subject, destination: &destination, shown, content: Content::NONE },
        now(),
    );
    (verdict.action, verdict.reason.rung)
}

/// Asserts what a table of address, action and rung says, all rows at once.
fn assert_decided(policy: &Policy, group: &str, cases: &[(&str, Action, Rung)]) {
    let answer = |url: &str| decided(policy, group, url, now());
    let wrong = cases.iter().filter(|(url, action, rung)| answer(url) != (*action, *rung));
    let wrong: Vec<String> = wrong.map(|(url, ..)| format!("{url}: {:?}", answer(url))).collect();
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn a_blocked_page_is_blocked_inside_another_address() {
    let policy = World::usual().policy();
    let (block, category) = (Action::Block, Rung::Category);
    assert_decided(
        &policy,
        "ks2",
        &[
            ("http://ok.example/?u=http://games.example/", block, category),
            ("http://ok.example/http://games.example/", block, category),
            ("http://ok.example/?u=http%3A%2F%2Fgames.example%2F", block, category),
            ("http://games-example.translate.goog/", block, category),
            ("http://web.archive.org/web/2020/http://other.example/play/chess", block, category),
            ("http://web.archive.org/web/2020/http://blocked.example/", block, Rung::SchoolLists),
            ("http://allowed.example/?u=http://games.example/", block, category),
            ("http://news.example/?u=http://games.example/", block, category),
            ("http://web.archive.org/web/2020/http://192.0.2.9/", block, Rung::Protocol),
            ("http://web.archive.org/web/2020/http://unknown.example:22/", block, Rung::Protocol),
            ("http://ok.example/?url=http://statutory.example/", block, Rung::Statutory),
            ("http://games.example/?url=http://statutory.example/", block, Rung::Statutory),
            ("http://web.archive.org/web/2020/http://other.example/bad/page", block, Rung::Statutory),
            ("http://web.archive.org/web/2020/http://other.example/bad/", Action::Allow, Rung::Default),
        ],
    );
    for shown in [Shown::ConnectTarget, Shown::TlsName] {
        assert_eq!(on_name(&policy, "ks2", "games-example.translate.goog", shown.clone()), (block, category));
        let statutory = on_name(&policy, "staff", "statutory-example.translate.goog", shown);
        assert_eq!(statutory, (block, Rung::Statutory));
    }
    let other = Shown::TlsOtherName(Host::parse("statutory-example.cdn.ampproject.org").unwrap());
    assert_eq!(on_name(&policy, "ks2", "ok.example", other), (block, Rung::Statutory));
}

#[test]
fn what_stays_open_inside_another_address() {
    let policy = World::usual().policy();
    let (allow, alert, by_default) = (Action::Allow, Action::Alert, Rung::Default);
    assert_decided(
        &policy,
        "ks2",
        &[
            ("http://ok.example/?u=http://unknown.example/", allow, by_default),
            ("http://ok.example/login?continue=http://games.example/", allow, by_default),
            ("http://ok.example/login?redirect_uri=http://games.example/", allow, by_default),
            ("http://ok.example/?returnUrl=http%3A%2F%2Fgames.example", allow, by_default),
            ("http://ok.example/search?q=games.example", allow, by_default),
            // Opened by the school: open in a translator too.
            ("http://web.archive.org/web/2020/http://chess.games.example/", allow, by_default),
            // Named only: nobody connects to the address or the port.
            ("http://ok.example/?url=http://192.0.2.9/", allow, by_default),
            ("http://ok.example/?url=http://unknown.example:8443/", allow, by_default),
            // Pointed out through a translator as by itself; a name alone points out nothing.
            ("http://web.archive.org/web/2020/http://news.example/", alert, Rung::Category),
            ("http://ok.example/?url=http://news.example/", allow, by_default),
            ("http://allowed.example/?url=http://news.example/", allow, Rung::SchoolLists),
        ],
    );
}

/// A walled garden: an approved carrier opens no site that is not approved, and a site that counts
/// its visitors may name its own pages and other approved ones.
#[test]
fn an_approved_site_opens_no_other() {
    let policy = World::usual().policy();
    let (allow, block) = (Action::Allow, Action::Block);
    assert_decided(
        &policy,
        "garden",
        &[
            ("http://approved.example/?url=http://approved.example/page", allow, Rung::Category),
            ("http://www.approved.example/?url=http://media.approved.example/", allow, Rung::Category),
            ("http://approved.example/?url=http://allowed.example/", allow, Rung::Category),
            ("http://approved.example/?url=http://unknown.example/", block, Rung::WalledGarden),
            ("http://approved.example/http://unknown.example/", block, Rung::WalledGarden),
            ("http://allowed.example/?url=http://unknown.example/", block, Rung::WalledGarden),
            ("http://approved.example/?url=http://games.example/", block, Rung::WalledGarden),
        ],
    );
}

#[test]
fn an_unblock_opens_its_page_inside_another_address_and_a_carrier_opens_no_locked_page() {
    let carrier = "http://web.archive.org/web/2020/http://games.example/chess";
    let policy = World { unblocks: vec![unblock("games.example", "ks2", 30)], ..World::usual() }.policy();
    assert_eq!(decided(&policy, "ks2", carrier, now()), (Action::Allow, Rung::Default));
    let policy = World { unblocks: vec![unblock("web.archive.org", "ks2", 30)], ..World::usual() }.policy();
    assert_eq!(decided(&policy, "ks2", carrier, now()), (Action::Block, Rung::Category));
    let url = Url::parse("http://web.archive.org/web/2020/http://adult.example/").unwrap();
    let destination = Destination { host: Some(url.host().clone()), port: 80, url: Some(url) };
    let subject = subject(Some("ks2"));
    let asked =
        Asked { subject: &subject, destination: &destination, shown: Shown::Request, content: Content::NONE };
    let lifted: Vec<&str> =
        policy.blocked_by(&asked, now()).iter().map(|lifted| lifted.id.as_str()).collect();
    assert_eq!(lifted, ["adult"], "so that nobody asks for what can't be lifted");
}

#[test]
fn a_refused_page_inside_says_where_it_is_and_a_statutory_one_says_nothing() {
    let policy = World::usual().policy();
    let reason = verdict(&policy, Some("ks2"), "http://web.archive.org/web/1/http://games.example/").reason;
    assert_eq!(reason.rule.id, "category:games");
    assert_eq!(reason.evidence.unwrap().list, "games");
    assert!(reason.text.ends_with("(the page is carried inside another site's address)"), "{}", reason.text);
    let reason = verdict(&policy, Some("ks2"), "http://ok.example/?u=http://games.example/").reason;
    assert!(reason.text.ends_with("(the page is named inside another site's address)"), "{}", reason.text);
    let plain = verdict(&policy, Some("ks2"), "http://statutory.example/").reason;
    let inside = verdict(&policy, Some("ks2"), "http://ok.example/?u=http://statutory.example/x").reason;
    assert_eq!(plain, inside);
}

#[test]
fn an_address_that_holds_more_than_can_be_judged_is_refused() {
    let policy = World::usual().policy();
    let many: String = (0..40).map(|number| format!("&u=http://h{number}.example")).collect();
    for url in [format!("http://ok.example/?x{many}"), "http://ok.example/http:/a".repeat(5)] {
        let reason = verdict(&policy, Some("staff"), &url).reason;
        assert_eq!((reason.rung, reason.rule.id.as_str()), (Rung::Protocol, "protocol:embedded"), "{url}");
    }
}

proptest! {
    /// What is blocked stays so in whatever it is wrapped, up to three times.
    #[test]
    fn no_wrapping_opens_a_blocked_page(
        page in target(), group in group(), wraps in proptest::collection::vec(0..WRAPS.len(), 1..=3),
    ) {
        let policy = World::usual().policy();
        let mut address = page.clone();
        for wrap in &wraps {
            address = WRAPS[*wrap](&address);
        }
        let (was, is) = (verdict(&policy, group, &page), verdict(&policy, group, &address));
        let listed = [Rung::Statutory, Rung::SchoolLists, Rung::Category].contains(&was.reason.rung);
        if was.answer == OnRequest::Block && listed {
            prop_assert_eq!(is.answer, OnRequest::Block, "{}", address);
        }
        if was.reason.rung == Rung::Statutory {
            prop_assert_eq!(is.reason, was.reason, "{}", address);
        }
    }

    /// A statutory entry closes what carries it and opens nothing; what is explained is decided.
    #[test]
    fn statutory_entries_and_explanations_hold_inside_addresses(
        page in target(), entry in target(), group in group(), wrap in 0..WRAPS.len(),
        opened in proptest::collection::vec(target(), 0..3),
    ) {
        let unblocks: Vec<Unblock> = opened.iter().map(|target| unblock(target, "pupils", 60)).collect();
        let before = World { unblocks: unblocks.clone(), ..World::usual() }.policy();
        let mut statutory = World::usual().statutory;
        statutory.push(Url::parse(&entry).unwrap().host().to_string());
        let after = World { statutory, unblocks }.policy();
        let url = Url::parse(&WRAPS[wrap](&page)).unwrap();
        let (was, is) = (verdict(&before, group, &url.to_string()), verdict(&after, group, &url.to_string()));
        prop_assert!(was.answer != OnRequest::Block || is.answer == OnRequest::Block);
        let destination = Destination { host: Some(url.host().clone()), port: url.port(), url: Some(url) };
        let subject = subject(group);
        let asked = Asked { subject: &subject, destination: &destination, shown: Shown::Request, content: Content::NONE };
        let explained = after.explain(&asked, now());
        prop_assert_eq!(&explained.verdict.reason, &is.reason);
        let told = explained.rungs.iter().any(|(rung, step)| {
            matches!(step, Step::Answer(action, reason)
                if *rung == is.reason.rung && *action == is.action && **reason == is.reason)
        });
        prop_assert!(told, "{:?} {:?}", is.reason, explained.rungs);
    }
}
