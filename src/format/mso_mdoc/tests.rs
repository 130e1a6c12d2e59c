use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use ciborium::cbor;
use serde_json::json;

use super::maker::{DOCTYPE, ISSUER, NAMESPACE, Parties, bytes, date, element, look, look_at_text, signer, tag_24};
use super::*;
use crate::cbor::{Item, MAX_DEPTH};
use crate::model::jwk::Algorithm;
use crate::model::report::{Report, Verdict, VerificationPolicy};
use crate::model::status::StatusReference;
use crate::model::time::Timestamp;
use crate::verify::testing::{Certified, TestKey, World, outcome, to_cbor};
use crate::verify::x509::TrustAnchors;

// covers: FMT-05
#[test]
fn the_kind_is_read_from_metadata() {
    let expected = Ok(CredentialKind::Doctype(DOCTYPE.to_owned()));
    assert_eq!(MsoMdoc.read_kind(&json!({ "doctype": DOCTYPE })), expected);
    for bad in [json!({}), json!({ "doctype": "" }), json!({ "doctype": 7 }), json!({ "vct": DOCTYPE })] {
        assert!(MsoMdoc.read_kind(&bad).is_err(), "{bad}");
    }
}

// covers: FMT-05, CRES-08
#[tokio::test]
async fn a_card_is_read_whole() {
    let parties = Parties::new();
    let world = parties.world();
    let issued = parties.card().issue(&parties.key);
    let mut seen_alphabet = false;
    for text in [
        URL_SAFE_NO_PAD.encode(&issued),
        URL_SAFE.encode(&issued),
        STANDARD.encode(&issued),
        STANDARD_NO_PAD.encode(&issued),
    ] {
        seen_alphabet |= text.contains(['+', '/']);
        let examined = look_at_text(&text, &world).await;
        let verdict = Report::judge(&examined.checks, &VerificationPolicy::default()).verdict;
        assert_eq!(verdict, Verdict::Verified, "{:?}", examined.checks);
        assert_eq!(examined.kind, CredentialKind::Doctype(DOCTYPE.to_owned()));
        let portrait = format!("data:image/jpeg;base64,{}", STANDARD.encode(b"\xff\xd8\xff\xe0picture"));
        let expected = json!({
            NAMESPACE: { "family_name": "Mustermann", "birth_date": "1990-03-01", "portrait": portrait }
        });
        assert_eq!(examined.claims, expected);
        let path = |name: &str| vec![NAMESPACE.into(), name.into()];
        assert_eq!(examined.disclosable, ["family_name", "birth_date", "portrait"].map(path));
        assert_eq!(examined.bound_key, Some(parties.holder.clone()));
        assert_eq!(examined.valid_from, Timestamp::parse_rfc3339("2025-12-31T12:00:00Z"));
        assert_eq!(examined.expires_at, Timestamp::parse_rfc3339("2026-02-01T00:00:00Z"));
        assert_eq!((examined.status, examined.status_found), (None, None));
    }
    assert!(seen_alphabet, "or the alphabets are not told apart");
    let text = URL_SAFE_NO_PAD.encode(&issued);
    for bad in
        [format!("{text}%"), format!("{text}===="), format!("+_{text}"), hex::encode(&issued), "x".repeat(2 << 20)]
    {
        let examined = look_at_text(&bad, &world).await;
        assert_eq!(outcome(&examined.checks, CheckKind::Signature), Outcome::Failed);
    }
    let examined = MsoMdoc.examine(&json!({ "issuerAuth": [] }), &world.context()).await;
    assert_eq!(outcome(&examined.checks, CheckKind::Signature), Outcome::Failed);
    assert_eq!(examined.claims, Value::Null);
}

#[tokio::test]
async fn the_issuer_is_named_or_vouched_for() {
    let parties = Parties::with(Algorithm::Es256, &Certified { names: Vec::new(), ..signer() });
    let licence = |country: &str| {
        let card = maker::Card {
            namespaces: vec![("org.iso.18013.5.1".into(), vec![element(0, "issuing_country", country.into())])],
            ..parties.card()
        };
        card.issue_with(&parties.key, |mso| *maker::member_mut(mso, "docType") = "org.iso.18013.5.1.mDL".into())
    };
    let world = World { kind: None, ..parties.world() };
    let issuer = async |issued: &[u8], world: &World| outcome(&look(issued, world).await.checks, CheckKind::Issuer);
    let not_applicable = Outcome::Skipped(Reason::NotApplicable);
    assert_eq!(issuer(&licence("UT"), &world).await, not_applicable);
    assert_eq!(issuer(&licence("ut"), &world).await, not_applicable);
    // Nothing is refused for it, and somebody is told.
    assert_eq!(issuer(&licence("DE"), &world).await, Outcome::Unknown(Reason::Unsupported));
    // The rule is that of driving licences.
    let card = maker::Card {
        namespaces: vec![("org.iso.18013.5.1".into(), vec![element(0, "issuing_country", "DE".into())])],
        ..parties.card()
    };
    assert_eq!(issuer(&card.issue(&parties.key), &world).await, not_applicable);
    let outside = World { credential_issuer: None, ..world };
    assert_eq!(issuer(&licence("UT"), &outside).await, not_applicable);
    let unnamed = World { trust: TrustAnchors::default(), ..parties.world() };
    assert_eq!(issuer(&licence("UT"), &unnamed).await, Outcome::Unknown(Reason::Unsupported));
}

#[tokio::test]
async fn keys_can_be_handed_in() {
    let parties = Parties::new();
    let card = parties.card();
    let bare = maker::Card { unprotected: cbor!({}).unwrap(), ..card.clone() };
    let other = TestKey::new(Algorithm::Es256);
    let world = |key: &TestKey, trust: bool| World {
        issuer_jwks: Some(json!({ "keys": [key.jwk()] })),
        credential_issuer: None,
        trust: if trust { parties.world().trust } else { TrustAnchors::default() },
        ..parties.world()
    };
    let checks = async |card: &maker::Card, world: World| look(&card.issue(&parties.key), &world).await.checks;
    for (card, key, trust, expected) in [
        (&bare, &parties.key, false, [Outcome::Passed, Outcome::Passed, Outcome::Skipped(Reason::NoAnchors)]),
        (&bare, &parties.key, true, [Outcome::Passed, Outcome::Passed, Outcome::Failed]),
        (&card, &parties.key, true, [Outcome::Passed, Outcome::Passed, Outcome::Passed]),
        (&card, &other, true, [Outcome::Failed, Outcome::Passed, Outcome::Failed]),
    ] {
        let checks = checks(card, world(key, trust)).await;
        let found =
            [CheckKind::Signature, CheckKind::IssuerKey, CheckKind::IssuerTrust].map(|kind| outcome(&checks, kind));
        assert_eq!(found, expected, "{checks:?}");
    }
    // The metadata of a credential issuer is no place for them.
    let asked = World {
        issuer_jwks: Some(json!({ "keys": [parties.key.jwk()] })),
        credential_issuer: Some(crate::model::ids::IssuerId::parse(ISSUER).unwrap()),
        ..parties.world()
    };
    assert_eq!(outcome(&checks(&bare, asked).await, CheckKind::IssuerKey), Outcome::Failed);
    let off = CheckKind::ALL
        .into_iter()
        .fold(VerificationPolicy::default(), |policy, kind| policy.with(kind, crate::model::report::Requirement::Off));
    let checks = checks(&card, World { policy: off, ..parties.world() }).await;
    assert_eq!(outcome(&checks, CheckKind::IssuerKey), Outcome::Skipped(Reason::SwitchedOff));
}

// covers: HAIP-30
#[tokio::test]
async fn a_status_that_cannot_be_looked_up_is_no_reason_to_refuse() {
    let parties = Parties::new();
    let world = World { profile: crate::model::profile::Profile::Haip, ..parties.world() };
    let place = || cbor!({ "idx" => 412, "uri" => "https://status.example/1" });
    for (status, expected) in [
        (cbor!({ "status_list" => place().unwrap() }), Verdict::VerifiedWithWarnings),
        (
            cbor!({ "identifier_list" => { "id" => bytes(&[1]), "uri" => "https://status.example/2" } }),
            Verdict::VerifiedWithWarnings,
        ),
        (cbor!({ "status_list" => { "idx" => "412", "uri" => "https://status.example/1" } }), Verdict::Rejected),
    ] {
        let issued = maker::Card { status: Some(status.unwrap()), ..parties.card() }.issue(&parties.key);
        let examined = look(&issued, &world).await;
        let verdict = Report::judge(&examined.checks, &VerificationPolicy::default()).verdict;
        assert_eq!(verdict, expected, "{:?}", examined.checks);
    }
}

#[tokio::test]
async fn the_status_is_found() {
    let parties = Parties::new();
    let with = |status| maker::Card { status: Some(status), ..parties.card() }.issue(&parties.key);
    let list = cbor!({ "status_list" => { "idx" => 412, "uri" => "https://status.example/1" } }).unwrap();
    let examined = look(&with(list), &parties.world()).await;
    let expected = StatusReference::TokenStatusList { uri: "https://status.example/1".to_owned(), index: 412 };
    assert_eq!(examined.status, Some(expected));
    for other in
        [cbor!({ "identifier_list" => { "id" => bytes(&[1]), "uri" => "https://status.example/2" } }), cbor!(7)]
    {
        let examined = look(&with(other.unwrap()), &parties.world()).await;
        assert_eq!(examined.status, None);
        assert!(matches!(outcome(&examined.checks, CheckKind::Status), Outcome::Unknown(_) | Outcome::Failed));
    }
}

#[test]
fn maps_in_maps_take_no_longer_than_they_are_long() {
    // Each has a key that is no name, behind the one with the next map.
    let mut encoded = vec![0];
    for _ in 0..MAX_DEPTH - 2 {
        encoded = [b"\xa2\x61a", encoded.as_slice(), b"\x80\x00"].concat();
    }
    let mut shown = claims::value(Item::parse(&encoded).unwrap(), MAX_DEPTH);
    for _ in 0..MAX_DEPTH - 2 {
        assert_eq!(shown[1], json!([[], 0]));
        shown = shown[0][1].take();
    }
    assert_eq!(shown, json!(0));
}

#[test]
fn values_become_json() {
    let nested = to_cbor(&cbor!({ "a" => [1, 2], "d" => date("2026-01-01T00:00:00Z") }).unwrap());
    let deep = (0..70).fold(bytes(&[1]), |inner, _| tag_24(&to_cbor(&inner)));
    let octets =
        |media_type: &str, octets: &[u8]| json!(format!("data:{media_type};base64,{}", STANDARD.encode(octets)));
    let tag = |tag: u64, value: ciborium::Value| ciborium::Value::Tag(tag, Box::new(value));
    for (value, expected) in [
        (cbor!(18_446_744_073_709_551_615_u64), json!(18_446_744_073_709_551_615_u64)),
        (cbor!(-5), json!(-5)),
        (cbor!(1.5), json!(1.5)),
        (cbor!(f64::NAN), json!("NaN")),
        (cbor!("Zoë"), json!("Zoë")),
        (cbor!(true), json!(true)),
        (cbor!(null), json!(null)),
        (cbor!([1, [2, "x"]]), json!([1, [2, "x"]])),
        (cbor!({ "b" => 1, 5 => { -1 => 2 } }), json!({ "b": 1, "5": { "-1": 2 } })),
        // Keys that would fall together, and such as are no names.
        (cbor!({ "1" => "a", 1 => "b" }), json!([["1", "a"], [1, "b"]])),
        (cbor!({ true => 1 }), json!([[true, 1]])),
        (Ok(date("2026-01-01T12:00:00Z")), json!("2026-01-01T12:00:00Z")),
        (Ok(tag(1004, "1990-03-01".into())), json!("1990-03-01")),
        (Ok(tag(1, 1_767_225_600.into())), json!("2026-01-01T00:00:00Z")),
        (Ok(tag(1, 1_767_225_600.7.into())), json!("2026-01-01T00:00:00Z")),
        (Ok(tag(100, 20_454.into())), json!("2026-01-01")),
        (Ok(tag(100, (-1).into())), json!("1969-12-31")),
        (Ok(tag(100, i64::MAX.into())), json!(i64::MAX)),
        (Ok(tag(2, bytes(&[1, 0, 0, 0, 0, 0, 0, 0, 0]))), json!("18446744073709551616")),
        (Ok(tag(3, bytes(&[1, 0, 0, 0, 0, 0, 0, 0, 0]))), json!("-18446744073709551617")),
        (Ok(tag(2, bytes(&[1; 17]))), octets("application/octet-stream", &[1; 17])),
        (Ok(tag(32, "https://example.com".into())), json!("https://example.com")),
        (Ok(tag_24(&nested)), json!({ "a": [1, 2], "d": "2026-01-01T00:00:00Z" })),
        (Ok(tag_24(b"\xff")), octets("application/octet-stream", b"\xff")),
        (Ok(bytes(b"")), octets("application/octet-stream", b"")),
        (Ok(bytes(b"\x89PNG\r\n\x1a\nx")), octets("image/png", b"\x89PNG\r\n\x1a\nx")),
        (Ok(bytes(b"\0\0\0\x0cjP  \r\n\x87\nx")), octets("image/jp2", b"\0\0\0\x0cjP  \r\n\x87\nx")),
        (Ok(bytes(b"RIFF\0\0\0\0WEBPVP8 ")), octets("image/webp", b"RIFF\0\0\0\0WEBPVP8 ")),
        (Ok(bytes(b"RIFF\0\0\0\0WAVE")), octets("application/octet-stream", b"RIFF\0\0\0\0WAVE")),
    ] {
        let encoded = to_cbor(&value.unwrap());
        assert_eq!(claims::value(Item::parse(&encoded).unwrap(), MAX_DEPTH), expected);
    }
    // Embedded deeper than is read: what is left stays as octets.
    let encoded = to_cbor(&deep);
    let text = claims::value(Item::parse(&encoded).unwrap(), MAX_DEPTH);
    assert!(text.as_str().unwrap().starts_with("data:application/octet-stream;base64,"));
    let undefined = [0xf7];
    assert_eq!(claims::value(Item::parse(&undefined).unwrap(), MAX_DEPTH), Value::Null);
}
