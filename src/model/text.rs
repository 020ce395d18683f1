//! Text that anybody may have written, as it is shown: on one line, and with all of it to be seen.

/// Whether a character shows nothing of itself: it controls, ends a line, has no width, or turns text
/// round (Unicode: `Cc`, `Zl`, `Zp`, `Bidi_Control`, `Default_Ignorable_Code_Point`), or is none.
#[must_use]
pub fn hides(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffc}' | '\u{fffe}'..='\u{ffff}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// How a character that [`hides`] is written: `\u202e`, as JSON has it, in two parts beyond U+FFFF.
#[must_use]
pub fn spelt(letter: char) -> String {
    letter.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}

/// The text with every character written out that would not be seen.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for letter in text.chars() {
        match hides(letter) {
            true => visible.push_str(&spelt(letter)),
            false => visible.push(letter),
        }
    }
    visible
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_not_be_seen_is_written_out() {
        for (text, shown) in [
            ("plain “text” é😀 日本", "plain “text” é😀 日本"),
            ("a\nb\tc\r", "a\\u000ab\\u0009c\\u000d"),
            ("\u{1b}[31mred", "\\u001b[31mred"),
            ("raw\u{202e}war\u{9b}\u{7f}", "raw\\u202ewar\\u009b\\u007f"),
            ("a\u{34f}b\u{3164}c\u{fe01}d", "a\\u034fb\\u3164c\\ufe01d"),
            ("tag\u{e0041}\u{e0101}", "tag\\udb40\\udc41\\udb40\\udd01"),
        ] {
            assert_eq!(visible(text), shown);
        }
    }
}
