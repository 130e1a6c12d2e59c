use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::KeyUsagePurpose;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::model::ids::IssuerId;
use crate::model::jwk::Algorithm;
use crate::model::profile::Profile;
use crate::model::report::{Requirement, VerificationPolicy};
use crate::model::status::{StatusFound, StatusReference, StatusValue};
use crate::model::time::Timestamp;
use crate::verify::did;
use crate::verify::testing::{Certified, Documents, NOW, TestKey, World, anchors, outcome, x5c};

#[path = "vc_sd_jwt_tests.rs"]
mod older_name;
#[path = "sd_jwt_vc_spoiled_tests.rs"]
mod spoiled;

const ISSUER: &str = "https://issuer.example/tenant";
const METADATA: &str = "https://issuer.example/.well-known/jwt-vc-issuer/tenant";
const VCT: &str = "https://credentials.example/card";

/// An issuer with a good credential, to be spoiled one way at a time.
struct Scene {
    issuer: TestKey,
    holder: TestKey,
    header: Value,
    payload: Value,
    disclosures: Vec<String>,
    tail: String,
    /// The token as sent, if it is not made of the parts above.
    text: Option<String>,
    world: World,
}

impl Scene {
    fn new() -> Self {
        Self::with(Algorithm::Es256)
    }

    fn with(algorithm: Algorithm) -> Self {
        let issuer = TestKey::new(algorithm);
        let holder = TestKey::new(Algorithm::Es256);
        let disclosures =
            vec![disclosure(&json!(["salt-1", "given_name", "Mira"])), disclosure(&json!(["salt-2", "DE"]))];
        let payload = json!({
            "iss": ISSUER, "vct": VCT, "iat": NOW - 10, "exp": NOW + 1000, "cnf": {"jwk": holder.jwk().to_value()},
            "_sd_alg": "sha-256", "_sd": [digest(&disclosures[0]), digest("a decoy")],
            "nationalities": [{"...": digest(&disclosures[1])}, {"...": digest("another decoy")}, "FR"],
        });
        let metadata = json!({"issuer": ISSUER, "jwks": {"keys": [issuer.published("key-1")]}});
        let world = World {
            credential_issuer: Some(IssuerId::parse(ISSUER).unwrap()),
            kind: Some(CredentialKind::Vct(VCT.to_owned())),
            holder_keys: vec![TestKey::new(Algorithm::Es256).jwk(), holder.jwk()],
            documents: Documents::default().with(METADATA, metadata),
            ..World::default()
        };
        let header = json!({"typ": "dc+sd-jwt", "kid": "key-1"});
        Self { issuer, holder, header, payload, disclosures, tail: String::new(), text: None, world }
    }

    /// The same with the key in a certificate and no metadata anywhere.
    fn with_certificate(certified: &Certified<'_>) -> Self {
        let mut scene = Self::new();
        let certificate = certified.self_signed(&scene.issuer);
        scene.header = json!({"typ": "dc+sd-jwt", "x5c": x5c(&[&certificate])});
        scene.world.documents = Documents::default();
        scene
    }

    fn text(&self) -> String {
        if let Some(text) = &self.text {
            return text.clone();
        }
        let jws = self.issuer.jws(&self.header, &self.payload);
        let disclosures = self.disclosures.iter().map(String::as_str);
        let parts: Vec<&str> = [jws.as_str()].into_iter().chain(disclosures).chain([self.tail.as_str()]).collect();
        parts.join("~")
    }

    async fn examine(&self) -> Examined {
        SdJwtVc::Dc.examine(&Value::String(self.text()), &self.world.context()).await
    }
}

fn disclosure(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn digest(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}

/// All kinds that did not pass, with how they came out; what does not apply is left out.
fn amiss(examined: &Examined) -> Vec<(CheckKind, Outcome)> {
    assert_eq!(examined.checks.len(), CheckKind::ALL.len());
    CheckKind::ALL
        .into_iter()
        .map(|kind| (kind, outcome(&examined.checks, kind)))
        .filter(|(_, outcome)| !matches!(outcome, Outcome::Passed | Outcome::Skipped(_)))
        .collect()
}

#[tokio::test]
async fn a_type_under_another_name_will_do_where_that_is_put_up_with_and_it_is_the_one_asked_for() {
    for (name, takes_type, expected) in [
        ("type", true, vec![]),
        ("type", false, vec![(CheckKind::Type, Outcome::Failed)]),
        ("kind", true, vec![(CheckKind::Type, Outcome::Failed)]),
    ] {
        let mut scene = Scene::new();
        scene.world.takes_type = takes_type;
        let vct = scene.payload.as_object_mut().expect("claims").remove("vct").expect("a type");
        scene.payload[name] = vct;
        let examined = scene.examine().await;
        assert_eq!(amiss(&examined), expected, "{name} {takes_type}");
        assert_eq!(examined.type_without_vct, expected.is_empty());
    }
    let mut other = Scene::new();
    other.world.takes_type = true;
    other.payload.as_object_mut().expect("claims").remove("vct");
    other.payload["type"] = json!("https://issuer.example/another");
    assert_eq!(amiss(&other.examine().await), [(CheckKind::Type, Outcome::Failed)]);
    let mut nothing_asked = Scene::new();
    nothing_asked.world.takes_type = true;
    nothing_asked.world.kind = None;
    let vct = nothing_asked.payload.as_object_mut().expect("claims").remove("vct").expect("a type");
    nothing_asked.payload["type"] = vct;
    assert_eq!(amiss(&nothing_asked.examine().await), [(CheckKind::Type, Outcome::Failed)]);
}

// covers: HAIP-29
#[tokio::test]
async fn a_good_credential_passes_everything() {
    for algorithm in Algorithm::ALL {
        let scene = Scene::with(algorithm);
        let examined = scene.examine().await;
        assert_eq!(amiss(&examined), [], "{algorithm}: {:?}", examined.checks);
        for kind in CheckKind::ALL {
            let expected = match kind {
                CheckKind::IssuerTrust => Outcome::Skipped(Reason::NoAnchors),
                CheckKind::Status => Outcome::Skipped(Reason::NotApplicable),
                _ => Outcome::Passed,
            };
            assert_eq!(outcome(&examined.checks, kind), expected, "{kind}");
        }
        assert_eq!(examined.bound_key, Some(scene.holder.jwk()));
        assert_eq!(examined.expires_at, Some(Timestamp::from_seconds(NOW + 1000)));
        assert_eq!((examined.valid_from, &examined.kind), (None, &CredentialKind::Vct(VCT.to_owned())));
        assert_eq!(json!(examined.disclosable), json!([["given_name"], ["nationalities", 0]]));
        assert_eq!(examined.claims["given_name"], "Mira");
        assert_eq!(examined.claims["nationalities"], json!(["DE", "FR"]));
        assert!(examined.claims.get("_sd").is_none() && examined.claims.get("_sd_alg").is_none());
        assert_eq!(scene.world.documents.asked(), [METADATA]);
    }
}

#[tokio::test]
async fn details_hold_no_claims() {
    let mut scene = Scene::new();
    scene.payload["exp"] = json!(NOW - 1000);
    scene.disclosures.push(disclosure(&json!(["salt-3", "family_name", "Unseen"])));
    let examined = scene.examine().await;
    for check in &examined.checks {
        for secret in ["Mira", "Unseen", "family_name", VCT] {
            assert!(!check.detail.contains(secret), "{check:?}");
        }
    }
}

type Spoil = fn(&mut Scene);

/// What can be wrong with it: each makes its own check fail and no other.
const SPOILED: &[(&str, CheckKind, Spoil)] = &[
    ("signed by another key", CheckKind::Signature, |scene| scene.issuer = TestKey::new(Algorithm::Es256)),
    ("a payload changed after signing", CheckKind::Signature, |scene| {
        let good = scene.text();
        scene.payload["extra"] = json!(1);
        let changed = scene.text();
        let [good, changed]: [Vec<&str>; 2] = [good.split('.').collect(), changed.split('.').collect()];
        let tail = changed[2].split_once('~').unwrap().1;
        let signature = good[2].split_once('~').unwrap().0;
        scene.text = Some(format!("{}.{}.{signature}~{tail}", changed[0], changed[1]));
    }),
    ("no signature at all", CheckKind::Signature, |scene| scene.header["alg"] = json!("none")),
    ("an HMAC", CheckKind::Signature, |scene| scene.header["alg"] = json!("HS256")),
    ("an algorithm that the key does not fit", CheckKind::Signature, |scene| scene.header["alg"] = json!("ES384")),
    ("an algorithm of another case", CheckKind::Signature, |scene| scene.header["alg"] = json!("es256")),
    ("a critical header member", CheckKind::Signature, |scene| scene.header["crit"] = json!(["x"])),
    ("an unencoded payload", CheckKind::Signature, |scene| scene.header["b64"] = json!(true)),
    ("a certificate whose key the issuer does not have", CheckKind::IssuerKey, |scene| {
        let certificate = Certified::for_host("other.example").self_signed(&scene.issuer);
        scene.header = json!({"typ": "dc+sd-jwt", "x5c": x5c(&[&certificate])});
        scene.world.documents = Documents::default().with(METADATA, json!({"issuer": ISSUER, "jwks": {"keys": []}}));
    }),
    ("a certificate that has expired", CheckKind::IssuerKey, |scene| {
        *scene = Scene::with_certificate(&Certified { days: (-10, -1), ..Certified::for_host("issuer.example") });
    }),
    ("a certificate that is not valid yet", CheckKind::IssuerKey, |scene| {
        *scene = Scene::with_certificate(&Certified { days: (1, 10), ..Certified::for_host("issuer.example") });
    }),
    ("a certificate of another host", CheckKind::IssuerKey, |scene| {
        *scene = Scene::with_certificate(&Certified::for_host("other.example"));
    }),
    ("a certificate that is not for signatures", CheckKind::IssuerKey, |scene| {
        let usage = vec![KeyUsagePurpose::KeyAgreement];
        *scene = Scene::with_certificate(&Certified { usage, ..Certified::for_host("issuer.example") });
    }),
    ("an issuer that no anchor vouches for", CheckKind::IssuerTrust, |scene| {
        *scene = Scene::with_certificate(&Certified::for_host("issuer.example"));
        scene.world.trust = anchors(&[&Certified::authority("Root").self_signed(&TestKey::new(Algorithm::Es256))]);
    }),
    ("anchors, and no certificates", CheckKind::IssuerTrust, |scene| {
        scene.world.trust = anchors(&[&Certified::authority("Root").self_signed(&TestKey::new(Algorithm::Es256))]);
    }),
    ("an issuer that is not text", CheckKind::Issuer, |scene| {
        *scene = Scene::with_certificate(&Certified::for_host("issuer.example"));
        scene.payload["iss"] = json!(1);
    }),
    ("somebody else's key", CheckKind::HolderBinding, |scene| {
        scene.payload["cnf"] = json!({"jwk": TestKey::new(Algorithm::Es256).jwk().to_value()});
    }),
    ("somebody else's DID", CheckKind::HolderBinding, |scene| {
        scene.payload["cnf"] = json!({"kid": did::did_jwk_url(&TestKey::new(Algorithm::Es256).jwk())});
    }),
    ("somebody else's thumbprint", CheckKind::HolderBinding, |scene| {
        scene.payload["cnf"] = json!({"jkt": TestKey::new(Algorithm::Es256).jwk().thumbprint()});
    }),
    ("a malformed holder key", CheckKind::HolderBinding, |scene| scene.payload["cnf"]["jwk"]["x"] = json!("AA")),
    ("no holder key", CheckKind::HolderBinding, |scene| {
        scene.payload.as_object_mut().unwrap().remove("cnf");
    }),
    ("another type", CheckKind::Type, |scene| scene.payload["vct"] = json!("https://credentials.example/other")),
    ("no type", CheckKind::Type, |scene| {
        scene.payload.as_object_mut().unwrap().remove("vct");
    }),
    ("a `typ` of other tokens", CheckKind::Type, |scene| scene.header["typ"] = json!("kb+jwt")),
    ("no `typ`", CheckKind::Type, |scene| {
        scene.header.as_object_mut().unwrap().remove("typ");
    }),
    ("expired", CheckKind::Validity, |scene| scene.payload["exp"] = json!(NOW - 60)),
    ("not valid yet", CheckKind::Validity, |scene| scene.payload["nbf"] = json!(NOW + 61)),
    ("issued in the future", CheckKind::Validity, |scene| scene.payload["iat"] = json!(NOW + 61)),
    ("an end that is no number", CheckKind::Validity, |scene| scene.payload["exp"] = json!("tomorrow")),
    ("an end before the start", CheckKind::Validity, |scene| {
        scene.payload["nbf"] = json!(NOW + 30);
        scene.payload["exp"] = json!(NOW + 20);
    }),
    ("a changed disclosure", CheckKind::Digests, |scene| {
        scene.disclosures[0] = disclosure(&json!(["salt-1", "given_name", "Mara"]));
    }),
    ("a disclosure twice", CheckKind::Digests, |scene| scene.disclosures.push(scene.disclosures[0].clone())),
    ("a disclosure that is not one", CheckKind::Digests, |scene| scene.disclosures.push("%%".to_owned())),
    ("an empty disclosure", CheckKind::Digests, |scene| scene.disclosures.push(String::new())),
    ("a key-binding JWT", CheckKind::Digests, |scene| scene.tail = scene.holder.jws(&json!({}), &json!({}))),
    ("something behind the last `~`", CheckKind::Digests, |scene| scene.tail = "x".to_owned()),
    ("an expiry that may be left out", CheckKind::Digests, |scene| {
        let hidden = disclosure(&json!(["salt-4", "exp", NOW + 5]));
        scene.payload["_sd"] = json!([digest(&scene.disclosures[0]), digest(&hidden)]);
        scene.disclosures.push(hidden);
        scene.payload.as_object_mut().unwrap().remove("exp");
    }),
];

// covers: CRES-10
#[tokio::test]
async fn whatever_is_wrong_fails_its_own_check_and_no_other() {
    for (what, kind, spoil) in SPOILED {
        let mut scene = Scene::new();
        spoil(&mut scene);
        let examined = scene.examine().await;
        assert_eq!(amiss(&examined), [(*kind, Outcome::Failed)], "{what}: {:?}", examined.checks);
    }
}

type Undecided<'a> = (&'a str, &'a [(CheckKind, Outcome)], Spoil);

#[tokio::test]
async fn what_cannot_be_decided_is_unknown() {
    let table: &[Undecided<'_>] = &[
        (
            "the issuer's metadata does not answer",
            &[
                (CheckKind::Signature, Outcome::Unknown(Reason::DependsOnFailed)),
                (CheckKind::IssuerKey, Outcome::Unknown(Reason::Unreachable)),
            ],
            |scene| scene.world.documents = Documents::default().down(METADATA),
        ),
        (
            "the issuer has no such key",
            &[
                (CheckKind::Signature, Outcome::Unknown(Reason::DependsOnFailed)),
                (CheckKind::IssuerKey, Outcome::Failed),
            ],
            |scene| scene.header["kid"] = json!("key-2"),
        ),
        (
            "an algorithm that nobody here knows",
            &[(CheckKind::Signature, Outcome::Unknown(Reason::Unsupported))],
            |scene| scene.header["alg"] = json!("ES512"),
        ),
        (
            "a DID method that nobody here knows",
            &[
                (CheckKind::Signature, Outcome::Unknown(Reason::DependsOnFailed)),
                (CheckKind::IssuerKey, Outcome::Unknown(Reason::Unsupported)),
            ],
            |scene| scene.payload["iss"] = json!("did:example:issuer"),
        ),
        (
            "a hash function that nobody here knows",
            &[(CheckKind::Digests, Outcome::Unknown(Reason::Unsupported))],
            |scene| scene.payload["_sd_alg"] = json!("sha3-256"),
        ),
        ("a status list that is not there", &[(CheckKind::Status, Outcome::Unknown(Reason::Unreachable))], |scene| {
            scene.payload["status"] = json!({"status_list": {"idx": 1, "uri": "https://issuer.example/list"}});
        }),
        ("another kind of status", &[(CheckKind::Status, Outcome::Unknown(Reason::Unsupported))], |scene| {
            scene.payload["status"] = json!({"identifier_list": {"id": "AA", "uri": "https://issuer.example/list"}});
        }),
        (
            "an unknown way of naming the holder's key",
            &[(CheckKind::HolderBinding, Outcome::Unknown(Reason::Unsupported))],
            |scene| scene.payload["cnf"] = json!({"x5t#S256": "AAAA"}),
        ),
        (
            "a certificate that names nobody, and no metadata",
            &[(CheckKind::IssuerKey, Outcome::Unknown(Reason::Unsupported))],
            |scene| *scene = Scene::with_certificate(&Certified::default()),
        ),
        (
            "a certificate of another party, and no `iss`",
            &[(CheckKind::Issuer, Outcome::Unknown(Reason::Unsupported))],
            |scene| {
                *scene = Scene::with_certificate(&Certified::for_host("other.example"));
                scene.payload.as_object_mut().unwrap().remove("iss");
            },
        ),
        ("an issuer that is another party", &[(CheckKind::Issuer, Outcome::Unknown(Reason::Unsupported))], |scene| {
            scene.world.credential_issuer = Some(IssuerId::parse("https://service.example").unwrap());
        }),
    ];
    for (what, expected, spoil) in table {
        let mut scene = Scene::new();
        spoil(&mut scene);
        let examined = scene.examine().await;
        assert_eq!(amiss(&examined), *expected, "{what}: {:?}", examined.checks);
    }
}

#[tokio::test]
async fn its_status_list_is_looked_up() {
    const LIST: &str = "https://issuer.example/lists/1";
    let status = |scene: &mut Scene, index: u64| {
        use crate::inflate::testing::zlibbed;
        let lst = URL_SAFE_NO_PAD.encode(zlibbed(&[0b1001_0000]));
        let list = json!({"sub": LIST, "iat": NOW, "status_list": {"bits": 2, "lst": lst}});
        let list = scene.issuer.jws(&json!({"typ": "statuslist+jwt"}), &list);
        let documents = std::mem::take(&mut scene.world.documents);
        scene.world.documents = documents.with_body(LIST, "application/statuslist+jwt", list);
        scene.payload["status"] = json!({"status_list": {"idx": index, "uri": LIST}});
    };
    for (index, outcome, value) in [
        (0, Outcome::Passed, StatusValue::Valid),
        (2, Outcome::Failed, StatusValue::Invalid),
        (3, Outcome::Failed, StatusValue::Suspended),
    ] {
        let mut scene = Scene::new();
        status(&mut scene, index);
        let examined = scene.examine().await;
        let expected = if outcome == Outcome::Passed { vec![] } else { vec![(CheckKind::Status, outcome)] };
        assert_eq!(amiss(&examined), expected, "{:?}", examined.checks);
        let checked_at = Timestamp::from_seconds(NOW);
        assert_eq!(examined.status_found, Some(StatusFound { value, checked_at }));
        assert_eq!(examined.status, Some(StatusReference::TokenStatusList { uri: LIST.to_owned(), index }));
        assert_eq!(scene.world.documents.asked(), [METADATA, LIST]);
    }
    // Whoever forges a credential sends the wallet to no address of theirs, and who does not care sends it nowhere.
    let forge: fn(&mut Scene) = |scene| scene.issuer = TestKey::new(Algorithm::Es256);
    let expire: fn(&mut Scene) = |scene| scene.payload["exp"] = json!(NOW - 100);
    let off: fn(&mut Scene) = |scene| {
        scene.world.policy = VerificationPolicy::default().with(CheckKind::Status, Requirement::Off);
    };
    for (spoil, expected) in [
        (forge, Outcome::Unknown(Reason::DependsOnFailed)),
        (expire, Outcome::Unknown(Reason::DependsOnFailed)),
        (off, Outcome::Skipped(Reason::SwitchedOff)),
    ] {
        let mut scene = Scene::new();
        status(&mut scene, 2);
        spoil(&mut scene);
        let examined = scene.examine().await;
        assert_eq!(outcome(&examined.checks, CheckKind::Status), expected);
        assert_eq!(examined.status_found, None);
        assert!(examined.status.is_some(), "where it is kept is known all the same");
        assert_eq!(scene.world.documents.asked(), [METADATA]);
    }
}

// covers: FMT-08
#[tokio::test]
async fn what_is_unusual_but_right_passes() {
    let table: &[(&str, Spoil)] = &[
        ("the old `typ`", |scene| scene.header["typ"] = json!("vc+sd-jwt")),
        ("the long `typ`", |scene| scene.header["typ"] = json!("application/dc+sd-jwt")),
        ("fractions of seconds", |scene| {
            scene.payload["iat"] = json!(1_767_225_599.5);
            scene.payload["exp"] = json!(1_767_225_610.25);
        }),
        ("clocks a minute apart", |scene| {
            scene.payload["iat"] = json!(NOW + 60);
            scene.payload["nbf"] = json!(NOW + 60);
        }),
        ("a clock that is behind", |scene| scene.payload["exp"] = json!(NOW - 59)),
        ("no `kid` and one key", |scene| {
            scene.header.as_object_mut().unwrap().remove("kid");
        }),
        ("the holder's key as a did:jwk", |scene| {
            scene.payload["cnf"] = json!({"kid": did::did_jwk_url(&scene.holder.jwk())});
        }),
        ("the holder's key as a did:key", |scene| {
            scene.payload["cnf"] = json!({"kid": did::did_key_url(&scene.holder.jwk())});
        }),
        ("the holder's key as a thumbprint", |scene| {
            scene.payload["cnf"] = json!({"jkt": scene.holder.jwk().thumbprint()});
        }),
        ("an issuer that is a did:key", |scene| scene.payload["iss"] = json!(did::did_key(&scene.issuer.jwk()))),
        ("an issuer that is a did:jwk, with `kid`", |scene| {
            scene.payload["iss"] = json!(did::did_jwk(&scene.issuer.jwk()));
            scene.header["kid"] = json!(did::did_jwk_url(&scene.issuer.jwk()));
        }),
        ("a certificate that names the issuer", |scene| {
            *scene = Scene::with_certificate(&Certified::for_host("issuer.example"));
        }),
        ("no `iss` besides a certificate", |scene| {
            *scene = Scene::with_certificate(&Certified::for_host("issuer.example"));
            scene.payload.as_object_mut().unwrap().remove("iss");
        }),
        ("a bare self-signed certificate whose key the metadata has", |scene| {
            let certificate = Certified { common_name: "realm", ..Certified::default() }.self_signed(&scene.issuer);
            scene.header["x5c"] = x5c(&[&certificate]);
        }),
        ("no disclosures", |scene| {
            scene.disclosures.clear();
            scene.payload.as_object_mut().unwrap().remove("_sd");
        }),
    ];
    for (what, change) in table {
        let mut scene = Scene::new();
        change(&mut scene);
        let examined = scene.examine().await;
        assert_eq!(amiss(&examined), [], "{what}: {:?}", examined.checks);
        assert_eq!(outcome(&examined.checks, CheckKind::Signature), Outcome::Passed, "{what}");
        assert_eq!(outcome(&examined.checks, CheckKind::IssuerKey), Outcome::Passed, "{what}");
        assert_eq!(outcome(&examined.checks, CheckKind::HolderBinding), Outcome::Passed, "{what}");
    }
}

#[tokio::test]
async fn an_anchor_vouches_for_a_chain() {
    let (root_key, issuer_key) = (TestKey::new(Algorithm::Es384), TestKey::new(Algorithm::Es256));
    let root = Certified::authority("Root");
    let mut scene = Scene::new();
    let leaf = Certified::for_host("issuer.example").signed_by(&issuer_key, &root, &root_key);
    scene.issuer = issuer_key;
    scene.header = json!({"typ": "dc+sd-jwt", "x5c": x5c(&[&leaf])});
    scene.world.trust = anchors(&[&root.self_signed(&root_key)]);
    let examined = scene.examine().await;
    assert_eq!(amiss(&examined), []);
    assert_eq!(outcome(&examined.checks, CheckKind::IssuerTrust), Outcome::Passed);
    assert!(scene.world.documents.asked().is_empty(), "a certificate that names the issuer needs no document");
}

#[tokio::test]
async fn without_holder_keys_binding_is_not_asked() {
    let mut scene = Scene::new();
    scene.world.holder_keys.clear();
    let asked = scene.world.credential_issuer.take();
    let examined = scene.examine().await;
    let binding = |examined: &Examined| outcome(&examined.checks, CheckKind::HolderBinding);
    assert_eq!(binding(&examined), Outcome::Skipped(Reason::NotApplicable));
    assert_eq!(examined.bound_key, Some(scene.holder.jwk()));
    // Unless it was issued to this wallet: then nobody here can ever show it.
    scene.world.credential_issuer = asked;
    assert_eq!(binding(&scene.examine().await), Outcome::Failed);
    scene.payload.as_object_mut().unwrap().remove("cnf");
    assert_eq!(binding(&scene.examine().await), Outcome::Skipped(Reason::Unbound));
}

#[tokio::test]
async fn what_cannot_be_read_fails_the_signature() {
    let good = Scene::new().text();
    let jws = good.split('~').next().unwrap();
    let key = TestKey::new(Algorithm::Es256);
    let texts = [
        String::new(),
        "~".to_owned(),
        jws.to_owned(),
        good.replacen('.', "", 1),
        good.replacen('.', "..", 1),
        format!("={good}"),
        format!("{}~", key.jws_of_texts("[]", "{}")),
        format!("{}~", key.jws_of_texts(r#"{"alg":"ES256","alg":"ES256"}"#, "{}")),
        format!("{}~", key.jws_of_texts(r#"{"alg":"ES256"}"#, r#"{"vct":"a","vct":"b"}"#)),
        format!("{}~", key.jws_of_texts(r#"{"alg":"ES256"}"#, "[]")),
        format!(
            "{}~",
            key.jws_of_texts(r#"{"alg":"ES256"}"#, &format!("{{\"a\":{}{}}}", "[".repeat(99), "]".repeat(99)))
        ),
        format!("{good}{}", "~".repeat(1 << 20)),
    ];
    let world = Scene::new().world;
    for raw in texts.into_iter().map(Value::String).chain([json!({}), Value::Null]) {
        let examined = SdJwtVc::Dc.examine(&raw, &world.context()).await;
        for kind in CheckKind::ALL {
            let expected = match kind {
                CheckKind::Signature => Outcome::Failed,
                _ => Outcome::Unknown(Reason::DependsOnFailed),
            };
            assert_eq!(outcome(&examined.checks, kind), expected);
        }
        assert_eq!(examined.claims, Value::Null);
    }
}

// covers: FMT-07
#[test]
fn kinds_are_read_from_metadata() {
    let read = |value: Value| SdJwtVc::Dc.read_kind(&value);
    assert_eq!(read(json!({"vct": "a"})), Ok(CredentialKind::Vct("a".to_owned())));
    for bad in [json!({}), json!({"vct": ""}), json!({"vct": ["a"]})] {
        assert!(read(bad).unwrap_err().contains("`vct`"));
    }
}

/// The same under HAIP, with its key in a chain of two that leads to an authority.
fn haip_scene() -> Scene {
    let root_key = TestKey::new(Algorithm::Es256);
    let root = Certified::authority("Root");
    let mut scene = Scene::new();
    let certificate = Certified::for_host("issuer.example").signed_by(&scene.issuer, &root, &root_key);
    scene.header = json!({"typ": "dc+sd-jwt", "x5c": x5c(&[&certificate])});
    scene.world.trust = anchors(&[&root.self_signed(&root_key)]);
    scene.world.documents = Documents::default();
    scene.world.profile = Profile::Haip;
    scene
}

// covers: HAIP-26, HAIP-27, HAIP-28
#[tokio::test]
async fn haip_asks_for_more() {
    let good = haip_scene().examine().await;
    assert_eq!(amiss(&good), [], "{:?}", good.checks);

    let mut by_metadata = Scene::new();
    by_metadata.world.profile = Profile::Haip;
    assert_eq!(amiss(&by_metadata.examine().await), [(CheckKind::IssuerKey, Outcome::Failed)]);
    by_metadata.world.profile = Profile::Base;
    assert_eq!(amiss(&by_metadata.examine().await), []);

    let mut self_signed = Scene::with_certificate(&Certified::for_host("issuer.example"));
    let certificate = Certified::for_host("issuer.example").self_signed(&self_signed.issuer);
    self_signed.header["x5c"] = x5c(&[&certificate]);
    self_signed.world.trust = anchors(&[&certificate]);
    assert_eq!(amiss(&self_signed.examine().await), []);
    self_signed.world.profile = Profile::Haip;
    assert_eq!(amiss(&self_signed.examine().await), [(CheckKind::IssuerKey, Outcome::Failed)]);

    // An anchor need not be signed by itself.
    let [root_key, middle_key] = [(); 2].map(|()| TestKey::new(Algorithm::Es256));
    let (root, middle) = (Certified::authority("Root"), Certified::authority("Middle"));
    let mut anchored = haip_scene();
    let leaf = Certified::for_host("issuer.example").signed_by(&anchored.issuer, &middle, &middle_key);
    let middle = middle.signed_by(&middle_key, &root, &root_key);
    anchored.world.trust = anchors(&[&middle]);
    anchored.header["x5c"] = x5c(&[&leaf]);
    assert_eq!(amiss(&anchored.examine().await), []);
    anchored.header["x5c"] = x5c(&[&leaf, &middle]);
    assert_eq!(amiss(&anchored.examine().await), [(CheckKind::IssuerKey, Outcome::Failed)]);

    let failing = async |change: &dyn Fn(&mut Value)| {
        let mut scene = haip_scene();
        change(&mut scene.payload);
        let examined = scene.examine().await;
        amiss(&examined).into_iter().filter(|(_, outcome)| *outcome == Outcome::Failed).map(|(kind, _)| kind).collect()
    };
    let failed: Vec<_> = failing(&|payload| payload["_sd_alg"] = json!("sha-512")).await;
    assert_eq!(failed, [CheckKind::Digests]);
    let failed: Vec<_> = failing(&|payload| payload["status"] = json!({"other": 1})).await;
    assert_eq!(failed, [CheckKind::Status]);
    let list = json!({"status_list": {"uri": "https://issuer.example/list", "idx": 3}});
    let failed: Vec<CheckKind> = failing(&|payload| payload["status"] = list.clone()).await;
    assert_eq!(failed, []);
}
