//! The rungs on what a request or an answer holds: kinds of files, terms in what is searched for.
//!
//! **Invariant:** no text of a reason holds a query or a term. Searches that are to be pointed out
//! are, whichever rung lets them pass; only a help line's are nobody's concern.

use crate::content::{FileKind, TermList, TermMatch};
use crate::lists::Reading;
use crate::policy::draft::{CategoryAction, Programs, Treatment};
use crate::policy::ladder::{Case, Step};
use crate::policy::rungs;
use crate::policy::verdict::{Action, Evidence, Reason, Rule, Rung};
use crate::services::SearchKind;

/// 9. Kinds of files that the group may not fetch.
pub(super) fn file_kind(case: &Case<'_>) -> Step {
    let blocked = |kind: &&FileKind| case.group.file_kinds.get(kind) == Some(&Treatment::Block);
    let Some(kind) = case.asked.content.file.iter().find(blocked) else {
        return Step::Pass("no file of a kind that is blocked");
    };
    if updates_come_from_here(case) {
        return Step::Pass("a file that devices are updated with");
    }
    let (name, what) = match kind {
        FileKind::Executable => ("Programs", "programs and installers are"),
        FileKind::Archive => {
            ("Archives with programs", "archives that hold programs or can't be looked into are")
        }
        FileKind::Audio => ("Sound", "sound is"),
        FileKind::Video => ("Video", "video is"),
    };
    let rule = Rule { id: format!("file_kind:{}", kind.as_str()), name: name.into(), category: None };
    let text = format!("{what} blocked for {}", case.group.name);
    Step::Answer(Action::Block, Box::new(rungs::reason(Rung::FileKind, rule, text)))
}

/// 10. Terms in what is searched for; [`pointed_out`] sees to those that block nothing.
pub(super) fn search_term(case: &Case<'_>) -> Step {
    match concern(case) {
        Some((Action::Block, reason)) => Step::Answer(Action::Block, Box::new(reason)),
        Some((Action::Alert, _)) => {
            Step::Pass("holds terms of a list that is pointed out, whatever lets it pass")
        }
        Some((Action::Allow, _)) | None => Step::Pass("no search with terms of a list"),
    }
}

/// The decision, raised to an alert where it lets a search pass that is to be pointed out.
pub(super) fn pointed_out(case: &Case<'_>, own: (Action, Reason)) -> (Action, Reason) {
    if own.0 == Action::Block || own.1.rung == Rung::Lifeline {
        return own;
    }
    let Some((_, reason)) = concern(case) else { return own };
    let (unblock, mut categories) = (own.1.unblock, own.1.categories);
    categories.extend(own.1.rule.category);
    (Action::Alert, Reason { unblock, categories, ..reason })
}

/// The strictest action for the term lists that the search matches, and why; a list that comes
/// first by name wins among equals.
fn concern(case: &Case<'_>) -> Option<(Action, Reason)> {
    let search = case.asked.content.search.as_ref()?;
    if case.group.search_terms.is_empty() {
        return None;
    }
    let terms = &case.policy.terms;
    let found = terms.find(&search.query).into_iter();
    let mut matched: Vec<(CategoryAction, &TermList, TermMatch)> = found
        .filter_map(|found| {
            let list = terms.list(found)?;
            Some((*case.group.search_terms.get(&list.name)?, list, found))
        })
        .filter(|(action, ..)| *action != CategoryAction::Allow)
        .collect();
    matched.sort_by_key(|(action, _, found)| (std::cmp::Reverse(*action), *found));
    matched.dedup_by_key(|(_, list, _)| &list.name);
    let (strictest, list, at) = *matched.first()?;
    // Each key press asks for suggestions: refusing them would show nothing and record everything.
    let (action, does) = match (strictest, search.kind) {
        (CategoryAction::Block, SearchKind::Search) => (Action::Block, "blocked"),
        (CategoryAction::Block, SearchKind::Suggestion)
        | (CategoryAction::Alert | CategoryAction::Allow, SearchKind::Search | SearchKind::Suggestion) => {
            (Action::Alert, "pointed out")
        }
    };
    let names: Vec<&str> = matched.iter().map(|(_, list, _)| list.name.as_str()).collect();
    let rule = Rule {
        id: format!("search_term:{}", list.name),
        name: format!("Search terms: {}", list.name),
        category: None,
    };
    let text = format!("searches with terms of {} are {does} for {}", listed(&names), case.group.name);
    let evidence = Evidence {
        list: format!("terms/{}", list.name),
        version: list.version.clone(),
        file: list.file.clone(),
        line: at.line,
        entry: None,
    };
    Some((action, Reason { evidence: Some(evidence), ..rungs::reason(Rung::SearchTerm, rule, text) }))
}

/// Whether the site belongs to a category that the group allows by name and whose programs are
/// trusted.
fn updates_come_from_here(case: &Case<'_>) -> bool {
    case.agreed().is_some_and(|wanted| {
        rungs::categories(case, &wanted, Reading::Allow).iter().any(|(category, _)| {
            category.programs == Programs::Trusted
                && case.group.categories.get(&category.id) == Some(&CategoryAction::Allow)
        })
    })
}

/// `the list a`, `the lists a and b`, `the lists a, b and c`
fn listed(names: &[&str]) -> String {
    match names {
        [] => "no list".to_owned(),
        [one] => format!("the list {one}"),
        [others @ .., last] => format!("the lists {} and {last}", others.join(", ")),
    }
}
