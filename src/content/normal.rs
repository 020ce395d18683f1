//! A text as terms are looked for in it: plain words, whatever disguise they were typed in.
//!
//! **Invariant:** a text that means the same to its reader is the same words: width, case, marks,
//! what is never shown and look-alike letters make no difference.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// How many words are read: no engine looks at more of a query.
const MAX_WORDS: usize = 1000;
/// How few letters in a row, each by itself, are one word spelled out.
const SPELLED: usize = 3;

/// Letters of other alphabets that look like Latin ones. Those that only resemble them are left
/// out: a word in its own alphabet stays what it is.
const LOOK_ALIKE: [(char, &str); 36] = [
    ('a', "аαɑ"),
    ('b', "в"),
    ('c', "сϲ"),
    ('d', "ԁđ"),
    ('e', "еёε"),
    ('g', "ɡ"),
    ('h', "һнħ"),
    ('i', "іїιı"),
    ('j', "ј"),
    ('k', "кκ"),
    ('l', "łӏ"),
    ('m', "м"),
    ('n', "ոη"),
    ('o', "оοø"),
    ('p', "рρ"),
    ('q', "ԛ"),
    ('r', "г"),
    ('s', "ѕ"),
    ('t', "тτ"),
    ('u', "υ"),
    ('v', "ν"),
    ('w', "ԝω"),
    ('x', "хχ"),
    ('y', "уү"),
    ('a', "ᴀ"),
    ('c', "ᴄ"),
    ('d', "ᴅ"),
    ('e', "ᴇ"),
    ('i', "ɪ"),
    ('k', "ᴋ"),
    ('l', "ʟ"),
    ('m', "ᴍ"),
    ('n', "ɴ"),
    ('o', "ᴏ"),
    ('t', "ᴛ"),
    ('u', "ᴜ"),
];

/// The words of a text as it is read, then as it is read when digits and signs stand for letters
/// and when letters are spelled out, where that makes a difference.
pub(super) fn views(text: &str) -> Vec<Vec<String>> {
    let folded = folded(text);
    let mut views = vec![words(&folded)];
    let others = [words(&unleet(&folded, 'i')), words(&unleet(&folded, 'l')), joined(&views[0])];
    for view in others {
        if !views.contains(&view) {
            views.push(view);
        }
    }
    views
}

/// The words of a term.
pub(super) fn plain(text: &str) -> Vec<String> {
    words(&folded(text))
}

/// Lower case, without marks and what is never shown, with look-alikes as Latin letters.
fn folded(text: &str) -> String {
    let shown = text.nfkd().filter(|c| !is_ignorable(*c) && !is_apostrophe(*c));
    let mut folded = String::with_capacity(text.len());
    for c in shown.flat_map(char::to_lowercase).filter(|c| !is_combining_mark(*c)) {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            _ if c.is_ascii() => folded.push(c),
            _ => folded.push(look_alike(c)),
        }
    }
    folded
}

fn look_alike(c: char) -> char {
    LOOK_ALIKE.iter().find(|(_, alike)| alike.contains(c)).map_or(c, |(latin, _)| *latin)
}

/// Runs of letters and digits.
fn words(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.take(MAX_WORDS).map(str::to_owned).collect()
}

/// Digits and signs as the letters that they stand for, in words that have a letter.
fn unleet(text: &str, one: char) -> String {
    let letter = |c: char| match c {
        '0' => 'o',
        '1' | '!' | '|' => one,
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        _ => c,
    };
    let read = |word: &str| -> String {
        let (bare, end) = word.split_at(word.trim_end_matches(['!', '|']).len());
        if bare.chars().any(char::is_alphabetic) {
            bare.chars().map(letter).chain(end.chars()).collect()
        } else {
            word.to_owned()
        }
    };
    text.split(char::is_whitespace).map(read).collect::<Vec<_>>().join(" ")
}

/// The view with letters that are spelled out put together.
fn joined(view: &[String]) -> Vec<String> {
    let is_letter = |word: &String| word.chars().nth(1).is_none();
    let runs = view.chunk_by(|before, after| is_letter(before) && is_letter(after));
    runs.flat_map(|run| if run.len() >= SPELLED { vec![run.concat()] } else { run.to_vec() }).collect()
}

/// What a reader never sees (Unicode's Default_Ignorable_Code_Point).
fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// `don't` is read as `dont`, which is what people type.
fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '`' | '\u{b4}' | '\u{2b9}'..='\u{2bc}' | '\u{2018}'..='\u{201b}' | '\u{2032}' | '\u{ff07}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_as_plain_words() {
        let cases = [
            ("", ""),
            ("  Two\tWORDS  ", "two words"),
            ("don\u{2019}t self-harm!", "dont self harm"),
            ("ＦＵＬＬ ｗｉｄｔｈ", "full width"),
            ("z\u{200b}e\u{ad}ro", "zero"),
            ("café cafe\u{301} gŵyl", "cafe cafe gwyl"),
            ("ѕех", "sex"),
            ("straße ﬁne", "strasse fine"),
            ("a_b.c/d", "a b c d"),
            ("3d ks2 bet365", "3d ks2 bet365"),
        ];
        for (text, expected) in cases {
            assert_eq!(plain(text).join(" "), expected, "{text:?}");
        }
    }

    #[test]
    fn disguises_are_read_besides() {
        let has = |text: &str, wanted: &str| views(text).iter().any(|view| view.join(" ") == wanted);
        assert!(has("k1ll", "kill") && has("ki11er", "killer") && has("se1f", "self"));
        assert!(has("$u1c1d3 n0te", "suicide note") && has("h@te!!", "hate"));
        assert!(has("s u i c i d e note", "suicide note") && has("s.e-x", "sex"));
        assert_eq!(views("12 year 4").len(), 1);
        assert_eq!(views("i am a girl").len(), 1);
    }
}
