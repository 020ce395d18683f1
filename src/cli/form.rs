//! What commands have in common: in whose name they ask, and in which form they answer.
//!
//! **Invariant:** whatever a command prints, `--json` prints as the gateway answered it.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::gateway::Gateway;
use crate::cli::output::{Column, Table};
use crate::settings::Settings;

/// Acts in the name of a token's owner.
#[derive(Args)]
pub(super) struct Named<A: Subcommand> {
    #[command(flatten)]
    pub(super) token: Token,
    #[command(flatten)]
    pub(super) form: Form,
    #[command(subcommand)]
    pub(super) act: A,
}

/// Acts of whoever may use this machine.
#[derive(Args)]
pub(super) struct Here<A: Subcommand> {
    #[command(flatten)]
    pub(super) form: Form,
    #[command(subcommand)]
    pub(super) act: A,
}

/// Who one is.
#[derive(Args, Default)]
pub(super) struct Token {
    /// The token of the one who looks, asks or decides (`schoolgate staff token NAME`);
    /// SCHOOLGATE_TOKEN, when absent.
    #[arg(long, global = true)]
    token: Option<String>,
}

/// In which form it is printed.
#[derive(Args, Clone, Copy)]
pub(super) struct Form {
    /// Print as JSON.
    #[arg(long, global = true)]
    json: bool,
}

impl Token {
    /// The gateway in the name of the token's owner.
    pub(super) fn gateway(&self, settings: &Settings) -> anyhow::Result<Gateway> {
        let token = self.said();
        anyhow::ensure!(token.is_some(), "say who you are: --token, or SCHOOLGATE_TOKEN");
        Ok(Gateway::of(settings, token))
    }

    /// The gateway, and where it answers: whoever has a token by the API, whoever may use the
    /// machine's own socket by what it answers to them.
    pub(super) fn reading(&self, settings: &Settings) -> (Gateway, &'static str) {
        let token = self.said();
        let root = if token.is_some() { "/api/v1" } else { "/local" };
        (Gateway::of(settings, token), root)
    }

    fn said(&self) -> Option<String> {
        let said = self.token.clone().filter(|token| !token.is_empty());
        said.or_else(|| super::variable("SCHOOLGATE_TOKEN"))
    }
}

impl Form {
    /// Prints an answer: as it came, or as `tell` says it.
    pub(super) fn answer(self, answer: &Value, tell: impl FnOnce(&Value)) {
        if self.json {
            out!("{answer}");
        } else {
            tell(answer);
        }
    }

    /// Prints what there is.
    pub(super) fn items(self, items: &[Value], columns: &[Column]) {
        if self.json {
            out!("{}", json!({ "items": items, "next": null }));
        } else if items.is_empty() {
            out!("None.");
        } else {
            out!("{}", Table::of(columns, items));
        }
    }
}
