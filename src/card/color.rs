//! Colours of cards: CSS Color Module Level 3, which is what metadata may use.

use serde::{Deserialize, Serialize};

use super::color_names::NAMES;

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

/// Contrast below which an issuer's text colour is not taken: what WCAG 2 asks for large text (section 1.4.3).
const READABLE: f64 = 3.0;

/// Longer texts are no colours.
const LONGEST: usize = 100;

impl Color {
    /// Black.
    pub const BLACK: Self = Self::opaque(0, 0, 0);
    /// White.
    pub const WHITE: Self = Self::opaque(255, 255, 255);

    /// A colour that covers what is behind it.
    pub const fn opaque(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue, alpha: 255 }
    }

    /// Reads a colour of CSS Color 3 (section 4): a name, `#rgb`, `#rrggbb`, `rgb()`, `rgba()`, `hsl()`,
    /// `hsla()` or `transparent`. What later levels of CSS have, and `currentColor`, is none.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches(is_white_space);
        if text.len() > LONGEST {
            return None;
        }
        let text = text.to_ascii_lowercase();
        if let Some(digits) = text.strip_prefix('#') {
            return hexadecimal(digits);
        }
        if let Some((function, arguments)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
            let arguments: Vec<_> = arguments.split(',').map(|part| part.trim_matches(is_white_space)).collect();
            return match (function, arguments.as_slice()) {
                ("rgb", [red, green, blue]) => rgb(red, green, blue, 1.0),
                ("rgba", [red, green, blue, alpha]) => rgb(red, green, blue, number(alpha)?),
                ("hsl", [hue, saturation, lightness]) => hsl(hue, saturation, lightness, 1.0),
                ("hsla", [hue, saturation, lightness, alpha]) => hsl(hue, saturation, lightness, number(alpha)?),
                _ => None,
            };
        }
        if text == "transparent" {
            return Some(Self { alpha: 0, ..Self::BLACK });
        }
        let index = NAMES.binary_search_by(|(name, _)| (*name).cmp(&text)).ok()?;
        let [_, red, green, blue] = NAMES[index].1.to_be_bytes();
        Some(Self::opaque(red, green, blue))
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

    /// How well this can be told from `other`, as WCAG 2 counts it: from 1, not at all, to 21.
    pub fn contrast(self, other: Self) -> f64 {
        let (one, other) = (self.luminance(), other.luminance());
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// The colour that is seen when this lies over `ground`, which is taken to be opaque.
    #[must_use]
    pub fn over(self, ground: Self) -> Self {
        let alpha = f64::from(self.alpha) / 255.0;
        let mix = |above: u8, below: u8| part(f64::from(above) * alpha + f64::from(below) * (1.0 - alpha));
        Self::opaque(mix(self.red, ground.red), mix(self.green, ground.green), mix(self.blue, ground.blue))
    }

    /// The issuer's text colour if it can be read on the background, otherwise black or white, whichever is
    /// read better.
    pub(super) fn for_text(given: Option<Self>, background: Option<Self>) -> Self {
        let ground = background.map_or(Self::WHITE, |background| background.over(Self::WHITE));
        if let Some(given) = given
            && given.over(ground).contrast(ground) >= READABLE
        {
            return given;
        }
        if Self::BLACK.contrast(ground) >= Self::WHITE.contrast(ground) { Self::BLACK } else { Self::WHITE }
    }

    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.039_28 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }
}

fn is_white_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}

fn hexadecimal(digits: &str) -> Option<Color> {
    let digits: Vec<_> = digits.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits: Vec<_> = digits.into_iter().collect::<Option<_>>()?;
    match digits.as_slice() {
        [red, green, blue] => Some(Color::opaque(red * 17, green * 17, blue * 17)),
        [r, ed, g, reen, b, lue] => Some(Color::opaque(r * 16 + ed, g * 16 + reen, b * 16 + lue)),
        _ => None,
    }
}

/// Three whole numbers or three percentages, not mixed.
fn rgb(red: &str, green: &str, blue: &str, alpha: f64) -> Option<Color> {
    let read = |text: &str| match text.strip_suffix('%') {
        Some(percentage) => Some((number(percentage)? * 255.0 / 100.0, true)),
        None if text.contains('.') => None,
        None => Some((number(text)?, false)),
    };
    let ((red, a), (green, b), (blue, c)) = (read(red)?, read(green)?, read(blue)?);
    (a == b && b == c).then(|| Color {
        red: part(red),
        green: part(green),
        blue: part(blue),
        alpha: part(alpha * 255.0),
    })
}

/// A hue in degrees and two percentages, by the recipe of section 4.2.4.
fn hsl(hue: &str, saturation: &str, lightness: &str, alpha: f64) -> Option<Color> {
    let percentage = |text: &str| Some((number(text.strip_suffix('%')?)? / 100.0).clamp(0.0, 1.0));
    let (hue, saturation, lightness) =
        (number(hue)?.rem_euclid(360.0) / 60.0, percentage(saturation)?, percentage(lightness)?);
    let high =
        if lightness <= 0.5 { lightness * (saturation + 1.0) } else { lightness + saturation - lightness * saturation };
    let low = lightness * 2.0 - high;
    let channel = |sixth: f64| {
        let sixth = sixth.rem_euclid(6.0);
        let share = if sixth < 1.0 {
            sixth
        } else if sixth < 3.0 {
            1.0
        } else {
            (4.0 - sixth).max(0.0)
        };
        part((low + (high - low) * share) * 255.0)
    };
    Some(Color { red: channel(hue + 2.0), green: channel(hue), blue: channel(hue - 2.0), alpha: part(alpha * 255.0) })
}

/// A number of CSS 2.1, which is that of Color 3: a sign, digits, a point with digits after it; no exponent.
fn number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let well_formed = match fraction {
        None => !whole.is_empty() && all_digits(whole),
        Some(fraction) => !fraction.is_empty() && all_digits(whole) && all_digits(fraction),
    };
    if well_formed { text.parse().ok() } else { None }
}

/// The nearest value that a part of a colour can have.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked before")]
fn part(value: f64) -> u8 {
    value.clamp(0.0, 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn css(text: &str) -> Option<String> {
        Color::parse(text).map(Color::to_css)
    }

    #[test]
    fn colours_of_level_3_are_read() {
        for (text, expected) in [
            ("#12107c", "#12107c"),
            ("#12107C", "#12107c"),
            ("#fb0", "#ffbb00"),
            ("  red\n", "#ff0000"),
            ("AliceBlue", "#f0f8ff"),
            ("yellowgreen", "#9acd32"),
            ("lightGoldenRodYellow", "#fafad2"),
            ("grey", "#808080"),
            ("transparent", "rgba(0, 0, 0, 0.000)"),
            ("rgb(255,0,0)", "#ff0000"),
            ("RGB( 255 ,\t0 , 0 )", "#ff0000"),
            ("rgb(300, -10, +7)", "#ff0007"),
            ("rgb(100%, 0%, 50%)", "#ff0080"),
            ("rgb(110%, -1%, 33.3%)", "#ff0055"),
            ("rgba(0, 0, 255, 0.5)", "rgba(0, 0, 255, 0.502)"),
            ("rgba(0, 0, 255, .5)", "rgba(0, 0, 255, 0.502)"),
            ("rgba(100%, 50%, 0%, 0.1)", "rgba(255, 128, 0, 0.102)"),
            ("rgba(1, 2, 3, 2)", "#010203"),
            ("rgba(1, 2, 3, -1)", "rgba(1, 2, 3, 0.000)"),
            ("hsl(0, 100%, 50%)", "#ff0000"),
            ("hsl(120, 100%, 25%)", "#008000"),
            ("hsl(120, 75%, 75%)", "#8fef8f"),
            ("hsl(240, 100%, 50%)", "#0000ff"),
            ("hsl(60, 100%, 50%)", "#ffff00"),
            ("hsl(-300, 100%, 50%)", "#ffff00"),
            ("hsl(300, 100%, 12.5%)", "#400040"),
            ("hsl(780, 100%, 50%)", "#ffff00"),
            ("hsl(30, 120%, 150%)", "#ffffff"),
            ("hsl(200, 0%, 50%)", "#808080"),
            ("hsla(240, 100%, 50%, 0.5)", "rgba(0, 0, 255, 0.502)"),
        ] {
            assert_eq!(css(text).unwrap_or_default(), expected, "{text}");
        }
        assert_eq!(NAMES.len(), 147);
        assert!(NAMES.is_sorted_by(|one, next| one.0 < next.0));
        for (name, value) in NAMES {
            assert_eq!(css(name), Some(format!("#{value:06x}")));
        }
    }

    #[test]
    fn what_is_no_colour_of_level_3_is_none() {
        let long = format!("rgb({}1, 2, 3)", " ".repeat(200));
        for text in [
            "",
            "#",
            "#12",
            "#1234",
            "#12345",
            "#12345678",
            "#12g07c",
            "# 12107c",
            "12107c",
            "##12107c",
            "#１２１",
            "redd",
            "light blue",
            "currentColor",
            "inherit",
            "rebeccapurple",
            "ButtonFace",
            "rgb",
            "rgb()",
            "rgb(1,2)",
            "rgb(1,2,3,4)",
            "rgb(1 2 3)",
            "rgb (1,2,3)",
            "rgb(1,2,3",
            "rgb(1,2,3))",
            "rgb(1.5,2,3)",
            "rgb(1%,2,3)",
            "rgb(1,2%,3%)",
            "rgb(a,b,c)",
            "rgb(1e1,2,3)",
            "rgb(1,,3)",
            "rgb(0x1,2,3)",
            "rgb(inf,2,3)",
            "rgb(nan,2,3)",
            "rgb(+-1,2,3)",
            "rgb(1.%,2%,3%)",
            "rgba(1,2,3)",
            "rgba(1,2,3,50%)",
            "rgba(1,2,3,1.)",
            "rgb(1,2,3);",
            "rgb(1,2,3)x",
            "hsl(120deg, 50%, 50%)",
            "hsl(120, 50, 50)",
            "hsl(50%, 50%, 50%)",
            "hsl(1,2%)",
            "hsla(1,2%,3%)",
            "hwb(1 2% 3%)",
            "color(srgb 1 0 0)",
            "url(https://a.example)",
            "#fff url(x)",
            "red;background:url(x)",
            "\u{a0}red",
            &long,
        ] {
            assert_eq!(css(text), None, "{text:?}");
        }
    }

    #[test]
    fn text_can_always_be_read() {
        let color = |text: &str| Color::parse(text).expect("a colour");
        assert!((Color::BLACK.contrast(Color::WHITE) - 21.0).abs() < 1e-9);
        assert!((color("#777").contrast(Color::WHITE) - 4.478).abs() < 1e-3);
        for (given, background, expected) in [
            (None, "#12107c", "#ffffff"),
            (None, "lemonchiffon", "#000000"),
            (None, "#767676", "#000000"),
            (None, "#6f6f6f", "#ffffff"),
            // The issuer's own colour, as long as it can be seen.
            (Some("#ffdd00"), "#12107c", "#ffdd00"),
            (Some("#1b2a4a"), "white", "#1b2a4a"),
            (Some("white"), "yellow", "#000000"),
            (Some("#12107c"), "#12107c", "#ffffff"),
            (Some("#222"), "black", "#ffffff"),
            // What shines through counts.
            (Some("rgba(0, 0, 0, 0.1)"), "white", "#000000"),
            (Some("white"), "rgba(0, 0, 0, 0.1)", "#000000"),
            (Some("white"), "transparent", "#000000"),
            (None, "rgba(0, 0, 0, 0.9)", "#ffffff"),
        ] {
            let text = Color::for_text(given.map(color), Some(color(background)));
            assert_eq!(text.to_css(), expected, "{given:?} on {background}");
        }
        assert_eq!(Color::for_text(Some(Color::WHITE), None), Color::BLACK);
        for (_, value) in NAMES {
            let [_, red, green, blue] = value.to_be_bytes();
            let ground = Color::opaque(red, green, blue);
            assert!(Color::for_text(None, Some(ground)).contrast(ground) > 4.5);
        }
    }
}
