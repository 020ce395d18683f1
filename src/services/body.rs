//! The fields of a body that holds a query: a form, a form in parts, or JSON.
//!
//! **Invariant:** what is cut off at the end, packed or malformed gives the fields before the cut.

use std::fmt;
use std::io::Read;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};

use super::facts::QueryBody;
use super::parameter::{Field, field_name, fields};
use super::search::MAX_QUERY_BODY;

/// Every field of the body, in order.
pub(super) fn queries(kind: QueryBody, content_type: Option<&str>, body: &[u8]) -> Vec<Field> {
    let unpacked;
    let body = if body.starts_with(&[0x1f, 0x8b]) {
        unpacked = unpack(body);
        &unpacked
    } else {
        body
    };
    let declared = content_type.unwrap_or_default().trim().to_ascii_lowercase();
    match kind {
        QueryBody::None => Vec::new(),
        _ if declared.starts_with("multipart/") => parts(body),
        QueryBody::Form if declared.contains("json") => json(body),
        QueryBody::Form => fields(&text(body)),
        QueryBody::Json if declared.starts_with("application/x-www-form-urlencoded") => fields(&text(body)),
        QueryBody::Json => json(body),
    }
}

/// Some clients pack what they send; as much as is held for a query is unpacked.
fn unpack(body: &[u8]) -> Vec<u8> {
    let mut unpacked = vec![0; MAX_QUERY_BODY];
    let mut reader = flate2::read::GzDecoder::new(body);
    let mut filled = 0;
    while let Ok(read @ 1..) = reader.read(&mut unpacked[filled..]) {
        filled += read;
    }
    unpacked.truncate(filled);
    unpacked
}

fn text(body: &[u8]) -> String {
    match std::str::from_utf8(body) {
        Ok(text) => text.to_owned(),
        Err(_) => body.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// The fields of `multipart/form-data` (RFC 7578); the boundary is the body's own first line.
fn parts(body: &[u8]) -> Vec<Field> {
    let text = text(body);
    let Some(boundary) = text.lines().next().filter(|line| line.starts_with("--")) else { return Vec::new() };
    text.split(boundary)
        .filter_map(|part| {
            let (head, value) = part.split_once("\r\n\r\n").or_else(|| part.split_once("\n\n"))?;
            let (_, name) = head.split_once("name=")?;
            let name = name.trim_start_matches('"').split(['"', ';', '\r', '\n']).next()?;
            Some((field_name(name), value.trim_end().to_owned()))
        })
        .collect()
}

/// The texts of a JSON object's own fields.
fn json(body: &[u8]) -> Vec<Field> {
    let mut found = Vec::new();
    let body = text(body);
    let mut reader = serde_json::Deserializer::from_str(&body);
    // A cut or a slip at the end loses nothing that was read before it.
    let _ = Fields(&mut found).deserialize(&mut reader);
    found
}

struct Fields<'a>(&'a mut Vec<Field>);

impl<'de> DeserializeSeed<'de> for Fields<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            match map.next_value::<Text>()? {
                Text::Own(text) => self.0.push((name.to_lowercase(), text)),
                Text::Other(IgnoredAny) => {}
            }
        }
        Ok(())
    }
}

/// A text, or whatever else a field may hold.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Text {
    Own(String),
    Other(IgnoredAny),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: QueryBody, content_type: &str, body: &[u8]) -> String {
        let fields = queries(kind, Some(content_type), body);
        fields.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn a_query_is_read_from_any_body() {
        let form = "application/x-www-form-urlencoded";
        assert_eq!(read(QueryBody::Form, form, b"q=a+b&kl="), "q=a b | kl=");
        assert_eq!(read(QueryBody::Form, "text/plain", b"q=caf\xe9"), "q=café");
        assert_eq!(read(QueryBody::Form, "", b"\xff\x00"), "ÿ\0=");
        let parts = b"--x\r\nContent-Disposition: form-data; name=\"q\"\r\n\r\na b\r\n--x\r\n\
                      Content-Disposition: form-data; name=kl\r\n\r\nuk\r\n--x--\r\n";
        assert_eq!(read(QueryBody::Form, "Multipart/Form-Data; boundary=x", parts), "q=a b | kl=uk");
        let json = br#"{"context":{"query":"no"},"query":"a","qu\u0065ry":"b","n":1,"#;
        assert_eq!(read(QueryBody::Json, "application/json", json), "query=a | query=b");
        assert_eq!(read(QueryBody::Json, "application/json", b"[1]"), "");
    }

    #[test]
    fn a_packed_body_is_unpacked_as_far_as_is_held() {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        let long = format!("{{\"query\":\"a\",\"x\":\"{}\"}}", "y".repeat(4 * MAX_QUERY_BODY));
        std::io::Write::write_all(&mut packer, long.as_bytes()).unwrap();
        let packed = packer.finish().unwrap();
        assert_eq!(read(QueryBody::Json, "application/json", &packed), "query=a");
        assert_eq!(read(QueryBody::Json, "application/json", &packed[..20]).len(), 0);
    }
}
