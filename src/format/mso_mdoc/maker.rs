//! Makes mdocs, by the book or not, with another writer of CBOR than the reader that is tested.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ciborium::{Value, cbor};
use rcgen::SanType;
use ring::digest;

use super::MsoMdoc;
use crate::format::{CredentialFormat as _, Examined};
use crate::model::ids::IssuerId;
use crate::model::jwk::{Algorithm, Jwk};
use crate::model::metadata::CredentialKind;
use crate::verify::testing::{Certified, TestKey, World, anchors, to_cbor};

pub(super) const DOCTYPE: &str = "org.example.card.1";
pub(super) const NAMESPACE: &str = "org.example.card";
pub(super) const ISSUER: &str = "https://issuer.example";

/// An issuer with its authority, and the key of a holder.
pub(super) struct Parties {
    pub(super) key: TestKey,
    pub(super) certificate: Vec<u8>,
    pub(super) root: Vec<u8>,
    pub(super) holder: Jwk,
}

/// What the signer's certificate says: it names the issuer.
pub(super) fn signer() -> Certified<'static> {
    let names = vec![SanType::DnsName("issuer.example".try_into().unwrap())];
    Certified { names, ..Certified::document_signer("Signer") }
}

impl Parties {
    pub(super) fn new() -> Self {
        Self::with(Algorithm::Es256, &signer())
    }

    pub(super) fn with(algorithm: Algorithm, signer: &Certified<'_>) -> Self {
        let (key, root_key) = (TestKey::new(algorithm), TestKey::new(Algorithm::Es256));
        let root = Certified::iaca("Authority");
        let certificate = signer.signed_by(&key, &root, &root_key);
        let holder = TestKey::new(Algorithm::Es256).jwk();
        Self { key, certificate, root: root.self_signed(&root_key), holder }
    }

    /// Where a card of theirs is good in every respect.
    pub(super) fn world(&self) -> World {
        World {
            credential_issuer: Some(IssuerId::parse(ISSUER).unwrap()),
            kind: Some(CredentialKind::Doctype(DOCTYPE.to_owned())),
            holder_keys: vec![self.holder.clone()],
            trust: anchors(&[&self.root]),
            ..World::default()
        }
    }

    pub(super) fn card(&self) -> Card {
        Card {
            namespaces: vec![(
                NAMESPACE.into(),
                vec![
                    element(0, "family_name", "Mustermann".into()),
                    element(7, "birth_date", Value::Tag(1004, Box::new("1990-03-01".into()))),
                    element(300, "portrait", Value::Bytes(b"\xff\xd8\xff\xe0picture".to_vec())),
                ],
            )],
            hash: "SHA-256",
            signed: date("2025-12-31T12:00:00Z"),
            valid_from: date("2025-12-31T12:00:00Z"),
            valid_until: date("2026-02-01T00:00:00Z"),
            device_key: cose_key(&self.holder),
            status: None,
            protected: cbor!({ 1 => cose_algorithm(self.key.jwk().algorithm()) }).unwrap(),
            unprotected: Value::Map(vec![(33.into(), Value::Bytes(self.certificate.clone()))]),
            indefinite: false,
        }
    }
}

/// What a mobile document says.
#[derive(Clone)]
pub(super) struct Card {
    pub(super) namespaces: Vec<(Value, Vec<Value>)>,
    pub(super) hash: &'static str,
    pub(super) signed: Value,
    pub(super) valid_from: Value,
    pub(super) valid_until: Value,
    pub(super) device_key: Value,
    pub(super) status: Option<Value>,
    pub(super) protected: Value,
    pub(super) unprotected: Value,
    /// Arrays and maps of indefinite length.
    pub(super) indefinite: bool,
}

impl Card {
    pub(super) fn issue(&self, key: &TestKey) -> Vec<u8> {
        self.issue_with(key, |_| {})
    }

    /// With another mobile security object than the elements would give.
    pub(super) fn issue_with(&self, key: &TestKey, change: impl FnOnce(&mut Value)) -> Vec<u8> {
        let mut mso = self.mso();
        change(&mut mso);
        self.sign(&self.write(&mso), key)
    }

    /// With the octets of a mobile security object as they are.
    pub(super) fn sign(&self, mso: &[u8], key: &TestKey) -> Vec<u8> {
        self.sign_payload(&to_cbor(&tag_24(mso)), key)
    }

    pub(super) fn sign_payload(&self, payload: &[u8], key: &TestKey) -> Vec<u8> {
        let protected = bytes(&self.write(&self.protected));
        let signed = vec!["Signature1".into(), protected.clone(), bytes(b""), bytes(payload)];
        let signature = key.sign(&to_cbor(&Value::Array(signed)));
        let auth = vec![protected, self.unprotected.clone(), bytes(payload), bytes(&signature)];
        let namespaces = self.namespaces.iter().map(|(name, elements)| {
            let elements = elements.iter().map(|element| self.element_bytes(element)).collect();
            (name.clone(), Value::Array(elements))
        });
        self.write(&Value::Map(vec![
            ("nameSpaces".into(), Value::Map(namespaces.collect())),
            ("issuerAuth".into(), Value::Array(auth)),
        ]))
    }

    pub(super) fn mso(&self) -> Value {
        let digests = self.namespaces.iter().map(|(name, elements)| {
            let digests = elements.iter().map(|element| {
                let hash = match self.hash {
                    "SHA-384" => &digest::SHA384,
                    "SHA-512" => &digest::SHA512,
                    _ => &digest::SHA256,
                };
                let digest = digest::digest(hash, &to_cbor(&self.element_bytes(element)));
                (member(element, "digestID").clone(), bytes(digest.as_ref()))
            });
            (name.clone(), Value::Map(digests.collect()))
        });
        let mut mso = vec![
            ("version".into(), "1.0".into()),
            ("digestAlgorithm".into(), self.hash.into()),
            ("valueDigests".into(), Value::Map(digests.collect())),
            ("deviceKeyInfo".into(), Value::Map(vec![("deviceKey".into(), self.device_key.clone())])),
            ("docType".into(), DOCTYPE.into()),
            (
                "validityInfo".into(),
                Value::Map(vec![
                    ("signed".into(), self.signed.clone()),
                    ("validFrom".into(), self.valid_from.clone()),
                    ("validUntil".into(), self.valid_until.clone()),
                ]),
            ),
        ];
        mso.extend(self.status.clone().map(|status| ("status".into(), status)));
        Value::Map(mso)
    }

    /// `IssuerSignedItemBytes`; what is no map stands for itself.
    fn element_bytes(&self, element: &Value) -> Value {
        if element.is_map() { tag_24(&self.write(element)) } else { element.clone() }
    }

    fn write(&self, value: &Value) -> Vec<u8> {
        if self.indefinite { indefinite(value) } else { to_cbor(value) }
    }
}

pub(super) fn element(id: u64, name: &str, value: Value) -> Value {
    let random = Value::Bytes(vec![u8::try_from(id % 251).unwrap(); 16]);
    Value::Map(vec![
        ("digestID".into(), id.into()),
        ("random".into(), random),
        ("elementIdentifier".into(), name.into()),
        ("elementValue".into(), value),
    ])
}

pub(super) fn date(text: &str) -> Value {
    Value::Tag(0, Box::new(text.into()))
}

pub(super) fn bytes(bytes: &[u8]) -> Value {
    Value::Bytes(bytes.to_vec())
}

pub(super) fn tag_24(encoded: &[u8]) -> Value {
    Value::Tag(24, Box::new(bytes(encoded)))
}

pub(super) fn cose_key(key: &Jwk) -> Value {
    let point = key.to_point();
    match key.algorithm() {
        Algorithm::EdDsa => cbor!({ 1 => 1, -1 => 6, -2 => Value::Bytes(point) }),
        algorithm => {
            let crv = match algorithm {
                Algorithm::Es256 => 1,
                Algorithm::Es384 => 2,
                _ => 8,
            };
            let (x, y) = point[1..].split_at(key.curve().coordinate_length());
            cbor!({ 1 => 2, -1 => crv, -2 => bytes(x), -3 => bytes(y) })
        }
    }
    .unwrap()
}

fn cose_algorithm(algorithm: Algorithm) -> i64 {
    match algorithm {
        Algorithm::Es256 => -7,
        Algorithm::Es384 => -35,
        Algorithm::EdDsa => -8,
        _ => -47,
    }
}

/// What a map has under a text.
pub(super) fn member<'a>(map: &'a Value, name: &str) -> &'a Value {
    let mut entries = map.as_map().unwrap().iter();
    &entries.find(|(key, _)| key.as_text() == Some(name)).unwrap_or_else(|| panic!("no {name}")).1
}

pub(super) fn member_mut<'a>(map: &'a mut Value, name: &str) -> &'a mut Value {
    let mut entries = map.as_map_mut().unwrap().iter_mut();
    &mut entries.find(|(key, _)| key.as_text() == Some(name)).unwrap_or_else(|| panic!("no {name}")).1
}

pub(super) fn without(map: &mut Value, name: &str) {
    map.as_map_mut().unwrap().retain(|(key, _)| key.as_text() != Some(name));
}

/// The same with every array and map of indefinite length.
pub(super) fn indefinite(value: &Value) -> Vec<u8> {
    let mut encoded = Vec::new();
    match value {
        Value::Array(items) => {
            encoded.push(0x9f);
            for item in items {
                encoded.extend(indefinite(item));
            }
            encoded.push(0xff);
        }
        Value::Map(entries) => {
            encoded.push(0xbf);
            for (key, member) in entries {
                encoded.extend(indefinite(key));
                encoded.extend(indefinite(member));
            }
            encoded.push(0xff);
        }
        other => encoded = to_cbor(other),
    }
    encoded
}

/// A card that was issued, changed by somebody.
pub(super) fn edited(issued: &[u8], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut value = ciborium::from_reader(issued).unwrap();
    change(&mut value);
    to_cbor(&value)
}

/// One bit changed in the octet so far behind the place where others begin.
pub(super) fn flipped(issued: &[u8], beginning: &[u8], distance: usize) -> Vec<u8> {
    let place = issued.windows(beginning.len()).position(|window| window == beginning).expect("it is in there");
    let mut changed = issued.to_vec();
    changed[place + distance] ^= 1;
    changed
}

pub(super) async fn look(issued: &[u8], world: &World) -> Examined {
    look_at_text(&URL_SAFE_NO_PAD.encode(issued), world).await
}

pub(super) async fn look_at_text(text: &str, world: &World) -> Examined {
    MsoMdoc.examine(&text.into(), &world.context()).await
}
