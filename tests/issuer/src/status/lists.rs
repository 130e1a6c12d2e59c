//! Serving status lists, rightly or wrongly.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use super::{INVALID, List, SUSPENDED};
use crate::catalogue::{Configuration, Flavor, Format};
use crate::cbor::Cbor;
use crate::cose;
use crate::encoding::b64;
use crate::faults::{Fault, Spoil};
use crate::formats::{Mistakes, date, jose};
use crate::issuer::Issuer;
use crate::refusal::Refusal;
use crate::signers::Signer;

/// Entries of a list at least. Bitstrings have no less than 16 KiB, so that nobody stands out.
const ENTRIES: u64 = 131_072;
/// Entries of a list that is too short.
const SHORT: u64 = 64;
/// Bytes that a bomb inflates to.
const BOMB: usize = (64 << 20) + 1024;
const HOUR: i64 = 3600;

/// Gives a status list.
pub(crate) async fn serve(
    State(issuer): State<Arc<Issuer>>,
    Path((list, configuration)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let list = List::ALL.into_iter().find(|known| known.slug() == list);
    let (Some(list), Some(configuration)) = (list, issuer.configuration(&configuration)) else {
        return Refusal::not_found().into_response();
    };
    let media_type = list.media_type();
    if !accepts(&headers, media_type) {
        return Refusal::new("not_acceptable", format!("There is only {media_type}"))
            .status(StatusCode::NOT_ACCEPTABLE)
            .into_response();
    }
    let spoils = |spoil| issuer.faults.strikes(Fault::Spoil(spoil));
    if spoils(Spoil::StatusHtml) {
        return answer("text/html; charset=utf-8", "<!doctype html><title>Sign in</title>".into());
    }
    let made = Made {
        uri: list.uri(&issuer, &configuration.id),
        wrong_sub: spoils(Spoil::StatusWrongSub),
        until: if spoils(Spoil::StatusExpired) {
            issuer.now() - HOUR
        } else {
            issuer.now() + issuer.options.status_lifetime
        },
        compressed: compressed(&issuer, list),
        signer: signer(&issuer, configuration),
        foreign: spoils(Spoil::StatusForeignSigner),
    };
    match list {
        List::TokenJwt => answer(media_type, made.token_jwt(&issuer).into_bytes()),
        List::TokenCwt => answer(media_type, made.token_cwt(&issuer)),
        List::Revocation | List::Suspension => answer(media_type, made.bitstring(&issuer, list).into_bytes()),
    }
}

impl List {
    fn media_type(self) -> &'static str {
        match self {
            Self::TokenJwt => "application/statuslist+jwt",
            Self::TokenCwt => "application/statuslist+cwt",
            Self::Revocation | Self::Suspension => "application/vc+jwt",
        }
    }

    fn bytes(self, values: &BTreeMap<u64, u8>, entries: u64) -> Vec<u8> {
        let bits = if matches!(self, Self::TokenJwt | Self::TokenCwt) { 2 } else { 1 };
        let mut bytes = vec![0; usize::try_from(entries * bits / 8).expect("a small list")];
        for (index, value) in values {
            let place = usize::try_from(index * bits / 8).expect("a small index");
            let Some(byte) = bytes.get_mut(place) else { continue };
            match self {
                // From the least significant bits on.
                Self::TokenJwt | Self::TokenCwt => *byte |= value << (index % 4 * 2),
                // From the most significant bit on.
                Self::Revocation if *value == INVALID => *byte |= 0x80 >> (index % 8),
                Self::Suspension if *value == SUSPENDED => *byte |= 0x80 >> (index % 8),
                Self::Revocation | Self::Suspension => {}
            }
        }
        bytes
    }
}

fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    let Some(accept) = headers.get(ACCEPT).and_then(|value| value.to_str().ok()) else { return true };
    accept.split(',').any(|range| {
        let range = range.split(';').next().unwrap_or_default().trim();
        range == "*/*" || range == "application/*" || range.eq_ignore_ascii_case(media_type)
    })
}

fn answer(media_type: &'static str, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

fn compressed(issuer: &Issuer, list: List) -> Vec<u8> {
    let spoils = |spoil| issuer.faults.strikes(Fault::Spoil(spoil));
    let bytes = if spoils(Spoil::StatusBomb) {
        vec![0; BOMB]
    } else {
        let entries = if spoils(Spoil::StatusShort) { SHORT } else { ENTRIES };
        list.bytes(issuer.book().statuses.all(), entries)
    };
    let done = "memory takes everything";
    let mut out = if matches!(list, List::TokenJwt | List::TokenCwt) {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&bytes).expect(done);
        encoder.finish().expect(done)
    } else {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&bytes).expect(done);
        encoder.finish().expect(done)
    };
    if spoils(Spoil::StatusCut) {
        out.truncate(out.len() / 2);
    }
    out
}

/// Lists are signed like the credentials in them; those of mdocs under the root for `x5c`, because
/// a document signer signs documents only.
fn signer(issuer: &Issuer, configuration: &Configuration) -> Signer {
    let mut configuration = configuration.clone();
    if configuration.format == Format::Mdoc {
        configuration.format = Format::SdJwtVc;
        configuration.flavor = Flavor::Plain;
    }
    issuer.signers.pick(&configuration, false, None)
}

/// What goes into a list, and what is wrong about it.
struct Made {
    uri: String,
    wrong_sub: bool,
    until: i64,
    compressed: Vec<u8>,
    signer: Signer,
    foreign: bool,
}

impl Made {
    fn sub(&self) -> String {
        if self.wrong_sub { format!("{}-of-another", self.uri) } else { self.uri.clone() }
    }

    fn sign(&self, typ: &str, claims: Value) -> String {
        let Value::Object(claims) = claims else { unreachable!("made as an object") };
        self.sign_claims(typ, claims)
    }

    fn sign_claims(&self, typ: &str, claims: Map<String, Value>) -> String {
        jose::sign(typ, claims, &self.signer, &Mistakes::of_list(self.foreign))
    }

    fn token_jwt(&self, issuer: &Issuer) -> String {
        let mut claims = json!({
            "sub": self.sub(),
            "iat": issuer.now(),
            "exp": self.until,
            "ttl": issuer.options.status_ttl,
            "status_list": {"bits": 2, "lst": b64(&self.compressed)},
        });
        if self.signer.kid.is_some() {
            claims["iss"] = json!(self.signer.iss);
        }
        self.sign("statuslist+jwt", claims)
    }

    fn token_cwt(&self, issuer: &Issuer) -> Vec<u8> {
        let list = Cbor::named([("bits", Cbor::Int(2)), ("lst", Cbor::Bytes(self.compressed.clone()))]);
        let claims = Cbor::Map(vec![
            (Cbor::Int(2), Cbor::text(self.sub())),
            (Cbor::Int(4), Cbor::Int(self.until)),
            (Cbor::Int(6), Cbor::Int(issuer.now())),
            (Cbor::Int(65534), Cbor::Int(issuer.options.status_ttl)),
            (Cbor::Int(65533), list),
        ]);
        let mut headers = vec![
            (Cbor::Int(cose::ALG), Cbor::Int(self.signer.key.curve().cose_alg())),
            (Cbor::Int(cose::TYP), Cbor::text(List::TokenCwt.media_type())),
        ];
        if let Some(kid) = &self.signer.kid {
            headers.push((Cbor::Int(cose::KID), Cbor::Bytes(kid.clone().into_bytes())));
        }
        let protected = cose::protected(headers);
        let payload = claims.encode();
        let key = if self.foreign { self.signer.key.another() } else { self.signer.key.clone() };
        let signature = cose::signature(&key, &protected, &payload);
        let unprotected = self.signer.certificates.as_deref().map(cose::x5chain).into_iter().collect();
        Cbor::Tag(18, Box::new(cose::sign1(protected, unprotected, payload, signature))).encode()
    }

    fn bitstring(&self, issuer: &Issuer, list: List) -> String {
        let purpose = if self.wrong_sub { "refresh" } else { list.purpose() };
        let credential = json!({
            "@context": ["https://www.w3.org/ns/credentials/v2"],
            "id": self.uri,
            "type": ["VerifiableCredential", "BitstringStatusListCredential"],
            "issuer": self.signer.iss,
            "iss": self.signer.iss,
            "validFrom": date(issuer.now() - 2 * HOUR),
            "validUntil": date(self.until),
            "exp": self.until,
            "credentialSubject": {
                "id": format!("{}#list", self.uri),
                "type": "BitstringStatusList",
                "statusPurpose": purpose,
                "ttl": issuer.options.status_ttl * 1000,
                "encodedList": format!("u{}", b64(&self.compressed)),
            },
        });
        self.sign("vc+jwt", credential)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_where_the_specifications_put_them() {
        // The example of draft-ietf-oauth-status-list section 4.1 with two bits.
        let values = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3].into_iter();
        let values: BTreeMap<u64, u8> = (0..).zip(values).collect();
        assert_eq!(List::TokenJwt.bytes(&values, 12), [0xc9, 0x44, 0xf9]);
        let values = BTreeMap::from([(0, INVALID), (9, SUSPENDED), (70, INVALID)]);
        assert_eq!(List::Revocation.bytes(&values, 16), [0x80, 0]);
        assert_eq!(List::Suspension.bytes(&values, 16), [0, 0x40]);
    }
}
