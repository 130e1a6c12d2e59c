//! Wallets that authenticate themselves: by attestations, by a key of their own.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use billfold_test_issuer::{AttestationProof, ClientAuth, KeyAttestation, Options};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

use crate::attester::Attester;
use crate::issuer::TestIssuer;
use crate::support::{Ran, User};

/// A client's own key: the private JWK, and the public one that is registered.
fn client_key() -> (Value, Value) {
    let mut seed = [0; 32];
    ring::rand::SecureRandom::fill(&SystemRandom::new(), &mut seed).unwrap();
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    let public = json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "client-1", "alg": "EdDSA"});
    let mut private = public.clone();
    private["d"] = json!(URL_SAFE_NO_PAD.encode(seed));
    (private, public)
}

/// Both grants with these options, to the end.
async fn both_grants(issuer: &TestIssuer, user: &User, options: &[&str]) -> [Ran; 2] {
    let offer = issuer.offer(&json!({"grant": "pre-authorized"}));
    let words: Vec<_> = options.iter().copied().chain(["accept", &offer.link]).collect();
    let first = user.run(&words).await.exits(0);
    let offer = issuer.offer(&json!({"grant": "code"}));
    let words: Vec<_> = options.iter().copied().chain(["accept", &offer.link]).collect();
    let mut running = user.start(&words);
    let sign_in = running.event("sign_in").await;
    issuer.user_signs_in(sign_in["url"].as_str().unwrap()).await;
    [first, running.end().await.exits(0)]
}

/// How the client authenticated where it has to.
fn methods(issuer: &TestIssuer) -> Vec<String> {
    let requests = issuer.log().requests;
    requests.into_iter().filter_map(|entry| entry.client_auth).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn by_a_key_of_its_own() {
    let user = User::new();
    let (private, public) = client_key();
    std::fs::write(user.path("client.jwk"), private.to_string()).unwrap();
    let client_auth = ClientAuth::PrivateKeyJwt;
    let issuer = TestIssuer::with(Options { client_auth, client_jwks: vec![public], ..Options::default() }).await;
    let file = user.path("client.jwk");
    for ran in both_grants(&issuer, &user, &["--client-auth", "private_key_jwt", "--client-key", &file]).await {
        ran.one("stored");
    }
    assert_eq!(methods(&issuer), ["private_key_jwt"; 3], "token, then PAR and token");
}

#[tokio::test(flavor = "multi_thread")]
async fn by_attestations() {
    for (version, challenge_endpoint) in [(7, true), (8, false)] {
        let user = User::new();
        let attester = Attester::of(&user);
        let issuer = TestIssuer::with(Options {
            client_auth: ClientAuth::Attestation,
            attestation_version: version,
            challenge_endpoint,
            attester_trust_pem: Some(attester.trust_pem.clone()),
            ..Options::default()
        })
        .await;
        let version = version.to_string();
        let mut options = attester.attesting();
        options.extend(["--attestation-version", &version, "--attester-issuer", "https://provider.example/wallets"]);
        for ran in both_grants(&issuer, &user, &options).await {
            ran.one("stored");
        }
        assert_eq!(methods(&issuer), ["attest_jwt_client_auth"; 3]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_vouched_for_where_nobody_authenticates() {
    let user = User::new();
    let attester = Attester::of(&user);
    for (key_attestation, attestation_proof, proof) in [
        (KeyAttestation::RequiredLevels, AttestationProof::Off, "jwt"),
        (KeyAttestation::Required, AttestationProof::Only, "attestation"),
    ] {
        let attester_trust_pem = Some(attester.trust_pem.clone());
        let options = Options { key_attestation, attestation_proof, attester_trust_pem, ..Options::default() };
        let issuer = TestIssuer::with(options).await;
        let offer = issuer.offer(&json!({"grant": "pre-authorized"}));
        user.run(&["accept", &offer.link]).await.fails_with("feature_unsupported");
        let words: Vec<_> = attester.files().into_iter().chain(["accept", &offer.link, "--copies", "3"]).collect();
        user.run(&words).await.exits(0).one("stored");
        let log = issuer.log();
        let seen = log.requests.iter().find_map(|entry| entry.seen.get("proofs")).unwrap();
        assert_eq!((&seen["type"], &seen["keys"]), (&json!(proof), &json!(3)), "{seen}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_named_by_certificates() {
    let user = User::new();
    let attester = Attester::of(&user);
    let issuer = TestIssuer::start().await;
    for key in ["es256", "es384", "eddsa"] {
        let offer = issuer.offer(&json!({"grant": "pre-authorized"}));
        let words = ["--binding", "x5c", "--key", key].into_iter().chain(attester.files());
        let words: Vec<_> = words.chain(["accept", &offer.link, "--copies", "2"]).collect();
        user.run(&words).await.exits(0).one("stored");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_authenticate_hears_it_before_the_sign_in() {
    let user = User::new();
    let issuer = TestIssuer::with(Options { client_auth: ClientAuth::Attestation, ..Options::default() }).await;
    let offer = issuer.offer(&json!({"grant": "code"}));
    let error = user.run(&["accept", &offer.link]).await.fails_with("client_authentication_unavailable");
    assert_eq!(error["advice"], "fix_setup");
    // One that the server does not trust.
    let attester = Attester::of(&user);
    let words: Vec<_> = attester.attesting().into_iter().chain(["accept", &offer.link]).collect();
    let error = user.run(&words).await.fails_with("attestation_refused");
    assert_eq!(error["server_error"], "invalid_client_attestation");
    // One whose keys the server does not take.
    let words: Vec<_> = ["--key", "es256k"].into_iter().chain(words).collect();
    user.run(&words).await.fails_with("no_common_algorithm");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_no_keys_are_named() {
    let user = User::new();
    let attester = Attester::of(&user);
    let (private, public) = client_key();
    for (name, content) in [
        ("public.jwk", public.to_string()),
        ("ed25519.jwk", private.to_string()),
        ("other.key", rcgen::KeyPair::generate().unwrap().serialize_pem()),
        ("garbage", "garbage".to_owned()),
    ] {
        std::fs::write(user.path(name), content).unwrap();
    }
    let [_, key, _, certificates] = attester.files();
    let file = |name: &str| user.path(name);
    for (key, certificates, named) in [
        (file("garbage"), certificates.to_owned(), "garbage"),
        (file("ed25519.jwk"), certificates.to_owned(), "P-256"),
        (file("other.key"), certificates.to_owned(), "another key"),
        (key.to_owned(), file("garbage"), "garbage"),
        (key.to_owned(), key.to_owned(), "attester.key"),
    ] {
        let words = ["--attester-key", &key, "--attester-cert", &certificates, "list"];
        let error = user.run(&words).await.fails_with("key_unusable");
        assert!(error["detail"].as_str().unwrap().contains(named), "{error}");
    }
    let client = |name: &str| {
        ["--client-auth".into(), "private_key_jwt".into(), "--client-key".into(), file(name), "list".into()]
    };
    let error = user.run::<String>(&client("public.jwk")).await.fails_with("key_unusable");
    assert!(error["detail"].as_str().unwrap().contains("public key"), "{error}");
    user.run::<String>(&client("missing.jwk")).await.fails_with("file_unreadable");
    user.run::<String>(&client("ed25519.jwk")).await.exits(0);
}
