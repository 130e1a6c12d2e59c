//! How issuers' metadata is asked for, believed and kept in mind.

use billfold::{Advice, ErrorCode, SignedMetadata};

use crate::world::{SD_JWT, World, failure, pre_authorized};

const WELL_KNOWN: &str = "/.well-known/openid-credential-issuer";

/// The header of every request for issuer metadata.
fn asked_for(world: &World, header: &str) -> Vec<String> {
    let log = world.issuer.log();
    let entries = log.requests.iter().filter(|entry| entry.path == WELL_KNOWN);
    entries.map(|entry| entry.headers.get(header).cloned().unwrap_or_default()).collect()
}

// covers: META-05
#[tokio::test]
async fn the_policy_is_what_the_issuer_is_asked_for() {
    for (policy, accept) in [
        (SignedMetadata::Ignore, "application/json"),
        (SignedMetadata::Prefer, "application/jwt, application/json;q=0.9"),
        (SignedMetadata::Require, "application/jwt"),
    ] {
        let world = World::new().await;
        let wallet = world.builder().signed_metadata(policy).build().expect("a wallet");
        let opened = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await;
        assert_eq!(opened.is_ok(), policy != SignedMetadata::Require, "{policy:?}");
        assert_eq!(asked_for(&world, "accept"), [accept]);
        assert_eq!(asked_for(&world, "accept-language"), ["en-US"]);
    }
}

// covers: META-37
#[tokio::test]
async fn unsigned_metadata_is_taken_where_signed_is_only_preferred() {
    let world = World::new().await;
    let offer = world.offer(&pre_authorized(SD_JWT));
    let require = world.builder().signed_metadata(SignedMetadata::Require).build().expect("a wallet");
    let error = failure(require.open_offer(&offer.link).await);
    assert_eq!((error.code(), error.advice()), (ErrorCode::MetadataUnsigned, Advice::TellIssuer));
    assert!(error.endpoint_url().is_some_and(|url| url.contains(WELL_KNOWN)));
    assert_eq!(world.count(WELL_KNOWN), 1, "and it is not asked for otherwise");
    assert_eq!(world.count("/token"), 0);

    let prefer = world.builder().signed_metadata(SignedMetadata::Prefer).build().expect("a wallet");
    let issuance = prefer.open_offer(&offer.link).await.expect("it opens");
    assert_eq!(issuance.offer().metadata_signed_by, None);
    world.verified(&issuance.accept().await.expect("it is issued")).await;
}
