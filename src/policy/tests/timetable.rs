//! What bands of the week change, by the clock on the school's wall.

use super::*;
use crate::document::Document;

const TIMES: &str = r#"
[calendar]
terms = [
  { name = "Spring", from = "2027-01-04", to = "2027-03-26" },
  { name = "Autumn", from = "2026-09-02", to = "2026-12-18" },
]
holidays = [
  { name = "Half term", from = "2026-10-26", to = "2026-10-30" },
  { name = "Inset day", from = "2026-11-23", to = "2026-11-23" },
  { name = "Summer", from = "2026-07-20", to = "2026-09-01" },
]
[calendar.lessons.p1]
name = "Period 1"
days = ["mon", "tue", "wed", "thu", "fri"]
from = "09:00"
to = "10:00"
[calendar.lessons.p2]
days = ["tue"]
from = "10:00"
to = "11:00"
[groups.pupils.timetable.lunch]
days = ["mon", "tue", "wed", "thu", "fri"]
from = "12:00"
to = "13:00"
when = "term"
[groups.pupils.timetable.lunch.categories]
games = "allow"
[groups.pupils.timetable.lesson]
days = ["mon", "tue", "wed", "thu", "fri"]
from = "09:00"
to = "12:00"
when = "term"
categories = { news = "block" }
[groups.ks2.timetable.quiet]
days = ["wed"]
from = "12:30"
to = "13:00"
categories = { games = "block" }
[groups.ks2.timetable.night]
days = ["mon", "tue", "wed", "thu"]
from = "20:00"
to = "07:00"
internet = "block"
[groups.ks2.timetable.closed]
days = ["fri"]
from = "00:00"
to = "24:00"
when = "holiday"
internet = "block"
"#;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn london() -> TimeZone {
    TimeZone::get("Europe/London").unwrap()
}

fn verdict(policy: &Policy, group: &str, url: &str, at: Timestamp) -> Verdict<OnRequest> {
    let url = Url::parse(url).unwrap();
    let destination = Destination { host: Some(url.host().clone()), port: url.port(), url: Some(url) };
    let (subject, content) = (subject(Some(group)), Content::unseen());
    policy.on_request(
        &Asked { subject: &subject, destination: &destination, shown: Shown::Request, content },
        at,
    )
}

/// When, by whom, what, and what comes of it. 24 November 2026 is a Tuesday in term.
#[test]
fn every_band_holds_in_its_hours_and_on_its_days() {
    use Action::{Alert, Allow, Block};
    let rows = [
        ("2026-11-24T11:59:59.999Z", "ks2", "http://games.example/", Block, "category:games"),
        ("2026-11-24T12:00:00Z", "ks2", "http://games.example/", Allow, "timetable:lunch"),
        ("2026-11-24T12:59:59.999Z", "ks2", "http://games.example/", Allow, "timetable:lunch"),
        ("2026-11-24T13:00:00Z", "ks2", "http://games.example/", Block, "category:games"),
        // A looser band opens nothing that another rule shuts, and answers none before its turn.
        ("2026-11-24T12:30:00Z", "ks2", "http://both.example/", Block, "category:adult"),
        ("2026-11-24T12:30:00Z", "ks2", "http://games.example:22/", Block, "protocol:port"),
        ("2026-11-24T12:30:00Z", "staff", "http://games.example/", Allow, "default:default"),
        ("2026-11-24T12:30:00Z", "garden", "http://games.example/", Allow, "timetable:lunch"),
        ("2026-11-24T12:30:00Z", "garden", "http://other.example/", Block, "walled_garden"),
        // Of two that contradict each other the stricter holds; it is the group's own action.
        ("2026-11-25T12:15:00Z", "ks2", "http://games.example/", Allow, "timetable:lunch"),
        ("2026-11-25T12:30:00Z", "ks2", "http://games.example/", Block, "category:games"),
        ("2026-11-25T12:30:00Z", "pupils", "http://games.example/", Allow, "timetable:lunch"),
        ("2026-11-24T09:30:00Z", "ks2", "http://news.example/", Block, "timetable:lesson"),
        ("2026-11-24T12:00:00Z", "ks2", "http://news.example/", Alert, "category:news"),
        // Out of term: an inset day, half term, a Saturday, the first day after term.
        ("2026-11-23T09:30:00Z", "ks2", "http://news.example/", Alert, "category:news"),
        ("2026-10-27T12:30:00Z", "ks2", "http://games.example/", Block, "category:games"),
        ("2026-11-28T12:30:00Z", "ks2", "http://games.example/", Block, "category:games"),
        ("2026-12-18T12:30:00Z", "ks2", "http://games.example/", Allow, "timetable:lunch"),
        ("2026-12-21T12:30:00Z", "ks2", "http://games.example/", Block, "category:games"),
        ("2027-01-04T12:30:00Z", "ks2", "http://games.example/", Allow, "timetable:lunch"),
        // Over midnight: the night belongs to the day that it starts on.
        ("2026-11-24T19:59:59Z", "ks2", "http://other.example/", Allow, "default:default"),
        ("2026-11-24T20:00:00Z", "ks2", "http://other.example/", Block, "timetable:night"),
        ("2026-11-25T06:59:59Z", "ks2", "http://other.example/", Block, "timetable:night"),
        ("2026-11-25T07:00:00Z", "ks2", "http://other.example/", Allow, "default:default"),
        ("2026-11-27T06:59:59Z", "ks2", "http://other.example/", Block, "timetable:night"),
        ("2026-11-27T21:00:00Z", "ks2", "http://other.example/", Allow, "default:default"),
        ("2026-11-23T06:00:00Z", "ks2", "http://other.example/", Allow, "default:default"),
        ("2026-11-24T21:00:00Z", "garden", "http://approved.example/", Allow, "category:approved"),
        // What stands before the timetable stays open, and shut.
        ("2026-11-24T21:00:00Z", "ks2", "http://help.example/", Allow, "lifeline"),
        ("2026-11-24T21:00:00Z", "ks2", "http://allowed.example/", Allow, "school:allow"),
        ("2026-11-24T21:00:00Z", "ks2", "http://blocked.example/", Block, "school:block"),
        ("2026-11-24T21:00:00Z", "ks2", "http://statutory.example/", Block, "statutory:test"),
        (
            "2026-11-24T21:00:00Z",
            "ks2",
            "http://allowed.example/?u=http://other.example/",
            Block,
            "timetable:night",
        ),
        // A whole day, in the holidays alone.
        ("2026-10-30T00:00:00Z", "ks2", "http://other.example/", Block, "timetable:closed"),
        ("2026-10-30T23:59:59Z", "ks2", "http://other.example/", Block, "timetable:closed"),
        ("2026-10-31T00:00:00Z", "ks2", "http://other.example/", Allow, "default:default"),
        // Summer time: noon on the wall is 11:00 in UTC.
        ("2026-10-20T11:00:00Z", "ks2", "http://games.example/", Allow, "timetable:lunch"),
        ("2026-10-20T12:00:00Z", "ks2", "http://games.example/", Block, "category:games"),
    ];
    let policy = World::usual().policy_of(&(TEXT.to_owned() + TIMES));
    for (moment, group, url, action, rule) in rows {
        let verdict = verdict(&policy, group, url, at(moment));
        assert_eq!((verdict.action, &*verdict.reason.rule.id), (action, rule), "{moment} {group} {url}");
    }
}

#[test]
fn an_unblock_opens_what_a_band_shuts() {
    let evening = at("2026-11-24T20:00:00Z");
    let window = Window::new(evening, evening.plus(Duration::from_secs(1800))).unwrap();
    let unblocks = vec![Unblock { window, ..unblock("other.example", "ks2", 30) }];
    let policy = World { unblocks, ..World::usual() }.policy_of(&(TEXT.to_owned() + TIMES));
    let asked = |moment| verdict(&policy, "ks2", "http://other.example/", moment);
    assert_eq!(asked(evening).reason.rung, Rung::Unblock);
    assert_eq!(asked(evening).until, Some(window.ends_at()), "before the band's own end");
    assert_eq!(asked(window.ends_at()).reason.rung, Rung::Timetable);
}

#[test]
fn what_blocks_is_asked_for_a_moment_or_a_whole_window() {
    let policy = World::usual().policy_of(&(TEXT.to_owned() + TIMES));
    let destination = Destination { host: Host::parse("games.example").ok(), port: 443, url: None };
    let (subject, content) = (subject(Some("ks2")), Content::unseen());
    let asked = Asked { subject: &subject, destination: &destination, shown: Shown::TlsName, content };
    let (noon, one) = (at("2026-11-24T12:00:00Z"), at("2026-11-24T13:00:00Z"));
    assert_eq!(policy.blocked_by(&asked, noon).len(), 0);
    assert_eq!(policy.blocked_by(&asked, one).len(), 1);
    let during = |ends_at| policy.blocked_during(&asked, Window::new(noon, ends_at).unwrap()).len();
    assert_eq!((during(one), during(one.plus(Duration::from_millis(1)))), (0, 1));
}

/// The clocks go forward on 29 March (01:00 to 02:00) and back on 25 October (02:00 to 01:00); both
/// are Sundays, and both moments are 01:00 UTC.
#[test]
fn a_band_keeps_the_walls_clock_where_the_clocks_change() {
    // Days, hours, the moment in UTC, whether there is internet, and when to ask again.
    let rows = [
        ("sun", "00:30", "01:30", "2026-03-29T00:15:00Z", true, "2026-03-29T00:30:00Z"),
        ("sun", "00:30", "01:30", "2026-03-29T00:45:00Z", false, "2026-03-29T01:00:00Z"),
        ("sun", "00:30", "01:30", "2026-03-29T01:00:00Z", true, "2026-03-29T23:00:00Z"),
        // A band that the clock never shows.
        ("sun", "01:15", "01:45", "2026-03-29T00:59:00Z", true, "2026-03-29T01:00:00Z"),
        ("sun", "01:15", "01:45", "2026-03-29T01:00:00Z", true, "2026-03-29T23:00:00Z"),
        ("sat", "22:00", "02:30", "2026-03-28T22:00:00Z", false, "2026-03-29T00:00:00Z"),
        ("sat", "22:00", "02:30", "2026-03-29T01:00:00Z", false, "2026-03-29T01:30:00Z"),
        ("sat", "22:00", "02:30", "2026-03-29T01:30:00Z", true, "2026-03-29T23:00:00Z"),
        // A band that the clock shows twice.
        ("sun", "01:15", "01:45", "2026-10-25T00:15:00Z", false, "2026-10-25T00:45:00Z"),
        ("sun", "01:15", "01:45", "2026-10-25T00:45:00Z", true, "2026-10-25T01:00:00Z"),
        ("sun", "01:15", "01:45", "2026-10-25T01:00:00Z", true, "2026-10-25T01:15:00Z"),
        ("sun", "01:15", "01:45", "2026-10-25T01:15:00Z", false, "2026-10-25T01:45:00Z"),
        ("sun", "01:15", "01:45", "2026-10-25T01:45:00Z", true, "2026-10-26T00:00:00Z"),
        ("sat", "22:00", "02:30", "2026-10-25T00:59:00Z", false, "2026-10-25T01:00:00Z"),
        ("sat", "22:00", "02:30", "2026-10-25T02:29:00Z", false, "2026-10-25T02:30:00Z"),
    ];
    for (day, from, to, moment, open, until) in rows {
        let band = format!("days = [\"{day}\"]\nfrom = \"{from}\"\nto = \"{to}\"\ninternet = \"block\"\n");
        let policy = World::usual().policy_of(&format!("{TEXT}[groups.ks2.timetable.band]\n{band}"));
        let verdict = verdict(&policy, "ks2", "http://other.example/", at(moment));
        let told = (verdict.action != Action::Block, verdict.until);
        assert_eq!(told, (open, Some(at(until))), "{day} {from} to {to} at {moment}");
    }
}

#[test]
fn a_group_without_bands_is_never_asked_again_for_the_time_of_day() {
    let policy = World::usual().policy_of(&(TEXT.to_owned() + TIMES));
    assert_eq!(verdict(&policy, "staff", "http://other.example/", now()).until, None);
}

/// A moment, and the lesson that it lies in with its end.
#[test]
fn a_lesson_ends_as_written_in_term_alone() {
    let rows = [
        ("2026-11-24T09:00:00Z", Some(("Period 1", "2026-11-24T10:00:00Z"))),
        ("2026-11-24T09:59:59Z", Some(("Period 1", "2026-11-24T10:00:00Z"))),
        ("2026-11-24T10:00:00Z", Some(("p2", "2026-11-24T11:00:00Z"))),
        ("2026-11-25T10:30:00Z", None),
        ("2026-11-28T09:30:00Z", None),
        ("2026-11-23T09:30:00Z", None),
        ("2026-10-27T09:30:00Z", None),
        ("2026-12-22T09:30:00Z", None),
        ("2026-10-20T08:30:00Z", Some(("Period 1", "2026-10-20T09:00:00Z"))),
    ];
    let told = draft(&(TEXT.to_owned() + TIMES)).unwrap();
    for (moment, expected) in rows {
        let lesson = told.lesson_end(at(moment), &london());
        let lesson = lesson.map(|(lesson, end)| (lesson.name.as_str(), end));
        assert_eq!(lesson, expected.map(|(name, end)| (name, at(end))), "{moment}");
    }
    let calendar = Calendar { terms: Vec::new(), ..told.calendar.clone() };
    let always = Draft { calendar, ..told };
    assert!(always.lesson_end(at("2026-12-22T09:30:00Z"), &london()).is_some(), "no term is named");
    assert!(always.lesson_end(at("2026-10-27T09:30:00Z"), &london()).is_none(), "half term is");
}

/// What is written wrongly, and the one fault that it is.
#[test]
fn times_tell_every_fault_at_its_place() {
    let rows = [
        ("days = [\"wed\"]", "days = [\"wednesday\"]", "“wednesday” is no day"),
        ("days = [\"wed\"]", "days = []", "no day is named"),
        ("from = \"12:30\"", "from = \"13:00\"", "starts and ends at 13:00"),
        ("from = \"12:30\"", "from = \"1230\"", "“1230” is no time of day"),
        ("from = \"12:30\"", "from = \"24:01\"", "“24:01” is no time of day"),
        ("from = \"12:30\"\n", "", "lacks the key `from`"),
        ("games = \"block\" }", "gmaes = \"block\" }", "there is no category “gmaes”"),
        ("when = \"holiday\"", "when = \"holidays\"", "“holidays” is no part of the year"),
        ("when = \"holiday\"\ninternet = \"block\"", "", "the band “closed” changes nothing"),
        ("internet = \"block\"", "internet = \"allow\"", "“allow” is not what a band does"),
        ("to = \"2026-12-18\"", "to = \"2026-08-18\"", "“Autumn” ends before it starts"),
        ("to = \"2027-03-26\"", "to = \"2027-02-30\"", "“2027-02-30” is no date"),
        ("from = \"2027-01-04\"", "from = \"2026-12-18\"", "“Autumn” overlaps “Spring”"),
        ("from = \"2026-11-23\"", "from = \"2026-11-24\"", "“Inset day” ends before it starts"),
        (
            "from = \"10:00\"\nto = \"11:00\"",
            "from = \"10:00\"\nto = \"09:00\"",
            "the lesson ends before it starts",
        ),
    ];
    for (written, wrong, fault) in rows {
        let text = TIMES.replacen(written, wrong, 1);
        assert_ne!(text, TIMES, "{written}");
        let faults = draft(&(TEXT.to_owned() + &text)).unwrap_err();
        let told: Vec<&str> = faults.iter().map(|fault| &*fault.problem).collect();
        assert!(told.len() == 1 && told[0].contains(fault), "{wrong}: {told:#?}");
        assert!(faults.iter().all(|fault| fault.line as usize > TEXT.lines().count()), "{wrong}");
    }
}

#[test]
fn what_an_edit_of_the_timetable_changes_is_said_in_words() {
    let edited = TIMES.replace("from = \"12:30\"", "from = \"12:45\"");
    let read = |times: &str| Written::read(&Document::new("policy", TEXT.to_owned() + times)).unwrap();
    let told = read(&edited).changes_since(&read(TIMES));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains(".timetable.quiet.from") && told[0].contains("12:45"), "{told:?}");
}

proptest! {
    /// Time alone changes nothing before `until`; and what is explained is what is decided.
    #[test]
    fn nothing_changes_before_it_is_to_be_asked_again(
        minute in 0u64..370 * 24 * 60, part in 0.0f64..1.0, url in target(), group in group(),
    ) {
        let policy = World::usual().policy_of(&(TEXT.to_owned() + TIMES));
        let first = at("2026-03-20T00:00:00Z").plus(Duration::from_secs(minute * 60));
        let url = Url::parse(&url).unwrap();
        let destination = Destination { host: Some(url.host().clone()), port: url.port(), url: Some(url) };
        let (subject, content) = (subject(group), Content::unseen());
        let asked = Asked { subject: &subject, destination: &destination, shown: Shown::Request, content };
        let verdict = policy.on_connect(&asked, first);
        prop_assert_eq!(&policy.explain(&asked, first).verdict, &verdict);
        let next = verdict.until.unwrap_or_else(|| first.plus(Duration::from_secs(86_400)));
        prop_assert!(first < next);
        let later = first.plus(next.since(first).mul_f64(part * 0.999_999));
        let then = policy.on_connect(&asked, later);
        prop_assert_eq!((&verdict.answer, &verdict.reason), (&then.answer, &then.reason));
        prop_assert_eq!(verdict.until, then.until);
    }
}
