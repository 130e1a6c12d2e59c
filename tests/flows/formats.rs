//! Every way to find an issuer's key, and every way to spoil a credential.

use std::sync::Arc;

use billfold::{CheckKind, ErrorCode, ErrorKind, Outcome, Verdict, Wallet};
use billfold_test_issuer::{Options, TestIssuer};

use crate::world::{JWT_VC, SD_JWT, World, failure, pre_authorized};

/// A wallet that trusts no certificate in particular, for issuers without one.
fn trusting_nobody(world: &World) -> Wallet {
    Wallet::builder("me")
        .keys(world.keys.clone())
        .store(world.store.clone())
        .allow_loopback_http(true)
        .build()
        .expect("a wallet")
}

#[tokio::test]
async fn issuers_keys_are_found_in_every_way() {
    for options in [Options::default(), Options { jwks_by_uri: true, path: "/t".to_owned(), ..Options::default() }] {
        let world = World::with(options).await;
        let wallet = trusting_nobody(&world);
        for way in ["jwt_vc_issuer", "did_key", "did_jwk", "did_web"] {
            for id in ["StudentCard_dc_sd_jwt_by", "StudentCard_jwt_vc_json_by"].map(|id| format!("{id}_{way}")) {
                let spec = pre_authorized(SD_JWT).configurations(&[id.as_str()]);
                let issuance = wallet.open_offer(&world.offer(&spec).link).await.expect("it opens");
                let credential = world.verified(&issuance.accept().await.expect("it is issued")).await;
                for kind in [CheckKind::Signature, CheckKind::IssuerKey] {
                    let check = credential.report.check(kind).expect("a check");
                    assert_eq!(check.outcome, Outcome::Passed, "{id}: {check:?}");
                }
            }
        }
    }
}

// covers: PROOF-05
#[tokio::test]
async fn holders_are_bound_by_did_where_the_issuer_wants_that() {
    let world = World::new().await;
    let spec = pre_authorized(SD_JWT).configurations(&["UniversityDegree_dc_sd_jwt_did"]);
    world.verified(&world.open(&spec).await.accept().await.expect("it is issued")).await;
}

/// What each fault spoils, and the one check that has to see it.
const SPOILED: [(&str, &str, CheckKind); 15] = [
    ("bad-signature", SD_JWT, CheckKind::Signature),
    ("bad-signature", JWT_VC, CheckKind::Signature),
    ("alg-none", SD_JWT, CheckKind::Signature),
    ("alg-none", JWT_VC, CheckKind::Signature),
    ("bad-digest", SD_JWT, CheckKind::Digests),
    ("wrong-type", SD_JWT, CheckKind::Type),
    ("wrong-type", JWT_VC, CheckKind::Type),
    ("wrong-key", SD_JWT, CheckKind::HolderBinding),
    ("wrong-key", JWT_VC, CheckKind::HolderBinding),
    ("no-key", SD_JWT, CheckKind::HolderBinding),
    ("expired-credential", SD_JWT, CheckKind::Validity),
    ("expired-credential", JWT_VC, CheckKind::Validity),
    ("future-credential", SD_JWT, CheckKind::Validity),
    ("future-credential", JWT_VC, CheckKind::Validity),
    ("untrusted-chain", SD_JWT, CheckKind::IssuerTrust),
];

// covers: CRES-10, FMT-09
#[tokio::test]
async fn each_spoiled_thing_fails_its_own_check_and_no_other() {
    let world = World::new().await;
    let good = world.verified(&world.open(&pre_authorized(SD_JWT)).await.accept().await.expect("it is issued")).await;
    for (fault, format, kind) in SPOILED {
        let issuance = world.open(&pre_authorized(format)).await;
        world.issuer.set_fault(fault).expect("a fault");
        let error = failure(issuance.accept().await);
        world.issuer.clear_faults();
        assert_eq!((error.code(), error.kind()), (ErrorCode::CredentialRejected, ErrorKind::Verification), "{fault}");
        assert!(error.detail().contains(kind.as_str()), "{fault}: {error}");

        let stored = world.wallet().credentials().await.expect("a list");
        assert_eq!(stored.len(), 2, "{fault}");
        assert_eq!(stored[0].id, good.id);
        assert!(!stored[0].quarantined, "what was there is untouched");
        let bad = &stored[1];
        assert!(bad.quarantined);
        assert_eq!(bad.report.verdict, Verdict::Rejected, "{fault}");
        assert_eq!(bad.report.failed(), [kind], "{fault} {format}: {:#?}", bad.report);
        assert_eq!(failure(issuance.step().await).code(), ErrorCode::CredentialRejected, "the session remembers");
        world.wallet().forget(&bad.id).await.expect("forgotten");
    }
}

#[tokio::test]
async fn an_unbound_w3c_credential_is_usable_and_says_so() {
    let world = World::new().await;
    world.issuer.set_fault("no-key").expect("a fault");
    let credential =
        world.verified(&world.open(&pre_authorized(JWT_VC)).await.accept().await.expect("it is issued")).await;
    let check = credential.report.check(CheckKind::HolderBinding).expect("a check");
    assert_eq!(check.outcome, Outcome::Skipped(billfold::Reason::Unbound));
}

#[tokio::test]
async fn what_cannot_be_checked_now_waits_in_quarantine_until_it_can() {
    let issuer = TestIssuer::start(Options::default()).await.expect("the issuer starts");
    let world = World { issuer, store: Arc::default(), keys: Arc::default() };
    let wallet = trusting_nobody(&world);
    let spec = pre_authorized(SD_JWT).configurations(&["StudentCard_dc_sd_jwt_by_did_web"]);
    let issuance = wallet.open_offer(&world.offer(&spec).link).await.expect("it opens");
    world.issuer.set_fault("http-500-issuer-key").expect("a fault");
    let error = failure(issuance.accept().await);
    assert_eq!(
        (error.code(), error.advice()),
        (ErrorCode::CredentialUnverified, billfold::Advice::CheckAgain),
        "{error}"
    );
    let [waiting] = wallet.credentials().await.expect("a list").try_into().expect("one");
    assert!(waiting.quarantined);
    assert_eq!(waiting.report.verdict, Verdict::Unverified);
    let still = wallet.recheck(&waiting.id).await.expect("checked");
    assert!(still.quarantined);

    world.issuer.clear_faults();
    let free = wallet.recheck(&waiting.id).await.expect("checked");
    assert!(!free.quarantined, "{:#?}", free.report);
    assert_eq!(free.report.verdict, Verdict::Verified);
    assert!(!wallet.credential(&waiting.id).await.expect("it is there").quarantined);
}

// covers: CRES-11
#[tokio::test]
async fn another_issuer_of_the_same_host_is_a_warning() {
    let world = World::new().await;
    world.issuer.set_fault("wrong-credential-issuer").expect("a fault");
    for format in [SD_JWT, JWT_VC] {
        let issuance = world.open(&pre_authorized(format)).await;
        let billfold::Step::Done { credentials, .. } = issuance.accept().await.expect("it is issued") else {
            panic!("not done")
        };
        let credential = world.wallet().credential(&credentials[0]).await.expect("it is stored");
        assert_eq!(credential.report.verdict, Verdict::VerifiedWithWarnings, "{:#?}", credential.report);
        let check = credential.report.check(CheckKind::Issuer).expect("a check");
        assert!(matches!(check.outcome, Outcome::Unknown(_)), "{check:?}");
    }
}
