//! Public keys as `COSE_Key` (RFC 9053 section 7), as mdocs name their holder's.

use super::public_key::IssuerPublicKey;
use crate::cbor::{Item, Kind};
use crate::model::jwk::{Curve, Jwk, JwkError};

const KTY: i64 = 1;
const CRV: i64 = -1;
const X: i64 = -2;
const Y: i64 = -3;

/// Reads a key on one of the supported curves; its `y` may be compressed to a sign.
pub(crate) fn read(key: Item<'_>) -> Result<Jwk, JwkError> {
    const OKP: i64 = 1;
    const EC2: i64 = 2;
    let number = |label, name| key.get_label(label).and_then(|it| it.as_i64()).ok_or(JwkError::Malformed(name));
    let x = || key.get_label(X).and_then(|it| it.as_bytes()).ok_or(JwkError::Malformed("x"));
    let kty = number(KTY, "kty")?;
    if !matches!(kty, OKP | EC2) {
        return Err(JwkError::Unsupported(format!("COSE {kty}")));
    }
    let curve = match (kty, number(CRV, "crv")?) {
        (EC2, 1) => Curve::P256,
        (EC2, 2) => Curve::P384,
        (EC2, 8) => Curve::Secp256k1,
        (OKP, 6) => Curve::Ed25519,
        (kty, crv) => return Err(JwkError::Unsupported(format!("COSE {kty} {crv}"))),
    };
    if kty == OKP {
        return Jwk::from_coordinates(curve, x()?, &[]);
    }
    match key.get_label(Y).map(|y| y.kind()) {
        Some(Kind::Bytes(y)) => Jwk::from_coordinates(curve, x()?, y),
        Some(Kind::Bool(odd)) => {
            let point = [&[2 + u8::from(odd)], x()?].concat();
            IssuerPublicKey::from_point(curve, &point)?.into_jwk().ok_or(JwkError::Malformed("x"))
        }
        _ => Err(JwkError::Malformed("y")),
    }
}

#[cfg(test)]
mod tests {
    use ciborium::{Value, cbor};

    use super::*;
    use crate::model::jwk::Algorithm;
    use crate::verify::testing::{TestKey, to_cbor};

    fn read_value(key: &Value) -> Result<Jwk, JwkError> {
        read(Item::parse(&to_cbor(key)).unwrap())
    }

    fn halves(key: &Jwk) -> (Value, Vec<u8>) {
        let point = key.to_point();
        let length = key.curve().coordinate_length();
        (Value::Bytes(point[1..=length].to_vec()), point[1 + length..].to_vec())
    }

    #[test]
    fn keys_on_all_curves_are_read_compressed_or_not() {
        for (algorithm, crv) in [(Algorithm::Es256, 1), (Algorithm::Es384, 2), (Algorithm::Es256k, 8)] {
            for _ in 0..4 {
                let key = TestKey::new(algorithm).jwk();
                let (x, y) = halves(&key);
                let odd = y.last().unwrap() & 1 == 1;
                let whole = cbor!({ 1 => 2, -1 => crv, -2 => x, -3 => Value::Bytes(y) }).unwrap();
                assert_eq!(read_value(&whole), Ok(key.clone()));
                let short = cbor!({ 1 => 2, -1 => crv, -2 => x, -3 => odd }).unwrap();
                assert_eq!(read_value(&short), Ok(key.clone()));
                let other = cbor!({ 1 => 2, -1 => crv, -2 => x, -3 => !odd }).unwrap();
                assert_ne!(read_value(&other), Ok(key));
            }
        }
        let key = TestKey::new(Algorithm::EdDsa).jwk();
        let whole = cbor!({ 1 => 1, -1 => 6, -2 => Value::Bytes(key.to_point()), 3 => -8 }).unwrap();
        assert_eq!(read_value(&whole), Ok(key));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let (x, y) = halves(&TestKey::new(Algorithm::Es256).jwk());
        let y = Value::Bytes(y);
        let short = Value::Bytes(vec![1; 31]);
        for (key, expected) in [
            (cbor!([]), JwkError::Malformed("kty")),
            (cbor!({}), JwkError::Malformed("kty")),
            (cbor!({ 1 => "EC2", -1 => 1, -2 => x, -3 => y }), JwkError::Malformed("kty")),
            (cbor!({ 1 => 2, -2 => x, -3 => y }), JwkError::Malformed("crv")),
            (cbor!({ 1 => 2, -1 => 1, -3 => y }), JwkError::Malformed("x")),
            (cbor!({ 1 => 2, -1 => 1, -2 => short, -3 => y }), JwkError::Malformed("x")),
            (cbor!({ 1 => 2, -1 => 1, -2 => x, -3 => short }), JwkError::Malformed("y")),
            (cbor!({ 1 => 2, -1 => 1, -2 => x }), JwkError::Malformed("y")),
            (cbor!({ 1 => 1, -1 => 6, -2 => short }), JwkError::Malformed("x")),
            // No point of the curve has this x.
            (cbor!({ 1 => 2, -1 => 1, -2 => Value::Bytes(vec![0xff; 32]), -3 => true }), JwkError::Malformed("x")),
            (cbor!({ 1 => 2, -1 => 3, -2 => x, -3 => y }), JwkError::Unsupported("COSE 2 3".to_owned())),
            (cbor!({ 1 => 1, -1 => 1, -2 => x }), JwkError::Unsupported("COSE 1 1".to_owned())),
            (cbor!({ 1 => 4, -1 => Value::Bytes(vec![1]) }), JwkError::Unsupported("COSE 4".to_owned())),
        ] {
            let key = key.unwrap();
            assert_eq!(read_value(&key), Err(expected), "{key:?}");
        }
    }
}
