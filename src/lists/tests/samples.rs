//! Published lists of many formats, where they are at hand.

use std::collections::BTreeSet;

use super::{add_origin, data, gunzipped, host};
use crate::lists::parse::detect;
use crate::lists::{Asked, Entry, Format, Index, IndexBuilder, ReadOptions, Reading, Scope, Scoping, parse};
use crate::model::Host;

/// One list in twelve forms.
const FORMS: [(&str, Format); 12] = [
    ("tiktok.domains.txt", Format::Domains),
    ("tiktok.hosts.txt", Format::Hosts),
    ("tiktok.dnsmasq.txt", Format::Dnsmasq),
    ("tiktok.dnsmasq-address.conf", Format::Dnsmasq),
    ("tiktok.adguard.txt", Format::Adblock),
    ("tiktok.wildcard.txt", Format::Wildcard),
    ("tiktok.unbound.conf", Format::Unbound),
    ("tiktok.rpz", Format::Rpz),
    ("tiktok.squid.acl", Format::Squid),
    ("tiktok.urls.txt", Format::Urls),
    ("tiktok.csv", Format::Csv),
    ("tiktok.json", Format::Json),
];

/// A file, its format, and what comes of its lines: read, rejected, skipped, exceptions.
type Sample = (&'static str, Format, [usize; 4]);

const SAMPLES: [Sample; 26] = [
    ("adblock-modifiers.txt", Format::Adblock, [27, 0, 10, 3]),
    ("dirty-technician.txt", Format::Domains, [44, 17, 0, 0]),
    ("facebook.adguard.txt", Format::Adblock, [1987, 0, 0, 0]),
    ("facebook.easylist.txt", Format::Adblock, [1999, 0, 1332, 0]),
    ("facebook.hosts.txt", Format::Hosts, [2000, 0, 0, 0]),
    ("facebook.hosts6.txt", Format::Hosts, [2000, 0, 0, 0]),
    ("facebook.tld.txt", Format::Dnsmasq, [28, 0, 0, 0]),
    ("fortnite.hosts.txt", Format::Hosts, [5, 0, 0, 0]),
    ("iwf-style-urls.txt", Format::Urls, [240, 0, 0, 0]),
    ("pihole-regex.txt", Format::PiholeRegex, [3, 0, 0, 0]),
    ("twitter.hosts.txt", Format::Hosts, [1193, 0, 0, 0]),
    ("v2fly-form.txt", Format::V2fly, [6, 0, 0, 0]),
    ("vaping.hosts.txt", Format::Hosts, [108, 0, 0, 0]),
    ("vpn-ipv4.cidr.txt", Format::Networks, [2000, 0, 0, 0]),
    ("vpn-ipv6.cidr.txt", Format::Networks, [498, 84, 0, 0]),
    ("whatsapp.hosts.txt", Format::Hosts, [226, 0, 0, 0]),
    ("youtube.dnsmasq.conf", Format::Dnsmasq, [1985, 0, 0, 0]),
    ("anti-porn-hosts.txt.gz", Format::Hosts, [90_882, 4, 0, 0]),
    ("naughty-words.en.txt", Format::Domains, [403, 403, 0, 0]),
    ("e2guardian/bannedsitelist", Format::E2Sites, [9, 2, 3, 0]),
    ("e2guardian/bannedsitelist.included", Format::E2Sites, [3, 0, 1, 0]),
    ("e2guardian/bannedsiteiplist", Format::E2SiteIps, [5, 0, 1, 0]),
    ("e2guardian/bannedurllist", Format::E2Urls, [5, 0, 1, 0]),
    ("e2guardian/bannedregexpurllist", Format::E2RegexUrls, [4, 0, 1, 0]),
    ("e2guardian/exceptionsitelist", Format::E2Sites, [6, 0, 1, 0]),
    ("e2guardian/exceptionurllist", Format::E2Urls, [2, 0, 0, 0]),
];

fn sample(path: &str) -> Option<Vec<u8>> {
    let bytes = data(&format!("lists/{path}"))?;
    Some(if path.ends_with(".gz") { gunzipped(&bytes) } else { bytes })
}

fn index(options: &ReadOptions, format: Format, bytes: &[u8]) -> Index {
    let mut builder = IndexBuilder::new([4; 16]);
    let origin = add_origin(&mut builder, "sample");
    let parsed = parse::read_each(options, format, bytes, &mut |item| builder.add(origin, item));
    assert_eq!((parsed.rejected_total, parsed.exceptions), (0, 0), "{format}");
    builder.build()
}

/// Every listed host, its `www` twin, and a name below each.
fn asked(bytes: &[u8]) -> (Vec<Host>, Vec<Host>) {
    let parsed = parse::read(&ReadOptions::of(Reading::Allow), Format::Domains, bytes);
    let mut names = BTreeSet::new();
    for item in parsed.items {
        let Entry::Host { host, scope: Scope::Subtree } = item.entry else { panic!("a subtree") };
        let bare = host.as_str().strip_prefix("www.").unwrap_or(host.as_str()).to_owned();
        names.extend([format!("www.{bare}"), bare, host.to_string()]);
    }
    let below = names.iter().map(|name| host(&format!("deeper.{name}"))).collect();
    (names.iter().map(|name| host(name)).collect(), below)
}

#[test]
fn one_list_in_twelve_forms_decides_alike() {
    let Some(plain) = sample("equivalent/tiktok.domains.txt") else { return };
    let (listed, below) = asked(&plain);
    let decides = |index: &Index, hosts: &[Host]| -> Vec<bool> {
        let covered = |host| !index.find(&Asked { host, url: None }, Reading::Block).is_empty();
        hosts.iter().map(covered).collect()
    };
    let first = index(&ReadOptions::of(Reading::Block), Format::Domains, &plain);
    let (on_listed, on_below) = (decides(&first, &listed), decides(&first, &below));
    assert!(listed.len() > 3000 && on_below.iter().any(|covered| *covered));
    for (file, expected) in FORMS {
        let bytes = sample(&format!("equivalent/{file}")).unwrap();
        let (format, why) = detect(file, &bytes).unwrap();
        assert_eq!(format, expected, "{file}: {why}");
        let own = index(&ReadOptions::of(Reading::Block), format, &bytes);
        assert!(decides(&own, &listed) == on_listed, "{file}");
        let wide = ReadOptions { scoping: Scoping::Subtree, ..ReadOptions::of(Reading::Block) };
        let wide = index(&wide, format, &bytes);
        let on_wide = decides(&wide, &below);
        let differs = below.iter().zip(on_below.iter().zip(&on_wide)).find(|(_, (a, b))| a != b);
        assert!(differs.is_none(), "{file}: {differs:?}");
    }
}

#[test]
fn every_sample_is_told_and_read() {
    let mut wrong = Vec::new();
    for (path, expected, counts) in SAMPLES {
        let Some(bytes) = sample(path) else { return };
        let (format, why) = detect(path, &bytes).unwrap();
        if format != expected {
            wrong.push(format!("{path}: {format} ({why}), want {expected}"));
        }
        let parsed = parse::read(&ReadOptions::of(Reading::Block), expected, &bytes);
        let found = [parsed.read, parsed.rejected_total, parsed.skipped_total, parsed.exceptions];
        if found != counts {
            wrong.push(format!("{path}: {found:?}, want {counts:?}"));
            wrong.extend(parsed.rejected.iter().chain(&parsed.skipped).take(30).map(|f| format!("  {f:?}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_list_of_one_service_is_a_list_of_domains() {
    let Some(_) = sample("services/9gag") else { return };
    for service in ["9gag", "amazon", "mastodon", "pinterest", "tiktok", "youtube", "zoom"] {
        let bytes = sample(&format!("services/{service}")).unwrap();
        let (format, _) = detect(service, &bytes).unwrap();
        let parsed = parse::read(&ReadOptions::of(Reading::Block), format, &bytes);
        // YouTube has a top-level domain of its own.
        let suffixes = usize::from(service == "youtube");
        assert_eq!((format, parsed.rejected_total), (Format::Domains, suffixes), "{service}");
    }
}

#[test]
fn the_public_suffix_list_is_a_list_of_suffixes_and_no_other() {
    let Some(bytes) = sample("public_suffix_list.dat.gz") else { return };
    let text = String::from_utf8(bytes).unwrap();
    let icann: String =
        text.lines().take_while(|line| !line.contains("END ICANN")).collect::<Vec<_>>().join("\n");
    let options = ReadOptions::of(Reading::Block);
    let taken = parse::read(&options, Format::Suffixes, icann.as_bytes());
    assert!(taken.rejected.iter().all(|found| found.text.starts_with(['!', '*'])), "{:?}", taken.rejected);
    assert!(taken.items.len() > 6000 && taken.rejected_total < 100, "{}", taken.rejected_total);
    let refused = parse::read(&options, Format::Domains, icann.as_bytes());
    assert!(refused.items.len() * 50 < taken.items.len(), "{}", refused.items.len());
}

#[test]
fn what_is_no_list_of_sites_is_named() {
    for path in ["bannedphraselist", "weightedphraselist", "bannedextensionlist", "bannedmimetypelist"] {
        let Some(bytes) = sample(&format!("e2guardian/{path}")) else { return };
        assert_eq!(detect(path, &bytes), Err(parse::NotAList::OtherThings), "{path}");
    }
}
