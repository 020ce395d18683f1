//! The life of a temporary unblock, and who may ask for and approve which.

use super::*;
use Role::{Dsl, FilteringManager, Governor, Headteacher, Teacher, Technician};

use crate::model::Role;

const RULES: &str = r#"
[groups.year5]
inherits = "ks2"
[categories.chat]
unblockable = true
sources = ["chat"]
[categories.shopping]
unblockable = true
sources = ["shopping"]
[unblock]
lesson = "needed"
unanswered_hours = 4
pupils = "may_ask"
[unblock.caps]
teacher = { hours = 2, approval = "needed" }
technician = { hours = 8, approval = "not_needed" }
dsl = { hours = 48, approval = "needed" }
headteacher = { hours = 100, approval = "needed" }
[[unblock.rule]]
categories = ["games"]
asked_by = ["teacher"]
within_hours = 1
groups = "own"
approved_by = []
[[unblock.rule]]
categories = ["games", "chat"]
approved_by = ["headteacher", "dsl"]
[[unblock.rule]]
categories = ["uncategorised"]
asked_by = ["teacher", "dsl"]
approved_by = []
[[unblock.rule]]
categories = ["shopping"]
approved_by = ["technician"]
"#;

fn rules() -> Draft {
    draft(&(TEXT.to_owned() + RULES)).unwrap()
}

fn names<T: std::str::FromStr<Err: std::fmt::Debug>>(names: &[&str]) -> Vec<T> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn needs(
    roles: &[Role],
    teaches: &[&str],
    categories: &[&str],
    groups: &[&str],
    minutes: u64,
) -> Result<Needs, NotAllowed> {
    let categories: Vec<String> = categories.iter().map(|id| (*id).to_owned()).collect();
    let audience = Audience { groups: names(groups), ..Audience::default() };
    let (teaches, length) = (names(teaches), Duration::from_secs(minutes * 60));
    rules().needs(&Wish { roles, teaches: &teaches, categories: &categories, audience: &audience, length })
}

/// Roles, groups taught, blocking categories, groups asked for, minutes; who approves, `[]` for nobody.
#[test]
fn the_first_rule_that_fits_decides_and_the_cap_where_none_does() {
    type Row =
        (&'static [Role], &'static [&'static str], &'static [&'static str], &'static [&'static str], u64);
    let deciders = DECIDERS.as_slice();
    let rows: [(Row, &[Role]); 18] = [
        ((&[Teacher], &["ks2"], &["games"], &["ks2"], 60), &[]),
        // A class inside a group that the teacher teaches is theirs; the group around it is not.
        ((&[Teacher], &["ks2"], &["games"], &["year5"], 60), &[]),
        ((&[Teacher], &["year5"], &["games"], &["ks2"], 60), &[Dsl, Headteacher]),
        ((&[Teacher], &["ks2"], &["games"], &["ks2", "staff"], 60), &[Dsl, Headteacher]),
        ((&[Teacher], &["ks2"], &["games"], &["ks2"], 61), &[Dsl, Headteacher]),
        ((&[Teacher], &[], &["games"], &["ks2"], 60), &[Dsl, Headteacher]),
        ((&[Technician], &["ks2"], &["games"], &["ks2"], 60), &[Dsl, Headteacher]),
        ((&[Teacher], &[], &["chat"], &["ks2"], 60), &[Dsl, Headteacher]),
        ((&[Teacher], &[], &[], &["ks2"], 60), &[]),
        ((&[Headteacher], &[], &[], &["ks2"], 60), deciders),
        ((&[Technician], &[], &[], &["ks2"], 480), &[]),
        // Several categories: what all of their rules agree on, and else the headteacher.
        ((&[Teacher], &["ks2"], &["games", "chat"], &["ks2"], 60), &[Dsl, Headteacher]),
        ((&[Teacher], &["ks2"], &["games", "shopping"], &["ks2"], 60), &[Technician]),
        ((&[Teacher], &["ks2"], &["chat", "shopping"], &["ks2"], 60), &[Headteacher]),
        // The widest cap says how long; a role that does not reach as far waives nothing.
        ((&[Teacher, Headteacher], &[], &[], &["ks2"], 120), &[]),
        ((&[Teacher, Headteacher], &[], &[], &["ks2"], 121), deciders),
        ((&[Technician, Headteacher], &[], &[], &["ks2"], 480), &[]),
        ((&[Technician, Headteacher], &[], &[], &["ks2"], 481), deciders),
    ];
    for (row, approvers) in rows {
        let (roles, teaches, categories, groups, minutes) = row;
        let expected = if approvers.is_empty() { Needs::Nobody } else { Needs::Approval(sorted(approvers)) };
        assert_eq!(needs(roles, teaches, categories, groups, minutes), Ok(expected), "{row:?}");
    }
}

fn sorted(roles: &[Role]) -> Vec<Role> {
    let mut roles = roles.to_vec();
    roles.sort_unstable();
    roles
}

#[test]
fn what_nobody_may_ask_for_is_told_apart() {
    let hours = |hours: u64| NotAllowed::TooLong(Duration::from_secs(hours * 3600));
    let rows = [
        (&[Governor][..], &["games"][..], 10, NotAllowed::Role),
        (&[], &[], 10, NotAllowed::Role),
        (&[FilteringManager], &[], 10, NotAllowed::Role),
        (&[Teacher], &["games"], 121, hours(2)),
        (&[Teacher, Dsl], &["games"], 48 * 60 + 1, hours(48)),
        (&[Headteacher], &["games", "adult"], 10, NotAllowed::Locked("adult".into())),
        (&[Headteacher], &["gone-since"], 10, NotAllowed::Locked("gone-since".into())),
    ];
    for (roles, categories, minutes, why) in rows {
        assert_eq!(needs(roles, &[], categories, &["ks2"], minutes), Err(why), "{roles:?} {categories:?}");
    }
}

#[test]
fn a_rule_for_own_groups_is_for_no_single_people() {
    let (length, teaches) = (Duration::from_secs(60), names(&["ks2"]));
    for audience in [
        Audience { groups: names(&["ks2"]), users: names(&["y5.042"]), ..Audience::default() },
        Audience { groups: names(&["ks2"]), devices: names(&["CB-2-017"]), ..Audience::default() },
        Audience { users: names(&["y5.042"]), ..Audience::default() },
    ] {
        let categories = ["games".to_owned()];
        let wish = Wish {
            roles: &[Teacher],
            teaches: &teaches,
            categories: &categories,
            audience: &audience,
            length,
        };
        assert_eq!(rules().needs(&wish), Ok(Needs::Approval(vec![Dsl, Headteacher])), "{audience:?}");
    }
}

#[test]
fn a_text_without_rules_leaves_all_to_the_caps() {
    let told = draft(TEXT).unwrap().unblocks;
    assert_eq!(told, UnblockRules::default());
    assert_eq!((told.lesson, told.pupils, told.rules.len()), (LessonName::Optional, Pupils::MayNot, 0));
    assert_eq!(told.unanswered, Duration::from_secs(24 * 3600));
    let told = rules().unblocks;
    assert_eq!((told.lesson, told.pupils, told.rules.len()), (LessonName::Needed, Pupils::MayAsk, 4));
    assert_eq!(told.unanswered, Duration::from_secs(4 * 3600));
}

/// What is written wrongly, and the one fault that it is.
#[test]
fn rules_tell_every_fault_at_its_place() {
    let rows = [
        ("asked_by = [\"teacher\"]", "asked_by = [\"janitor\"]", "there is no role “janitor”"),
        ("asked_by = [\"teacher\"]", "asked_by = []", "no role is named"),
        ("approved_by = [\"technician\"]", "approved_by = [\"head\"]", "there is no role “head”"),
        ("approved_by = [\"technician\"]", "", "lacks the key `approved_by`"),
        ("categories = [\"shopping\"]", "categories = [\"shoping\"]", "there is no category “shoping”"),
        ("categories = [\"shopping\"]", "categories = [\"adult\"]", "is locked"),
        ("categories = [\"shopping\"]", "categories = []", "no category is named"),
        ("within_hours = 1", "within_hours = 0", "0 is out of range"),
        ("groups = \"own\"", "groups = \"all\"", "“all” is not whom a rule is for"),
        ("lesson = \"needed\"", "lesson = true", ""),
        ("lesson = \"needed\"", "lesson = \"yes\"", "says nothing of the lesson"),
        ("pupils = \"may_ask\"", "pupils = \"yes\"", "says nothing of pupils"),
        ("unanswered_hours = 4", "unanswered_hours = 1000", "1000 is out of range"),
        ("within_hours = 1", "within_hour = 1", "within_hour"),
    ];
    for (written, wrong, fault) in rows {
        let text = RULES.replacen(written, wrong, 1);
        assert_ne!(text, RULES, "{written}");
        let faults = draft(&(TEXT.to_owned() + &text)).unwrap_err();
        let told: Vec<&str> = faults.iter().map(|fault| &*fault.problem).collect();
        assert!(told.len() == 1 && told[0].contains(fault), "{wrong}: {told:#?}");
        assert!(faults.iter().all(|fault| fault.line as usize > TEXT.lines().count()), "{wrong}");
    }
}

/// The moments of a life: asked for at `now`, to be answered within an hour, from two hours on, for
/// one hour.
fn asked_for(decided: Decided) -> Unblock {
    let hours = |hours: u64| now().plus(Duration::from_secs(hours * 3600));
    let window = Window::new(hours(2), hours(3)).unwrap();
    Unblock {
        window,
        answer_by: hours(1),
        approvers: DECIDERS.to_vec(),
        decided,
        ..unblock("games.example", "ks2", 60)
    }
}

fn moments() -> [Timestamp; 5] {
    [0, 59, 60, 120, 180].map(|minutes| now().plus(Duration::from_secs(minutes * 60)))
}

#[test]
fn an_unblock_stands_where_its_decision_and_the_time_put_it() {
    use State::{Active, Ended, Pending, Refused, Scheduled};
    let table = [
        (Decided::Awaited, [Pending, Pending, Ended, Ended, Ended], Some(Ending::Lapsed)),
        (Decided::Approved, [Scheduled, Scheduled, Scheduled, Active, Ended], Some(Ending::Expired)),
        (Decided::Refused, [Refused; 5], None),
        (Decided::Revoked, [Ended; 5], Some(Ending::Revoked)),
    ];
    for (decided, states, ending) in table {
        let unblock = asked_for(decided);
        for (moment, state) in moments().into_iter().zip(states) {
            assert_eq!(unblock.state(moment), state, "{decided:?} at {moment}");
            let ended = (state == Ended).then_some(ending).flatten();
            assert_eq!(unblock.ending(moment), ended, "{decided:?} at {moment}");
        }
    }
    let late = Unblock { answer_by: now().plus(Duration::from_secs(86_400)), ..asked_for(Decided::Awaited) };
    assert_eq!(late.state(moments()[3]), Pending, "its end, not its start, is the last moment to answer");
    assert_eq!(late.state(moments()[4]), Ended);
}

#[test]
fn each_step_is_taken_from_the_states_that_it_belongs_to_alone() {
    type Step = fn(Unblock, Timestamp) -> Result<Unblock, WrongState>;
    let steps: [(Step, &[State], Decided); 3] = [
        (Unblock::approved, &[State::Pending], Decided::Approved),
        (Unblock::refused, &[State::Pending], Decided::Refused),
        (Unblock::revoked, &[State::Pending, State::Scheduled, State::Active], Decided::Revoked),
    ];
    for decided in [Decided::Awaited, Decided::Approved, Decided::Refused, Decided::Revoked] {
        for moment in moments() {
            for (step, from, to) in steps {
                let unblock = asked_for(decided);
                let state = unblock.state(moment);
                let taken = step(unblock.clone(), moment);
                let expected = if from.contains(&state) {
                    Ok(Unblock { decided: to, ..unblock })
                } else {
                    Err(WrongState(state))
                };
                assert_eq!(taken, expected, "{decided:?} at {moment} to {to:?}");
            }
        }
    }
}

/// A target that no list entry fits is no page but its host: it must not open, or shut, nothing.
#[test]
fn a_root_with_an_empty_query_is_its_host() {
    let host = Target::parse("https://games.example").unwrap();
    for text in ["https://games.example/", "https://games.example/?", "https://games.example//"] {
        assert_eq!(Target::parse(text), Ok(host.clone()), "{text}");
    }
}
