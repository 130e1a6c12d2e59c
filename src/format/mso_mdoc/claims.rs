//! The elements of an mdoc as JSON, for showing: an object of namespaces with an object of elements each.
//!
//! | CBOR | JSON |
//! |---|---|
//! | whole numbers of 64 bits, floating point | number; text if JSON has no such number |
//! | text; `tdate` (tag 0), `full-date` (tag 1004) and other tags on text | text |
//! | seconds (tag 1), days (tag 100) since 1970 | text, as a date and time, as a date |
//! | byte strings | text, a `data:` URL with the type that the octets show, else `application/octet-stream` |
//! | large whole numbers (tags 2 and 3) | text in decimal digits, up to 128 bits |
//! | embedded CBOR (tag 24) | what is in it |
//! | null, undefined | null |
//! | arrays; maps with texts and numbers as keys | array, object |
//! | maps with other keys, or with keys that would fall together | array of pairs |

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value};

use crate::cbor::{Entries, Item, Kind, MAX_DEPTH};
use crate::model::display::PathStep;
use crate::model::time::Timestamp;
use crate::verify::mdoc::Namespace;

/// The claims of a credential.
pub(super) fn to_json(namespaces: &[Namespace<'_>]) -> Value {
    let elements = |namespace: &Namespace<'_>| -> Map<String, Value> {
        let mut elements = Map::new();
        for item in namespace.elements.iter().filter_map(|element| element.item.ok()) {
            elements.entry(item.name).or_insert_with(|| value(item.value, MAX_DEPTH));
        }
        elements
    };
    namespaces.iter().map(|namespace| (namespace.name.to_owned(), Value::Object(elements(namespace)))).collect()
}

/// Where the claims are: a holder can withhold each element.
pub(super) fn paths(namespaces: &[Namespace<'_>]) -> Vec<Vec<PathStep>> {
    let path = |namespace: &Namespace<'_>, name: &str| vec![namespace.name.into(), name.into()];
    namespaces
        .iter()
        .flat_map(|namespace| {
            let items = namespace.elements.iter().filter_map(|element| element.item.ok());
            items.map(|item| path(namespace, item.name))
        })
        .collect()
}

/// One value; what is embedded deeper than is read stays as octets.
pub(super) fn value(item: Item<'_>, depth: usize) -> Value {
    let inside = depth.saturating_sub(1);
    match item.kind() {
        Kind::Unsigned(number) => number.into(),
        Kind::Negative(number) => {
            let number = -1 - i128::from(number);
            i64::try_from(number).map_or_else(|_| number.to_string().into(), Value::from)
        }
        Kind::Bytes(bytes) => data_url(bytes).into(),
        Kind::Text(text) => text.into(),
        Kind::Array(items) => items.map(|item| value(item, inside)).collect(),
        Kind::Map(entries) => object(entries, inside),
        Kind::Tag(tag, inner) => tagged(tag, inner, inside),
        Kind::Bool(truth) => truth.into(),
        Kind::Null | Kind::Undefined => Value::Null,
        Kind::Simple(number) => number.into(),
        Kind::Float(number) => Number::from_f64(number).map_or_else(|| number.to_string().into(), Value::Number),
    }
}

fn tagged(tag: u64, inner: Item<'_>, depth: usize) -> Value {
    let day = |days: i64| Some(Timestamp::from_seconds(days.checked_mul(86_400)?).to_string().get(..10)?.to_owned());
    let written = match (tag, inner.kind()) {
        #[allow(clippy::cast_possible_truncation)] // saturates, as it should
        (1, Kind::Float(seconds)) => Some(Timestamp::from_seconds(seconds.floor() as i64).to_string()),
        (1, _) => inner.as_i64().map(|seconds| Timestamp::from_seconds(seconds).to_string()),
        (100, _) => inner.as_i64().and_then(day),
        (2, Kind::Bytes(bytes)) => large(bytes).map(|number| number.to_string()),
        (3, Kind::Bytes(bytes)) => {
            large(bytes).and_then(|number| Some((-1 - i128::try_from(number).ok()?).to_string()))
        }
        (24, Kind::Bytes(bytes)) => match Item::parse_within(bytes, depth) {
            Ok(embedded) => return value(embedded, depth),
            Err(_) => None,
        },
        _ => None,
    };
    written.map_or_else(|| value(inner, depth), Value::String)
}

fn large(bytes: &[u8]) -> Option<u128> {
    let digits = &bytes[bytes.iter().take_while(|octet| **octet == 0).count()..];
    (digits.len() <= 16).then(|| digits.iter().fold(0, |sum, octet| sum << 8 | u128::from(*octet)))
}

fn object(entries: Entries<'_>, depth: usize) -> Value {
    let name = |key: Item<'_>| match key.kind() {
        Kind::Text(text) => Some(text.to_owned()),
        Kind::Unsigned(_) | Kind::Negative(_) => Some(key.as_i64()?.to_string()),
        _ => None,
    };
    // All names before any value: values that were made and thrown away again would double the work at each level.
    let mut seen = HashSet::new();
    let names: Option<Vec<String>> =
        entries.clone().map(|(key, _)| name(key).filter(|name| seen.insert(name.clone()))).collect();
    match names {
        Some(names) => names.into_iter().zip(entries).map(|(name, (_, member))| (name, value(member, depth))).collect(),
        None => entries.map(|(key, member)| Value::Array(vec![value(key, depth), value(member, depth)])).collect(),
    }
}

fn data_url(bytes: &[u8]) -> String {
    format!("data:{};base64,{}", media_type(bytes), STANDARD.encode(bytes))
}

/// The type of a picture by how it begins.
fn media_type(bytes: &[u8]) -> &'static str {
    const KNOWN: [(&[u8], &str); 6] = [
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "image/jp2"),
        (b"\xff\x4f\xff\x51", "image/j2c"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
    ];
    let webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    match KNOWN.iter().find(|(start, _)| bytes.starts_with(start)) {
        Some((_, media_type)) => media_type,
        None if webp => "image/webp",
        None => "application/octet-stream",
    }
}
