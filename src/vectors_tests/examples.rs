//! The example files of 1.0 and of its first errata, as they lie and with lines joined.

use super::*;
use crate::dialect::form::ProofMember;
use crate::dialect::write::{self, Proofs, Selector};
use crate::dialect::{Dialects, read};
use crate::error::ErrorCode;
use crate::format::{self, Examined};
use crate::model::display::PathStep;
use crate::model::format::Format;
use crate::model::ids::{ConfigurationId, IssuerId};
use crate::model::jwk::Jwk;
use crate::model::key_attestation::AttackPotentialResistance;
use crate::model::metadata::{CredentialKind, SigningAlgorithm};
use crate::model::offer::{InputMode, TxCode};
use crate::model::profile::Profile;
use crate::model::report::{CheckKind, Outcome};
use crate::protocol::authorization::RequestedClaim;
use crate::protocol::proof::{self, Binding, Means};
use crate::verify::did;
use crate::verify::public_key::IssuerPublicKey;
use crate::verify::sd_jwt::SdJwt;
use crate::verify::testing::{World, outcome};

// covers: AUTHZ-02, META-16, META-17, META-18, META-25, META-28, META-31, CLAIM-01
#[test]
fn files_of_1_0() {
    every_file(
        "1.0",
        &[
            ("authorization_details.json", |text| details(text, &["UniversityDegreeCredential"], false)),
            ("authorization_details_jwt_vc_json.json", |text| {
                details(text, &["UniversityDegreeCredential"], false);
                let degree = |name| [PathStep::Key("credentialSubject".into()), PathStep::Key(name)];
                assert_eq!(claim_paths(text), ["given_name", "family_name", "degree"].map(|n| degree(n.into())));
            }),
            ("authorization_details_ldp_vc.json", |text| {
                details(text, &["UniversityDegree_LDP_VC"], false);
                assert_eq!(claim_paths(text).len(), 3);
            }),
            ("authorization_details_mso_doc.json", |text| {
                details(text, &["org.iso.18013.5.1.mDL"], false);
                let organ_donor = ["org.iso.18013.5.1.aamva", "organ_donor"].map(|key| PathStep::Key(key.to_owned()));
                assert_eq!(claim_paths(text)[3], organ_donor);
            }),
            ("authorization_details_multiple_credentials.json", |text| {
                details(text, &["UniversityDegreeCredential", "org.iso.18013.5.1.mDL"], false);
            }),
            ("authorization_details_sd_jwt_vc.json", |text| {
                details(text, &["PID_SD_JWT_VC"], false);
                assert_eq!(claim_paths(text).len(), 2);
            }),
            ("authorization_details_with_as.json", |text| details(text, &["UniversityDegreeCredential"], true)),
            ("credential_issuer_metadata_sd_jwt_jwt.txt", |text| assert!(Jws::parse(text.trim()).is_err())),
            ("credential_issuer_metadata_sd_jwt_long.json", long_metadata),
            ("credential_metadata_jwt_vc_json.json", |text| {
                let card = fragment(text, "UniversityDegreeCredential");
                assert_eq!(card.format, Format::JwtVcJson);
                assert_eq!(card.scope.as_deref(), Some("UniversityDegree"));
                assert_eq!(card.cryptographic_binding_methods_supported, ["did:example"]);
                assert_eq!(card.proof_types_supported["jwt"].proof_signing_alg_values_supported, ["ES256"]);
                let last = card.claims.last().expect("claims");
                assert!(last.mandatory && !card.claims[0].mandatory);
                assert_eq!(last.display[0].name.as_deref(), Some("GPA"));
                // Nobody here makes keys of that DID method.
                let refused = plan(&card).expect_err("it can't be bound");
                assert_eq!(refused.code(), ErrorCode::BindingUnsupported);
            }),
            ("credential_metadata_ldp_vc.json", |text| {
                let card = fragment(text, "UniversityDegree_LDP_VC");
                assert!(matches!(&card.kind, CredentialKind::Types(types) if types.len() == 2));
                assert_eq!(card.scope, None, "it can be asked for by details only");
                let signed = SigningAlgorithm::Name("Ed25519Signature2018".to_owned());
                assert_eq!(card.credential_signing_alg_values_supported, [signed]);
                no_proof_is_made_up(&card);
            }),
            ("credential_metadata_mso_mdoc.json", |text| {
                let card = fragment(text, "org.iso.18013.5.1.mDL");
                assert_eq!(card.kind, CredentialKind::Doctype("org.iso.18013.5.1.mDL".to_owned()));
                assert_eq!(
                    card.credential_signing_alg_values_supported,
                    [SigningAlgorithm::Cose(-7), SigningAlgorithm::Cose(-9)]
                );
                assert_eq!(card.display[1].name.as_deref(), Some("モバイル運転免許証"));
                assert_eq!(card.claims.len(), 4);
                assert_eq!(card.scope, None);
                no_proof_is_made_up(&card);
            }),
            ("credential_metadata_sd_jwt_vc.json", |text| {
                let card = fragment(text, "SD_JWT_VC_example_in_OpenID4VCI");
                assert_eq!(card.kind, CredentialKind::Vct("SD_JWT_VC_example_in_OpenID4VCI".to_owned()));
                assert_eq!(card.claims.len(), 13);
                let street = ["address", "street_address"].map(|key| PathStep::Key(key.to_owned()));
                assert_eq!(card.claims[5].path, street);
                wants_attested_keys(&card);
            }),
            ("credential_offer_authz_code.txt", |text| {
                let offer =
                    crate::protocol::offer::response(&answer(text, None), Dialects::Any).expect("an offer").offer;
                assert!(offer.grants.authorization_code.is_some());
            }),
            ("credential_offer_by_reference.json", |text| {
                assert_eq!(tx_code(text, &["UniversityDegree_LDP_VC"]), TxCode::default());
            }),
            ("credential_offer_multiple_credentials.json", |text| {
                let tx_code = tx_code(text, &["UniversityDegreeCredential", "org.iso.18013.5.1.mDL"]);
                assert_eq!((tx_code.input_mode, tx_code.length), (InputMode::Numeric, Some(4)));
                assert!(tx_code.description.is_some_and(|text| text.contains("via e-mail")));
            }),
            ("credential_offer_pre-authz_code.json", |text| {
                let tx_code = tx_code(text, &["UniversityDegreeCredential"]);
                assert_eq!((tx_code.input_mode, tx_code.length), (InputMode::Numeric, None));
                assert!(tx_code.description.is_some_and(|text| text.contains("via SMS")));
            }),
            ("credential_request_iso_mdl.json", |text| {
                // Left over from an older text: no request has these members any more.
                let id = ConfigurationId::from("org.iso.18013.5.1.mDL");
                let sent = write::credential_request(
                    Selector::Configuration(&id),
                    &Proofs::Jwt(vec!["a.b.c".to_owned()]),
                    ProofMember::Proofs,
                );
                for gone in ["format", "doctype"] {
                    assert!(value(text).get(gone).is_some() && sent.get(gone).is_none());
                }
            }),
            ("credential_response_jwt_vc_json.txt", |text| no_json(&message(&text.replace("\n  \n", "\n\n")).2)),
            ("credential_response_ldp_vc.txt", |text| no_json(&message(text).2)),
            ("credential_response_mso_mdoc.txt", |text| shortened_mdoc(&message(text).2)),
            ("credential_response_sd_jwt_vc.txt", |text| no_json(&message(text).2)),
            ("issuer_jwks.json", no_json),
            ("wallet_attestation.jwt.txt", |text| assert!(Jws::parse(text.trim()).is_err())),
        ],
    );
}

// covers: META-16, META-17
#[test]
fn files_of_the_errata() {
    every_file(
        "1.0-errata1",
        &[("credential_issuer_metadata_sd_jwt_long.json", long_metadata), ("issuer_jwks.json", no_json)],
    );
}

/// The files of the folder with derived examples that were made of the ones above.
pub(super) const DERIVED: &[(&str, Expectation)] = &[
    ("1.0-errata1__issuer_jwks.body.json", |text| {
        let keys = &value(text)["jwks"]["keys"];
        assert!(Jwk::from_value(&keys[0]).is_ok(), "{keys}");
    }),
    ("1.0__credential_issuer_metadata_sd_jwt_jwt.txt", |text| {
        let (payload, chain) = signed(text, "openidvci-issuer-metadata+jwt");
        assert_eq!((&payload["sub"], payload.get("iss"), payload.get("exp")), (&json!(ISSUER), None, None));
        let metadata = read::issuer_metadata(&payload).expect("metadata");
        assert_eq!(metadata.credential_issuer.as_str(), ISSUER);
        assert_eq!(metadata.credential_configurations_supported.len(), 1);
        assert!(chain.is_self_signed(), "nobody vouches for it");
    }),
    ("1.0__credential_offer_authz_code.body.json", |text| {
        let offer = read::offer(&value(text)).expect("an offer");
        let grant = offer.grants.authorization_code.expect("the code grant");
        assert_eq!(grant.issuer_state.expect("a state").expose(), "eyJhbGciOiJSU0Et...FYUaBy");
        assert!(offer.grants.pre_authorized_code.is_none());
    }),
    ("1.0__credential_response_jwt_vc_json.body.json", jwt_credential),
    ("1.0__credential_response_ldp_vc.body.json", |text| {
        let raw = only_credential(text);
        assert!(raw.is_object());
        let examined = examine("ldp_vc", &raw, &World::default());
        // Nobody has the issuer's key.
        assert!(matches!(outcome(&examined.checks, CheckKind::Signature), Outcome::Unknown(_)));
        assert_eq!(outcome(&examined.checks, CheckKind::Validity), Outcome::Passed, "{:?}", examined.checks);
        assert_eq!(examined.claims["credentialSubject"]["degree"]["type"], "BachelorDegree");
    }),
    ("1.0__credential_response_mso_mdoc.body.json", shortened_mdoc),
    ("1.0__credential_response_sd_jwt_vc.body.json", |text| {
        let raw = only_credential(text);
        let sd_jwt = SdJwt::split(raw.as_str().expect("text")).expect("an SD-JWT");
        assert!(raw.as_str().is_some_and(|text| text.ends_with('~')) && sd_jwt.key_binding.is_none());
        assert_eq!(sd_jwt.disclosures.len(), 9);
        let vct = "https://credentials.example.com/identity_credential";
        let kind = Some(CredentialKind::Vct(vct.to_owned()));
        let examined = examine("dc+sd-jwt", &raw, &World { kind, ..World::default() });
        for kind in [CheckKind::Digests, CheckKind::Type, CheckKind::Validity] {
            assert_eq!(outcome(&examined.checks, kind), Outcome::Passed, "{:?}", examined.checks);
        }
        assert!(examined.bound_key.is_some());
        assert_eq!(examined.claims["given_name"], "John");
    }),
    ("1.0__wallet_attestation.jwt.txt", |text| {
        let (payload, _) = signed(text, "oauth-client-attestation+jwt");
        assert_eq!(payload["sub"], "https://wallet.example.com");
        assert!(payload["iss"].is_string() && Jwk::from_value(&payload["cnf"]["jwk"]).is_ok());
        assert!(payload["exp"].as_i64().is_some_and(|end| end < crate::verify::testing::NOW), "it ended in 2025");
    }),
];

/// What we send for these configurations, and for the claims that the file names, is what the file holds.
fn details(text: &str, ids: &[&str], located: bool) {
    let expected = value(text);
    let wanted = |path| RequestedClaim { path, mandatory: false };
    let claims: Vec<_> = claim_paths(text).into_iter().map(wanted).collect();
    let of_the_first = (!claims.is_empty()).then(|| (ConfigurationId::from(ids[0]), claims));
    let ids: Vec<ConfigurationId> = ids.iter().map(|id| ConfigurationId::from(*id)).collect();
    let issuer = IssuerId::parse(ISSUER).expect("legal");
    let sent = write::authorization_details(&ids, &of_the_first.into_iter().collect(), located.then_some(&issuer));
    assert_eq!(sent, expected);
}

fn claim_paths(text: &str) -> Vec<Vec<PathStep>> {
    let details = value(text);
    let claims = details[0]["claims"].as_array().map(Vec::as_slice).unwrap_or_default();
    claims.iter().map(|claim| serde_json::from_value(claim["path"].clone()).expect("a path")).collect()
}

/// The big example of issuer metadata. In 1.0 its `jwks` is an array of keys, in the errata a key set.
fn long_metadata(text: &str) {
    let metadata = read::issuer_metadata(&value(text)).expect("metadata");
    assert!(metadata.unreadable.is_empty());
    assert_eq!(metadata.authorization_servers, [IssuerId::parse("https://server.example.com").expect("legal")]);
    assert_eq!(metadata.credential_endpoint.path(), "/credential");
    assert!(metadata.nonce_endpoint.is_some() && metadata.notification_endpoint.is_some());
    assert!(metadata.deferred_credential_endpoint.is_some());
    assert_eq!(metadata.batch_size, 10);
    assert_eq!(metadata.display[1].name.as_deref(), Some("Example Université"));
    assert!(metadata.credential_request_encryption.is_some_and(|requests| requests.encryption_required));
    assert!(metadata.credential_response_encryption.is_some_and(|answers| answers.encryption_required));
    let card = &metadata.credential_configurations_supported[&"SD_JWT_VC_example_in_OpenID4VCI".into()];
    assert_eq!(card.claims.len(), 13);
    wants_attested_keys(card);
}

/// A configuration that stands without its issuer, which is no metadata.
fn fragment(text: &str, id: &str) -> crate::model::metadata::CredentialConfiguration {
    let fragment = value(text);
    let refused = read::issuer_metadata(&fragment).expect_err("there is no issuer");
    assert_eq!(refused.path, "credential_issuer");
    around(&fragment).credential_configurations_supported.remove(&id.into()).expect("the configuration")
}

fn plan(card: &crate::model::metadata::CredentialConfiguration) -> Result<Option<proof::ProofPlan>, Error> {
    let means = Means {
        algorithms: &crate::model::jwk::Algorithm::ALL,
        binding: Binding::Auto,
        key_attestation: false,
        assume_jwt: false,
        profile: Profile::Base,
    };
    proof::plan(card, &means)
}

/// A binding method without a proof type: which proof is wanted is not known, and none is made up.
fn no_proof_is_made_up(card: &crate::model::metadata::CredentialConfiguration) {
    assert!(!card.cryptographic_binding_methods_supported.is_empty() && card.proof_types_supported.is_empty());
    assert_eq!(plan(card).expect("a plan"), None);
}

fn wants_attested_keys(card: &crate::model::metadata::CredentialConfiguration) {
    let required = card.proof_types_supported["jwt"].key_attestations_required.as_ref().expect("levels");
    assert_eq!(required.key_storage, [AttackPotentialResistance::Moderate]);
    assert_eq!(required.user_authentication, [AttackPotentialResistance::Moderate]);
}

/// The transaction code of an offer with the pre-authorized grant.
fn tx_code(text: &str, ids: &[&str]) -> TxCode {
    let offer = read::offer(&value(text)).expect("an offer");
    assert_eq!(offer.credential_issuer.as_str(), ISSUER);
    assert_eq!(offer.credential_configuration_ids.iter().map(ConfigurationId::as_str).collect::<Vec<_>>(), ids);
    let grant = offer.grants.pre_authorized_code.expect("the pre-authorized grant");
    assert!(!grant.pre_authorized_code.expose().is_empty());
    grant.tx_code.expect("a code is wanted")
}

fn only_credential(text: &str) -> Value {
    match credentials(&body(200, text), Operation::Credential).expect("an answer") {
        CredentialResponse::Issued { credentials, notification_id: None, .. } if credentials.len() == 1 => {
            credentials.into_iter().next().expect("one")
        }
        other => panic!("{other:?}"),
    }
}

fn examine(format: &str, raw: &Value, world: &World) -> Examined {
    block_on(format::reader(&Format::from(format.to_owned())).examine(raw, &world.context()))
}

/// Its bytes are cut short in print.
fn shortened_mdoc(text: &str) {
    let raw = only_credential(text);
    assert!(raw.as_str().is_some_and(|text| text.contains("...")));
    let examined = examine("mso_mdoc", &raw, &World::default());
    assert_eq!(outcome(&examined.checks, CheckKind::Signature), Outcome::Failed);
}

/// Signed by the key that the errata publish, and bound to a did:jwk.
fn jwt_credential(text: &str) {
    let raw = only_credential(text);
    let keys = value(&other("1.0-derived", "1.0-errata1__issuer_jwks.body.json"))["jwks"].take();
    let jws = Jws::parse(raw.as_str().expect("text")).expect("a JWT");
    let payload = json::parse(&jws.payload).expect("JSON");
    let holder = payload["vc"]["credentialSubject"]["id"].as_str().expect("a holder");
    let issuer = IssuerId::parse(ISSUER).expect("legal");
    let kind = ["VerifiableCredential", "UniversityDegreeCredential"].map(str::to_owned);
    let world = World {
        credential_issuer: Some(issuer),
        issuer_jwks: Some(keys),
        kind: Some(CredentialKind::Types(kind.into())),
        holder_keys: vec![
            did::self_contained(holder).and_then(Result::ok).and_then(IssuerPublicKey::into_jwk).expect("a did:jwk"),
        ],
        ..World::default()
    };
    let examined = examine("jwt_vc_json", &raw, &world);
    for kind in [CheckKind::Signature, CheckKind::IssuerKey, CheckKind::Type, CheckKind::HolderBinding] {
        assert_eq!(outcome(&examined.checks, kind), Outcome::Passed, "{:?}", examined.checks);
    }
}
