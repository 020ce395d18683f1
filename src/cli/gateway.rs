//! The running gateway as the commands see it: its local socket.

use std::fmt;
use std::ops::{ControlFlow, Not};
use std::path::PathBuf;

use serde_json::Value;

use crate::settings::Settings;
use crate::web::local::{self, CallError};

mod words;

/// The gateway says no.
#[derive(Debug, thiserror::Error)]
pub(super) struct Refused {
    status: u16,
    body: Value,
}

/// The running gateway.
pub(super) struct Gateway {
    socket: PathBuf,
    token: Option<String>,
}

impl Gateway {
    /// The one that these settings are of, asked in the name of whoever holds the token.
    pub(super) fn of(settings: &Settings, token: Option<String>) -> Gateway {
        Gateway { socket: crate::app::local_socket(settings), token }
    }

    /// Asks.
    pub(super) fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.call("GET", path, None)
    }

    /// Tells.
    pub(super) fn post(&self, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        self.call("POST", path, body)
    }

    /// Whether there is one to ask.
    pub(super) fn is_running(&self) -> bool {
        std::os::unix::net::UnixStream::connect(&self.socket)
            .is_err_and(|fault| fault.kind() != std::io::ErrorKind::PermissionDenied)
            .not()
    }

    /// Asks for something long, and hands it over as it comes.
    pub(super) fn pour(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        take: impl FnMut(&[u8]) -> std::io::Result<ControlFlow<()>>,
    ) -> anyhow::Result<()> {
        let token = self.token.as_deref();
        let poured = local::pour(&self.socket, (method, path), token, body, take);
        understood(super::runtime()?.block_on(poured)).map(|_| ())
    }

    /// Tells, if it runs at all.
    pub(super) fn post_if_running(&self, path: &str, body: Value) -> anyhow::Result<Option<Value>> {
        match self.send("POST", path, Some(body))? {
            Err(CallError::NotRunning) => Ok(None),
            answer => understood(answer).map(Some),
        }
    }

    /// Takes away.
    pub(super) fn delete(&self, path: &str) -> anyhow::Result<Value> {
        self.call("DELETE", path, None)
    }

    /// Takes away, and says why.
    pub(super) fn delete_saying(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.call("DELETE", path, Some(body))
    }

    fn call(&self, method: &str, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        understood(self.send(method, path, body)?).map_err(|fault| match fault.downcast() {
            Ok(refused @ Refused { status: 404, .. }) => match words::missing(path) {
                Some(missing) => anyhow::anyhow!("there is no {missing}, or it is not yours to see"),
                None => refused.into(),
            },
            Ok(refused) => refused.into(),
            Err(fault) => fault,
        })
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<Result<(u16, Value), CallError>> {
        let runtime = super::runtime()?;
        Ok(runtime.block_on(local::call(&self.socket, method, path, self.token.as_deref(), body)))
    }
}

/// A field's text, or nothing.
pub(super) fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

/// The answer, or what the gateway says is wrong, with what it says field by field.
fn understood(answer: Result<(u16, Value), CallError>) -> anyhow::Result<Value> {
    let (status, body) = answer?;
    if status < 400 {
        return Ok(body);
    }
    Err(Refused { status, body }.into())
}

impl Refused {
    /// The faults of policy or lists that it names.
    pub(super) fn faults(&self) -> impl Iterator<Item = &Value> {
        self.body["faults"].as_array().into_iter().flatten()
    }
}

impl fmt::Display for Refused {
    /// What it says, and each fault as `file:line:column`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = ["detail", "title"].iter().find_map(|field| self.body[*field].as_str());
        let code = self.body["code"].as_str().unwrap_or("no code");
        let said = words::as_options(said.unwrap_or("it gave no reason"));
        write!(f, "{said} ({}, {code})", self.status)?;
        for fault in self.faults() {
            let (file, problem) = (text(fault, "file"), text(fault, "problem"));
            write!(f, "\n  {file}:{}:{}: {problem}", fault["line"], fault["column"])?;
        }
        Ok(())
    }
}
