//! What suspensions and emergency blocks shut, and what they leave.

use super::*;

const PUPIL: &str = "y5.042";

fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}

fn reason() -> Justification {
    Justification::parse("Agreed with the headteacher after Monday's incident").unwrap()
}

pub(super) fn suspension(to: Reduced, exceptions: &[&str]) -> Suspension {
    Suspension {
        id: Uuid::now_v7(),
        users: vec![PUPIL.parse().unwrap()],
        devices: vec!["CB-2-017".parse().unwrap()],
        to,
        exceptions: exceptions.iter().map(|target| Target::parse(target).unwrap()).collect(),
        window: Window::new(now(), now().plus(hours(2))).unwrap(),
        reason: reason(),
        by: "h.teacher".parse().unwrap(),
        lifted: None,
    }
}

pub(super) fn emergency(target: &str) -> EmergencyBlock {
    EmergencyBlock {
        id: Uuid::now_v7(),
        target: Target::parse(target).unwrap(),
        reason: reason(),
        by: "d.lead".parse().unwrap(),
        at: now(),
    }
}

fn pupil() -> Subject {
    Subject { user: Some(PUPIL.parse().unwrap()), ..subject(Some("ks2")) }
}

fn answer(policy: &Policy, subject: &Subject, url: &str, at: Timestamp) -> (Action, Rung) {
    let url = Url::parse(url).unwrap();
    let destination = Destination { host: Some(url.host().clone()), port: url.port(), url: Some(url) };
    let content = Content::unseen();
    let asked = Asked { subject, destination: &destination, shown: Shown::Request, content };
    let verdict = policy.on_request(&asked, at);
    (verdict.action, verdict.reason.rung)
}

fn by_name(policy: &Policy, subject: &Subject, host: &str, shown: Shown) -> Verdict<OnConnect> {
    let destination = Destination { host: Host::parse(host).ok(), port: 443, url: None };
    let asked = Asked { subject, destination: &destination, shown, content: Content::unseen() };
    policy.on_connect(&asked, now())
}

/// What is left, the exceptions, what is asked, and what comes of it.
#[test]
fn a_suspension_leaves_help_lines_its_exceptions_and_what_it_says() {
    use Action::{Allow, Block};
    use Reduced::{Approved, Nothing};
    let cases: [(Reduced, &[&str], &str, Action, Rung); 15] = [
        (Nothing, &[], "http://other.example/", Block, Rung::Suspended),
        (Nothing, &[], "http://allowed.example/", Block, Rung::Suspended),
        (Nothing, &[], "http://approved.example/", Block, Rung::Suspended),
        (Nothing, &[], "http://statutory.example/", Block, Rung::Statutory),
        (Nothing, &[], "http://help.example/talk", Allow, Rung::Lifeline),
        (Nothing, &["exam.example"], "http://exam.example/paper", Allow, Rung::Default),
        (Nothing, &["exam.example"], "http://www.exam.example/", Allow, Rung::Default),
        (
            Nothing,
            &["exam.example"],
            "http://exam.example/?url=http://other.example/",
            Block,
            Rung::Suspended,
        ),
        (Nothing, &["http://exam.example/paper/"], "http://exam.example/paper/2", Allow, Rung::Default),
        (Nothing, &["http://exam.example/paper/"], "http://exam.example/chat", Block, Rung::Suspended),
        // An exception exempts from this rung alone.
        (Nothing, &["games.example"], "http://games.example/", Block, Rung::Category),
        (Nothing, &["category:news"], "http://news.example/", Action::Alert, Rung::Category),
        (Nothing, &["category:news"], "http://other.example/", Block, Rung::Suspended),
        (Approved, &[], "http://approved.example/", Allow, Rung::Category),
        (Approved, &[], "http://other.example/", Block, Rung::Suspended),
    ];
    let text = TEXT
        .replace("news = \"alert\"\n", "news = \"alert\"\napproved = \"allow\"\n")
        .replace("[groups.garden.categories]\napproved = \"allow\"\n", "");
    for (to, exceptions, url, action, rung) in cases {
        let world = World { suspensions: vec![suspension(to, exceptions)], ..World::usual() };
        let policy = world.policy_of(&text);
        assert_eq!(answer(&policy, &pupil(), url, now()), (action, rung), "{to:?} {exceptions:?} {url}");
    }
}

#[test]
fn a_suspension_is_of_its_people_and_devices_in_its_time_and_opens_by_no_unblock() {
    let unblocks = vec![unblock("other.example", "ks2", 90)];
    let suspensions = vec![suspension(Reduced::Nothing, &[])];
    let policy = World { suspensions, unblocks, ..World::usual() }.policy();
    let classmate = Subject { user: Some("y5.043".parse().unwrap()), ..pupil() };
    let device = Subject { user: None, device: Some("CB-2-017".parse().unwrap()), ..pupil() };
    let before = now().minus(hours(1));
    let rows = [
        (&pupil(), now(), Rung::Suspended),
        (&device, now(), Rung::Suspended),
        (&classmate, now(), Rung::Unblock),
        (&pupil(), before, Rung::Default),
        (&pupil(), now().plus(hours(2)), Rung::Default),
    ];
    for (subject, at, rung) in rows {
        assert_eq!(answer(&policy, subject, "http://other.example/", at).1, rung, "{subject:?} {at}");
    }
    let until = |at| {
        let destination = Destination { host: Host::parse("other.example").ok(), port: 443, url: None };
        let (pupil, content) = (pupil(), Content::unseen());
        let asked = Asked { subject: &pupil, destination: &destination, shown: Shown::TlsName, content };
        policy.on_connect(&asked, at).until
    };
    let edges = [before, now(), now().plus(hours(1)), now().plus(Duration::from_secs(5400))].map(until);
    let (ninety, end) = (now().plus(Duration::from_secs(5400)), now().plus(hours(2)));
    assert_eq!(edges, [Some(now()), Some(ninety), Some(ninety), Some(end)]);
}

/// The exception of one suspension is none of another that holds for the same pupil.
#[test]
fn of_several_suspensions_each_must_let_pass() {
    let suspensions =
        vec![suspension(Reduced::Nothing, &["exam.example"]), suspension(Reduced::Approved, &[])];
    let policy = World { suspensions, ..World::usual() }.policy();
    assert_eq!(answer(&policy, &pupil(), "http://exam.example/", now()), (Action::Block, Rung::Suspended));
}

/// Lifted or not, the time, the state, and whether it can be lifted then.
#[test]
fn a_suspension_lives_as_written() {
    use SuspensionState::{Active, Ended, Lifted, Scheduled};
    let one = suspension(Reduced::Nothing, &[]);
    let lifted = Suspension { lifted: Some(now()), ..one.clone() };
    let (before, end) = (now().minus(hours(1)), now().plus(hours(2)));
    let rows = [
        (&one, before, Scheduled, true),
        (&one, now(), Active, true),
        (&one, end, Ended, false),
        (&lifted, before, Lifted, false),
        (&lifted, now(), Lifted, false),
        (&lifted, end, Lifted, false),
    ];
    for (one, at, state, liftable) in rows {
        assert_eq!(one.state(at), state, "{at}");
        let expected = if liftable { Ok(Lifted) } else { Err(SuspensionError::Over(state)) };
        assert_eq!(one.clone().lifted(at).map(|lifted| lifted.state(at)), expected, "{at}");
    }
    let nobody = Suspension { users: Vec::new(), devices: Vec::new(), ..one.clone() };
    assert_eq!(nobody.of_somebody(), Err(SuspensionError::Nobody));
    assert!(one.of_somebody().is_ok());
}

#[test]
fn an_emergency_block_shuts_for_everybody_before_unblocks_and_the_schools_own_list() {
    let rows = [
        ("allowed.example", "http://allowed.example/", true),
        ("other.example", "http://deep.other.example/x", true),
        ("other.example", "http://another.example/", false),
        ("http://other.example/clip/", "http://www.other.example/clip/7", true),
        ("http://other.example/clip/", "http://other.example/else", false),
        ("category:news", "http://news.example/", true),
        ("category:news", "http://other.example/", false),
        ("other.example", "http://allowed.example/?u=http://other.example/", true),
        ("other.example", "http://web.archive.org/web/2020/http://other.example/", true),
        ("https://other.example/?", "http://other.example/", true),
        ("help.example", "http://help.example/", false),
    ];
    for (target, url, shut) in rows {
        let unblocks = vec![unblock("other.example", "pupils", 60), unblock("news.example", "staff", 60)];
        let policy = World { blocks: vec![emergency(target)], unblocks, ..World::usual() }.policy();
        // The garden refuses an archive before it looks at the page inside.
        for group in
            ["ks2", "staff", "garden"].iter().filter(|group| **group != "garden" || !url.contains("/web/"))
        {
            let (action, rung) = answer(&policy, &subject(Some(group)), url, now());
            let by_it = (action, rung) == (Action::Block, Rung::EmergencyBlock);
            assert_eq!(by_it, shut, "{target} {url} {group}: {action:?} {rung:?}");
        }
    }
}

/// Only the page is shut where pages can be told apart, and the whole host where they can't.
#[test]
fn a_shut_page_shuts_its_host_where_the_url_is_not_seen() {
    let text = TEXT.replace("[groups.ks2]\n", "[groups.ks2]\ninspect = \"surgical\"\n");
    let blocks = vec![emergency("https://www.clips.example/bad/")];
    let policy = World { blocks: blocks.clone(), no_inspect: vec!["other.example"], ..World::usual() };
    let policy = policy.policy_of(&text);
    let (seen, unseen) = (subject(Some("ks2")), subject(Some("pupils")));
    for host in ["clips.example", "www.clips.example"] {
        let verdict = by_name(&policy, &seen, host, Shown::TlsName);
        assert!(matches!(verdict.answer, OnConnect::Inspect(_)), "{host}: {verdict:?}");
        let verdict = by_name(&policy, &unseen, host, Shown::TlsName);
        assert_eq!(verdict.reason.rule.id, format!("emergency_block:{}", blocks[0].id), "{host}");
        assert!(blocks_host_only(&verdict), "{host}: {verdict:?}");
    }
    let second = Shown::TlsOtherName(Host::parse("clips.example").unwrap());
    assert_eq!(by_name(&policy, &seen, "news.example", second).reason.rung, Rung::EmergencyBlock);
    let deep = by_name(&policy, &unseen, "other.clips.example", Shown::TlsName);
    assert_eq!(deep.reason.rung, Rung::Default, "another host's pages are not meant");
    assert_eq!(
        answer(&policy, &seen, "https://clips.example/bad/x", now()),
        (Action::Block, Rung::EmergencyBlock)
    );
    assert_eq!(answer(&policy, &seen, "https://clips.example/good", now()).0, Action::Allow);
    // Inside a translator nobody sees the page either, and the translator is what would be decrypted.
    let carried = by_name(&policy, &seen, "clips-example.translate.goog", Shown::TlsName);
    assert_eq!(carried.reason.rung, Rung::EmergencyBlock);
}

#[test]
fn a_refusal_names_no_host() {
    let suspensions = vec![suspension(Reduced::Approved, &["exam.example"])];
    let policy = World { suspensions, blocks: vec![emergency("other.example")], ..World::usual() }.policy();
    for subject in [pupil(), subject(Some("staff"))] {
        let verdict = by_name(&policy, &subject, "other.example", Shown::TlsName);
        assert!(!verdict.reason.text.contains(".example"), "{:?}", verdict.reason);
    }
}

fn blocks_host_only(verdict: &Verdict<OnConnect>) -> bool {
    verdict.action == Action::Block && verdict.answer == OnConnect::Block(Seal::Kept)
}

proptest! {
    /// A suspension or an emergency block opens nothing, is explained as it decides, and stands
    /// behind statutory entries and help lines.
    #[test]
    fn a_restriction_turns_no_refusal_into_leave(
        url in target(), group in group(), shown in shown(), shut in target(), excepted in target(),
        to in prop_oneof![Just(Reduced::Nothing), Just(Reduced::Approved)], seen in any::<bool>(),
    ) {
        let unblocks = vec![unblock("games.example", "pupils", 60)];
        let before = World { unblocks: unblocks.clone(), ..World::usual() }.policy();
        let (suspensions, blocks) = (vec![suspension(to, &[&excepted])], vec![emergency(&shut)]);
        let after = World { unblocks, suspensions, blocks, ..World::usual() }.policy();
        let url = Url::parse(&url).unwrap();
        let host = Some(url.host().clone());
        let destination = Destination { host, port: url.port(), url: seen.then_some(url) };
        let subject = Subject { user: Some(PUPIL.parse().unwrap()), ..subject(group) };
        let asked = Asked { subject: &subject, destination: &destination, shown, content: Content::unseen() };
        let (was, is) = (before.on_connect(&asked, now()), after.on_connect(&asked, now()));
        prop_assert!(!refuses(&was) || refuses(&is), "{was:?} {is:?}");
        prop_assert_eq!(was.reason.rung == Rung::Statutory, is.reason.rung == Rung::Statutory);
        prop_assert_eq!(&after.explain(&asked, now()).verdict, &is);
        let walked = after.explain(&asked, now()).rungs;
        let first = walked.iter().find_map(|(_, step)| match step {
            Step::Answer(_, reason) => Some(reason.rule.id.clone()),
            Step::Pass(_) => None,
        });
        prop_assert!(first == Some(is.reason.rule.id.clone()) || is.reason.rung == Rung::Protocol);
    }
}

fn refuses(verdict: &Verdict<OnConnect>) -> bool {
    blocks(&verdict.answer)
}
