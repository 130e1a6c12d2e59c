//! Pushed requests and error redirects (OpenID4VCI section 5.3, RFC 9126 section 2.3, RFC 6749
//! section 4.1.2.1).

use billfold::{Advice, ErrorCode, Step};
use billfold_test_issuer::{ClientAuth, Options, Par};

use super::Stands::{Interrupted, Review};
use super::{Row, assert_complete, refuse, row};
use crate::attester::Provider;
use crate::world::{SD_JWT, World, code, failure};

const PAR: [Row; 17] = [
    row("access_denied", ErrorCode::AccessDenied, Advice::GiveUp, 1, Review),
    row("invalid_authorization_details", ErrorCode::AuthorizationRefused, Advice::StartOver, 1, Review),
    row("invalid_client", ErrorCode::ClientRefused, Advice::FixSetup, 1, Review),
    row("invalid_client_attestation", ErrorCode::AttestationRefused, Advice::FixSetup, 1, Review),
    row("invalid_dpop_proof", ErrorCode::DpopRefused, Advice::TellIssuer, 1, Review),
    row("invalid_request", ErrorCode::AuthorizationRefused, Advice::StartOver, 1, Review),
    row("invalid_request_object", ErrorCode::AuthorizationRefused, Advice::TellIssuer, 1, Review),
    row("invalid_scope", ErrorCode::AuthorizationRefused, Advice::StartOver, 1, Review),
    row("invalid_target", ErrorCode::AuthorizationRefused, Advice::StartOver, 1, Review),
    row("request_not_supported", ErrorCode::AuthorizationRefused, Advice::TellIssuer, 1, Review),
    row("server_error", ErrorCode::ServerFailed, Advice::Retry, 1, Interrupted),
    row("temporarily_unavailable", ErrorCode::ServerFailed, Advice::Retry, 1, Interrupted),
    row("unauthorized_client", ErrorCode::ClientRefused, Advice::FixSetup, 1, Review),
    row("unsupported_response_type", ErrorCode::AuthorizationRefused, Advice::TellIssuer, 1, Review),
    row("use_attestation_challenge", ErrorCode::AttestationRefused, Advice::FixSetup, 1, Review),
    row("use_dpop_nonce", ErrorCode::DpopRefused, Advice::TellIssuer, 2, Review),
    row("use_fresh_attestation", ErrorCode::AttestationRefused, Advice::FixSetup, 1, Review),
];

const REDIRECT: [Row; 17] = [
    row("access_denied", ErrorCode::AccessDenied, Advice::GiveUp, 0, Review),
    row("account_selection_required", ErrorCode::InteractionRequired, Advice::SignInAgain, 0, Review),
    row("consent_required", ErrorCode::InteractionRequired, Advice::SignInAgain, 0, Review),
    row("interaction_required", ErrorCode::InteractionRequired, Advice::SignInAgain, 0, Review),
    row("invalid_authorization_details", ErrorCode::AuthorizationRefused, Advice::StartOver, 0, Review),
    row("invalid_request", ErrorCode::AuthorizationRefused, Advice::StartOver, 0, Review),
    row("invalid_request_object", ErrorCode::AuthorizationRefused, Advice::TellIssuer, 0, Review),
    row("invalid_request_uri", ErrorCode::AuthorizationRefused, Advice::SignInAgain, 0, Review),
    row("invalid_scope", ErrorCode::AuthorizationRefused, Advice::StartOver, 0, Review),
    row("invalid_target", ErrorCode::AuthorizationRefused, Advice::StartOver, 0, Review),
    row("login_required", ErrorCode::InteractionRequired, Advice::SignInAgain, 0, Review),
    row("request_not_supported", ErrorCode::AuthorizationRefused, Advice::TellIssuer, 0, Review),
    row("request_uri_not_supported", ErrorCode::AuthorizationRefused, Advice::TellIssuer, 0, Review),
    // The same redirect once more would not fit: it is the sign-in that can be tried again.
    row("server_error", ErrorCode::ServerFailed, Advice::SignInAgain, 0, Review),
    row("temporarily_unavailable", ErrorCode::ServerFailed, Advice::SignInAgain, 0, Review),
    row("unauthorized_client", ErrorCode::ClientRefused, Advice::FixSetup, 0, Review),
    row("unsupported_response_type", ErrorCode::AuthorizationRefused, Advice::TellIssuer, 0, Review),
];

// covers: AUTHZ-11
#[tokio::test]
async fn a_pushed_request_that_is_refused_with_each_code() {
    assert_complete("par", &PAR);
    let world = World::with(Options { par: Par::Required, ..Options::default() }).await;
    for row in PAR {
        let issuance = world.open(&code(SD_JWT)).await;
        refuse(&world, row.said, "par");
        row.holds("par", &world, "/par", &issuance, issuance.accept().await).await;
        assert_eq!(world.count("/token"), 0);
        world.issuer.clear_faults();
        let step = if row.stands == Interrupted { issuance.proceed().await } else { issuance.accept().await };
        let redirect = world.sign_in(&step.expect("a sign-in")).await;
        world.verified(&issuance.submit_redirect(&redirect).await.expect("it is issued")).await;
        assert_eq!(world.count("/par"), row.requests + 1, "{}", row.said);
    }
}

#[tokio::test]
async fn a_pushed_request_of_a_client_that_authenticates() {
    const ROWS: [Row; 4] = [
        row("invalid_client", ErrorCode::ClientRefused, Advice::FixSetup, 1, Review),
        row("invalid_client_attestation", ErrorCode::AttestationRefused, Advice::FixSetup, 1, Review),
        row("use_attestation_challenge", ErrorCode::AttestationRefused, Advice::FixSetup, 2, Review),
        row("use_fresh_attestation", ErrorCode::AttestationRefused, Advice::FixSetup, 2, Review),
    ];
    let options = Options {
        client_auth: ClientAuth::Attestation,
        challenge_endpoint: true,
        par: Par::Required,
        ..Options::default()
    };
    let world = World::with(options).await;
    let provider = Provider::new(&world).await;
    let wallet = world.builder().wallet_provider(provider).build().expect("a wallet");
    for row in ROWS {
        let issuance = wallet.open_offer(&world.offer(&code(SD_JWT)).link).await.expect("it opens");
        refuse(&world, row.said, "par");
        row.holds("attested", &world, "/par", &issuance, issuance.accept().await).await;
        world.issuer.clear_faults();
        let redirect = world.sign_in(&issuance.accept().await.expect("a sign-in")).await;
        world.verified(&issuance.submit_redirect(&redirect).await.expect("it is issued")).await;
    }
}

// covers: AUTHZ-16
#[tokio::test]
async fn a_redirect_with_each_code() {
    assert_complete("authorize", &REDIRECT);
    let world = World::new().await;
    for row in REDIRECT {
        let issuance = world.open(&code(SD_JWT)).await;
        let step = issuance.accept().await.expect("a sign-in");
        refuse(&world, row.said, "authorize");
        let redirect = world.sign_in(&step).await;
        let error = row.holds("redirect", &world, "/token", &issuance, issuance.submit_redirect(&redirect).await).await;
        assert!(error.server_error().is_some_and(|said| said.error_description.is_some()), "{error:?}");
        world.issuer.clear_faults();
        // It answered this sign-in; another one has its own.
        assert_eq!(failure(issuance.submit_redirect(&redirect).await).code(), ErrorCode::WrongStep, "{}", row.said);
        let step = issuance.accept().await.expect("a sign-in");
        assert_eq!(failure(issuance.submit_redirect(&redirect).await).code(), ErrorCode::StateMismatch, "{}", row.said);
        let redirect = world.sign_in(&step).await;
        let step = issuance.submit_redirect(&redirect).await.expect("it is issued");
        assert!(matches!(step, Step::Done { .. }));
        world.verified(&step).await;
    }
}
