//! Issuer metadata as a JWT (`OpenID4VCI` section 12.2.3), and who gets it.

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::header::{ACCEPT, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::dialect::SignedForm;
use crate::encoding::{b64, b64_json};
use crate::faults::Fault;
use crate::issuer::Issuer;
use crate::log::see;
use crate::options::SignedMetadata;
use crate::refusal::{Refusal, json_answer};

/// Seconds that a signed document is valid.
const LIFETIME: i64 = 3600;

/// The document in the form that suits the wallet.
pub(crate) fn answer(issuer: &Issuer, headers: &HeaderMap, mut document: Value) -> Response {
    if issuer.dialect.signed_metadata == SignedForm::Member {
        if issuer.options.signed_metadata != SignedMetadata::Off {
            document["signed_metadata"] = json!(sign(issuer, document.clone()));
        }
        return json_answer(&document);
    }
    let (plain, signed) = (quality(headers, "json"), quality(headers, "jwt"));
    let signs = match issuer.options.signed_metadata {
        SignedMetadata::Off => false,
        // Whoever takes both equally gets the plain one: who wants the other has to say so.
        SignedMetadata::Offered => signed > plain,
        SignedMetadata::Only if signed == 0.0 && !issuer.faults.strikes(Fault::UnaskedSignedMetadata) => {
            let refusal = Refusal::new("not_acceptable", "The metadata comes as application/jwt only");
            return refusal.status(StatusCode::NOT_ACCEPTABLE).into_response();
        }
        SignedMetadata::Only => true,
    };
    let signs = signs && !issuer.faults.strikes(Fault::UnsignedAnswer)
        || issuer.options.signed_metadata == SignedMetadata::Offered
            && issuer.faults.strikes(Fault::UnaskedSignedMetadata);
    let mut response = if signs {
        let mut response = Response::new(Body::from(sign(issuer, document)));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/jwt"));
        see(&mut response, "signed_metadata", json!(true));
        response
    } else {
        json_answer(&document)
    };
    if issuer.options.signed_metadata != SignedMetadata::Off {
        response.headers_mut().insert(VARY, HeaderValue::from_name(ACCEPT));
    }
    response
}

/// How welcome `application/SUBTYPE` is by `Accept`: the most specific range counts (RFC 9110
/// section 12.5.1).
fn quality(headers: &HeaderMap, subtype: &str) -> f32 {
    let exact = format!("application/{subtype}");
    let ranges = ["*/*", "application/*", &exact];
    let mut best: Option<(usize, f32)> = None;
    for text in headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()) {
        for entry in text.split(',') {
            let mut parts = entry.split(';').map(|part| part.trim().to_ascii_lowercase());
            let range = parts.next().unwrap_or_default();
            let weight = parts.find_map(|part| part.strip_prefix("q=").map(|q| q.parse().unwrap_or(0.0)));
            let Some(rank) = ranges.iter().position(|known| *known == range) else { continue };
            if best.is_none_or(|(known, _)| rank >= known) {
                best = Some((rank, weight.unwrap_or(1.0)));
            }
        }
    }
    match best {
        Some((_, weight)) => weight,
        None if headers.contains_key(ACCEPT) => 0.0,
        None => 1.0,
    }
}

fn sign(issuer: &Issuer, document: Value) -> String {
    let strikes = |fault| issuer.faults.strikes(fault);
    let now = issuer.now();
    let (issued, expires) = if strikes(Fault::SignedMetadataExpired) {
        (now - 2 * LIFETIME, now - LIFETIME)
    } else {
        (now, now + LIFETIME)
    };
    let other = format!("{}/someone-else", issuer.origin);
    let mut claims = document;
    claims["iss"] = json!(issuer.id);
    claims["sub"] = json!(issuer.fault_or(Fault::SignedMetadataWrongSub, &other, &issuer.id));
    claims["exp"] = json!(expires);
    if !strikes(Fault::SignedMetadataNoIat) {
        claims["iat"] = json!(issued);
    }
    if strikes(Fault::SignedMetadataDiffers) {
        claims["credential_endpoint"] = json!(format!("{}/other-credential", issuer.id));
    }
    let signers = &issuer.signers.metadata;
    let chain = if strikes(Fault::SignedMetadataUntrusted) {
        &signers.untrusted
    } else if strikes(Fault::SignedMetadataSelfSigned) {
        &signers.self_signed
    } else {
        &signers.right
    };
    let mut x5c = chain.x5c();
    if strikes(Fault::SignedMetadataWithAnchor) {
        x5c.push(signers.root.clone());
    }
    let (none, mac) = (strikes(Fault::SignedMetadataAlgNone), strikes(Fault::SignedMetadataHs256));
    let alg = match (none, mac) {
        (true, _) => "none",
        (_, true) => "HS256",
        _ => chain.key.public().alg(),
    };
    let typ = issuer.fault_or(Fault::SignedMetadataWrongTyp, "JWT", "openidvci-issuer-metadata+jwt");
    let mut header = json!({"alg": alg, "typ": typ});
    if !strikes(Fault::SignedMetadataNoX5c) {
        header["x5c"] = json!(x5c);
    }
    let input = format!("{}.{}", b64_json(&header), b64_json(&claims));
    let signature = if none {
        Vec::new()
    } else if mac {
        // What a wallet computes that takes the public key for a shared secret.
        hmac(chain.key.public().to_jwk().to_string().as_bytes(), input.as_bytes())
    } else if strikes(Fault::SignedMetadataBadSignature) {
        chain.key.another().sign(input.as_bytes())
    } else {
        chain.key.sign(input.as_bytes())
    };
    format!("{input}.{}", b64(signature))
}

/// HMAC with SHA-256 (RFC 2104).
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0; 64];
    if key.len() > block.len() {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let keyed = |pad: u8, rest: &[u8]| Sha256::digest([&block.map(|byte| byte ^ pad), rest].concat());
    keyed(0x5c, &keyed(0x36, message)).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(text: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(text))])
    }

    #[test]
    fn the_most_specific_range_counts() {
        for (text, plain, signed) in [
            ("application/json", 1.0, 0.0),
            ("application/jwt", 0.0, 1.0),
            ("application/jwt, application/json;q=0.9", 0.9, 1.0),
            ("application/json;q=0.5, */*", 0.5, 1.0),
            ("*/*;q=0.1, application/*;q=0.2", 0.2, 0.2),
            ("text/html", 0.0, 0.0),
            ("application/jwt;q=0, */*", 1.0, 0.0),
            ("Application/JWT ; q=0.3", 0.0, 0.3),
        ] {
            let headers = accept(text);
            assert!((quality(&headers, "json") - plain).abs() < 0.001, "{text}");
            assert!((quality(&headers, "jwt") - signed).abs() < 0.001, "{text}");
        }
        assert!((quality(&HeaderMap::new(), "jwt") - 1.0).abs() < 0.001);
    }

    #[test]
    fn hmac_of_rfc_4231() {
        let hex = |bytes: Vec<u8>| bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(hex(hmac(b"Jefe", b"what do ya want for nothing?")), expected);
        let expected = "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54";
        assert_eq!(hex(hmac(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First")), expected);
    }
}
