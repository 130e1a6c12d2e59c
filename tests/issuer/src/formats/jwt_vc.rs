//! W3C credentials as JWTs, of both versions of the data model.

use serde_json::{Map, Value, json};

use super::{Order, date, jose, ldp, uuid};
use crate::catalogue::{Flavor, Format};
use crate::status::StatusKind;

pub(super) fn make(order: &Order<'_>, mut subject: Map<String, Value>) -> String {
    let Order { issuer, configuration, times, signer, mistakes, .. } = order;
    let did = order.holder.and_then(|holder| holder.did());
    if let Some(did) = did {
        subject.insert("id".into(), json!(did));
    }
    order.add_odd_claims(&mut subject);
    let mut vc = Map::new();
    vc.insert("type".into(), json!(["VerifiableCredential", order.type_name()]));
    vc.insert("issuer".into(), json!(signer.iss));
    vc.insert("credentialSubject".into(), Value::Object(subject));
    let bitstring = order.status.as_ref().filter(|place| place.kind == StatusKind::Bitstring);
    if let Some(place) = bitstring {
        vc.insert("credentialStatus".into(), place.entries(issuer));
    }
    let id = format!("urn:uuid:{}", uuid());
    let mut claims = if configuration.flavor == Flavor::Version2 {
        vc.insert("@context".into(), json!(["https://www.w3.org/ns/credentials/v2"]));
        vc.insert("id".into(), json!(id));
        vc.insert("validFrom".into(), json!(date(times.from)));
        vc.insert("validUntil".into(), json!(date(times.until)));
        vc
    } else {
        let contexts = if configuration.format == Format::JwtVcLd {
            ldp::contexts(configuration)
        } else {
            json!(["https://www.w3.org/2018/credentials/v1"])
        };
        vc.insert("@context".into(), contexts);
        vc.insert("issuanceDate".into(), json!(date(times.from)));
        vc.insert("expirationDate".into(), json!(date(times.until)));
        Map::from_iter([("vc".to_owned(), Value::Object(vc)), ("jti".to_owned(), json!(id))])
    };
    for (name, value) in [("iat", times.issued), ("nbf", times.from), ("exp", times.until)] {
        claims.insert(name.into(), json!(value));
    }
    claims.insert("iss".into(), json!(signer.iss));
    if let Some(did) = did {
        claims.insert("sub".into(), json!(did));
    } else if let Some(confirmation) = order.confirmation() {
        claims.insert("cnf".into(), confirmation);
    }
    if let Some(place) = order.status.as_ref().filter(|place| place.kind != StatusKind::Bitstring) {
        claims.insert("status".into(), place.token_claim(issuer));
    }
    let typ = if configuration.flavor == Flavor::Version2 { "vc+jwt" } else { "JWT" };
    jose::sign(typ, claims, signer, mistakes)
}
