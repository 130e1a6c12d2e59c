use serde_json::{Value, json};

use super::*;
use crate::dialect::read;
use crate::model::ids::ConfigurationId;

const BOTH: [Algorithm; 2] = [Algorithm::EdDsa, Algorithm::Es256];

/// A configuration out of metadata, with these members.
fn configuration(methods: &[&str], proof_types: Value) -> CredentialConfiguration {
    let mut entry = json!({ "format": "dc+sd-jwt", "vct": "x", "cryptographic_binding_methods_supported": methods });
    if !proof_types.is_null() {
        entry["proof_types_supported"] = proof_types;
    }
    let metadata = json!({
        "credential_issuer": "https://issuer.example",
        "credential_endpoint": "https://issuer.example/credential",
        "credential_configurations_supported": { "X": entry }
    });
    let mut metadata = read::issuer_metadata(&metadata).expect("metadata");
    metadata.credential_configurations_supported.remove(&ConfigurationId::from("X")).expect("it is read")
}

fn jwt(algorithms: &[&str]) -> Value {
    json!({ "jwt": { "proof_signing_alg_values_supported": algorithms } })
}

fn means(binding: Binding) -> Means<'static> {
    Means { algorithms: &BOTH, binding, key_attestation: false, assume_jwt: false, profile: Profile::Base }
}

fn planned(configuration: &CredentialConfiguration, means: &Means<'_>) -> ProofPlan {
    plan(configuration, means).expect("a plan").expect("a proof")
}

fn refused(configuration: &CredentialConfiguration, means: &Means<'_>) -> (ErrorCode, Advice) {
    let error = plan(configuration, means).expect_err("no plan");
    assert_eq!(error.operation(), Some(Operation::Proof));
    (error.code(), error.advice())
}

// covers: META-26, META-29, PROOF-05
#[test]
fn the_plan_follows_the_issuers_lists_and_the_wallets_order() {
    let binding =
        |methods: &[&str], wanted| planned(&configuration(methods, jwt(&["ES256", "EdDSA"])), &means(wanted)).binding;
    assert_eq!(binding(&["did:key", "jwk"], Binding::Auto), Binding::Jwk);
    assert_eq!(binding(&["cose_key"], Binding::Auto), Binding::Jwk);
    assert_eq!(binding(&["did:jwk", "did:key"], Binding::Auto), Binding::DidKey);
    assert_eq!(binding(&["did:jwk"], Binding::Auto), Binding::DidJwk);
    assert_eq!(binding(&["jwk"], Binding::DidJwk), Binding::DidJwk);
    assert_eq!(binding(&["jwk"], Binding::X5c), Binding::X5c);
    let both = configuration(&["jwk"], jwt(&["ES256", "EdDSA"]));
    assert_eq!(planned(&both, &means(Binding::Auto)).algorithm, Algorithm::EdDsa);
    let foreign = configuration(&["did:web", "did:ion"], jwt(&["ES256"]));
    assert_eq!(refused(&foreign, &means(Binding::Auto)).0, ErrorCode::BindingUnsupported);
    let rsa = configuration(&["jwk"], jwt(&["RS256"]));
    assert_eq!(refused(&rsa, &means(Binding::Auto)).0, ErrorCode::NoCommonAlgorithm);
    let unknown = configuration(&["jwk"], json!({ "cwt": { "proof_signing_alg_values_supported": ["ES256"] } }));
    assert_eq!(refused(&unknown, &means(Binding::Auto)).0, ErrorCode::NoCommonAlgorithm);
}

// covers: META-26, META-29, PROOF-05
#[test]
fn a_did_prism_is_made_of_a_key_that_can_have_one() {
    let all = Means { algorithms: &Algorithm::ALL, ..means(Binding::Auto) };
    let prism = ProofPlan { algorithm: Algorithm::Es256k, binding: Binding::DidPrism, form: ProofForm::Jwt };
    // As Identus lists it; and where the issuer would take what the wallet prefers.
    for listed in [&["ES256K"][..], &["ES256", "ES256K"], &["EdDSA", "ES256K"]] {
        assert_eq!(planned(&configuration(&["did:prism"], jwt(listed)), &all), prism, "{listed:?}");
    }
    let chosen = Means { binding: Binding::DidPrism, ..all };
    assert_eq!(planned(&configuration(&["jwk"], jwt(&["ES256", "ES256K"])), &chosen), prism);
    let unlisted = configuration(&["did:prism"], Value::Null);
    assert_eq!(planned(&unlisted, &Means { assume_jwt: true, ..all }), prism);
    // Others come first where the issuer takes them.
    for (methods, binding) in [
        (&["did:prism", "jwk"][..], Binding::Jwk),
        (&["did:prism", "did:key"], Binding::DidKey),
        (&["did:prism", "did:jwk"], Binding::DidJwk),
    ] {
        let plan = planned(&configuration(methods, jwt(&["ES256K", "ES256"])), &all);
        assert_eq!((plan.binding, plan.algorithm), (binding, Algorithm::Es256));
    }
    // Without such keys, or where the issuer takes no proof by them.
    let without = Means { binding: Binding::DidPrism, ..means(Binding::DidPrism) };
    for (listed, means) in [(&["ES256", "ES256K"][..], &without), (&["ES256", "EdDSA"], &all)] {
        let configuration = configuration(&["did:prism"], jwt(listed));
        assert_eq!(refused(&configuration, means).0, ErrorCode::NoCommonAlgorithm, "{listed:?}");
    }
    let none = Means { assume_jwt: true, ..without };
    assert_eq!(refused(&unlisted, &none).0, ErrorCode::NoCommonAlgorithm);
}

// What the wallet prefers does not count against what the issuer takes.
// covers: META-29
#[test]
fn the_only_algorithm_that_the_issuer_takes_is_taken() {
    let all = Means { algorithms: &Algorithm::ALL, ..means(Binding::Auto) };
    for algorithm in Algorithm::ALL {
        let plan = planned(&configuration(&["jwk"], jwt(&["RS256", algorithm.as_str()])), &all);
        assert_eq!((plan.algorithm, plan.binding), (algorithm, Binding::Jwk));
    }
}

// covers: PROOF-01
#[test]
fn an_algorithm_is_named_as_the_issuer_spells_it() {
    let name = |listed: &[&str]| {
        let listed: Vec<_> = listed.iter().map(|&name| name.to_owned()).collect();
        listed_name(Algorithm::EdDsa, &listed)
    };
    assert_eq!(name(&["ES256", "EdDSA"]), "EdDSA");
    assert_eq!(name(&["Ed25519"]), "Ed25519");
    assert_eq!(name(&["Ed25519", "EdDSA"]), "EdDSA");
    assert_eq!(listed_name(Algorithm::Es384, &[]), "ES384");
}

// covers: META-27
#[test]
fn configurations_without_proof_types_get_no_proof() {
    let unbound = configuration(&[], Value::Null);
    for assume_jwt in [false, true] {
        let means = Means { assume_jwt, ..means(Binding::Auto) };
        assert_eq!(plan(&unbound, &means).expect("a plan"), None);
    }
}

// covers: META-28
#[test]
fn binding_without_proof_types_gets_a_jwt_only_if_the_app_says_so() {
    let unlisted = configuration(&["cose_key"], Value::Null);
    assert_eq!(plan(&unlisted, &means(Binding::Auto)).expect("a plan"), None);
    let assuming = Means { assume_jwt: true, ..means(Binding::Auto) };
    let expected = ProofPlan { algorithm: Algorithm::EdDsa, binding: Binding::Jwk, form: ProofForm::Jwt };
    assert_eq!(planned(&unlisted, &assuming), expected);
    let haip = Means { profile: Profile::Haip, ..assuming };
    assert_eq!(planned(&unlisted, &haip).algorithm, Algorithm::Es256);
    let foreign = configuration(&["did:web"], Value::Null);
    assert_eq!(refused(&foreign, &assuming).0, ErrorCode::BindingUnsupported);
}

fn typed(attestation_for_jwt: Option<Value>, attestation: Option<&[&str]>) -> CredentialConfiguration {
    let mut types = jwt(&["ES256"]);
    match attestation_for_jwt {
        Some(required) => types["jwt"]["key_attestations_required"] = required,
        None if attestation.is_some() => types = json!({}),
        None => {}
    }
    if let Some(algorithms) = attestation {
        types["attestation"] = json!({ "proof_signing_alg_values_supported": algorithms });
    }
    configuration(&["jwk"], types)
}

// covers: META-30, HAIP-20
#[test]
fn attestations_are_given_where_they_are_required_and_only_there() {
    let attesting = Means { key_attestation: true, ..means(Binding::Auto) };
    let form = |configuration: &CredentialConfiguration| planned(configuration, &attesting).form;
    assert_eq!(form(&typed(None, None)), ProofForm::Jwt);
    for required in [json!({}), json!({ "key_storage": ["iso_18045_high"] })] {
        let required = typed(Some(required), None);
        assert_eq!(form(&required), ProofForm::AttestedJwt);
        assert_eq!(refused(&required, &means(Binding::Auto)), (ErrorCode::FeatureUnsupported, Advice::FixSetup));
    }
    let only = typed(None, Some(&["ES256"]));
    assert_eq!(form(&only), ProofForm::Attestation);
    assert_eq!(refused(&only, &means(Binding::Auto)), (ErrorCode::FeatureUnsupported, Advice::FixSetup));
    assert_eq!(form(&typed(Some(json!({})), Some(&["ES256"]))), ProofForm::AttestedJwt);
    let mut either = typed(Some(json!({})), Some(&["ES256"]));
    either.proof_types_supported.get_mut("jwt").expect("listed").key_attestations_required = None;
    assert_eq!(form(&either), ProofForm::Jwt);
    // Where the wallet's keys can't sign a `jwt`, an attestation will do.
    either.proof_types_supported.get_mut("jwt").expect("listed").proof_signing_alg_values_supported =
        vec!["ES512".to_owned()];
    assert_eq!(form(&either), ProofForm::Attestation);
}

#[test]
fn the_list_of_the_attestation_type_binds_the_provider_not_the_keys() {
    let attesting = Means { key_attestation: true, ..means(Binding::Auto) };
    assert_eq!(planned(&typed(None, Some(&["PS256"])), &attesting).algorithm, Algorithm::EdDsa);
    assert_eq!(planned(&typed(None, Some(&["ES256"])), &attesting).algorithm, Algorithm::Es256);
}

// covers: HAIP-25
#[test]
fn haip_issuers_take_es256() {
    let haip = Means { profile: Profile::Haip, key_attestation: true, ..means(Binding::Auto) };
    let without = configuration(&["jwk"], jwt(&["EdDSA"]));
    assert_eq!(refused(&without, &haip).0, ErrorCode::ProfileViolated);
    assert_eq!(refused(&typed(None, Some(&["ES384"])), &haip).0, ErrorCode::ProfileViolated);
    assert_eq!(planned(&without, &means(Binding::Auto)).algorithm, Algorithm::EdDsa);
    assert_eq!(planned(&typed(Some(json!({})), None), &haip).form, ProofForm::AttestedJwt);
    assert_eq!(planned(&typed(None, Some(&["ES256"])), &haip).form, ProofForm::Attestation);
}

#[test]
fn plans_of_older_sessions_load_and_look_the_same() {
    let old = json!({ "algorithm": "ES256", "binding": "jwk" });
    let plan: ProofPlan = serde_json::from_value(old.clone()).expect("a plan");
    assert_eq!(plan.form, ProofForm::Jwt);
    assert_eq!(serde_json::to_value(plan).expect("json"), old);
    let plan = ProofPlan { form: ProofForm::Attestation, ..plan };
    let stored = serde_json::to_value(plan).expect("json");
    assert_eq!(serde_json::from_value::<ProofPlan>(stored).expect("a plan"), plan);
}

#[cfg(feature = "ldp-vc")]
mod presentations {
    use super::super::di_vp::Cryptosuite;
    use super::*;

    fn di_vp(suites: &[&str]) -> Value {
        json!({ "di_vp": { "proof_signing_alg_values_supported": suites } })
    }

    // covers: PROOF-18
    #[test]
    fn presentations_are_made_where_nothing_else_is_taken() {
        let all = di_vp(&["ecdsa-rdfc-2019", "eddsa-rdfc-2022", "eddsa-jcs-2022"]);
        let plan = planned(&configuration(&["did:jwk", "did:key"], all.clone()), &means(Binding::Auto));
        let form = ProofForm::DiVp(Cryptosuite::EddsaRdfc2022);
        assert_eq!(plan, ProofPlan { algorithm: Algorithm::EdDsa, binding: Binding::DidKey, form });
        let stored = serde_json::to_value(plan).expect("json");
        assert_eq!(serde_json::from_value::<ProofPlan>(stored).expect("a plan"), plan);
        let by_jwk = configuration(&["did:jwk"], di_vp(&["ecdsa-jcs-2019"]));
        let form = ProofForm::DiVp(Cryptosuite::EcdsaJcs2019);
        let expected = ProofPlan { algorithm: Algorithm::Es256, binding: Binding::DidJwk, form };
        assert_eq!(planned(&by_jwk, &means(Binding::Auto)), expected);
        assert_eq!(planned(&by_jwk, &means(Binding::DidKey)).binding, Binding::DidKey);
        let mut both = all.clone();
        both["jwt"] = json!({ "proof_signing_alg_values_supported": ["ES256"] });
        assert_eq!(planned(&configuration(&["did:key"], both), &means(Binding::Auto)).form, ProofForm::Jwt);
    }

    // covers: PROOF-18
    #[test]
    fn presentations_that_cannot_be_made_are_refused() {
        let refused =
            |methods: &[&str], types: Value, means: &Means<'_>| refused(&configuration(methods, types), means).0;
        let auto = means(Binding::Auto);
        let suite = || di_vp(&["ecdsa-rdfc-2019"]);
        assert_eq!(refused(&["jwk"], suite(), &auto), ErrorCode::BindingUnsupported);
        assert_eq!(refused(&["did:key"], suite(), &means(Binding::Jwk)), ErrorCode::BindingUnsupported);
        assert_eq!(refused(&["did:key"], di_vp(&["bbs-2023"]), &auto), ErrorCode::NoCommonAlgorithm);
        let k256 = Means { algorithms: &[Algorithm::Es256k], ..auto };
        assert_eq!(refused(&["did:key"], suite(), &k256), ErrorCode::NoCommonAlgorithm);
        let haip = Means { profile: Profile::Haip, ..auto };
        assert_eq!(refused(&["did:key"], suite(), &haip), ErrorCode::ProfileViolated);
        let mut attested = suite();
        attested["di_vp"]["key_attestations_required"] = json!({});
        assert_eq!(refused(&["did:key"], attested, &auto), ErrorCode::FeatureUnsupported);
    }
}
