//! SD-JWT VC, by either of its names.

use serde_json::{Map, Value, json};

use super::{Order, jose};
use crate::encoding::{b64, b64_json, random_bytes, random_text, sha256_b64};
use crate::faults::{Fault, Spoil};
use crate::keys::PrivateKey;
use crate::subjects::Kind;
use crate::type_metadata;

pub(super) fn make(order: &Order<'_>, mut subject: Map<String, Value>) -> String {
    let Order { issuer, configuration, times, signer, mistakes, .. } = order;
    let spoils = |spoil| mistakes.spoils(spoil);
    order.add_odd_claims(&mut subject);
    let mut disclosures = Disclosures::default();
    let mut claims = hide(configuration.kind, subject, &mut disclosures);
    if spoils(Spoil::ShadowedClaim) {
        claims.insert("given_name".into(), json!("Mallory"));
    }
    if spoils(Spoil::ReservedName) {
        let digest = disclosures.add(&json!([random_text(), "_sd", ["x"]]));
        push_digest(&mut claims, digest);
    }
    if spoils(Spoil::DoubledDigest) {
        let first = claims["_sd"][0].clone();
        claims.insert("degree_of_trust".into(), json!({"_sd": [first]}));
    }
    let vct = configuration.vct(&issuer.id);
    claims.insert("iss".into(), json!(signer.iss));
    claims.insert("iat".into(), json!(times.issued));
    claims.insert("nbf".into(), json!(times.from));
    claims.insert("exp".into(), json!(times.until));
    claims.insert("_sd_alg".into(), json!(if spoils(Spoil::UnknownHash) { "sha-unheard-of" } else { "sha-256" }));
    if mistakes.has(Fault::WrongType) {
        claims.insert("vct".into(), json!(format!("{}/vct/something-else", issuer.id)));
    } else if !spoils(Spoil::MissingVct) {
        claims.insert("vct".into(), json!(vct));
    }
    if configuration.kind == Kind::Badge {
        let wrong = mistakes.has(Fault::TypeMetadataIntegrity);
        claims
            .insert("vct#integrity".into(), json!(type_metadata::integrity(issuer, configuration.kind.slug(), wrong)));
    }
    if let Some(confirmation) = order.confirmation() {
        claims.insert("cnf".into(), confirmation);
    }
    if let Some(did) = order.holder.and_then(|holder| holder.did()) {
        claims.insert("sub".into(), json!(did));
    }
    if let Some(place) = &order.status {
        claims.insert("status".into(), place.token_claim(issuer));
    }
    let mut credential = jose::sign(configuration.format.id(), claims, signer, mistakes);
    if mistakes.has(Fault::BadDigest) {
        disclosures.spoil_first();
    }
    let list = &mut disclosures.0;
    if spoils(Spoil::DroppedDisclosure) {
        list.remove(0);
    }
    if spoils(Spoil::DoubledDisclosure) {
        list.push(list[0].clone());
    }
    if spoils(Spoil::ForeignDisclosure) {
        list.push(b64_json(&json!([random_text(), "nickname", "Mallory"])));
    }
    for disclosure in list {
        credential.push('~');
        credential.push_str(disclosure);
    }
    credential.push('~');
    if spoils(Spoil::KeyBinding) {
        credential.push_str(&key_binding(&credential, times.issued));
    }
    credential
}

/// A key-binding JWT, which only a holder could have made.
fn key_binding(presented: &str, now: i64) -> String {
    let key = PrivateKey::p256();
    let header = json!({"alg": "ES256", "typ": "kb+jwt"});
    let claims = json!({"iat": now, "aud": "x", "nonce": random_text(), "sd_hash": sha256_b64(presented)});
    crate::jwt::sign(&key, &header, &claims)
}

/// Puts some claims behind digests: top-level ones, parts of an object, and an array element.
fn hide(kind: Kind, mut claims: Map<String, Value>, disclosures: &mut Disclosures) -> Map<String, Value> {
    let hidden: &[&str] = match kind {
        Kind::Degree => &["given_name", "family_name", "birthdate"],
        Kind::Badge => &["given_name", "family_name", "joined"],
        Kind::Student | Kind::Licence => &["given_name", "family_name"],
    };
    disclosures.hide_members(&mut claims, hidden);
    if let Some(Value::Object(address)) = claims.get_mut("address") {
        disclosures.hide_members(address, &["street_address", "locality"]);
    }
    for name in ["nationalities", "permissions"] {
        if let Some(Value::Array(elements)) = claims.get_mut(name) {
            disclosures.hide_element(elements, 0);
        }
    }
    // One more digest with nothing behind it, so that their number tells nothing.
    push_digest(&mut claims, json!(b64(random_bytes::<32>())));
    claims
}

fn push_digest(claims: &mut Map<String, Value>, digest: Value) {
    if let Some(Value::Array(digests)) = claims.get_mut("_sd") {
        digests.push(digest);
        sort(digests);
    }
}

#[derive(Default)]
struct Disclosures(Vec<String>);

impl Disclosures {
    fn add(&mut self, content: &Value) -> Value {
        let disclosure = b64_json(content);
        let digest = sha256_b64(&disclosure);
        self.0.push(disclosure);
        json!(digest)
    }

    fn hide_members(&mut self, object: &mut Map<String, Value>, names: &[&str]) {
        let mut digests = Vec::new();
        for name in names {
            if let Some(value) = object.remove(*name) {
                digests.push(self.add(&json!([random_text(), name, value])));
            }
        }
        sort(&mut digests);
        object.insert("_sd".into(), Value::Array(digests));
    }

    fn hide_element(&mut self, array: &mut [Value], index: usize) {
        let digest = self.add(&json!([random_text(), array[index]]));
        array[index] = json!({"...": digest});
    }

    /// Replaces the first disclosure, whose digest then fits nothing.
    fn spoil_first(&mut self) {
        if let Some(first) = self.0.first_mut() {
            *first = b64_json(&json!([random_text(), "given_name", "Mallory"]));
        }
    }
}

fn sort(digests: &mut [Value]) {
    digests.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subjects::subject_claims;

    #[test]
    fn every_digest_has_its_disclosure_but_the_decoy() {
        let mut disclosures = Disclosures::default();
        let claims = hide(Kind::Degree, subject_claims(Kind::Degree), &mut disclosures);
        let text = Value::Object(claims.clone()).to_string();
        assert_eq!(disclosures.0.len(), 6);
        for disclosure in &disclosures.0 {
            assert!(text.contains(&sha256_b64(disclosure)));
        }
        assert_eq!(claims["_sd"].as_array().map(Vec::len), Some(4));
        assert_eq!(claims["address"]["_sd"].as_array().map(Vec::len), Some(2));
        assert!(claims["nationalities"][0]["..."].is_string());
        assert!(!text.contains("Erika"));
    }
}
