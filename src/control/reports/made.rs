//! The tables of a report.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::control::Pseudonyms;
use crate::control::alerts::{KeptAlert, Precision};
use crate::control::mail::local;
use crate::control::reports::days::Kind;
use crate::control::reports::shapes::{Report, Section};
use crate::control::reports::{Material, small};
use crate::model::{Severity, Theme, counted};

/// Most categories that are listed.
const TOP: usize = 10;
/// What numbers of people's doings are shown as to governors.
const SMALL: &str = "Rounded to fives, and small numbers are not shown, so that nobody can be told by them.";

impl Material {
    /// The report of its kind.
    pub(super) fn report(&self, pseudonyms: &Pseudonyms, (zone, in_time): (&TimeZone, Duration)) -> Report {
        let sections = match self.kind {
            Kind::Daily => self.digest(zone),
            Kind::Weekly => {
                let mut sections = self.digest(zone);
                sections.insert(2, self.keywords(pseudonyms, zone));
                sections.push(self.precision());
                sections
            }
            Kind::Termly => self.pack(in_time),
        };
        let title = match self.kind {
            Kind::Daily => "Web filter: daily report",
            Kind::Weekly => "Web filter: weekly report",
            Kind::Termly => "Web filter: report to governors",
        };
        Report {
            kind: self.kind,
            title: title.to_owned(),
            span: self.days.in_words(),
            made_at: local(self.now, zone),
            sections,
        }
    }

    fn digest(&self, zone: &TimeZone) -> Vec<Section> {
        vec![
            self.by_theme(),
            self.by_group(),
            self.open(zone),
            self.top(),
            self.unblocks(),
            self.lists(),
            self.health(),
        ]
    }

    /// What governors are shown: numbers of events of the school are as they are, those of pupils' doings
    /// are not.
    fn pack(&self, in_time: Duration) -> Vec<Section> {
        vec![
            self.by_theme().noted(SMALL),
            self.answered(in_time).noted(SMALL),
            self.precision().noted(SMALL),
            self.changes(),
            self.unblocks().noted(SMALL),
            self.over_blocking().noted(
                "Asks and unblocks of each ten thousand blocks, of the numbers as they are shown; categories \
                 of few are left out. Many may mean that it blocks too much.",
            ),
            self.lists(),
            self.checks(),
            self.health(),
        ]
    }

    /// A number of pupils' doings, as its reader may see it.
    fn number(&self, number: u64) -> String {
        match self.kind {
            Kind::Daily | Kind::Weekly => number.to_string(),
            Kind::Termly => small::shown(number),
        }
    }

    fn by_theme(&self) -> Section {
        let rows = Theme::ALL.into_iter().rev().map(|theme| {
            let count = |severity| {
                let all =
                    self.alerts.iter().filter(|alert| alert.theme == theme && alert.severity == severity);
                self.number(all.count() as u64)
            };
            [
                theme.in_words().to_owned(),
                count(Severity::Danger),
                count(Severity::Caution),
                count(Severity::Advisory),
            ]
        });
        Section::new("Alerts by theme", ["Theme", "Danger", "Caution", "Advisory"], rows.collect())
    }

    fn by_group(&self) -> Section {
        let groups: BTreeSet<&str> = self.alerts.iter().filter_map(|alert| alert.group.as_deref()).collect();
        let rows = groups.into_iter().map(|group| {
            let count = self.alerts.iter().filter(|alert| alert.group.as_deref() == Some(group)).count();
            let name = self.groups.get(group).map_or(group, String::as_str);
            [name.to_owned(), count.to_string()]
        });
        Section::new("Alerts by group", ["Group", "Alerts"], rows.collect())
    }

    fn open(&self, zone: &TimeZone) -> Section {
        let rows = self.open.iter().map(|alert| {
            [
                alert.id.to_string(),
                alert.theme.in_words().to_owned(),
                alert.severity.as_str().to_owned(),
                if alert.seen_at.is_none() {
                    "NOBODY HAS LOOKED".to_owned()
                } else {
                    alert.state.as_str().to_owned()
                },
                local(alert.first_at, zone),
            ]
        });
        Section::new("Open alerts", ["Alert", "Theme", "Severity", "State", "Since"], rows.collect())
    }

    fn keywords(&self, pseudonyms: &Pseudonyms, zone: &TimeZone) -> Section {
        let of_terms = self.alerts.iter().filter(|alert| alert.rule.starts_with("search_term:"));
        let rows = of_terms.map(|alert| {
            [
                pseudonyms.of(alert.person.kind(), alert.person.name()),
                alert.rule.trim_start_matches("search_term:").to_owned(),
                alert.theme.in_words().to_owned(),
                alert.severity.as_str().to_owned(),
                alert.count.to_string(),
                local(alert.last_at, zone),
                alert.id.to_string(),
            ]
        });
        let columns = ["Who", "Terms", "Theme", "Severity", "Events", "Last", "Alert"];
        Section::new("Alerts by search terms", columns, rows.collect())
            .noted("People stand under other names: sign in and open the alert to see whose it is.")
    }

    fn top(&self) -> Section {
        let rows = self.counts.all("blocked/").into_iter().take(TOP);
        let rows = rows.map(|(category, count)| [category.to_owned(), count.to_string()]).collect();
        Section::new("Most blocked", ["Category or rule", "Blocks"], rows)
    }

    fn unblocks(&self) -> Section {
        let rows = [
            ("asked for by staff", "act/unblock.requested"),
            ("approved", "act/unblock.approved"),
            ("refused", "act/unblock.refused"),
            ("used and reported on", "act/unblock.report"),
            ("asked for by pupils", "act/ask.made"),
            ("pupils' asks taken up", "act/ask.taken"),
            ("pupils' asks refused", "act/ask.refused"),
            ("pupils' asks that nobody answered", "act/ask.lapsed"),
        ];
        let rows = rows.map(|(what, name)| [what.to_owned(), self.number(self.counts.of(name))]);
        Section::new("Unblocks", ["What", "How many"], rows.to_vec())
    }

    fn changes(&self) -> Section {
        let mut rows = self.counted(&[
            ("proposed", "act/change.proposed"),
            ("approved", "act/change.approved"),
            ("refused", "act/change.refused"),
            ("readings of policy and lists anew", "act/policy.reloaded"),
            ("reviewed", "act/change.reviewed"),
            ("emergency blocks", "act/block.placed"),
        ]);
        rows.push(["waiting for somebody now".to_owned(), self.waiting.to_string()]);
        Section::new("Changes of the filter", ["What", "How many"], rows)
    }

    fn over_blocking(&self) -> Section {
        let rows = self.counts.all("blocked/").into_iter().filter_map(|(category, blocks)| {
            let asked = self.counts.of(&format!("asked/{category}"));
            // That a category is listed tells no more than its number does.
            small::is_shown(asked).then(|| {
                let share = small::of_ten_thousand(asked, blocks);
                [category.to_owned(), small::shown(blocks), small::shown(asked), share]
            })
        });
        let columns = ["Category", "Blocks", "Asked to open", "Of ten thousand"];
        Section::new("Does it block too much?", columns, rows.take(2 * TOP).collect())
    }

    fn lists(&self) -> Section {
        Section::new("Lists", ["List", "How it stands"], self.lists.clone())
    }

    fn checks(&self) -> Section {
        let (passed, failed) = (
            self.counts.all("act/selftest").iter().map(|(_, count)| count).sum::<u64>(),
            self.counts.all("refused/selftest").iter().map(|(_, count)| count).sum::<u64>(),
        );
        let rows = match passed + failed {
            0 => Vec::new(),
            _ => vec![["passed".to_owned(), passed.to_string()], ["failed".to_owned(), failed.to_string()]],
        };
        let section = Section::new("Checks that the filter made of itself", ["Outcome", "How many"], rows);
        if passed + failed == 0 {
            section.noted("No check of itself is in the record of these days.")
        } else {
            section
        }
    }

    fn health(&self) -> Section {
        let mut rows = self.counted(&[
            ("times that the record could not be written", "act/audit.resumed"),
            ("times that somebody disturbed it", "act/audit.disturbed"),
            ("repairs at a start", "act/audit.repaired"),
            ("starts of the gateway", "act/gateway.started"),
        ]);
        let now = if self.is_stuck { "CAN'T BE WRITTEN" } else { "is written" };
        rows.push(["the record now".to_owned(), now.to_owned()]);
        rows.push(["its last number".to_owned(), self.head.to_string()]);
        let waiting = self.number(self.undelivered as u64);
        rows.push(["messages on pupils that wait to be delivered".to_owned(), waiting]);
        Section::new("The record", ["What", "How it stands"], rows)
    }

    fn precision(&self) -> Section {
        let rows = Precision::of(&self.alerts).into_iter().rev().map(|counted| {
            let closed = counted.right + counted.wrong;
            let share = match (self.kind, counted.share()) {
                (Kind::Termly, _) => small::share(counted.right, closed),
                (Kind::Daily | Kind::Weekly, Some(share)) => format!("{:.0} %", share * 100.0),
                (Kind::Daily | Kind::Weekly, None) => "none closed".to_owned(),
            };
            [
                counted.theme.in_words().to_owned(),
                self.number(counted.right),
                self.number(counted.wrong),
                self.number(counted.open),
                share,
            ]
        });
        let columns = ["Theme", "Right", "Nothing to it", "Open", "Share that was right"];
        Section::new("How often alerts were right", columns, rows.collect())
    }

    fn answered(&self, in_time: Duration) -> Section {
        let rows = [Severity::Danger, Severity::Caution].map(|severity| {
            let told: Vec<&KeptAlert> = self
                .alerts
                .iter()
                .filter(|alert| alert.severity == severity && alert.told_at.is_some())
                .collect();
            let is_timely = |alert: &&&KeptAlert| {
                alert.told_at.zip(alert.seen_at).is_some_and(|(told, seen)| seen.since(told) <= in_time)
            };
            let timely = told.iter().filter(is_timely).count() as u64;
            let told = told.len() as u64;
            [severity.as_str().to_owned(), self.number(told), self.number(timely), small::share(timely, told)]
        });
        let minutes = in_time.as_secs() / 60;
        let title = format!("Alerts that somebody looked at within {}", counted(minutes, "minute"));
        Section::new(&title, ["Severity", "Told", "In time", "Share"], rows.to_vec())
    }

    fn counted(&self, rows: &[(&str, &str)]) -> Vec<[String; 2]> {
        rows.iter().map(|(what, name)| [(*what).to_owned(), self.counts.of(name).to_string()]).collect()
    }
}
