//! What a change of each key does, as a table that a safeguarding lead can read.

use super::*;

const HEADED: &str = r#"
[groups.pupils]
name = "Pupils"
default = "allow"
uncategorised = "alert"
unclassified = "block"
ports = [80, 443]
inspect = "surgical"
inspect_hosts = ["sites.example"]
safe_search = "enforce"
youtube = "moderate"
[groups.pupils.search_terms]
worry = "alert"
[groups.pupils.file_kinds]
executable = "block"
[groups.pupils.tenants]
google = ["school.example", "trust.example"]
microsoft = ["school.example"]
microsoft_directory = "00000000-0000-0000-0000-000000000000"
microsoft_consumer = "block"
slack = ["T1", "T2"]
slack_requester = "T1"
dropbox = ["dbtid:A"]
[groups.pupils.categories]
adult = "block"
games = "block"
news = "alert"
[groups.garden]
inherits = "pupils"
default = "block"
subnets = ["10.1.0.0/16"]
[groups.garden.categories]
approved = "allow"
[groups.ks2]
inherits = "pupils"
subnets = ["10.2.0.0/16"]
[groups.ks2.file_kinds]
[groups.staff]
default = "allow"
uncategorised = "alert"
inspect = "surgical"
subnets = ["10.3.0.0/16"]
[groups.staff.categories]
adult = "block"
news = "allow"
[categories.adult]
unblockable = false
sources = ["adult"]
[categories.games]
unblockable = true
sources = ["games"]
[categories.news]
unblockable = true
programs = false
sources = ["news", "papers"]
[categories.approved]
sources = ["approved"]
[unblock]
lesson = "needed"
unanswered_hours = 24
pupils = "may_not"
[unblock.caps]
teacher = { hours = 2, approval = "not_needed" }
technician = { hours = 8, approval = "needed" }
dsl = { hours = 24, approval = "needed" }
"#;

/// Key, what is written there instead of what (nothing: the key is added behind a heading), and
/// what that does.
type Row = (&'static str, &'static str, Effect);

use Effect::{Loosens, None as Nothing, Tightens};

#[rustfmt::skip]
const CHANGES: &[Row] = &[
    // Names and orders decide nothing.
    ("name = \"Pupils\"", "name = \"All pupils\"", Nothing),
    ("ports = [80, 443]", "ports = [443, 80]", Nothing),
    // What is asked of requests; how long they wait for an answer decides nothing.
    ("lesson = \"needed\"", "lesson = \"optional\"", Loosens),
    ("pupils = \"may_not\"", "pupils = \"may_ask\"", Loosens),
    ("unanswered_hours = 24", "unanswered_hours = 48", Nothing),
    // Hours: without internet opens nothing; whatever else a band does is taken to open something.
    (
        "[groups.pupils.categories]\n",
        "[groups.pupils.timetable.night]\ndays = [\"mon\"]\nfrom = \"22:00\"\nto = \"06:00\"\ninternet = \"block\"\n\
         [groups.pupils.categories]\n",
        Tightens,
    ),
    (
        "[groups.ks2.file_kinds]\n",
        "[groups.ks2.timetable.lunch]\ndays = [\"mon\"]\nfrom = \"12:00\"\nto = \"13:00\"\ncategories = { games = \"allow\" }\n\
         [groups.ks2.file_kinds]\n",
        Loosens,
    ),
    // What a group may see.
    ("games = \"block\"\n", "games = \"allow\"\n", Loosens),
    ("games = \"block\"\n", "games = \"alert\"\n", Loosens),
    ("games = \"block\"\n", "", Loosens),
    ("news = \"alert\"\n", "news = \"block\"\n", Tightens),
    ("news = \"alert\"\n", "news = \"allow\"\n", Loosens),
    ("news = \"alert\"\n", "", Loosens),
    ("news = \"allow\"\n", "news = \"block\"\n", Tightens),
    ("news = \"allow\"\n", "news = \"alert\"\n", Tightens),
    ("news = \"allow\"\n", "", Nothing),
    ("[groups.staff.categories]\n", "[groups.staff.categories]\ngames = \"block\"\n", Tightens),
    ("[groups.staff.categories]\n", "[groups.staff.categories]\ngames = \"alert\"\n", Tightens),
    ("[groups.staff.categories]\n", "[groups.staff.categories]\ngames = \"allow\"\n", Nothing),
    // In a walled garden a name opens.
    ("approved = \"allow\"\n", "", Tightens),
    ("approved = \"allow\"\n", "approved = \"alert\"\n", Tightens),
    ("approved = \"allow\"\n", "approved = \"allow\"\nnews = \"allow\"\n", Loosens),
    ("inherits = \"pupils\"\ndefault = \"block\"", "inherits = \"pupils\"\ndefault = \"allow\"", Loosens),
    ("name = \"Pupils\"\ndefault = \"allow\"", "name = \"Pupils\"\ndefault = \"block\"", Tightens),
    ("[groups.staff]\ndefault = \"allow\"", "[groups.staff]\ndefault = \"block\"", Tightens),
    // Staff then are the strictest group, so that unknown clients are judged as staff: games are not blocked.
    ("[groups.staff]\ndefault = \"allow\"\nuncategorised = \"alert\"", "[groups.staff]\ndefault = \"block\"\nuncategorised = \"block\"", Loosens),
    // What no category knows, and what shows no name.
    ("uncategorised = \"alert\"\nunc", "uncategorised = \"block\"\nunc", Tightens),
    ("uncategorised = \"alert\"\nunc", "uncategorised = \"allow\"\nunc", Loosens),
    ("unclassified = \"block\"", "unclassified = \"allow\"", Loosens),
    ("[groups.ks2]\n", "[groups.ks2]\nunclassified = \"block\"\n", Nothing),
    ("ports = [80, 443]", "ports = [443]", Tightens),
    ("ports = [80, 443]", "ports = [80, 443, 8080]", Loosens),
    // What is looked into: less hides, more is a matter of privacy.
    ("inspect = \"surgical\"\ninspect_hosts", "inspect = \"never\"\ninspect_hosts", Loosens),
    ("inspect = \"surgical\"\ninspect_hosts", "inspect = \"always\"\ninspect_hosts", Loosens),
    ("inspect_hosts = [\"sites.example\"]", "inspect_hosts = []", Loosens),
    ("[\"sites.example\"]", "[\"sites.example\", \"more.example\"]", Loosens),
    // What is enforced at services.
    ("safe_search = \"enforce\"", "safe_search = \"off\"", Loosens),
    ("[groups.staff]\n", "[groups.staff]\nsafe_search = \"enforce\"\n", Tightens),
    ("youtube = \"moderate\"", "youtube = \"strict\"", Tightens),
    ("youtube = \"moderate\"", "youtube = \"off\"", Loosens),
    ("[\"school.example\", \"trust.example\"]", "[\"school.example\"]", Tightens),
    ("[\"school.example\", \"trust.example\"]", "[]", Loosens),
    ("[\"school.example\", \"trust.example\"]", "[\"school.example\", \"consumer_accounts\"]", Loosens),
    ("microsoft = [\"school.example\"]", "microsoft = [\"school.example\", \"trust.example\"]", Loosens),
    ("microsoft = [\"school.example\"]", "microsoft = []", Loosens),
    ("00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000001", Loosens),
    ("microsoft_consumer = \"block\"", "microsoft_consumer = \"allow\"", Loosens),
    ("slack = [\"T1\", \"T2\"]", "slack = [\"T2\"]", Tightens),
    ("slack_requester = \"T1\"", "slack_requester = \"T2\"", Loosens),
    ("dropbox = [\"dbtid:A\"]", "dropbox = []", Loosens),
    ("[groups.staff.categories]\n", "[groups.staff.tenants]\ngoogle = [\"school.example\"]\n[groups.staff.categories]\n", Tightens),
    ("[groups.ks2.file_kinds]\n", "[groups.ks2.tenants]\n", Loosens),
    // Searches and files. An alert is also told where the school itself opened the site, and a
    // refusal holds nothing there: so a refusal in place of an alert tells of less.
    ("worry = \"alert\"", "worry = \"allow\"", Loosens),
    ("worry = \"alert\"", "worry = \"block\"", Loosens),
    ("worry = \"alert\"", "worry = \"alert\"\nstop = \"alert\"", Tightens),
    ("worry = \"alert\"", "worry = \"alert\"\nstop = \"block\"", Loosens),
    ("[groups.staff.categories]\n", "[groups.staff.search_terms]\nstop = \"block\"\n[groups.staff.categories]\n", Tightens),
    ("[groups.pupils.search_terms]\nworry = \"alert\"\n", "", Loosens),
    ("executable = \"block\"", "executable = \"alert\"", Loosens),
    ("executable = \"block\"", "executable = \"block\"\nvideo = \"block\"", Tightens),
    ("executable = \"block\"", "executable = \"block\"\nvideo = \"alert\"", Tightens),
    ("[groups.ks2.file_kinds]\n", "[groups.ks2.file_kinds]\nexecutable = \"allow\"\n", Loosens),
    // Who inherits: an unblock for a group is for its heirs as well.
    ("[groups.ks2]\ninherits = \"pupils\"\n", "[groups.ks2]\n", Loosens),
    ("[groups.staff]\n", "[groups.staff]\ninherits = \"pupils\"\n", Loosens),
    // Who belongs where. Unknown clients are judged as the garden.
    ("subnets = [\"10.2.0.0/16\"]", "subnets = []", Tightens),
    ("subnets = [\"10.2.0.0/16\"]", "subnets = [\"10.2.0.0/16\", \"10.4.0.0/16\"]", Loosens),
    ("subnets = [\"10.1.0.0/16\"]", "subnets = []", Nothing),
    ("subnets = [\"10.1.0.0/16\"]", "subnets = [\"10.1.0.0/16\", \"10.4.0.0/16\"]", Nothing),
    ("[groups.staff]\n", "[groups.guests]\n[groups.staff]\n", Tightens), // it has nobody, and blocks all
    // Categories and the lists that they are made of.
    ("sources = [\"news\", \"papers\"]", "sources = [\"news\"]", Loosens),
    ("sources = [\"news\", \"papers\"]", "sources = [\"news\"]\noptional_sources = [\"papers\"]", Nothing),
    ("sources = [\"adult\"]", "sources = [\"adult\", \"more\"]", Tightens),
    ("sources = [\"adult\"]", "sources = [\"adult\"]\noptional_sources = [\"more\"]", Tightens),
    ("sources = [\"games\"]", "sources = [\"games\", \"more\"]", Loosens), // staff allow games, and are told of what no category knows
    ("sources = [\"approved\"]", "sources = [\"approved\", \"more\"]", Loosens),
    ("sources = [\"approved\"]", "sources = []", Loosens), // it is locked: no unblock could lift it
    ("unblockable = false", "unblockable = true", Loosens),
    ("[categories.games]\nunblockable = true", "[categories.games]\nunblockable = false", Tightens),
    ("programs = false", "programs = true", Nothing), // no group that judges files allows news by name
    ("[categories.approved]\n", "[categories.approved]\nprograms = true\n", Loosens),
    ("[categories.approved]\n", "[categories.empty]\n[categories.approved]\n", Nothing),
    // Who may unblock. The widest cap of all of somebody's roles counts.
    ("teacher = { hours = 2, ", "teacher = { hours = 1, ", Tightens),
    ("teacher = { hours = 2, ", "teacher = { hours = 4, ", Loosens),
    ("hours = 2, approval = \"not_needed\"", "hours = 2, approval = \"needed\"", Tightens),
    ("hours = 8, approval = \"needed\"", "hours = 8, approval = \"not_needed\"", Loosens),
    ("hours = 8, ", "hours = 6, ", Tightens),
    ("hours = 8, ", "hours = 1, ", Loosens), // a teacher who is technician too then needs no approval
    ("technician = { hours = 8, approval = \"needed\" }\n", "", Loosens),
    ("teacher = { hours = 2, approval = \"not_needed\" }\n", "", Tightens),
    ("dsl = ", "headteacher = { hours = 1, approval = \"needed\" }\ndsl = ", Loosens),
];

#[test]
fn what_a_change_of_each_key_does() {
    let before = draft(HEADED).unwrap();
    let mut wrong = Vec::new();
    for (was, is, does) in CHANGES {
        assert_eq!(HEADED.matches(was).count(), 1, "{was} stands once");
        let after = draft(&HEADED.replace(was, is)).unwrap_or_else(|faults| panic!("{is}: {faults}"));
        let found = effect(&before, &after, &[]);
        if found != *does {
            wrong.push(format!("{was:?} to {is:?}: {found:?}, not {does:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// So that whoever adds a key to the shipped text says here what a change of it does.
#[test]
fn every_key_of_the_shipped_policy_is_in_the_table() {
    let text: String = CHANGES.iter().flat_map(|(was, is, _)| [*was, "\n", *is, "\n"]).collect();
    let rules = ["default", "uncategorised", "unclassified"];
    let missing: std::collections::BTreeSet<String> = shipped()
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(" = "))
        // Categories, lists of terms, kinds of files and roles are names, not keys.
        .filter(|(key, value)| {
            let names = ["\"allow\"", "\"alert\"", "\"block\"", "{"];
            rules.contains(key) || !names.iter().any(|start| value.starts_with(start))
        })
        .map(|(key, _)| key.trim().to_owned())
        .filter(|key| !text.contains(&format!("{key} = ")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// An unblock of a category opens whatever that category alone blocks: to block it for one more
/// group opens there what something else had held.
#[test]
fn to_block_a_category_that_stands_unblocked_loosens() {
    let before = draft(HEADED).unwrap();
    let games =
        HEADED.replace("[groups.staff.categories]\n", "[groups.staff.categories]\ngames = \"block\"\n");
    let after = draft(&games).unwrap();
    let standing = |target: &str, group: &str| vec![unblock(target, group, 60)];
    let awaited = Unblock { decided: Decided::Awaited, ..unblock("category:games", "staff", 60) };
    for (unblocks, does) in [
        (vec![], Tightens),
        (standing("category:games", "staff"), Loosens),
        (standing("category:games", "pupils"), Tightens),
        (standing("category:news", "staff"), Tightens),
        (standing("games.example", "staff"), Tightens),
        (vec![awaited], Tightens),
    ] {
        assert_eq!(effect(&before, &after, &unblocks), does, "{unblocks:?}");
    }
    // A network that comes to a group comes to the unblocks of that group.
    let moved = draft(
        &HEADED
            .replace("[\"10.2.0.0/16\"]", "[]")
            .replace("[\"10.1.0.0/16\"]", "[\"10.1.0.0/16\", \"10.2.0.0/16\"]"),
    );
    let moved = moved.unwrap();
    for (group, does) in [("ks2", Tightens), ("pupils", Tightens), ("garden", Loosens)] {
        assert_eq!(effect(&before, &moved, &standing("games.example", group)), does, "{group}");
    }
}

/// A band allows all of a category at its hour: a list that joins the category is open then.
#[test]
fn to_move_a_list_into_a_category_that_a_band_opens_loosens() {
    let band = "[groups.ks2.timetable.lunch]\ndays = [\"mon\"]\nfrom = \"12:00\"\nto = \"13:00\"\n\
                categories = { games = \"allow\" }\n[groups.ks2.file_kinds]\n";
    let text = HEADED.replace("[groups.ks2.file_kinds]\n", band);
    let moved = text
        .replace("sources = [\"adult\"]", "sources = []")
        .replace("sources = [\"games\"]", "sources = [\"games\", \"adult\"]");
    assert_ne!(moved, text);
    assert_eq!(effect(&draft(&text).unwrap(), &draft(&moved).unwrap(), &[]), Loosens);
}

/// What is shut for everybody stays shut until somebody else says yes.
#[test]
fn to_take_a_list_out_of_a_category_that_is_shut_for_everybody_loosens() {
    let block = EmergencyBlock {
        id: uuid::Uuid::now_v7(),
        target: Target::Category("approved".to_owned()),
        reason: Justification::parse("A parent has told us of it today").unwrap(),
        by: "d.sl".parse().unwrap(),
        at: Timestamp::from_millis(0),
    };
    let before = draft(HEADED).unwrap();
    let renamed = draft(
        &HEADED.replace("[categories.approved]", "[categories.agreed]").replace("approved = ", "agreed = "),
    );
    let blocks = [block];
    let standing = Standing { blocks: &blocks, ..Standing::default() };
    assert_eq!(effect(&before, &renamed.unwrap(), standing), Loosens);
}
