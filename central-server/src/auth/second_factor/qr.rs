//! A QR code as a picture that a page can show by itself.

use std::fmt::Write as _;

use data_encoding::BASE64;
use qrcode::{Color, EcLevel, QrCode};

/// Modules of white around the code, without which no camera finds it (ISO/IEC 18004, section 5.3.8).
const MARGIN: usize = 4;

/// The code of this text as the address of an SVG picture; `None` if it is longer than any code.
#[must_use]
pub fn picture(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let width = code.width();
    let (colors, size) = (code.to_colors(), width + 2 * MARGIN);
    let mut dark = String::new();
    for (y, row) in colors.chunks(width).enumerate() {
        for (x, color) in row.iter().enumerate() {
            if *color == Color::Dark {
                let _ = write!(dark, "M{} {}h1v1h-1z", x + MARGIN, y + MARGIN);
            }
        }
    }
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0 0h{size}v{size}H0z\"/><path d=\"{dark}\"/></svg>"
    );
    Some(format!("data:image/svg+xml;base64,{}", BASE64.encode(svg.as_bytes())))
}
