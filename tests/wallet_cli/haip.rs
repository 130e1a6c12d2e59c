//! The high assurance profile, and what an ordinary issuer makes of it.

use billfold_test_issuer::Options;
use serde_json::{Value, json};

use crate::attester::Attester;
use crate::issuer::TestIssuer;
use crate::support::User;

async fn issuer(attester: &Attester) -> TestIssuer {
    let attester_trust_pem = Some(attester.trust_pem.clone());
    TestIssuer::with(Options { attester_trust_pem, ..Options::haip() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn from_offer_to_renewal() {
    let user = User::new();
    let attester = Attester::of(&user);
    let issuer = issuer(&attester).await;
    let trust = user.path("trust.pem");
    std::fs::write(&trust, issuer.trust()).unwrap();
    let mut options = attester.attesting();
    options.extend(["--profile", "haip", "--trust", &trust, "--signed-metadata", "require"]);
    let with =
        |words: &[&str]| options.iter().copied().chain(words.iter().copied()).map(str::to_owned).collect::<Vec<_>>();

    let offer = issuer.offer(&json!({"grant": "code"}));
    let mut running = user.start(&with(&["accept", &offer.link, "--copies", "5", "--encrypt", "always"]));
    let sign_in = running.event("sign_in").await;
    issuer.user_signs_in(sign_in["url"].as_str().unwrap()).await;
    let ran = running.end().await.exits(0);
    assert_eq!(ran.kinds(), ["offer", "sign_in", "stored", "notified"], "{ran:#?}");
    assert!(ran.one("offer")["metadata_signed_by"].is_string(), "{ran:#?}");
    assert_eq!(ran.one("stored")["report"]["verdict"], "verified");
    let id = ran.one("stored")["credential"].as_str().unwrap();
    let exported = user.run(&["export", id]).await.exits(0);
    let first = exported.one("export")["raw"].as_array().unwrap().clone();
    assert_eq!(first.len(), 5);

    // In another process, without a person.
    let ran = user.run(&with(&["refresh", id, "--no-wait"])).await.exits(0);
    assert_eq!(ran.one("stored")["credential"], id);
    assert_eq!(ran.one("notified")["notification"], "credential_accepted");
    let exported = user.run(&["export", id]).await.exits(0);
    let second = exported.one("export")["raw"].as_array().unwrap();
    assert!(second.len() == 5 && second.iter().all(|copy| !first.contains(copy)));

    let log = issuer.log();
    let at = |path: &str| log.requests.iter().filter(|entry| entry.path.ends_with(path)).collect::<Vec<_>>();
    for path in ["/par", "/token"] {
        assert!(at(path).iter().all(|entry| entry.attestation.is_some() && entry.dpop.is_some()), "{path}");
    }
    let proofs = at("/credential").into_iter().filter_map(|entry| entry.seen.get("proofs")).collect::<Vec<&Value>>();
    assert!(!proofs.is_empty() && proofs.iter().all(|proofs| proofs["keys"] == 5), "{proofs:?}");
    let encrypted = |name: &str| at("/credential").iter().any(|entry| entry.seen.contains_key(name));
    assert!(encrypted("request_jwe") && encrypted("answer_jwe"));
    assert_eq!(log.notifications.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_set_up_for_it_is_told_so() {
    let user = User::new();
    let attester = Attester::of(&user);
    let issuer = issuer(&attester).await;
    let offer = issuer.offer(&json!({"grant": "code"}));
    let accept = ["--profile", "haip", "accept", &offer.link, "--no-wait"];
    let error = user.run(&accept).await.fails_with("feature_unsupported");
    assert!(error["detail"].as_str().unwrap().contains("key attestation"), "{error}");
    let words: Vec<_> = attester.files().into_iter().chain(accept).collect();
    user.run(&words).await.fails_with("client_authentication_unavailable");
    let words: Vec<_> = attester.attesting().into_iter().chain(accept).collect();
    user.run(&words).await.exits(3).one("sign_in");
    let details: Vec<_> = words.into_iter().chain(["--request", "details"]).collect();
    user.run(&details).await.fails_with("profile_violated");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ordinary_issuer_falls_short_of_it() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let offer = issuer.offer(&json!({"grant": "pre-authorized", "format": "jwt_vc_json"}));
    user.run(&["--profile", "haip", "accept", &offer.link]).await.fails_with("profile_violated");
    // Nothing was spent: by the rules of OpenID4VCI alone it is good.
    user.run(&["--profile", "base", "accept", &offer.link]).await.exits(0).one("stored");
}
