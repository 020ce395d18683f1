//! The TLS alerts that tell a client, in the clear, that its connection is refused.

/// `access_denied` (RFC 8446 section 6.2): what a client is told when policy blocks its connection.
pub const ACCESS_DENIED: u8 = 49;
/// `internal_error` (the same): not the client's doing, not policy's.
pub const INTERNAL_ERROR: u8 = 80;

/// A fatal alert as one plaintext TLS record of 7 bytes (RFC 8446 sections 5.1 and 6).
///
/// `description` is an AlertDescription of RFC 8446 section 6.
#[must_use]
pub fn fatal(description: u8) -> [u8; 7] {
    const ALERT: u8 = 21;
    const FATAL: u8 = 2;
    [ALERT, 0x03, 0x03, 0x00, 0x02, FATAL, description]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_one_plaintext_record() {
        assert_eq!(fatal(ACCESS_DENIED), [21, 3, 3, 0, 2, 2, 49]);
    }
}
