use der::Encode as _;
use rcgen::{KeyUsagePurpose, SanType};
use serde_json::json;

use super::*;
use crate::model::jwk::Algorithm;
use crate::verify::testing::{Certified, NOW, TestKey, anchors, pem, read_vector, vectors, x5c};

const AT: At = At { now: Timestamp::from_seconds(NOW), skew: 60 };
const DAY: i64 = 86_400;

/// Root, authority and signer with their keys.
struct Tree {
    root: Vec<u8>,
    middle: Vec<u8>,
    leaf: Vec<u8>,
    leaf_key: TestKey,
}

impl Tree {
    fn new() -> Self {
        Self::with(&Certified::authority("Middle"), &Certified::for_host("issuer.example"))
    }

    fn with(middle: &Certified<'_>, leaf: &Certified<'_>) -> Self {
        let [root_key, middle_key, leaf_key] = [Algorithm::Es384, Algorithm::Es256, Algorithm::Es256].map(TestKey::new);
        let root = Certified::authority("Root");
        Self {
            root: root.self_signed(&root_key),
            middle: middle.signed_by(&middle_key, &root, &root_key),
            leaf: leaf.signed_by(&leaf_key, middle, &middle_key),
            leaf_key,
        }
    }

    fn chain(&self) -> Chain {
        chain(&[&self.leaf, &self.middle])
    }
}

fn chain(certificates: &[&[u8]]) -> Chain {
    Chain::from_header(&x5c(certificates)).unwrap()
}

fn invalid(outcome: Result<(), ChainError>) -> String {
    match outcome {
        Err(ChainError::Invalid(why)) => why,
        other => panic!("not invalid: {other:?}"),
    }
}

#[test]
fn a_chain_leads_to_its_anchor() {
    let tree = Tree::new();
    let chain = tree.chain();
    assert_eq!(chain.leaf_key().unwrap().into_jwk(), Some(tree.leaf_key.jwk()));
    assert_eq!(chain.check(AT), Ok(()));
    assert_eq!(chain.leads_to(&anchors(&[&tree.root]), AT), Ok(()));
    // With the root in it, with the authority as the anchor, with the signer itself as the anchor.
    let whole = super::tests::chain(&[&tree.leaf, &tree.middle, &tree.root]);
    assert_eq!(whole.check(AT), Ok(()));
    assert_eq!(whole.leads_to(&anchors(&[&tree.root]), AT), Ok(()));
    assert_eq!(chain.leads_to(&anchors(&[&tree.middle]), AT), Ok(()));
    assert_eq!(chain.leads_to(&anchors(&[&tree.leaf]), AT), Ok(()));
    // One anchor of several is enough; none of others is not.
    let other = Tree::new();
    assert_eq!(chain.leads_to(&anchors(&[&other.root, &tree.root]), AT), Ok(()));
    invalid(chain.leads_to(&anchors(&[&other.root]), AT));
    invalid(chain.leads_to(&anchors(&[&other.leaf]), AT));
    // Without the authority between there is no path.
    invalid(super::tests::chain(&[&tree.leaf]).leads_to(&anchors(&[&tree.root]), AT));
}

#[test]
fn time_is_that_of_the_check_with_an_allowance() {
    let tree = Tree::new();
    let (chain, trust) = (tree.chain(), anchors(&[&tree.root]));
    // The signer's certificate holds from ten days before to ten days after.
    for (shift, good) in
        [(0, true), (10 * DAY + 59, true), (10 * DAY + 62, false), (-10 * DAY - 60, true), (-10 * DAY - 61, false)]
    {
        let at = At { now: Timestamp::from_seconds(NOW + shift), skew: 60 };
        assert_eq!(chain.check(at).is_ok(), good, "{shift}");
        assert_eq!(chain.leads_to(&trust, at).is_ok(), good, "{shift}");
    }
    let expired = Tree::with(
        &Certified { days: (-50, -1), ..Certified::authority("Middle") },
        &Certified::for_host("issuer.example"),
    );
    assert!(invalid(expired.chain().check(AT)).contains("expired"));
    assert!(invalid(expired.chain().leads_to(&anchors(&[&expired.root]), AT)).contains("expired"));
}

#[test]
fn a_chain_that_does_not_hold_together_is_refused() {
    let tree = Tree::new();
    let other = Tree::new();
    invalid(chain(&[&tree.middle, &tree.leaf]).check(AT));
    assert!(invalid(chain(&[&tree.leaf, &tree.root]).check(AT)).contains("order"));
    // Same names, other keys.
    invalid(chain(&[&tree.leaf, &other.middle]).check(AT));
    invalid(chain(&[&tree.leaf, &other.middle]).leads_to(&anchors(&[&tree.root]), AT));
    // An authority that is none.
    let middle = Certified { common_name: "Middle", days: (-100, 100), ..Certified::default() };
    let fake = Tree::with(&middle, &Certified::for_host("issuer.example"));
    invalid(fake.chain().leads_to(&anchors(&[&fake.root]), AT));
    // A signer's key that is not for signatures.
    let usage = vec![KeyUsagePurpose::KeyEncipherment];
    let wrong = Tree::with(&Certified::authority("Middle"), &Certified { usage, ..Certified::default() });
    assert!(invalid(wrong.chain().check(AT)).contains("not for signatures"));
}

#[test]
fn one_walk_tells_what_two_would() {
    let (tree, other) = (Tree::new(), Tree::new());
    let wrong_use = Certified { usage: vec![KeyUsagePurpose::KeyEncipherment], ..Certified::default() };
    let wrong_use = Tree::with(&Certified::authority("Middle"), &wrong_use);
    let expired = Certified { days: (-50, -1), ..Certified::authority("Middle") };
    let expired = Tree::with(&expired, &Certified::for_host("issuer.example"));
    for (what, certificates, trusted, holds, anchored) in [
        ("to the anchor", vec![&tree.leaf, &tree.middle], vec![&tree.root], true, true),
        ("with the anchor", vec![&tree.leaf, &tree.middle, &tree.root], vec![&tree.root], true, true),
        ("beyond the anchor", vec![&tree.leaf, &tree.middle, &tree.root], vec![&tree.middle], true, true),
        ("past a stranger", vec![&tree.leaf, &other.middle], vec![&tree.middle], false, true),
        ("past a stranger above", vec![&tree.leaf, &tree.middle, &other.root], vec![&tree.root], false, true),
        ("out of order", vec![&tree.leaf, &tree.root, &tree.middle], vec![&tree.root], false, true),
        ("to a stranger", vec![&tree.leaf, &tree.middle], vec![&other.root], true, false),
        ("another's signer", vec![&other.leaf, &tree.middle], vec![&tree.root], false, false),
        ("the signer itself", vec![&tree.leaf, &tree.middle], vec![&tree.leaf], true, true),
        ("the signer itself, past a stranger", vec![&tree.leaf, &other.middle], vec![&tree.leaf], false, false),
        ("not for signatures", vec![&wrong_use.leaf, &wrong_use.middle], vec![&wrong_use.root], false, true),
        ("expired", vec![&expired.leaf, &expired.middle], vec![&expired.root], false, false),
        ("no anchors", vec![&tree.leaf, &tree.middle], vec![], true, false),
    ] {
        let certificates: Vec<&[u8]> = certificates.into_iter().map(Vec::as_slice).collect();
        let trusted: Vec<&[u8]> = trusted.into_iter().map(Vec::as_slice).collect();
        let trust = if trusted.is_empty() { TrustAnchors::default() } else { anchors(&trusted) };
        let chain = chain(&certificates);
        let walk = chain.walk(&trust, AT);
        assert_eq!((walk.holds.is_ok(), walk.anchored.is_ok()), (holds, anchored), "{what}: {walk:?}");
        assert_eq!((walk.holds, walk.anchored), (chain.check(AT), chain.leads_to(&trust, AT)), "{what}");
    }
}

#[test]
fn an_anchor_vouches_within_its_limits() {
    let host = || Certified::for_host("issuer.example");
    let under = |authority: &Certified<'_>, signer: &Certified<'_>| {
        let [authority_key, key] = [0, 1].map(|_| TestKey::new(Algorithm::Es256));
        let leaf = signer.signed_by(&key, authority, &authority_key);
        let root = authority.self_signed(&authority_key);
        (chain(&[&leaf, &root]).check(AT), chain(&[&leaf]).leads_to(&anchors(&[&root]), AT))
    };
    for (what, authority, good) in [
        ("authority", Certified::authority("Root"), true),
        ("no path below it", Certified { path_length: Some(0), ..Certified::authority("Root") }, true),
        // A signer that the app trusts is no authority for that.
        ("signer", Certified { days: (-100, 100), ..Certified::default() }, false),
        (
            "not for certificates",
            Certified { usage: vec![KeyUsagePurpose::DigitalSignature], ..Certified::authority("Root") },
            false,
        ),
        ("expired", Certified { days: (-100, -1), ..Certified::authority("Root") }, false),
        ("not yet valid", Certified { days: (1, 100), ..Certified::authority("Root") }, false),
    ] {
        let (alone, led) = under(&authority, &host());
        assert_eq!((alone.is_ok(), led.is_ok()), (good, good), "{what}: {alone:?} {led:?}");
    }
    // One more authority than the anchor allows below itself.
    let root = Certified { path_length: Some(0), ..Certified::authority("Root") };
    let [root_key, middle_key, key] = [0, 1, 2].map(|_| TestKey::new(Algorithm::Es256));
    let middle = Certified::authority("Middle");
    let certificates = [
        host().signed_by(&key, &middle, &middle_key),
        middle.signed_by(&middle_key, &root, &root_key),
        root.self_signed(&root_key),
    ];
    let short = chain(&[&certificates[0], &certificates[1]]);
    assert!(invalid(short.leads_to(&anchors(&[&certificates[2]]), AT)).contains("longer"));
    // Of two anchors for the same name and key, one that may is enough.
    let wider = Certified::authority("Root").self_signed(&root_key);
    assert_eq!(short.leads_to(&anchors(&[&certificates[2], &wider]), AT), Ok(()));
}

#[test]
fn chains_on_secp256k1_are_followed() {
    let [root_key, other_key] = [0, 1].map(|_| TestKey::new(Algorithm::Es256k));
    let leaf_key = TestKey::new(Algorithm::Es256k);
    let root = k256_certificate("Root", &root_key, "Root", &root_key, true);
    let leaf = k256_certificate("Signer", &leaf_key, "Root", &root_key, false);
    let chain = chain(&[&leaf, &root]);
    assert_eq!(chain.leaf_key().unwrap().into_jwk(), Some(leaf_key.jwk()));
    assert_eq!(chain.check(AT), Ok(()));
    assert_eq!(chain.leads_to(&anchors(&[&root]), AT), Ok(()));
    let other = k256_certificate("Root", &other_key, "Root", &other_key, true);
    invalid(chain.leads_to(&anchors(&[&other]), AT));
    let last = leaf.len() - 1;
    let spoiled = [&leaf[..last], &[leaf[last] ^ 1]].concat();
    invalid(super::tests::chain(&[&spoiled]).leads_to(&anchors(&[&root]), AT));
}

/// A certificate on secp256k1, which the usual maker of test certificates does not know.
fn k256_certificate(subject: &str, key: &TestKey, issuer: &str, issuer_key: &TestKey, authority: bool) -> Vec<u8> {
    // The frame of one on P-256, with the names and the validity that are needed.
    let certified = |name| Certified { common_name: name, authority, ..Certified::default() };
    let p256 = [0, 1].map(|_| TestKey::new(Algorithm::Es256));
    let usage = if authority { vec![KeyUsagePurpose::KeyCertSign] } else { vec![KeyUsagePurpose::DigitalSignature] };
    let frame = Certified { usage, ..certified(subject) }.signed_by(&p256[0], &certified(issuer), &p256[1]);
    let frame = x509_cert::Certificate::from_der(&frame).unwrap();
    let point = key.jwk().to_point();
    let info = |point: &[u8]| {
        let curve = hex::decode("3056301006072a8648ce3d020106052b8104000a034200").unwrap();
        [curve.as_slice(), point].concat()
    };
    let old = frame.tbs_certificate().subject_public_key_info().to_der().unwrap();
    let body = frame.tbs_certificate().to_der().unwrap();
    let place = body.windows(old.len()).position(|window| window == old).unwrap();
    let head = 2 + usize::from(body[1].saturating_sub(0x80));
    let content = [&body[head..place], &info(&point), &body[place + old.len()..]].concat();
    let body = sequence(&[&content]);
    let signature = k256::ecdsa::Signature::from_slice(&issuer_key.sign(&body)).unwrap().to_der();
    let bits = [&[3, u8::try_from(signature.as_bytes().len() + 1).unwrap(), 0], signature.as_bytes()].concat();
    let algorithm = frame.signature_algorithm().to_der().unwrap();
    sequence(&[&body, &algorithm, &bits])
}

/// A DER sequence.
fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let head: &[u8] = match length {
        [0, short] if short < 128 => &[0x30, short],
        [0, short] => &[0x30, 0x81, short],
        [high, low] => &[0x30, 0x82, high, low],
    };
    [head, &content].concat()
}

#[test]
fn a_lone_certificate_is_looked_at() {
    let key = TestKey::new(Algorithm::Es256);
    let lone = |certified: Certified<'_>| chain(&[&certified.self_signed(&key)]).check(AT);
    assert_eq!(lone(Certified::default()), Ok(()));
    assert_eq!(lone(Certified { usage: Vec::new(), ..Certified::default() }), Ok(()));
    // Its own authority, and nothing else.
    assert_eq!(lone(Certified::authority("Signer")), Ok(()));
    invalid(lone(Certified { usage: vec![KeyUsagePurpose::KeyEncipherment], ..Certified::default() }));
    assert_eq!(lone(Certified { unknown_extension: Some(false), ..Certified::default() }), Ok(()));
    assert!(invalid(lone(Certified { unknown_extension: Some(true), ..Certified::default() })).contains("critical"));
    invalid(lone(Certified { days: (-20, -10), ..Certified::default() }));
    // In a chain, certificates are not for signing anything else.
    let root_key = TestKey::new(Algorithm::Es256);
    let root = Certified::authority("Root");
    let leaf = Certified { common_name: "Signer", ..Certified::authority("Signer") }.signed_by(&key, &root, &root_key);
    invalid(chain(&[&leaf, &root.self_signed(&root_key)]).check(AT));
    for (critical, good) in [(false, true), (true, false)] {
        let certified = Certified { unknown_extension: Some(critical), ..Certified::default() };
        let leaf = certified.signed_by(&key, &root, &root_key);
        assert_eq!(chain(&[&leaf]).leads_to(&anchors(&[&root.self_signed(&root_key)]), AT).is_ok(), good);
    }
}

#[test]
fn der_certificates_make_the_same_chain() {
    let tree = Tree::new();
    let chain = Chain::from_der(&[&tree.leaf, &tree.middle]).unwrap();
    assert_eq!(chain.leads_to(&anchors(&[&tree.root]), AT), Ok(()));
    assert_eq!(chain.leaf_key().unwrap().into_jwk(), Some(tree.leaf_key.jwk()));
    let (start, end) = chain.leaf_validity();
    assert_eq!((start.seconds(), end.seconds()), (NOW - 10 * DAY, NOW + 10 * DAY));
    let trailing = [tree.leaf.as_slice(), &[0]].concat();
    let long = vec![tree.leaf.as_slice(); MAX_CERTIFICATES + 1];
    for bad in [&[][..], &[b"".as_slice()], &[b"\x30\x00".as_slice()], &[trailing.as_slice()], &long] {
        assert!(matches!(Chain::from_der(bad).map(|_| ()), Err(ChainError::Invalid(_))));
    }
}

#[test]
fn what_is_no_chain_is_refused() {
    let leaf = Tree::new().leaf;
    let text = STANDARD.encode(&leaf);
    for bad in [
        json!(null),
        json!(text),
        json!([]),
        json!([1]),
        json!([""]),
        json!(["AAAA"]),
        json!([text.trim_end_matches('=').to_owned() + "%"]),
        json!([format!("{text}\n")]),
        json!([STANDARD.encode([leaf.as_slice(), &[0]].concat())]),
        json!(vec![text; MAX_CERTIFICATES + 1]),
    ] {
        let error = Chain::from_header(&bad).map(|_| ()).unwrap_err();
        assert!(matches!(error, ChainError::Invalid(_)), "{bad:.80}");
    }
}

#[test]
fn names_are_urls_hosts_addresses_or_a_common_name() {
    let dns = |name: &str| SanType::DnsName(name.try_into().unwrap());
    let uri = |name: &str| SanType::URI(name.try_into().unwrap());
    let mail = SanType::Rfc822Name("a@issuer.example".try_into().unwrap());
    let address = SanType::IpAddress([127, 0, 0, 1].into());
    let table: Vec<(&str, Vec<SanType>, &str, Named)> = vec![
        ("S", vec![dns("issuer.example")], "https://issuer.example/a/b", Named::Issuer),
        ("S", vec![dns("ISSUER.example")], "https://issuer.example:8443", Named::Issuer),
        ("S", vec![dns("a.example"), dns("issuer.example")], "https://issuer.example", Named::Issuer),
        ("S", vec![dns("*.example")], "https://issuer.example", Named::Issuer),
        ("S", vec![dns("*.example")], "https://a.issuer.example", Named::Another),
        ("S", vec![dns("issuer.example")], "https://evil-issuer.example", Named::Another),
        ("S", vec![dns("issuer.example")], "https://a.issuer.example", Named::Another),
        ("S", vec![dns("issuer.example")], "urn:issuer.example", Named::Another),
        ("S", vec![uri("https://issuer.example/a")], "https://issuer.example/a", Named::Issuer),
        ("S", vec![uri("https://issuer.example")], "https://issuer.example/a", Named::Issuer),
        ("S", vec![uri("https://issuer.example/b")], "https://issuer.example/a", Named::Another),
        ("S", vec![dns("issuer.example"), uri("https://issuer.example/b")], "https://issuer.example/a", Named::Another),
        ("S", vec![dns("issuer.example"), uri("https://issuer.example/a")], "https://issuer.example/a", Named::Issuer),
        ("S", vec![dns("issuer.example"), uri("https://other.example/b")], "https://issuer.example/a", Named::Issuer),
        ("S", vec![uri("http://issuer.example")], "https://issuer.example/a", Named::Another),
        ("S", vec![address.clone()], "http://127.0.0.1:8080/x", Named::Issuer),
        ("S", vec![address], "http://127.0.0.2:8080/x", Named::Another),
        ("S", vec![mail.clone()], "https://issuer.example", Named::Nobody),
        ("issuer.example", vec![mail], "https://issuer.example", Named::Nobody),
        ("issuer.example", vec![], "https://issuer.example/a", Named::Issuer),
        ("https://issuer.example/a", vec![], "https://issuer.example/a", Named::Issuer),
        ("realm", vec![], "https://issuer.example/a", Named::Nobody),
        ("issuer.example", vec![dns("other.example")], "https://issuer.example", Named::Another),
    ];
    let key = TestKey::new(Algorithm::Es256);
    for (common_name, names, issuer, expected) in table {
        let shown = format!("{common_name} {names:?} {issuer}");
        let certificate = Certified { common_name, names, ..Certified::default() }.self_signed(&key);
        assert_eq!(chain(&[&certificate]).names(issuer), expected, "{shown}");
    }
}

#[test]
fn keys_of_all_kinds_are_read() {
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa] {
        let key = TestKey::new(algorithm);
        let certificate = Certified::default().self_signed(&key);
        assert_eq!(chain(&[&certificate]).leaf_key().unwrap().into_jwk(), Some(key.jwk()));
    }
}

#[test]
fn anchors_are_der_certificates_as_well() {
    let tree = Tree::new();
    let der = TrustAnchors::parse(&tree.root).unwrap();
    assert_eq!(tree.chain().leads_to(&der, AT), Ok(()));
    let text = TrustAnchors::parse(pem(&[&tree.root]).as_bytes()).unwrap();
    assert_eq!(tree.chain().leads_to(&text, AT), Ok(()));
    assert_eq!(TrustAnchors::parse(b"").unwrap_err(), TrustAnchorError::NoCertificate);
    assert_eq!(TrustAnchors::parse(b"text").unwrap_err(), TrustAnchorError::NoCertificate);
    let trailing = [&tree.root[..], b"\0"].concat();
    for broken in [&tree.root[..tree.root.len() - 1], &trailing, b"\x30\x00", b"\x30"] {
        assert_eq!(TrustAnchors::parse(broken).unwrap_err(), TrustAnchorError::Malformed(1));
    }
}

#[test]
fn anchors_are_pem_certificates() {
    let tree = Tree::new();
    let two = TrustAnchors::from_pem(pem(&[&tree.root, &tree.leaf]).as_bytes()).unwrap();
    assert_eq!(format!("{two:?}"), "TrustAnchors(2)");
    let mut one = anchors(&[&Tree::new().root]);
    invalid(tree.chain().leads_to(&one, AT));
    one.extend(two);
    assert_eq!(tree.chain().leads_to(&one, AT), Ok(()));
    assert!(TrustAnchors::default().is_empty());
    let key = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
    for none in ["", "text", key] {
        assert_eq!(TrustAnchors::from_pem(none.as_bytes()).unwrap_err(), TrustAnchorError::NoCertificate);
    }
    let broken = pem(&[&tree.root, b"nothing"]);
    assert_eq!(TrustAnchors::from_pem(broken.as_bytes()).unwrap_err(), TrustAnchorError::Malformed(2));
}

#[test]
fn path_validation_vectors() {
    let Some(folder) = vectors("x509") else { return };
    let file = read_vector(&folder.join("pkits-selected.json"));
    let items = file["items"].as_array().unwrap();
    assert!(items.len() >= 19, "{}", items.len());
    for item in items {
        let name = item["name"].as_str().unwrap();
        let certificates: Vec<CertificateDer<'_>> = item["chain_pem"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pem| CertificateDer::from_pem_slice(pem.as_str().unwrap().as_bytes()).unwrap())
            .collect();
        let certificates: Vec<&[u8]> = certificates.iter().map(AsRef::as_ref).collect();
        let trust = TrustAnchors::from_pem(item["trust_anchor_pem"].as_str().unwrap().as_bytes()).unwrap();
        let at = At { now: Timestamp::parse_rfc3339(item["valid_at"].as_str().unwrap()).unwrap(), skew: 0 };
        let outcome = Chain::from_header(&x5c(&certificates)).and_then(|chain| chain.leads_to(&trust, at));
        // Stricter than RFC 5280 where the path builder is: names are compared octet by octet, and
        // an authority that is limited to directory names may issue nothing.
        let stricter = name.contains("Capitalization") || name == "ValidDNnameConstraintsTest1";
        let expected = item["expected"] == "valid" && !stricter;
        assert_eq!(outcome.is_ok(), expected, "{name}: {outcome:?}");
    }
}
