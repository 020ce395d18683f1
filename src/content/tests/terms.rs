//! Terms: what a text holds, whatever disguise it was typed in.

use crate::content::{Terms, TermsBuilder};

fn terms(lists: &[(&str, &str)]) -> Terms {
    let mut builder = TermsBuilder::new();
    for (name, text) in lists {
        builder
            .add_list(name, "1", &format!("terms/{name}.txt"), text)
            .unwrap_or_else(|faults| panic!("{faults}"));
    }
    builder.build()
}

/// The lines found, as `list:line`.
fn found(terms: &Terms, text: &str) -> Vec<String> {
    let told = |found| terms.list(found).map(|list| format!("{}:{}", list.name, found.line));
    terms.find(text).into_iter().filter_map(told).collect()
}

#[test]
fn terms_are_found_as_whole_words_in_order() {
    let terms = terms(&[
        ("a", "# a comment\n# language: en\n\nred apple\nmake|buy & tart\n"),
        ("b", "apple\n!apple pie\n!core & museum\ncore\n# language: cy\nafal\n=pip\n"),
    ]);
    let cases = [
        ("", &[][..]),
        ("a red apple here", &["a:4", "b:1"]),
        ("Red-Apple!", &["a:4", "b:1"]),
        ("apple red", &["b:1"]),
        ("pineapple redapplesauce", &[]),
        ("buy a good tart", &["a:5"]),
        ("a tart to make", &["a:5"]),
        ("a tart", &[]),
        ("apple pie", &[]),
        ("red apple pie", &["a:4"]),
        ("apple pie and apple", &["b:1"]),
        ("core", &["b:4"]),
        ("the core of a museum", &[]),
        ("afal", &["b:6"]),
        (" Pip! ", &["b:7"]),
        ("a pip", &[]),
    ];
    for (text, expected) in cases {
        assert_eq!(found(&terms, text), expected, "{text:?}");
    }
    assert_eq!(terms.lists()[1].languages, ["cy"]);
    assert_eq!((terms.lists()[1].terms, terms.lists()[0].terms), (4, 2));
    assert!(terms.holds("a") && !terms.holds("c"));
}

#[test]
fn no_disguise_hides_a_term() {
    let terms = terms(&[("a", "red apple\nplum\nself pity\n")]);
    let cases = [
        ("RED   APPLE", "a:1"),
        ("r3d 4ppl3", "a:1"),
        ("p1um", "a:2"),
        ("p l u m", "a:2"),
        ("p.l.u.m", "a:2"),
        ("how to p-l-u-m now", "a:2"),
        ("r e d a p p l e", "a:1"),
        ("p l u m r e d a p p l e", "a:1"),
        ("redapple", "a:1"),
        ("selfpity", "a:3"),
        ("$elf p!ty!", "a:3"),
        ("p\u{200b}l\u{ad}um", "a:2"),
        ("ｐｌｕｍ", "a:2"),
        ("рlυm", "a:2"),
        ("plu\u{301}m", "a:2"),
        ("re\u{301}d_apple", "a:1"),
        ("𝐩𝐥𝐮𝐦", "a:2"),
    ];
    for (text, expected) in cases {
        assert_eq!(found(&terms, text), [expected], "{text:?}");
    }
    for text in ["plumb", "p l u", "plum3", "12 15", "a b c d e f", "predapples"] {
        assert!(found(&terms, text).is_empty(), "{text:?}");
    }
}

#[test]
fn a_faulty_list_is_told_line_by_line_and_not_taken() {
    let mut builder = TermsBuilder::new();
    let text = "# language: en\nplum\nab\n  gun & \n!\na? b?\n";
    let faults = builder.add_list("a", "1", "terms/a.txt", text).unwrap_err();
    let told: Vec<String> = faults
        .iter()
        .map(|fault| format!("{}:{}:{} {}", fault.file, fault.line, fault.column, fault.problem))
        .collect();
    assert_eq!(
        told,
        [
            "terms/a.txt:3:1 one word of fewer than three letters would match harmless searches",
            "terms/a.txt:4:9 there is no word here",
            "terms/a.txt:5:2 there is no word here",
            "terms/a.txt:6:1 a part starts with a word that may be left out, which changes nothing",
        ]
    );
    let faults = builder.add_list("b", "1", "terms/b.txt", "# nothing\n!plum\n").unwrap_err();
    assert_eq!(faults.iter().next().map(|fault| fault.problem.as_str()), Some("the list holds no term"));
    let terms = builder.build();
    assert!(terms.lists().is_empty() && terms.find("plum").is_empty());
}

proptest::proptest! {
    #[test]
    fn finding_is_scanning_for_simple_terms(
        words in proptest::collection::vec("[abc]{3,4}( [ab]{1,2}){0,2}", 1..8),
        text in "([abc]{1,4}[ ,.-]{1,2}){0,12}",
    ) {
        let terms = terms(&[("a", &words.join("\n"))]);
        let plain: Vec<&str> = text.split([' ', ',', '.', '-']).filter(|word| !word.is_empty()).collect();
        let plain = format!(" {} ", plain.join(" "));
        let naive: Vec<u32> = (1_u32..)
            .zip(&words)
            .filter(|(_, term)| plain.contains(&format!(" {term} ")))
            .map(|(line, _)| line)
            .collect();
        let lines: Vec<u32> = terms.find(&text).into_iter().map(|found| found.line).collect();
        proptest::prop_assert!(naive.iter().all(|line| lines.contains(line)), "{naive:?} {lines:?}");
        // Letters by themselves, and words written together, are found besides.
        let besides = plain.split(' ').any(|word| word.len() == 1 || word.len() > 6);
        if !besides {
            proptest::prop_assert_eq!(lines, naive);
        }
    }

    #[test]
    fn any_text_is_looked_through(list in "(\\PC|[a-z &|?!#\n]){0,60}", text in "\\PC{0,60}") {
        let mut builder = TermsBuilder::new();
        let _ = builder.add_list("a", "1", "a", &list);
        let _ = builder.build().find(&text);
    }
}
