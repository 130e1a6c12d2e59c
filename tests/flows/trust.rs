//! Whom the app trusts, and what it asks of which type.

use billfold::{CheckKind, Credential, ErrorCode, Outcome, Requirement, VerificationPolicy, Wallet, WalletBuilder};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::world::{SD_JWT, World, failure, pre_authorized};

/// A wallet that trusts nobody yet.
fn builder(world: &World) -> WalletBuilder {
    Wallet::builder("me").keys(world.keys.clone()).store(world.store.clone()).allow_loopback_http(true)
}

async fn issued(world: &World, wallet: &Wallet, configuration: &str) -> Credential {
    let spec = pre_authorized(SD_JWT).configurations(&[configuration]);
    let issuance = wallet.open_offer(&world.offer(&spec).link).await.expect("it opens");
    world.verified(&issuance.accept().await.expect("it is issued")).await
}

fn trust(credential: &Credential) -> Outcome {
    credential.report.check(CheckKind::IssuerTrust).expect("a check").outcome
}

#[tokio::test]
async fn issuers_are_trusted_by_their_url_or_did() {
    let world = World::new().await;
    for way in ["jwt_vc_issuer", "did_key", "did_web"] {
        let configuration = format!("StudentCard_dc_sd_jwt_by_{way}");
        let nobody = builder(&world).build().expect("a wallet");
        let credential = issued(&world, &nobody, &configuration).await;
        let issuer = credential.claims["iss"].as_str().expect("an issuer").to_owned();
        let trusting = builder(&world).trusted_issuers([issuer]).build().expect("a wallet");
        assert_eq!(trust(&issued(&world, &trusting, &configuration).await), Outcome::Passed, "{way}");
        // What was stored under no such rule is held to it now.
        let other = builder(&world).trusted_issuers(["https://other.example"]).build().expect("a wallet");
        let checked = other.recheck(&credential.id).await.expect("checked");
        assert_eq!((checked.report.failed(), checked.quarantined), (vec![CheckKind::IssuerTrust], true), "{way}");
        let spec = pre_authorized(SD_JWT).configurations(&[configuration.as_str()]);
        let issuance = other.open_offer(&world.offer(&spec).link).await.expect("it opens");
        assert_eq!(failure(issuance.accept().await).code(), ErrorCode::CredentialRejected, "{way}");
        // An anchor that vouches for others does not take the name away.
        let both = builder(&world).trust_anchors(world.issuer.trust_pem());
        let both = both.trusted_issuers([credential.claims["iss"].as_str().expect("an issuer")]).build();
        let checked = both.expect("a wallet").recheck(&credential.id).await.expect("checked");
        assert_eq!((trust(&checked), checked.quarantined), (Outcome::Passed, false), "{way}");
    }
}

#[tokio::test]
async fn a_type_has_a_policy_of_its_own() {
    const CARD: &str = "StudentCard_dc_sd_jwt_by_did_key";
    let world = World::new().await;
    let nobody = builder(&world).build().expect("a wallet");
    let credential = issued(&world, &nobody, CARD).await;
    let vct = credential.claims["vct"].as_str().expect("a type");
    let lenient = || VerificationPolicy::default().with(CheckKind::IssuerTrust, Requirement::Off);
    for (types, rejected) in [(vec![], true), (vec!["https://types.example/other"], true), (vec![vct], false)] {
        let mut strict = builder(&world).trusted_issuers(["https://other.example"]);
        for name in types {
            strict = strict.policy_for(name, lenient());
        }
        let checked = strict.build().expect("a wallet").recheck(&credential.id).await.expect("checked");
        assert_eq!(checked.quarantined, rejected, "{:#?}", checked.report);
    }
}

#[tokio::test]
async fn anchors_may_be_der() {
    let world = World::new().await;
    let pem = world.issuer.trust_pem();
    let mut wallet = builder(&world);
    for certificate in CertificateDer::pem_slice_iter(pem.as_ref()) {
        wallet = wallet.trust_anchors(certificate.expect("a certificate"));
    }
    let wallet = wallet.build().expect("a wallet");
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    let credential = world.verified(&issuance.accept().await.expect("it is issued")).await;
    assert_eq!(trust(&credential), Outcome::Passed);
}
