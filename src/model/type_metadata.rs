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
    /// Names, logos and colours, one a language.
    pub display: Vec<Display>,
    /// The claims, in the order in which to show them.
    pub claims: Vec<TypeClaim>,
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
