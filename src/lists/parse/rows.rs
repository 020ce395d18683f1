//! Rows with named columns: what a spreadsheet and a JSON object have in common.

use crate::lists::parse::intake::Intake;
use crate::lists::parse::word::Slash;
use crate::lists::parse::{ReadOptions, RejectReason, Said};
use crate::lists::{Effect, Reading, Scope};

/// The category of rows that name none.
pub(super) const UNNAMED: &str = "uncategorised";
/// The longest category name, as list ids have it.
const MAX_CATEGORY: usize = 64;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Column {
    /// The entry. Of several such columns the first of this order that is not blank counts.
    Entry(EntryColumn),
    /// The category, or several.
    Category,
    /// Whether to block or to allow.
    Action,
    /// `type`: an action, if it holds one.
    Type,
    /// A note, a day, a person: nothing for us.
    Other,
}

/// Where an entry may stand, the most precise first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum EntryColumn {
    Url,
    Domain,
    Host,
    Address,
    Pattern,
}

/// One row, by column.
#[derive(Default)]
pub(super) struct Row<'r> {
    entry: Option<(EntryColumn, &'r str)>,
    pub(super) categories: Vec<String>,
    action: Option<&'r str>,
    kind: Option<&'r str>,
}

impl Column {
    /// What a column of this name holds.
    pub(super) fn of(name: &str) -> Column {
        let name = name.trim().to_ascii_lowercase().replace([' ', '-'], "_");
        match &*name {
            "url" | "urls" | "link" | "uri" => Column::Entry(EntryColumn::Url),
            "domain" | "domains" | "domain_name" => Column::Entry(EntryColumn::Domain),
            "host" | "hostname" | "host_name" | "site" | "website" => Column::Entry(EntryColumn::Host),
            "address" | "ip" | "ip_address" | "network" | "cidr" => Column::Entry(EntryColumn::Address),
            "pattern" | "entry" | "rule" => Column::Entry(EntryColumn::Pattern),
            "category" | "categories" | "list" | "policy" => Column::Category,
            "action" | "verdict" => Column::Action,
            "type" => Column::Type,
            _ => Column::Other,
        }
    }
}

impl<'r> Row<'r> {
    /// Takes one cell.
    pub(super) fn put(&mut self, column: Column, cell: &'r str) {
        let cell = cell.trim();
        if cell.is_empty() {
            return;
        }
        match column {
            Column::Entry(at) if self.entry.is_none_or(|(other, _)| at < other) => {
                self.entry = Some((at, cell))
            }
            Column::Category => self.categories.extend(categories(cell)),
            Column::Action => self.action = Some(cell),
            Column::Type => self.kind = Some(cell),
            Column::Entry(_) | Column::Other => {}
        }
    }

    /// The categories, at least one.
    pub(super) fn into_categories(self) -> Vec<String> {
        if self.categories.is_empty() { vec![UNNAMED.to_owned()] } else { self.categories }
    }

    /// Whether the row is asked for.
    pub(super) fn is_wanted(&self, options: &ReadOptions) -> bool {
        match options.category.as_deref() {
            None => true,
            Some(UNNAMED) if self.categories.is_empty() => true,
            Some(wanted) => self.categories.iter().any(|name| name == wanted),
        }
    }

    /// Hands over what the row says.
    pub(super) fn read(&self, intake: &mut Intake<'_>) -> Result<Said, RejectReason> {
        let (_, entry) = self.entry.ok_or(RejectReason::NoEntry)?;
        let effect = self.effect(intake.options.reading)?;
        if entry.contains(char::is_whitespace) {
            return Err(RejectReason::SeveralWords);
        }
        intake.word(entry, Scope::Subtree, Slash::Network, effect)?;
        Ok(Said::Entries)
    }

    /// A row that says the other thing than its list is meant for takes off the list.
    fn effect(&self, reading: Reading) -> Result<Effect, RejectReason> {
        let said = match self.action {
            Some(word) => Some(action(word).ok_or(RejectReason::Action)?),
            None => self.kind.and_then(action),
        };
        Ok(match said {
            Some(said) if said != reading => Effect::Excepts,
            Some(_) | None => Effect::Lists,
        })
    }
}

/// `Social Networks; Chat` gives `social_networks` and `chat`.
fn categories(cell: &str) -> impl Iterator<Item = String> {
    cell.split([',', ';', '|']).map(category).filter(|name| !name.is_empty())
}

/// A category as a word of a list id.
fn category(text: &str) -> String {
    let mut name = String::new();
    for c in text.trim().chars().flat_map(char::to_lowercase) {
        let is_plain = c.is_ascii_alphanumeric() || c == '-';
        match (is_plain, name.ends_with('_')) {
            (true, _) => name.push(c),
            (false, false) => name.push('_'),
            (false, true) => {}
        }
    }
    let name = name.trim_matches(['_', '-']);
    name.get(..MAX_CATEGORY).unwrap_or(name).to_owned()
}

fn action(word: &str) -> Option<Reading> {
    match &*word.to_ascii_lowercase() {
        "block" | "blocked" | "deny" | "denied" | "black" | "blacklist" | "blocklist" | "denylist"
        | "reject" | "drop" | "refuse" | "ban" | "banned" => Some(Reading::Block),
        "allow" | "allowed" | "permit" | "permitted" | "white" | "whitelist" | "allowlist" | "pass"
        | "accept" | "exception" | "except" | "exempt" => Some(Reading::Allow),
        _ => None,
    }
}
