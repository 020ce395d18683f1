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
mod gateway;
mod lists;
mod policy;
mod report;
mod serve;
mod staff;
mod suggestions;
mod suspend;
mod unblock;

/// `EX_CONFIG` of sysexits: what is configured is wrong, and trying again does not help.
const CONFIGURATION: u8 = 78;

/// A filtering gateway for schools.
#[derive(Parser)]
#[command(name = "schoolgate", version, about, max_term_width = 100)]
struct Arguments {
    /// The settings.
    #[arg(long, global = true, env = "SCHOOLGATE_CONFIG", default_value = "/etc/schoolgate/schoolgate.toml")]
    config: PathBuf,
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
    #[command(subcommand)]
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
            // Nobody is left to tell when the terminal itself is gone.
            let _ = told.print();
            return ExitCode::from(if told.use_stderr() { 2 } else { 0 });
        }
    };
    match dispatch(arguments) {
        Ok(code) => code,
        Err(fault) => report(&fault),
    }
}

fn dispatch(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = || Settings::load(&arguments.config, environment());
    match arguments.command {
        Command::Serve => serve::run(&settings()?, &arguments.config),
        Command::Check(check) => check.run(&arguments.config),
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
        eprintln!("{fault}");
        return ExitCode::from(CONFIGURATION);
    }
    eprintln!("schoolgate: {fault:#}");
    if of_authority { ExitCode::from(CONFIGURATION) } else { ExitCode::FAILURE }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

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
        let partly = "schoolgate policy propose policy.toml --reason why --benefit a";
        assert!(Arguments::try_parse_from(partly.split(' ')).is_err(), "a risk assessment is whole");
    }
}
