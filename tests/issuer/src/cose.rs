//! `COSE_Sign1` (RFC 9052), for mdocs and status lists.

use crate::cbor::Cbor;
use crate::keys::PrivateKey;

/// Header parameters.
pub(crate) const ALG: i64 = 1;
pub(crate) const KID: i64 = 4;
pub(crate) const TYP: i64 = 16;
pub(crate) const X5CHAIN: i64 = 33;

pub(crate) type Headers = Vec<(Cbor, Cbor)>;

/// The signature over a payload under protected headers, as they are encoded.
pub(crate) fn signature(key: &PrivateKey, protected: &[u8], payload: &[u8]) -> Vec<u8> {
    let signed = Cbor::Array(vec![
        Cbor::text("Signature1"),
        Cbor::Bytes(protected.to_vec()),
        Cbor::Bytes(Vec::new()),
        Cbor::Bytes(payload.to_vec()),
    ]);
    key.sign(&signed.encode())
}

/// The four parts together, untagged.
pub(crate) fn sign1(protected: Vec<u8>, unprotected: Headers, payload: Vec<u8>, signature: Vec<u8>) -> Cbor {
    Cbor::Array(vec![Cbor::Bytes(protected), Cbor::Map(unprotected), Cbor::Bytes(payload), Cbor::Bytes(signature)])
}

/// Protected headers; without any they are an empty string.
pub(crate) fn protected(headers: Headers) -> Vec<u8> {
    if headers.is_empty() { Vec::new() } else { Cbor::Map(headers).encode() }
}

/// `x5chain` (RFC 9360): one certificate is by itself, several are an array.
pub(crate) fn x5chain(certificates: &[Vec<u8>]) -> (Cbor, Cbor) {
    let value = match certificates {
        [only] => Cbor::Bytes(only.clone()),
        several => Cbor::Array(several.iter().cloned().map(Cbor::Bytes).collect()),
    };
    (Cbor::Int(X5CHAIN), value)
}
