//! Pictures of cards.

use std::fmt;

use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::display::Logo;

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
    /// The picture. None if it was not fetched, can't be had, or was refused: too large, no picture, or
    /// one that does more than to be looked at.
    #[serde(with = "base64_text")]
    pub bytes: Option<Vec<u8>>,
}

impl CardImage {
    /// A picture that nobody fetched.
    pub(crate) fn of(logo: &Logo) -> Self {
        Self { uri: logo.uri.clone(), alt_text: logo.alt_text.clone(), media_type: None, bytes: None }
    }
}

impl fmt::Debug for CardImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uri = if self.uri.starts_with("data:") { "data:…" } else { self.uri.as_str() };
        f.debug_struct("CardImage")
            .field("uri", &uri)
            .field("alt_text", &self.alt_text)
            .field("media_type", &self.media_type)
            .field("bytes", &self.bytes.as_ref().map(Vec::len))
            .finish()
    }
}

/// Bytes as base64 text in JSON.
mod base64_text {
    use base64::Engine as _;

    use super::{Deserialize, Deserializer, STANDARD, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "serde asks for it")]
    pub(super) fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
        bytes.as_ref().map(|bytes| STANDARD.encode(bytes)).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
        let text: Option<String> = Deserialize::deserialize(deserializer)?;
        text.map(|text| STANDARD.decode(text)).transpose().map_err(serde::de::Error::custom)
    }
}
