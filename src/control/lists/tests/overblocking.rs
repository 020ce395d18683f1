//! What a policy would block of sites that people use, and what a version of a list changes.

use std::sync::Arc;

use super::*;
use crate::control::{Sources, Unlicensed, compile_once};
use crate::model::Timestamp;
use crate::policy::{GroupDraft, Policy, Reach};
use crate::settings::Loosening;

const POLICY: &str = r#"
[groups.eyfs_ks1]
name = "Key Stage 1"
subnets = ["10.1.1.0/24"]
default = "block"
[groups.eyfs_ks1.categories]
games = "allow"
[groups.ks2]
name = "Key Stage 2"
subnets = ["10.1.2.0/24"]
default = "allow"
[groups.ks2.categories]
games = "block"
[groups.nobody]
default = "block"
[categories.games]
name = "Games"
sources = ["seed/games"]
"#;

fn policy(tree: &Tree) -> Policy {
    tree.write("policy.toml", POLICY);
    let sources = Sources {
        policy_file: tree.path("policy.toml"),
        store_file: tree.path("none.db"),
        places: tree.places(),
        loosening: Loosening::Held,
        policy_loosening: Loosening::Held,
        unlicensed: Unlicensed::Accepted,
        reach: Arc::new(Reach::default()),
        feeds: Vec::new(),
        extra_roots: Vec::new(),
        zone: jiff::tz::TimeZone::UTC,
        alerts: crate::settings::Alerts::default(),
        smtp: None,
    };
    compile_once(&sources, &|_, _, _| {}).unwrap_or_else(|faults| panic!("{faults}"))
}

fn peopled(policy: &Policy) -> Vec<&GroupDraft> {
    policy.draft().groups.iter().filter(|group| !group.subnets.is_empty()).collect()
}

#[test]
fn files_of_sites_are_read_as_people_have_them() {
    let tree = Tree::new();
    let cases = [
        ("google.com\n# a remark\nbbc.co.uk\n", vec![(1, "google.com"), (2, "bbc.co.uk")]),
        ("1,google.com\r\n3,BBC.co.uk.\r\n", vec![(1, "google.com"), (3, "bbc.co.uk")]),
        (
            "rank,domain,sources\n7,google.com,cf\n9,\"bbc.co.uk\",t\n",
            vec![(7, "google.com"), (9, "bbc.co.uk")],
        ),
        ("\u{feff}Site,Visits\nhttps://google.com/x,9\n", vec![(1, "google.com")]),
        ("google.com,10\nbbc.co.uk,9\n", vec![(1, "google.com"), (2, "bbc.co.uk")]),
    ];
    for (text, expected) in cases {
        tree.write("sites.csv", text);
        let listing = ranked(&tree.path("sites.csv")).unwrap();
        let found: Vec<(u64, String)> =
            listing.items.iter().map(|site| (site.rank, site.host.to_string())).collect();
        let found: Vec<(u64, &str)> = found.iter().map(|(rank, host)| (*rank, host.as_str())).collect();
        assert_eq!((found, listing.skipped), (expected, 0), "{text:?}");
    }
    tree.write("sites.csv", "rank,host\n1,google.com\n2,no site\n3,a..b\n");
    let listing = ranked(&tree.path("sites.csv")).unwrap();
    assert_eq!((listing.items.len(), listing.skipped), (1, 2));
    let places: Vec<_> = listing.faults.iter().map(|fault| (fault.line, fault.column)).collect();
    assert_eq!(places, [(3, 3), (4, 3)]);
    assert!(ranked(&tree.path("none.csv")).is_err());
}

#[test]
fn what_must_stay_open_is_for_the_groups_that_the_file_means() {
    let tree = Tree::new();
    tree.write(
        "learning.csv",
        "host,path,key_stage,must_allow\na.example,/,KS2,1\nb.example,/x,EYFS KS1,1\nc.example,/,all,1\nd.example,/,KS2,0\ne.example,/,staff,1\n",
    );
    let sites = must_open(&tree.path("learning.csv")).unwrap().items;
    let policy = policy(&tree);
    let told: Vec<String> = peopled(&policy)
        .iter()
        .map(|group| {
            let sites = sites.iter().filter(|site| site.is_for(group));
            sites.map(|site| site.host.to_string()).collect::<Vec<_>>().join(" ")
        })
        .collect();
    assert_eq!(told, ["b.example c.example", "a.example c.example"]);
    assert_eq!(unknown_groups(&sites, &policy), ["staff"]);
}

#[test]
fn the_ladder_says_what_is_overblocked_by_which_line() {
    let tree = Tree::new();
    tree.write("lists/categories/games.txt", "# list: Games\ntimes-tables.example\nfun.example\n");
    tree.write("lists/school/block.txt", "# ours\nnews.example\n");
    tree.write("ranked.txt", "search.example\nnews.example\nfun.example\nlisted.example\n");
    tree.write("learning.csv", "host,groups\nwww.times-tables.example,ks2\nclub.fun.example,ks2\n");
    let policy = policy(&tree);
    let (popular, learning) = (
        ranked(&tree.path("ranked.txt")).unwrap().items,
        must_open(&tree.path("learning.csv")).unwrap().items,
    );
    let sites = Sites { ranked: &popular, must_open: &learning };
    let at = Timestamp::from_millis(1_795_424_400_000);
    let blocked = overblocking(&policy, sites, &peopled(&policy), at, &|_, _| {});
    let told = |group: usize| -> Vec<String> {
        let row = |site: &BlockedSite| {
            let rank = site.rank.map_or("-".to_owned(), |rank| rank.to_string());
            let must = if site.must_open { " must stay open" } else { "" };
            format!("{rank} {} {} {:?}{must}", site.site, site.category, site.line)
        };
        blocked[group].sites.iter().map(row).collect()
    };
    assert_eq!(told(0), ["1 search.example walled_garden None", "2 news.example school_lists Some(2)"]);
    assert_eq!(
        told(1),
        [
            "2 news.example school_lists Some(2)",
            "3 club.fun.example games Some(3) must stay open",
            "3 fun.example games Some(3)",
            "- www.times-tables.example games Some(2) must stay open",
        ]
    );
    let counts = matrix(&blocked);
    assert_eq!(counts["games"].values().sum::<usize>(), 3);
    let all = serde_json::to_string(&blocked).unwrap();
    assert!(!all.contains("listed.example"), "what a statutory list holds is not told");
}

#[test]
fn versions_are_compared_entry_by_entry() {
    let tree = Tree::new();
    tree.write("old.txt", "# 1\nwww.a.example\nlong-name.example\nb.example\nsame.example/page\n");
    tree.write("new.txt", "SAME.example/page/ # moved\nb.example.\nnew.example\nc.example\n");
    let showing = Showing { ranks: Ranks::default(), limit: 1 };
    let files = (&*tree.path("old.txt"), &*tree.path("new.txt"));
    let found = between(&tree.places(), files, &showing).unwrap();
    assert_eq!((found.before, found.after), (4, 4));
    assert_eq!((found.added.count, found.removed.count), (2, 2), "{found:?}");
    assert_eq!(found.added.entries[0].entry, "c.example", "the shortest first");
    tree.write("ranked.csv", "rank,host\n5,new.example\n");
    let ranks = Ranks::of(&ranked(&tree.path("ranked.csv")).unwrap().items);
    let found = between(&tree.places(), files, &Showing { ranks, limit: 9 }).unwrap();
    let added: Vec<_> = found.added.entries.iter().map(|one| (one.rank, one.entry.as_str())).collect();
    assert_eq!(added, [(Some(5), "new.example"), (None, "c.example")]);
}

#[test]
fn an_import_is_compared_with_the_one_before() {
    let tree = Tree::new();
    let showing = Showing { ranks: Ranks::default(), limit: 50 };
    let compare = |name: &str| since_previous(&tree.places(), name, &showing);
    assert!(matches!(compare("local"), Err(DifferenceError::NotImported(_))));
    for text in ["one.example\ntwo.example\n", "two.example\nthree.example\n"] {
        if text.starts_with("two") {
            assert!(matches!(compare("local/chess"), Err(DifferenceError::NoPrevious(_))));
        }
        tree.write("chess.txt", text);
        let options = ImportOptions { category: Some("chess".to_owned()), name: None, ..import::options() };
        lists_import(&tree, &options);
    }
    let found = compare("local").unwrap();
    assert_eq!((found.len(), &*found[0].list), (1, "local/chess"));
    assert_eq!(found[0].added.entries[0].entry, "three.example");
    assert_eq!(found[0].removed.entries[0].entry, "one.example");
    assert_eq!(compare("local/chess").unwrap().len(), 1);
    assert!(matches!(compare("local/other"), Err(DifferenceError::NotImported(_))));
    assert!(matches!(compare("../x"), Err(DifferenceError::NotImported(_))));
}

fn lists_import(tree: &Tree, options: &ImportOptions) {
    super::super::import(&tree.path("chess.txt"), options, &tree.places(), KEYS.index, &|_, _, _| {})
        .unwrap_or_else(|fault| panic!("{fault}"));
}

#[test]
fn statutory_lists_are_never_compared() {
    let tree = Tree::new();
    let showing = Showing { ranks: Ranks::default(), limit: 50 };
    tree.write("old.txt", "a.example\n");
    let fault = since_previous(&tree.places(), "statutory/test", &showing).unwrap_err();
    assert!(fault.to_string().contains("nobody may read them"));
    let files = (&*tree.path("old.txt"), &*tree.path("statutory/test.txt"));
    let fault = between(&tree.places(), files, &showing).unwrap_err();
    assert!(matches!(fault, DifferenceError::Statutory) && !fault.to_string().contains("listed"));
}

/// Millions of names take a walk, not a search each.
#[test]
fn millions_of_names_are_compared() {
    let Some(adult) = crate::lists::tests::data("lists/adult-2.27m.txt.gz") else { return };
    let text = crate::lists::tests::gunzipped(&adult);
    let tree = Tree::new();
    tree.write("old.txt", &text);
    let newer = [b"brand-new.example\n", &text[text.len() / 2..]].concat();
    tree.write("new.txt", newer);
    let started = std::time::Instant::now();
    let files = (&*tree.path("old.txt"), &*tree.path("new.txt"));
    let found = between(&tree.places(), files, &Showing { ranks: Ranks::default(), limit: 3 }).unwrap();
    assert!(found.before > 2_000_000 && found.removed.count > 1_000_000, "{found:?}");
    assert!(found.added.entries.iter().any(|one| one.entry == "brand-new.example"), "{found:?}");
    assert!(started.elapsed() < std::time::Duration::from_secs(60), "{:?}", started.elapsed());
}
