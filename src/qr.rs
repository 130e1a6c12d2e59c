//! Offer links as QR codes, and back (feature `qr`).
//!
//! ```
//! # fn main() -> billfold::Result<()> {
//! use billfold::qr;
//!
//! let link = "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fissuer.example%2Foffer";
//! let picture = qr::png(link)?;
//! assert_eq!(qr::read_png(&picture)?, link);
//! # Ok(())
//! # }
//! ```

use std::fmt::Write as _;
use std::io::Cursor;

use png::{BitDepth, ColorType, Transformations};
use qrcode::bits::Bits;
use qrcode::types::{Color, QrError};
use qrcode::{EcLevel, QrCode, Version};
use rqrr::PreparedImage;

use crate::error::{Error, ErrorCode, Result};

/// The margin that readers need, in modules (ISO/IEC 18004).
const QUIET_ZONE: usize = 4;
/// Pixels a module in a PNG.
const SCALE: usize = 8;
/// What a picture may have at most: a large photo, not a bomb.
const MAX_PIXELS: u64 = 50_000_000;
const MAX_FILE_BYTES: usize = 32 * 1024 * 1024;

/// An SVG picture of the text. It scales to any size.
pub fn svg(text: &str) -> Result<String> {
    let code = Modules::encode(text)?;
    let mut path = String::new();
    for y in 0..code.side {
        let mut x = 0;
        while x < code.side {
            let run = (x..code.side).take_while(|&x| code.is_dark(x, y)).count();
            if run > 0 {
                write!(path, "M{x} {y}h{run}v1h-{run}z").expect("a string takes text");
            }
            x += run.max(1);
        }
    }
    let side = code.side;
    Ok(format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" shape-rendering="crispEdges"><rect width="{side}" height="{side}" fill="#fff"/><path d="{path}" fill="#000"/></svg>"##
    ))
}

/// A PNG picture of the text, black on white, 8 pixels a module.
pub fn png(text: &str) -> Result<Vec<u8>> {
    let code = Modules::encode(text)?;
    let side = code.side * SCALE;
    let mut pixels = Vec::with_capacity(side * side.div_ceil(8));
    for y in 0..code.side {
        // A module is 8 pixels wide: one octet of a picture with one bit a pixel.
        let row: Vec<u8> = (0..code.side).map(|x| if code.is_dark(x, y) { 0x00 } else { 0xff }).collect();
        for _ in 0..SCALE {
            pixels.extend_from_slice(&row);
        }
    }
    let side = u32::try_from(side).expect("the largest code has 177 modules");
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, side, side);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::One);
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&pixels))
        .expect("the pixels fit the header, and memory takes them");
    Ok(file)
}

/// The text as lines of half blocks, for a terminal.
///
/// Black and white are set by escape sequences (ECMA-48, 256 colours), so that a camera reads it
/// from dark and from light terminals. Every line ends with a line feed.
pub fn terminal(text: &str) -> Result<String> {
    let code = Modules::encode(text)?;
    let mut lines = String::new();
    for y in (0..code.side).step_by(2) {
        // Black on white, whatever the terminal's own colours are.
        lines.push_str("\x1b[38;5;16;48;5;231m");
        for x in 0..code.side {
            lines.push(match (code.is_dark(x, y), code.is_dark(x, y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
        lines.push_str("\x1b[0m\n");
    }
    Ok(lines)
}

/// The text of the QR code in a PNG picture, such as a screenshot. With several codes, one of them.
pub fn read_png(bytes: &[u8]) -> Result<String> {
    let mut picture = Luma::decode(bytes)?;
    if let Some(text) = picture.find() {
        return Ok(text);
    }
    // Light on dark, as a dark theme may show it.
    picture.pixels.iter_mut().for_each(|pixel| *pixel = !*pixel);
    picture.find().ok_or_else(|| unreadable("the picture shows no QR code that can be read"))
}

/// A QR code with its margin.
struct Modules {
    side: usize,
    dark: Vec<bool>,
}

impl Modules {
    fn encode(text: &str) -> Result<Self> {
        // As much correction as there is room for: M stands a scratch, L holds the most.
        let code = encode(text, EcLevel::M).or_else(|_| encode(text, EcLevel::L)).map_err(|error| {
            let length = text.len();
            let detail = match error {
                QrError::DataTooLong => format!("a QR code has no room for {length} octets; 2953 is the most"),
                other => format!("the text makes no QR code: {other}"),
            };
            Error::new(ErrorCode::QrTooLarge, detail)
        })?;
        let width = code.width();
        let side = width + 2 * QUIET_ZONE;
        let mut dark = vec![false; side * side];
        for (index, color) in code.to_colors().into_iter().enumerate() {
            let (x, y) = (index % width + QUIET_ZONE, index / width + QUIET_ZONE);
            dark[y * side + x] = color == Color::Dark;
        }
        Ok(Self { side, dark })
    }

    /// Beyond the last line it is light: a terminal shows lines by twos.
    fn is_dark(&self, x: usize, y: usize) -> bool {
        self.dark.get(y * self.side + x).copied().unwrap_or(false)
    }
}

fn encode(text: &str, level: EcLevel) -> Result<QrCode, QrError> {
    QrCode::with_error_correction_level(text, level).or_else(|_| {
        // Changing between letters and digits costs room too: in the largest code, plain octets
        // can fit where the mixture just does not.
        let mut bits = Bits::new(Version::Normal(40));
        bits.push_byte_data(text.as_bytes())?;
        bits.push_terminator(level)?;
        QrCode::with_bits(bits, level)
    })
}

/// A picture in shades of grey.
struct Luma {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Luma {
    fn decode(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > MAX_FILE_BYTES {
            return Err(unreadable("the picture is too large"));
        }
        let no_png = |error: png::DecodingError| unreadable("the picture is no PNG that can be read").caused_by(error);
        let limits = png::Limits { bytes: 4 * usize::try_from(MAX_PIXELS).unwrap_or(usize::MAX) };
        let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
        decoder.set_transformations(Transformations::normalize_to_color8());
        let mut reader = decoder.read_info().map_err(no_png)?;
        let (width, height) = (reader.info().width, reader.info().height);
        if u64::from(width) * u64::from(height) > MAX_PIXELS {
            return Err(unreadable("the picture is too large"));
        }
        let size = reader.output_buffer_size().ok_or_else(|| unreadable("the picture is too large"))?;
        let mut samples = vec![0; size];
        let frame = reader.next_frame(&mut samples).map_err(no_png)?;
        samples.truncate(frame.buffer_size());
        let pixels = match frame.color_type {
            ColorType::Grayscale => samples,
            ColorType::GrayscaleAlpha => {
                samples.as_chunks().0.iter().map(|&[luma, alpha]| on_white(luma, alpha)).collect()
            }
            ColorType::Rgb => samples.as_chunks().0.iter().map(|&[r, g, b]| luma(r, g, b)).collect(),
            ColorType::Rgba => {
                samples.as_chunks().0.iter().map(|&[r, g, b, alpha]| on_white(luma(r, g, b), alpha)).collect()
            }
            ColorType::Indexed => return Err(unreadable("the picture has no palette")),
        };
        let side = |length: u32| usize::try_from(length).unwrap_or(usize::MAX);
        Ok(Self { width: side(frame.width), height: side(frame.height), pixels })
    }

    fn find(&self) -> Option<String> {
        let mut picture =
            PreparedImage::prepare_from_greyscale(self.width, self.height, |x, y| self.pixels[y * self.width + x]);
        picture.detect_grids().iter().find_map(|grid| grid.decode().ok()).map(|(_, text)| text)
    }
}

/// Rec. 601 luma.
fn luma(r: u8, g: u8, b: u8) -> u8 {
    let sum = 299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b);
    u8::try_from(sum / 1000).unwrap_or(u8::MAX)
}

/// What is transparent is mostly shown on white.
fn on_white(luma: u8, alpha: u8) -> u8 {
    let (luma, alpha) = (u32::from(luma), u32::from(alpha));
    u8::try_from((luma * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)
}

fn unreadable(detail: &str) -> Error {
    Error::new(ErrorCode::QrUnreadable, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "openid-credential-offer://?credential_offer=%7B%22credential_issuer%22%3A%22https%3A%2F%2F";

    /// A long link that compresses badly, like an offer by value.
    fn long_link(length: usize) -> String {
        let more = (0..).map(|number: u32| format!("%{:02X}x{}", number % 256, number * 7919)).collect_until(length);
        let mut link = format!("{LINK}{more}");
        link.truncate(length);
        link
    }

    trait CollectUntil {
        fn collect_until(self, length: usize) -> String;
    }

    impl<I: Iterator<Item = String>> CollectUntil for I {
        fn collect_until(self, length: usize) -> String {
            let mut text = String::new();
            for part in self {
                if text.len() >= length {
                    break;
                }
                text.push_str(&part);
            }
            text
        }
    }

    /// A picture of a code in another colour type.
    fn picture(text: &str, color: ColorType, depth: BitDepth, pixel: impl Fn(bool) -> Vec<u8>) -> Vec<u8> {
        let code = Modules::encode(text).expect("it fits");
        let scale = 5;
        let side = code.side * scale;
        let mut bits: Vec<Vec<u8>> = Vec::new();
        for y in 0..side {
            bits.push((0..side).flat_map(|x| pixel(code.is_dark(x / scale, y / scale))).collect());
        }
        // Samples under 8 bits come one an octet and are packed here.
        let per_octet = 8 / usize::from(depth as u8).min(8);
        let rows = bits.into_iter().flat_map(|row| {
            if per_octet == 1 {
                return row;
            }
            let width = 8 / per_octet;
            row.chunks(per_octet)
                .map(|samples| {
                    samples
                        .iter()
                        .enumerate()
                        .fold(0, |octet, (index, sample)| octet | sample << (8 - width * (index + 1)))
                })
                .collect()
        });
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, u32::try_from(side).unwrap(), u32::try_from(side).unwrap());
        encoder.set_color(color);
        encoder.set_depth(depth);
        if color == ColorType::Indexed {
            encoder.set_palette(vec![255, 255, 255, 20, 20, 60]);
        }
        encoder.write_header().unwrap().write_image_data(&rows.collect::<Vec<_>>()).unwrap();
        file
    }

    #[test]
    fn texts_of_any_length_come_back() {
        for length in [1, 100, 1000, 2331, 2332, 2953] {
            let link = long_link(length);
            assert_eq!(link.len(), length);
            assert_eq!(read_png(&png(&link).expect("it fits")).expect("readable"), link);
        }
        for text in ["HTTPS://ISSUER.EXAMPLE/1", "0123456789", "Übergröße \u{1f511}"] {
            assert_eq!(read_png(&png(text).expect("it fits")).expect("readable"), text);
        }
    }

    #[test]
    fn what_does_not_fit_is_a_typed_error() {
        for draw in
            [|text: &str| svg(text).map(drop), |text: &str| png(text).map(drop), |text: &str| terminal(text).map(drop)]
        {
            assert!(draw(&long_link(2953)).is_ok());
            let error = draw(&long_link(2954)).expect_err("too long");
            assert_eq!(error.code(), ErrorCode::QrTooLarge);
            assert!(error.detail().contains("2954 octets"), "{error}");
        }
    }

    #[test]
    fn correction_is_medium_where_it_fits() {
        let side = |level| QrCode::with_error_correction_level(long_link(300), level).expect("it fits").width();
        assert_ne!(side(EcLevel::M), side(EcLevel::L));
        assert_eq!(Modules::encode(&long_link(300)).expect("it fits").side, side(EcLevel::M) + 8);
    }

    #[test]
    fn every_colour_type_is_read() {
        let gray = |dark: bool| if dark { 0_u8 } else { 255 };
        let wide = |sample: u8| vec![sample, sample];
        for (color, depth, pixel) in [
            (
                ColorType::Grayscale,
                BitDepth::One,
                Box::new(|dark: bool| vec![u8::from(!dark)]) as Box<dyn Fn(bool) -> Vec<u8>>,
            ),
            (ColorType::Grayscale, BitDepth::Two, Box::new(|dark: bool| vec![if dark { 0 } else { 3 }])),
            (ColorType::Grayscale, BitDepth::Four, Box::new(|dark: bool| vec![if dark { 1 } else { 14 }])),
            (ColorType::Grayscale, BitDepth::Eight, Box::new(move |dark| vec![gray(dark)])),
            (ColorType::Grayscale, BitDepth::Sixteen, Box::new(move |dark| wide(gray(dark)))),
            // Black on nothing: the light parts are transparent black.
            (ColorType::GrayscaleAlpha, BitDepth::Eight, Box::new(move |dark| vec![0, !gray(dark)])),
            (ColorType::GrayscaleAlpha, BitDepth::Sixteen, Box::new(move |dark| [wide(0), wide(!gray(dark))].concat())),
            (
                ColorType::Rgb,
                BitDepth::Eight,
                Box::new(|dark: bool| if dark { vec![0, 60, 20] } else { vec![255, 240, 200] }),
            ),
            (ColorType::Rgb, BitDepth::Sixteen, Box::new(move |dark| wide(gray(dark)).repeat(3))),
            (ColorType::Rgba, BitDepth::Eight, Box::new(move |dark| vec![0, 0, 0, !gray(dark)])),
            (
                ColorType::Rgba,
                BitDepth::Sixteen,
                Box::new(move |dark| [wide(gray(dark)).repeat(3), wide(255)].concat()),
            ),
            (ColorType::Indexed, BitDepth::One, Box::new(|dark| vec![u8::from(dark)])),
            (ColorType::Indexed, BitDepth::Two, Box::new(|dark| vec![u8::from(dark)])),
            (ColorType::Indexed, BitDepth::Four, Box::new(|dark| vec![u8::from(dark)])),
            (ColorType::Indexed, BitDepth::Eight, Box::new(|dark| vec![u8::from(dark)])),
            // Light on dark.
            (ColorType::Grayscale, BitDepth::Eight, Box::new(move |dark| vec![!gray(dark)])),
        ] {
            let file = picture(LINK, color, depth, pixel);
            assert_eq!(read_png(&file).map_err(|error| format!("{color:?} {depth:?}: {error}")), Ok(LINK.to_owned()));
        }
    }

    #[test]
    fn what_shows_no_code_is_a_typed_error() {
        let whole = png(LINK).expect("it fits");
        let blank = picture(LINK, ColorType::Grayscale, BitDepth::Eight, |_| vec![255]);
        // A file of a few octets that announces a picture of 4 thousand million pixels.
        let mut bomb = whole.clone();
        bomb[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
        for bytes in [&b""[..], b"no picture", &whole[..whole.len() / 2], &blank, &bomb, &vec![0; MAX_FILE_BYTES + 1]] {
            assert_eq!(read_png(bytes).expect_err("unreadable").code(), ErrorCode::QrUnreadable);
        }
    }

    #[test]
    fn the_terminal_shows_the_same_code() {
        let shown = terminal(LINK).expect("it fits");
        let code = Modules::encode(LINK).expect("it fits");
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines.len(), code.side.div_ceil(2));
        let mut seen = Vec::new();
        for line in lines {
            let cells = line.strip_prefix("\x1b[38;5;16;48;5;231m").and_then(|line| line.strip_suffix("\x1b[0m"));
            let cells: Vec<_> = cells.expect("colours are set and reset on each line").chars().collect();
            assert_eq!(cells.len(), code.side);
            for blocks in [['█', '▀'], ['█', '▄']] {
                seen.extend(cells.iter().map(|cell| blocks.contains(cell)));
            }
        }
        // With an odd number of lines, the last half line is light.
        let (shown, beyond) = seen.split_at(code.dark.len());
        assert_eq!(shown, code.dark);
        assert!(beyond.iter().all(|dark| !dark));
        assert!(shown[..QUIET_ZONE * code.side].iter().all(|dark| !dark));
    }

    #[test]
    fn the_svg_shows_the_same_code() {
        let shown = svg(LINK).expect("it fits");
        let code = Modules::encode(LINK).expect("it fits");
        assert!(
            shown.starts_with(&format!(r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {0}""#, code.side))
        );
        let path = shown.split("d=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a path");
        let mut dark = vec![false; code.dark.len()];
        for run in path.split('M').skip(1) {
            let (start, width) = run.split_once('h').expect("a run");
            let (x, y) = start.split_once(' ').expect("a point");
            let width: usize = width.split('v').next().expect("a width").parse().expect("a number");
            let start = y.parse::<usize>().expect("a number") * code.side + x.parse::<usize>().expect("a number");
            dark[start..start + width].fill(true);
        }
        assert_eq!(dark, code.dark);
    }

    #[test]
    fn damaged_codes_are_read_right_or_not_at_all() {
        let code = Modules::encode(LINK).expect("it fits");
        let scale = 3;
        let side = code.side * scale;
        let mut state = 7_u32;
        let mut random = |below: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            usize::try_from(state >> 8).expect("24 bits") % below
        };
        let mut outcomes = [0; 2];
        for round in 0..60 {
            let mut modules = Modules { side: code.side, dark: code.dark.clone() };
            for _ in 0..random(round * 4 + 1) {
                let at = random(modules.dark.len());
                modules.dark[at] = !modules.dark[at];
            }
            let shade =
                |index: usize| if modules.is_dark(index % side / scale, index / side / scale) { 0 } else { 255 };
            let picture = Luma { width: side, height: side, pixels: (0..side * side).map(shade).collect() };
            let found = picture.find();
            outcomes[usize::from(found.is_some())] += 1;
            assert!(found.is_none_or(|text| text == LINK));
        }
        assert!(outcomes[0] > 0 && outcomes[1] > 0, "{outcomes:?}");
    }
}
