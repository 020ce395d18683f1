//! The commands; one file a subcommand.
//!
//! **Invariant:** exit codes are 0 done, 1 failed, 2 usage, 78 configuration; text for people
//! goes to stdout, faults and progress to stderr.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::document::Faults;
use crate::policy::Reach;
use crate::settings::Settings;

#[macro_use]
mod output;

mod alerts;
mod ask;
mod audit;
mod block;
mod ca;
mod changes;
mod check;
mod decisions;
mod explain;
mod form;
mod gateway;
mod lists;
mod policy;
mod report;
mod said;
mod serve;
mod staff;
mod suggestions;
mod suspend;
mod unblock;

/// `EX_CONFIG` of sysexits: what is configured is wrong, and trying again does not help.
const CONFIGURATION: u8 = 78;

/// Where the settings are, unless somebody says otherwise.
const SETTINGS: &str = "/etc/schoolgate/schoolgate.toml";

/// A filtering gateway for schools.
#[derive(Parser)]
#[command(name = "schoolgate", version, about, max_term_width = 100)]
struct Arguments {
    /// The settings; SCHOOLGATE_CONFIG, when absent, or /etc/schoolgate/schoolgate.toml.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the gateway in the foreground.
    Serve,
    /// Say what is wrong with settings, policy and lists: every fault as file:line:column.
    Check(check::Check),
    /// Say what would become of a URL, and why: every rung, list, file and line.
    Explain(explain::Explain),
    /// Temporary unblocks.
    Unblock(unblock::Unblock),
    /// What pupils asked for from the block page.
    Ask(ask::Ask),
    /// Sites that staff had opened again and again.
    Suggestions(suggestions::Suggestions),
    /// Emergency blocks: something shut for everybody in one step.
    Block(block::Block),
    /// Suspensions: internet taken from people or devices for a time.
    Suspend(suspend::Suspend),
    /// Safeguarding alerts: look at them, say what is done and what came of it.
    Alerts(alerts::Alerts),
    /// The daily, weekly and termly report.
    Report(report::Report),
    /// The policy of record: export, propose, compare, roll back, review.
    Policy(policy::Policy),
    /// Changes of the policy and of the school's lists: what waits for a second person.
    Changes(changes::Changes),
    /// Accounts and tokens of staff.
    Staff(staff::Staff),
    /// Read the audit trail.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Import, check and look into the lists.
    #[command(subcommand)]
    Lists(lists::Lists),
    /// The authority that devices trust for inspection: its certificate, never its key.
    #[command(subcommand)]
    Ca(ca::Ca),
}

/// Runs a command line.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(told) => {
            output::ended_if_not(told.print());
            return ExitCode::from(if told.use_stderr() { 2 } else { 0 });
        }
    };
    match dispatch(arguments) {
        Ok(code) => code,
        Err(fault) => report(&fault),
    }
}

fn dispatch(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let said = arguments.config.or_else(|| variable("SCHOOLGATE_CONFIG").map(PathBuf::from));
    let config = &said.unwrap_or_else(|| PathBuf::from(SETTINGS));
    let settings = || Settings::load(config, environment());
    match arguments.command {
        Command::Serve => serve::run(&settings()?, config),
        Command::Check(check) => check.run(config),
        Command::Explain(explain) => explain.run(&settings()?),
        Command::Unblock(unblock) => unblock.run(&settings()?),
        Command::Ask(ask) => ask.run(&settings()?),
        Command::Suggestions(suggestions) => suggestions.run(&settings()?),
        Command::Block(block) => block.run(&settings()?),
        Command::Suspend(suspend) => suspend.run(&settings()?),
        Command::Alerts(alerts) => alerts.run(&settings()?),
        Command::Report(report) => report.run(&settings()?),
        Command::Policy(policy) => policy.run(&settings()?),
        Command::Changes(changes) => changes.run(&settings()?),
        Command::Staff(staff) => staff.run(&settings()?),
        Command::Audit(audit) => audit.run(|| Ok(settings()?)),
        Command::Lists(lists) => lists.run(&settings()?),
        Command::Ca(ca) => ca.run(&settings()?),
    }
}

/// The settings' own variables; others that start alike are named for other ends.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// What the environment says; what is set to nothing is not said.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Where policy and lists come from, for commands that judge without serving.
fn sources(settings: &Settings) -> crate::control::Sources {
    let reach = Reach { allow_private: settings.upstream.allow_private.clone(), own: Vec::new() };
    crate::app::sources(settings, reach)
}

/// A runtime for commands that talk or wait.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

fn report(fault: &anyhow::Error) -> ExitCode {
    let configuration = fault.downcast_ref::<Faults>().is_some()
        || matches!(fault.downcast_ref(), Some(crate::control::StartError::Faults(_)));
    let of_authority = fault.downcast_ref().is_some_and(crate::ca::AuthorityError::is_configuration);
    if configuration {
        eprintln!("{}", output::harmless(&fault.to_string()));
        return ExitCode::from(CONFIGURATION);
    }
    eprintln!("schoolgate: {}", output::harmless(&format!("{fault:#}")));
    if of_authority { ExitCode::from(CONFIGURATION) } else { ExitCode::FAILURE }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// Commands that print no data, or print JSON anyway.
    const NO_DATA: [&str; 5] = ["serve", "ca export", "audit tail", "audit export", "audit verify-export"];

    #[test]
    fn every_command_that_prints_data_prints_it_as_json() {
        let mut all = Arguments::command();
        all.build();
        let mut commands = vec![(String::new(), &all)];
        while let Some((path, command)) = commands.pop() {
            let below = command.get_subcommands().filter(|below| below.get_name() != "help");
            let below = below.map(|below| (format!("{path} {}", below.get_name()).trim().to_owned(), below));
            let (before, has_json) =
                (commands.len(), command.get_arguments().any(|it| it.get_id() == "json"));
            commands.extend(below);
            let is_act = commands.len() == before;
            assert!(!is_act || has_json != NO_DATA.contains(&&*path), "schoolgate {path}");
        }
    }

    #[test]
    fn the_commands_fit_together() {
        Arguments::command().debug_assert();
        for line in [
            "policy export --version 7",
            "policy propose policy.toml --dry-run --reason why",
            "policy propose policy.toml --reason why --benefit a --risk b --mitigation c --owner m.jones",
            "policy diff 3 4 --json",
            "policy history",
            "policy rollback 3 --reason why",
            "policy reviews --overdue --token sg_0",
            "changes list --state pending --kind policy --json",
            "unblock list --state active --json",
            "block list --state in_force",
            "block lift 0199d0c8-53a1-7b42-9d51-5b0e8f6f1c11 --reason why --json",
            "alerts false-positive 0199d0c8-53a1-7b42-9d51-5b0e8f6f1c11 --words why --suppress term --value a --days 3",
            "unblock --json request a.example --group ks2 --minutes 30 --reason why",
            "staff token m.jones --days 30 --json",
            "report daily --json",
            "suspend list --json",
            "audit query --user y5.042 --reason why --token sg_0",
            "audit tail -n 3 --no-follow --dir copy",
            "audit around 7 --reason why",
            "audit export --out log.zip --user y5.042 --format csv --format xlsx --reason why",
            "audit export --out matter.zip --matter 7 --minutes 20 --reason why",
            "audit verify-export log.zip --key key.pem",
        ] {
            let words = ["schoolgate"].into_iter().chain(line.split(' '));
            assert!(Arguments::try_parse_from(words).is_ok(), "{line}");
        }
        for line in [
            "unblock request a.example --group ks2 --reason why",
            "unblock request a.example --minutes 30 --reason why",
            "unblock request a.example --group ks2 --minutes 3 --until-lesson-ends --reason why",
            "suspend add --minutes 30 --reason why",
            "alerts list --state false_positive",
            "changes list --effect opens",
            "changes reviewed 7 --review-on 2027-13-01 --comment why",
            "report daily --json --out daily.json",
        ] {
            let words = ["schoolgate"].into_iter().chain(line.split(' '));
            assert!(Arguments::try_parse_from(words).is_err(), "{line}");
        }
        let partly = "schoolgate policy propose policy.toml --reason why --benefit a";
        assert!(Arguments::try_parse_from(partly.split(' ')).is_err(), "a risk assessment is whole");
    }
}
