use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use billfold::model::ids::KeyHandle;
use billfold::model::jwk::Algorithm;
use billfold::platform::keys::{HolderKeys, KeyErrorKind, KeySpec, SignRequest};
use billfold::platform::memory::MemorySecrets;
use billfold::platform::secret::{SecretError, SecretStore};
use billfold::platform::software_keys::SoftwareKeys;
use k256::ecdsa::signature::Verifier as _;
use ring::signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, UnparsedPublicKey};
use zeroize::Zeroizing;

/// Keeps secrets until `room` is used up, then fails after having written.
#[derive(Default)]
struct Cramped {
    secrets: Mutex<HashMap<String, Vec<u8>>>,
    room: usize,
}

#[async_trait]
impl SecretStore for Cramped {
    async fn put(&self, name: &str, secret: Zeroizing<Vec<u8>>) -> Result<(), SecretError> {
        let mut secrets = self.secrets.lock().unwrap();
        secrets.insert(name.to_owned(), secret.to_vec());
        if secrets.len() > self.room { Err(SecretError::new("no room")) } else { Ok(()) }
    }
    async fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
        Ok(self.secrets.lock().unwrap().get(name).cloned().map(Zeroizing::new))
    }
    async fn remove(&self, name: &str) -> Result<(), SecretError> {
        self.secrets.lock().unwrap().remove(name);
        Ok(())
    }
}

fn request(handle: &KeyHandle, algorithm: Algorithm, payload: &[u8]) -> SignRequest {
    SignRequest { handle: handle.clone(), algorithm, payload: payload.to_vec() }
}

fn verifies(algorithm: Algorithm, point: &[u8], payload: &[u8], signature: &[u8]) -> bool {
    match algorithm {
        Algorithm::Es256 => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(payload, signature).is_ok(),
        Algorithm::Es384 => UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point).verify(payload, signature).is_ok(),
        Algorithm::EdDsa => UnparsedPublicKey::new(&ED25519, point).verify(payload, signature).is_ok(),
        Algorithm::Es256k => {
            let key = k256::ecdsa::VerifyingKey::from_sec1_bytes(point).unwrap();
            k256::ecdsa::Signature::from_slice(signature).is_ok_and(|made| key.verify(payload, &made).is_ok())
        }
        other => panic!("no check for {other}"),
    }
}

#[tokio::test]
async fn each_algorithm_signs_what_its_public_key_verifies() {
    let keys = SoftwareKeys::new();
    assert_eq!(keys.algorithms(), Algorithm::ALL);
    for algorithm in keys.algorithms() {
        let made = keys.create(KeySpec::new(algorithm), 2).await.unwrap();
        assert_eq!(made.len(), 2);
        assert_ne!(made[0].handle, made[1].handle);
        assert_ne!(made[0].public_jwk, made[1].public_jwk);
        let requests = vec![
            request(&made[1].handle, algorithm, b"first"),
            request(&made[0].handle, algorithm, b"second"),
            request(&made[1].handle, algorithm, b""),
        ];
        let signatures = keys.sign(requests).await.unwrap();
        assert_eq!(signatures.len(), 3);
        for (key, payload, signature) in [
            (&made[1], &b"first"[..], &signatures[0]),
            (&made[0], b"second", &signatures[1]),
            (&made[1], b"", &signatures[2]),
        ] {
            assert_eq!(key.public_jwk.algorithm(), algorithm);
            assert!(verifies(algorithm, &key.public_jwk.to_point(), payload, signature), "{algorithm}");
            assert!(!verifies(algorithm, &key.public_jwk.to_point(), b"other", signature), "{algorithm}");
        }
        assert!(!verifies(algorithm, &made[0].public_jwk.to_point(), b"first", &signatures[0]));
    }
}

#[tokio::test]
async fn keys_last_as_long_as_their_secrets() {
    let secrets = Arc::new(MemorySecrets::new());
    let made = SoftwareKeys::in_secrets(secrets.clone()).create(KeySpec::new(Algorithm::Es256), 1).await.unwrap();
    let keys = SoftwareKeys::in_secrets(secrets.clone());
    let signatures = keys.sign(vec![request(&made[0].handle, Algorithm::Es256, b"x")]).await.unwrap();
    assert!(verifies(Algorithm::Es256, &made[0].public_jwk.to_point(), b"x", &signatures[0]));
    assert!(secrets.get(&format!("key/{}", made[0].handle)).await.unwrap().is_some());

    keys.delete(vec![made[0].handle.clone()]).await.unwrap();
    keys.delete(vec![made[0].handle.clone()]).await.unwrap();
    assert!(secrets.get(&format!("key/{}", made[0].handle)).await.unwrap().is_none());
    let error = keys.sign(vec![request(&made[0].handle, Algorithm::Es256, b"x")]).await.unwrap_err();
    assert_eq!(error.kind, KeyErrorKind::Unknown);
}

#[tokio::test]
async fn a_key_signs_only_with_its_own_algorithm() {
    let keys = SoftwareKeys::new();
    let made = keys.create(KeySpec::new(Algorithm::EdDsa), 1).await.unwrap();
    let error = keys.sign(vec![request(&made[0].handle, Algorithm::Es256, b"x")]).await.unwrap_err();
    assert_eq!(error.kind, KeyErrorKind::Failed);
    assert!(error.to_string().contains("made for EdDSA"), "{error}");
}

#[tokio::test]
async fn creation_that_fails_half_way_leaves_nothing() {
    let secrets = Arc::new(Cramped { room: 2, ..Cramped::default() });
    let keys = SoftwareKeys::in_secrets(secrets.clone());
    let error = keys.create(KeySpec::new(Algorithm::Es256), 3).await.unwrap_err();
    assert_eq!(error.kind, KeyErrorKind::Failed);
    assert!(error.to_string().contains("no room"), "{error}");
    assert!(secrets.secrets.lock().unwrap().is_empty());
}

#[tokio::test]
async fn one_unknown_key_stops_the_whole_batch() {
    let keys = SoftwareKeys::new();
    let made = keys.create(KeySpec::new(Algorithm::Es256), 1).await.unwrap();
    let requests =
        vec![request(&made[0].handle, Algorithm::Es256, b"x"), request(&"no such".into(), Algorithm::Es256, b"x")];
    assert_eq!(keys.sign(requests).await.unwrap_err().kind, KeyErrorKind::Unknown);
    assert!(keys.sign(Vec::new()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_damaged_key_is_an_error() {
    let secrets = Arc::new(MemorySecrets::new());
    let keys = SoftwareKeys::in_secrets(secrets.clone());
    for kept in [&b""[..], b"ES256", b"ES256:", b"ES256:garbage", b"EdDSA:x", b"ES256K:short", b"RS256:x", b"\xff:x"] {
        secrets.put("key/x", Zeroizing::new(kept.to_vec())).await.unwrap();
        for algorithm in Algorithm::ALL {
            let error = keys.sign(vec![request(&"x".into(), algorithm, b"x")]).await.unwrap_err();
            assert_eq!(error.kind, KeyErrorKind::Failed, "{kept:?}");
        }
    }
}

#[tokio::test]
async fn debug_shows_nothing() {
    let keys = SoftwareKeys::new();
    keys.create(KeySpec::new(Algorithm::Es256), 1).await.unwrap();
    assert_eq!(format!("{keys:?}"), "SoftwareKeys { .. }");
}
