//! Token Status Lists as JWT, and who may sign them.

use serde_json::{Value, json};

use super::*;
use crate::inflate::testing::{gzipped, zlibbed};
use crate::model::ids::IssuerId;
use crate::model::jwk::Algorithm;
use crate::model::profile::Profile;
use crate::model::report::{Requirement, VerificationPolicy};
use crate::verify::did;
use crate::verify::testing::{Certified, Documents, NOW, TestKey, World, anchors, x5c};

pub(super) const ISSUER: &str = "https://issuer.example";
pub(super) const LIST: &str = "https://status.example/lists/1";
const JWT: &str = "application/statuslist+jwt";

/// The list of two bits of Token Status List section 4.1: 1 2 0 3 0 1 0 1 1 2 3 3.
pub(super) const OCTETS: [u8; 3] = [0xc9, 0x44, 0xf9];
pub(super) const GOOD: u64 = 2;
pub(super) const REVOKED: u64 = 0;
pub(super) const SUSPENDED: u64 = 1;
const OWN_MEANING: u64 = 3;

/// A world in which a credential of [`ISSUER`] was just found to be genuine.
pub(super) fn world() -> World {
    World { credential_issuer: Some(IssuerId::parse(ISSUER).unwrap()), ..World::default() }
}

pub(super) fn public(key: &TestKey) -> IssuerPublicKey {
    IssuerPublicKey::Curve(key.jwk())
}

fn genuine() -> Vec<Check> {
    let passed = |kind| Check { kind, outcome: Outcome::Passed, detail: String::new() };
    vec![passed(CheckKind::Signature), passed(CheckKind::Validity)]
}

/// What comes of a credential of [`ISSUER`] that is signed by a key.
pub(super) async fn look_up(
    stated: &Stated,
    issuer: Option<&str>,
    key: &TestKey,
    world: &World,
) -> (Outcome, String, Option<StatusValue>) {
    let subject = Subject { issuer, keys: &[public(key)], checks: &genuine() };
    let (check, found) = check(stated, &subject, &world.context()).await;
    assert_eq!(check.kind, CheckKind::Status);
    assert!(found.is_none_or(|found| found.checked_at.seconds() == world.now));
    (check.outcome, check.detail, found.map(|found| found.value))
}

pub(super) fn at(index: u64) -> Stated {
    Stated::in_claim(Some(&json!({ "status_list": { "idx": index, "uri": LIST } })))
}

fn encoded(octets: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(octets)
}

/// A token, to be spoiled one way at a time.
#[derive(Clone)]
struct Token {
    header: Value,
    payload: Value,
}

impl Token {
    fn new() -> Self {
        let list = json!({ "bits": 2, "lst": encoded(&zlibbed(&OCTETS)) });
        let payload = json!({ "sub": LIST, "iat": NOW - 10, "exp": NOW + 1000, "ttl": 500, "status_list": list });
        Self { header: json!({ "typ": "statuslist+jwt" }), payload }
    }

    fn list(member: &str, value: Value) -> Self {
        let mut token = Self::new();
        token.payload["status_list"][member] = value;
        token
    }

    fn with(member: &str, value: Value) -> Self {
        let mut token = Self::new();
        token.payload[member] = value;
        token
    }

    fn without(member: &str) -> Self {
        let mut token = Self::new();
        token.payload.as_object_mut().unwrap().remove(member);
        token
    }

    fn typed(typ: Value) -> Self {
        let mut token = Self::new();
        token.header["typ"] = typ;
        token
    }

    fn sign(&self, key: &TestKey) -> String {
        key.jws(&self.header, &self.payload)
    }
}

pub(super) fn serving(body: impl Into<Vec<u8>>) -> World {
    World { documents: Documents::default().with_body(LIST, JWT, body), ..world() }
}

#[tokio::test]
async fn each_value_has_its_outcome() {
    let key = TestKey::new(Algorithm::Es256);
    let world = serving(Token::new().sign(&key));
    for (index, outcome, value, said) in [
        (GOOD, Outcome::Passed, StatusValue::Valid, "valid"),
        (REVOKED, Outcome::Failed, StatusValue::Invalid, "revoked"),
        (SUSPENDED, Outcome::Failed, StatusValue::Suspended, "suspended"),
        (OWN_MEANING, Outcome::Unknown(Reason::Unsupported), StatusValue::Other(3), "value 3"),
    ] {
        let (found, detail, what) = look_up(&at(index), Some(ISSUER), &key, &world).await;
        assert_eq!((found, what), (outcome, Some(value)), "{detail}");
        assert!(detail.contains(said), "{detail}");
    }
    assert_eq!(world.documents.asked(), [LIST], "one request serves all");
}

#[tokio::test]
async fn lists_of_every_width_are_read() {
    let key = TestKey::new(Algorithm::EdDsa);
    for (bits, index) in [(1, 23), (2, 11), (4, 5), (8, 2)] {
        let mut token = Token::list("bits", json!(bits));
        token.payload["status_list"]["lst"] = json!(encoded(&zlibbed(&[0, 0, 0x80])));
        let world = serving(token.sign(&key));
        let (_, detail, value) = look_up(&at(index), Some(ISSUER), &key, &world).await;
        let highest = 1_u8 << (bits - 1);
        let expected = match highest {
            1 => StatusValue::Invalid,
            2 => StatusValue::Suspended,
            other => StatusValue::Other(other),
        };
        assert_eq!(value, Some(expected), "{bits}: {detail}");
        let (outcome, detail, value) = look_up(&at(index + 1), Some(ISSUER), &key, &world).await;
        assert_eq!((outcome, value), (Outcome::Failed, None), "{bits}");
        assert!(detail.contains("no such place"), "{detail}");
    }
}

#[tokio::test]
async fn nothing_is_asked_where_nothing_is_to_be_gained() {
    let key = TestKey::new(Algorithm::Es256);
    let mut world = serving(Token::new().sign(&key));
    let (outcome, ..) = look_up(&Stated::default(), Some(ISSUER), &key, &world).await;
    assert_eq!(outcome, Outcome::Skipped(Reason::NotApplicable));
    let not_json = Stated::in_claim(Some(&json!("x")));
    assert_eq!(look_up(&not_json, Some(ISSUER), &key, &world).await.0, Outcome::Failed);
    let other = Stated::in_claim(Some(&json!({ "other": {} })));
    assert_eq!(look_up(&other, Some(ISSUER), &key, &world).await.0, Outcome::Unknown(Reason::Unsupported));
    for (kind, outcome) in [
        (CheckKind::Signature, Outcome::Failed),
        (CheckKind::Signature, Outcome::Unknown(Reason::Unreachable)),
        (CheckKind::Validity, Outcome::Failed),
    ] {
        let mut checks = genuine();
        checks.iter_mut().filter(|check| check.kind == kind).for_each(|check| check.outcome = outcome);
        let subject = Subject { issuer: Some(ISSUER), keys: &[public(&key)], checks: &checks };
        let (found, _) = check(&at(GOOD), &subject, &world.context()).await;
        assert_eq!(found.outcome, Outcome::Unknown(Reason::DependsOnFailed), "{kind}");
    }
    world.policy = VerificationPolicy::default().with(CheckKind::Status, Requirement::Off);
    for stated in [at(REVOKED), not_json] {
        let (outcome, ..) = look_up(&stated, Some(ISSUER), &key, &world).await;
        assert_eq!(outcome, Outcome::Skipped(Reason::SwitchedOff));
    }
    assert!(world.documents.asked().is_empty());
    // Who does not care for a signature may still care for status.
    world.policy = VerificationPolicy::default().with(CheckKind::Signature, Requirement::Off);
    let mut checks = genuine();
    checks[0].outcome = Outcome::Failed;
    let subject = Subject { issuer: Some(ISSUER), keys: &[public(&key)], checks: &checks };
    assert_eq!(check(&at(GOOD), &subject, &world.context()).await.0.outcome, Outcome::Passed);
}

#[tokio::test]
async fn a_list_that_cannot_be_had_is_unknown() {
    let key = TestKey::new(Algorithm::Es256);
    let unreachable = Outcome::Unknown(Reason::Unreachable);
    let body = |content_type: &str, body: &[u8]| Documents::default().with_body(LIST, content_type, body);
    for (documents, said) in [
        (Documents::default(), "404"),
        (Documents::default().down(LIST), "no answer"),
        (body("text/html", b"<html>Not found</html>"), "text/html"),
        (body("text/plain", b""), "text/plain"),
        (body(JWT, b"not.a.token"), JWT),
        (body(JWT, b"\xff\xfe"), JWT),
        (body(JWT, &vec![b'e'; MAX_OCTETS + 1]), "size limit"),
        (body(JWT, Token::with("exp", json!(NOW - 61)).sign(&key).as_bytes()), "expired"),
        (body(JWT, Token::with("iat", json!(NOW + 61)).sign(&key).as_bytes()), "future"),
    ] {
        let world = World { documents, ..world() };
        let (outcome, detail, value) = look_up(&at(GOOD), Some(ISSUER), &key, &world).await;
        assert_eq!((outcome, value), (unreachable, None), "{detail}");
        assert!(detail.contains(said), "{detail}");
    }
    // Within what clocks may differ it is one that holds.
    for token in [Token::with("exp", json!(NOW - 59)), Token::with("iat", json!(NOW + 59)), Token::without("exp")] {
        let world = serving(token.sign(&key));
        assert_eq!(look_up(&at(GOOD), Some(ISSUER), &key, &world).await.0, Outcome::Passed);
    }
}

#[tokio::test]
async fn a_list_that_is_wrong_fails() {
    let key = TestKey::new(Algorithm::Es256);
    let flipped = |at_end: usize| {
        let mut text = Token::new().sign(&key).into_bytes();
        let at = text.len() - at_end;
        text[at] = if text[at] == b'A' { b'B' } else { b'A' };
        text
    };
    let with_alg = |alg: &str| {
        let mut token = Token::new();
        token.header["alg"] = json!(alg);
        token.header["kid"] = json!("1");
        token.sign(&key).into_bytes()
    };
    let doubled = {
        let payload = Token::new().payload.to_string().replacen('{', "{\"iat\":1,", 1);
        key.jws_of_texts(r#"{"alg":"ES256","typ":"statuslist+jwt"}"#, &payload).into_bytes()
    };
    let list = |octets: &[u8]| Token::list("lst", json!(encoded(octets)));
    let whole = zlibbed(&[7; 500]);
    let mut damaged = whole.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let padded = format!("{}=", encoded(&zlibbed(&OCTETS)));
    let spoiled = [
        (Token::typed(json!("JWT")), "`typ`"),
        (Token::typed(json!(null)), "`typ`"),
        (Token::typed(json!("statuslist+cwt")), "`typ`"),
        (Token::without("sub"), "`sub`"),
        (Token::with("sub", json!("https://status.example/lists/2")), "`sub`"),
        (Token::with("sub", json!(format!("{LIST}/"))), "`sub`"),
        (Token::with("sub", json!([LIST])), "`sub`"),
        (Token::without("iat"), "`iat`"),
        (Token::with("iat", json!("yesterday")), "`iat`"),
        (Token::with("exp", json!("never")), "`exp`"),
        (Token::with("ttl", json!("long")), "`ttl`"),
        (Token::without("status_list"), "`status_list`"),
        (Token::with("status_list", json!([])), "`status_list`"),
        (Token::list("bits", json!(3)), "`bits`"),
        (Token::list("bits", json!(0)), "`bits`"),
        (Token::list("bits", json!(16)), "`bits`"),
        (Token::list("bits", json!("1")), "`bits`"),
        (Token::list("bits", json!(1.0)), "`bits`"),
        (Token::list("bits", json!(null)), "`bits`"),
        (Token::list("lst", json!(null)), "`lst`"),
        (Token::list("lst", json!([1, 2])), "`lst`"),
        (Token::list("lst", json!("not base64!")), "`lst`"),
        (Token::list("lst", json!(padded)), "`lst`"),
        (list(b""), "compressed"),
        (list(b"plain"), "compressed"),
        (list(&whole[..whole.len() / 2]), "compressed"),
        (list(&whole[..whole.len() - 1]), "compressed"),
        (list(&damaged), "compressed"),
        (list(&gzipped(&OCTETS)), "compressed"),
        (list(&zlibbed(&vec![0; MAX_OCTETS + 1])), "too large"),
        (list(&zlibbed(b"")), "no such place"),
    ];
    let spoiled = spoiled.map(|(token, said)| (token.sign(&key).into_bytes(), said));
    let others = [
        (flipped(3), "does not verify"),
        (flipped(40), "does not verify"),
        (with_alg("none"), "not signed"),
        (with_alg("HS256"), "symmetric"),
        (with_alg("ES384"), "does not verify"),
        (doubled, "twice"),
        (key.jws_of_texts(r#"{"alg":"ES256","typ":"statuslist+jwt"}"#, "[]").into_bytes(), "not a JSON object"),
        (b"{\"status_list\":{}}".to_vec(), "another kind"),
        (b"\xd2\x84".to_vec(), "status list:"),
        (b"e30.e30".iter().chain(b".").copied().collect(), "`typ`"),
    ];
    for (body, said) in spoiled.into_iter().chain(others) {
        let mut world = serving(body);
        // The issuer's keys are known, so that a signature can be told to be wrong.
        world.issuer_jwks = Some(json!({ "keys": [key.published("1")] }));
        let (outcome, detail, value) = look_up(&at(GOOD), Some(ISSUER), &key, &world).await;
        assert_eq!((outcome, value), (Outcome::Failed, None), "{said}: {detail}");
        assert!(detail.contains(said), "{said}: {detail}");
    }
    for index in [12, 13, 1 << 20, u64::MAX] {
        let world = serving(Token::new().sign(&key));
        let (outcome, detail, _) = look_up(&at(index), Some(ISSUER), &key, &world).await;
        assert_eq!(outcome, Outcome::Failed);
        assert!(detail.contains("no such place"), "{detail}");
    }
    let strange = serving(with_alg("ML-DSA-44"));
    assert_eq!(look_up(&at(GOOD), Some(ISSUER), &key, &strange).await.0, Outcome::Unknown(Reason::Unsupported));
}

/// Who signs the list, and what the wallet knows of them.
struct Signed {
    name: &'static str,
    header: Value,
    issuer: Option<String>,
    prepare: Box<dyn Fn(&mut World)>,
    expected: Outcome,
}

#[tokio::test]
async fn a_list_counts_if_its_signer_is_the_issuer_or_trusted() {
    let (own, signer) = (TestKey::new(Algorithm::Es256), TestKey::new(Algorithm::Es256));
    let unknown = |reason| Outcome::Unknown(reason);
    let unlinked = unknown(Reason::Unsupported);
    let (root, root_key) = (Certified::authority("Root"), TestKey::new(Algorithm::Es256));
    let anchor = root.self_signed(&root_key);
    let certificate = |names: Certified<'_>| x5c(&[&names.signed_by(&signer, &root, &root_key)]);
    let published = json!({ "keys": [signer.published("2")] });
    let metadata = |issuer: &str| json!({ "issuer": issuer, "jwks": published });
    let with_document = |url: &'static str, document: Value| -> Box<dyn Fn(&mut World)> {
        Box::new(move |world| world.documents = std::mem::take(&mut world.documents).with(url, document.clone()))
    };
    let nothing = || -> Box<dyn Fn(&mut World)> { Box::new(|_| ()) };
    let did_document =
        |did: &str| json!({ "id": did, "assertionMethod": [{ "id": "#2", "publicKeyJwk": signer.jwk().to_value() }] });
    let trusting = |anchor: &[u8]| -> Box<dyn Fn(&mut World)> {
        let trust = anchors(&[anchor]);
        Box::new(move |world| world.trust = trust.clone())
    };
    let stranger = did::did_jwk(&signer.jwk());
    let trusting_stranger = {
        let stranger = stranger.clone();
        Box::new(move |world: &mut World| world.trusted_issuers = vec![stranger.clone()])
    };
    let cases = [
        Signed {
            name: "another key of the issuer's metadata",
            header: json!({ "kid": "2" }),
            issuer: None,
            prepare: {
                let published = published.clone();
                Box::new(move |world| world.issuer_jwks = Some(published.clone()))
            },
            expected: Outcome::Passed,
        },
        Signed {
            name: "another key of the issuer's JWT VC issuer metadata",
            header: json!({}),
            issuer: Some(ISSUER.to_owned()),
            prepare: with_document("https://issuer.example/.well-known/jwt-vc-issuer", metadata(ISSUER)),
            expected: Outcome::Passed,
        },
        Signed {
            name: "a certificate under an anchor that names nobody",
            header: json!({ "x5c": certificate(Certified::default()) }),
            issuer: None,
            prepare: trusting(&anchor),
            expected: Outcome::Passed,
        },
        Signed {
            name: "the same without the anchor",
            header: json!({ "x5c": certificate(Certified::default()) }),
            issuer: None,
            prepare: nothing(),
            expected: unknown(Reason::Unreachable),
        },
        Signed {
            name: "a certificate for the issuer's host",
            header: json!({ "x5c": certificate(Certified::for_host("issuer.example")) }),
            issuer: None,
            prepare: nothing(),
            expected: Outcome::Passed,
        },
        Signed {
            name: "another issuer of the list's host",
            header: json!({}),
            issuer: Some("https://status.example".to_owned()),
            prepare: with_document(
                "https://status.example/.well-known/jwt-vc-issuer",
                metadata("https://status.example"),
            ),
            expected: Outcome::Passed,
        },
        Signed {
            name: "a did:web of the list's host",
            header: json!({ "kid": "did:web:status.example#2" }),
            issuer: Some("did:web:status.example".to_owned()),
            prepare: with_document(
                "https://status.example/.well-known/did.json",
                did_document("did:web:status.example"),
            ),
            expected: Outcome::Passed,
        },
        Signed {
            name: "an issuer of a third host, whose key is really theirs",
            header: json!({}),
            issuer: Some("https://third.example".to_owned()),
            prepare: with_document(
                "https://third.example/.well-known/jwt-vc-issuer",
                metadata("https://third.example"),
            ),
            expected: unlinked,
        },
        Signed {
            name: "a stranger's DID",
            header: json!({ "kid": stranger }),
            issuer: Some(stranger.clone()),
            prepare: nothing(),
            expected: unlinked,
        },
        Signed {
            name: "a DID that the app trusts",
            header: json!({ "kid": stranger }),
            issuer: Some(stranger.clone()),
            prepare: trusting_stranger,
            expected: Outcome::Passed,
        },
        Signed {
            name: "a stranger's DID in `kid` only",
            header: json!({ "kid": stranger }),
            issuer: None,
            prepare: nothing(),
            expected: unknown(Reason::Unreachable),
        },
        Signed {
            name: "an issuer whose keys do not answer",
            header: json!({}),
            issuer: Some(ISSUER.to_owned()),
            prepare: Box::new(|world| {
                let metadata = "https://issuer.example/.well-known/jwt-vc-issuer";
                world.documents = std::mem::take(&mut world.documents).down(metadata);
            }),
            expected: unknown(Reason::Unreachable),
        },
        Signed {
            name: "an issuer who has no such key",
            header: json!({ "kid": "3" }),
            issuer: None,
            prepare: with_document("https://issuer.example/.well-known/jwt-vc-issuer", metadata(ISSUER)),
            expected: unknown(Reason::DependsOnFailed),
        },
    ];
    for Signed { name, header, issuer, prepare, expected } in cases {
        let mut token = Token::new();
        token.header.as_object_mut().unwrap().extend(header.as_object().unwrap().clone());
        if let Some(issuer) = issuer {
            token.payload["iss"] = json!(issuer);
        }
        let mut world = serving(token.sign(&signer));
        world.documents = std::mem::take(&mut world.documents).down("https://issuer.example/.well-known/jwt-vc-issuer");
        prepare(&mut world);
        let (outcome, detail, _) = look_up(&at(GOOD), Some(ISSUER), &own, &world).await;
        assert_eq!(outcome, expected, "{name}: {detail}");
        // What is not known to be the issuer's word does not revoke anything either.
        let (outcome, detail, value) = look_up(&at(REVOKED), Some(ISSUER), &own, &world).await;
        let revoked = expected == Outcome::Passed;
        assert_eq!(value, revoked.then_some(StatusValue::Invalid), "{name}: {detail}");
        assert_eq!(outcome == Outcome::Failed, revoked, "{name}: {detail}");
    }
}

#[tokio::test]
async fn a_credential_that_names_no_issuer_is_not_revoked_by_just_any_certificate() {
    let (own, signer) = (TestKey::new(Algorithm::Es256), TestKey::new(Algorithm::Es256));
    let signed = |header: Value| {
        let mut token = Token::new();
        token.header.as_object_mut().unwrap().extend(header.as_object().unwrap().clone());
        serving(token.sign(&signer))
    };
    let bare = |names: Certified<'_>| json!({ "x5c": x5c(&[&names.self_signed(&signer)]) });
    let of_stranger = json!({ "kid": did::did_jwk_url(&signer.jwk()) });
    let of_host = bare(Certified::for_host("status.example"));
    for (header, expected) in [
        (bare(Certified::for_host("third.example")), Outcome::Unknown(Reason::Unsupported)),
        (of_stranger, Outcome::Unknown(Reason::Unsupported)),
        // It came from the host that it names.
        (of_host, Outcome::Failed),
    ] {
        let (outcome, detail, _) = look_up(&at(REVOKED), None, &own, &signed(header)).await;
        assert_eq!(outcome, expected, "{detail}");
    }
    let same_key = serving(Token::new().sign(&own));
    assert_eq!(look_up(&at(REVOKED), None, &own, &same_key).await.0, Outcome::Failed);
}

#[tokio::test]
async fn keys_that_the_caller_chose_or_that_nobody_wants_to_know_will_do() {
    let (own, signer) = (TestKey::new(Algorithm::Es256), TestKey::new(Algorithm::Es256));
    let mut token = Token::new();
    token.payload["iss"] = json!("https://third.example");
    let chosen = World {
        credential_issuer: None,
        issuer_jwks: Some(json!({ "keys": [own.published("1"), signer.published("2")] })),
        ..serving(token.sign(&signer))
    };
    assert_eq!(look_up(&at(GOOD), Some(ISSUER), &own, &chosen).await.0, Outcome::Passed);
    let mut careless = serving(token.sign(&signer));
    for kind in [CheckKind::Signature, CheckKind::IssuerKey] {
        careless.policy = careless.policy.clone().with(kind, Requirement::Off);
    }
    assert_eq!(look_up(&at(GOOD), Some(ISSUER), &own, &careless).await.0, Outcome::Passed);
    assert_eq!(careless.documents.asked(), [LIST]);
}

// covers: HAIP-28
#[tokio::test]
async fn by_haip_the_lists_key_stands_in_a_certificate_of_its_header() {
    let key = TestKey::new(Algorithm::Es256);
    let (root, root_key) = (Certified::authority("Root"), TestKey::new(Algorithm::Es256));
    let leaf = Certified::for_host("issuer.example").signed_by(&key, &root, &root_key);
    let outcome = async |header: Option<Value>| {
        let mut token = Token::new();
        if let Some(x5c) = header {
            token.header["x5c"] = x5c;
        }
        let world = World { profile: Profile::Haip, ..serving(token.sign(&key)) };
        let (outcome, detail, _) = look_up(&at(GOOD), Some(ISSUER), &key, &world).await;
        (outcome, detail)
    };
    assert_eq!(outcome(Some(x5c(&[&leaf]))).await.0, Outcome::Passed);
    let with_anchor = x5c(&[&leaf, &root.self_signed(&root_key)]);
    let other_key =
        x5c(&[&Certified::for_host("issuer.example").signed_by(&TestKey::new(Algorithm::Es256), &root, &root_key)]);
    for (header, said) in [
        (None, "`x5c`"),
        (Some(with_anchor), "self-signed"),
        (Some(other_key), "does not verify"),
        (Some(json!(["AA=="])), "certificate"),
    ] {
        let (found, detail) = outcome(header).await;
        assert_eq!(found, Outcome::Failed, "{detail}");
        assert!(detail.contains(said), "{detail}");
    }
}
