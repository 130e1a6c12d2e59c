//! From what an issuer shows to how it wants to be spoken to.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::form::{ProofMember, RequestForm, SelectorForm};
use super::lift::catalogue::Catalogue;
use super::{Basis, DetailsBy, EncryptionForm, Quirks};

/// The number that stands for 1.0 among those of drafts.
pub(crate) const FINAL: u8 = 16;

/// Something in an issuer's metadata that tells drafts apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sign {
    /// `credential_request_encryption`: since 1.0.
    RequestEncryption,
    /// A configuration with `credential_metadata`: since 1.0.
    CredentialMetadata,
    /// Algorithms of mdocs as numbers: since 1.0.
    CoseAlgorithms,
    /// The proof type `di_vp`: since 1.0.
    DiVp,
    /// `nonce_endpoint`: since 15.
    NonceEndpoint,
    /// `key_attestations_required`: since 15.
    KeyAttestations,
    /// Claims as a list of paths outside of `credential_metadata`: draft 15.
    ClaimPaths,
    /// The format `dc+sd-jwt`: since 15.
    DcSdJwt,
    /// `batch_credential_issuance`: since 14.
    BatchIssuance,
    /// `batch_credential_endpoint`: up to 13.
    BatchEndpoint,
    /// `credential_identifiers_supported`: drafts 12 and 13.
    IdentifiersFlag,
    /// Claims as a tree: up to 14.
    ClaimsTree,
    /// `credential_configurations_supported` as a list, which no draft has.
    ConfigurationList,
    /// `credentials_supported` as a map: draft 12.
    SupportedMap,
    /// `credentials_supported` as a list: up to 11.
    SupportedList,
    /// Proof types as a list: draft 12.
    ProofTypesList,
    /// `cryptographic_suites_supported`: up to 12.
    CryptographicSuites,
    /// `credential_response_encryption` without a way to encrypt requests: drafts 13 to 15, and issuers of 1.0 that
    /// took over only part of it.
    ResponseEncryptionAlone,
    /// `credential_response_encryption_alg_values_supported`: draft 12.
    FlatEncryption,
}

impl Sign {
    /// What was seen, for integrators.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::RequestEncryption => "`credential_request_encryption`",
            Self::CredentialMetadata => "`credential_metadata` in a configuration",
            Self::CoseAlgorithms => "signing algorithms as COSE numbers",
            Self::DiVp => "the proof type `di_vp`",
            Self::NonceEndpoint => "`nonce_endpoint`",
            Self::KeyAttestations => "`key_attestations_required`",
            Self::ClaimPaths => "`claims` as a list of paths outside of `credential_metadata`",
            Self::DcSdJwt => "the format `dc+sd-jwt`",
            Self::BatchIssuance => "`batch_credential_issuance`",
            Self::BatchEndpoint => "`batch_credential_endpoint`",
            Self::IdentifiersFlag => "`credential_identifiers_supported`",
            Self::ClaimsTree => "`claims` or `credentialSubject` as a tree",
            Self::ConfigurationList => "`credential_configurations_supported` as a list",
            Self::SupportedMap => "`credentials_supported` as a map",
            Self::SupportedList => "`credentials_supported` as a list",
            Self::ProofTypesList => "`proof_types_supported` as a list",
            Self::CryptographicSuites => "`cryptographic_suites_supported`",
            Self::ResponseEncryptionAlone => "`credential_response_encryption` without `credential_request_encryption`",
            Self::FlatEncryption => "`credential_response_encryption_alg_values_supported`",
        }
    }

    /// The oldest and the newest draft that have it, with 16 for 1.0; only for show.
    pub(crate) fn drafts(self) -> (u8, u8) {
        match self {
            Self::RequestEncryption | Self::CredentialMetadata | Self::CoseAlgorithms | Self::DiVp => (16, 16),
            Self::NonceEndpoint | Self::KeyAttestations | Self::DcSdJwt => (15, 16),
            Self::ClaimPaths => (15, 15),
            Self::BatchIssuance => (14, 16),
            Self::BatchEndpoint => (11, 13),
            Self::IdentifiersFlag => (12, 13),
            Self::ClaimsTree => (11, 14),
            Self::ConfigurationList => (13, 14),
            Self::SupportedMap | Self::FlatEncryption | Self::ProofTypesList => (12, 12),
            Self::CryptographicSuites => (11, 12),
            Self::SupportedList => (11, 11),
            Self::ResponseEncryptionAlone => (13, 16),
        }
    }

    /// Whether issuers that have it take `credential_configuration_id`.
    fn by_configuration(self) -> bool {
        self.drafts().0 >= 15
    }
}

/// The signs in issuer metadata as it came, the newest first.
pub(crate) fn signs(document: &Value) -> Vec<Sign> {
    let has = |name: &str| document.get(name).is_some_and(|value| !value.is_null());
    let catalogue = Catalogue::of(document);
    let configurations = catalogue.map(|catalogue| catalogue.objects()).unwrap_or_default();
    let any = |test: &dyn Fn(&Map<String, Value>) -> bool| configurations.iter().any(|entry| test(entry));
    let proof_types = |entry: &Map<String, Value>, test: &dyn Fn(&str, &Value) -> bool| {
        let types = entry.get("proof_types_supported").and_then(Value::as_object);
        types.is_some_and(|types| types.iter().any(|(name, value)| test(name, value)))
    };
    let shape_is = |is_older: bool, shape: fn(&Value) -> bool| {
        catalogue.is_some_and(|found| found.is_older == is_older && shape(found.entries))
    };
    let table: [(Sign, bool); 19] = [
        (Sign::RequestEncryption, has("credential_request_encryption")),
        (Sign::CredentialMetadata, any(&|entry| entry.get("credential_metadata").is_some_and(Value::is_object))),
        (
            Sign::CoseAlgorithms,
            any(&|entry| {
                let algorithms = entry.get("credential_signing_alg_values_supported").and_then(Value::as_array);
                algorithms.is_some_and(|algorithms| algorithms.iter().any(Value::is_i64))
            }),
        ),
        (Sign::DiVp, any(&|entry| proof_types(entry, &|name, _| name == "di_vp"))),
        (Sign::NonceEndpoint, is_endpoint(document.get("nonce_endpoint"))),
        (
            Sign::KeyAttestations,
            any(&|entry| proof_types(entry, &|_, value| value.get("key_attestations_required").is_some())),
        ),
        (Sign::ClaimPaths, any(&|entry| claims_are(entry, &["claims"], Value::is_array))),
        (Sign::DcSdJwt, any(&|entry| entry.get("format").is_some_and(|format| format == "dc+sd-jwt"))),
        (Sign::BatchIssuance, has("batch_credential_issuance")),
        (Sign::BatchEndpoint, has("batch_credential_endpoint")),
        (Sign::IdentifiersFlag, has("credential_identifiers_supported")),
        (Sign::ClaimsTree, any(&|entry| claims_are(entry, &["claims", "credentialSubject"], Value::is_object))),
        (Sign::ConfigurationList, shape_is(false, Value::is_array)),
        (Sign::SupportedMap, shape_is(true, Value::is_object)),
        (Sign::SupportedList, shape_is(true, Value::is_array)),
        (Sign::ProofTypesList, any(&|entry| entry.get("proof_types_supported").is_some_and(Value::is_array))),
        (Sign::CryptographicSuites, any(&|entry| entry.contains_key("cryptographic_suites_supported"))),
        (Sign::ResponseEncryptionAlone, has("credential_response_encryption") && !has("credential_request_encryption")),
        (Sign::FlatEncryption, has("credential_response_encryption_alg_values_supported")),
    ];
    table.into_iter().filter(|(_, seen)| *seen).map(|(sign, _)| sign).collect()
}

/// Something that is meant as an address.
fn is_endpoint(value: Option<&Value>) -> bool {
    value.and_then(Value::as_str).is_some_and(|text| !text.is_empty())
}

/// Whether an entry's claims have a shape, on top of it or in its `credential_definition`: where drafts had them.
fn claims_are(entry: &Map<String, Value>, names: &[&str], shape: fn(&Value) -> bool) -> bool {
    let definitions =
        ["credential_definition", "credentials_definition"].into_iter().filter_map(|name| entry.get(name));
    let places = definitions.filter_map(Value::as_object).chain([entry]);
    places.flat_map(|place| names.iter().filter_map(|name| place.get(*name))).any(shape)
}

/// What follows from the signs.
pub(crate) fn quirks(seen: Vec<Sign>) -> Quirks {
    let has = |sign: Sign| seen.contains(&sign);
    let old_catalogue = has(Sign::SupportedMap) || has(Sign::SupportedList);
    let by_configuration = seen.iter().any(|sign| sign.by_configuration()) && !old_catalogue;
    let old = old_catalogue || seen.iter().any(|sign| sign.drafts().1 < 15);
    let several = has(Sign::BatchIssuance) && !old_catalogue;
    let (request, basis) = match (by_configuration, several) {
        (true, _) => (RequestForm::FINAL, Basis::Evidence),
        (false, true) => (RequestForm { selector: SelectorForm::Format, proof: ProofMember::Proofs }, Basis::Evidence),
        (false, false) if old => (RequestForm::OLD, Basis::Evidence),
        // Looks like a lean issuer of 1.0, and like one of draft 13.
        (false, false) => (RequestForm::FINAL, Basis::Nothing),
    };
    let encryption = if has(Sign::RequestEncryption) {
        // Who takes encrypted requests gets no plain ones, whatever else it shows.
        EncryptionForm::InKey
    } else if has(Sign::FlatEncryption) {
        EncryptionForm::Flat
    } else if has(Sign::ResponseEncryptionAlone) {
        EncryptionForm::BesideKey
    } else {
        EncryptionForm::InKey
    };
    let details = if old_catalogue { DetailsBy::Format } else { DetailsBy::Configuration };
    Quirks { seen, request, basis, details, encryption, ..Quirks::default() }
}

#[cfg(test)]
#[path = "detect_tests.rs"]
mod tests;
