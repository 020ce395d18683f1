//! The keys of temporary unblocks: what each role may ask for, and who approves what.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use crate::document::{Faults, Spanned, Table};
use crate::model::Role;
use crate::policy::draft::{Approval, Cap, CategoryDraft, Unblockable};
use crate::policy::unblock::{Kind, LessonName, Pupils, RuleGroups, UnblockRule, UnblockRules};

/// The longest window any role may be given.
const MAX_HOURS: u32 = 24 * 7 * 15;
/// The longest that a request may wait for an answer.
const MAX_UNANSWERED: u32 = 24 * 14;
/// What stands for targets that no category blocks.
const UNCATEGORISED: &str = "uncategorised";

/// Reads `[unblock]`.
pub(super) fn read_unblock(
    root: &mut Table<'_>,
    categories: &[CategoryDraft],
    faults: &mut Faults,
) -> (BTreeMap<Role, Cap>, UnblockRules) {
    let mut rules = UnblockRules::default();
    let Some(mut unblock) = root.table("unblock") else { return (BTreeMap::new(), rules) };
    rules.lesson = unblock.take_parsed("lesson", faults).unwrap_or(rules.lesson);
    rules.pupils = unblock.take_parsed("pupils", faults).unwrap_or(rules.pupils);
    let unanswered = unblock.take_within("unanswered_hours", 1..=MAX_UNANSWERED, faults);
    rules.unanswered = unanswered.map_or(rules.unanswered, from_hours);
    let caps = read_caps(&mut unblock, faults);
    for mut table in unblock.array_of_tables("rule") {
        rules.rules.push(read_rule(&mut table, categories, faults));
        table.finish(faults);
    }
    unblock.finish(faults);
    (caps, rules)
}

fn read_caps(unblock: &mut Table<'_>, faults: &mut Faults) -> BTreeMap<Role, Cap> {
    let mut caps = BTreeMap::new();
    for (role, mut table) in unblock.tables("caps") {
        if table.at("hours").is_none() {
            faults.push(role.at.fault("a cap needs `hours`: the longest that this role may ask for"));
        }
        let hours: Option<u32> = table.take_within("hours", 1..=MAX_HOURS, faults);
        let approval = table.take_parsed("approval", faults).unwrap_or(Approval::Needed);
        table.finish(faults);
        match role.value.parse::<Role>() {
            Ok(known) => {
                caps.insert(known, Cap { longest: from_hours(hours.unwrap_or(1)), approval });
            }
            Err(problem) => faults.push(role.at.fault(problem)),
        }
    }
    caps
}

fn read_rule(table: &mut Table<'_>, categories: &[CategoryDraft], faults: &mut Faults) -> UnblockRule {
    let own: Option<Own> = table.take_parsed("groups", faults);
    UnblockRule {
        categories: kinds(table, categories, faults),
        asked_by: asked_by(table, faults),
        within: table.take_within("within_hours", 1..=MAX_HOURS, faults).map(from_hours),
        groups: own.map_or(RuleGroups::Any, |Own| RuleGroups::Own),
        approved_by: values(table.require_parsed_list("approved_by", faults).unwrap_or_default()),
    }
}

fn kinds(table: &mut Table<'_>, categories: &[CategoryDraft], faults: &mut Faults) -> Option<Vec<Kind>> {
    let at = table.at("categories");
    let written: Vec<Spanned<String>> = table.take_list("categories", faults)?;
    if written.is_empty() {
        faults.extend(at.map(|at| at.fault("no category is named, so the rule would never fit")));
    }
    let mut kinds = Vec::new();
    for Spanned { value: id, at } in written {
        if id == UNCATEGORISED {
            kinds.push(Kind::Uncategorised);
            continue;
        }
        match categories.iter().find(|category| category.id == id).map(|category| category.unblockable) {
            Some(Unblockable::Yes) => {}
            Some(Unblockable::Locked) => {
                let fault = at.fault(format!("the category “{id}” is locked: no unblock can lift it"));
                faults
                    .push(fault.help(format!("take it out, or set unblockable = true in [categories.{id}]")));
            }
            None => {
                let fault = at.fault(format!("there is no category “{id}”"));
                faults.push(fault.help(format!("name one that exists, or “{UNCATEGORISED}”")));
            }
        }
        kinds.push(Kind::Category(id));
    }
    Some(kinds)
}

fn asked_by(table: &mut Table<'_>, faults: &mut Faults) -> Option<Vec<Role>> {
    let (at, before) = (table.at("asked_by"), faults.len());
    let roles: Vec<Spanned<Role>> = table.take_parsed_list("asked_by", faults)?;
    if roles.is_empty() && faults.len() == before {
        faults.extend(at.map(|at| at.fault("no role is named, so the rule would never fit")));
    }
    Some(values(roles))
}

fn values<T>(spanned: Vec<Spanned<T>>) -> Vec<T> {
    spanned.into_iter().map(|spanned| spanned.value).collect()
}

fn from_hours(hours: u32) -> Duration {
    Duration::from_secs(u64::from(hours) * 3600)
}

/// The word `own`.
struct Own;

impl FromStr for Own {
    type Err = String;

    fn from_str(text: &str) -> Result<Own, String> {
        match text {
            "own" => Ok(Own),
            _ => Err(format!("“{text}” is not whom a rule is for: write “own”, or leave it out")),
        }
    }
}

impl FromStr for LessonName {
    type Err = String;

    fn from_str(text: &str) -> Result<LessonName, String> {
        match text {
            "needed" => Ok(LessonName::Needed),
            "optional" => Ok(LessonName::Optional),
            _ => Err(format!("“{text}” says nothing of the lesson: write “needed” or “optional”")),
        }
    }
}

impl FromStr for Pupils {
    type Err = String;

    fn from_str(text: &str) -> Result<Pupils, String> {
        match text {
            "may_ask" => Ok(Pupils::MayAsk),
            "may_not" => Ok(Pupils::MayNot),
            _ => Err(format!("“{text}” says nothing of pupils: write “may_ask” or “may_not”")),
        }
    }
}

impl FromStr for Approval {
    type Err = String;

    fn from_str(text: &str) -> Result<Approval, String> {
        match text {
            "needed" => Ok(Approval::Needed),
            "not_needed" => Ok(Approval::NotNeeded),
            _ => Err(format!("“{text}” is no approval: write “needed” or “not_needed”")),
        }
    }
}
