//! What issuers that we did not write have answered, as recorded in `tests/fixtures`: it is read, and
//! its credentials verify at the time of the recording.

use serde_json::Value;

use crate::dialect::form::RequestForm;
use crate::dialect::{self, Basis, Dialects, read};
use crate::format;
use crate::model::credential::CredentialResponse;
use crate::model::ids::IssuerId;
use crate::model::report::{CheckKind, Outcome, Report, Verdict, VerificationPolicy};
use crate::model::time::Timestamp;
use crate::verify::testing::{Documents, World};
use crate::verify::x509::TrustAnchors;

/// 2026-11-22T00:00:00Z, within the week that the recorded credentials are valid.
const RECORDED: i64 = 1_795_305_600;

fn fixture(name: &str) -> Value {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    let bytes = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_slice(&bytes).expect("a fixture is JSON")
}

#[test]
fn keycloaks_messages_are_read() {
    let folder = |name: &str| fixture(&format!("keycloak-26.7.3/{name}.json"));
    let issuer = read::issuer_metadata(&folder("issuer-metadata.final")).expect("metadata");
    assert!(issuer.unreadable.is_empty(), "{:?}", issuer.unreadable);
    assert!(issuer.nonce_endpoint.is_some());
    assert_eq!(issuer.authorization_servers.len(), 1);
    let server = read::authorization_server_metadata(&folder("server-metadata.pruned")).expect("metadata");
    assert!(server.pushed_authorization_request_endpoint.is_some());
    assert!(server.authorization_response_iss_parameter_supported);
    let offer = read::offer(&folder("offer.authorization-code")).expect("an offer");
    assert!(offer.grants.authorization_code.is_some_and(|grant| grant.issuer_state.is_some()));
    let offer = read::offer(&folder("offer.pre-authorized")).expect("an offer");
    assert!(offer.grants.pre_authorized_code.is_some_and(|grant| grant.tx_code.is_none()));
    for name in ["token.authorization-code", "token.pre-authorized"] {
        let token = read::token(&folder(name), Timestamp::from_seconds(RECORDED)).expect("a token");
        assert!(!token.authorized[0].credential_identifiers.is_empty(), "{name}");
    }
    assert!(read::nonce(&folder("nonce.final")).is_ok());
}

#[tokio::test]
async fn keycloaks_credentials_verify() {
    let folder = |name: &str| fixture(&format!("keycloak-26.7.3/{name}.json"));
    let issuer = read::issuer_metadata(&folder("issuer-metadata.final")).expect("metadata");
    let keys = issuer.credential_issuer.well_known("jwt-vc-issuer");
    for (name, format) in [("credential.sd-jwt", "dc+sd-jwt"), ("credential.jwt", "jwt_vc_json")] {
        let answer = read::credential_response(&folder(name)).expect("an answer");
        let CredentialResponse::Issued { credentials, .. } = answer else { panic!("{name} is deferred") };
        let configuration = issuer
            .credential_configurations_supported
            .values()
            .find(|one| one.format.as_str() == format && one.scope.as_deref().is_some_and(|s| s.starts_with("library")))
            .expect("the configuration that was recorded");
        let mut world = World {
            credential_issuer: Some(issuer.credential_issuer.clone()),
            issuer_jwks: None,
            kind: Some(configuration.kind.clone()),
            now: RECORDED,
            documents: Documents::default().with(keys.as_str(), folder("jwt-vc-issuer.jwks")),
            ..World::default()
        };
        let known = format::find(&configuration.format).expect("a known format");
        // The keys of the wallet that asked were not recorded.
        world.holder_keys.extend(known.examine(&credentials[0], &world.context()).await.bound_key);
        let examined = known.examine(&credentials[0], &world.context()).await;
        let report = Report::judge(&examined.checks, &VerificationPolicy::default());
        assert_eq!(report.verdict, Verdict::Verified, "{name}: {report:#?}");
        for kind in [CheckKind::Signature, CheckKind::IssuerKey, CheckKind::Type, CheckKind::Issuer] {
            assert_eq!(report.check(kind).map(|check| check.outcome), Some(Outcome::Passed), "{name}: {kind}");
        }
        assert!(examined.expires_at.is_some());
    }
}

#[test]
fn credos_messages_are_read() {
    let folder = |name: &str| fixture(&format!("credo-0.6.3/{name}.json"));
    let issuer = read::issuer_metadata(&folder("issuer-metadata.final")).expect("metadata");
    assert!(issuer.unreadable.is_empty(), "{:?}", issuer.unreadable);
    assert!(issuer.nonce_endpoint.is_some() && issuer.deferred_credential_endpoint.is_some());
    let server = read::authorization_server_metadata(&folder("server-metadata.final")).expect("metadata");
    assert!(server.pre_authorized_grant_anonymous_access_supported);
}

#[tokio::test]
async fn credos_credentials_verify() {
    let folder = |name: &str| fixture(&format!("credo-0.6.3/{name}.json"));
    let issuer = read::issuer_metadata(&folder("issuer-metadata.final")).expect("metadata");
    let trust = folder("trust");
    let trust = TrustAnchors::from_pem(trust.as_str().expect("PEM").as_bytes()).expect("an anchor");
    for format in ["dc+sd-jwt", "mso_mdoc", "jwt_vc_json"] {
        let answer = read::credential_response(&folder(&format!("credential.{format}"))).expect("an answer");
        let CredentialResponse::Issued { credentials, .. } = answer else { panic!("{format} is deferred") };
        let mut configurations = issuer.credential_configurations_supported.values();
        let configuration = configurations.find(|one| one.format.as_str() == format).expect("one of that format");
        let known = format::find(&configuration.format).expect("a known format");
        // Its JWT is signed by a did:key, which no certificate vouches for.
        let trust = if format == "jwt_vc_json" { TrustAnchors::default() } else { trust.clone() };
        let mut world = World {
            credential_issuer: Some(issuer.credential_issuer.clone()),
            kind: Some(configuration.kind.clone()),
            now: RECORDED,
            trust,
            ..World::default()
        };
        // The keys of the wallet that asked were not recorded.
        world.holder_keys.extend(known.examine(&credentials[0], &world.context()).await.bound_key);
        assert_eq!(world.holder_keys.len(), 1, "{format}");
        let examined = known.examine(&credentials[0], &world.context()).await;
        let report = Report::judge(&examined.checks, &VerificationPolicy::default());
        assert_eq!(report.verdict, Verdict::Verified, "{format}: {report:#?}");
        assert_eq!(report.failed(), []);
        for kind in [CheckKind::Signature, CheckKind::IssuerKey, CheckKind::Type, CheckKind::HolderBinding] {
            assert_eq!(report.check(kind).map(|check| check.outcome), Some(Outcome::Passed), "{format}: {kind}");
        }
    }
}

#[test]
fn credos_answers_to_both_grants_are_read() {
    let folder = |name: &str| fixture(&format!("credo-0.6.3/{name}.json"));
    assert!(read::offer(&folder("offer.authorization-code")).expect("an offer").grants.authorization_code.is_some());
    assert!(read::offer(&folder("offer.pre-authorized")).expect("an offer").grants.pre_authorized_code.is_some());
    let now = Timestamp::from_seconds(RECORDED);
    for (name, refreshes) in [("authorization-code", false), ("pre-authorized", false), ("refresh", true)] {
        let token = read::token(&folder(&format!("token.{name}")), now).expect("a token");
        assert_eq!(token.refresh_token.is_some(), refreshes, "{name}");
        assert!(token.authorized.is_empty(), "{name}");
    }
    assert!(read::pushed_authorization(&folder("pushed-authorization")).is_ok());
    let count = |name: &str, dialects: Dialects| match dialect::credential(&folder(name), dialects).ok()?.response {
        CredentialResponse::Issued { credentials, .. } => Some(credentials.len()),
        CredentialResponse::Deferred { .. } => Some(0),
    };
    assert_eq!(count("credential.three-copies", Dialects::Strict), Some(3));
    assert_eq!(count("credential.deferred", Dialects::Strict), Some(0));
    assert_eq!(count("deferred.pending", Dialects::Strict), Some(0));
    // What it answers after an offer that has old members beside the new ones.
    let mixed = dialect::offer(&folder("offer.old-and-new"), Dialects::Any).expect("an offer").offer;
    assert_eq!(mixed.credential_configuration_ids.len(), 1);
    assert_eq!(count("credential.bare-strings", Dialects::Any), Some(1));
    assert_eq!(count("credential.bare-strings", Dialects::Strict), None);
}

/// Issuers that do not speak 1.0: what a request would look like, and the recorded credentials.
const OLDER: [(&str, RequestForm, Basis, &[&str]); 3] = [
    ("sphereon-0.20.1", RequestForm::FINAL, Basis::Evidence, &["credential.sd-jwt", "credential.jwt"]),
    ("sphereon-0.14.0", RequestForm::FINAL, Basis::Nothing, &["credential.sd-jwt", "credential.jwt"]),
    ("credibil-0.1.0", RequestForm::OLD, Basis::Evidence, &["credential.jwt", "deferred.ready"]),
];

fn older(peer: &str, name: &str) -> Value {
    fixture(&format!("{peer}/{name}.json"))
}

fn read_older(peer: &str) -> dialect::ReadIssuer {
    let document = older(peer, "issuer-metadata");
    let asked = IssuerId::parse(document["credential_issuer"].as_str().expect("an issuer")).expect("an address");
    dialect::issuer_metadata(&document, &asked, Dialects::Any).expect("metadata")
}

#[test]
fn messages_of_older_issuers_are_read() {
    let now = Timestamp::from_seconds(RECORDED);
    for (peer, form, basis, _) in OLDER {
        let issuer = read_older(peer);
        assert!(issuer.metadata.unreadable.is_empty(), "{peer}: {:?}", issuer.metadata.unreadable);
        assert_eq!((issuer.quirks.request, issuer.quirks.basis), (form, basis), "{peer}");
        assert!(issuer.metadata.notification_endpoint.is_some(), "{peer}");
        let offer = dialect::offer(&older(peer, "offer.pre-authorized"), Dialects::Any).expect("an offer").offer;
        assert_eq!(offer.credential_issuer, issuer.metadata.credential_issuer, "{peer}");
        let token = dialect::token(&older(peer, "token.pre-authorized"), now, false, Dialects::Any).expect("a token");
        assert!(token.c_nonce.is_some(), "{peer}");
    }
    // Who has its token endpoint in the issuer metadata has no other place for it.
    assert!(read_older("sphereon-0.14.0").server.is_some());
    let server = older("sphereon-0.20.1", "server-metadata");
    assert!(read::authorization_server_metadata(&server).is_ok());
    // Wrapped, and with relative addresses.
    let issuer = read_older("credibil-0.1.0").metadata.credential_issuer;
    let server = older("credibil-0.1.0", "server-metadata");
    assert!(dialect::server_metadata(&server, &issuer, Dialects::Strict).is_err());
    let server = dialect::server_metadata(&server, &issuer, Dialects::Any).expect("metadata").metadata;
    assert_eq!(server.issuer, issuer);
    assert!(server.token_endpoint.as_str().starts_with(issuer.as_str()));
    let code = older("credibil-0.1.0", "offer.authorization-code");
    assert!(dialect::offer(&code, Dialects::Strict).is_err());
    assert!(dialect::offer(&code, Dialects::Any).is_ok_and(|read| read.offer.grants.authorization_code.is_some()));
}

#[tokio::test]
async fn credentials_of_older_issuers_verify() {
    for (peer, _, _, names) in OLDER {
        let issuer = read_older(peer).metadata;
        let keys = issuer.credential_issuer.well_known("jwt-vc-issuer");
        for name in names {
            let answer = older(peer, name);
            let is_final = answer.get("credentials").is_some();
            assert_eq!(dialect::credential(&answer, Dialects::Strict).is_ok(), is_final, "{peer}: {name}");
            let read = dialect::credential(&answer, Dialects::Any).expect("an answer");
            let CredentialResponse::Issued { credentials, .. } = read.response else { panic!("{peer}: {name}") };
            let is_sd_jwt = name.ends_with("sd-jwt");
            let mut configurations = issuer.credential_configurations_supported.values();
            let configuration = configurations.find(|one| one.format.as_str().ends_with("sd-jwt") == is_sd_jwt);
            let configuration = configuration.expect("one of that format");
            let known = format::find(&configuration.format).expect("a known format");
            let mut world = World {
                credential_issuer: Some(issuer.credential_issuer.clone()),
                issuer_jwks: None,
                kind: Some(configuration.kind.clone()),
                now: RECORDED,
                documents: Documents::default().with(keys.as_str(), older(peer, "jwt-vc-issuer.jwks")),
                ..World::default()
            };
            // The keys of the wallet that asked were not recorded.
            world.holder_keys.extend(known.examine(&credentials[0], &world.context()).await.bound_key);
            assert_eq!(world.holder_keys.len(), 1, "{peer}: {name}");
            let examined = known.examine(&credentials[0], &world.context()).await;
            let report = Report::judge(&examined.checks, &VerificationPolicy::default());
            assert_eq!(report.verdict, Verdict::Verified, "{peer}: {name}: {report:#?}");
            for kind in [CheckKind::Signature, CheckKind::IssuerKey, CheckKind::Type, CheckKind::HolderBinding] {
                let outcome = report.check(kind).map(|check| check.outcome);
                assert_eq!(outcome, Some(Outcome::Passed), "{peer}: {name}: {kind}");
            }
        }
    }
}
