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

/// The entry of `entries` that suits `locale` best: the exact language tag, a shorter one (`de-CH` for
/// `de-CH-1996`), another one of the language, an entry for everyone, the first.
pub fn choose<'a>(entries: &'a [Display], locale: Option<&str>) -> Option<&'a Display> {
    let normal = |tag: &str| tag.to_ascii_lowercase().replace('_', "-");
    let tagged = |fits: &dyn Fn(&str) -> bool| {
        entries.iter().find(|entry| entry.locale.as_deref().is_some_and(|tag| fits(&normal(tag))))
    };
    let wanted = locale.map(normal);
    let mut range = wanted.as_deref();
    while let Some(tag) = range.filter(|tag| !tag.is_empty()) {
        let longer = format!("{tag}-");
        if let Some(entry) = tagged(&|other| other == tag).or_else(|| tagged(&|other| other.starts_with(&longer))) {
            return Some(entry);
        }
        range = tag.rsplit_once('-').map(|(shorter, _)| shorter);
    }
    entries.iter().find(|entry| entry.locale.is_none()).or_else(|| entries.first())
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

    // covers: CLAIM-09
    #[test]
    fn the_closest_variant_of_a_language_is_taken() {
        let tags = ["en-US", "de-AT", "de_CH", "zh-Hans-CN", "zh-Hant-HK", "pt-BR", "pt"];
        let all = tags.map(|tag| entry(tag, Some(tag)));
        for (wanted, found) in [
            ("de-CH-1996", "de_CH"),
            ("DE-ch", "de_CH"),
            ("de", "de-AT"),
            ("de-DE", "de-AT"),
            ("zh-Hant-TW", "zh-Hant-HK"),
            ("zh-Hant", "zh-Hant-HK"),
            ("zh-TW", "zh-Hans-CN"),
            ("pt-PT", "pt"),
            ("pt-BR", "pt-BR"),
            ("d", "en-US"),
            ("", "en-US"),
            ("-", "en-US"),
        ] {
            assert_eq!(choose(&all, Some(wanted)).and_then(|d| d.name.as_deref()), Some(found), "{wanted}");
        }
    }

    #[test]
    fn shown_text_cannot_reverse_or_ring() {
        assert_eq!(plain_text("Uni\u{202e}versity\u{7}\nof X\u{2066} "), "University of X");
    }
}
