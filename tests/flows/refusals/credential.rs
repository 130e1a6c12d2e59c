//! The nonce and credential endpoints (OpenID4VCI sections 7 and 8.3.1, RFC 6750 section 3.1).

use billfold::{Advice, ErrorCode, RequestOutcome, Step};
use billfold_test_issuer::Options;

use super::Stands::{self, Ended, Interrupted};
use super::{Row, assert_complete, refuse, row};
use crate::meddling::meddled;
use crate::world::{SD_JWT, World, code, failure, pre_authorized};

const CREDENTIAL: [Row; 18] = [
    row("credential_request_denied", ErrorCode::CredentialDenied, Advice::GiveUp, 1, Ended),
    // Another token of the same grant is for no more.
    row("insufficient_scope", ErrorCode::TokenRefused, Advice::GetNewOffer, 1, Ended),
    row("invalid_credential_request", ErrorCode::ServerRefused, Advice::TellIssuer, 1, Ended),
    row("invalid_dpop_proof", ErrorCode::DpopRefused, Advice::TellIssuer, 1, Interrupted),
    row("invalid_encryption_parameters", ErrorCode::EncryptionRefused, Advice::TellIssuer, 1, Interrupted),
    // Each of these three with a fresh nonce, once.
    row("invalid_nonce", ErrorCode::NonceRefused, Advice::TellIssuer, 2, Ended),
    row("invalid_or_missing_proof", ErrorCode::ProofRefused, Advice::TellIssuer, 2, Ended),
    row("invalid_proof", ErrorCode::ProofRefused, Advice::TellIssuer, 2, Ended),
    row("invalid_request", ErrorCode::ServerRefused, Advice::TellIssuer, 1, Ended),
    row("invalid_token", ErrorCode::TokenRefused, Advice::GetNewOffer, 1, Ended),
    row("issuance_pending", ErrorCode::ServerRefused, Advice::TellIssuer, 1, Ended),
    row("server_error", ErrorCode::ServerFailed, Advice::Retry, 1, Interrupted),
    row("temporarily_unavailable", ErrorCode::ServerFailed, Advice::Retry, 1, Interrupted),
    row("unknown_credential_configuration", ErrorCode::ConfigurationRefused, Advice::TellIssuer, 1, Ended),
    row("unknown_credential_identifier", ErrorCode::ConfigurationRefused, Advice::GetNewOffer, 1, Ended),
    row("unsupported_credential_format", ErrorCode::ConfigurationRefused, Advice::TellIssuer, 1, Ended),
    row("unsupported_credential_type", ErrorCode::ConfigurationRefused, Advice::TellIssuer, 1, Ended),
    row("use_dpop_nonce", ErrorCode::DpopRefused, Advice::TellIssuer, 2, Interrupted),
];

/// Twice: ahead of the token, and for the proof.
const NONCE: [Row; 3] = [
    row("invalid_request", ErrorCode::ServerRefused, Advice::TellIssuer, 2, Interrupted),
    row("server_error", ErrorCode::ServerFailed, Advice::Retry, 2, Interrupted),
    row("temporarily_unavailable", ErrorCode::ServerFailed, Advice::Retry, 2, Interrupted),
];

// covers: CERR-01, CERR-02, CERR-03, CERR-04, CERR-05, CERR-08, CERR-09, CERR-10, NONCE-06
#[tokio::test]
async fn a_credential_request_that_is_refused_with_each_code() {
    assert_complete("credential", &CREDENTIAL);
    let world = World::new().await;
    for row in CREDENTIAL {
        let issuance = world.open(&pre_authorized(SD_JWT)).await;
        refuse(&world, row.said, "credential");
        row.holds("credential", &world, "/credential", &issuance, issuance.accept().await).await;
        world.issuer.clear_faults();
        if row.stands == Interrupted {
            world.verified(&issuance.proceed().await.expect("it is issued")).await;
        }
        assert_eq!(world.count("/token"), 1, "{}: the token is as good as before", row.said);
        let asked_anew = world.count("/.well-known/openid-credential-issuer");
        let doubts = row.code == ErrorCode::ConfigurationRefused && row.said != "unknown_credential_identifier";
        let doubts = doubts || row.code == ErrorCode::EncryptionRefused;
        assert!(asked_anew <= 2 && (!doubts || asked_anew >= 1), "{}: {:?}", row.said, world.requests());
    }
}

// covers: CERR-01, CERR-04
#[tokio::test]
async fn who_signed_in_begins_again_from_the_same_offer() {
    let world = World::new().await;
    for (said, code_heard) in [
        ("insufficient_scope", ErrorCode::TokenRefused),
        ("invalid_token", ErrorCode::TokenRefused),
        ("unknown_credential_identifier", ErrorCode::ConfigurationRefused),
    ] {
        let offer = world.offer(&code(SD_JWT));
        let issuance = world.wallet().open_offer(&offer.link).await.expect("it opens");
        let redirect = world.sign_in(&issuance.accept().await.expect("a sign-in")).await;
        refuse(&world, said, "credential");
        let expected = row(said, code_heard, Advice::StartOver, 1, Ended);
        expected.holds("code", &world, "/credential", &issuance, issuance.submit_redirect(&redirect).await).await;
        world.issuer.clear_faults();
        let again = world.wallet().open_offer(&offer.link).await.expect("it opens");
        let redirect = world.sign_in(&again.accept().await.expect("a sign-in")).await;
        world.verified(&again.submit_redirect(&redirect).await.expect("it is issued")).await;
    }
}

// covers: CERR-01
#[tokio::test]
async fn a_token_is_renewed_where_that_can_help_and_only_there() {
    for (said, renewed) in [("invalid_token", true), ("insufficient_scope", false)] {
        let world = World::with(Options { refresh_tokens: true, ..Options::default() }).await;
        let issuance = world.open(&pre_authorized(SD_JWT)).await;
        let fault = format!("{}-at-credential", said.replace('_', "-"));
        world.issuer.set_fault_times(&fault, 1).expect("a fault");
        let result = issuance.accept().await;
        if renewed {
            world.verified(&result.expect("it is issued")).await;
        } else {
            let error = failure(result);
            assert_eq!((error.code(), error.advice()), (ErrorCode::TokenRefused, Advice::GetNewOffer));
            assert!(error.detail().contains("not good for this credential"), "{error}");
        }
        let (tokens, requests) = if renewed { (2, 2) } else { (1, 1) };
        assert_eq!((world.count("/token"), world.count("/credential")), (tokens, requests), "{said}");
    }
}

// covers: CERR-01
#[tokio::test]
async fn a_status_without_a_word_is_understood() {
    for (status, path, expected, advice) in [
        (401, "/credential", ErrorCode::TokenRefused, Advice::GetNewOffer),
        (403, "/credential", ErrorCode::TokenRefused, Advice::GetNewOffer),
        (404, "/credential", ErrorCode::ServerRefused, Advice::TellIssuer),
        (401, "/token", ErrorCode::ClientRefused, Advice::TellIssuer),
        (403, "/token", ErrorCode::ServerRefused, Advice::TellIssuer),
    ] {
        let world = World::new().await;
        let wallet = meddled(&world, path, move |_, _| {
            http::Response::builder().status(status).body(Vec::new()).expect("an answer")
        });
        let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
        let error = failure(issuance.accept().await);
        assert_eq!((error.code(), error.advice()), (expected, advice), "{status} at {path}: {error:?}");
        assert_eq!((error.http_status(), error.outcome()), (Some(status), RequestOutcome::Answered));
        assert_eq!(world.count(path), 1, "{status} at {path}");
    }
}

// covers: CERR-02, CERR-11
#[tokio::test]
async fn a_code_that_nobody_knows_is_kept_as_it_is() {
    let world = World::new().await;
    let wallet = meddled(&world, "/credential", |_, _| {
        crate::meddling::answer(
            400,
            &serde_json::json!({ "error": "out_of_paper", "error_description": "tray\u{0} 2\n\u{1b}[31m" }),
        )
    });
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    for error in [failure(issuance.accept().await), failure(issuance.step().await)] {
        assert_eq!((error.code(), error.advice()), (ErrorCode::ServerRefused, Advice::TellIssuer));
        let said = error.server_error().expect("its word");
        assert_eq!(said.error, "out_of_paper");
        let description = said.error_description.as_deref().expect("its words");
        assert!(description.contains("tray") && !description.chars().any(char::is_control), "{description:?}");
    }
}

// covers: NONCE-01
#[tokio::test]
async fn a_nonce_that_is_refused_with_each_code() {
    assert_complete("nonce", &NONCE);
    let world = World::new().await;
    for row in NONCE {
        let issuance = world.open(&pre_authorized(SD_JWT)).await;
        refuse(&world, row.said, "nonce");
        row.holds("nonce", &world, "/nonce", &issuance, issuance.accept().await).await;
        assert_eq!((world.count("/token"), world.count("/credential")), (1, 0), "{}", row.said);
        world.issuer.clear_faults();
        world.verified(&issuance.proceed().await.expect("it is issued")).await;
        assert_eq!((world.count("/token"), world.count("/credential")), (1, 1), "{}", row.said);
    }
}

// covers: CERR-08
#[tokio::test]
async fn one_refusal_leaves_the_other_credentials() {
    let ids = ["UniversityDegree_dc_sd_jwt", "StudentCard_dc_sd_jwt"];
    let world = World::new().await;
    for row in CREDENTIAL.iter().filter(|row| row.stands == Stands::Ended) {
        world.issuer.reset_log();
        let issuance = world.open(&pre_authorized(SD_JWT).configurations(&ids)).await;
        let fault = format!("{}-at-credential", row.said.replace('_', "-"));
        world.issuer.set_fault_times(&fault, u32::try_from(row.requests).expect("few")).expect("a fault");
        let step = issuance.accept().await.expect("the other one is issued");
        let Step::Done { credentials, failures } = step else { panic!("{}: {step:?}", row.said) };
        assert_eq!((credentials.len(), failures.len()), (1, 1), "{}", row.said);
        assert_eq!((failures[0].configuration.as_str(), failures[0].code), (ids[0], row.code), "{}", row.said);
        assert_eq!((world.count("/token"), world.count("/credential")), (1, row.requests + 1), "{}", row.said);
    }
}
