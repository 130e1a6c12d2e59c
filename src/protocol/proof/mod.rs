//! Proofs of possession (OpenID4VCI appendix F): which one is made, agreed before any request.

#[cfg(feature = "ldp-vc")]
pub(crate) mod di_vp;
pub(crate) mod jwt;

use serde::{Deserialize, Serialize};

use crate::error::{Advice, Error, ErrorCode, Operation};
use crate::model::jwk::Algorithm;
use crate::model::metadata::{CredentialConfiguration, ProofType};
use crate::model::profile::Profile;

/// How proofs name their key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Binding {
    /// As the issuer lists it: the key itself where it can, else a DID made of the key.
    #[default]
    Auto,
    /// The key itself, as `jwk`.
    Jwk,
    /// A `did:key` made of it, as `kid`.
    DidKey,
    /// A `did:jwk` made of it, as `kid`.
    DidJwk,
    /// A `did:prism` in its long form made of it, as `kid`. Only keys on secp256k1
    /// ([`Algorithm::Es256k`](crate::model::jwk::Algorithm::Es256k)) can have one; with others
    /// alone, the error is [`ErrorCode::NoCommonAlgorithm`].
    DidPrism,
    /// Its certificates, as `x5c`. The key store has to give them with the key
    /// ([`HolderKey::certificates`](crate::HolderKey::certificates)); a key without them gets no proof, and the
    /// error is [`ErrorCode::SetupInvalid`].
    X5c,
}

/// What was agreed with the metadata before any request: which proof, how keys are bound, with which
/// algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProofPlan {
    /// The holder keys'.
    pub(crate) algorithm: Algorithm,
    /// Never `Auto`.
    pub(crate) binding: Binding,
    #[serde(default, skip_serializing_if = "ProofForm::is_jwt")]
    pub(crate) form: ProofForm,
}

/// The kinds of proof that the wallet makes, the preferred first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProofForm {
    /// One `jwt` a key.
    #[default]
    Jwt,
    /// One `jwt`, with an attestation of all keys in it.
    AttestedJwt,
    /// An attestation of all keys, and nothing signed by them.
    Attestation,
    /// One presentation a key, with a Data Integrity proof.
    #[cfg(feature = "ldp-vc")]
    DiVp(di_vp::Cryptosuite),
}

impl ProofForm {
    /// Its name in `proof_types_supported` and `proofs`.
    pub(crate) fn proof_type(self) -> &'static str {
        match self {
            Self::Jwt | Self::AttestedJwt => "jwt",
            Self::Attestation => "attestation",
            #[cfg(feature = "ldp-vc")]
            Self::DiVp(_) => "di_vp",
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
    fn is_jwt(&self) -> bool {
        *self == Self::Jwt
    }
}

/// What the wallet can prove with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Means<'a> {
    /// The algorithms of its keys, the preferred first.
    pub(crate) algorithms: &'a [Algorithm],
    /// How the app wants keys to be named.
    pub(crate) binding: Binding,
    /// Whether there is somebody who attests keys.
    pub(crate) key_attestation: bool,
    /// Whether to send a `jwt` where an issuer binds to keys and lists no proof types.
    pub(crate) assume_jwt: bool,
    pub(crate) profile: Profile,
}

/// The proof types that the wallet knows, the preferred first.
const PROOF_TYPES: &[&str] = &[
    "jwt",
    "attestation",
    #[cfg(feature = "ldp-vc")]
    "di_vp",
];

fn fail<T>(code: ErrorCode, detail: impl Into<String>) -> Result<T, Error> {
    Err(Error::new(code, detail).at(Operation::Proof))
}

/// Finds a proof that the issuer takes and the wallet can make; `None` when the configuration asks for
/// none.
pub(crate) fn plan(configuration: &CredentialConfiguration, means: &Means<'_>) -> Result<Option<ProofPlan>, Error> {
    let types = &configuration.proof_types_supported;
    if types.is_empty() {
        return assumed(configuration, means);
    }
    let mut problem = None;
    for name in PROOF_TYPES {
        let Some(proof_type) = types.get(*name) else { continue };
        let plan = match *name {
            #[cfg(feature = "ldp-vc")]
            "di_vp" => presentation(proof_type, configuration, means),
            name => plan_for(name, proof_type, configuration, means),
        };
        match plan {
            Ok(plan) => return Ok(Some(plan)),
            // The reason against the kind that is preferred says most.
            Err(error) => drop(problem.get_or_insert(error)),
        }
    }
    let names: Vec<_> = types.keys().map(String::as_str).collect();
    match problem {
        Some(problem) => Err(problem),
        None => fail(
            ErrorCode::NoCommonAlgorithm,
            format!("the issuer takes proofs of the types {} only, which this wallet does not make", names.join(", ")),
        ),
    }
}

/// An issuer that binds to keys and lists no proof type: an omission that its metadata does not help with,
/// so that only the app can say that it takes a `jwt` nevertheless.
fn assumed(configuration: &CredentialConfiguration, means: &Means<'_>) -> Result<Option<ProofPlan>, Error> {
    if configuration.cryptographic_binding_methods_supported.is_empty() || !means.assume_jwt {
        return Ok(None);
    }
    let binding = binding(configuration, means.binding)?;
    Ok(Some(ProofPlan { algorithm: any_algorithm(binding, means)?, binding, form: ProofForm::Jwt }))
}

fn plan_for(
    name: &str,
    proof_type: &ProofType,
    configuration: &CredentialConfiguration,
    means: &Means<'_>,
) -> Result<ProofPlan, Error> {
    let listed = &proof_type.proof_signing_alg_values_supported;
    check_profile(name, listed, means)?;
    let form = match (name, &proof_type.key_attestations_required) {
        ("attestation", _) => ProofForm::Attestation,
        (_, Some(_)) => ProofForm::AttestedJwt,
        (_, None) => ProofForm::Jwt,
    };
    if form != ProofForm::Jwt && !means.key_attestation {
        return fail(
            ErrorCode::FeatureUnsupported,
            format!("the issuer's {name} proofs need a key attestation, and the wallet has no provider that gives one"),
        )
        .map_err(|error| error.advise(Advice::FixSetup));
    }
    let binding = binding(configuration, means.binding)?;
    let algorithm = match form {
        // Here the list is for the attestation's own signature, which the keys have no part in.
        ProofForm::Attestation => {
            common_algorithm(listed, binding, means).or_else(|_| any_algorithm(binding, means))?
        }
        _ => common_algorithm(listed, binding, means)?,
    };
    Ok(ProofPlan { algorithm, binding, form })
}

/// A presentation: its key is named by a DID, and what the issuer lists are cryptosuites.
#[cfg(feature = "ldp-vc")]
fn presentation(
    proof_type: &ProofType,
    configuration: &CredentialConfiguration,
    means: &Means<'_>,
) -> Result<ProofPlan, Error> {
    let listed = &proof_type.proof_signing_alg_values_supported;
    check_profile("di_vp", listed, means)?;
    if proof_type.key_attestations_required.is_some() {
        return fail(
            ErrorCode::FeatureUnsupported,
            "the issuer's di_vp proofs need a key attestation, for which they have no place",
        );
    }
    let methods = &configuration.cryptographic_binding_methods_supported;
    let lists = |method: &str| methods.iter().any(|listed| listed == method);
    let binding = match means.binding {
        Binding::Auto if methods.is_empty() || lists("did:key") => Binding::DidKey,
        Binding::Auto if lists("did:jwk") => Binding::DidJwk,
        chosen @ (Binding::DidKey | Binding::DidJwk) => chosen,
        _ => {
            return fail(
                ErrorCode::BindingUnsupported,
                format!("di_vp proofs name keys by DID, and the issuer binds credentials by {}", methods.join(", ")),
            );
        }
    };
    let mut common = means.algorithms.iter().filter_map(|&algorithm| {
        di_vp::Cryptosuite::listed(algorithm, listed).map(|suite| (algorithm, ProofForm::DiVp(suite)))
    });
    match common.next() {
        Some((algorithm, form)) => Ok(ProofPlan { algorithm, binding, form }),
        None => fail(
            ErrorCode::NoCommonAlgorithm,
            format!("the issuer takes di_vp proofs by {}, which this wallet's keys can't make", listed.join(", ")),
        ),
    }
}

/// Every issuer of the profile takes ES256 (HAIP section 7).
fn check_profile(name: &str, listed: &[String], means: &Means<'_>) -> Result<(), Error> {
    if means.profile.is_haip() && !listed.iter().any(|name| name == Algorithm::Es256.as_str()) {
        return fail(ErrorCode::ProfileViolated, format!("the issuer takes {name} proofs without ES256"));
    }
    Ok(())
}

/// How the key is named, where the issuer lists how credentials can be bound.
fn binding(configuration: &CredentialConfiguration, wanted: Binding) -> Result<Binding, Error> {
    let methods = &configuration.cryptographic_binding_methods_supported;
    let lists = |method: &str| methods.iter().any(|listed| listed == method);
    // An issuer that lists no method and yet wants a proof is taken at its word on the proof. A COSE key is
    // how an mdoc writes down the key; the proof names it as any other.
    let by_jwk = methods.is_empty() || lists("jwk") || lists("cose_key");
    match wanted {
        Binding::Auto if by_jwk => Ok(Binding::Jwk),
        Binding::Auto if lists("did:key") => Ok(Binding::DidKey),
        Binding::Auto if lists("did:jwk") => Ok(Binding::DidJwk),
        Binding::Auto if lists("did:prism") => Ok(Binding::DidPrism),
        Binding::Auto => {
            fail(ErrorCode::BindingUnsupported, format!("the issuer binds credentials by {} only", methods.join(", ")))
        }
        chosen => Ok(chosen),
    }
}

/// The algorithms of the wallet's keys that can be named so, the preferred first.
fn nameable(binding: Binding, means: &Means<'_>) -> impl Iterator<Item = Algorithm> {
    means.algorithms.iter().copied().filter(move |algorithm| match binding {
        Binding::DidPrism => *algorithm == Algorithm::Es256k,
        _ => true,
    })
}

fn common_algorithm(listed: &[String], binding: Binding, means: &Means<'_>) -> Result<Algorithm, Error> {
    let accepted: Vec<_> = listed.iter().filter_map(|name| Algorithm::parse(name)).collect();
    let mut keys = nameable(binding, means);
    match keys.find(|algorithm| accepted.contains(algorithm)) {
        Some(algorithm) => Ok(algorithm),
        None => fail(
            ErrorCode::NoCommonAlgorithm,
            match binding {
                Binding::DidPrism => format!(
                    "keys by did:prism sign with ES256K: the issuer takes proofs by {}, and the key store makes keys \
                     for {}",
                    listed.join(", "),
                    means.algorithms.iter().map(|algorithm| algorithm.as_str()).collect::<Vec<_>>().join(", ")
                ),
                _ => format!("the issuer takes proofs by {}, which this wallet's keys can't make", listed.join(", ")),
            },
        ),
    }
}

/// An algorithm that nobody has a say in.
fn any_algorithm(binding: Binding, means: &Means<'_>) -> Result<Algorithm, Error> {
    let es256 = nameable(binding, means).find(|algorithm| means.profile.is_haip() && *algorithm == Algorithm::Es256);
    match es256.or_else(|| nameable(binding, means).next()) {
        Some(algorithm) => Ok(algorithm),
        None if binding == Binding::DidPrism => {
            fail(ErrorCode::NoCommonAlgorithm, "the key store makes no keys for ES256K, which a did:prism needs")
        }
        None => fail(ErrorCode::NoCommonAlgorithm, "the key store makes no keys"),
    }
}

/// The algorithm's name as the issuer spells it: for Ed25519 there are two.
pub(crate) fn listed_name(algorithm: Algorithm, listed: &[String]) -> &'static str {
    let lists = |name: &str| listed.iter().any(|listed| listed == name);
    match algorithm {
        Algorithm::EdDsa if !lists("EdDSA") && lists("Ed25519") => "Ed25519",
        algorithm => algorithm.as_str(),
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
