//! Spoiled mdocs: the right check says so, and no other.

use ciborium::{Value, cbor};

use super::maker::*;
use crate::model::jwk::Algorithm;
use crate::model::profile::Profile;
use crate::model::report::CheckKind::{
    Digests, HolderBinding, Issuer, IssuerKey, IssuerTrust, Signature, Status, Type, Validity,
};
use crate::model::report::{CheckKind, Outcome, Reason};
use crate::verify::testing::{Certified, NOW, TestKey, World, anchors, outcome, to_cbor};

const FAILED: Outcome = Outcome::Failed;
const UNSUPPORTED: Outcome = Outcome::Unknown(Reason::Unsupported);
const DEPENDS: Outcome = Outcome::Unknown(Reason::DependsOnFailed);

/// What the check says of a card that is good in every respect.
fn good(kind: CheckKind) -> Outcome {
    if kind == Status { Outcome::Skipped(Reason::NotApplicable) } else { Outcome::Passed }
}

/// The checks differ from those of a good card in what is named, and in nothing else.
async fn differs(what: &str, issued: &[u8], world: &World, expected: &[(CheckKind, Outcome)]) {
    let examined = look(issued, world).await;
    for kind in CheckKind::ALL {
        let expected = expected.iter().find(|(named, _)| *named == kind).map_or(good(kind), |(_, outcome)| *outcome);
        assert_eq!(outcome(&examined.checks, kind), expected, "{what}: {kind}: {:#?}", examined.checks);
    }
}

/// The checks of what can't be read at all.
const UNREADABLE: [(CheckKind, Outcome); 9] = [
    (Signature, FAILED),
    (IssuerKey, DEPENDS),
    (IssuerTrust, DEPENDS),
    (Issuer, DEPENDS),
    (HolderBinding, DEPENDS),
    (Type, DEPENDS),
    (Validity, DEPENDS),
    (Digests, DEPENDS),
    (Status, DEPENDS),
];

/// The checks of a signed payload that can't be read.
const NO_MSO: [(CheckKind, Outcome); 5] =
    [(HolderBinding, DEPENDS), (Type, DEPENDS), (Validity, DEPENDS), (Digests, FAILED), (Status, DEPENDS)];

fn auth(issued: &mut Value) -> &mut Vec<Value> {
    member_mut(issued, "issuerAuth").as_array_mut().unwrap()
}

fn elements(issued: &mut Value) -> &mut Vec<Value> {
    member_mut(member_mut(issued, "nameSpaces"), NAMESPACE).as_array_mut().unwrap()
}

fn digests(mso: &mut Value) -> &mut Vec<(Value, Value)> {
    member_mut(member_mut(mso, "valueDigests"), NAMESPACE).as_map_mut().unwrap()
}

// covers: FMT-05, FMT-09
#[tokio::test]
async fn one_bit_in_each_part() {
    let parties = Parties::new();
    let (world, issued) = (parties.world(), parties.card().issue(&parties.key));
    differs("nothing", &issued, &world, &[]).await;
    let signature = edited(&issued, |issued| auth(issued)[3].as_bytes_mut().unwrap()[40] ^= 1);
    differs("signature", &signature, &world, &[(Signature, FAILED)]).await;
    for (what, beginning, distance, expected) in [
        ("element", &b"Mustermann"[..], 3, &[(Digests, FAILED)][..]),
        ("an element's salt", &[0x50, 7, 7, 7], 9, &[(Digests, FAILED)]),
        ("an element's number", b"digestID\x07", 8, &[(Digests, FAILED)]),
        ("an element's name", b"birth_date", 0, &[(Digests, FAILED)]),
        ("an element's structure", b"\x71elementIdentifier", 0, &[(Digests, FAILED)]),
        ("the name of a namespace", b"\x70org.example.card\x83", 5, &[(Digests, FAILED)]),
        ("digest", &[0x19, 1, 44, 0x58, 32], 9, &[(Signature, FAILED), (Digests, FAILED)]),
        ("doctype", DOCTYPE.as_bytes(), 4, &[(Signature, FAILED), (Type, FAILED)]),
        ("device key", &[0x21, 0x58, 32], 9, &[(Signature, FAILED), (HolderBinding, FAILED)]),
        ("date", b"2026-02-01T00", 3, &[(Signature, FAILED)]),
        ("date's structure", b"2026-02-01T00", 4, &[(Signature, FAILED), (Validity, FAILED)]),
        ("version", b"1.0", 2, &[(Signature, FAILED)]),
        ("algorithm", &[0x43, 0xa1, 1, 0x26], 3, &[(Signature, FAILED)]),
        (
            "tag",
            &[0xd8, 24, 0x59],
            1,
            &[
                (Signature, FAILED),
                (HolderBinding, DEPENDS),
                (Type, DEPENDS),
                (Validity, DEPENDS),
                (Digests, FAILED),
                (Status, DEPENDS),
            ],
        ),
    ] {
        differs(what, &flipped(&issued, beginning, distance), &world, expected).await;
    }
    // In the certificate: its own signature, the name of its subject, its key.
    let certificate = parties.certificate.len();
    let last = flipped(&issued, &parties.certificate, certificate - 3);
    differs("certificate's signature", &last, &world, &[(IssuerTrust, FAILED)]).await;
    let name = flipped(&issued, b"issuer.example", 0);
    differs("certificate's name", &name, &world, &[(IssuerTrust, FAILED), (Issuer, UNSUPPORTED)]).await;
    let point = parties.key.jwk().to_point();
    let key = flipped(&issued, &point, 20);
    differs("certificate's key", &key, &world, &[(Signature, FAILED), (IssuerTrust, FAILED)]).await;
}

#[tokio::test]
async fn signatures_and_algorithms() {
    let parties = Parties::new();
    let (world, card) = (parties.world(), parties.card());
    let foreign = card.issue(&TestKey::new(Algorithm::Es256));
    differs("another key", &foreign, &world, &[(Signature, FAILED)]).await;
    let headers = |protected: Value| Card { protected, ..card.clone() }.issue(&parties.key);
    for (what, protected, expected) in [
        ("another curve", cbor!({ 1 => -35 }), FAILED),
        ("EdDSA", cbor!({ 1 => -8 }), FAILED),
        ("RSA", cbor!({ 1 => -257 }), FAILED),
        ("the newer number", cbor!({ 1 => -9 }), Outcome::Passed),
        ("a MAC", cbor!({ 1 => 5 }), FAILED),
        ("a reserved number", cbor!({ 1 => 0 }), FAILED),
        ("none", cbor!({}), FAILED),
        ("a hash", cbor!({ 1 => -16 }), FAILED),
        ("a text", cbor!({ 1 => "none" }), UNSUPPORTED),
        ("unknown", cbor!({ 1 => -52 }), UNSUPPORTED),
        ("critical", cbor!({ 1 => -7, 2 => [77], 77 => 1 }), FAILED),
    ] {
        differs(what, &headers(protected.unwrap()), &world, &[(Signature, expected)]).await;
    }
    let unprotected = edited(&card.issue(&parties.key), |issued| {
        auth(issued)[0] = bytes(&[]);
        auth(issued)[1].as_map_mut().unwrap().push((1.into(), Value::from(-7)));
    });
    differs("algorithm not signed", &unprotected, &world, &[(Signature, FAILED)]).await;
    for (algorithm, fits) in [(Algorithm::Es256, -7), (Algorithm::Es384, -35), (Algorithm::EdDsa, -8)] {
        let parties = Parties::with(algorithm, &signer());
        let (world, card) = (parties.world(), parties.card());
        differs(algorithm.as_str(), &card.issue(&parties.key), &world, &[]).await;
        let other = if fits == -7 { -8 } else { -7 };
        let swapped = Card { protected: cbor!({ 1 => other }).unwrap(), ..card };
        differs("swapped", &swapped.issue(&parties.key), &world, &[(Signature, FAILED)]).await;
    }
}

#[tokio::test]
async fn elements_and_digests() {
    let parties = Parties::new();
    let (world, card) = (parties.world(), parties.card());
    let key = &parties.key;
    let issued = card.issue(key);
    let failed = [(Digests, FAILED)];
    for hash in ["SHA-384", "SHA-512"] {
        differs(hash, &Card { hash, ..card.clone() }.issue(key), &world, &[]).await;
    }
    for hash in ["SHA-1", "sha-256", "SHA3-256", ""] {
        let unknown = Card { hash, ..card.clone() }.issue(key);
        differs(hash, &unknown, &world, &[(Digests, UNSUPPORTED)]).await;
    }
    let another_hash = card.issue_with(key, |mso| *member_mut(mso, "digestAlgorithm") = "SHA-512".into());
    differs("another hash than said", &another_hash, &world, &failed).await;
    for (what, change) in [
        ("digest missing", (|mso| drop(digests(mso).remove(1))) as fn(&mut Value)),
        ("digests swapped", |mso| {
            let (first, second) = (digests(mso)[0].1.clone(), digests(mso)[1].1.clone());
            digests(mso)[0].1 = second;
            digests(mso)[1].1 = first;
        }),
        ("digest cut", |mso| digests(mso)[2].1.as_bytes_mut().unwrap().truncate(16)),
        ("digest no bytes", |mso| digests(mso)[2].1 = "text".into()),
        ("no digests of the namespace", |mso| member_mut(mso, "valueDigests").as_map_mut().unwrap().clear()),
        ("no digests", |mso| without(mso, "valueDigests")),
        ("no map of digests", |mso| *member_mut(mso, "valueDigests") = Value::Array(Vec::new())),
        ("no hash", |mso| without(mso, "digestAlgorithm")),
        ("hash no text", |mso| *member_mut(mso, "digestAlgorithm") = (-16).into()),
        ("no version", |mso| without(mso, "version")),
    ] {
        differs(what, &card.issue_with(key, change), &world, &failed).await;
    }
    let version = |text: &'static str| card.issue_with(key, |mso| *member_mut(mso, "version") = text.into());
    differs("newer version of the same kind", &version("1.1"), &world, &[]).await;
    differs("unknown version", &version("2.0"), &world, &[(Digests, UNSUPPORTED)]).await;
    let decoy = card.issue_with(key, |mso| digests(mso).push((9.into(), bytes(&[9; 32]))));
    differs("digests of nothing that is there", &decoy, &world, &[]).await;

    let foreign =
        Card { namespaces: vec![(NAMESPACE.into(), vec![element(0, "family_name", "Other".into())])], ..card.clone() };
    let other = foreign.issue(key);
    let taken = |issued: &[u8]| elements(&mut ciborium::from_reader(issued).unwrap())[0].clone();
    for (what, changed) in [
        ("element of another card", edited(&issued, |issued| elements(issued)[0] = taken(&other))),
        (
            "element added",
            edited(&issued, |issued| elements(issued).push(tag_24(&to_cbor(&element(1, "x", 1.into()))))),
        ),
        (
            "element doubled",
            edited(&issued, |issued| {
                let again = elements(issued)[0].clone();
                elements(issued).push(again);
            }),
        ),
        ("element without a tag", edited(&issued, |issued| elements(issued)[0] = bytes(b"\xa0"))),
        ("element not in bytes", edited(&issued, |issued| elements(issued)[0] = element(0, "x", 1.into()))),
        ("element is null", edited(&issued, |issued| elements(issued)[0] = Value::Null)),
        ("element empty", edited(&issued, |issued| elements(issued)[0] = tag_24(b"\xa0"))),
        ("element with a rest", edited(&issued, |issued| elements(issued)[0] = tag_24(b"\xa0\x00"))),
        (
            "namespace added",
            edited(&issued, |issued| {
                let elements = Value::Array(elements(issued).clone());
                member_mut(issued, "nameSpaces").as_map_mut().unwrap().push(("other".into(), elements));
            }),
        ),
    ] {
        differs(what, &changed, &world, &failed).await;
    }
    // What a holder may leave out does no harm, nor does the order.
    let fewer = edited(&issued, |issued| drop(elements(issued).remove(1)));
    differs("an element fewer", &fewer, &world, &[]).await;
    differs("another order", &edited(&issued, |issued| elements(issued).reverse()), &world, &[]).await;
    let none = edited(&issued, |issued| without(issued, "nameSpaces"));
    differs("no elements at all", &none, &world, &[]).await;

    // Signed, and wrong all the same.
    let with = |elements: Vec<Value>| Card { namespaces: vec![(NAMESPACE.into(), elements)], ..card.clone() };
    let short =
        cbor!({ "digestID" => 0, "random" => bytes(&[1; 15]), "elementIdentifier" => "x", "elementValue" => 1 });
    let nameless = cbor!({ "digestID" => 0, "random" => bytes(&[1; 16]), "elementValue" => 1 });
    for (what, card) in [
        ("salt too short", with(vec![short.unwrap()])),
        ("element without a name", with(vec![nameless.unwrap()])),
        ("one name for two", with(vec![element(0, "x", 1.into()), element(1, "x", 2.into())])),
    ] {
        differs(what, &card.issue(key), &world, &failed).await;
    }
    let twice = with(vec![element(0, "x", 1.into()), element(0, "y", 2.into())]);
    let issued = twice.issue_with(key, |mso| drop(digests(mso).pop()));
    differs("one number for two", &issued, &world, &failed).await;
}

#[tokio::test]
async fn cut_extended_and_rebuilt() {
    let parties = Parties::new();
    let (world, card) = (parties.world(), parties.card());
    let issued = card.issue(&parties.key);
    for length in 0..issued.len() {
        let examined = look(&issued[..length], &world).await;
        for (kind, expected) in UNREADABLE {
            assert_eq!(outcome(&examined.checks, kind), expected, "cut at {length}");
        }
    }
    differs("trailing", &[issued.as_slice(), &[0]].concat(), &world, &UNREADABLE).await;
    differs("twice", &[issued.as_slice(), &issued].concat(), &world, &UNREADABLE).await;
    // Other forms of the same are as good: what is signed and hashed is what was received.
    let indefinite_card = Card { indefinite: true, ..card.clone() };
    differs("indefinite lengths, signed so", &indefinite_card.issue(&parties.key), &world, &[]).await;
    differs("indefinite lengths around", &indefinite(&ciborium::from_reader(&issued[..]).unwrap()), &world, &[]).await;
    let tagged = edited(&issued, |issued| {
        let auth = member_mut(issued, "issuerAuth");
        *auth = Value::Tag(18, Box::new(auth.clone()));
    });
    differs("tagged signature", &tagged, &world, &[]).await;
    // The item's head in a longer form: the same item, and another digest.
    let item = [0xd8, 24, 0x58];
    let place = issued.windows(3).position(|window| window == item).unwrap();
    let longer = [&issued[..place], &[0xd8, 24, 0x59, 0], &issued[place + 3..]].concat();
    differs("element with a longer head", &longer, &world, &[(Digests, FAILED)]).await;

    let rebuilt = |change: fn(&mut Value)| edited(&issued, change);
    for (what, changed) in [
        ("no signature", rebuilt(|issued| without(issued, "issuerAuth"))),
        ("a document", rebuilt(|issued| issued.as_map_mut().unwrap().push(("docType".into(), DOCTYPE.into())))),
        ("a presentation", to_cbor(&cbor!({ "version" => "1.0", "documents" => [], "status" => 0 }).unwrap())),
        ("an array", rebuilt(|issued| *issued = Value::Array(vec![issued.clone()]))),
        ("three parts", rebuilt(|issued| drop(auth(issued).pop()))),
        ("five parts", rebuilt(|issued| auth(issued).push(Value::Null))),
        ("no payload", rebuilt(|issued| auth(issued)[2] = Value::Null)),
        (
            "another tag",
            rebuilt(|issued| {
                let auth = member_mut(issued, "issuerAuth");
                *auth = Value::Tag(17, Box::new(auth.clone()));
            }),
        ),
        ("protected header no map", rebuilt(|issued| auth(issued)[0] = bytes(&[0x80]))),
        (
            "a label in both headers",
            rebuilt(|issued| {
                auth(issued)[1].as_map_mut().unwrap().push((1.into(), Value::from(-7)));
            }),
        ),
        ("namespaces no map", rebuilt(|issued| *member_mut(issued, "nameSpaces") = Value::Array(Vec::new()))),
        (
            "elements no array",
            rebuilt(|issued| {
                *member_mut(member_mut(issued, "nameSpaces"), NAMESPACE) = Value::Map(Vec::new());
            }),
        ),
        ("namespace no text", rebuilt(|issued| member_mut(issued, "nameSpaces").as_map_mut().unwrap()[0].0 = 1.into())),
        (
            "a member twice",
            rebuilt(|issued| {
                let again = issued.as_map().unwrap()[0].clone();
                issued.as_map_mut().unwrap().push(again);
            }),
        ),
        (
            "a namespace twice",
            rebuilt(|issued| {
                let namespaces = member_mut(issued, "nameSpaces").as_map_mut().unwrap();
                namespaces.push(namespaces[0].clone());
            }),
        ),
        (
            "a header twice",
            rebuilt(|issued| {
                let header = auth(issued)[1].as_map_mut().unwrap();
                header.push(header[0].clone());
            }),
        ),
        ("nothing", Vec::new()),
        ("null", vec![0xf6]),
        ("depth", [&[0xa1, 0x6a][..], b"nameSpaces", &vec![0x81; 500_000], &[0]].concat()),
        ("indefinite depth", [&[0xa1, 0x6a][..], b"nameSpaces", &vec![0x9f; 500_000]].concat()),
        ("a huge map", vec![0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        ("a huge text", vec![0xa1, 0x7b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        ("a text in chunks", [&[0xa1, 0x7f, 0x65][..], b"nameS", &[0x65], b"paces", &[0xff, 0xa0]].concat()),
    ] {
        differs(what, &changed, &world, &UNREADABLE).await;
    }
}

#[tokio::test]
async fn security_objects_that_cannot_be_read() {
    let parties = Parties::new();
    let (world, card) = (parties.world(), parties.card());
    let key = &parties.key;
    let mso = to_cbor(&card.mso());
    let doubled = |name: &str| {
        let mut mso = card.mso();
        let again = (name.into(), member(&mso, name).clone());
        mso.as_map_mut().unwrap().push(again);
        card.sign(&to_cbor(&mso), key)
    };
    let deep = [&[0xa1, 0x61, b'x'][..], &vec![0x81; 100_000], &[0]].concat();
    for (what, issued) in [
        ("without a tag", card.sign_payload(&mso, key)),
        ("without bytes", card.sign_payload(&to_cbor(&Value::Tag(24, Box::new(card.mso()))), key)),
        ("empty", card.sign_payload(&[], key)),
        ("no map", card.sign(&[0x80], key)),
        ("cut", card.sign(&mso[..mso.len() - 1], key)),
        ("trailing", card.sign(&[mso.as_slice(), &[0]].concat(), key)),
        ("trailing outside", card.sign_payload(&[to_cbor(&tag_24(&mso)).as_slice(), &[0]].concat(), key)),
        ("a name twice", doubled("docType")),
        ("digests twice", doubled("valueDigests")),
        ("depth", card.sign(&deep, key)),
    ] {
        differs(what, &issued, &world, &NO_MSO).await;
    }
    // Nested, and so deep as an element that nothing can be made of it.
    let nested = (0..80).fold(Value::from(1), |inner, _| Value::Array(vec![inner]));
    let deep = Card { namespaces: vec![(NAMESPACE.into(), vec![element(0, "x", nested)])], ..card };
    differs("a deep element", &deep.issue(key), &world, &[(Digests, FAILED)]).await;
}

#[tokio::test]
async fn large_cards() {
    let parties = Parties::new();
    let (world, card) = (parties.world(), parties.card());
    let sized = |length: usize| {
        let portrait = element(0, "portrait", Value::Bytes(vec![0xff; length]));
        Card { namespaces: vec![(NAMESPACE.into(), vec![portrait])], ..card.clone() }.issue(&parties.key)
    };
    differs("700 KiB", &sized(700 << 10), &world, &[]).await;
    differs("1 MiB", &sized(1 << 20), &world, &UNREADABLE).await;
    let many = (0..2000).map(|id| element(id, &format!("e{id}"), id.into())).collect();
    let many = Card { namespaces: vec![(NAMESPACE.into(), many)], ..card };
    differs("many elements", &many.issue(&parties.key), &world, &[]).await;
}

#[tokio::test]
async fn certificates() {
    let parties = Parties::new();
    let (world, card) = (parties.world(), parties.card());
    let key = &parties.key;
    let chain = |certificates: &[&[u8]]| {
        let certificates = certificates.iter().map(|certificate| bytes(certificate)).collect();
        Value::Map(vec![(33.into(), Value::Array(certificates))])
    };
    let with = |unprotected: Value| Card { unprotected, ..card.clone() }.issue(key);
    let missing = [(Signature, DEPENDS), (IssuerKey, FAILED), (IssuerTrust, FAILED), (Issuer, UNSUPPORTED)];
    for (what, unprotected) in [
        ("no chain", Value::Map(Vec::new())),
        ("empty chain", chain(&[])),
        ("a text", Value::Map(vec![(33.into(), "x".into())])),
        ("no certificate", chain(&[b"x"])),
        ("a certificate with a rest", chain(&[&[parties.certificate.as_slice(), &[0]].concat()])),
        ("too many", chain(&[parties.certificate.as_slice(); 9])),
    ] {
        differs(what, &with(unprotected), &world, &missing).await;
    }
    differs("an array of one", &with(chain(&[&parties.certificate])), &world, &[]).await;
    differs("the authority in it", &with(chain(&[&parties.certificate, &parties.root])), &world, &[]).await;
    let in_protected = Card {
        protected: cbor!({ 1 => -7, 33 => bytes(&parties.certificate) }).unwrap(),
        unprotected: Value::Map(Vec::new()),
        ..card.clone()
    };
    differs("in the signed header", &in_protected.issue(key), &world, &[]).await;

    // Authorities between.
    let root = Certified::authority("Root");
    let middle = Certified::authority("Middle");
    let [root_key, middle_key] = [0, 1].map(|_| TestKey::new(Algorithm::Es256));
    let leaf = signer().signed_by(key, &middle, &middle_key);
    let between = |middle: &Certified<'_>, root: &Certified<'_>| middle.signed_by(&middle_key, root, &root_key);
    let below = World { trust: anchors(&[&root.self_signed(&root_key)]), ..parties.world() };
    let good_middle = between(&middle, &root);
    differs("a longer chain", &with(chain(&[&leaf, &good_middle])), &below, &[]).await;
    let reversed = [(Signature, FAILED), (IssuerKey, FAILED), (IssuerTrust, FAILED), (Issuer, UNSUPPORTED)];
    differs("out of order", &with(chain(&[&good_middle, &leaf])), &below, &reversed).await;
    let broken = [(IssuerKey, FAILED), (IssuerTrust, FAILED), (Issuer, UNSUPPORTED)];
    let expired = between(&Certified { days: (-50, -1), ..Certified::authority("Middle") }, &root);
    differs("expired link", &with(chain(&[&leaf, &expired])), &below, &broken).await;
    let no_authority = between(&Certified { common_name: "Middle", days: (-50, 50), ..Certified::default() }, &root);
    differs("a link that is no authority", &with(chain(&[&leaf, &no_authority])), &below, &broken).await;
    differs("link missing", &with(chain(&[&leaf])), &below, &[(IssuerTrust, FAILED)]).await;
    let short = Certified { path_length: Some(0), ..Certified::authority("Root") };
    let limited = World { trust: anchors(&[&short.self_signed(&root_key)]), ..parties.world() };
    differs("longer than allowed", &with(chain(&[&leaf, &good_middle])), &limited, &[(IssuerTrust, FAILED)]).await;

    // Signers.
    for (what, certified, expected) in [
        ("expired", Certified { days: (-20, -1), ..signer() }, &broken[..]),
        ("not valid yet", Certified { days: (1, 20), ..signer() }, &broken),
        ("signed before its time", Certified { days: (0, 20), ..signer() }, &[(Validity, FAILED)]),
        ("for encryption", Certified { usage: vec![rcgen::KeyUsagePurpose::KeyEncipherment], ..signer() }, &broken),
        ("without a usage", Certified { usage: Vec::new(), ..signer() }, &[(IssuerTrust, FAILED)]),
        (
            "for a server",
            Certified { purposes: vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth], ..signer() },
            &[(IssuerTrust, FAILED)],
        ),
        ("of another country", Certified { country: Some("DE"), ..signer() }, &[(IssuerTrust, FAILED)]),
        ("an unknown extension", Certified { unknown_extension: Some(true), ..signer() }, &broken),
        (
            "of another host",
            Certified { names: Vec::new(), ..signer() },
            &[(Issuer, Outcome::Skipped(Reason::NotApplicable))],
        ),
    ] {
        let parties = Parties::with(Algorithm::Es256, &certified);
        differs(what, &parties.card().issue(&parties.key), &parties.world(), expected).await;
    }
    let other = Parties::new();
    let untrusted = World { trust: anchors(&[&other.root]), ..parties.world() };
    differs("another authority", &card.issue(key), &untrusted, &[(IssuerTrust, FAILED)]).await;
    let pinned = World { trust: anchors(&[&parties.certificate]), ..parties.world() };
    differs("the signer is an anchor", &card.issue(key), &pinned, &[]).await;
    // A signer that is an anchor vouches for nobody else.
    let below_signer = signer().signed_by(&other.key, &signer(), key);
    let climber = Card { unprotected: chain(&[&below_signer]), ..other.card() };
    let climbing = World { holder_keys: vec![other.holder.clone()], ..pinned };
    differs("under a signer", &climber.issue(&other.key), &climbing, &[(IssuerTrust, FAILED)]).await;
    let nobody = World { trust: crate::verify::x509::TrustAnchors::default(), ..parties.world() };
    let skipped = (IssuerTrust, Outcome::Skipped(Reason::NoAnchors));
    differs("no anchors", &card.issue(key), &nobody, &[skipped]).await;
    let named = Parties::with(Algorithm::Es256, &Certified { names: Vec::new(), ..signer() });
    let nobody = World { trust: crate::verify::x509::TrustAnchors::default(), ..named.world() };
    differs("no anchors and no name", &named.card().issue(&named.key), &nobody, &[skipped, (Issuer, UNSUPPORTED)])
        .await;
}

#[tokio::test]
async fn holders() {
    let parties = Parties::new();
    let (world, card) = (parties.world(), parties.card());
    let key = &parties.key;
    let bound = |device_key: Value| Card { device_key, ..card.clone() }.issue(key);
    let foreign = [(HolderBinding, FAILED)];
    let other = TestKey::new(Algorithm::Es256).jwk();
    differs("another key", &bound(cose_key(&other)), &world, &foreign).await;
    differs("a key of another kind", &bound(cbor!({ 1 => 2, -1 => 3 }).unwrap()), &world, &foreign).await;
    differs("a malformed key", &bound(cbor!({ 1 => 2, -1 => 1 }).unwrap()), &world, &foreign).await;
    let point = parties.holder.to_point();
    let compressed = cbor!({ 1 => 2, -1 => 1, -2 => bytes(&point[1..33]), -3 => (point[64] & 1 == 1) }).unwrap();
    differs("compressed", &bound(compressed), &world, &[]).await;
    differs("no key", &card.issue_with(key, |mso| without(mso, "deviceKeyInfo")), &world, &foreign).await;
    for algorithm in Algorithm::ALL {
        let holder = TestKey::new(algorithm).jwk();
        let world = World { holder_keys: vec![other.clone(), holder.clone()], ..parties.world() };
        differs(algorithm.as_str(), &bound(cose_key(&holder)), &world, &[]).await;
    }
    let outside = World { holder_keys: Vec::new(), credential_issuer: None, ..parties.world() };
    let skipped =
        [(HolderBinding, Outcome::Skipped(Reason::NotApplicable)), (Issuer, Outcome::Skipped(Reason::NotApplicable))];
    differs("nobody's key to compare with", &card.issue(key), &outside, &skipped).await;
    let unasked = World { holder_keys: Vec::new(), ..parties.world() };
    differs("bound without being asked", &card.issue(key), &unasked, &foreign).await;
}

#[tokio::test]
async fn dates_and_types() {
    let parties = Parties::new();
    let (world, card) = (parties.world(), parties.card());
    let key = &parties.key;
    let failed = [(Validity, FAILED)];
    // 2026-01-01T00:00:00Z is now, and clocks may differ by a minute.
    for (signed, from, until, good) in [
        ("2025-12-31T12:00:00Z", "2026-01-01T00:00:59Z", "2026-02-01T00:00:00Z", true),
        ("2025-12-31T12:00:00Z", "2026-01-01T00:01:01Z", "2026-02-01T00:00:00Z", false),
        ("2026-01-01T00:01:01Z", "2025-12-31T12:00:00Z", "2026-02-01T00:00:00Z", false),
        ("2025-12-31T12:00:00Z", "2025-12-31T12:00:00Z", "2025-12-31T23:59:01Z", true),
        ("2025-12-31T12:00:00Z", "2025-12-31T12:00:00Z", "2025-12-31T23:59:00Z", false),
        ("2025-12-31T12:00:00Z", "2026-01-01T00:00:30Z", "2026-01-01T00:00:29Z", false),
        ("2025-12-31T12:00:00.123Z", "2025-12-31T12:00:00.9Z", "2026-02-01T00:00:00+01:00", true),
        ("2025-12-31", "2025-12-31T12:00:00Z", "2026-02-01T00:00:00Z", false),
        ("2025-12-31T12:00:00Z", "2025-12-31T12:00:00", "2026-02-01T00:00:00Z", false),
        ("2025-12-31T12:00:00Z", "2025-12-31T12:00:00Z", "never", false),
        // Long before the signer's certificate.
        ("2025-11-01T12:00:00Z", "2025-12-31T12:00:00Z", "2026-02-01T00:00:00Z", false),
    ] {
        for tag in [date, |text: &str| text.into()] as [fn(&str) -> Value; 2] {
            let card = Card { signed: tag(signed), valid_from: tag(from), valid_until: tag(until), ..card.clone() };
            let expected = if good { &[][..] } else { &failed };
            differs(&format!("{signed} {from} {until}"), &card.issue(key), &world, expected).await;
        }
    }
    for (what, change) in [
        ("no dates", (|mso| without(mso, "validityInfo")) as fn(&mut Value)),
        ("no end", |mso| without(member_mut(mso, "validityInfo"), "validUntil")),
        ("no signing", |mso| without(member_mut(mso, "validityInfo"), "signed")),
        ("a number", |mso| *member_mut(member_mut(mso, "validityInfo"), "validFrom") = 1.into()),
        ("seconds", |mso| {
            *member_mut(member_mut(mso, "validityInfo"), "validFrom") = Value::Tag(1, Box::new(1.into()));
        }),
    ] {
        differs(what, &card.issue_with(key, change), &world, &failed).await;
    }
    let next = card.issue_with(key, |mso| {
        let dates = member_mut(mso, "validityInfo").as_map_mut().unwrap();
        dates.push(("expectedUpdate".into(), Value::Null));
    });
    differs("the date of the next update is none", &next, &world, &[]).await;

    let other = card.issue_with(key, |mso| *member_mut(mso, "docType") = "org.example.other".into());
    differs("another type", &other, &world, &[(Type, FAILED)]).await;
    differs("no type", &card.issue_with(key, |mso| without(mso, "docType")), &world, &[(Type, FAILED)]).await;
    let number = card.issue_with(key, |mso| *member_mut(mso, "docType") = 1.into());
    differs("a number as type", &number, &world, &[(Type, FAILED)]).await;
}

// covers: HAIP-26
#[tokio::test]
async fn by_haip() {
    let parties = Parties::new();
    let world = World { profile: Profile::Haip, ..parties.world() };
    let card = parties.card();
    let key = &parties.key;
    differs("good", &card.issue(key), &world, &[]).await;
    let longer = Card { hash: "SHA-512", ..card.clone() }.issue(key);
    differs("another hash", &longer, &world, &[(Digests, FAILED)]).await;
    let chain = Value::Array(vec![bytes(&parties.certificate), bytes(&parties.root)]);
    let whole = Card { unprotected: Value::Map(vec![(33.into(), chain)]), ..card.clone() }.issue(key);
    differs("with the anchor", &whole, &world, &[(IssuerKey, FAILED)]).await;
    let own = Card { unprotected: Value::Map(vec![(33.into(), bytes(&signer().self_signed(key)))]), ..card.clone() };
    differs("self-signed", &own.issue(key), &world, &[(IssuerKey, FAILED), (IssuerTrust, FAILED)]).await;
    let pinned = World { profile: Profile::Haip, trust: anchors(&[&parties.certificate]), ..parties.world() };
    differs("the signer is the anchor", &card.issue(key), &pinned, &[(IssuerKey, FAILED)]).await;
}

/// A few thousand cards with some octets changed, in one of them, or cut out: nothing panics, and nothing that is
/// signed can have changed where every check passes.
#[tokio::test]
async fn changed_at_random() {
    let parties = Parties::new();
    let (world, card) = (parties.world(), parties.card());
    let issued = card.issue(&parties.key);
    let known = look(&issued, &world).await;
    // splitmix64 from a fixed start: the same changes each time.
    let mut state = u64::try_from(NOW).unwrap();
    let mut random = |below: usize| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % (below as u64)).unwrap()
    };
    let (mut readable, mut as_good) = (0, 0);
    for round in 0..4000 {
        let mut changed = issued.clone();
        for _ in 0..=random(3) {
            let place = random(changed.len());
            match random(5) {
                0 => drop(changed.drain(place..(place + 1 + random(8)).min(changed.len()))),
                1 => changed.insert(place, u8::try_from(random(256)).unwrap()),
                2 => changed[place] ^= 1 << random(8),
                3 => changed[place] = [0xff, 0x9f, 0xbf, 0x5f, 0xd8, 0xf6, 0x1b, 0xbb][random(8)],
                _ => {
                    let from = random(changed.len());
                    changed[place] = changed[from];
                }
            }
        }
        let examined = look(&changed, &world).await;
        readable += usize::from(outcome(&examined.checks, IssuerKey) != DEPENDS);
        if CheckKind::ALL.into_iter().all(|kind| outcome(&examined.checks, kind) == good(kind)) {
            as_good += 1;
            assert_eq!((&examined.claims, examined.expires_at), (&known.claims, known.expires_at), "{round}");
        }
    }
    assert!(readable > 1000 && as_good < 400, "{readable} {as_good}");
}
