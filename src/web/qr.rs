//! A text as a square that a phone's camera reads.

use std::fmt::Write;

use qrcode::QrCode;
use qrcode::render::svg::Color;

use crate::web::problem::Problem;

/// How wide it is at least, in units of the picture.
const WIDTH: u32 = 240;

/// The square as SVG.
pub(super) fn svg(text: &str) -> Result<String, Problem> {
    let code = QrCode::new(text).map_err(|fault| Problem::internal("qr", &fault))?;
    let mut picture = code.render::<Color<'_>>();
    let picture = picture.min_dimensions(WIDTH, WIDTH).dark_color(Color("#000")).light_color(Color("#fff"));
    Ok(picture.build())
}

/// The square as an address that a page may show it from.
pub(super) fn data_uri(text: &str) -> Result<String, Problem> {
    let svg = svg(text)?;
    Ok(svg.bytes().fold(String::from("data:image/svg+xml,"), |mut uri, byte| {
        if byte.is_ascii_alphanumeric() {
            uri.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(uri, "%{byte:02X}");
        }
        uri
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_is_a_picture_without_script_or_style() {
        let picture = svg("otpauth://totp/x?secret=ABC").unwrap();
        assert!(picture.contains("<svg") && !picture.contains("<script") && !picture.contains("style="));
        let uri = data_uri("otpauth://totp/x?secret=ABC").unwrap();
        assert!(uri.starts_with("data:image/svg+xml,%3C") && !uri.contains(['"', '<', ' ']));
    }
}
