//! What issuers that we did not write have answered, as recorded in `tests/fixtures`: it is read, and
//! its credentials verify at the time of the recording.

use serde_json::Value;

use crate::dialect::read;
use crate::format;
use crate::model::credential::CredentialResponse;
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
