//! Links that are none, and issuers that are not who they say.

use std::sync::Arc;

use billfold::platform::memory::MemoryStore;
use billfold::platform::software_keys::SoftwareKeys;
use billfold::{Dialects, ErrorCode, ErrorKind, RequestOutcome, Wallet};

use crate::world::{SD_JWT, World, failure, pre_authorized};

fn without_the_switch(world: &World) -> Wallet {
    let store: Arc<MemoryStore> = world.store.clone();
    let keys: Arc<SoftwareKeys> = world.keys.clone();
    Wallet::builder("me").keys(keys).store(store).build().expect("a wallet")
}

#[tokio::test]
async fn malformed_links_are_typed_and_leave_nothing() {
    let world = World::new().await;
    for (link, code) in [
        ("", ErrorCode::OfferMissing),
        ("https://wallet.example/", ErrorCode::OfferMissing),
        ("openid-credential-offer://?credential_offer=%7B", ErrorCode::OfferMalformed),
        (
            "openid-credential-offer://?credential_offer=%7B%7D&credential_offer_uri=https%3A%2F%2Fh",
            ErrorCode::OfferAmbiguous,
        ),
        ("openid-credential-offer://?credential_offer=%7B%7D", ErrorCode::OfferIssuerInvalid),
    ] {
        let error = failure(world.wallet().open_offer(link).await);
        assert_eq!((error.code(), error.kind()), (code, ErrorKind::Offer), "{link}");
        assert_eq!(error.outcome(), RequestOutcome::NotSent);
    }
    assert!(world.requests().is_empty());
    assert!(world.wallet().pending().await.expect("a list").is_empty());
}

// covers: OFFER-02
#[tokio::test]
async fn http_needs_the_development_switch_and_loopback() {
    let world = World::new().await;
    let wallet = without_the_switch(&world);
    for spec in [pre_authorized(SD_JWT), pre_authorized(SD_JWT).by_reference()] {
        let error = failure(wallet.open_offer(&world.offer(&spec).link).await);
        assert_eq!(error.code(), ErrorCode::InsecureUrl);
    }
    let elsewhere = "openid-credential-offer://?credential_offer_uri=http%3A%2F%2Fissuer.example%2Foffer";
    assert_eq!(failure(world.wallet().open_offer(elsewhere).await).code(), ErrorCode::InsecureUrl);
    for scheme in ["file%3A%2F%2Flocalhost%2Fetc%2Fpasswd", "ftp%3A%2F%2Fh%2Fo"] {
        let link = format!("openid-credential-offer://?credential_offer_uri={scheme}");
        assert_eq!(failure(world.wallet().open_offer(&link).await).code(), ErrorCode::InsecureUrl);
    }
    assert!(world.requests().is_empty());
}

// covers: SEC-11
#[tokio::test]
async fn references_to_private_addresses_are_not_followed() {
    let world = World::new().await;
    for host in ["127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "[::1]", "localhost"] {
        let link = format!("openid-credential-offer://?credential_offer_uri=https%3A%2F%2F{host}%2Foffer");
        let error = failure(without_the_switch(&world).open_offer(&link).await);
        assert_eq!(error.code(), ErrorCode::AddressForbidden, "{host}: {error}");
    }
}

// covers: OFFER-24, META-08, ASM-03
#[tokio::test]
async fn issuers_and_servers_have_to_be_who_they_say() {
    for (fault, code) in [
        ("wrong-issuer", ErrorCode::IssuerMismatch),
        ("wrong-as-issuer", ErrorCode::AuthorizationServerMismatch),
        ("bad-json-metadata", ErrorCode::MetadataMalformed),
        ("deep-json-metadata", ErrorCode::MetadataMalformed),
        ("wrong-content-type-metadata", ErrorCode::WrongContentType),
        ("oversized-metadata", ErrorCode::ResponseTooLarge),
        ("redirect-metadata", ErrorCode::RedirectRefused),
        ("http-500-metadata", ErrorCode::ServerFailed),
        ("drop-metadata", ErrorCode::ConnectionLost),
    ] {
        let world = World::new().await;
        let offer = world.offer(&pre_authorized(SD_JWT));
        world.issuer.set_fault(fault).expect("a fault");
        let error = failure(world.wallet().open_offer(&offer.link).await);
        assert_eq!(error.code(), code, "{fault}: {error}");
        assert!(!error.transcript().is_empty(), "{fault}");
        assert_eq!(world.count("/token"), 0);
    }
}

// covers: SEC-11
#[tokio::test]
async fn offers_by_reference_have_limits() {
    for (fault, code) in [
        ("oversized-offer", ErrorCode::OfferTooLarge),
        ("wrong-content-type-offer", ErrorCode::WrongContentType),
        ("bad-json-offer", ErrorCode::OfferMalformed),
        ("redirect-offer", ErrorCode::RedirectRefused),
        ("http-500-offer", ErrorCode::ServerFailed),
    ] {
        let world = World::new().await;
        let offer = world.offer(&pre_authorized(SD_JWT).by_reference());
        world.issuer.set_fault(fault).expect("a fault");
        // Otherwise, one that is JSON may say that it is something else.
        let strict = world.builder().dialects(Dialects::Strict).build().expect("a wallet");
        let error = failure(strict.open_offer(&offer.link).await);
        assert_eq!(error.code(), code, "{fault}: {error}");
    }
    let world = World::new().await;
    let gone = format!("{}/offers/never-made", world.issuer.base());
    let link =
        format!("openid-credential-offer://?credential_offer_uri={}", gone.replace(':', "%3A").replace('/', "%2F"));
    let error = failure(world.wallet().open_offer(&link).await);
    assert_eq!((error.code(), error.http_status()), (ErrorCode::OfferUnavailable, Some(404)));
}

#[tokio::test]
async fn a_server_that_is_down_can_be_tried_again() {
    let world = World::new().await;
    let offer = world.offer(&pre_authorized(SD_JWT));
    let (store, keys) = (world.store.clone(), world.keys.clone());
    world.issuer.stop();
    let wallet = Wallet::builder("me").keys(keys).store(store).allow_loopback_http(true).build().expect("a wallet");
    let error = failure(wallet.open_offer(&offer.link).await);
    assert_eq!((error.code(), error.kind()), (ErrorCode::Unreachable, ErrorKind::Network));
    assert_eq!(error.outcome(), RequestOutcome::NotSent);
    assert!(error.is_retryable());
    assert!(error.endpoint_url().is_some_and(|url| url.contains("/.well-known/")));
}

// covers: OFFER-10
#[tokio::test]
async fn an_unknown_configuration_is_named() {
    let world = World::new().await;
    let offer = format!(
        r#"{{"credential_issuer":"{}","credential_configuration_ids":["Nothing here"]}}"#,
        world.issuer.issuer()
    );
    let error = failure(world.wallet().open_offer(&offer).await);
    assert_eq!(error.code(), ErrorCode::UnknownConfiguration);
    assert!(error.detail().contains("Nothing here"));
}

#[tokio::test]
async fn an_offer_that_was_fetched_is_not_fetched_again() {
    let world = World::new().await;
    let offer = world.offer(&pre_authorized(SD_JWT).by_reference());
    let wallet = world.wallet();
    world.issuer.set_fault("http-500-metadata").expect("a fault");
    assert_eq!(failure(wallet.open_offer(&offer.link).await).code(), ErrorCode::ServerFailed);
    assert_eq!(failure(wallet.open_offer(&offer.link).await).code(), ErrorCode::ServerFailed);
    world.issuer.clear_faults();
    let issuance = wallet.open_offer(&offer.link).await.expect("it opens");
    world.verified(&issuance.accept().await.expect("it is issued")).await;
    assert_eq!(world.issuer.log().offer_fetches.values().sum::<u64>(), 1, "the address may give it only once");
}
