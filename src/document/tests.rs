//! Every mix-up, named at its place.

use super::*;

/// `line:column+width problem (help)` of each fault.
fn told(faults: &Faults) -> Vec<String> {
    let tell = |fault: &Fault| {
        let help = fault.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{}:{}+{} {}{help}", fault.line, fault.column, fault.width, fault.problem)
    };
    faults.iter().map(tell).collect()
}

fn read<T>(text: &str, take: impl FnOnce(&mut Table<'_>, &mut Faults) -> T) -> Vec<String> {
    let (document, mut faults) = (Document::new("test.toml", text.to_owned()), Faults::new());
    if let Some(mut root) = document.root(&mut faults) {
        take(&mut root, &mut faults);
        root.finish(&mut faults);
    }
    told(&faults)
}

#[test]
fn a_number_of_the_wrong_type_is_named() {
    let cases = [
        ("k = \"31280\"", "1:5+7 a number in quotes (write 31280 without quotes)"),
        ("k = \"many\"", "1:5+6 text where a whole number is expected"),
        ("k = 10.0", "1:5+4 a number with a fraction where a whole number is expected (write 10)"),
        ("k = 1.5", "1:5+3 a number with a fraction where a whole number is expected"),
        ("k = true", "1:5+4 true or false where a whole number is expected"),
        ("k = 2026-11-24", "1:5+10 a date or time where a whole number is expected"),
        ("k = [1]", "1:5+3 a list where a whole number is expected"),
        ("k = { a = 1 }", "1:5+9 a table where a whole number is expected"),
        ("k = 70000", "1:5+5 70000 is out of range (write a number from 0 to 65535)"),
        ("k = -1", "1:5+2 -1 is out of range (write a number from 0 to 65535)"),
        (
            "k = 99999999999999999999",
            "1:5+20 99999999999999999999 is out of range (write a number from 0 to 65535)",
        ),
    ];
    for (text, fault) in cases {
        assert_eq!(read(text, |table, faults| table.take::<u16>("k", faults)), [fault], "{text}");
    }
    assert_eq!(
        read("k = 0xff_ff", |table, faults| assert_eq!(table.take("k", faults), Some(u16::MAX))),
        [""; 0]
    );
    let narrow = read("k = 9", |table, faults| table.take_within::<u16>("k", 10..=20, faults));
    assert_eq!(narrow, ["1:5+1 9 is out of range (write a number from 10 to 20)"]);
    let wide = read("k = -5", |table, faults| table.take_within::<usize>("k", 16..=100, faults));
    assert_eq!(wide, ["1:5+2 -5 is out of range (write a number from 16 to 100)"]);
}

#[test]
fn a_switch_of_the_wrong_type_is_named() {
    let cases = [
        ("k = \"true\"", "1:5+6 true in quotes (write true without quotes)"),
        ("k = \"yes\"", "1:5+5 text where true or false is expected (write true or false, without quotes)"),
        ("k = 1", "1:5+1 a number where true or false is expected (write true or false, without quotes)"),
        ("k = []", "1:5+2 a list where true or false is expected"),
    ];
    for (text, fault) in cases {
        assert_eq!(read(text, |table, faults| table.take::<bool>("k", faults)), [fault], "{text}");
    }
}

#[test]
fn text_lists_and_tables_of_the_wrong_type_are_named() {
    let text = |text| read(text, |table, faults| table.take::<String>("k", faults));
    assert_eq!(text("k = 31280"), ["1:5+5 a number where text is expected (put it in quotes: \"31280\")"]);
    assert_eq!(text("k = true"), ["1:5+4 true or false where text is expected (put it in quotes: \"true\")"]);
    assert_eq!(text("k = [\"a\"]"), ["1:5+5 a list where text is expected"]);
    assert_eq!(text("[k]\na = 1").len(), 1);

    let list = |text| read(text, |table, faults| table.take_list::<String>("k", faults));
    assert_eq!(list("k = \"a\""), ["1:5+3 text where a list is expected (put it in brackets: [\"a\"])"]);
    assert_eq!(
        list("k = [\"a\", 1, true]"),
        [
            "1:11+1 a number where text is expected (put it in quotes: \"1\")",
            "1:14+4 true or false where text is expected (put it in quotes: \"true\")"
        ]
    );

    let table = |text| read(text, |table, _| table.table("k").map(|table| table.name().to_owned()));
    assert_eq!(table("k = \"a\""), ["1:5+3 text where a table is expected"]);
    let tables = |text| read(text, |table, _| table.tables("k").len());
    assert_eq!(tables("[k]\na = 1\n[k.b]\n"), ["2:5+1 a number where a table is expected"]);
    let array = |text| read(text, |table, _| table.array_of_tables("k").len());
    assert_eq!(array("k = [1]"), ["1:6+1 a number where a table is expected"]);
    assert_eq!(array("[k]\n"), ["1:1+3 a table where a list is expected"]);
}

#[test]
fn a_text_that_does_not_parse_says_why() {
    let faults = read("a = \"10.0.0.300\"\nb = [\"10.0.0.1\", \"x\"]\nc = \"y\"", |table, faults| {
        assert_eq!(table.take_parsed::<std::net::IpAddr>("a", faults), None);
        let good = table.take_parsed_list::<std::net::IpAddr>("b", faults).unwrap();
        assert_eq!(good.len(), 1);
        table.take_one_or_more::<std::net::IpAddr>("c", faults)
    });
    assert_eq!(
        faults,
        [
            "1:5+12 invalid IP address syntax",
            "2:18+3 invalid IP address syntax",
            "3:5+3 invalid IP address syntax"
        ]
    );
}

#[test]
fn unknown_and_missing_keys_are_named_where_they_are() {
    let faults = read("[groups.ks2]\nsubnet = []\ncolour = 1\n[other]\n", |table, faults| {
        for (_, mut group) in table.tables("groups") {
            group.take_list::<String>("subnets", faults);
            group.require::<String>("name", faults);
            group.finish(faults);
        }
    });
    assert_eq!(
        faults,
        [
            "1:9+3 [groups.ks2] lacks the key `name`",
            "2:1+6 unknown key `subnet`; did you mean `subnets`? ([groups.ks2] has subnets, name)",
            "3:1+6 unknown key `colour` ([groups.ks2] has subnets, name)",
            "4:2+5 unknown key `other` (the file has groups)"
        ]
    );
}

#[test]
fn tables_come_in_the_order_of_the_file() {
    read("[g.z]\n[g.a]\n[[l]]\n[g.m]\n[[l]]\n", |table, _| {
        let names: Vec<String> = table.tables("g").into_iter().map(|(name, _)| name.value).collect();
        assert_eq!(names, ["z", "a", "m"]);
        let lines: Vec<String> =
            table.array_of_tables("l").iter().map(|table| format!("{:?}", table.header())).collect();
        assert_eq!(lines, ["test.toml:3:1", "test.toml:5:1"]);
    });
    read("z = \"1\"\na = \"2\"\n", |table, faults| {
        let keys: Vec<String> =
            table.entries::<String>(faults).into_iter().map(|(key, _)| key.value).collect();
        assert_eq!(keys, ["z", "a"]);
    });
}

#[test]
fn several_syntax_errors_are_told_at_once() {
    let faults = read("a = \nb = 1\nc = [1,\nd = \"x\n[e\n", |_, _| panic!("there is no root"));
    let lines: Vec<&str> = faults.iter().filter_map(|fault| fault.split(':').next()).collect();
    assert!(faults.len() >= 3 && lines.starts_with(&["1"]), "{faults:#?}");
    assert_eq!(read("a = 1\na = 2\n", |_, _| ()), ["2:1+1 duplicate key"]);
}

#[test]
fn columns_count_characters() {
    let take = |table: &mut Table<'_>, faults: &mut Faults| table.take::<u16>("k", faults);
    let expected = "a number in quotes (write 1 without quotes)";
    assert_eq!(read("\r\n\tk = \"1\"\r\n", take), [format!("2:6+3 {expected}")]);
    assert_eq!(read("\u{feff}k = \"1\"", take), [format!("1:5+3 {expected}")]);
    let wide = read("t = { \"ysgol gŵyl 學校\" = \"1\" }", |table, faults| {
        let mut table = table.table("t").unwrap();
        table.take::<u16>("ysgol gŵyl 學校", faults);
        table.finish(faults);
    });
    assert_eq!(wide, [format!("1:25+3 {expected}")]);
}

#[test]
fn a_value_over_several_lines_is_shown_by_its_first() {
    let faults = read("k = [\r\n  1,\r\n]\r\n", |table, faults| table.take::<bool>("k", faults));
    assert_eq!(faults, ["1:5+1 a list where true or false is expected"]);
}

#[test]
fn faults_look_as_a_compiler_would_show_them() {
    let (document, mut faults) =
        (Document::new("x/policy.toml", "a = 1\nport = \"31280\"\n".into()), Faults::new());
    let mut root = document.root(&mut faults).unwrap();
    root.take::<u16>("port", &mut faults);
    root.finish(&mut faults);
    let shown = "error: unknown key `a`
 --> x/policy.toml:1:1
  |
1 | a = 1
  | ^
  |
  = help: the file has port

error: a number in quotes
 --> x/policy.toml:2:8
  |
2 | port = \"31280\"
  |        ^^^^^^^
  |
  = help: write 31280 without quotes";
    assert_eq!(faults.to_string(), shown);
    let whole = Fault::of_file("gone.toml", "there is no such file").to_string();
    assert_eq!(whole, "error: there is no such file\n--> gone.toml");
}

#[test]
fn quoted_text_cannot_drive_a_terminal() {
    let sly = "k = \"\u{9b}31m\u{202e}x\" # \u{1b}[2J";
    let mut fault = Document::new("\u{1b}]0;x\u{7}", sly.into()).span(4..9).fault("\u{1b}[31m\nnext");
    fault = fault.help("\u{1b}c");
    let shown = fault.to_string();
    assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
    assert!(!shown.contains('\u{202e}') && shown.contains("␛[2J"), "{shown:?}");
}

#[test]
fn a_value_from_elsewhere_takes_the_place_of_the_files() {
    let document = Document::new("test.toml", "[listen]\nadmin = [\"1\"]\nmetrics = []\n".into());
    let values = ["[\"2\", 3]", "plain words", "7"].map(|text| Document::new("VARIABLE", text.into()));
    let mut faults = Faults::new();
    let mut root = document.root(&mut faults).unwrap();
    root.overlay(&["listen", "admin"], &values[0]);
    root.overlay(&["site", "name"], &values[1]);
    root.overlay(&["listen", "port"], &values[2]);
    let mut listen = root.table("listen").unwrap();
    assert_eq!(listen.take_list::<String>("admin", &mut faults).unwrap()[0].value, "2");
    listen.take_list::<String>("metrics", &mut faults);
    listen.finish(&mut faults);
    let mut site = root.table("site").unwrap();
    assert_eq!(site.take::<String>("name", &mut faults).as_deref(), Some("plain words"));
    site.finish(&mut faults);
    root.finish(&mut faults);
    assert_eq!(
        told(&faults),
        [
            "1:1+1 unknown key `port` ([listen] has admin, metrics)",
            "1:7+1 a number where text is expected (put it in quotes: \"3\")"
        ]
    );
    assert!(faults.iter().all(|fault| fault.file == "VARIABLE"));
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_and_its_faults_shown(text in "([a-c]{1,2} ?= ?(\"\"\"|'|\\[|1|x|\\PC)|\\[{1,2}a?\\]?|[\u{0}-\u{ff}]|\r?\n|#){0,12}") {
        let (document, mut faults) = (Document::new("any.toml", text), Faults::new());
        if let Some(mut root) = document.root(&mut faults) {
            root.take_list::<u16>("a", &mut faults);
            root.array_of_tables("b");
            root.finish(&mut faults);
        }
        let _ = faults.to_string();
    }
}
