//! The token endpoint (OpenID4VCI section 6.3, RFC 6749 section 5.2).

use billfold::{Advice, ErrorCode, Issuance, Result, Step};
use billfold_test_issuer::{ClientAuth, Options, TxCode};

use super::Stands::{self, Ended, EnterCode, Interrupted, Review};
use super::{Row, assert_complete, refuse, row};
use crate::attester::Provider;
use crate::world::{SD_JWT, World, code, failure, pre_authorized};

const PRE_AUTHORIZED: [Row; 20] = [
    row("access_denied", ErrorCode::AccessDenied, Advice::GiveUp, 1, Ended),
    row("authorization_pending", ErrorCode::TokenPending, Advice::Retry, 1, Interrupted),
    row("expired_token", ErrorCode::GrantRefused, Advice::GetNewOffer, 1, Ended),
    row("invalid_authorization_details", ErrorCode::TokenRequestRefused, Advice::TellIssuer, 1, Review),
    // Anonymous, as the server's metadata allows.
    row("invalid_client", ErrorCode::ClientRefused, Advice::TellIssuer, 1, Review),
    row("invalid_client_attestation", ErrorCode::AttestationRefused, Advice::FixSetup, 1, Review),
    row("invalid_dpop_proof", ErrorCode::DpopRefused, Advice::TellIssuer, 1, Interrupted),
    row("invalid_grant", ErrorCode::GrantRefused, Advice::GetNewOffer, 1, Ended),
    row("invalid_request", ErrorCode::TokenRequestRefused, Advice::GetNewOffer, 1, Review),
    row("invalid_scope", ErrorCode::TokenRequestRefused, Advice::TellIssuer, 1, Review),
    row("invalid_target", ErrorCode::TokenRequestRefused, Advice::TellIssuer, 1, Review),
    row("invalid_tx_code", ErrorCode::ServerRefused, Advice::TellIssuer, 1, Review),
    row("server_error", ErrorCode::ServerFailed, Advice::Retry, 1, Interrupted),
    row("slow_down", ErrorCode::TokenPending, Advice::Retry, 1, Interrupted),
    row("temporarily_unavailable", ErrorCode::ServerFailed, Advice::Retry, 1, Interrupted),
    row("unauthorized_client", ErrorCode::ClientRefused, Advice::TellIssuer, 1, Review),
    row("unsupported_grant_type", ErrorCode::TokenRequestRefused, Advice::TellIssuer, 1, Review),
    row("use_attestation_challenge", ErrorCode::AttestationRefused, Advice::FixSetup, 1, Review),
    // Its nonce was in the second try.
    row("use_dpop_nonce", ErrorCode::DpopRefused, Advice::TellIssuer, 2, Interrupted),
    row("use_fresh_attestation", ErrorCode::AttestationRefused, Advice::FixSetup, 1, Review),
];

/// How these differ where a user typed a transaction code.
const WITH_TX_CODE: [Row; 2] = [
    row("invalid_grant", ErrorCode::TxCodeRefused, Advice::AskCodeAgain, 1, EnterCode),
    row("invalid_tx_code", ErrorCode::TxCodeRefused, Advice::AskCodeAgain, 1, EnterCode),
];

/// And where a user signed in.
const WITH_SIGN_IN: [Row; 6] = [
    row("access_denied", ErrorCode::AccessDenied, Advice::GiveUp, 1, Review),
    row("expired_token", ErrorCode::GrantRefused, Advice::SignInAgain, 1, Review),
    row("invalid_client", ErrorCode::ClientRefused, Advice::FixSetup, 1, Review),
    row("invalid_grant", ErrorCode::GrantRefused, Advice::SignInAgain, 1, Review),
    row("invalid_request", ErrorCode::TokenRequestRefused, Advice::StartOver, 1, Review),
    row("unauthorized_client", ErrorCode::ClientRefused, Advice::FixSetup, 1, Review),
];

fn rows(others: &[Row]) -> Vec<Row> {
    let other = |row: &Row| others.iter().find(|other| other.said == row.said).copied();
    PRE_AUTHORIZED.iter().map(|row| other(row).unwrap_or(*row)).collect()
}

/// The same issuance once more, now that the server is itself again.
async fn goes_on(world: &World, issuance: &Issuance, stands: Stands) -> Result<Step> {
    let step = match stands {
        Interrupted => issuance.proceed().await?,
        Review => issuance.accept().await?,
        _ => issuance.step().await?,
    };
    match step {
        Step::EnterCode(_) => issuance.submit_code("0042").await,
        Step::SignIn { .. } => issuance.submit_redirect(&world.sign_in(&step).await).await,
        step => Ok(step),
    }
}

// covers: TOKRS-09, TOKRS-11, CERR-02
#[tokio::test]
async fn a_pre_authorized_code_that_is_refused_with_each_code() {
    assert_complete("token", &PRE_AUTHORIZED);
    let world = World::new().await;
    for row in PRE_AUTHORIZED {
        let offer = world.offer(&pre_authorized(SD_JWT));
        let issuance = world.wallet().open_offer(&offer.link).await.expect("it opens");
        refuse(&world, row.said, "token");
        row.holds("pre-authorized", &world, "/token", &issuance, issuance.accept().await).await;
        world.issuer.clear_faults();
        let usable = if row.stands == Ended {
            // Nothing was used up here: the same offer can be opened anew.
            world.wallet().open_offer(&offer.link).await.expect("it opens").accept().await
        } else {
            goes_on(&world, &issuance, row.stands).await
        };
        world.verified(&usable.expect("it is issued")).await;
        assert_eq!(world.count("/token"), row.requests + 1, "{}", row.said);
    }
}

// covers: TOKRS-08, TOKRS-09, TOKRS-10
#[tokio::test]
async fn a_transaction_code_that_is_refused_with_each_code() {
    let world = World::new().await;
    for row in rows(&WITH_TX_CODE) {
        let spec = pre_authorized(SD_JWT).tx_code(TxCode { value: Some("0042".to_owned()), ..TxCode::default() });
        let issuance = world.open(&spec).await;
        issuance.accept().await.expect("a step");
        refuse(&world, row.said, "token");
        let error = row.holds("tx_code", &world, "/token", &issuance, issuance.submit_code("0042").await).await;
        if row.said == "invalid_request" {
            assert!(error.detail().contains("may not have expected a transaction code"), "{error}");
        }
        if row.stands == EnterCode {
            assert!(matches!(issuance.step().await, Ok(Step::EnterCode(hint)) if hint.refused));
        }
        world.issuer.clear_faults();
        if row.stands != Ended {
            world.verified(&goes_on(&world, &issuance, row.stands).await.expect("it is issued")).await;
            assert_eq!(world.count("/token"), row.requests + 1, "{}", row.said);
        }
    }
}

// covers: TOKRS-09
#[tokio::test]
async fn a_code_of_a_sign_in_that_is_refused_with_each_code() {
    let world = World::new().await;
    for row in rows(&WITH_SIGN_IN) {
        let issuance = world.open(&code(SD_JWT)).await;
        let redirect = world.sign_in(&issuance.accept().await.expect("a sign-in")).await;
        refuse(&world, row.said, "token");
        row.holds("code", &world, "/token", &issuance, issuance.submit_redirect(&redirect).await).await;
        world.issuer.clear_faults();
        world.verified(&goes_on(&world, &issuance, row.stands).await.expect("it is issued")).await;
        assert_eq!(world.count("/token"), row.requests + 1, "{}", row.said);
        let signed_in = usize::from(row.stands == Review);
        assert_eq!(world.count("/login"), signed_in, "{}: a code that is good needs no other", row.said);
    }
}

#[tokio::test]
async fn a_client_that_authenticates_and_is_refused_with_each_code() {
    const ROWS: [Row; 4] = [
        row("invalid_client", ErrorCode::ClientRefused, Advice::FixSetup, 1, Review),
        row("invalid_client_attestation", ErrorCode::AttestationRefused, Advice::FixSetup, 1, Review),
        // What they ask for was in the second try.
        row("use_attestation_challenge", ErrorCode::AttestationRefused, Advice::FixSetup, 2, Review),
        row("use_fresh_attestation", ErrorCode::AttestationRefused, Advice::FixSetup, 2, Review),
    ];
    let options = Options { client_auth: ClientAuth::Attestation, challenge_endpoint: true, ..Options::default() };
    let world = World::with(options).await;
    let provider = Provider::new(&world).await;
    let wallet = world.builder().wallet_provider(provider).build().expect("a wallet");
    for row in ROWS {
        let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
        refuse(&world, row.said, "token");
        row.holds("attested", &world, "/token", &issuance, issuance.accept().await).await;
        world.issuer.clear_faults();
        world.verified(&issuance.accept().await.expect("it is issued")).await;
    }
    // One that was asked for once is no error at all.
    for once in ["use-attestation-challenge-at-token", "use-fresh-attestation-at-token"] {
        world.issuer.reset_log();
        world.issuer.set_fault_times(once, 1).expect("a fault");
        let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
        world.verified(&issuance.accept().await.expect("it is issued")).await;
        assert_eq!(world.count("/token"), 2, "{once}");
    }
}

// covers: TOKRS-09
#[tokio::test]
async fn three_refused_transaction_codes_end_it_and_say_so_later() {
    let world = World::new().await;
    let spec = pre_authorized(SD_JWT).tx_code(TxCode { value: Some("0042".to_owned()), ..TxCode::default() });
    let issuance = world.open(&spec).await;
    issuance.accept().await.expect("a step");
    refuse(&world, "invalid_tx_code", "token");
    for _ in 0..2 {
        assert_eq!(failure(issuance.submit_code("1").await).advice(), Advice::AskCodeAgain);
    }
    let last = row("invalid_tx_code", ErrorCode::GrantRefused, Advice::GetNewOffer, 3, Ended);
    last.holds("the third", &world, "/token", &issuance, issuance.submit_code("1").await).await;
}
