//! One message to the mail server.

use std::fs;
use std::time::Duration;

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, Message, SmtpTransport, Transport};

use crate::control::mail::Letter;
use crate::control::mail::deliver::{Undelivered, of_tls};
use crate::control::mail::outbox::Outgoing;
use crate::settings::{MailAddress, Smtp, SmtpTls};

/// How long the server may take over each of its answers.
const PATIENCE: Duration = Duration::from_secs(15);
/// By which servers say that they don't know who signs in, or want somebody to (RFC 4954 section 6).
/// Not 454: it is for a while, and said of TLS too (RFC 3207 section 4).
const SIGN_IN: [u16; 3] = [530, 534, 535];

/// Hands a message to the server.
pub(super) fn send(smtp: &Smtp, outgoing: &Outgoing) -> Result<(), Undelivered> {
    let message = message(smtp, outgoing)?;
    transport(smtp)?.send(&message).map(drop).map_err(|fault| told(&fault))
}

/// The message as it goes over the line.
pub(super) fn message(smtp: &Smtp, outgoing: &Outgoing) -> Result<Message, Undelivered> {
    let letter: Letter = serde_json::from_value(outgoing.payload.clone())
        .map_err(|_| Undelivered("the message can't be read back".to_owned()))?;
    let domain = smtp.from.as_str().rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    let recipient: MailAddress =
        outgoing.recipient.parse().map_err(|_| Undelivered("an address that is none".to_owned()))?;
    let when = u64::try_from(outgoing.made_at.as_millis()).unwrap_or_default();
    let message = Message::builder()
        .from(mailbox(&smtp.from)?)
        .to(mailbox(&recipient)?)
        .subject(one_line(&letter.subject))
        .date(std::time::UNIX_EPOCH + Duration::from_millis(when))
        .message_id(Some(format!("<{}@{domain}>", outgoing.id)));
    marked(message, outgoing.pressing)
        .multipart(MultiPart::alternative_plain_html(letter.text, letter.html))
        .map_err(|fault| Undelivered(format!("the message can't be made: {fault}")))
}

/// By a machine, so that no machine answers it; and how much it presses.
fn marked(message: MessageBuilder, pressing: bool) -> MessageBuilder {
    let header = |name: &'static str, value: &str| {
        HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
    };
    let message = message.raw_header(header("Auto-Submitted", "auto-generated"));
    if pressing { message.raw_header(header("Importance", "high")) } else { message }
}

fn transport(smtp: &Smtp) -> Result<SmtpTransport, Undelivered> {
    let name = gethostname(smtp);
    let mut builder = SmtpTransport::builder_dangerous(smtp.host.as_str())
        .port(smtp.port)
        .timeout(Some(PATIENCE))
        .hello_name(name)
        .tls(match smtp.tls {
            SmtpTls::None => Tls::None,
            SmtpTls::Starttls => Tls::Required(parameters(smtp)?),
            SmtpTls::Tls => Tls::Wrapper(parameters(smtp)?),
        });
    if let Some(login) = &smtp.login {
        let password = fs::read_to_string(&login.password_file)
            .map_err(|fault| Undelivered(format!("the password file can't be read: {}", fault.kind())))?;
        let password = password.trim_end_matches(['\r', '\n']).to_owned();
        builder = builder.credentials(Credentials::new(login.user.clone(), password));
    }
    Ok(builder.build())
}

fn parameters(smtp: &Smtp) -> Result<TlsParameters, Undelivered> {
    let mut builder = TlsParameters::builder(smtp.host.clone());
    if let Some(file) = &smtp.ca {
        let unreadable = |why: String| Undelivered(format!("[smtp] ca can't be read: {why}"));
        let pem = fs::read(file).map_err(|fault| unreadable(fault.kind().to_string()))?;
        let found = Certificate::from_pem(&pem).map_err(|_| unreadable("no certificate".to_owned()))?;
        builder = builder.add_root_certificate(found);
    }
    builder.build_rustls().map_err(|_| Undelivered("TLS to the mail server can't be set up".to_owned()))
}

/// What the gateway calls itself to the server: the domain that it writes from.
fn gethostname(smtp: &Smtp) -> ClientId {
    let domain = smtp.from.as_str().rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    ClientId::Domain(domain.to_owned())
}

fn mailbox(address: &MailAddress) -> Result<Mailbox, Undelivered> {
    let read: Result<Address, _> = address.as_str().parse();
    read.map(|address| Mailbox::new(None, address))
        .map_err(|_| Undelivered("an address that the mail library refuses".to_owned()))
}

/// A header is one line, whoever wrote it.
fn one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// In the gateway's own words: a server's may repeat addresses.
fn told(fault: &lettre::transport::smtp::Error) -> Undelivered {
    if let Some(why) = of_tls(fault) {
        return Undelivered(format!("the mail server can't be trusted: {why}"));
    }
    let text = match fault.status() {
        Some(code) if SIGN_IN.contains(&u16::from(code)) => {
            format!(
                "the mail server does not let the gateway sign in ({code}): look at [smtp] user and password_file"
            )
        }
        Some(code) if fault.is_permanent() => format!("the mail server refuses it for good ({code})"),
        Some(code) => format!("the mail server refuses it for now ({code})"),
        None if fault.is_timeout() => "the mail server takes too long".to_owned(),
        None if fault.is_tls() => "TLS with the mail server can't be set up".to_owned(),
        None if fault.is_client() => "the mail server can't do what is asked of it".to_owned(),
        None => "the mail server can't be reached".to_owned(),
    };
    Undelivered(text)
}
