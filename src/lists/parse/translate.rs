//! Regular expressions of other programs, in the words of the `regex` crate.
//!
//! **Invariant:** linear. What only a backtracking matcher could do is refused by its name, and
//! nothing that is not understood is dropped.

use std::iter::Peekable;
use std::str::Chars;

use crate::lists::parse::RejectReason;
use crate::lists::{Pattern, PatternFault, PatternSubject};

/// A POSIX extended (GNU, TRE) or Perl expression as a pattern.
pub(super) fn pattern(subject: PatternSubject, text: &str) -> Result<Pattern, RejectReason> {
    if text.len() > crate::lists::MAX_PATTERN {
        return Err(PatternFault::TooLong.into());
    }
    Ok(Pattern::regex(subject, &translated(text)?)?)
}

/// A text in which `*` stands for anything and `?` for one character, as a regular expression
/// without anchors; a set `[…]` stays a set.
pub(super) fn glob(text: &str) -> Result<String, RejectReason> {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '*' => out.push_str(".*"),
            '?' => out.push('.'),
            '[' => set(&mut rest, &mut out)?,
            plain => literal(plain, &mut out),
        }
    }
    Ok(out)
}

fn translated(text: &str) -> Result<String, RejectReason> {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text.chars().peekable();
    // Whether there is something that `{2}` could repeat.
    let mut repeatable = false;
    while let Some(c) = rest.next() {
        match c {
            '\\' => escape(&mut rest, &mut out)?,
            '[' => set(&mut rest, &mut out)?,
            '{' => match counts(&rest).filter(|_| repeatable) {
                Some(counts) => {
                    out.push_str(&counts.text);
                    rest.nth(counts.len - 1);
                }
                None => out.push_str(r"\{"),
            },
            '}' => out.push_str(r"\}"),
            '(' => {
                out.push('(');
                group(&mut rest, &mut out)?;
            }
            other => out.push(other),
        }
        repeatable = !matches!(c, '(' | '|' | '^');
    }
    Ok(out)
}

/// What stands after `\`.
fn escape(rest: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), RejectReason> {
    match rest.next().ok_or(PatternFault::Syntax)? {
        '<' | '>' => out.push_str(r"\b"),
        '1'..='9' | 'k' | 'g' => return Err(RejectReason::BackReference),
        'K' | 'G' => return Err(RejectReason::LookAround),
        'Z' => out.push_str(r"\z"),
        'h' => out.push_str(r"[\t ]"),
        same if same.is_ascii_alphanumeric() => {
            out.push('\\');
            out.push(same);
        }
        plain => literal(plain, out),
    }
    Ok(())
}

/// What stands after `(`: look-around is refused, a plain group passes.
fn group(rest: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), RejectReason> {
    if rest.peek() != Some(&'?') {
        return Ok(());
    }
    let mut ahead = rest.clone().skip(1);
    match (ahead.next(), ahead.next()) {
        (Some('=' | '!' | '>' | '('), _) | (Some('<'), Some('=' | '!')) => Err(RejectReason::LookAround),
        (Some('R' | '&' | '0'..='9'), _) | (Some('P'), Some('=' | '>')) => Err(RejectReason::BackReference),
        _ => {
            rest.next();
            out.push('?');
            Ok(())
        }
    }
}

/// `{2}`, `{2,}`, `{2,3}`, `{,3}` from behind the brace.
struct Counts {
    text: String,
    len: usize,
}

/// The counts, if the brace starts any; every other brace is a character.
fn counts(rest: &Peekable<Chars<'_>>) -> Option<Counts> {
    // Two counts of at most a thousand: enough for any automaton that would be taken.
    let inner: String = rest.clone().take(12).take_while(|&c| c != '}').collect();
    let closed = rest.clone().nth(inner.len()) == Some('}');
    let is_count = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (least, most) = inner.split_once(',').unwrap_or((&inner, "0"));
    if !closed || !is_count(least) || !is_count(most) || inner.is_empty() || inner == "," {
        return None;
    }
    let zero = if least.is_empty() { "0" } else { "" };
    Some(Counts { text: format!("{{{zero}{inner}}}"), len: inner.len() + 1 })
}

/// A set from behind `[`, with the rules of POSIX: `]` first is a character, `[` is one anywhere.
fn set(rest: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), RejectReason> {
    if let Some(edge) = edge(rest) {
        rest.nth(edge.len() - 1);
        out.push_str(r"\b");
        return Ok(());
    }
    out.push('[');
    if let Some(sign) = rest.next_if_eq(&'^') {
        out.push(sign);
    }
    let mut is_first = true;
    loop {
        match rest.next().ok_or(PatternFault::Syntax)? {
            ']' if !is_first => break,
            '[' => named(rest, out)?,
            '\\' => in_set(rest, out)?,
            '-' => out.push_str(if rest.peek() == Some(&']') || is_first { r"\-" } else { "-" }),
            plain => set_literal(plain, out),
        }
        is_first = false;
    }
    out.push(']');
    Ok(())
}

/// `[[:<:]]` and `[[:>:]]`: the edges of a word.
fn edge(rest: &Peekable<Chars<'_>>) -> Option<&'static str> {
    let ahead: String = rest.clone().take(7).collect();
    ["[:<:]]", "[:>:]]"].into_iter().find(|edge| ahead.starts_with(edge))
}

/// `[:alpha:]`, `[.x.]` and `[=x=]` from behind their `[`; a `[` before anything else is itself.
fn named(rest: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), RejectReason> {
    let Some(sign) = rest.next_if(|c| [':', '.', '='].contains(c)) else {
        out.push_str(r"\[");
        return Ok(());
    };
    let mut name = String::new();
    loop {
        match rest.next().ok_or(PatternFault::Syntax)? {
            c if c == sign && rest.peek() == Some(&']') => break,
            c if name.len() < 16 => name.push(c),
            _ => return Err(PatternFault::Syntax.into()),
        }
    }
    rest.next();
    let mut letters = name.chars();
    match (sign, letters.next(), letters.next()) {
        (':', _, _) => {
            out.push_str("[:");
            out.push_str(&name);
            out.push_str(":]");
        }
        (_, Some(only), None) => set_literal(only, out),
        _ => return Err(PatternFault::Syntax.into()),
    }
    Ok(())
}

/// What stands after `\` in a set. POSIX takes the sign itself for a member; people never do.
fn in_set(rest: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), RejectReason> {
    match rest.peek().copied().ok_or(PatternFault::Syntax)? {
        c if "dDsSwWntrfvx".contains(c) => out.push('\\'),
        'b' => return Err(PatternFault::Syntax.into()),
        c => {
            rest.next();
            set_literal(c, out);
        }
    }
    Ok(())
}

fn set_literal(c: char, out: &mut String) {
    if c.is_ascii_punctuation() {
        out.push('\\');
    }
    out.push(c);
}

fn literal(c: char, out: &mut String) {
    out.push_str(&::regex::escape(c.encode_utf8(&mut [0; 4])));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_of_other_programs_are_translated() {
        let cases = [
            (r"\<sex\>", Ok(r"\bsex\b")),
            (r"[[:<:]]sex[[:>:]]", Ok(r"\bsex\b")),
            (r"a{2}b{2,}c{1,3}d{,4}", Ok(r"a{2}b{2,}c{1,3}d{0,4}")),
            (r"{x}a{b}c{1", Ok(r"\{x\}a\{b\}c\{1")),
            (r"({2}|{3})", Ok(r"(\{2\}|\{3\})")),
            (r"[[:alpha:]_.-]x", Ok(r"[[:alpha:]\_\.\-]x")),
            (r"[^.[:space:]]+", Ok(r"[^\.[:space:]]+")),
            (r"[]a[&&b]", Ok(r"[\]a\[\&\&b]")),
            (r"[^]a]", Ok(r"[^\]a]")),
            (r"[a-z0-9-]", Ok(r"[a-z0-9\-]")),
            (r"[\.\/\d]", Ok(r"[\.\/\d]")),
            (r"[[.-.]a[=e=]]", Ok(r"[\-ae]")),
            (r"\/a\-b\_c\.d\ e", Ok(r"/a\-b_c\.d e")),
            (r"\d+\w\s\bx", Ok(r"\d+\w\s\bx")),
            (r"(?:a|b)(?i)c", Ok(r"(?:a|b)(?i)c")),
            (r"(a)\1", Err(RejectReason::BackReference)),
            (r"(?P<n>a)(?P=n)", Err(RejectReason::BackReference)),
            (r"a(?=b)", Err(RejectReason::LookAround)),
            (r"(?<!a)b", Err(RejectReason::LookAround)),
            (r"(?>a)b", Err(RejectReason::LookAround)),
            ("a[b", Err(PatternFault::Syntax.into())),
            ("a\\", Err(PatternFault::Syntax.into())),
        ];
        for (text, expected) in cases {
            assert_eq!(translated(text).as_deref(), expected.as_deref(), "{text}");
            if expected.is_ok() {
                assert!(pattern(PatternSubject::Url, text).is_ok(), "{text}");
            }
        }
        assert_eq!(pattern(PatternSubject::Url, "(a"), Err(PatternFault::Syntax.into()));
    }

    #[test]
    fn a_glob_is_a_regular_expression() {
        assert_eq!(glob("ads*.ex?mple").as_deref(), Ok(r"ads.*\.ex.mple"));
        assert_eq!(glob("ad[0-9].x").as_deref(), Ok(r"ad[0-9]\.x"));
    }
}
