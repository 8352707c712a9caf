//! The picture by which an authenticator app reads what it has to know: a QR code as SVG in the page, so that nothing is loaded.

use std::fmt::Write;

use qrcodegen::{QrCode, QrCodeEcc};

use super::markup::Markup;

/// The white border that readers need, in modules (ISO/IEC 18004).
const BORDER: i32 = 4;

/// The picture of an address; nothing when it is too long for one.
pub(super) fn of(uri: &str) -> Option<Markup> {
    let code = QrCode::encode_text(uri, QrCodeEcc::Medium).ok()?;
    let side = (code.size() + 2 * BORDER).to_string();
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            // Writing to a string cannot fail.
            let _infallible = write!(path, "M{} {}h1v1h-1z", x + BORDER, y + BORDER);
        }
    }
    let view = format!("0 0 {side} {side}");
    let attributes = [
        ("class", "code"),
        ("viewBox", view.as_str()),
        ("role", "img"),
        ("aria-label", "QR code for the authenticator app; the same stands below as text"),
        ("shape-rendering", "crispEdges"),
    ];
    Some(Markup::element("svg", &attributes, Markup::element("path", &[("fill", "#000000"), ("d", &path)], "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_a_code_with_its_border_and_what_is_too_long_has_none() {
        let picture = of("otpauth://totp/Seawall:ann?secret=JBSWY3DPEHPK3PXP&issuer=Seawall").unwrap().page();
        // Version 5 has 37 modules a side; the first is the corner of a finder, within the border.
        assert!(picture.contains("viewBox=\"0 0 45 45\"") && picture.contains("d=\"M4 4h1v1h-1z"), "{picture}");
        for outside in ["M3 ", "M41 ", " 3h", " 41h"] {
            assert!(!picture.contains(outside), "{outside} is in the border");
        }
        assert_eq!(of(&"a".repeat(3_000)), None);
    }
}
