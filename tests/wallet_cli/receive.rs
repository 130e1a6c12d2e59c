//! From a link to a stored credential.

use serde_json::json;

use crate::issuer::{FORMATS, TestIssuer};
use crate::support::{Ran, User};

/// What every successful run says about a credential.
#[track_caller]
fn stored(ran: &Ran, format: &str) -> String {
    let stored = ran.one("stored");
    assert_eq!(stored["format"], format);
    assert_eq!(stored["report"]["verdict"], "verified", "{stored:#}");
    let checks = stored["report"]["checks"].as_array().unwrap();
    let outcome = |kind: &str| &checks.iter().find(|check| check["kind"] == kind).unwrap()["outcome"]["is"];
    for kind in ["signature", "issuer_key", "holder_binding", "type", "validity"] {
        assert_eq!(outcome(kind), "passed", "{kind}: {stored:#}");
    }
    stored["credential"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn pre_authorized_in_every_format_by_value_and_by_reference() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    for format in FORMATS {
        for by in ["value", "reference"] {
            let offer = issuer.offer(&json!({"grant": "pre-authorized", "format": format, "by": by}));
            let ran = user.run(&["accept", &offer.link]).await.exits(0);
            assert_eq!(ran.kinds(), ["offer", "stored", "notified"], "{format} by {by}: {ran:#?}");
            assert_eq!(ran.one("offer")["credentials"][0]["format"], format);
            stored(&ran, format);
        }
    }
    assert_eq!(user.run(&["list"]).await.exits(0).all("credential").len(), 2 * FORMATS.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_in_in_every_format_by_value_and_by_reference() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    for format in FORMATS {
        for by in ["value", "reference"] {
            let offer = issuer.offer(&json!({"grant": "code", "format": format, "by": by}));
            let mut running = user.start(&["accept", &offer.link]);
            let sign_in = running.event("sign_in").await;
            assert!(sign_in["session"].is_string(), "{sign_in}");
            issuer.user_signs_in(sign_in["url"].as_str().unwrap()).await;
            let ran = running.end().await.exits(0);
            assert_eq!(ran.kinds(), ["offer", "sign_in", "stored", "notified"], "{format} by {by}: {ran:#?}");
            stored(&ran, format);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_may_come_from_standard_input() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let offer = issuer.offer(&json!({"grant": "pre-authorized"}));
    let ran = user.run_with_input(&["accept", "-"], &format!("\n  {}  \n", offer.link)).await.exits(0);
    assert_eq!(ran.all("stored").len(), 1);
    let nothing = user.run_with_input(&["accept", "-"], "").await.exits(2);
    assert_eq!(nothing.one("error")["code"], "usage");
}

#[tokio::test(flavor = "multi_thread")]
async fn begun_by_the_wallet_without_an_offer() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    for request in ["auto", "scope", "details"] {
        let mut running = user.start(&[
            "start",
            issuer.base(),
            "--configuration",
            "UniversityDegree_dc_sd_jwt",
            "--request",
            request,
        ]);
        let sign_in = running.event("sign_in").await;
        issuer.user_signs_in(sign_in["url"].as_str().unwrap()).await;
        let ran = running.end().await.exits(0);
        assert_eq!(ran.one("stored")["configuration"], "UniversityDegree_dc_sd_jwt", "{request}");
    }
    let unknown = user.run(&["start", issuer.base(), "--configuration", "Unheard_of"]).await;
    unknown.fails_with("unknown_configuration");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_claims_that_are_wanted() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let offer = issuer.offer(&json!({"grant": "code"}));
    let mut words = vec!["accept", &offer.link];
    for claim in ["UniversityDegree_dc_sd_jwt=address.locality", "UniversityDegree_dc_sd_jwt=nationalities.*"] {
        words.extend(["--claim", claim]);
    }
    let mut running = user.start(&words);
    let sign_in = running.event("sign_in").await;
    issuer.user_signs_in(sign_in["url"].as_str().unwrap()).await;
    let ran = running.end().await.exits(0);
    let shown = user.run(&["show", &stored(&ran, "dc+sd-jwt")]).await.exits(0);
    let claims = shown.one("credential")["claims"].as_array().unwrap();
    let labels: Vec<_> = claims.iter().map(|claim| &claim["label"]).collect();
    // Without a wish there are a date of birth and the day of the degree too.
    assert_eq!(labels, ["Given name", "Family name", "Degree", "Town", "Nationality"]);
    assert_eq!(claims[4]["value"], "DE, FR");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_key_and_binding_that_the_issuer_takes() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    for options in [
        ["--key", "es256", "--binding", "jwk"],
        ["--key", "es384", "--binding", "did:jwk"],
        ["--key", "eddsa", "--binding", "did:key"],
        ["--key", "es256k", "--binding", "did:jwk"],
    ] {
        let offer = issuer.offer(&json!({"grant": "pre-authorized", "format": "jwt_vc_json"}));
        let words: Vec<_> = options.into_iter().chain(["accept", &offer.link]).collect();
        stored(&user.run(&words).await.exits(0), "jwt_vc_json");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demonstration_goes_the_whole_way_and_leaves_nothing() {
    let user = User::new();
    let ran = user.run(&["accept"]).await.exits(0);
    assert_eq!(ran.kinds(), ["offer", "sign_in", "stored", "notified"], "{ran:#?}");
    stored(&ran, ran.one("stored")["format"].as_str().unwrap());
    assert!(!user.home().join("store").exists() && !user.home().join("data").exists(), "a store was left");
    assert!(user.run(&["list"]).await.exits(0).events.is_empty());
}

// covers: SEC-08
#[tokio::test(flavor = "multi_thread")]
async fn nothing_secret_is_said_with_verbose() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let offer = issuer
        .offer(&json!({"grant": "pre-authorized", "by": "value", "tx_code": {"input_mode": "numeric", "length": 5}}));
    let code = offer.tx_code.clone().unwrap();
    let ran = user.run(&["--verbose", "accept", &offer.link, "--tx-code", &code]).await.exits(0);
    for what in ["/token", "/credential", "pre-authorized_code", "-> 200"] {
        assert!(ran.stderr.contains(what), "{what}: {}", ran.stderr);
    }
    let secret = offer.pre_authorized_code();
    assert!(!ran.stderr.contains(&secret) && !ran.stderr.contains(&code), "{}", ran.stderr);
    assert!(!ran.stderr.contains("eyJ"), "a token or credential: {}", ran.stderr);
}
