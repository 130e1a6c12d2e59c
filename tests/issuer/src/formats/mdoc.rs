//! mdocs (ISO/IEC 18013-5): `IssuerSigned` in base64url, as `OpenID4VCI` appendix A.2 has it.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::{HUGE, NO_PICTURE, Order, date, turn_bit};
use crate::cbor::Cbor;
use crate::cose;
use crate::encoding::{b64, random_bytes, unb64_standard};
use crate::faults::{Fault, Spoil};
use crate::keys::Curve;
use crate::raw::DEPTH;
use crate::subjects::{LICENCE_DOCTYPE, NAMESPACES};

/// Tag of a `full-date` (RFC 8943).
const FULL_DATE: u64 = 1004;
/// Tag of a `tdate`.
const TDATE: u64 = 0;

/// One element with the digest that stands for it.
struct Item {
    id: i64,
    name: String,
    random: [u8; 24],
    value: Cbor,
    digest: Vec<u8>,
}

impl Item {
    fn encoded(&self) -> Cbor {
        Cbor::named([
            ("digestID", Cbor::Int(self.id)),
            ("random", Cbor::Bytes(self.random.to_vec())),
            ("elementIdentifier", Cbor::text(&self.name)),
            ("elementValue", self.value.clone()),
        ])
        .wrapped()
    }
}

pub(super) fn make(order: &Order<'_>, subject: &Map<String, Value>) -> String {
    let spoils = |spoil| order.mistakes.spoils(spoil);
    let hash = Hash::of(order.signer.key.curve());
    let mut namespaces: Vec<(String, Vec<Item>)> = subject
        .iter()
        .map(|(namespace, elements)| (namespace.clone(), items(order, namespace, elements, hash)))
        .collect();
    let mso = security_object(order, &namespaces, hash).encode();
    let first = &mut namespaces[0].1[0];
    if spoils(Spoil::ChangedElement) {
        first.value = Cbor::Bool(false);
    }
    let spelled: Vec<(Cbor, Cbor)> = namespaces
        .iter()
        .map(|(namespace, items)| (Cbor::text(namespace), Cbor::Array(items.iter().map(Item::encoded).collect())))
        .collect();
    let mut members =
        vec![(Cbor::text("nameSpaces"), Cbor::Map(spelled)), (Cbor::text("issuerAuth"), issuer_auth(order, mso))];
    if spoils(Spoil::DuplicateMember) {
        members.push(members[0].clone());
    }
    let mut bytes = Cbor::Map(members).encode();
    if spoils(Spoil::IndefiniteLength) {
        bytes[0] = 0xbf;
        bytes.push(0xff);
    }
    if spoils(Spoil::TrailingBytes) {
        bytes.extend_from_slice(&[0xf6, 0xf6]);
    }
    if spoils(Spoil::Cut) {
        bytes.truncate(bytes.len() - 16);
    }
    b64(bytes)
}

/// The digest algorithm, by the strength of the signature.
#[derive(Clone, Copy)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    fn of(curve: Curve) -> Self {
        match curve {
            Curve::P256 | Curve::Secp256k1 => Self::Sha256,
            Curve::P384 => Self::Sha384,
            Curve::Ed25519 => Self::Sha512,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        }
    }

    fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha384 => Sha384::digest(bytes).to_vec(),
            Self::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }
}

fn items(order: &Order<'_>, namespace: &str, elements: &Value, hash: Hash) -> Vec<Item> {
    let mut values: Vec<(String, Cbor)> =
        elements.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), element(name, value))).collect();
    if namespace == NAMESPACES[0] {
        let spoils = |spoil| order.mistakes.spoils(spoil);
        if spoils(Spoil::LyingImage) {
            values.retain(|(name, _)| name != "portrait");
            values.push(("portrait".to_owned(), Cbor::Bytes(NO_PICTURE.into())));
        }
        if spoils(Spoil::HugeClaim) {
            values.push(("remarks".to_owned(), Cbor::Bytes(vec![7; HUGE])));
        }
        if spoils(Spoil::DeepClaim) {
            let mut deep = vec![0x81; DEPTH];
            deep.push(0x01);
            values.push(("remarks".to_owned(), Cbor::Raw(deep)));
        }
    }
    values
        .into_iter()
        .zip(0..)
        .map(|((name, value), id)| {
            let mut item = Item { id, name, random: random_bytes(), value, digest: Vec::new() };
            item.digest = hash.digest(&item.encoded().encode());
            item
        })
        .collect()
}

/// An element's value in the type that ISO/IEC 18013-5 gives it.
fn element(name: &str, value: &Value) -> Cbor {
    let tagged = |tag, text: &str| Cbor::Tag(tag, Box::new(Cbor::text(text)));
    match (name, value) {
        ("birth_date" | "issue_date" | "expiry_date", Value::String(text)) => tagged(FULL_DATE, text),
        ("portrait_capture_date", Value::String(text)) => tagged(TDATE, text),
        ("portrait", Value::String(text)) => Cbor::Bytes(unb64_standard(text).expect("base64 of the catalogue")),
        (_, Value::String(text)) => Cbor::text(text),
        (_, Value::Bool(value)) => Cbor::Bool(*value),
        (_, Value::Number(number)) => Cbor::Int(number.as_i64().expect("whole numbers in the catalogue")),
        (_, Value::Array(values)) => Cbor::Array(values.iter().map(|value| element("", value)).collect()),
        (_, Value::Object(members)) => {
            Cbor::Map(members.iter().map(|(name, value)| (Cbor::text(name), element(name, value))).collect())
        }
        (_, Value::Null) => unreachable!("the catalogue has no null"),
    }
}

/// The mobile security object.
fn security_object(order: &Order<'_>, namespaces: &[(String, Vec<Item>)], hash: Hash) -> Cbor {
    let mistakes = order.mistakes;
    let digests = namespaces
        .iter()
        .enumerate()
        .map(|(place, (namespace, items))| {
            let mut digests: Vec<(Cbor, Cbor)> =
                items.iter().map(|item| (Cbor::Int(item.id), Cbor::Bytes(item.digest.clone()))).collect();
            if place == 0 && mistakes.spoils(Spoil::WrongDigest) {
                digests[0].1 = Cbor::Bytes(hash.digest(b"something else"));
            }
            if place == 0 && mistakes.spoils(Spoil::MissingDigest) {
                digests.remove(0);
            }
            (Cbor::text(namespace), Cbor::Map(digests))
        })
        .collect();
    let doctype = if mistakes.has(Fault::WrongType) { "org.iso.23220.photoid.1" } else { LICENCE_DOCTYPE };
    let tdate = |seconds| Cbor::Tag(TDATE, Box::new(Cbor::text(date(seconds))));
    let times = &order.times;
    let validity = Cbor::named([
        ("signed", tdate(times.issued)),
        ("validFrom", tdate(times.from)),
        ("validUntil", tdate(times.until)),
    ]);
    let mut members = vec![
        (Cbor::text("version"), Cbor::text("1.0")),
        (Cbor::text("digestAlgorithm"), Cbor::text(hash.name())),
        (Cbor::text("valueDigests"), Cbor::Map(digests)),
        (Cbor::text("docType"), Cbor::text(doctype)),
        (Cbor::text("validityInfo"), validity),
    ];
    if let Some(holder) = order.holder {
        let mut key = holder.key.to_cose();
        if mistakes.spoils(Spoil::WrongCurve)
            && let Cbor::Map(parameters) = &mut key
        {
            for (_, curve) in parameters.iter_mut().filter(|(label, _)| *label == Cbor::Int(-1)) {
                *curve = Cbor::Int(if *curve == Cbor::Int(2) { 1 } else { 2 });
            }
        }
        members.push((Cbor::text("deviceKeyInfo"), Cbor::named([("deviceKey", key)])));
    }
    if let Some(place) = &order.status {
        members.push((Cbor::text("status"), place.token_cbor(order.issuer)));
    }
    Cbor::Map(members)
}

fn issuer_auth(order: &Order<'_>, mso: Vec<u8>) -> Cbor {
    let Order { signer, mistakes, .. } = order;
    let alg = signer.key.curve().cose_alg();
    let mut headers = vec![(Cbor::Int(cose::ALG), Cbor::Int(alg))];
    if mistakes.has(Fault::AlgNone) {
        headers.clear();
    } else if mistakes.spoils(Spoil::AlgSwapped) {
        headers[0].1 = Cbor::Int(if alg == -35 { -7 } else { -35 });
    }
    let protected = cose::protected(headers);
    let mut payload = Cbor::Raw(mso).wrapped().encode();
    let mut signature = if mistakes.has(Fault::BadSignature) {
        cose::signature(&signer.key.another(), &protected, &payload)
    } else {
        cose::signature(&signer.key, &protected, &payload)
    };
    if mistakes.spoils(Spoil::SignatureBit) {
        turn_bit(&mut signature);
    }
    if mistakes.spoils(Spoil::ChangedPayload) {
        // The last second that it is valid in, which matters to nobody.
        let name = b"validUntil";
        let place = payload.windows(name.len()).position(|bytes| bytes == name).expect("it ends at some time");
        payload[place + name.len() + "\u{0}\u{0}2026-01-01T00:00:0".len()] ^= 1;
    }
    let unprotected = signer.certificates.as_deref().map(cose::x5chain).into_iter().collect();
    cose::sign1(protected, unprotected, payload, signature)
}
