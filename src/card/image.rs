//! Pictures of cards: what they are by their bytes, and whether they can be shown without harm.

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use super::svg;
use crate::model::display::Logo;
use crate::type_metadata::integrity;

/// The largest picture that is shown, in bytes.
pub(crate) const MAX_BYTES: usize = 512 * 1024;

/// The most pixels that a picture may have across or down: a small file can unfold to a large surface.
pub(super) const MAX_SIDE: u32 = 4096;

/// Base64 as it is found: with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);

/// What kind of picture some bytes are, by the bytes themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ImageType {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// GIF.
    Gif,
    /// WebP.
    Webp,
    /// JPEG 2000, as mobile driving licences may have it. Few platforms draw it.
    Jpeg2000,
    /// SVG without scripts and without references to anything outside of it.
    Svg,
}

impl ImageType {
    /// The media type, such as `image/png`.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
            Self::Jpeg2000 => "image/jp2",
            Self::Svg => "image/svg+xml",
        }
    }
}

/// A picture of a card.
///
/// `Debug` shows neither the bytes nor a `data:` address.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardImage {
    /// `https:` or `data:` address, as the issuer gave it. There is no need to load it: see `bytes`.
    pub uri: String,
    /// Text in place of the picture, in the language of the card.
    pub alt_text: Option<String>,
    /// What the bytes are, whatever anyone said about them. None without bytes.
    pub media_type: Option<ImageType>,
    /// The picture. None if it was not fetched, can't be had, or was refused: larger than 512 KiB or
    /// 4096 pixels, no picture, or one that does more than to be looked at.
    ///
    /// An SVG has no scripts, event handlers, foreign objects or style sheets from elsewhere, and refers to
    /// nothing outside of itself. It begins at its root element: what came before is left out.
    #[serde(with = "base64_text")]
    pub bytes: Option<Vec<u8>>,
}

impl CardImage {
    /// The picture as far as it is there without the network: that of a `data:` address.
    pub(crate) fn of(logo: &Logo, alt_text: Option<String>) -> Self {
        let picture = data(&logo.uri).and_then(|bytes| picture(bytes, logo.integrity.as_deref()));
        Self { uri: logo.uri.clone(), alt_text, media_type: None, bytes: None }.with(picture)
    }

    /// The picture in a claim: a `data:` address of an image.
    pub(crate) fn in_claim(text: &str) -> Option<Self> {
        if !text.get(..11).is_some_and(|start| start.eq_ignore_ascii_case("data:image/")) {
            return None;
        }
        let picture = data(text).and_then(|bytes| picture(bytes, None));
        Some(Self { uri: text.to_owned(), alt_text: None, media_type: None, bytes: None }.with(picture))
    }

    /// The picture in a claim that holds nothing else than its bytes, as base64 or base64url text.
    pub(crate) fn of_base64(text: &str) -> Option<Self> {
        if text.len() / 4 * 3 > MAX_BYTES {
            return None;
        }
        let bytes = BASE64.decode(text).or_else(|_| BASE64_URL.decode(text)).ok()?;
        let (media_type, bytes) = picture(bytes, None)?;
        let uri = format!("data:{};base64,{}", media_type.media_type(), BASE64.encode(&bytes));
        Some(Self { uri, alt_text: None, media_type: Some(media_type), bytes: Some(bytes) })
    }

    /// With the bytes that were had for it, if they were.
    pub(crate) fn with(mut self, picture: Option<(ImageType, Vec<u8>)>) -> Self {
        (self.media_type, self.bytes) = picture.unzip();
        self
    }
}

impl fmt::Debug for CardImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uri = if self.uri.starts_with("http") { self.uri.as_str() } else { "data:…" };
        f.debug_struct("CardImage")
            .field("uri", &uri)
            .field("alt_text", &self.alt_text)
            .field("media_type", &self.media_type)
            .field("bytes", &self.bytes.as_ref().map(Vec::len))
            .finish()
    }
}

/// The content of a `data:` address (RFC 2397). What it says about its type is not looked at.
fn data(uri: &str) -> Option<Vec<u8>> {
    if !uri.get(..5)?.eq_ignore_ascii_case("data:") {
        return None;
    }
    let (about, content) = uri[5..].split_once(',')?;
    // Escaped, a byte takes three characters; in base64, less.
    if content.len() > MAX_BYTES * 3 {
        return None;
    }
    let content: Vec<u8> = percent_decode_str(content).collect();
    let parameter = about.rsplit(';').next().unwrap_or_default().trim();
    if !about.contains(';') || !parameter.eq_ignore_ascii_case("base64") {
        return Some(content);
    }
    let content: Vec<u8> = content.into_iter().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64.decode(&content).or_else(|_| BASE64_URL.decode(&content)).ok()
}

/// The picture that bytes are, if they are one that can be shown without harm, and the one that was meant where
/// that was said (`uri#integrity`). Its bytes may differ: an SVG
/// is cleaned of what stands before it.
pub(crate) fn picture(bytes: Vec<u8>, integrity: Option<&str>) -> Option<(ImageType, Vec<u8>)> {
    let meant = integrity.is_none_or(|integrity| integrity::check(integrity, &bytes).is_ok());
    if bytes.len() > MAX_BYTES || !meant {
        return None;
    }
    match raster(&bytes) {
        Some((media_type, width, height)) => {
            let shown = (1..=MAX_SIDE).contains(&width) && (1..=MAX_SIDE).contains(&height);
            shown.then_some((media_type, bytes))
        }
        None => Some((ImageType::Svg, svg::harmless(&bytes)?.to_vec())),
    }
}

/// Whether a picture may stand inside of another one.
pub(super) fn is_small_raster(uri: &str) -> bool {
    let picture = data(uri).and_then(|bytes| raster(&bytes));
    picture.is_some_and(|(_, width, height)| width <= MAX_SIDE && height <= MAX_SIDE)
}

/// How many pixels the picture at a `data:` address has, by its header.
pub(super) fn raster_pixels(uri: &str) -> Option<u64> {
    let (_, width, height) = raster(&data(uri)?)?;
    Some(u64::from(width) * u64::from(height))
}

/// The type and size of a picture made of pixels, from its header.
fn raster(bytes: &[u8]) -> Option<(ImageType, u32, u32)> {
    png(bytes).or_else(|| jpeg(bytes)).or_else(|| gif(bytes)).or_else(|| webp(bytes)).or_else(|| jpeg2000(bytes))
}

fn big_endian<const N: usize>(bytes: &[u8], at: usize) -> Option<u32> {
    let part = bytes.get(at..at.checked_add(N)?)?;
    Some(part.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
}

fn little_endian<const N: usize>(bytes: &[u8], at: usize) -> Option<u32> {
    let part = bytes.get(at..at.checked_add(N)?)?;
    Some(part.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte)))
}

fn png(bytes: &[u8]) -> Option<(ImageType, u32, u32)> {
    let header = bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.get(12..16) == Some(b"IHDR");
    header.then(|| Some((ImageType::Png, big_endian::<4>(bytes, 16)?, big_endian::<4>(bytes, 20)?)))?
}

/// Goes from segment to segment until the one that tells the size.
fn jpeg(bytes: &[u8]) -> Option<(ImageType, u32, u32)> {
    if !bytes.starts_with(b"\xff\xd8\xff") {
        return None;
    }
    let mut at = 2;
    loop {
        while bytes.get(at..at + 2)? == b"\xff\xff" {
            at += 1;
        }
        let [0xff, marker] = *bytes.get(at..at + 2)? else { return None };
        match marker {
            // A start of frame; the three in between are other tables.
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                return Some((ImageType::Jpeg, big_endian::<2>(bytes, at + 7)?, big_endian::<2>(bytes, at + 5)?));
            }
            // Markers without a segment.
            0x01 | 0xd0..=0xd8 => at += 2,
            // The end, or pixels before the size.
            0xd9 | 0xda => return None,
            _ => at += 2 + big_endian::<2>(bytes, at + 2).filter(|length| *length >= 2)? as usize,
        }
    }
}

fn gif(bytes: &[u8]) -> Option<(ImageType, u32, u32)> {
    let header = bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a");
    header.then(|| Some((ImageType::Gif, little_endian::<2>(bytes, 6)?, little_endian::<2>(bytes, 8)?)))?
}

fn webp(bytes: &[u8]) -> Option<(ImageType, u32, u32)> {
    if !bytes.starts_with(b"RIFF") || bytes.get(8..12) != Some(b"WEBP") {
        return None;
    }
    let (width, height) = match bytes.get(12..16)? {
        b"VP8 " => (little_endian::<2>(bytes, 26)? & 0x3fff, little_endian::<2>(bytes, 28)? & 0x3fff),
        b"VP8L" => {
            let bits = little_endian::<4>(bytes, 21)?;
            ((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1)
        }
        b"VP8X" => (little_endian::<3>(bytes, 24)? + 1, little_endian::<3>(bytes, 27)? + 1),
        _ => return None,
    };
    Some((ImageType::Webp, width, height))
}

/// Either the bare code stream or a file with boxes, whose header box stands near its start.
fn jpeg2000(bytes: &[u8]) -> Option<(ImageType, u32, u32)> {
    if bytes.starts_with(b"\xff\x4f\xff\x51") {
        return Some((ImageType::Jpeg2000, big_endian::<4>(bytes, 8)?, big_endian::<4>(bytes, 12)?));
    }
    if !bytes.starts_with(b"\0\0\0\x0cjP  \r\n\x87\n") {
        return None;
    }
    let header = bytes[..bytes.len().min(512)].windows(4).position(|name| name == b"ihdr")?;
    Some((ImageType::Jpeg2000, big_endian::<4>(bytes, header + 8)?, big_endian::<4>(bytes, header + 4)?))
}

/// Bytes as base64 text in JSON.
mod base64_text {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    #[expect(clippy::ref_option, reason = "serde asks for it")]
    pub(super) fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
        bytes.as_ref().map(|bytes| STANDARD.encode(bytes)).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
        let text: Option<String> = Option::deserialize(deserializer)?;
        text.map(|text| STANDARD.decode(text)).transpose().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
#[path = "image_tests.rs"]
mod tests;
