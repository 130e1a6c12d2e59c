//! mdocs and credentials with Data Integrity proofs in several copies, later, and renewed types of the issuer's own.

use billfold::{AcceptOptions, CheckKind, Credential, Outcome, PathStep, Step, TypeMetadataUse, Verdict, Wallet};
use billfold_test_issuer::{Curve, Options};

use crate::world::{Moved, SD_JWT, World, pre_authorized};

const MDOC: (&str, &str) = ("mso_mdoc", "DrivingLicence_mso_mdoc");
const LDP: (&str, &str) = ("ldp_vc", "UniversityDegree_ldp_vc_ecdsa_p256");

fn wallet(world: &World, by_did: bool, clock: Moved) -> Wallet {
    let mut builder = Wallet::builder("com.example.wallet")
        .keys(world.keys.clone())
        .store(world.store.clone())
        .clock(clock)
        .allow_loopback_http(true);
    if !by_did {
        builder = builder.trust_anchors(world.issuer.trust_pem());
    }
    builder.build().expect("a wallet")
}

#[tokio::test]
async fn copies_are_bound_to_keys_of_their_own() {
    for (format, configuration) in [MDOC, LDP] {
        let world = World::new().await;
        let wallet = wallet(&world, format == LDP.0, Moved::default());
        let spec = pre_authorized(format).configurations(&[configuration]);
        let issuance = wallet.open_offer(&world.offer(&spec).link).await.expect("it opens");
        let options = AcceptOptions { copies: Some(3), ..AcceptOptions::default() };
        let credential = world.verified(&issuance.accept_with(options).await.expect("it is issued")).await;
        assert_eq!(credential.instances.len(), 3, "{format}");
        let mut keys: Vec<_> = credential.instances.iter().filter_map(|copy| copy.key.as_ref()).collect();
        keys.dedup_by_key(|key| key.handle.clone());
        assert_eq!(keys.len(), 3, "{format}");
        assert_eq!(world.count("/credential"), 1);
    }
}

#[tokio::test]
async fn an_mdoc_comes_later_too() {
    let options = Options { deferred_waits: Some(1), deferred_interval: 10, ..Options::default() };
    let world = World::with(options).await;
    let clock = Moved::default();
    let wallet = wallet(&world, false, clock.clone());
    let spec = pre_authorized(MDOC.0).configurations(&[MDOC.1]);
    let issuance = wallet.open_offer(&world.offer(&spec).link).await.expect("it opens");
    let mut step = issuance.accept().await.expect("a wait");
    let mut waits = 0;
    while let Step::Wait { until } = step {
        let seconds = until - billfold::platform::clock::Clock::now(&clock);
        clock.pass(seconds);
        world.issuer.advance_clock(seconds);
        step = issuance.poll().await.expect("asked");
        waits += 1;
    }
    assert_eq!(waits, 2);
    let credential = world.verified(&step).await;
    assert_eq!(credential.format.as_str(), "mso_mdoc");
}

async fn issued(world: &World, wallet: &Wallet, format: &str, configuration: &str) -> Credential {
    let spec = pre_authorized(format).configurations(&[configuration]);
    let issuance = wallet.open_offer(&world.offer(&spec).link).await.expect("it opens");
    let step = issuance.accept().await;
    let [credential] = wallet.credentials().await.expect("a list").try_into().expect("one");
    assert_eq!(step.is_ok(), !credential.quarantined, "{step:?}");
    credential
}

#[tokio::test]
async fn every_curve_signs_and_is_found_in_every_way_that_it_can_be() {
    for curve in [Curve::P256, Curve::P384, Curve::Ed25519, Curve::Secp256k1] {
        for (format, configuration, by_did) in [
            (SD_JWT, "UniversityDegree_dc_sd_jwt", false),
            ("jwt_vc_json", "UniversityDegree_jwt_vc_json", false),
            ("mso_mdoc", "DrivingLicence_mso_mdoc", false),
            (SD_JWT, "StudentCard_dc_sd_jwt_by_jwt_vc_issuer", true),
            (SD_JWT, "StudentCard_dc_sd_jwt_by_did_key", true),
            (SD_JWT, "StudentCard_dc_sd_jwt_by_did_jwk", true),
            (SD_JWT, "StudentCard_dc_sd_jwt_by_did_web", true),
        ] {
            let world = World::with(Options { signer: Some(curve), ..Options::default() }).await;
            let wallet = wallet(&world, by_did, Moved::default());
            let credential = issued(&world, &wallet, format, configuration).await;
            assert_eq!(
                credential.report.verdict,
                Verdict::Verified,
                "{curve:?} {configuration}: {:#?}",
                credential.report
            );
        }
    }
}

/// A badge, whose names are nowhere but in its type metadata.
async fn badge(fault: Option<&str>) -> (World, Credential) {
    let world = World::new().await;
    if let Some(fault) = fault {
        world.issuer.set_fault(fault).expect("a fault");
    }
    let wallet = world.builder().type_metadata(TypeMetadataUse::Fetch).build().expect("a wallet");
    let spec = pre_authorized(SD_JWT).configurations(&["EmployeeBadge_dc_sd_jwt"]);
    for _ in 0..2 {
        let issuance = wallet.open_offer(&world.offer(&spec).link).await.expect("it opens");
        issuance.accept().await.expect("it is issued");
    }
    let credential = wallet.credentials().await.expect("a list").pop().expect("two");
    (world, credential)
}

#[tokio::test]
async fn a_type_is_fetched_once_with_what_it_extends_and_shown() {
    let (world, credential) = badge(None).await;
    assert_eq!(world.count("/vct/employee-badge"), 1);
    assert_eq!(world.count("/vct/badge"), 1);
    let metadata = credential.type_metadata.as_ref().expect("it was looked up");
    let named = metadata.display.iter().find(|entry| entry.locale.as_deref() == Some("de-DE")).expect("in German");
    assert_eq!(named.name.as_deref(), Some("Dienstausweis"));
    // What the type says of a claim goes before what it extends says of it.
    let label = |name: &str| {
        let claim = metadata.claims.iter().find(|claim| claim.path == [PathStep::from(name)]).expect("described");
        claim.display.iter().find(|entry| entry.locale.as_deref() == Some("de-DE")).expect("in German").name.clone()
    };
    assert_eq!(label("given_name").as_deref(), Some("Vorname"));
    assert_eq!(label("family_name").as_deref(), Some("Nachname"));
    assert_eq!(label("employee_number").as_deref(), Some("Nummer"));
}

#[tokio::test]
async fn a_type_that_is_not_what_it_should_be_keeps_no_credential_back() {
    for fault in [
        "type-metadata-integrity",
        "type-metadata-extends-integrity",
        "type-metadata-circle",
        "type-metadata-endless",
        "type-metadata-wrong-vct",
        "http-500-type-metadata",
        "bad-json-type-metadata",
        "oversized-type-metadata",
    ] {
        let (_, credential) = badge(Some(fault)).await;
        assert_eq!(credential.type_metadata, None, "{fault}");
        let check = credential.report.check(CheckKind::Type).expect("a check");
        assert_eq!((check.outcome, credential.quarantined), (Outcome::Passed, false), "{fault}: {check:?}");
        assert!(check.detail.contains("metadata"), "{fault}: {check:?}");
    }
}
