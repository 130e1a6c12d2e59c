//! Checks credentials outside of a wallet.

use std::collections::HashMap;
use std::sync::Arc;

use billfold::model::jwk::Jwk;
use billfold::model::time::Timestamp;
use billfold::{Error, ErrorCode, Format, Operation, Verifier};
use serde_json::Value;

use crate::credential::{CredentialType, PathStep, StatusFound, status_lists};
use crate::error::WalletError;
use crate::foreign::{HttpTransport, TransportAdapter};
use crate::records::Profile;
use crate::report::{PolicyRule, Report, policy_from};
use crate::resolver::{DidResolver, ResolverAdapter};
use crate::runtime;

/// What a check of a credential may build on.
#[derive(Clone, Debug, uniffi::Record)]
pub struct VerifyOptions {
    /// The issuer's keys: the text of a JWK or of a JWK Set.
    #[uniffi(default = None)]
    pub issuer_keys: Option<String>,
    /// Certificates under which issuers are trusted: each PEM or DER.
    #[uniffi(default = [])]
    pub trust_anchors: Vec<Vec<u8>>,
    /// The keys of which the credential has to be bound to one, each the text of a JWK.
    #[uniffi(default = [])]
    pub holder_keys: Vec<String>,
    /// The type that it has to have.
    #[uniffi(default = None)]
    pub credential_type: Option<CredentialType>,
    /// The rules that it is held to; `Base` when not set.
    #[uniffi(default = None)]
    pub profile: Option<Profile>,
    /// Where the policy differs from the default.
    #[uniffi(default = [])]
    pub policy: Vec<PolicyRule>,
    /// The time to check for, in seconds since 1970; now when not set.
    #[uniffi(default = None)]
    pub at: Option<i64>,
    /// How far clocks may differ; 60 seconds when not set.
    #[uniffi(default = None)]
    pub clock_skew_seconds: Option<u32>,
    /// Whether plain http is allowed on loopback addresses: for development.
    #[uniffi(default = false)]
    pub allow_loopback_http: bool,
    /// More JSON-LD contexts that an `ldp_vc` may refer to: documents as JSON text, by their addresses.
    #[uniffi(default)]
    pub json_ld_contexts: HashMap<String, String>,
}

/// What was found out about a credential.
#[derive(Clone, uniffi::Record)]
pub struct Verification {
    /// The checks, and what they mean together.
    pub report: Report,
    /// What the credential says that it is.
    pub credential_type: CredentialType,
    /// Its claims with disclosures put in place, as the text of a JSON object; none if they could not be read.
    pub claims: Option<String>,
    /// Where the claims are that its holder can withhold.
    pub disclosable: Vec<Vec<PathStep>>,
    /// When it begins to be valid, in seconds since 1970, if it says so.
    pub valid_from: Option<i64>,
    /// When it stops being valid, in seconds since 1970, if it says so.
    pub expires_at: Option<i64>,
    /// The addresses of the lists that its status is kept in; empty if it says nothing of that.
    pub status_lists: Vec<String>,
    /// What was found there.
    pub status_found: Option<StatusFound>,
}

impl From<billfold::Verification> for Verification {
    fn from(verification: billfold::Verification) -> Self {
        let billfold::Verification {
            report,
            kind,
            claims,
            disclosable,
            valid_from,
            expires_at,
            status,
            status_found,
            ..
        } = verification;
        let path = |path: Vec<billfold::model::display::PathStep>| path.into_iter().map(Into::into).collect();
        Self {
            report: report.into(),
            credential_type: kind.into(),
            claims: (!claims.is_null()).then(|| claims.to_string()),
            disclosable: disclosable.into_iter().map(path).collect(),
            valid_from: valid_from.map(Timestamp::seconds),
            expires_at: expires_at.map(Timestamp::seconds),
            status_lists: status.as_ref().map(status_lists).unwrap_or_default(),
            status_found: status_found.map(Into::into),
        }
    }
}

/// Checks a credential that came from anywhere: the text of a JWT or SD-JWT, the JSON of an `ldp_vc`, the CBOR of
/// an `mso_mdoc` as it is or as base64url. What is wrong with it stands in the report.
///
/// Without `http` nothing is fetched, and what would have to be fetched is unknown.
#[uniffi::export(default(http = None, resolver = None))]
pub async fn verify(
    format: String,
    credential: Vec<u8>,
    options: VerifyOptions,
    http: Option<Arc<dyn HttpTransport>>,
    resolver: Option<Arc<dyn DidResolver>>,
) -> Result<Verification, WalletError> {
    runtime::run(None, async move {
        let mut verifier = verifier(options)?;
        if let Some(http) = http {
            verifier = verifier.http(TransportAdapter(http));
        }
        if let Some(resolver) = resolver {
            verifier = verifier.did_resolver(ResolverAdapter::new(resolver)?);
        }
        Ok(verifier.verify(&Format::from(format), &credential).await?.into())
    })
    .await
}

fn verifier(options: VerifyOptions) -> Result<Verifier, Error> {
    let VerifyOptions {
        issuer_keys,
        trust_anchors,
        holder_keys,
        credential_type,
        profile,
        policy,
        at,
        clock_skew_seconds,
        allow_loopback_http,
        json_ld_contexts,
    } = options;
    let mut verifier = Verifier::new()
        .policy(policy_from(policy)?)
        .allow_loopback_http(allow_loopback_http)
        .holder_keys(holder_keys.iter().map(|key| holder_key(key)).collect::<Result<Vec<_>, _>>()?);
    if let Some(keys) = issuer_keys {
        verifier = verifier.issuer_keys(json(&keys).ok_or_else(|| setup("the issuer's keys are no JSON"))?);
    }
    for anchor in trust_anchors {
        verifier = verifier.trust_anchors(anchor)?;
    }
    if let Some(kind) = credential_type {
        verifier = verifier.kind(kind.into());
    }
    if let Some(profile) = profile {
        verifier = verifier.profile(profile.into());
    }
    if let Some(at) = at {
        verifier = verifier.at(Timestamp::from_seconds(at));
    }
    if let Some(seconds) = clock_skew_seconds {
        verifier = verifier.clock_skew(seconds);
    }
    let contexts = read_contexts(json_ld_contexts)?;
    #[cfg(feature = "ldp-vc")]
    for (address, document) in contexts {
        verifier = verifier.json_ld_context(&address, document)?;
    }
    #[cfg(not(feature = "ldp-vc"))]
    refuse_contexts(&contexts)?;
    Ok(verifier)
}

/// JSON-LD contexts by their addresses, as they came from the app.
pub(crate) fn read_contexts(contexts: HashMap<String, String>) -> Result<Vec<(String, Value)>, Error> {
    let read = |(address, document): (String, String)| match json(&document) {
        Some(document) => Ok((address, document)),
        None => Err(setup(&format!("the JSON-LD context {address} is no JSON"))),
    };
    contexts.into_iter().map(read).collect()
}

/// Without `ldp_vc` nothing would ever look at them.
#[cfg(not(feature = "ldp-vc"))]
pub(crate) fn refuse_contexts(contexts: &[(String, Value)]) -> Result<(), Error> {
    if contexts.is_empty() { Ok(()) } else { Err(setup("this build knows no JSON-LD, and takes no contexts for it")) }
}

fn holder_key(text: &str) -> Result<Jwk, Error> {
    let key = json(text).and_then(|key| Jwk::from_value(&key).ok());
    key.ok_or_else(|| setup("a holder key is no public JWK that can be used"))
}

fn json(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

fn setup(detail: &str) -> Error {
    Error::new(ErrorCode::SetupInvalid, detail).at(Operation::Verification)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> VerifyOptions {
        VerifyOptions {
            issuer_keys: None,
            trust_anchors: Vec::new(),
            holder_keys: Vec::new(),
            credential_type: None,
            profile: None,
            policy: Vec::new(),
            at: None,
            clock_skew_seconds: None,
            allow_loopback_http: false,
            json_ld_contexts: HashMap::new(),
        }
    }

    #[tokio::test]
    async fn what_can_not_be_built_on_is_a_setup_error() {
        let context = |document: &str| HashMap::from([(String::from("https://c.example/1"), document.to_owned())]);
        for wrong in [
            VerifyOptions { issuer_keys: Some(String::from("no JSON")), ..options() },
            VerifyOptions { trust_anchors: vec![vec![0x30, 0]], ..options() },
            VerifyOptions { holder_keys: vec![String::from("{}")], ..options() },
            VerifyOptions { json_ld_contexts: context("no JSON"), ..options() },
            VerifyOptions { json_ld_contexts: context("{}"), ..options() },
        ] {
            let refused = verify(String::from("ldp_vc"), b"{}".to_vec(), wrong, None, None).await;
            assert_eq!(refused.err().expect("refused").details().code, "setup_invalid");
        }
        let fine = VerifyOptions {
            json_ld_contexts: context("{\"@context\":{}}"),
            at: Some(0),
            clock_skew_seconds: Some(1),
            profile: Some(Profile::Base),
            ..options()
        };
        let found = verify(String::from("ldp_vc"), b"{}".to_vec(), fine, None, None).await.expect("it looks at it");
        assert_eq!(found.report.verdict, crate::report::Verdict::Rejected);
    }

    #[test]
    fn every_type_crosses_in_both_directions() {
        for kind in [
            CredentialType::Vct { vct: String::from("a") },
            CredentialType::Types { types: vec![String::from("a"), String::from("b")] },
            CredentialType::Doctype { doctype: String::from("a") },
            CredentialType::Unknown,
        ] {
            let core = billfold::model::metadata::CredentialKind::from(kind.clone());
            assert_eq!(CredentialType::from(core), kind);
        }
    }
}
