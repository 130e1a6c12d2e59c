//! Credential formats: one file each, behind [`CredentialFormat`].
//!
//! A new format is one new file and one line in [`known`].

mod checks;
pub(crate) mod haip;
mod jwt_vc_json;
mod jwt_vc_json_ld;
#[cfg(test)]
mod jwt_vector_tests;
#[cfg(feature = "ldp-vc")]
mod ldp_vc;
mod mso_mdoc;
mod sd_jwt_vc;
#[cfg(test)]
mod sd_jwt_vector_tests;
mod unverified;
#[cfg(test)]
mod vector_tests;
pub(crate) mod w3c;

use async_trait::async_trait;
use serde_json::Value;

use self::sd_jwt_vc::SdJwtVc;
use crate::model::display::PathStep;
use crate::model::format::Format;
use crate::model::jwk::Jwk;
use crate::model::metadata::CredentialKind;
use crate::model::report::Check;
use crate::model::status::{StatusFound, StatusReference};
use crate::model::time::Timestamp;
use crate::type_metadata::TypeReference;
use crate::verify::VerifyContext;

/// What billfold has to know about a format.
#[async_trait]
pub(crate) trait CredentialFormat: Send + Sync {
    /// Which format it is.
    fn format(&self) -> Format;

    /// Reads the type from an entry of `credential_configurations_supported`; the error says
    /// what is wrong with which member.
    fn read_kind(&self, configuration: &Value) -> Result<CredentialKind, String>;

    /// Looks at a credential as received and gives one check for every kind that the format has
    /// an answer to. Never fails: what cannot be parsed is a failed check.
    async fn examine(&self, raw: &Value, context: &VerifyContext<'_>) -> Examined;
}

/// What a look at a credential brought to light.
#[derive(Clone, Debug)]
pub(crate) struct Examined {
    /// The checks, at most one a kind.
    pub(crate) checks: Vec<Check>,
    /// What it says that it is; unknown if that could not be read.
    pub(crate) kind: CredentialKind,
    /// The claims with disclosures put in place, for showing; `null` if nothing could be read.
    pub(crate) claims: Value,
    /// Where the claims are that its holder can withhold.
    pub(crate) disclosable: Vec<Vec<PathStep>>,
    /// The key that the credential is bound to, if it says so.
    pub(crate) bound_key: Option<Jwk>,
    /// Whether it is an SD-JWT VC that names its type in `type`, and that will do.
    pub(crate) type_without_vct: bool,
    /// When it begins to be valid, if it says so.
    pub(crate) valid_from: Option<Timestamp>,
    /// When it stops being valid, if it says so.
    pub(crate) expires_at: Option<Timestamp>,
    /// Where its status is kept, if it says so.
    pub(crate) status: Option<StatusReference>,
    /// What was found there.
    pub(crate) status_found: Option<StatusFound>,
}

impl Examined {
    /// What there is to say about a credential that can't be read.
    fn unreadable(detail: impl Into<String>) -> Self {
        Self::of(checks::unreadable(detail))
    }

    /// Checks, and nothing else that could be read.
    pub(crate) fn of(checks: Vec<Check>) -> Self {
        Self {
            checks,
            kind: CredentialKind::Unknown,
            claims: Value::Null,
            disclosable: Vec::new(),
            bound_key: None,
            type_without_vct: false,
            valid_from: None,
            expires_at: None,
            status: None,
            status_found: None,
        }
    }
}

/// What an SD-JWT VC says about its type; none if it can't be read.
pub(crate) fn type_reference(raw: &Value) -> Option<TypeReference> {
    sd_jwt_vc::type_reference(raw)
}

/// Every format that this version verifies.
pub(crate) fn known() -> &'static [&'static dyn CredentialFormat] {
    &[
        &SdJwtVc::Dc,
        &SdJwtVc::Vc,
        &jwt_vc_json::JwtVcJson,
        &jwt_vc_json_ld::JwtVcJsonLd,
        &mso_mdoc::MsoMdoc,
        #[cfg(feature = "ldp-vc")]
        &ldp_vc::LdpVc,
    ]
}

/// What reads a format, whether or not this version verifies it.
pub(crate) fn reader(format: &Format) -> &'static dyn CredentialFormat {
    find(format).unwrap_or_else(|| unverified::of(format))
}

/// What verifies a format, if this version does.
pub(crate) fn find(format: &Format) -> Option<&'static dyn CredentialFormat> {
    known().iter().copied().find(|known| known.format() == *format)
}
