//! More that can be wrong with an SD-JWT VC: bit by bit, in its disclosures, in its certificates.

use super::*;
use crate::model::report::{Report, VerificationPolicy};

fn decoded(part: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(part).unwrap()
}

/// The parts of a credential between its dots and tildes, with one of them replaced.
fn with_part(text: &str, number: usize, part: &str) -> String {
    let separators: String = text.chars().filter(|c| matches!(c, '.' | '~')).collect();
    let parts = text.split(['.', '~']).enumerate().map(|(at, old)| if at == number { part } else { old });
    parts
        .zip(separators.chars().map(Some).chain([None]))
        .fold(String::new(), |text, (part, separator)| text + part + &separator.map(String::from).unwrap_or_default())
}

/// A credential with room for a spoiled bit in each part that nothing but the signature notices.
fn roomy() -> Scene {
    let mut scene = Scene::new();
    scene.header["note"] = json!("room");
    scene.payload["note"] = json!("room");
    scene
}

#[tokio::test]
async fn a_spoiled_bit_anywhere_is_noticed() {
    let scene = roomy();
    let text = scene.text();
    let parts: Vec<&str> = text.split(['.', '~']).collect();
    assert_eq!((parts.len(), parts[5]), (6, ""));
    let examine = async |text: String| SdJwtVc::Dc.examine(&Value::String(text), &scene.world.context()).await;
    for (number, part) in parts.iter().enumerate().take(5) {
        let octets = decoded(part);
        for at in 0..octets.len() {
            let mut spoiled = octets.clone();
            spoiled[at] ^= 1 << (at % 8);
            let examined = examine(with_part(&text, number, &URL_SAFE_NO_PAD.encode(spoiled))).await;
            let report = Report::judge(&examined.checks, &VerificationPolicy::default());
            match number {
                // Without its `alg`, `kid` or `iss` the key is not found.
                0 | 1 => {
                    let signature = outcome(&examined.checks, CheckKind::Signature);
                    assert!(!matches!(signature, Outcome::Passed | Outcome::Skipped(_)), "{number} {at}");
                    assert!(!report.verdict.is_usable(), "{number} {at}: {:?}", examined.checks);
                }
                2 => assert_eq!(amiss(&examined), [(CheckKind::Signature, Outcome::Failed)], "signature {at}"),
                _ => assert_eq!(amiss(&examined), [(CheckKind::Digests, Outcome::Failed)], "{number} {at}"),
            }
        }
    }
    // Where nothing else reads the octet, the signature alone notices it.
    for number in [0, 1] {
        let octets = decoded(parts[number]);
        let room = octets.windows(4).position(|window| window == b"room").unwrap();
        let mut spoiled = octets.clone();
        spoiled[room] ^= 1;
        let examined = examine(with_part(&text, number, &URL_SAFE_NO_PAD.encode(spoiled))).await;
        assert_eq!(amiss(&examined), [(CheckKind::Signature, Outcome::Failed)], "{number}");
    }
}

/// Puts a disclosure into the payload, and its text into the credential.
fn disclose_more(scene: &mut Scene, contents: &str) {
    let text = URL_SAFE_NO_PAD.encode(contents);
    scene.payload["_sd"].as_array_mut().unwrap().push(json!(digest(&text)));
    scene.disclosures.push(text);
}

const IN_DISCLOSURES: &[(&str, Spoil)] = &[
    ("a disclosure of another credential", |scene| scene.disclosures.push(disclosure(&json!(["s", "extra", 1])))),
    ("a disclosure in the place of another", |scene| {
        scene.disclosures[1] = disclosure(&json!(["s", "extra", 1]));
    }),
    ("a member twice in a disclosed value", |scene| disclose_more(scene, r#"["s","extra",{"a":1,"a":2}]"#)),
    ("a disclosure without end", |scene| {
        disclose_more(scene, &format!(r#"["s","extra",{}{}]"#, "[".repeat(90), "]".repeat(90)));
    }),
    ("a disclosure that is an object", |scene| disclose_more(scene, r#"{"s":"extra"}"#)),
    ("a disclosure of four", |scene| disclose_more(scene, r#"["s","extra",1,2]"#)),
    ("a disclosure with a rest", |scene| disclose_more(scene, r#"["s","extra",1] "x""#)),
    ("a salt that is a number", |scene| disclose_more(scene, r#"[1,"extra",1]"#)),
    ("a claim called `_sd`", |scene| disclose_more(scene, r#"["s","_sd",["x"]]"#)),
    ("a claim called `...`", |scene| disclose_more(scene, r#"["s","...","x"]"#)),
    ("a claim called `_sd_alg`", |scene| disclose_more(scene, r#"["s","_sd_alg","sha-256"]"#)),
    ("a claim that stands in the open", |scene| disclose_more(scene, r#"["s","vct","x"]"#)),
    ("a claim that was disclosed already", |scene| disclose_more(scene, r#"["s","given_name","Other"]"#)),
    ("a part of the holder's key", |scene| {
        let part = disclosure(&json!(["s", "jkt", "x"]));
        scene.payload["cnf"]["_sd"] = json!([digest(&part)]);
        scene.disclosures.push(part);
    }),
    ("an element where a claim has to be", |scene| disclose_more(scene, r#"["s",1]"#)),
    ("a claim where an element has to be", |scene| {
        let claim = disclosure(&json!(["s", "extra", 1]));
        scene.payload["list"] = json!([{"...": digest(&claim)}]);
        scene.disclosures.push(claim);
    }),
    ("a digest twice", |scene| {
        let twice = digest(&scene.disclosures[0]);
        scene.payload["_sd"].as_array_mut().unwrap().push(json!(twice));
    }),
    ("a decoy twice", |scene| scene.payload["list"] = json!([{"...": digest("x")}, {"...": digest("x")}])),
    ("a digest in two places", |scene| scene.payload["inner"] = json!({"_sd": [digest(&scene.disclosures[0])]})),
    ("a digest in a disclosure and outside of it", |scene| {
        let twice = digest(&scene.disclosures[0]);
        disclose_more(scene, &format!(r#"["s","extra",{{"_sd":["{twice}"]}}]"#));
    }),
    ("`_sd` that is text", |scene| scene.payload["inner"] = json!({"_sd": digest("x")})),
    ("`_sd` of numbers", |scene| scene.payload["inner"] = json!({"_sd": [1]})),
    ("`_sd` in a disclosure that is no array", |scene| disclose_more(scene, r#"["s","extra",{"_sd":{}}]"#)),
    ("`...` beside other members", |scene| scene.payload["list"] = json!([{"...": digest("x"), "a": 1}])),
    ("`...` that is a number", |scene| scene.payload["list"] = json!([{"...": 1}])),
    ("`...` outside of an array", |scene| scene.payload["inner"] = json!({"...": digest("x")})),
    ("`_sd_alg` that is a number", |scene| scene.payload["_sd_alg"] = json!(256)),
    ("digests by another function than it says", |scene| scene.payload["_sd_alg"] = json!("sha-384")),
    ("no last tilde", |scene| scene.tail = scene.disclosures.pop().unwrap()),
];

#[tokio::test]
async fn whatever_is_wrong_with_disclosures_fails_the_digests_and_no_other() {
    for (what, spoil) in IN_DISCLOSURES {
        let mut scene = Scene::new();
        spoil(&mut scene);
        let examined = scene.examine().await;
        assert_eq!(amiss(&examined), [(CheckKind::Digests, Outcome::Failed)], "{what}: {:?}", examined.checks);
        let detail = &examined.checks.iter().find(|check| check.kind == CheckKind::Digests).unwrap().detail;
        assert!(!detail.is_empty() && !detail.contains("extra") && !detail.contains("Mira"), "{what}: {detail}");
    }
    for weak in ["md5", "sha-1", "sha-256-128", "crc32", ""] {
        let mut scene = Scene::new();
        scene.payload["_sd_alg"] = json!(weak);
        let unsupported = Outcome::Unknown(Reason::Unsupported);
        assert_eq!(amiss(&scene.examine().await), [(CheckKind::Digests, unsupported)], "{weak}");
    }
}

#[tokio::test]
async fn what_may_be_left_out_or_added_is_right() {
    // The issuer's digests look all the same: that a disclosure is missing can't be seen, only that its claim is.
    let mut dropped = Scene::new();
    dropped.disclosures.remove(0);
    let examined = dropped.examine().await;
    assert_eq!(amiss(&examined), []);
    assert!(examined.claims.get("given_name").is_none());
    assert_eq!(json!(examined.disclosable), json!([["nationalities", 0]]));

    let mut nested = Scene::new();
    let city = disclosure(&json!(["s", "city", "Bern"]));
    let tag = disclosure(&json!(["s", {"_sd": [digest(&city), digest("decoy")]}]));
    disclose_more(
        &mut nested,
        &json!(["s", "tags", [{"...": digest(&tag)}, {"...": digest("x")}, "open"]]).to_string(),
    );
    nested.disclosures.extend([tag, city]);
    let examined = nested.examine().await;
    assert_eq!(amiss(&examined), [], "{:?}", examined.checks);
    assert_eq!(examined.claims["tags"], json!([{"city": "Bern"}, "open"]));
    let places = json!([["given_name"], ["nationalities", 0], ["tags"], ["tags", 0], ["tags", 0, "city"]]);
    assert_eq!(json!(examined.disclosable), places);

    let mut long = Scene::new();
    long.payload["portrait"] = json!("A".repeat(700_000));
    assert_eq!(amiss(&long.examine().await), []);
    long.payload["portrait"] = json!("A".repeat(1 << 20));
    let examined = long.examine().await;
    assert_eq!(outcome(&examined.checks, CheckKind::Signature), Outcome::Failed);
    assert!(examined.claims.is_null());
    let mut hidden = Scene::new();
    disclose_more(&mut hidden, &json!(["s", "portrait", "A".repeat(500_000)]).to_string());
    assert_eq!(amiss(&hidden.examine().await), []);
}

/// The issuer's certificate under an authority under a root, all of which can be sent.
struct Path {
    scene: Scene,
    leaf: Vec<u8>,
    authority: Vec<u8>,
    root: Vec<u8>,
}

impl Path {
    fn new() -> Self {
        Self::with(&Certified::authority("Authority"), Algorithm::Es256)
    }

    fn with(authority: &Certified<'_>, algorithm: Algorithm) -> Self {
        let (root_key, authority_key, issuer) =
            (TestKey::new(Algorithm::Es384), TestKey::new(Algorithm::Es256), TestKey::new(algorithm));
        let root = Certified::authority("Root");
        let leaf = Certified::for_host("issuer.example").signed_by(&issuer, authority, &authority_key);
        let mut scene = Scene::new();
        scene.issuer = issuer;
        scene.world.documents = Documents::default();
        Self {
            scene,
            leaf,
            authority: authority.signed_by(&authority_key, &root, &root_key),
            root: root.self_signed(&root_key),
        }
    }

    async fn amiss(mut self, sent: &[&[u8]]) -> Vec<(CheckKind, Outcome)> {
        self.scene.header = json!({"typ": "dc+sd-jwt", "x5c": x5c(sent)});
        amiss(&self.scene.examine().await)
    }
}

#[tokio::test]
async fn a_chain_that_is_not_one_fails_the_issuers_key_and_no_other() {
    let failed = [(CheckKind::IssuerKey, Outcome::Failed)];
    let path = Path::new();
    let sent = [path.leaf.clone(), path.authority.clone(), path.root.clone()];
    let [leaf, authority, root] = [&sent[0][..], &sent[1][..], &sent[2][..]];
    assert_eq!(path.amiss(&[leaf, authority, root]).await, []);
    for (what, order) in [
        ("out of order", [0, 2, 1].as_slice()),
        ("with one left out", &[0, 2]),
        ("with one twice", &[0, 1, 1, 2]),
        ("with somebody else's root", &[0, 1, 3]),
    ] {
        let path = Path::new();
        let all = [path.leaf.clone(), path.authority.clone(), path.root.clone(), Path::new().root];
        let order: Vec<&[u8]> = order.iter().map(|at| all[*at].as_slice()).collect();
        assert_eq!(path.amiss(&order).await, failed, "{what}");
    }
    for (what, authority) in [
        ("expired", Certified { days: (-100, -1), ..Certified::authority("Authority") }),
        ("not valid yet", Certified { days: (1, 100), ..Certified::authority("Authority") }),
        ("no authority", Certified { authority: false, ..Certified::authority("Authority") }),
        (
            "not for certificates",
            Certified { usage: vec![KeyUsagePurpose::DigitalSignature], ..Certified::authority("Authority") },
        ),
    ] {
        let path = Path::with(&authority, Algorithm::Es256);
        let sent = [path.leaf.clone(), path.authority.clone(), path.root.clone()];
        let sent: Vec<&[u8]> = sent.iter().map(Vec::as_slice).collect();
        assert_eq!(path.amiss(&sent).await, failed, "{what}");
    }
    // A key of another curve than the signature is by: the certificate is right, the signature is not.
    let mut path = Path::with(&Certified::authority("Authority"), Algorithm::Es384);
    let sent = [path.leaf.clone(), path.authority.clone(), path.root.clone()];
    path.scene.header["alg"] = json!("ES256");
    path.scene.header["x5c"] = x5c(&[&sent[0], &sent[1], &sent[2]]);
    assert_eq!(amiss(&path.scene.examine().await), [(CheckKind::Signature, Outcome::Failed)]);
    // One bit of the certificate's own signature.
    let path = Path::new();
    let mut leaf = path.leaf.clone();
    *leaf.last_mut().unwrap() ^= 1;
    let (authority, root) = (path.authority.clone(), path.root.clone());
    assert_eq!(path.amiss(&[&leaf, &authority, &root]).await, failed);
}

#[tokio::test]
async fn what_the_header_must_not_say_fails_the_signature() {
    for (name, value) in [
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("crit", json!([])),
        ("crit", json!(["b64", "exp"])),
        ("crit", json!("exp")),
        ("alg", json!("none")),
        ("alg", json!("None")),
        ("alg", json!("HS256")),
        ("alg", json!("HS512")),
        ("alg", json!("RS256")),
        ("alg", json!("EdDSA")),
        ("alg", json!(["ES256"])),
        ("alg", Value::Null),
    ] {
        let mut scene = Scene::new();
        scene.header[name] = value.clone();
        let expected = [(CheckKind::Signature, Outcome::Failed)];
        assert_eq!(amiss(&scene.examine().await), expected, "{name}: {value}");
    }
}
