//! Issuers that sign their metadata, and wallets that care or don't.

use billfold::{AcceptOptions, Advice, ErrorCode, ErrorKind, Profile, SignedMetadata, Wallet};
use billfold_test_issuer::{Options, SignedMetadata as Signs};
use serde_json::{Value, json};

use crate::signing::{Authority, Form, Signing, x5c};
use crate::world::{Moved, SD_JWT, World, failure, pre_authorized};

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

/// A wallet that trusts an authority, and is shown metadata which that authority's signer signed.
fn signed_by(
    world: &World,
    authority: Authority,
    policy: SignedMetadata,
    change: impl Fn(usize, &mut Value, &mut Value) -> Form + Send + Sync + 'static,
) -> Wallet {
    let anchor = authority.root_pem.clone();
    let wallet = world.builder().signed_metadata(policy).metadata_anchors(anchor);
    wallet.http(Signing::new(WELL_KNOWN, authority, change)).build().expect("a wallet")
}

/// An issuer that signs its metadata.
async fn signing(signed_metadata: Signs) -> World {
    World::with(Options { signed_metadata, ..Options::default() }).await
}

/// A wallet that holds signatures against the same anchors as credentials.
fn believing(world: &World, policy: SignedMetadata) -> Wallet {
    world.builder().signed_metadata(policy).build().expect("a wallet")
}

// covers: META-07, META-34, META-36, HAIP-25
#[tokio::test]
async fn signed_metadata_leads_to_a_credential_and_says_who_signed() {
    for (signs, policy, signed) in [
        (Signs::Offered, SignedMetadata::Ignore, false),
        (Signs::Offered, SignedMetadata::Prefer, true),
        (Signs::Offered, SignedMetadata::Require, true),
        (Signs::Only, SignedMetadata::Prefer, true),
        (Signs::Only, SignedMetadata::Require, true),
    ] {
        let world = signing(signs).await;
        let wallet = believing(&world, policy);
        let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
        let signer = issuance.offer().metadata_signed_by.clone();
        assert_eq!(signer.as_ref().is_some_and(|subject| subject.contains("CN=")), signed, "{policy:?}: {signer:?}");
        // It is still known after a restart.
        let again = world.wallet().resume(issuance.id()).await.expect("it is there");
        assert_eq!(again.offer().metadata_signed_by, signer);
        world.verified(&issuance.accept().await.expect("it is issued")).await;
        assert_eq!(world.count(WELL_KNOWN), 1);
    }
}

// covers: META-34, META-36, META-37
#[tokio::test]
async fn rejected_signed_metadata_is_the_end_of_it() {
    let world = signing(Signs::Offered).await;
    for (fault, code) in [
        ("signed-metadata-wrong-typ", ErrorCode::MetadataSignatureInvalid),
        ("signed-metadata-wrong-sub", ErrorCode::IssuerMismatch),
        ("signed-metadata-expired", ErrorCode::MetadataSignatureInvalid),
        ("signed-metadata-no-iat", ErrorCode::MetadataSignatureInvalid),
        ("signed-metadata-alg-none", ErrorCode::MetadataSignatureInvalid),
        ("signed-metadata-hs256", ErrorCode::MetadataSignatureInvalid),
        ("signed-metadata-bad-signature", ErrorCode::MetadataSignatureInvalid),
        ("signed-metadata-untrusted", ErrorCode::MetadataUntrusted),
        ("signed-metadata-self-signed", ErrorCode::MetadataUntrusted),
        ("signed-metadata-no-x5c", ErrorCode::MetadataUntrusted),
        ("wrong-issuer", ErrorCode::IssuerMismatch),
    ] {
        for policy in [SignedMetadata::Prefer, SignedMetadata::Require] {
            world.issuer.clear_faults();
            world.issuer.set_fault(fault).expect("a fault");
            world.issuer.reset_log();
            let offer = world.offer(&pre_authorized(SD_JWT));
            let error = failure(believing(&world, policy).open_offer(&offer.link).await);
            assert_eq!((error.code(), error.kind()), (code, ErrorKind::Metadata), "{fault}: {error}");
            assert!(!error.is_retryable(), "{fault}");
            assert_eq!(world.count(WELL_KNOWN), 1, "{fault}: it is not taken unsigned instead");
            assert_eq!(world.count("/token"), 0, "{fault}");
            assert!(world.wallet().pending().await.expect("a list").is_empty());
        }
    }
}

// covers: META-36
#[tokio::test]
async fn anchors_for_metadata_come_before_those_for_credentials() {
    let world = signing(Signs::Offered).await;
    let wallet = world.builder().signed_metadata(SignedMetadata::Prefer).metadata_anchors(Authority::new().root_pem);
    let offer = world.offer(&pre_authorized(SD_JWT));
    let error = failure(wallet.build().expect("a wallet").open_offer(&offer.link).await);
    assert_eq!((error.code(), error.advice()), (ErrorCode::MetadataUntrusted, Advice::GiveUp));
    assert_eq!(world.count(WELL_KNOWN), 1);
}

// covers: META-07, META-37
#[tokio::test]
async fn the_content_type_has_to_be_one_that_was_asked_for() {
    let offered = (Signs::Offered, SignedMetadata::Ignore, "unasked-signed-metadata", ErrorCode::WrongContentType);
    let only = (Signs::Only, SignedMetadata::Ignore, "unasked-signed-metadata", ErrorCode::WrongContentType);
    let plain = (Signs::Only, SignedMetadata::Require, "unsigned-answer", ErrorCode::MetadataUnsigned);
    for (signs, policy, fault, code) in [offered, only, plain] {
        let world = signing(signs).await;
        world.issuer.set_fault(fault).expect("a fault");
        let offer = world.offer(&pre_authorized(SD_JWT));
        let error = failure(believing(&world, policy).open_offer(&offer.link).await);
        assert_eq!(error.code(), code, "{fault}");
        assert_eq!((world.count(WELL_KNOWN), world.count("/token")), (1, 0), "{fault}");
    }
    let world = signing(Signs::Only).await;
    let offer = world.offer(&pre_authorized(SD_JWT));
    let error = failure(believing(&world, SignedMetadata::Ignore).open_offer(&offer.link).await);
    assert_eq!((error.code(), error.http_status()), (ErrorCode::MetadataUnavailable, Some(406)));
    assert_eq!(
        (error.server_error().expect("its words").error.as_str(), error.advice()),
        ("not_acceptable", Advice::FixSetup)
    );
}

// covers: META-34
#[tokio::test]
async fn what_is_signed_is_what_counts() {
    let world = signing(Signs::Offered).await;
    world.issuer.set_fault("signed-metadata-differs").expect("a fault");
    let wallet = believing(&world, SignedMetadata::Prefer);
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    failure(issuance.accept().await);
    assert_eq!((world.count("/other-credential"), world.count("/credential")), (1, 0));
}

fn set(object: &mut Value, name: &str, value: Value) -> Form {
    object[name] = value;
    Form::Signed
}

// covers: META-36, HAIP-18
#[tokio::test]
async fn haip_takes_neither_a_self_signed_signer_nor_an_anchor_in_the_chain() {
    let haip = || AcceptOptions { profile: Some(Profile::Haip), ..AcceptOptions::default() };
    let pinned = Authority::new();
    let (own_pem, own) = pinned.self_signed();
    let chained = Authority::new();
    let (root_pem, chain) = (chained.root_pem.clone(), x5c(&[&chained.signer, &chained.root]));
    for (authority, anchor, certificates, said) in
        [(pinned, own_pem, x5c(&[&own]), "self-signed"), (chained, root_pem, chain, "trust anchor")]
    {
        let world = World::new().await;
        let transport =
            Signing::new(WELL_KNOWN, authority, move |_, header, _| set(header, "x5c", certificates.clone()));
        let wallet = world.builder().signed_metadata(SignedMetadata::Require).metadata_anchors(anchor);
        let wallet = wallet.http(transport).build().expect("a wallet");
        let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
        let error = failure(issuance.accept_with(haip()).await);
        assert_eq!(error.code(), ErrorCode::ProfileViolated);
        assert!(error.detail().contains(said), "{error}");
        assert_eq!(world.count("/token"), 0);
        // An ordinary wallet may pin whom it likes.
        world.verified(&issuance.accept().await.expect("it is issued")).await;
    }
}

// covers: META-37
#[tokio::test]
async fn a_failed_request_is_no_way_to_get_rid_of_the_signature() {
    let world = World::new().await;
    let wallet = signed_by(&world, Authority::new(), SignedMetadata::Prefer, |nth, _, claims| {
        let endpoint = claims["credential_endpoint"].as_str().expect("text").to_owned();
        claims["credential_endpoint"] = json!(format!("{endpoint}?at={nth}"));
        if nth == 0 { Form::Signed } else { Form::Unsigned }
    });
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    world.issuer.set_fault_times("unknown-credential-configuration-at-credential", 1).expect("a fault");
    assert_eq!(failure(issuance.accept().await).code(), ErrorCode::ConfigurationRefused);
    assert_eq!((world.count(WELL_KNOWN), world.count("/credential")), (2, 1));
}

#[tokio::test]
async fn signed_metadata_is_remembered_no_longer_than_it_is_good() {
    let world = World::new().await;
    let clock = Moved::default();
    let authority = Authority::new();
    let anchor = authority.root_pem.clone();
    let transport = Signing::new(WELL_KNOWN, authority, |_, _, claims| {
        claims["exp"] = json!(claims["iat"].as_i64().expect("a number") + 100);
        Form::Signed
    });
    let wallet = world.builder().signed_metadata(SignedMetadata::Require).metadata_anchors(anchor);
    let wallet = wallet.http(transport).clock(clock.clone()).build().expect("a wallet");
    for (pass, asked) in [(0, 1), (90, 1), (20, 2)] {
        clock.pass(pass);
        wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
        assert_eq!(world.count(WELL_KNOWN), asked);
    }
}
