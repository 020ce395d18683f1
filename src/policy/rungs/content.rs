//! The rung of what is inside: kinds of files, terms in searches.
//!
//! **Invariant:** a reason names the list and the line, and never the words that were searched for.

use crate::lists::Reading;
use crate::policy::draft::{CategoryAction, Programs};
use crate::policy::ladder::{Case, Step};
use crate::policy::rungs::{categories, is, reason};
use crate::policy::verdict::{Action, Evidence, Reason, Rule, Rung};
use crate::services::SearchKind;

/// 9. The strictest action for the kinds of file that an answer is of.
pub(in crate::policy) fn file_kind(case: &Case<'_>) -> Step {
    let kinds = &case.asked.content.file;
    if !kinds.is_empty() && is_of_updates(case) {
        return Step::Pass("a file that devices are updated with");
    }
    let acted = kinds.iter().filter_map(|kind| Some((*case.group.file_kinds.get(kind)?, *kind)));
    match acted.max_by_key(|(action, _)| *action).and_then(|(action, kind)| Some((acting(action)?, kind))) {
        Some((action, kind)) => {
            let id = kind.as_str();
            let rule = Rule { id: format!("file_kind:{id}"), name: format!("File: {id}"), category: None };
            let text = format!("files of this kind ({id}) are {} for {}", done(action), case.group.name);
            Step::Answer(action, Box::new(reason(Rung::FileKind, rule, text)))
        }
        None if kinds.is_empty() => Step::Pass("no file of a kind that a rule could name"),
        None => Step::Pass("its kinds of file have no action for this group"),
    }
}

/// 9, too: the strictest action for the term lists that a search matches. Somebody who is still typing is
/// never stopped.
pub(in crate::policy) fn search_term(case: &Case<'_>) -> Step {
    let Some(search) = &case.asked.content.search else {
        return Step::Pass("not a search, as far as is seen");
    };
    let terms = &case.policy.terms;
    let acted = terms.find(&search.query).into_iter().filter_map(|found| {
        let list = terms.list(found)?;
        Some((*case.group.search_terms.get(&list.name)?, found, list))
    });
    // The first of equals wins: matches stand in the order of lists and lines.
    let strictest = acted.reduce(|best, next| if next.0 > best.0 { next } else { best });
    let Some((action, found, list)) = strictest else {
        return Step::Pass("no term list of this group matches");
    };
    let Some(mut action) = acting(action) else { return Step::Pass("its term lists are only recorded") };
    if search.kind == SearchKind::Suggestion {
        action = Action::Alert;
    }
    let name = list.name.replace(['-', '_'], " ");
    let rule =
        Rule { id: format!("search_term:{}", list.name), name: format!("Search: {name}"), category: None };
    let text = format!("searches of this kind ({name}) are {} for {}", done(action), case.group.name);
    let evidence = Evidence {
        list: format!("terms/{}", list.name),
        version: list.version.clone(),
        file: format!("terms/{}.txt", list.name),
        line: found.line,
        entry: None,
    };
    Step::Answer(
        action,
        Box::new(Reason { evidence: Some(evidence), ..reason(Rung::SearchTerm, rule, text) }),
    )
}

/// Whether the site belongs to a category that the group allows by name and whose programs are
/// trusted.
fn is_of_updates(case: &Case<'_>) -> bool {
    case.agreed().is_some_and(|wanted| {
        categories(case, &wanted, Reading::Allow).iter().any(|(category, _)| {
            category.programs == Programs::Trusted && is(case, category, CategoryAction::Allow)
        })
    })
}

fn acting(action: CategoryAction) -> Option<Action> {
    match action {
        CategoryAction::Allow => None,
        CategoryAction::Alert => Some(Action::Alert),
        CategoryAction::Block => Some(Action::Block),
    }
}

fn done(action: Action) -> &'static str {
    match action {
        Action::Block => "blocked",
        Action::Alert => "pointed out",
        Action::Allow => "allowed",
    }
}
