//! The configuration profile by which iPads and Macs are given the authority's certificate.
//!
//! The format is Apple's Configuration Profile Reference, payload `com.apple.security.root`.

use std::fmt::Write;

use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use super::public::Public;

/// The profile as a property list, unsigned. Its identifiers follow from the certificate, so that
/// the same certificate, given out again, replaces itself.
pub(super) fn text(public: &Public, school: &str) -> String {
    let school = escaped(school);
    let name = escaped(&public.name);
    let (profile, payload) = (stable_id(public, "profile"), stable_id(public, "certificate"));
    let body = public.pem.lines().filter(|line| !line.starts_with("-----"));
    let mut certificate = String::new();
    for line in body {
        let _ = write!(certificate, "\n\t\t\t{line}");
    }
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>PayloadType</key><string>Configuration</string>
	<key>PayloadVersion</key><integer>1</integer>
	<key>PayloadIdentifier</key><string>schoolgate.authority.{profile}</string>
	<key>PayloadUUID</key><string>{profile}</string>
	<key>PayloadDisplayName</key><string>{school}: web filter</string>
	<key>PayloadOrganization</key><string>{school}</string>
	<key>PayloadDescription</key><string>Lets this device trust the web filter of {school}.</string>
	<key>PayloadContent</key>
	<array>
		<dict>
			<key>PayloadType</key><string>com.apple.security.root</string>
			<key>PayloadVersion</key><integer>1</integer>
			<key>PayloadIdentifier</key><string>schoolgate.authority.{profile}.{payload}</string>
			<key>PayloadUUID</key><string>{payload}</string>
			<key>PayloadDisplayName</key><string>{name}</string>
			<key>PayloadCertificateFileName</key><string>authority.crt</string>
			<key>PayloadContent</key>
			<data>{certificate}
			</data>
		</dict>
	</array>
</dict>
</plist>
"#
    )
}

/// An id (UUIDv8, RFC 9562) that follows from the certificate and what it is for.
fn stable_id(public: &Public, what: &str) -> Uuid {
    let digest = Sha256::new().chain_update(&public.der).chain_update(what).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Builder::from_custom_bytes(bytes).into_uuid()
}

/// XML text; what XML can't hold at all is left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() && !matches!(c, '\t' | '\n' | '\r') => {}
            c => escaped.push(c),
        }
    }
    escaped
}
