//! Credential formats by name.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A credential format identifier (OpenID4VCI appendix A).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum Format {
    /// IETF SD-JWT VC: `dc+sd-jwt` (`vc+sd-jwt` before 2025).
    SdJwtVc,
    /// W3C credential as a JWT, without JSON-LD: `jwt_vc_json`.
    JwtVcJson,
    /// A format that this version does not know; it is kept under the issuer's own name.
    Other(String),
}

impl Format {
    /// The identifier as it stands in metadata.
    pub fn as_str(&self) -> &str {
        match self {
            Self::SdJwtVc => "dc+sd-jwt",
            Self::JwtVcJson => "jwt_vc_json",
            Self::Other(name) => name,
        }
    }
}

impl From<String> for Format {
    fn from(name: String) -> Self {
        match name.as_str() {
            "dc+sd-jwt" => Self::SdJwtVc,
            "jwt_vc_json" => Self::JwtVcJson,
            _ => Self::Other(name),
        }
    }
}

impl From<Format> for String {
    fn from(format: Format) -> Self {
        format.as_str().to_owned()
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
