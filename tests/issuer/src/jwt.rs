//! Compact JWS: reading them strictly, and making them for the test attester.

use serde_json::{Map, Value};

use crate::encoding::{b64, b64_json, unb64};
use crate::keys::{PrivateKey, PublicKey};

/// A compact JWS that was taken apart. Its signature was not looked at yet.
#[derive(Debug)]
pub(crate) struct Jwt {
    pub(crate) header: Map<String, Value>,
    pub(crate) claims: Map<String, Value>,
    input: String,
    signature: Vec<u8>,
}

impl Jwt {
    /// Takes a JWS apart.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('.').collect();
        let [header, claims, signature] = parts[..] else {
            return Err("it is not a compact JWS".to_owned());
        };
        Ok(Self {
            header: object(header).ok_or("its header is not JSON in base64url")?,
            claims: object(claims).ok_or("its claims are not JSON in base64url")?,
            input: format!("{header}.{claims}"),
            signature: unb64(signature).ok_or("its signature is not base64url")?,
        })
    }

    /// Checks what every header has to say: `typ`, `alg` out of `algs`, nothing critical.
    pub(crate) fn check_header(&self, typ: Option<&str>, algs: &[&str]) -> Result<(), String> {
        let text = |name: &str| self.header.get(name).and_then(Value::as_str);
        if let Some(typ) = typ
            && text("typ") != Some(typ)
        {
            return Err(format!("its typ is not {typ}"));
        }
        let alg = text("alg").ok_or("it has no alg")?;
        if !algs.contains(&alg) {
            return Err(format!("its alg {alg} is not one of {}", algs.join(", ")));
        }
        if self.header.contains_key("crit") {
            return Err("its header has crit, nothing of which is known here".to_owned());
        }
        Ok(())
    }

    /// Checks the signature, and that `alg` is the one of the key.
    pub(crate) fn verify(&self, key: &PublicKey) -> Result<(), String> {
        let alg = self.header.get("alg").and_then(Value::as_str).unwrap_or_default();
        if alg != key.alg() {
            return Err(format!("its alg is {alg}, but its key is for {}", key.alg()));
        }
        if key.verifies(self.input.as_bytes(), &self.signature) {
            Ok(())
        } else {
            Err("its signature does not verify".to_owned())
        }
    }

    /// A claim that has to be a filled string.
    pub(crate) fn text(&self, name: &str) -> Result<&str, String> {
        match self.claims.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Ok(text),
            Some(_) => Err(format!("its {name} is not a filled string")),
            None => Err(format!("it has no {name}")),
        }
    }

    /// A claim that has to be a whole number.
    pub(crate) fn time(&self, name: &str) -> Result<i64, String> {
        let value = self.claims.get(name).ok_or_else(|| format!("it has no {name}"))?;
        value.as_i64().ok_or_else(|| format!("its {name} is not a whole number"))
    }

    /// Checks that `iat` is `window` seconds off at most.
    pub(crate) fn check_iat(&self, now: i64, window: u64) -> Result<(), String> {
        if self.time("iat")?.abs_diff(now) > window {
            return Err(format!("its iat is more than {window} seconds off"));
        }
        Ok(())
    }
}

fn object(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&unb64(text)?).ok()
}

/// Signs a JWS.
pub(crate) fn sign(key: &PrivateKey, header: &Value, claims: &Value) -> String {
    let input = format!("{}.{}", b64_json(header), b64_json(claims));
    let signature = b64(key.sign(input.as_bytes()));
    format!("{input}.{signature}")
}
