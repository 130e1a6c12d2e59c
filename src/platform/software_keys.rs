//! Holder keys in software: for desktop programs, servers and tests. On a phone, keys belong into
//! its own hardware.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use k256::ecdsa::signature::Signer as _;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair as _,
};
use zeroize::Zeroizing;

use super::keys::{HolderKeys, KeyError, KeyErrorKind, KeySpec, SignRequest};
use super::memory::MemorySecrets;
use super::secret::{SecretError, SecretStore};
use crate::model::credential::HolderKey;
use crate::model::ids::KeyHandle;
use crate::model::jwk::{Algorithm, Jwk};

/// [`HolderKeys`] in software, for ES256, ES384, `EdDSA` (Ed25519) and ES256K.
///
/// Every key is a secret of its own in a [`SecretStore`], under `key/` and its handle. It is read
/// for each signature; what was read is overwritten afterwards. Inside ring, which signs, copies
/// live a little longer: software can't do what hardware does.
pub struct SoftwareKeys {
    secrets: Arc<dyn SecretStore>,
    random: SystemRandom,
}

impl SoftwareKeys {
    /// Keys in memory; they are gone when this value is dropped.
    pub fn new() -> Self {
        Self::in_secrets(Arc::new(MemorySecrets::new()))
    }

    /// Keys that last as long as the secret store keeps them.
    pub fn in_secrets(secrets: Arc<dyn SecretStore>) -> Self {
        Self { secrets, random: SystemRandom::new() }
    }

    async fn load(&self, request: &SignRequest) -> Result<KeyPair, KeyError> {
        let handle = &request.handle;
        let kept = self.secrets.get(&secret_name(handle)).await.map_err(secret_failed)?;
        let kept = kept.ok_or_else(|| KeyError::new(KeyErrorKind::Unknown, format!("there is no key {handle}")))?;
        let (algorithm, private) = parse_kept(&kept)
            .ok_or_else(|| KeyError::new(KeyErrorKind::Failed, format!("the key {handle} is damaged")))?;
        if algorithm != request.algorithm {
            let wanted = request.algorithm;
            let detail = format!("the key {handle} was made for {algorithm}, not for {wanted}");
            return Err(KeyError::new(KeyErrorKind::Failed, detail));
        }
        KeyPair::read(algorithm, private, &self.random)
    }

    async fn discard(&self, names: &[String]) {
        for name in names {
            if let Err(error) = self.secrets.remove(name).await {
                tracing::warn!(%error, "a key that is not needed could not be removed");
            }
        }
    }
}

impl Default for SoftwareKeys {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SoftwareKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoftwareKeys").finish_non_exhaustive()
    }
}

#[async_trait]
impl HolderKeys for SoftwareKeys {
    fn algorithms(&self) -> Vec<Algorithm> {
        Algorithm::ALL.to_vec()
    }

    async fn create(&self, spec: KeySpec, count: usize) -> Result<Vec<HolderKey>, KeyError> {
        let mut keys = Vec::with_capacity(count);
        let mut names = Vec::with_capacity(count);
        for _ in 0..count {
            let (private, public_jwk) = match generate(spec.algorithm, &self.random) {
                Ok(made) => made,
                Err(error) => {
                    self.discard(&names).await;
                    return Err(error);
                }
            };
            let handle = KeyHandle::new(hex::encode(super::random::<16>()));
            // Noted before it is written: a store may fail after it has written.
            names.push(secret_name(&handle));
            if let Err(error) = self.secrets.put(&secret_name(&handle), private).await {
                self.discard(&names).await;
                return Err(secret_failed(error));
            }
            keys.push(HolderKey::new(handle, public_jwk));
        }
        Ok(keys)
    }

    async fn sign(&self, requests: Vec<SignRequest>) -> Result<Vec<Vec<u8>>, KeyError> {
        let mut signatures = Vec::with_capacity(requests.len());
        for request in &requests {
            signatures.push(self.load(request).await?.sign(&request.payload, &self.random)?);
        }
        Ok(signatures)
    }

    async fn delete(&self, handles: Vec<KeyHandle>) -> Result<(), KeyError> {
        for handle in handles {
            self.secrets.remove(&secret_name(&handle)).await.map_err(secret_failed)?;
        }
        Ok(())
    }

    async fn holds(&self, keys: &[HolderKey]) -> Result<Vec<bool>, KeyError> {
        let mut held = Vec::with_capacity(keys.len());
        for key in keys {
            let kept = self.secrets.get(&secret_name(&key.handle)).await.map_err(secret_failed)?;
            let pair = kept.as_ref().and_then(|kept| {
                let (algorithm, private) = parse_kept(kept)?;
                Some((algorithm, KeyPair::read(algorithm, private, &self.random).ok()?))
            });
            held.push(pair.is_some_and(|(algorithm, pair)| pair.public(algorithm) == key.public_jwk));
        }
        Ok(held)
    }
}

enum KeyPair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Secp256k1(k256::ecdsa::SigningKey),
}

impl KeyPair {
    fn read(algorithm: Algorithm, private: &[u8], random: &SystemRandom) -> Result<Self, KeyError> {
        let damaged = |_| KeyError::new(KeyErrorKind::Failed, "a stored key is damaged");
        Ok(match algorithm {
            Algorithm::Es256 | Algorithm::Es384 => {
                Self::Ecdsa(EcdsaKeyPair::from_pkcs8(ecdsa(algorithm), private, random).map_err(damaged)?)
            }
            Algorithm::EdDsa => Self::Ed25519(Ed25519KeyPair::from_pkcs8(private).map_err(damaged)?),
            Algorithm::Es256k => Self::Secp256k1(
                k256::ecdsa::SigningKey::from_slice(private)
                    .map_err(|_| KeyError::new(KeyErrorKind::Failed, "a stored key is damaged"))?,
            ),
        })
    }

    fn public(&self, algorithm: Algorithm) -> Jwk {
        let point = match self {
            Self::Ecdsa(pair) => pair.public_key().as_ref().to_vec(),
            Self::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
            Self::Secp256k1(key) => key.verifying_key().to_sec1_point(false).as_bytes().to_vec(),
        };
        Jwk::from_point(algorithm.curve(), &point).expect("a public key has the length of its curve")
    }

    fn sign(&self, payload: &[u8], random: &SystemRandom) -> Result<Vec<u8>, KeyError> {
        let failed = || KeyError::new(KeyErrorKind::Failed, "signing failed");
        match self {
            Self::Ecdsa(pair) => pair.sign(random, payload).map(|made| made.as_ref().to_vec()).map_err(|_| failed()),
            Self::Ed25519(pair) => Ok(pair.sign(payload).as_ref().to_vec()),
            Self::Secp256k1(key) => {
                let made: k256::ecdsa::Signature = key.try_sign(payload).map_err(|_| failed())?;
                Ok(made.to_bytes().to_vec())
            }
        }
    }
}

/// A new key: its kept form and its public half.
fn generate(algorithm: Algorithm, random: &SystemRandom) -> Result<(Zeroizing<Vec<u8>>, Jwk), KeyError> {
    let failed = |_| KeyError::new(KeyErrorKind::Failed, "no key could be made");
    let mut kept = Zeroizing::new(Vec::with_capacity(256));
    kept.extend_from_slice(algorithm.as_str().as_bytes());
    kept.push(SEPARATOR);
    let start = kept.len();
    match algorithm {
        Algorithm::Es256 | Algorithm::Es384 => {
            kept.extend_from_slice(EcdsaKeyPair::generate_pkcs8(ecdsa(algorithm), random).map_err(failed)?.as_ref());
        }
        Algorithm::EdDsa => {
            kept.extend_from_slice(Ed25519KeyPair::generate_pkcs8(random).map_err(failed)?.as_ref());
        }
        Algorithm::Es256k => {
            let mut scalar = Zeroizing::new(super::random::<32>());
            // One in 2^127 is no valid scalar.
            while k256::ecdsa::SigningKey::from_slice(scalar.as_ref()).is_err() {
                *scalar = super::random();
            }
            kept.extend_from_slice(scalar.as_ref());
        }
    }
    let public = KeyPair::read(algorithm, &kept[start..], random)?.public(algorithm);
    Ok((kept, public))
}

const SEPARATOR: u8 = b':';

/// Takes the kept form apart: the algorithm's name, a colon, then PKCS#8 or, for ES256K, the scalar.
fn parse_kept(kept: &[u8]) -> Option<(Algorithm, &[u8])> {
    let colon = kept.iter().position(|&byte| byte == SEPARATOR)?;
    let algorithm = Algorithm::parse(std::str::from_utf8(&kept[..colon]).ok()?)?;
    Some((algorithm, &kept[colon + 1..]))
}

fn ecdsa(algorithm: Algorithm) -> &'static EcdsaSigningAlgorithm {
    if algorithm == Algorithm::Es384 { &ECDSA_P384_SHA384_FIXED_SIGNING } else { &ECDSA_P256_SHA256_FIXED_SIGNING }
}

fn secret_name(handle: &KeyHandle) -> String {
    format!("key/{handle}")
}

fn secret_failed(error: SecretError) -> KeyError {
    KeyError::new(KeyErrorKind::Failed, format!("the secret store failed: {error}")).caused_by(error)
}
