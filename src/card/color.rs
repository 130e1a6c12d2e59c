//! Colours of cards.

use serde::{Deserialize, Serialize};

/// A colour with its opacity, each part from 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Color {
    /// Red.
    pub red: u8,
    /// Green.
    pub green: u8,
    /// Blue.
    pub blue: u8,
    /// Opacity: 255 covers what is behind, 0 is not seen.
    pub alpha: u8,
}

impl Color {
    /// Black.
    pub const BLACK: Self = Self::opaque(0, 0, 0);
    /// White.
    pub const WHITE: Self = Self::opaque(255, 255, 255);

    /// A colour that covers what is behind it.
    pub const fn opaque(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue, alpha: 255 }
    }

    /// As CSS: `#12107c`, or `rgba(18, 16, 124, 0.502)` if something shines through.
    pub fn to_css(self) -> String {
        let Self { red, green, blue, alpha } = self;
        if alpha == 255 {
            format!("#{red:02x}{green:02x}{blue:02x}")
        } else {
            let thousandths = (u32::from(alpha) * 1000 + 127) / 255;
            format!("rgba({red}, {green}, {blue}, 0.{thousandths:03})")
        }
    }
}
