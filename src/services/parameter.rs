//! Fields of a query as services read them, and a query with some of its fields set by us.
//!
//! **Invariant:** a field's name is compared decoded and without regard to case, whether `&` or
//! `;` parts it from others; what is kept when fields are set is kept byte for byte, in order.

/// A field's name and value, decoded once.
pub(super) type Field = (String, String);

/// Every field of a query or of a form, in order. Where `;` may part fields, what stands behind
/// it is read as a field of its own besides.
pub(super) fn fields(text: &str) -> Vec<Field> {
    let mut fields = Vec::new();
    for part in text.split('&') {
        fields.push(field(part));
        fields.extend(part.split(';').skip(1).map(field));
    }
    fields
}

fn field(text: &str) -> Field {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    (field_name(name), form_value(value))
}

/// A name as it is compared: decoded, trimmed, lower case.
pub(super) fn field_name(text: &str) -> String {
    form_value(text).trim().to_lowercase()
}

fn form_value(text: &str) -> String {
    decoded(text.bytes().map(|byte| if byte == b'+' { b' ' } else { byte }))
}

/// The bytes with escapes decoded once, as UTF-8 or else as Latin-1.
pub(super) fn decoded(text: impl Iterator<Item = u8>) -> String {
    let text: Vec<u8> = text.collect();
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let escaped = text.get(at + 1..at + 3).filter(|_| *byte == b'%').and_then(hex);
        bytes.push(escaped.unwrap_or(*byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8(bytes)
        .unwrap_or_else(|fault| fault.as_bytes().iter().map(|byte| char::from(*byte)).collect())
}

fn hex(digits: &[u8]) -> Option<u8> {
    let digit = |at: usize| digits.get(at).and_then(|digit| char::from(*digit).to_digit(16));
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

/// The query without the fields of these names, and with ours at its end.
pub(super) fn with_fields(query: Option<&str>, names: &[&str], ours: &[&str]) -> String {
    let kept = query.into_iter().flat_map(|query| query.split('&')).filter_map(|part| kept(part, names));
    kept.chain(ours.iter().map(|field| (*field).to_owned())).collect::<Vec<_>>().join("&")
}

/// A part between two `&` without its fields of these names; `None` when nothing is left of it.
fn kept(part: &str, names: &[&str]) -> Option<String> {
    let goes = |field: &str| {
        let name = field_name(field.split('=').next().unwrap_or_default());
        names.contains(&name.as_str())
    };
    if !part.split(';').any(goes) {
        return Some(part.to_owned());
    }
    let left: Vec<&str> = part.split(';').filter(|field| !goes(field)).collect();
    (!left.is_empty()).then(|| left.join(";"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_services_read_them() {
        let read = |text| fields(text).into_iter().map(|(name, value)| format!("{name}={value}"));
        let cases = [
            ("q=a+b&Q=c%20d", &["q=a b", "q=c d"][..]),
            ("%71=x&q%3D=y", &["q=x", "q==y"]),
            ("x=1;q=2", &["x=1;q=2", "q=2"]),
            ("q", &["q="]),
            ("", &["="]),
            ("q=caf%e9&p=caf%c3%a9", &["q=café", "p=café"]),
            ("q=100%&p=%zz", &["q=100%", "p=%zz"]),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text).collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn the_visitors_own_values_go_and_the_rest_stays() {
        let cases = [
            (None, "safe=active"),
            (Some(""), "&safe=active"),
            (Some("q=a+b%20&&x"), "q=a+b%20&&x&safe=active"),
            (Some("safe=off&q=a&safe=images"), "q=a&safe=active"),
            (Some("SAFE=off&%73afe=off&s%61fe&q=a"), "q=a&safe=active"),
            (Some("q=a;safe=off;b"), "q=a;b&safe=active"),
            (Some("unsafe=off&safer=1&q=safe"), "unsafe=off&safer=1&q=safe&safe=active"),
            (Some("+safe+=off"), "safe=active"),
        ];
        for (query, expected) in cases {
            assert_eq!(with_fields(query, &["safe"], &["safe=active"]), expected, "{query:?}");
        }
    }
}
