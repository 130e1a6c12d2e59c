//! Proofs that the wallet has the key which its tokens are bound to (DPoP, RFC 9449).

use serde_json::json;
use url::Url;

use super::{jwt, message};
use crate::model::jwk::{Algorithm, Jwk};
use crate::model::secret::Secret;
use crate::model::time::Timestamp;
use crate::platform::http::HttpResponse;

/// The header that carries a proof.
pub(crate) const DPOP: &str = "DPoP";
/// The header by which servers hand out their nonces.
pub(crate) const DPOP_NONCE: &str = "DPoP-Nonce";

/// Finds the algorithm of the key that tokens will be bound to: one that the server lists and the wallet's
/// keys can have. A server that lists none does not say that it knows DPoP.
pub(crate) fn algorithm(listed: Option<&[String]>, ours: &[Algorithm]) -> Option<Algorithm> {
    let listed: Vec<_> = listed?.iter().filter_map(|name| Algorithm::parse(name)).collect();
    ours.iter().copied().find(|algorithm| listed.contains(algorithm))
}

/// What a proof is made for.
pub(crate) struct DpopClaims<'a> {
    pub(crate) method: &'a str,
    pub(crate) url: &'a Url,
    /// The token that goes along; none where one is asked for.
    pub(crate) access_token: Option<&'a Secret>,
    /// The server's own nonce, if it gave one.
    pub(crate) nonce: Option<&'a str>,
    pub(crate) issued_at: Timestamp,
}

/// The text that the key has to sign. It is good for one request.
pub(crate) fn signing_input(key: &Jwk, claims: &DpopClaims<'_>) -> String {
    let mut htu = claims.url.clone();
    htu.set_query(None);
    htu.set_fragment(None);
    let header = json!({ "typ": "dpop+jwt", "alg": key.algorithm().as_str(), "jwk": bare(key) });
    let mut payload = json!({
        "jti": jwt::fresh_id(),
        "htm": claims.method,
        "htu": htu.as_str(),
        "iat": claims.issued_at,
    });
    if let Some(token) = claims.access_token {
        payload["ath"] = json!(jwt::sha256_base64url(token.expose().as_bytes()));
    }
    if let Some(nonce) = claims.nonce {
        payload["nonce"] = json!(nonce);
    }
    jwt::signing_input(&header, &payload)
}

/// The key without the name that it may have.
fn bare(key: &Jwk) -> serde_json::Value {
    let mut value = key.to_value();
    if let Some(members) = value.as_object_mut() {
        members.remove("kid");
    }
    value
}

/// Whether a server refused a request only because the proof lacks its nonce: the request had no effect.
pub(crate) fn wants_nonce(response: &HttpResponse) -> bool {
    response.status().is_client_error()
        && response.headers().contains_key(DPOP_NONCE)
        && message::issuer_error(response).is_some_and(|said| said.error == "use_dpop_nonce")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::model::jwk::Curve;

    fn key() -> Jwk {
        let key = Jwk::from_coordinates(Curve::P256, &[1; 32], &[2; 32]).expect("a key").to_value();
        let mut named = key;
        named["kid"] = json!("its name");
        Jwk::from_value(&named).expect("a key")
    }

    fn made(url: &str, access_token: Option<&Secret>, nonce: Option<&str>) -> (Value, Value) {
        let url = Url::parse(url).expect("a URL");
        let issued_at = Timestamp::from_seconds(1_562_262_616);
        let claims = DpopClaims { method: "POST", url: &url, access_token, nonce, issued_at };
        jwt::decode(&signing_input(&key(), &claims))
    }

    // covers: DPOP-02, DPOP-03
    #[test]
    fn a_proof_has_exactly_the_members_of_the_rfc() {
        let (header, payload) = made("https://as.example/token?tenant=1#x", None, None);
        assert_eq!(
            header,
            json!({ "typ": "dpop+jwt", "alg": "ES256",
                "jwk": { "kty": "EC", "crv": "P-256", "x": "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE",
                    "y": "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI" } })
        );
        let jti = payload["jti"].as_str().expect("jti").to_owned();
        assert_eq!(
            payload,
            json!({ "jti": jti, "htm": "POST", "htu": "https://as.example/token", "iat": 1_562_262_616 })
        );
        assert_eq!(jti.len(), 32);
        assert_ne!(made("https://as.example/token", None, None).1["jti"], jti.as_str());
    }

    // covers: DPOP-03
    #[test]
    fn a_token_is_named_by_its_hash() {
        // RFC 9449 section 7.1.
        let token = Secret::from("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU");
        let (_, payload) = made("https://rs.example/credential", Some(&token), Some("n"));
        assert_eq!(payload["ath"], "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
        assert_eq!(payload["nonce"], "n");
    }

    // covers: DPOP-02
    #[test]
    fn the_algorithm_is_one_that_both_know() {
        let listed = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let ours = [Algorithm::Es256, Algorithm::EdDsa];
        assert_eq!(algorithm(Some(&listed(&["RS256", "EdDSA", "ES256"])), &ours), Some(Algorithm::Es256));
        assert_eq!(algorithm(Some(&listed(&["EdDSA"])), &ours), Some(Algorithm::EdDsa));
        assert_eq!(algorithm(Some(&listed(&["RS256", "none"])), &ours), None);
        assert_eq!(algorithm(None, &ours), None);
    }
}
