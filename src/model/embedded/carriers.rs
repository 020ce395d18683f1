//! Sites whose answer is the page of another site, and where in the address that page stands.
//!
//! The table holds public services that take a page without its scheme, or by a name of their
//! own; what takes whole URLs in the common ways is read without being known.

use crate::model::embedded::text;
use crate::model::{Host, Name, Scheme, Url};

/// How many segments may stand before the page in a path: `/web/2020id_/…`, `/c/s/…`.
pub(super) const MAX_PREFIX: usize = 5;

/// Where a carrier's address holds the page.
#[derive(Clone, Copy, Debug)]
pub(super) enum Carrier {
    /// In the path, behind segments of its own, the first of which may be fixed.
    Path(Option<&'static str>),
    /// In one of these parameters.
    Parameters(&'static [&'static str]),
    /// In the path or in one of these parameters.
    Either(&'static [&'static str]),
    /// Google: `/amp/s/host/path` and `?q=cache:id:host/path`.
    Google,
    /// Google's translator, under any of Google's names.
    GoogleTranslate,
}

/// Hosts (with what lies below them) that carry.
const KNOWN: [(&str, Carrier); 33] = [
    // Archives
    ("web.archive.org", Carrier::Path(None)),
    ("wayback.archive.org", Carrier::Path(None)),
    ("wayback.archive-it.org", Carrier::Path(None)),
    ("webarchive.nationalarchives.gov.uk", Carrier::Path(None)),
    ("webarchive.org.uk", Carrier::Path(None)),
    ("arquivo.pt", Carrier::Path(None)),
    ("archive.today", Carrier::Either(&["url", "q"])),
    ("archive.ph", Carrier::Either(&["url", "q"])),
    ("archive.is", Carrier::Either(&["url", "q"])),
    ("archive.li", Carrier::Either(&["url", "q"])),
    ("archive.vn", Carrier::Either(&["url", "q"])),
    ("archive.fo", Carrier::Either(&["url", "q"])),
    ("archive.md", Carrier::Either(&["url", "q"])),
    ("ghostarchive.org", Carrier::Either(&["url", "term"])),
    // Caches
    ("webcache.googleusercontent.com", Carrier::Google),
    ("cc.bingj.com", Carrier::Parameters(&["u", "q", "url"])),
    ("cdn.ampproject.org", Carrier::Path(None)),
    ("bing-amp.com", Carrier::Path(None)),
    ("bing.com", Carrier::Path(Some("amp"))),
    // Readers
    ("r.jina.ai", Carrier::Either(&["url"])),
    ("12ft.io", Carrier::Either(&["q", "url"])),
    ("1ft.io", Carrier::Either(&["q", "url"])),
    ("outline.com", Carrier::Path(None)),
    ("txtify.it", Carrier::Path(None)),
    ("removepaywall.com", Carrier::Either(&["url"])),
    ("via.hypothes.is", Carrier::Either(&["url"])),
    ("printfriendly.com", Carrier::Parameters(&["url"])),
    ("textise.net", Carrier::Parameters(&["strurl", "url"])),
    // Translators
    ("translate.googleusercontent.com", Carrier::GoogleTranslate),
    ("translatetheweb.com", Carrier::Parameters(&["a", "url"])),
    ("microsofttranslator.com", Carrier::Parameters(&["a", "url"])),
    ("translate.yandex.com", Carrier::Parameters(&["url"])),
    ("papago.naver.net", Carrier::Parameters(&["url"])),
];

/// Names under which a site's whole host is written as one label.
const HOST_IN_LABEL: [(&str, Form); 4] = [
    ("translate.goog", Form::Translated),
    ("cdn.ampproject.org", Form::Cached),
    ("cdn.bing-amp.com", Form::Cached),
    ("bing-amp.com", Form::Cached),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Path and query are the page's own, but for `_x_tr_…`.
    Translated,
    /// The path has a form of its own.
    Cached,
}

impl Carrier {
    /// The carrier that a name is, if it is one.
    pub(super) fn of(name: &Name) -> Option<Carrier> {
        let name = name.as_str();
        if let Some((_, carrier)) = KNOWN.iter().find(|(known, _)| below(name, known).is_some()) {
            return Some(*carrier);
        }
        match google(name)? {
            "translate" => Some(Carrier::GoogleTranslate),
            _ => Some(Carrier::Google),
        }
    }

    /// Whether paths like this one hold a page.
    pub(super) fn carries_in_path(self, path: &str) -> bool {
        let first = |word: &str| path[1..].split('/').next().is_some_and(|first| text::is_word(first, word));
        match self {
            Carrier::Path(None) | Carrier::Either(_) => true,
            Carrier::Path(Some(word)) => first(word),
            Carrier::Google => first("amp"),
            Carrier::Parameters(_) | Carrier::GoogleTranslate => false,
        }
    }

    /// The page that a parameter holds.
    pub(super) fn carried_in(self, name: &str, value: &str) -> Option<Url> {
        let is_one_of = |names: &[&str]| names.iter().any(|known| text::is_word(name, known));
        match self {
            Carrier::Path(_) => None,
            Carrier::Parameters(names) | Carrier::Either(names) => {
                is_one_of(names).then(|| text::read_bare_form(value)).flatten()
            }
            Carrier::GoogleTranslate => {
                is_one_of(&["u", "url"]).then(|| text::read_bare_form(value)).flatten()
            }
            Carrier::Google => is_one_of(&["q"]).then(|| cached(value)).flatten(),
        }
    }
}

/// The host that a carrier's name is made of, with its URL where that can be told.
pub(super) fn written_in(name: &Name, url: Option<&Url>) -> Vec<(Host, Option<Url>)> {
    let found = HOST_IN_LABEL.iter().find_map(|(suffix, form)| Some((below(name.as_str(), suffix)?, *form)));
    let Some((label, form)) = found.filter(|(label, _)| !label.is_empty()) else { return Vec::new() };
    let page = |host: Host| {
        let url = url.filter(|_| form == Form::Translated).map(|url| translated(&host, url));
        (host, url)
    };
    spelled(label).into_iter().map(page).collect()
}

/// The subdomain of a Google name: `google.com`, `translate.google.co.uk`, ….
fn google(name: &str) -> Option<&str> {
    let (subdomain, suffix) = match name.strip_prefix("google.") {
        Some(suffix) => ("", suffix),
        None => name.split_once(".google.")?,
    };
    let short = suffix.split('.').all(|label| (2..=3).contains(&label.len()));
    (short && suffix.matches('.').count() < 2).then_some(subdomain)
}

/// What stands before `parent` in a name at or below it.
fn below<'n>(name: &'n str, parent: &str) -> Option<&'n str> {
    let rest = name.strip_suffix(parent)?;
    if rest.is_empty() { Some("") } else { rest.strip_suffix('.') }
}

/// `cache:host/path words`, `cache:id:http://host/path words`.
fn cached(value: &str) -> Option<Url> {
    let value = text::form_value(value);
    let rest = value.trim_start().get(..6).filter(|word| word.eq_ignore_ascii_case("cache:"))?;
    let page = value.trim_start()[rest.len()..].split_whitespace().next()?;
    let id = page.split_once(':').filter(|(id, _)| {
        !id.eq_ignore_ascii_case("http") && !id.eq_ignore_ascii_case("https") && !id.contains(['.', '/'])
    });
    text::read_bare(id.map_or(page, |(_, page)| page), None).into_iter().next()
}

/// The hosts that one label may stand for: `-` is a dot and `--` a hyphen; `0-` or `1-` may have
/// been put before it (AMP cache URL format), and a name that is not ASCII is encoded as a whole.
fn spelled(label: &str) -> Vec<Host> {
    let (unicode, valid) = ::idna::domain_to_unicode(label);
    let label = if valid.is_ok() { unicode.as_str() } else { label };
    let prefixed = label.strip_prefix("0-").map(|rest| rest.strip_suffix("-0").unwrap_or(rest));
    let prefixed = prefixed.or_else(|| label.strip_prefix("1-"));
    let spelled = |label: &str| text::site(&label.replace("--", "/").replace('-', ".").replace('/', "-"));
    prefixed.into_iter().chain([label]).filter_map(spelled).collect()
}

/// The URL whose translation `url` is.
fn translated(host: &Host, url: &Url) -> Url {
    let parameters = || url.query().unwrap_or_default().split('&');
    let own = |text: &&str| text.to_ascii_lowercase().starts_with("_x_tr_");
    let scheme = if parameters().any(|text| text == "_x_tr_sch=http") { Scheme::Http } else { Scheme::Https };
    let kept: Vec<&str> = parameters().filter(|text| !own(text) && !text.is_empty()).collect();
    let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    let text = format!("{}://{host}{}{query}", scheme.as_str(), url.path());
    Url::parse(&text).unwrap_or_else(|_| Url::root(scheme, host.clone(), scheme.default_port()))
}
