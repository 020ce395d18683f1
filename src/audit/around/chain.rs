//! How somebody came to an address: from step to step back to where it began, so that accident and
//! intent can be told apart fairly.
//!
//! **Invariant:** nothing is guessed: what the browser did not say is `unknown`.

use std::time::Duration;

use serde_json::Value;

use crate::audit::pages::{Visit, host_of};

/// Most steps that are gone back.
const STEPS: usize = 20;
/// How long before a redirect the address stood that sent it.
const REDIRECT: Duration = Duration::from_secs(10);

/// How an address was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// It was typed in, or opened from a bookmark or another program.
    Typed,
    /// By a click on a page.
    Link,
    /// By itself: a redirect, or a page that went on without a click.
    Redirect,
    /// From the results of a search.
    Search,
    /// As part of a page.
    Embedded,
    /// It was not seen.
    Unknown,
}

/// One step of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which of the events.
    pub at: usize,
    /// `event.sequence`
    pub sequence: u64,
    /// When, RFC 3339.
    pub time: String,
    /// The host.
    pub host: Option<String>,
    /// What was searched for, where the step is a search.
    pub search: Option<String>,
    /// How it was reached from the step after it in the chain, which came before it in time.
    pub reached: Reached,
    /// The host that the browser says led here, whether or not its event was found.
    pub from: Option<String>,
}

impl Reached {
    /// All of them.
    pub const ALL: [Reached; 6] = [
        Reached::Typed,
        Reached::Link,
        Reached::Redirect,
        Reached::Search,
        Reached::Embedded,
        Reached::Unknown,
    ];

    /// As answered by the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Reached::Typed => "typed",
            Reached::Link => "link",
            Reached::Redirect => "redirect",
            Reached::Search => "search",
            Reached::Embedded => "embedded",
            Reached::Unknown => "unknown",
        }
    }
}

/// Goes back from the event at this place; the events are one person's, in order.
#[must_use]
pub fn trace(events: &[Value], at: usize) -> Vec<Step> {
    let (mut steps, mut at) = (Vec::new(), Some(at));
    while let Some(place) = at.filter(|_| steps.len() < STEPS) {
        let event = &events[place];
        let Some(visit) = Visit::of(event) else { break };
        let from = text(event, "/http/request/referrer").and_then(host_of);
        let mut reached = said(event);
        let led = led(events, place, &visit, from.as_deref(), reached);
        let by_search = led.is_some_and(|led| text(&events[led], "/schoolgate/search").is_some());
        if by_search && matches!(reached, Reached::Link | Reached::Unknown) {
            reached = Reached::Search;
        }
        steps.push(Step {
            at: place,
            sequence: visit.sequence,
            time: visit.time.to_string(),
            host: visit.host,
            search: text(event, "/schoolgate/search").map(str::to_owned),
            reached,
            from,
        });
        at = led;
    }
    steps
}

/// The chain as a sentence; empty where there is none.
#[must_use]
pub fn told(steps: &[Step]) -> String {
    let mut told = String::new();
    if steps.is_empty() {
        return told;
    }
    for (at, step) in steps.iter().enumerate() {
        let before = steps.get(at + 1);
        let from = before.and_then(|before| before.host.as_deref()).or(step.from.as_deref());
        let of = |what: &str| from.map_or_else(|| what.to_owned(), |from| format!("{what} from {from}"));
        let how = match (step.reached, before.and_then(|before| before.search.as_deref())) {
            (Reached::Search, words) => {
                let words = words.map_or_else(String::new, |words| format!(" for “{words}”"));
                let on = from.map_or_else(String::new, |from| format!(" on {from}"));
                format!("reached by a search{words}{on}")
            }
            (Reached::Link, _) => format!("reached by {}", of("a link")),
            (Reached::Redirect, _) => format!("reached by {}", of("a redirect")),
            (Reached::Embedded, _) => from.map_or("fetched as part of a page".to_owned(), |from| {
                format!("fetched as part of a page of {from}")
            }),
            (Reached::Typed, _) => "typed in, or opened from a bookmark".to_owned(),
            (Reached::Unknown, _) => from.map_or("reached in a way that was not seen".to_owned(), |from| {
                format!("reached from {from}, in a way that was not seen")
            }),
        };
        match at {
            0 => told.push_str(&capital(&how)),
            _ => told.push_str(&format!(", which was {how}")),
        }
        // A search says what was wanted; how its page was come by says no more.
        if step.reached == Reached::Search {
            break;
        }
    }
    told.push('.');
    told
}

/// What the browser says of an event.
fn said(event: &Value) -> Reached {
    let fetch = |name: &str| text(event, &format!("/schoolgate/fetch/{name}"));
    match (fetch("mode"), fetch("dest"), fetch("site"), fetch("user")) {
        (None, None, None, _) => Reached::Unknown,
        (Some("navigate"), Some("document") | None, Some("none"), _) => Reached::Typed,
        (Some("navigate"), Some("document") | None, _, Some("?1")) => Reached::Link,
        (Some("navigate"), Some("document") | None, _, _) => Reached::Redirect,
        _ => Reached::Embedded,
    }
}

/// The event that led to the one at this place.
fn led(events: &[Value], at: usize, visit: &Visit, from: Option<&str>, reached: Reached) -> Option<usize> {
    if reached == Reached::Typed {
        return None;
    }
    let mut earlier = events[..at].iter().enumerate().rev();
    let is_page = |event: &Value| said(event) != Reached::Embedded;
    match from {
        Some(from) => {
            let is = |event: &Value| {
                Visit::of(event).is_some_and(|other| !other.is_blocked && other.host.as_deref() == Some(from))
            };
            let found = earlier.clone().find(|(_, event)| is(event) && is_page(event));
            found.or_else(|| earlier.find(|(_, event)| is(event))).map(|(at, _)| at)
        }
        // A redirect comes at once, and says where from only when the site lets it.
        None if reached == Reached::Redirect => {
            let soon = |event: &Value| {
                Visit::of(event)
                    .is_some_and(|other| visit.time.since(other.time) <= REDIRECT && other.host.is_some())
            };
            let found = earlier.find(|(_, event)| is_page(event) && said(event) != Reached::Unknown)?;
            soon(found.1).then_some(found.0)
        }
        None => None,
    }
}

fn text<'a>(event: &'a Value, path: &str) -> Option<&'a str> {
    event.pointer(path).and_then(Value::as_str)
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// An event told as host, what the browser said, the page that led here, and words searched for.
    fn events(told: &[(&str, [&str; 4], &str, &str)]) -> Vec<Value> {
        let one = |(at, (host, [site, mode, dest, user], referrer, search)): (
            usize,
            &(&str, [&str; 4], &str, &str),
        )| {
            let some = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
            json!({
                "@timestamp": format!("2026-11-24T09:00:{at:02}.000Z"),
                "event": {"sequence": at + 1, "dataset": "schoolgate.access", "action": "allow"},
                "user": {"name": "y5.042"}, "url": {"domain": some(host)},
                "http": {"request": {"referrer": if referrer.is_empty() { Value::Null } else { format!("https://{referrer}/").into() }}},
                "schoolgate": {"search": some(search), "fetch": {
                    "site": some(site), "mode": some(mode), "dest": some(dest), "user": some(user)}},
            })
        };
        told.iter().enumerate().map(one).collect()
    }

    const TYPED: [&str; 4] = ["none", "navigate", "document", "?1"];
    const CLICK: [&str; 4] = ["cross-site", "navigate", "document", "?1"];
    const SENT: [&str; 4] = ["cross-site", "navigate", "document", ""];
    const PART: [&str; 4] = ["cross-site", "no-cors", "image", ""];
    const SILENT: [&str; 4] = ["", "", "", ""];

    #[test]
    fn a_chain_goes_back_to_where_it_began() {
        let search = ("search.example", TYPED, "", "how to hide");
        for (told_events, at, hows, sentence) in [
            (
                vec![
                    search,
                    ("www.example.org", CLICK, "search.example", ""),
                    ("bad.example", CLICK, "www.example.org", ""),
                ],
                2,
                vec![Reached::Link, Reached::Search, Reached::Typed],
                "Reached by a link from www.example.org, which was reached by a search for “how to hide” on search.example.",
            ),
            (
                vec![("bad.example", TYPED, "", "")],
                0,
                vec![Reached::Typed],
                "Typed in, or opened from a bookmark.",
            ),
            (
                vec![
                    ("news.example", TYPED, "", ""),
                    ("short.example", CLICK, "news.example", ""),
                    ("bad.example", SENT, "", ""),
                ],
                2,
                vec![Reached::Redirect, Reached::Link, Reached::Typed],
                "Reached by a redirect from short.example, which was reached by a link from news.example, which was typed in, or opened from a bookmark.",
            ),
            (
                vec![("news.example", TYPED, "", ""), ("ads.example", PART, "news.example", "")],
                1,
                vec![Reached::Embedded, Reached::Typed],
                "Fetched as part of a page of news.example, which was typed in, or opened from a bookmark.",
            ),
            (
                vec![("bad.example", SILENT, "", "")],
                0,
                vec![Reached::Unknown],
                "Reached in a way that was not seen.",
            ),
            (
                vec![("bad.example", CLICK, "elsewhere.example", "")],
                0,
                vec![Reached::Link],
                "Reached by a link from elsewhere.example.",
            ),
        ] {
            let steps = trace(&events(&told_events), at);
            assert_eq!(steps.iter().map(|step| step.reached).collect::<Vec<_>>(), hows);
            assert_eq!(told(&steps), sentence);
        }
    }

    #[test]
    fn pages_that_name_each_other_end_somewhere() {
        let told_events: Vec<_> = (0..50)
            .map(|at| {
                if at % 2 == 0 {
                    ("a.example", CLICK, "b.example", "")
                } else {
                    ("b.example", CLICK, "a.example", "")
                }
            })
            .collect();
        let steps = trace(&events(&told_events), 49);
        assert_eq!(steps.len(), STEPS);
        assert!(steps.windows(2).all(|pair| pair[0].sequence > pair[1].sequence));
    }
}
