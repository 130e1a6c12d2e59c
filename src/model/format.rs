//! Credential formats by name.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A credential format identifier (OpenID4VCI appendix A).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum Format {
    /// IETF SD-JWT VC: `dc+sd-jwt`.
    SdJwtVc,
    /// The same under its name before 2025: `vc+sd-jwt`.
    VcSdJwt,
    /// W3C credential as a JWT, without JSON-LD: `jwt_vc_json`.
    JwtVcJson,
    /// W3C credential as a JWT that is read by JSON-LD: `jwt_vc_json-ld`.
    JwtVcJsonLd,
    /// W3C credential with a Data Integrity proof: `ldp_vc`.
    LdpVc,
    /// ISO 18013-5 mobile document: `mso_mdoc`.
    MsoMdoc,
    /// A format that this version does not know; it is kept under the issuer's own name.
    Other(String),
}

impl Format {
    /// The identifier as it stands in metadata.
    pub fn as_str(&self) -> &str {
        match self {
            Self::SdJwtVc => "dc+sd-jwt",
            Self::VcSdJwt => "vc+sd-jwt",
            Self::JwtVcJson => "jwt_vc_json",
            Self::JwtVcJsonLd => "jwt_vc_json-ld",
            Self::LdpVc => "ldp_vc",
            Self::MsoMdoc => "mso_mdoc",
            Self::Other(name) => name,
        }
    }
}

impl From<String> for Format {
    fn from(name: String) -> Self {
        match name.as_str() {
            "dc+sd-jwt" => Self::SdJwtVc,
            "vc+sd-jwt" => Self::VcSdJwt,
            "jwt_vc_json" => Self::JwtVcJson,
            "jwt_vc_json-ld" => Self::JwtVcJsonLd,
            "ldp_vc" => Self::LdpVc,
            "mso_mdoc" => Self::MsoMdoc,
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
