//! Private keys from files: those of a client, and of an attester.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use billfold::{Algorithm, Jwk};
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::pkcs8::DecodePrivateKey as _;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use serde_json::Value;
use zeroize::Zeroizing;

/// A key that signs.
pub(crate) struct PrivateKey {
    secret: Zeroizing<Vec<u8>>,
    pair: Pair,
    public: Jwk,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl PrivateKey {
    /// Reads a JWK (P-256, P-384 or Ed25519), or PEM with a P-256 key in it, as PKCS#8 or SEC 1.
    pub(crate) fn read(content: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(content).map_err(|_| "it is no text".to_owned())?.trim();
        if text.starts_with('{') { Self::from_jwk(text) } else { Self::from_pem(text) }
    }

    fn from_jwk(text: &str) -> Result<Self, String> {
        let jwk: Value = serde_json::from_str(text).map_err(|_| "it is no JSON".to_owned())?;
        let public = Jwk::from_value(&jwk).map_err(|error| error.to_string())?;
        if let Some(named) = jwk.get("alg").and_then(Value::as_str)
            && Algorithm::parse(named) != Some(public.algorithm())
        {
            return Err(format!("its `alg` is {named}, which does not fit its curve"));
        }
        let secret = jwk.get("d").and_then(Value::as_str).ok_or("it has no `d`, so it is a public key")?;
        let secret = URL_SAFE_NO_PAD.decode(secret).map_err(|_| "its `d` is no base64url".to_owned())?;
        Self::from_parts(&secret, public)
    }

    fn from_pem(text: &str) -> Result<Self, String> {
        let key = p256::SecretKey::from_pkcs8_pem(text).or_else(|_| p256::SecretKey::from_sec1_pem(text));
        let key = key.map_err(|_| "it is neither a JWK nor PEM with a P-256 key".to_owned())?;
        let point = key.public_key().to_sec1_point(false);
        let public = Jwk::from_point(Algorithm::Es256.curve(), point.as_bytes()).map_err(|error| error.to_string())?;
        Self::from_parts(&key.to_bytes(), public)
    }

    fn from_parts(secret: &[u8], public: Jwk) -> Result<Self, String> {
        let unfit = |_| "its private and public halves do not belong together".to_owned();
        let point = public.to_point();
        let ecdsa = |kind| EcdsaKeyPair::from_private_key_and_public_key(kind, secret, &point, &SystemRandom::new());
        let pair = match public.algorithm() {
            Algorithm::Es256 => Pair::Ecdsa(ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(unfit)?),
            Algorithm::Es384 => Pair::Ecdsa(ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING).map_err(unfit)?),
            Algorithm::EdDsa => Pair::Ed25519(Ed25519KeyPair::from_seed_and_public_key(secret, &point).map_err(unfit)?),
            other => return Err(format!("this command does not sign with {other}")),
        };
        Ok(Self { secret: Zeroizing::new(secret.to_vec()), pair, public })
    }

    /// Its public half, with the `kid` of the file.
    pub(crate) fn public(&self) -> &Jwk {
        &self.public
    }

    /// The same key, as certificates are signed with; none if it is not on P-256.
    pub(crate) fn p256(&self) -> Option<p256::ecdsa::SigningKey> {
        let fits = self.public.algorithm() == Algorithm::Es256;
        fits.then(|| p256::ecdsa::SigningKey::from_slice(&self.secret).ok()).flatten()
    }

    /// A signature as JOSE has it.
    pub(crate) fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, ring::error::Unspecified> {
        match &self.pair {
            Pair::Ecdsa(pair) => Ok(pair.sign(&SystemRandom::new(), payload)?.as_ref().to_vec()),
            Pair::Ed25519(pair) => Ok(pair.sign(payload).as_ref().to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7517 appendix A.2 and RFC 8037 appendix A.1.
    const P256: &str = r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE","kid":"1"}"#;
    const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    fn refusal(content: &str) -> String {
        PrivateKey::read(content.as_bytes()).err().expect("it is refused")
    }

    #[test]
    fn keys_are_read_and_sign() {
        let key = PrivateKey::read(P256.as_bytes()).expect("a key");
        assert_eq!((key.public().algorithm(), key.public().kid()), (Algorithm::Es256, Some("1")));
        assert_eq!(key.sign(b"x").expect("a signature").len(), 64);
        let key = PrivateKey::read(ED25519.as_bytes()).expect("a key");
        assert_eq!(key.public().algorithm(), Algorithm::EdDsa);
        assert_eq!(key.sign(b"x").expect("a signature").len(), 64);
    }

    #[test]
    fn what_is_no_private_key_is_refused_without_being_repeated() {
        assert!(refusal("").contains("neither"));
        assert!(refusal("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").contains("neither"));
        assert!(refusal("{").contains("JSON"));
        let changed = |from: &str, to: &str| refusal(&P256.replace(from, to));
        assert!(changed("\"d\"", "\"e\"").contains("public key"));
        assert!(changed("\"d\":\"87", "\"d\":\"88").contains("halves"));
        assert!(changed("\"kid\":\"1\"", "\"alg\":\"ES384\"").contains("ES384"));
        assert!(!changed("\"d\":\"87", "\"d\":\"8*").contains("0MB6"));
    }
}
