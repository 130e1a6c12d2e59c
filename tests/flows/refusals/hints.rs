//! Refusals that a developer has to understand: the detail says what is most likely amiss.

use billfold::{Advice, ErrorCode, Step, Wallet};
use billfold_test_issuer::{Options, TxCode};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};

use crate::meddling::{meddled, with_json};
use crate::world::{SD_JWT, World, failure, pre_authorized};

/// A link whose offer was changed on the way.
fn changed(link: &str, change: impl FnOnce(&mut Value)) -> String {
    let (start, offer) = link.split_once("credential_offer=").expect("an offer by value");
    let mut offer: Value = serde_json::from_str(&percent_decode_str(offer).decode_utf8().expect("text")).expect("JSON");
    change(&mut offer["grants"]["urn:ietf:params:oauth:grant-type:pre-authorized_code"]);
    format!("{start}credential_offer={}", utf8_percent_encode(&offer.to_string(), NON_ALPHANUMERIC))
}

// covers: TOKRS-08
#[tokio::test]
async fn a_transaction_code_that_was_not_expected_or_is_missing_is_told_apart() {
    let world = World::new().await;
    let wallet = world.wallet();
    let tx_code = TxCode { value: Some("0042".to_owned()), ..TxCode::default() };
    let without = changed(&world.offer(&pre_authorized(SD_JWT).tx_code(tx_code)).link, |grant| {
        grant.as_object_mut().expect("an object").remove("tx_code").expect("it was there");
    });
    let with = changed(&world.offer(&pre_authorized(SD_JWT)).link, |grant| grant["tx_code"] = json!({}));
    for (link, hint) in [(without, "may want a transaction code"), (with, "may not have expected a transaction code")] {
        let issuance = wallet.open_offer(&link).await.expect("it opens");
        let result = match issuance.accept().await {
            Ok(Step::EnterCode(_)) => issuance.submit_code("0042").await,
            other => other,
        };
        let error = failure(result);
        assert_eq!((error.code(), error.advice()), (ErrorCode::TokenRequestRefused, Advice::GetNewOffer), "{error:?}");
        assert_eq!(error.server_error().map(|said| said.error.as_str()), Some("invalid_request"));
        assert!(error.detail().contains(hint), "{error}");
        assert!(!format!("{error} {error:?}").contains("0042"), "a code is a secret");
    }
}

// covers: TOKRS-11
#[tokio::test]
async fn a_client_that_is_refused_hears_what_to_set_up() {
    // The server does not keep what its metadata says.
    let world = World::with(Options { anonymous_pre_authorized: false, ..Options::default() }).await;
    let wallet = meddled(&world, "/.well-known/oauth-authorization-server", |_, answer| {
        with_json(answer, |json| json["pre-authorized_grant_anonymous_access_supported"] = json!(true))
    });
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    let error = failure(issuance.accept().await);
    assert_eq!((error.code(), error.advice()), (ErrorCode::ClientRefused, Advice::TellIssuer), "{error:?}");
    assert!(error.detail().contains("without a client id"), "{error}");

    // The wallet is not registered there.
    let options = Options { anonymous_pre_authorized: false, strict_clients: true, ..Options::default() };
    let world = World::with(options).await;
    let stranger = Wallet::builder("com.example.stranger").keys(world.keys.clone()).store(world.store.clone());
    let stranger = stranger.allow_loopback_http(true).build().expect("a wallet");
    let offer = world.offer(&pre_authorized(SD_JWT));
    let issuance = stranger.open_offer(&offer.link).await.expect("it opens");
    let error = failure(issuance.accept().await);
    assert_eq!((error.code(), error.advice()), (ErrorCode::ClientRefused, Advice::FixSetup), "{error:?}");
    assert!(error.detail().contains("register the client id"), "{error}");
    assert_eq!(error.server_error().map(|said| said.error.as_str()), Some("invalid_client"));
    assert_eq!(world.count("/token"), 1);
}
