//! From what an issuer shows to how it wants to be spoken to.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::form::{ProofMember, RequestForm, SelectorForm};
use super::{Basis, DetailsBy, EncryptionForm, Quirks};

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
    /// Claims as a list of paths: since 15.
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
    /// `credential_response_encryption` without a way to encrypt requests: drafts 13 to 15.
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
            Self::ClaimPaths => "`claims` as a list of paths",
            Self::DcSdJwt => "the format `dc+sd-jwt`",
            Self::BatchIssuance => "`batch_credential_issuance`",
            Self::BatchEndpoint => "`batch_credential_endpoint`",
            Self::IdentifiersFlag => "`credential_identifiers_supported`",
            Self::ClaimsTree => "`claims` or `credentialSubject` as a tree",
            Self::ConfigurationList => "`credential_configurations_supported` as a list",
            Self::SupportedMap => "`credentials_supported` as a map",
            Self::SupportedList => "`credentials_supported` as a list",
            Self::ResponseEncryptionAlone => "`credential_response_encryption` without `credential_request_encryption`",
            Self::FlatEncryption => "`credential_response_encryption_alg_values_supported`",
        }
    }

    /// The oldest and the newest draft that have it, with 16 for 1.0; only for show.
    pub(crate) fn drafts(self) -> (u8, u8) {
        match self {
            Self::RequestEncryption | Self::CredentialMetadata | Self::CoseAlgorithms | Self::DiVp => (16, 16),
            Self::NonceEndpoint | Self::KeyAttestations | Self::ClaimPaths | Self::DcSdJwt => (15, 16),
            Self::BatchIssuance => (14, 16),
            Self::BatchEndpoint => (11, 13),
            Self::IdentifiersFlag => (12, 13),
            Self::ClaimsTree => (11, 14),
            Self::ConfigurationList => (13, 14),
            Self::SupportedMap | Self::FlatEncryption => (12, 12),
            Self::SupportedList => (11, 11),
            Self::ResponseEncryptionAlone => (13, 15),
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
    let configurations = configurations(document);
    let any = |test: &dyn Fn(&Map<String, Value>) -> bool| configurations.iter().any(|entry| test(entry));
    let proof_types = |entry: &Map<String, Value>, test: &dyn Fn(&str, &Value) -> bool| {
        let types = entry.get("proof_types_supported").and_then(Value::as_object);
        types.is_some_and(|types| types.iter().any(|(name, value)| test(name, value)))
    };
    let definition = |entry: &Map<String, Value>, name: &str| {
        entry.get("credential_definition").and_then(|definition| definition.get(name)).cloned()
    };
    let in_metadata = |entry: &Map<String, Value>, name: &str| {
        entry.get("credential_metadata").and_then(|metadata| metadata.get(name)).is_some()
    };
    let is_format = |entry: &Map<String, Value>, name: &str| entry.get("format").is_some_and(|format| format == name);
    let alone = has("credential_response_encryption") && !has("credential_request_encryption");
    let is_list = |name: &str| document.get(name).is_some_and(Value::is_array);
    let old = !has("credential_configurations_supported");
    let table: [(Sign, bool); 17] = [
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
        (Sign::NonceEndpoint, has("nonce_endpoint")),
        (
            Sign::KeyAttestations,
            any(&|entry| proof_types(entry, &|_, value| value.get("key_attestations_required").is_some())),
        ),
        (
            Sign::ClaimPaths,
            any(&|entry| {
                let listed = entry.get("claims").is_some_and(Value::is_array);
                listed
                    || definition(entry, "claims").is_some_and(|claims| claims.is_array())
                    || in_metadata(entry, "claims")
            }),
        ),
        (Sign::DcSdJwt, any(&|entry| is_format(entry, "dc+sd-jwt"))),
        (Sign::BatchIssuance, has("batch_credential_issuance")),
        (Sign::BatchEndpoint, has("batch_credential_endpoint")),
        (Sign::IdentifiersFlag, has("credential_identifiers_supported")),
        (
            Sign::ClaimsTree,
            any(&|entry| {
                let tree = |value: Option<&Value>| value.is_some_and(Value::is_object);
                tree(entry.get("claims"))
                    || tree(entry.get("credentialSubject"))
                    || tree(definition(entry, "credentialSubject").as_ref())
            }),
        ),
        (Sign::ConfigurationList, is_list("credential_configurations_supported")),
        (Sign::SupportedMap, old && document.get("credentials_supported").is_some_and(Value::is_object)),
        (Sign::SupportedList, old && is_list("credentials_supported")),
        (Sign::ResponseEncryptionAlone, alone),
        (Sign::FlatEncryption, has("credential_response_encryption_alg_values_supported")),
    ];
    table.into_iter().filter(|(_, seen)| *seen).map(|(sign, _)| sign).collect()
}

/// The entries of the catalogue, whatever it is called and whatever its shape.
fn configurations(document: &Value) -> Vec<&Map<String, Value>> {
    let catalogue =
        document.get("credential_configurations_supported").or_else(|| document.get("credentials_supported"));
    match catalogue {
        Some(Value::Object(map)) => map.values().filter_map(Value::as_object).collect(),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_object).collect(),
        _ => Vec::new(),
    }
}

/// What follows from the signs.
pub(crate) fn quirks(seen: Vec<Sign>) -> Quirks {
    let has = |sign: Sign| seen.contains(&sign);
    let old_catalogue = has(Sign::SupportedMap) || has(Sign::SupportedList);
    let by_configuration = seen.iter().any(|sign| sign.by_configuration()) && !old_catalogue;
    let old = old_catalogue
        || [Sign::BatchEndpoint, Sign::IdentifiersFlag, Sign::ClaimsTree, Sign::ConfigurationList].into_iter().any(has);
    let several = has(Sign::BatchIssuance) && !old_catalogue;
    let (request, basis) = match (by_configuration, several) {
        (true, _) => (RequestForm::FINAL, Basis::Evidence),
        (false, true) => (RequestForm { selector: SelectorForm::Format, proof: ProofMember::Proofs }, Basis::Evidence),
        (false, false) if old => (RequestForm::OLD, Basis::Evidence),
        // Looks like a lean issuer of 1.0, and like one of draft 13.
        (false, false) => (RequestForm::FINAL, Basis::Nothing),
    };
    let encryption = if has(Sign::FlatEncryption) {
        EncryptionForm::Flat
    } else if has(Sign::ResponseEncryptionAlone) {
        EncryptionForm::BesideKey
    } else {
        EncryptionForm::InKey
    };
    let details = if old_catalogue { DetailsBy::Format } else { DetailsBy::Configuration };
    Quirks { seen, request, basis, details, encryption, ..Quirks::default() }
}
