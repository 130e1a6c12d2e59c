use ciborium::{Value, cbor};

use super::*;
use crate::model::jwk::{Curve, Jwk};
use crate::verify::testing::{TestKey, to_cbor};

const PAYLOAD: &[u8] = b"payload";

/// A `COSE_Sign1` by the book.
struct Maker {
    protected: Value,
    unprotected: Value,
    tag: Option<u64>,
}

impl Maker {
    fn new(algorithm: i64) -> Self {
        Self { protected: cbor!({ 1 => algorithm }).unwrap(), unprotected: cbor!({}).unwrap(), tag: None }
    }

    fn sign(&self, key: &TestKey) -> Vec<u8> {
        self.sign_as(&to_cbor(&self.protected), key)
    }

    /// With the protected header in an encoding of its own.
    fn sign_as(&self, protected: &[u8], key: &TestKey) -> Vec<u8> {
        let bytes = |bytes: &[u8]| Value::Bytes(bytes.to_vec());
        let signed = to_cbor(&Value::Array(vec!["Signature1".into(), bytes(protected), bytes(b""), bytes(PAYLOAD)]));
        let parts = vec![bytes(protected), self.unprotected.clone(), bytes(PAYLOAD), bytes(&key.sign(&signed))];
        let sign1 = Value::Array(parts);
        to_cbor(&match self.tag {
            Some(61) => Value::Tag(61, Box::new(Value::Tag(18, Box::new(sign1)))),
            Some(tag) => Value::Tag(tag, Box::new(sign1)),
            None => sign1,
        })
    }
}

fn key_of(key: &TestKey) -> IssuerPublicKey {
    IssuerPublicKey::Curve(key.jwk())
}

fn verify(bytes: &[u8], key: &TestKey) -> Result<&'static str, CoseSignatureError> {
    CoseSign1::parse(bytes).unwrap().verify(&[key_of(key)])
}

#[test]
fn example_of_rfc_9052() {
    // Appendix C.2.1, with the key "11" of appendix C.7.1.
    let bytes = hex::decode(concat!(
        "d28443a10126a10442313154546869732069732074686520636f6e74656e742e58408eb33e4ca31d1c465ab05aac34cc6b23d58fef",
        "5c083106c4d25a91aef0b0117e2af9a291aa32e14ab834dc56ed2a223444547e01f11d3b0916e5a4c345cacb36"
    ));
    let bytes = bytes.unwrap();
    let point = hex::decode(concat!(
        "04bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff",
        "20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e"
    ));
    let key = IssuerPublicKey::Curve(Jwk::from_point(Curve::P256, &point.unwrap()).unwrap());
    let sign1 = CoseSign1::parse(&bytes).unwrap();
    assert_eq!(sign1.payload, b"This is the content.");
    assert_eq!(sign1.kid(), Some(&b"11"[..]));
    assert_eq!(sign1.verify(std::slice::from_ref(&key)), Ok("ES256"));
    for place in 0..bytes.len() {
        let mut spoiled = bytes.clone();
        spoiled[place] ^= 1;
        let accepted = CoseSign1::parse(&spoiled).is_ok_and(|sign1| sign1.verify(std::slice::from_ref(&key)).is_ok());
        // The header with the key's id is not signed.
        let unsigned = [7, 9, 10].contains(&place);
        assert_eq!(accepted, unsigned, "{place}");
    }
}

#[test]
fn signatures_of_all_kinds_hold() {
    for (algorithm, numbers) in [
        (Algorithm::Es256, [-7, -9]),
        (Algorithm::Es384, [-35, -51]),
        (Algorithm::EdDsa, [-8, -19]),
        (Algorithm::Es256k, [-47, -47]),
    ] {
        let (key, other) = (TestKey::new(algorithm), TestKey::new(algorithm));
        for number in numbers {
            for tag in [None, Some(18), Some(61)] {
                let bytes = Maker { tag, ..Maker::new(number) }.sign(&key);
                assert_eq!(verify(&bytes, &key), Ok(algorithm.as_str()), "{number} {tag:?}");
                assert_eq!(verify(&bytes, &other), Err(SignatureError::Mismatch.into()), "{number}");
            }
        }
        // Swapped for another algorithm: the key does not fit.
        let swapped = if algorithm == Algorithm::Es256 { -35 } else { -7 };
        let bytes = Maker::new(swapped).sign(&key);
        assert_eq!(verify(&bytes, &key), Err(SignatureError::WrongKey.into()), "{algorithm}");
        let sign1 = CoseSign1::parse(&bytes).unwrap();
        assert_eq!(sign1.verify(&[]), Err(SignatureError::WrongKey.into()));
    }
}

#[test]
fn one_of_several_keys_is_enough() {
    let [first, second] = [0, 1].map(|_| TestKey::new(Algorithm::Es256));
    let third = TestKey::new(Algorithm::EdDsa);
    let bytes = Maker::new(-7).sign(&second);
    let sign1 = CoseSign1::parse(&bytes).unwrap();
    assert_eq!(sign1.verify(&[key_of(&third), key_of(&first), key_of(&second)]), Ok("ES256"));
    assert_eq!(sign1.verify(&[key_of(&first), key_of(&third)]), Err(SignatureError::Mismatch.into()));
}

#[test]
fn what_is_signed_is_what_was_received() {
    let key = TestKey::new(Algorithm::Es256);
    // The same header in other encodings: a longer number, a longer length, an indefinite one.
    for protected in ["a1013806", "a1011826", "a1180126", "b900010126", "bf0126ff", "bb00000000000000010126"] {
        let protected = hex::decode(protected.replace(' ', "")).unwrap();
        let bytes = Maker::new(-7).sign_as(&protected, &key);
        let outcome = verify(&bytes, &key);
        if protected == [0xa1, 1, 0x18, 0x26] {
            // 38, which is no signature algorithm.
            assert!(matches!(outcome, Err(CoseSignatureError::Algorithm(AlgorithmError::Refused(_)))), "{outcome:?}");
        } else {
            assert_eq!(outcome, Ok("ES256"), "{}", hex::encode(protected));
        }
    }
}

#[test]
fn algorithms_that_are_none_are_refused_and_unknown_ones_named() {
    let key = TestKey::new(Algorithm::Es256);
    let algorithm = |protected: Value, unprotected: Value| {
        let bytes = Maker { protected, unprotected, tag: None }.sign(&key);
        CoseSign1::parse(&bytes).unwrap().algorithm().unwrap_err()
    };
    let empty = || cbor!({}).unwrap();
    for number in [0, 1, 3, 4, 5, 6, 7, 14, 15, 25, 26, 30, -3, -6, -10, -16, -18, -25, -34, -40, -45] {
        let error = algorithm(cbor!({ 1 => number }).unwrap(), empty());
        assert!(matches!(error, AlgorithmError::Refused(_)), "{number}: {error}");
    }
    for number in [-36, -52, -46, -48, -53, -65535, 100, i64::MAX, i64::MIN] {
        let error = algorithm(cbor!({ 1 => number }).unwrap(), empty());
        assert_eq!(error, AlgorithmError::Unsupported(number.to_string()), "{number}");
    }
    let error = algorithm(cbor!({ 1 => "none" }).unwrap(), empty());
    assert!(matches!(error, AlgorithmError::Unsupported(_)), "{error}");
    for (protected, unprotected) in [
        (empty(), empty()),
        (empty(), cbor!({ 1 => -7 }).unwrap()),
        (cbor!({ 1 => null }).unwrap(), empty()),
        (cbor!({ 1 => -7, 2 => [99] }).unwrap(), empty()),
        (cbor!({ 1 => -7, 2 => ["x"] }).unwrap(), empty()),
        (cbor!({ 1 => -7, 2 => [] }).unwrap(), empty()),
        (cbor!({ 1 => -7, 2 => 1 }).unwrap(), empty()),
        (cbor!({ 1 => -7 }).unwrap(), cbor!({ 2 => [1] }).unwrap()),
    ] {
        let shown = format!("{protected:?} {unprotected:?}");
        assert!(matches!(algorithm(protected, unprotected), AlgorithmError::Refused(_)), "{shown}");
    }
    let known = Maker { protected: cbor!({ 1 => -7, 2 => [1, 33], 33 => null }).unwrap(), ..Maker::new(-7) };
    assert_eq!(verify(&known.sign(&key), &key), Ok("ES256"));
}

#[test]
fn headers_are_found_in_either_place() {
    let key = TestKey::new(Algorithm::Es256);
    let certificate = || Value::Bytes(b"one".to_vec());
    let pair = (33, Value::Array(vec![certificate(), Value::Bytes(b"two".to_vec())]));
    let alg = (Value::from(1), Value::from(-7));
    let map = |(label, value): (i64, Value)| Value::Map(vec![(label.into(), value)]);
    let chain = |protected: Value, unprotected: Value| {
        let bytes = Maker { protected, unprotected, tag: None }.sign(&key);
        let sign1 = CoseSign1::parse(&bytes).unwrap();
        sign1.x5chain().map(|chain| chain.map(|chain| chain.iter().map(|der| der.to_vec()).collect::<Vec<_>>()))
    };
    let alg_only = || Value::Map(vec![alg.clone()]);
    assert_eq!(chain(alg_only(), map((33, certificate()))), Ok(Some(vec![b"one".to_vec()])));
    assert_eq!(chain(alg_only(), map(pair.clone())), Ok(Some(vec![b"one".to_vec(), b"two".to_vec()])));
    let protected = Value::Map(vec![alg.clone(), (33.into(), pair.1.clone())]);
    assert_eq!(chain(protected, cbor!({}).unwrap()), Ok(Some(vec![b"one".to_vec(), b"two".to_vec()])));
    assert_eq!(chain(alg_only(), cbor!({}).unwrap()), Ok(None));
    assert_eq!(chain(alg_only(), map((33, Value::Array(vec![])))), Ok(Some(Vec::new())));
    assert_eq!(chain(alg_only(), map((33, "one".into()))), Err(CoseError::X5Chain));
    assert_eq!(chain(alg_only(), map((33, Value::Array(vec![1.into()])))), Err(CoseError::X5Chain));
    let typed = Maker {
        protected: cbor!({ 1 => -7, 16 => "application/statuslist+cwt", 3 => "text/plain" }).unwrap(),
        ..Maker::new(-7)
    };
    let bytes = typed.sign(&key);
    let sign1 = CoseSign1::parse(&bytes).unwrap();
    assert_eq!(sign1.typ(), Some("application/statuslist+cwt"));
    assert_eq!(sign1.kid(), None);
}

#[test]
fn what_is_no_sign1_is_refused() {
    let refused = |hex: &str| CoseSign1::parse(&hex::decode(hex).unwrap()).expect_err(hex);
    for (hex, expected) in [
        ("", CoseError::Cbor(CborError::Cut)),
        ("8443a10126a0404000", CoseError::Cbor(CborError::Trailing)),
        ("8443a10126a040", CoseError::Cbor(CborError::Cut)),
        ("a0", CoseError::Shape),
        ("8343a10126a040", CoseError::Shape),
        ("8543a10126a0404040", CoseError::Shape),
        ("d18443a10126a04040", CoseError::Shape),
        ("d2d28443a10126a04040", CoseError::Shape),
        ("84a10126a04040", CoseError::Shape),
        ("8443a10126804040", CoseError::Shape),
        ("8443a10126a06040", CoseError::Shape),
        ("8443a10126a04060", CoseError::Shape),
        ("8443a10126a0f640", CoseError::Detached),
        ("8443820126a04040", CoseError::Header),
        ("8443a10100a0404000", CoseError::Cbor(CborError::Trailing)),
        ("8444a1012600a04040", CoseError::Header),
        ("8445a201260126a04040", CoseError::Header),
        ("8443a10126a201260126 4040", CoseError::Cbor(CborError::Doubled)),
        ("8443a10126a101264040", CoseError::DoubledLabel),
        ("8446a20126616101a1616102 4040", CoseError::DoubledLabel),
    ] {
        assert_eq!(refused(&hex.replace(' ', "")), expected, "{hex}");
    }
    // An empty protected header is no error of the form.
    assert!(CoseSign1::parse(&[0x84, 0x40, 0xa0, 0x40, 0x40]).is_ok());
    assert!(CoseSign1::parse(&[0x9f, 0x41, 0xa0, 0xa0, 0x40, 0x40, 0xff]).is_ok());
}
