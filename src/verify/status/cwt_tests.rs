//! Token Status Lists as CWT.

use ciborium::Value as Cbor;
use serde_json::json;

use super::tests::{GOOD, ISSUER, LIST, OCTETS, REVOKED, SUSPENDED, at, look_up, serving, world};
use super::*;
use crate::inflate::testing::zlibbed;
use crate::model::jwk::Algorithm;
use crate::verify::testing::{Certified, Documents, NOW, TestKey, World, to_cbor};

const CWT: &str = "application/statuslist+cwt";

/// A CWT, to be spoiled one way at a time.
struct Cwt {
    protected: Vec<(Cbor, Cbor)>,
    unprotected: Vec<(Cbor, Cbor)>,
    claims: Vec<(Cbor, Cbor)>,
    tags: &'static [u64],
}

impl Cwt {
    fn new() -> Self {
        let list = Cbor::Map(vec![("bits".into(), 2.into()), ("lst".into(), Cbor::Bytes(zlibbed(&OCTETS)))]);
        let pair = |label: i64, value: Cbor| (Cbor::from(label), value);
        Self {
            protected: vec![pair(1, (-7).into()), pair(16, CWT.into())],
            unprotected: Vec::new(),
            claims: vec![
                pair(2, LIST.into()),
                pair(6, (NOW - 10).into()),
                pair(4, (NOW + 1000).into()),
                pair(65_534, 500.into()),
                pair(65_533, list),
            ],
            tags: &[18],
        }
    }

    fn with(label: i64, value: impl Into<Option<Cbor>>) -> Self {
        let value = value.into();
        let mut cwt = Self::new();
        for part in [&mut cwt.protected, &mut cwt.claims] {
            if let Some(at) = part.iter().position(|(name, _)| *name == label.into()) {
                part.remove(at);
                part.extend(value.clone().map(|value| (label.into(), value)));
            }
        }
        cwt
    }

    fn sign(&self, key: &TestKey) -> Vec<u8> {
        let protected = to_cbor(&Cbor::Map(self.protected.clone()));
        let payload = to_cbor(&Cbor::Map(self.claims.clone()));
        let bytes = |bytes: &[u8]| Cbor::Bytes(bytes.to_vec());
        let signed = Cbor::Array(vec!["Signature1".into(), bytes(&protected), bytes(b""), bytes(&payload)]);
        let signature = key.sign(&to_cbor(&signed));
        let unprotected = Cbor::Map(self.unprotected.clone());
        let whole = Cbor::Array(vec![bytes(&protected), unprotected, bytes(&payload), bytes(&signature)]);
        let tagged = self.tags.iter().fold(whole, |inner, tag| Cbor::Tag(*tag, Box::new(inner)));
        to_cbor(&tagged)
    }
}

#[tokio::test]
async fn a_list_in_a_cwt_says_the_same() {
    let key = TestKey::new(Algorithm::Es256);
    for tags in [&[][..], &[18], &[18, 61]] {
        let world = World {
            documents: Documents::default().with_body(LIST, CWT, Cwt { tags, ..Cwt::new() }.sign(&key)),
            ..world()
        };
        for (index, outcome, value) in [
            (GOOD, Outcome::Passed, Some(StatusValue::Valid)),
            (REVOKED, Outcome::Failed, Some(StatusValue::Invalid)),
            (SUSPENDED, Outcome::Failed, Some(StatusValue::Suspended)),
            (12, Outcome::Failed, None),
        ] {
            let (found, detail, what) = look_up(&at(index), Some(ISSUER), &key, &world).await;
            assert_eq!((found, what), (outcome, value), "{detail}");
        }
    }
    // The signer's certificate in the header, and a key that is found by its id.
    let (root, root_key) = (Certified::authority("Root"), TestKey::new(Algorithm::Es256));
    let leaf = Certified::for_host("issuer.example").signed_by(&key, &root, &root_key);
    let own = TestKey::new(Algorithm::Es256);
    let mut by_chain = Cwt::new();
    by_chain.unprotected = vec![(33.into(), Cbor::Bytes(leaf))];
    let world = serving(by_chain.sign(&key));
    assert_eq!(look_up(&at(GOOD), Some(ISSUER), &own, &world).await.0, Outcome::Passed);
    let mut by_id = Cwt::new();
    by_id.unprotected = vec![(4.into(), Cbor::Bytes(b"12".to_vec()))];
    let mut world = serving(by_id.sign(&key));
    world.issuer_jwks = Some(json!({ "keys": [own.published("11"), key.published("12")] }));
    assert_eq!(look_up(&at(GOOD), Some(ISSUER), &own, &world).await.0, Outcome::Passed);
}

#[tokio::test]
async fn a_cwt_that_is_wrong_fails() {
    let key = TestKey::new(Algorithm::Es256);
    let list = |bits: Cbor, lst: Cbor| Some(Cbor::Map(vec![("bits".into(), bits), ("lst".into(), lst)]));
    let packed = || Cbor::Bytes(zlibbed(&OCTETS));
    let spoiled = [
        (Cwt::with(16, None), "type"),
        (Cwt::with(16, Some("application/cwt".into())), "type"),
        (Cwt::with(16, Some(61.into())), "type"),
        (Cwt::with(2, None), "`sub`"),
        (Cwt::with(2, Some("https://status.example/lists/2".into())), "`sub`"),
        (Cwt::with(6, None), "`iat`"),
        (Cwt::with(6, Some("now".into())), "time"),
        (Cwt::with(4, Some("never".into())), "time"),
        (Cwt::with(65_533, None), "no status list"),
        (Cwt::with(65_533, Some(Cbor::Array(vec![]))), "no status list"),
        (Cwt::with(65_533, list(3.into(), packed())), "`bits`"),
        (Cwt::with(65_533, list((-1).into(), packed())), "`bits`"),
        (Cwt::with(65_533, list(2.into(), "text".into())), "`lst`"),
        (Cwt::with(65_533, list(2.into(), Cbor::Bytes(OCTETS.to_vec()))), "compressed"),
        (Cwt::with(65_533, list(2.into(), Cbor::Bytes(zlibbed(&vec![0; MAX_OCTETS + 1])))), "too large"),
        (Cwt::with(1, Some(5.into())), "symmetric"),
        (Cwt::with(1, None), "algorithm"),
        (Cwt { tags: &[98], ..Cwt::new() }, "COSE_Sign1"),
    ];
    let whole = Cwt::new().sign(&key);
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let trailing = [&whole[..], b"\0"].concat();
    let spoiled = spoiled.map(|(cwt, said)| (cwt.sign(&key), said));
    let others =
        [(flipped, "does not verify"), (whole[..whole.len() - 1].to_vec(), "status list:"), (trailing, "status list:")];
    for (body, said) in spoiled.into_iter().chain(others) {
        let mut world = serving(body);
        world.issuer_jwks = Some(json!({ "keys": [key.published("1")] }));
        let (outcome, detail, value) = look_up(&at(GOOD), Some(ISSUER), &key, &world).await;
        assert_eq!((outcome, value), (Outcome::Failed, None), "{said}: {detail}");
        assert!(detail.contains(said), "{said}: {detail}");
    }
    let expired = serving(Cwt::with(4, Some((NOW - 61).into())).sign(&key));
    assert_eq!(look_up(&at(GOOD), Some(ISSUER), &key, &expired).await.0, Outcome::Unknown(Reason::Unreachable));
}
