//! What issuers want people to see: names, logos, colours, claim labels.

use serde::{Deserialize, Serialize};

/// A picture with its description for screen readers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logo {
    /// `https:` or `data:` address, as the issuer gave it. Look at its scheme before use.
    pub uri: String,
    /// Text in place of the picture.
    pub alt_text: Option<String>,
    /// What the picture has to hash to (`uri#integrity` of SD-JWT VC type metadata, W3C SRI), if that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integrity: Option<String>,
}

/// How an issuer or a kind of credential presents itself in one language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Display {
    /// The name to show, without control and bidirectional characters.
    pub name: Option<String>,
    /// BCP 47 language tag; none means "for everyone".
    pub locale: Option<String>,
    /// The logo.
    pub logo: Option<Logo>,
    /// A sentence about the credential.
    pub description: Option<String>,
    /// CSS colour as the issuer wrote it.
    pub background_color: Option<String>,
    /// Picture behind the text.
    pub background_image: Option<Logo>,
    /// CSS colour as the issuer wrote it.
    pub text_color: Option<String>,
}

/// One step of a claim path (OpenID4VCI appendix C).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PathStep {
    /// A member of an object.
    Key(String),
    /// An element of an array.
    Index(u64),
    /// Every element of an array (`null` on the wire).
    All,
}

impl From<&str> for PathStep {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

/// One claim that the issuer describes (OpenID4VCI appendix B.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimDescription {
    /// Where the claim is.
    pub path: Vec<PathStep>,
    /// Whether the issuer always includes it.
    pub mandatory: bool,
    /// Labels, one a language.
    pub display: Vec<Display>,
}

/// The entry of `entries` that suits `locale` best: the exact language tag, the language alone,
/// an entry for everyone, the first.
pub fn choose<'a>(entries: &'a [Display], locale: Option<&str>) -> Option<&'a Display> {
    let tag = |entry: &Display| entry.locale.as_deref().map(str::to_ascii_lowercase);
    let language = |tag: &str| tag.split(['-', '_']).next().unwrap_or_default().to_owned();
    let wanted = locale.map(|wanted| wanted.to_ascii_lowercase().replace('_', "-"));
    let exact = || wanted.as_ref().and_then(|w| entries.iter().find(|e| tag(e).as_ref() == Some(w)));
    let by_language =
        || wanted.as_ref().and_then(|w| entries.iter().find(|e| tag(e).is_some_and(|t| language(&t) == language(w))));
    let for_everyone = || entries.iter().find(|e| e.locale.is_none());
    exact().or_else(by_language).or_else(for_everyone).or_else(|| entries.first())
}

/// Takes out what could make a shown text lie: control characters and bidirectional overrides.
/// Line breaks and tabs become spaces.
pub fn plain_text(text: &str) -> String {
    text.chars()
        .filter_map(|c| match c {
            '\n' | '\r' | '\t' => Some(' '),
            '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => {
                None
            }
            c if c.is_control() => None,
            c => Some(c),
        })
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, locale: Option<&str>) -> Display {
        Display { name: Some(name.to_owned()), locale: locale.map(str::to_owned), ..Display::default() }
    }

    // covers: CLAIM-09
    #[test]
    fn locale_is_exact_then_language_then_none_then_first() {
        let all = [entry("fr", Some("fr-FR")), entry("de", Some("de-CH")), entry("any", None), entry("en", Some("en"))];
        let name = |wanted: Option<&str>| choose(&all, wanted).and_then(|d| d.name.clone()).unwrap_or_default();
        assert_eq!(name(Some("de-CH")), "de");
        assert_eq!(name(Some("de_CH")), "de");
        assert_eq!(name(Some("de-AT")), "de");
        assert_eq!(name(Some("en-GB")), "en");
        assert_eq!(name(Some("it")), "any");
        assert_eq!(name(None), "any");
        assert_eq!(choose(&all[..2], Some("it")).and_then(|d| d.name.as_deref()), Some("fr"));
        assert_eq!(choose(&[], Some("it")), None);
    }

    #[test]
    fn shown_text_cannot_reverse_or_ring() {
        assert_eq!(plain_text("Uni\u{202e}versity\u{7}\nof X\u{2066} "), "University of X");
    }
}
