//! What the publisher of a credential type says about it (SD-JWT VC, section on type metadata).

use serde::{Deserialize, Serialize};

use super::display::{ClaimDescription, Display, PathStep};

/// The metadata of an SD-JWT VC type, with all that it extends put together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeMetadata {
    /// The type.
    pub vct: String,
    /// A name for developers.
    pub name: Option<String>,
    /// A description for developers.
    pub description: Option<String>,
    /// The types that it extends, the nearest first; what they say is part of this.
    #[serde(default)]
    pub extends: Vec<String>,
    /// Names, logos and colours, one a language.
    pub display: Vec<Display>,
    /// Pictures of the whole credential with places for its claims. They are kept for apps that draw them; nothing
    /// here does.
    #[serde(default)]
    pub svg_templates: Vec<SvgTemplate>,
    /// The claims, in the order in which to show them.
    pub claims: Vec<TypeClaim>,
}

/// An SVG file in which placeholders (`{{svg_id}}`) stand for claims.
///
/// It comes from outside: whoever draws it has to keep it from running code and from fetching anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SvgTemplate {
    /// BCP 47 tag of the language that it is for, if it is for one.
    pub locale: Option<String>,
    /// Where it is: an `https:` or `data:` address, as it was given.
    pub uri: String,
    /// What its hash has to be (`sha256-…`, W3C SRI), if that was said.
    pub integrity: Option<String>,
    /// `portrait` or `landscape`.
    pub orientation: Option<String>,
    /// `light` or `dark`.
    pub color_scheme: Option<String>,
    /// `normal` or `high`.
    pub contrast: Option<String>,
}

/// Whether a wallet looks up what the publishers of credential types say about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TypeMetadataUse {
    /// It does, where the name of the type (`vct`) is an https address.
    Fetch,
    /// It does not.
    Off,
}

/// A claim of a type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeClaim {
    /// Where the claim is.
    pub path: Vec<PathStep>,
    /// Labels, one a language.
    pub display: Vec<Display>,
    /// Whether the holder can withhold it.
    pub sd: SelectiveDisclosure,
    /// Whether each credential of the type has it.
    pub mandatory: bool,
    /// Its name in the type's SVG templates.
    pub svg_id: Option<String>,
}

/// Whether a claim is selectively disclosable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SelectiveDisclosure {
    /// Always.
    Always,
    /// As the issuer likes.
    #[default]
    Allowed,
    /// Never.
    Never,
}

/// What a credential response says of its credentials (OpenID4VCI 1.1, section 8.3); in the place of what the
/// issuer's metadata says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialMetadata {
    /// Names, logos and colours, one a language.
    pub display: Vec<Display>,
    /// The claims, in the order in which to show them.
    pub claims: Vec<ClaimDescription>,
}
