//! `[alerts]` and `[smtp]`: whom alerts are about, who is told, and by which server.
//!
//! **Invariant:** an address that mail goes to can break no header, and no password goes in clear text.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Time;

use super::sections::{Section, path};
use crate::document::{Faults, Spanned, Table};
use crate::model::{GroupName, Host, StaffName, Theme, Url};

/// The longest mail address (RFC 5321 section 4.5.3.1.3, without its brackets), in bytes.
const MAX_MAIL: usize = 254;
/// The longest part before the `@` (RFC 5321 section 4.5.3.1.1), in bytes.
const MAX_LOCAL: usize = 64;
/// When the digests go out unless the settings say otherwise.
const DIGEST_AT: Option<Time> = Some(Time::constant(7, 30, 0, 0));
/// What stands for no theme.
const NO_THEME: &str = "none";

/// `[alerts]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alerts {
    /// Where mail to the designated safeguarding leads goes.
    pub dsl: Vec<MailAddress>,
    /// Where mail to the headteacher goes.
    pub headteacher: Vec<MailAddress>,
    /// Where mail about the headteacher goes, and to nobody else.
    pub governor: Vec<MailAddress>,
    /// The account that may read alerts about the headteacher.
    pub governor_account: Option<StaffName>,
    /// The groups whose members are staff, also where nobody knows their names.
    pub staff_groups: Vec<GroupName>,
    /// How long a danger may go unseen before more people are told.
    pub escalate: Duration,
    /// How long after its end more of the same opens an alert again.
    pub reopen: Duration,
    /// How many blocked tries in ten minutes raise an alert by one step.
    pub tries: u32,
    /// Where the console is, for links in mail.
    pub link: Option<Url>,
    /// When the digests go out, by the clock on the school's wall; none: they don't.
    pub digest_at: Option<Time>,
    /// The themes of the policy's categories, where they are to be other than usual.
    pub categories: BTreeMap<String, Option<Theme>>,
    /// Programs that are told.
    pub webhooks: Vec<Webhook>,
}

/// `[[alerts.webhook]]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Where it is.
    pub url: Url,
    /// The file with the secret that what is sent is signed with.
    pub secret_file: PathBuf,
}

/// `[smtp]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smtp {
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whose mail it is.
    pub from: MailAddress,
    /// How it is protected on its way to the server.
    pub tls: SmtpTls,
    /// How the gateway signs in there, where it must.
    pub login: Option<Login>,
    /// A PEM file with an authority that the server's certificate may be signed by.
    pub ca: Option<PathBuf>,
}

/// How the gateway signs in at the mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The name.
    pub user: String,
    /// The file that holds the password.
    pub password_file: PathBuf,
}

/// How mail is protected on its way to the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SmtpTls {
    /// `starttls`: from the first command on; refused where the server offers none.
    #[default]
    Starttls,
    /// `tls`: from the first byte on.
    Tls,
    /// `none`: not at all.
    None,
}

/// A mail address that stands in a header as it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailAddress(Arc<str>);

/// A theme, or none.
struct ThemeOrNone(Option<Theme>);

impl Alerts {
    pub(super) fn read((mut table, base): Section<'_, '_>, faults: &mut Faults) -> Alerts {
        let mut mails = |key| values(table.take_parsed_list(key, faults));
        let (dsl, headteacher, governor) = (mails("dsl"), mails("headteacher"), mails("governor"));
        let groups: Option<Vec<Spanned<GroupName>>> = table.take_parsed_list("staff_groups", faults);
        let mut number = |key, default: u64, range| table.take_within(key, range, faults).unwrap_or(default);
        let escalate = Duration::from_secs(60 * number("escalate_minutes", 15, 1..=240));
        let reopen = Duration::from_secs(3600 * number("reopen_hours", 24, 0..=720));
        let tries = u32::try_from(number("tries", 5, 2..=1000)).unwrap_or(u32::MAX);
        let digest_at = table.take_parsed("digest_at", faults).map_or(DIGEST_AT, |Hour(at)| at);
        let categories = table.table_or_empty("categories");
        let alerts = Alerts {
            dsl,
            headteacher,
            governor,
            governor_account: table.take_parsed("governor_account", faults),
            staff_groups: groups.map_or_else(staff, |groups| values(Some(groups))),
            escalate,
            reopen,
            tries,
            link: table.take_parsed("link", faults).map(|Address(url)| url),
            digest_at,
            categories: themes(categories, faults),
            webhooks: webhooks(&mut table, base, faults),
        };
        table.finish(faults);
        alerts
    }
}

impl Default for Alerts {
    fn default() -> Alerts {
        Alerts {
            dsl: Vec::new(),
            headteacher: Vec::new(),
            governor: Vec::new(),
            governor_account: None,
            staff_groups: staff(),
            escalate: Duration::from_secs(15 * 60),
            reopen: Duration::from_secs(24 * 3600),
            tries: 5,
            link: None,
            digest_at: DIGEST_AT,
            categories: BTreeMap::new(),
            webhooks: Vec::new(),
        }
    }
}

impl Smtp {
    pub(super) fn read((mut table, base): Section<'_, '_>, faults: &mut Faults) -> Option<Smtp> {
        let given = !table.keys().is_empty();
        let tls_at = table.at("tls");
        let tls: SmtpTls = table.take_parsed("tls", faults).unwrap_or_default();
        let port = table.take_within("port", 1..=u16::MAX, faults).unwrap_or(match tls {
            SmtpTls::Starttls => 587,
            SmtpTls::Tls => 465,
            SmtpTls::None => 25,
        });
        let login = login(&mut table, base, faults);
        if let (Some(_), SmtpTls::None, Some(at)) = (&login, tls, tls_at) {
            let fault = at.fault("a password would go in clear text");
            faults.push(fault.help("write \"starttls\" or \"tls\", or leave out `user`"));
        }
        let ca = path(&mut table, "ca", base, faults);
        let (host, from) = match given {
            true => (table.require_parsed("host", faults), table.require_parsed("from", faults)),
            false => {
                table.note("host");
                table.note("from");
                (None, None)
            }
        };
        table.finish(faults);
        let ServerName(host) = host?;
        Some(Smtp { host, port, from: from?, tls, login, ca })
    }
}

impl MailAddress {
    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MailAddress {
    type Err = &'static str;

    /// Quoted local parts and literal addresses are left out: no school has one.
    fn from_str(text: &str) -> Result<MailAddress, Self::Err> {
        const FAULT: &str = "not a mail address; write dsl@school.county.sch.uk";
        let (local, domain) = text.rsplit_once('@').ok_or(FAULT)?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte);
        let dots = local.starts_with('.') || local.ends_with('.') || local.contains("..");
        let local_fits = !local.is_empty() && local.len() <= MAX_LOCAL && local.bytes().all(allowed) && !dots;
        let is_name = matches!(Host::parse(domain), Ok(Host::Name(name)) if name.as_str() == domain.to_ascii_lowercase());
        let fits = local_fits && is_name && text.len() <= MAX_MAIL;
        if fits { Ok(MailAddress(text.into())) } else { Err(FAULT) }
    }
}

impl fmt::Display for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SmtpTls {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<SmtpTls, Self::Err> {
        match text {
            "starttls" => Ok(SmtpTls::Starttls),
            "tls" => Ok(SmtpTls::Tls),
            "none" => Ok(SmtpTls::None),
            _ => Err("write \"starttls\", \"tls\" or \"none\""),
        }
    }
}

impl FromStr for ThemeOrNone {
    type Err = String;

    fn from_str(text: &str) -> Result<ThemeOrNone, String> {
        if text == NO_THEME {
            return Ok(ThemeOrNone(None));
        }
        match text.parse() {
            Ok(Theme::Illegal) => Err("the theme illegal belongs to the statutory lists alone".to_owned()),
            Ok(theme) => Ok(ThemeOrNone(Some(theme))),
            Err(problem) => Err(format!("{problem}; or \"{NO_THEME}\"")),
        }
    }
}

/// A time of day, or never.
struct Hour(Option<Time>);

impl FromStr for Hour {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Hour, Self::Err> {
        match text {
            "never" => Ok(Hour(None)),
            _ => {
                text.parse().map(|at| Hour(Some(at))).map_err(|_| "not a time of day; write 07:30, or never")
            }
        }
    }
}

/// A server by name or address.
struct ServerName(String);

impl FromStr for ServerName {
    type Err = String;

    fn from_str(text: &str) -> Result<ServerName, String> {
        let host = Host::parse(text).map_err(|fault| fault.to_string())?;
        Ok(ServerName(host.to_string()))
    }
}

/// An address of the web.
struct Address(Url);

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Address, String> {
        Url::parse(text).map(Address).map_err(|fault| fault.to_string())
    }
}

fn staff() -> Vec<GroupName> {
    "staff".parse().into_iter().collect()
}

fn login(table: &mut Table<'_>, base: &std::path::Path, faults: &mut Faults) -> Option<Login> {
    let at = table.at("user").or(table.at("password_file"));
    let user: Option<String> = table.take("user", faults);
    let password_file = path(table, "password_file", base, faults);
    match (user, password_file) {
        (Some(user), Some(password_file)) => Some(Login { user, password_file }),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            let problem = "`user` and `password_file` go together: one is missing";
            faults.extend(at.map(|at| at.fault(problem)));
            None
        }
    }
}

fn themes(mut table: Table<'_>, faults: &mut Faults) -> BTreeMap<String, Option<Theme>> {
    let read = table.entries_parsed::<ThemeOrNone>(faults);
    table.finish(faults);
    read.into_iter().map(|(key, theme)| (key.value, theme.value.0)).collect()
}

fn webhooks(alerts: &mut Table<'_>, base: &std::path::Path, faults: &mut Faults) -> Vec<Webhook> {
    let mut found = Vec::new();
    for mut table in alerts.array_of_tables("webhook") {
        let url = table.require_parsed("url", faults).map(|Address(url)| url);
        if table.at("secret_file").is_none() {
            faults.push(table.header().fault("a webhook has a `secret_file`: what is sent is signed"));
        }
        let secret_file = path(&mut table, "secret_file", base, faults);
        table.finish(faults);
        if let (Some(url), Some(secret_file)) = (url, secret_file) {
            found.push(Webhook { url, secret_file });
        }
    }
    found
}

fn values<T>(list: Option<Vec<Spanned<T>>>) -> Vec<T> {
    list.unwrap_or_default().into_iter().map(|spanned| spanned.value).collect()
}
