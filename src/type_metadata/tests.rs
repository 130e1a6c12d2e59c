use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::cache::Cache;
use crate::model::display::{Display, choose};
use crate::model::type_metadata::SelectiveDisclosure::{self, Allowed, Always, Never};
use crate::platform::memory::MemoryStore;
use crate::verify::testing::{Documents, NOW, read_vector, vectors};

const VCT: &str = "https://types.example/card";
const BASE: &str = "https://types.example/base";

fn sri(octets: &[u8]) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(octets)))
}

/// A wallet's library: its documents, and the drawer that outlives them.
#[derive(Default)]
struct Scene {
    documents: Documents,
    cache: Cache,
    store: MemoryStore,
    now: i64,
}

impl Scene {
    fn new() -> Self {
        Self { now: NOW, ..Self::default() }
    }

    fn with(mut self, document: &Value) -> Self {
        let url = document["vct"].as_str().unwrap();
        self.documents = self.documents.with_body(url, "application/json", document.to_string());
        self
    }

    async fn load(&self, reference: &TypeReference) -> Result<Loaded, TypeMetadataError> {
        let shelf = Shelf { cache: &self.cache, store: &self.store };
        let now = Timestamp::from_seconds(self.now);
        Library { documents: &self.documents, shelf, now }.load(reference).await
    }

    async fn metadata(&self, vct: &str) -> Result<TypeMetadata, TypeMetadataError> {
        self.load(&reference(vct)).await.map(|loaded| loaded.metadata)
    }
}

fn reference(vct: &str) -> TypeReference {
    TypeReference { vct: vct.to_owned(), ..TypeReference::default() }
}

fn with_integrity(vct: &str, integrity: impl Into<String>) -> TypeReference {
    TypeReference { integrity: Some(integrity.into()), ..reference(vct) }
}

#[tokio::test]
async fn everything_for_showing_is_read() {
    let logo = json!({"uri": "https://types.example/l.png", "uri#integrity": "sha256-AAAA", "alt_text": "A logo"});
    let document = json!({
        "vct": VCT, "name": "Card", "description": "A card\u{202e}", "unknown": [1], "schema_uri": "x",
        "display": [
            {"locale": "en-US", "name": "Card", "description": "Opens doors", "summary": "x", "rendering": {
                "simple": {"logo": logo, "background_image": {"uri": "data:image/png;base64,AA=="},
                    "background_color": "#12107c", "text_color": "white", "other": 1},
                "svg_templates": [
                    {"uri": "https://types.example/t.svg", "uri#integrity": "sha256-BBBB",
                     "properties": {"orientation": "portrait", "color_scheme": "dark", "contrast": "high", "x": 1}},
                    {"no": "uri"}, 7,
                ],
                "other": {},
            }},
            {"lang": "de", "name": "Karte", "rendering": 7},
            "no object",
        ],
        "claims": [
            {"path": ["name"], "display": [{"locale": "en", "label": "Name", "description": "Who"}],
             "sd": "always", "mandatory": true, "svg_id": "name", "unknown": 1},
            {"path": ["tags", null, 0], "display": [{"lang": "de", "label": "Marke"}], "sd": "never"},
            {"path": ["plain"]},
        ],
    });
    let loaded = Scene::new().with(&document).load(&reference(VCT)).await.unwrap();
    assert_eq!(loaded.remarks, [""; 0]);
    let metadata = loaded.metadata;
    assert_eq!((metadata.vct.as_str(), metadata.name.as_deref()), (VCT, Some("Card")));
    assert_eq!(metadata.description.as_deref(), Some("A card"));
    let english = choose(&metadata.display, Some("en-GB")).unwrap();
    assert_eq!(english.name.as_deref(), Some("Card"));
    assert_eq!(english.description.as_deref(), Some("Opens doors"));
    assert_eq!(english.background_color.as_deref(), Some("#12107c"));
    assert_eq!(english.text_color.as_deref(), Some("white"));
    let logo = english.logo.as_ref().unwrap();
    assert_eq!((logo.uri.as_str(), logo.alt_text.as_deref()), ("https://types.example/l.png", Some("A logo")));
    assert_eq!(logo.integrity.as_deref(), Some("sha256-AAAA"));
    assert_eq!(english.background_image.as_ref().unwrap().uri, "data:image/png;base64,AA==");
    let german = choose(&metadata.display, Some("de-CH")).unwrap();
    assert_eq!((german.name.as_deref(), &german.logo), (Some("Karte"), &None));
    assert_eq!(metadata.display.len(), 2);
    let [template] = metadata.svg_templates.as_slice() else { panic!("{:?}", metadata.svg_templates) };
    assert_eq!((template.uri.as_str(), template.locale.as_deref()), ("https://types.example/t.svg", Some("en-US")));
    assert_eq!(template.integrity.as_deref(), Some("sha256-BBBB"));
    assert_eq!(template.orientation.as_deref(), Some("portrait"));
    assert_eq!(template.color_scheme.as_deref(), Some("dark"));
    assert_eq!(template.contrast.as_deref(), Some("high"));
    let [name, tag, plain] = metadata.claims.as_slice() else { panic!("{:?}", metadata.claims) };
    assert_eq!((name.sd, name.mandatory, name.svg_id.as_deref()), (SelectiveDisclosure::Always, true, Some("name")));
    assert_eq!(name.display[0].name.as_deref(), Some("Name"));
    assert_eq!(name.display[0].description.as_deref(), Some("Who"));
    assert_eq!(tag.path, [PathStep::from("tags"), PathStep::All, PathStep::Index(0)]);
    assert_eq!(tag.display[0].locale.as_deref(), Some("de"));
    assert_eq!((plain.sd, plain.mandatory), (SelectiveDisclosure::Allowed, false));
}

#[tokio::test]
async fn what_is_no_type_metadata_is_refused() {
    let huge = format!(r#"{{"vct":"{VCT}","x":"{}"}}"#, "x".repeat(1 << 20));
    let deep = format!(r#"{{"vct":"{VCT}","x":{}{}}}"#, "[".repeat(99), "]".repeat(99));
    for octets in ["", "[]", "{}", r#"{"vct":7}"#, &format!(r#"{{"vct":"{VCT}","vct":"{VCT}"}}"#), &deep, &huge] {
        let scene =
            Scene { documents: Documents::default().with_body(VCT, "application/json", octets), ..Scene::new() };
        let outcome = scene.metadata(VCT).await;
        let refused = matches!(outcome, Err(TypeMetadataError::Malformed(_) | TypeMetadataError::Document(_)));
        assert!(refused, "{octets:.40}: {outcome:?}");
    }
    for extends in [json!({"vct": VCT, "extends": 7}), json!({"vct": VCT, "extends": BASE, "extends#integrity": []})] {
        let outcome = Scene::new().with(&extends).metadata(VCT).await;
        assert!(matches!(outcome, Err(TypeMetadataError::Malformed(_))), "{outcome:?}");
    }
    let other = json!({"vct": BASE}).to_string();
    let scene = Scene { documents: Documents::default().with_body(VCT, "application/json", other), ..Scene::new() };
    assert_eq!(scene.metadata(VCT).await, Err(TypeMetadataError::OtherType));
    assert_eq!(Scene::new().metadata("urn:example:card").await, Err(TypeMetadataError::NoAddress));
    for vct in ["ftp://types.example/card", "data:application/json,{}", "card", "https://"] {
        assert_eq!(address(vct), None, "{vct}");
    }
}

#[tokio::test]
async fn malformed_parts_are_left_out_and_said() {
    let claims = json!([
        {"path": ["a"]}, {"path": ["a"], "sd": "never"}, {"path": []}, {"path": [-1]}, {"path": "a"}, {}, 7,
        {"path": ["b"], "sd": "sometimes"}, {"path": ["b"], "sd": 7}, {"path": ["b"], "mandatory": "yes"},
        {"path": ["b"], "svg_id": 7}, {"path": ["b"], "display": {}}, {"path": ["c"], "display": []},
    ]);
    let table = [
        (json!({"vct": VCT, "claims": claims}), vec!["a", "c"]),
        (json!({"vct": VCT, "claims": {}}), vec![]),
        (json!({"vct": VCT, "display": 7, "claims": [{"path": ["a"]}]}), vec!["a"]),
    ];
    for (document, expected) in table {
        let loaded = Scene::new().with(&document).load(&reference(VCT)).await.unwrap();
        let paths: Vec<_> = loaded.metadata.claims.iter().map(|claim| claim.path[0].clone()).collect();
        assert_eq!(paths, expected.into_iter().map(PathStep::from).collect::<Vec<_>>());
        assert_eq!(loaded.remarks, ["parts of it are malformed and were left out"]);
    }
    let many = json!({"vct": VCT, "claims": (0..600).map(|n| json!({"path": [n.to_string()]})).collect::<Vec<_>>()});
    let loaded = Scene::new().with(&many).load(&reference(VCT)).await.unwrap();
    assert_eq!((loaded.metadata.claims.len(), loaded.remarks.len()), (512, 1));
}

#[tokio::test]
async fn a_document_is_the_one_that_was_meant() {
    let document = json!({"vct": VCT});
    let right = sri(document.to_string().as_bytes());
    let scene = Scene::new().with(&document);
    assert!(scene.load(&with_integrity(VCT, right.as_str())).await.is_ok());
    let mismatch = Err(TypeMetadataError::Integrity(IntegrityError::Mismatch));
    assert_eq!(Scene::new().with(&document).load(&with_integrity(VCT, sri(b"x"))).await, mismatch);
    let unsupported = Err(TypeMetadataError::Integrity(IntegrityError::Unsupported));
    assert_eq!(Scene::new().with(&document).load(&with_integrity(VCT, "md5-AAAA")).await, unsupported);
    // The same for what it extends.
    let child = |integrity: &str| json!({"vct": VCT, "extends": BASE, "extends#integrity": integrity});
    let base = json!({"vct": BASE, "name": "Base"});
    let good = child(&sri(base.to_string().as_bytes()));
    assert!(Scene::new().with(&good).with(&base).metadata(VCT).await.is_ok());
    assert_eq!(Scene::new().with(&child(&sri(b"x"))).with(&base).load(&reference(VCT)).await, mismatch);
}

#[tokio::test]
async fn types_extend_each_other_within_bounds() {
    let url = |n: usize| format!("https://types.example/{n}");
    let link = |n: usize, next: usize| json!({"vct": url(n), "extends": url(next)});
    let chain = |length: usize| {
        let links = (1..length).fold(Scene::new(), |scene, n| scene.with(&link(n, n + 1)));
        links.with(&json!({"vct": url(length), "claims": [{"path": ["last"]}]}))
    };
    for length in [1, 2, 8] {
        let metadata = chain(length).metadata(&url(1)).await.unwrap();
        assert_eq!(metadata.claims.len(), 1);
        assert_eq!(metadata.extends, (2..=length).map(url).collect::<Vec<_>>());
    }
    let scene = chain(9);
    assert_eq!(scene.metadata(&url(1)).await, Err(TypeMetadataError::TooLong));
    assert_eq!(scene.documents.asked().len(), 8);
    for scene in [Scene::new().with(&link(1, 1)), Scene::new().with(&link(1, 2)).with(&link(2, 1))] {
        assert_eq!(scene.metadata(&url(1)).await, Err(TypeMetadataError::Circle));
    }
    // What it extends can't be had: then nothing is known of the type as a whole.
    let lost = Scene::new().with(&link(1, 2)).metadata(&url(1)).await;
    assert!(matches!(lost, Err(TypeMetadataError::Document(_))), "{lost:?}");
    let urn = json!({"vct": VCT, "extends": "urn:example:base"});
    assert_eq!(Scene::new().with(&urn).metadata(VCT).await, Err(TypeMetadataError::NoAddress));
}

#[tokio::test]
async fn what_extends_goes_before_what_is_extended() {
    let label = |text: &str| json!([{"locale": "en", "label": text}]);
    let base = json!({
        "vct": BASE, "name": "Base", "description": "of all", "display": [{"locale": "en", "name": "Base"}],
        "claims": [
            {"path": ["a"], "display": label("A"), "sd": "always", "mandatory": true, "svg_id": "a"},
            {"path": ["b"], "display": label("B")},
            {"path": ["c"], "display": label("C"), "sd": "never"},
        ],
    });
    let child = json!({
        "vct": VCT, "extends": BASE,
        "claims": [
            {"path": ["d"], "display": label("D")},
            {"path": ["c"], "display": [], "sd": "never"},
            {"path": ["b"], "sd": "always", "mandatory": true},
            {"path": ["a"], "svg_id": "other"},
        ],
    });
    let loaded = Scene::new().with(&base).with(&child).load(&reference(VCT)).await.unwrap();
    assert_eq!(loaded.remarks, [""; 0]);
    let metadata = loaded.metadata;
    assert_eq!((metadata.name, metadata.description), (None, None));
    assert_eq!(
        metadata.display,
        [Display { name: Some("Base".into()), locale: Some("en".into()), ..Display::default() }]
    );
    let shown = |claim: &crate::model::type_metadata::TypeClaim| {
        let label = claim.display.first().and_then(|label| label.name.clone()).unwrap_or_default();
        (label, claim.sd, claim.mandatory, claim.svg_id.clone().unwrap_or_default())
    };
    let expected =
        [("A", Always, true, "other"), ("B", Always, true, ""), ("", Never, false, ""), ("D", Allowed, false, "")];
    let expected = expected.map(|(label, sd, mandatory, id)| (label.to_owned(), sd, mandatory, id.to_owned()));
    assert_eq!(metadata.claims.iter().map(shown).collect::<Vec<_>>(), expected);

    let own = json!({"vct": VCT, "extends": BASE, "display": []});
    assert_eq!(Scene::new().with(&base).with(&own).metadata(VCT).await.unwrap().display, []);
    for loose in [
        json!({"path": ["a"], "sd": "never"}),
        json!({"path": ["a"], "mandatory": false}),
        json!({"path": ["c"], "sd": "allowed"}),
    ] {
        let child = json!({"vct": VCT, "extends": BASE, "claims": [loose]});
        let loaded = Scene::new().with(&base).with(&child).load(&reference(VCT)).await.unwrap();
        assert_eq!(loaded.remarks.len(), 1);
        assert_eq!((loaded.metadata.claims[0].sd, loaded.metadata.claims[0].mandatory), (Always, true));
        assert_eq!(loaded.metadata.claims[2].sd, Never);
    }
}

#[tokio::test]
async fn documents_are_kept_as_long_as_they_are_good() {
    let document = json!({"vct": VCT, "name": "1"});
    let integrity = sri(document.to_string().as_bytes());
    let mut scene = Scene::new().with(&document);
    scene.documents = scene.documents.with_max_age(VCT, 600);
    let name = async |scene: &Scene, reference: &TypeReference| scene.load(reference).await.map(|it| it.metadata.name);
    let one = Ok(Some("1".to_owned()));
    assert_eq!(name(&scene, &reference(VCT)).await, one);
    scene.now += 599;
    assert_eq!(name(&scene, &reference(VCT)).await, one);
    assert_eq!(scene.documents.asked().len(), 1, "it is still good");
    // Then it is asked for again; who does not answer leaves us with what was good once.
    scene.now += 1;
    scene.documents = Documents::default().down(VCT);
    assert_eq!(name(&scene, &reference(VCT)).await, one);
    assert_eq!(scene.documents.asked().len(), 1);
    // Whose content is known needs no asking, however old it is.
    scene.now += 1_000_000;
    scene.documents = Documents::default();
    assert_eq!(name(&scene, &with_integrity(VCT, integrity)).await, one);
    assert_eq!(scene.documents.asked().len(), 0);
    // What is gone is gone, and another content is another document.
    assert!(name(&scene, &reference(VCT)).await.is_err());
    assert!(name(&scene, &with_integrity(VCT, sri(b"x"))).await.is_err());
    assert_eq!(scene.documents.asked().len(), 2);
    // What its server does not want kept is not.
    let mut scene = Scene::new().with(&document);
    scene.documents = scene.documents.with_max_age(VCT, 0);
    for asked in 1..=2 {
        assert_eq!(name(&scene, &reference(VCT)).await, one);
        assert_eq!(scene.documents.asked().len(), asked);
    }
}

#[tokio::test]
async fn documents_may_come_along_in_the_header() {
    let (base, child) = (json!({"vct": BASE, "name": "Base"}), json!({"vct": VCT, "extends": BASE, "name": "Card"}));
    let encoded = |document: &Value| json!(URL_SAFE_NO_PAD.encode(document.to_string()));
    let header = json!({"vctm": [7, "%", encoded(&base), encoded(&child)]});
    let read =
        |header: &Value, payload: &Value| TypeReference::of(header.as_object().unwrap(), payload.as_object().unwrap());
    let reference = read(&header, &json!({"vct": VCT})).unwrap();
    let scene = Scene::new();
    let metadata = scene.load(&reference).await.unwrap().metadata;
    assert_eq!((metadata.name.as_deref(), metadata.extends), (Some("Card"), vec![BASE.to_owned()]));
    assert_eq!(scene.documents.asked().len(), 0);
    // They are held to their integrity metadata like any other.
    let lying = read(&header, &json!({"vct": VCT, "vct#integrity": sri(b"x")})).unwrap();
    assert_eq!(scene.load(&lying).await, Err(TypeMetadataError::Integrity(IntegrityError::Mismatch)));
    let odd = read(&json!({}), &json!({"vct": VCT, "vct#integrity": 7})).unwrap();
    let outcome = Scene::new().with(&child).load(&odd).await;
    assert_eq!(outcome, Err(TypeMetadataError::Integrity(IntegrityError::Unsupported)));
    for payload in [json!({}), json!({"vct": 7})] {
        assert_eq!(read(&header, &payload), None);
    }
}

#[tokio::test]
async fn a_credential_is_held_to_its_type() {
    let document = json!({"vct": VCT, "claims": [
        {"path": ["name"], "sd": "always", "mandatory": true},
        {"path": ["tags", null], "sd": "never"},
        {"path": ["tags"], "sd": "always"},
        {"path": ["address", "city"], "mandatory": true},
    ]});
    let loaded = Scene::new().with(&document).load(&reference(VCT)).await.unwrap();
    let good = json!({"name": "Mira", "tags": ["a", "b"], "address": {"city": "Bern"}});
    let places = |places: Value| serde_json::from_value::<Vec<Vec<PathStep>>>(places).unwrap();
    let free = places(json!([["name"], ["tags"]]));
    assert_eq!(loaded.validate(&good, &free), [""; 0]);
    let table = [
        (good.clone(), json!([["tags"]]), "a claim can't be withheld, which its type demands"),
        (good, json!([["name"], ["tags"], ["tags", 1]]), "a claim can be withheld, which its type forbids"),
        (
            json!({"name": "Mira", "tags": [], "address": {}}),
            json!([["name"], ["tags"]]),
            "a claim that its type makes mandatory is missing",
        ),
        (
            json!({"name": "Mira", "address": "Bern"}),
            json!([["name"]]),
            "a claim has not the form that its type describes",
        ),
    ];
    for (claims, disclosable, expected) in table {
        assert_eq!(loaded.validate(&claims, &places(disclosable)), [expected], "{claims}");
    }
    let wide = json!({"name": "", "tags": vec![0; 60_000], "address": {"city": ""}});
    assert_eq!(loaded.validate(&wide, &free), ["it describes more claims than are looked at"]);
}

#[tokio::test]
async fn types_of_the_specification_and_of_others() {
    let Some(folder) = vectors("sd-jwt/type-metadata") else { return };
    let file = |name: &str| std::fs::read(folder.join(name)).unwrap();
    // The hashes that the index has of the files.
    let table = [
        ("credential_payload_sd_jwt_metadata.json", None, 4),
        ("example-metadata.json", Some("sha256-++jYeHww4RvLjPUoZMynJIFFDifJmktKi2QrmAIWYqk="), 7),
        ("example-v2-metadata.json", Some("sha256-ehBPr9inEhgob13K0QO68QW6YtrVSiV3A2wiCWojJpw="), 9),
        ("example-v3-metadata.json", Some("sha256-RyOk4czfryyEiqUGWyMMISJaI64KJ3xGvbmuzuxgNQI="), 9),
        ("example_pid_1.json", Some("sha256-44Ectg/fOPsm9CVK+y0s3zsC5+TkBvlVxnD6jmt/MjQ="), 5),
        ("example_pid_nl_1.json", Some("sha256-pmoDkyqrAzpwWC8o5m64Pt30tSnDBMiriYdfIa5ZuXg="), 7),
        ("pid-metadata.json", Some("sha256-NnOx001F9i3zrG0L52xkjlFw+4FXdqnezDjMBr+V3gQ="), 6),
        ("sd_jwt_vc_spec_metadata.json", Some("sha256-1Pp2boBcEUZtGaiQh7ZgF+Pcz2qPnkzh0arWt2ROKXI="), 7),
        ("simple-embedded-metadata.json", Some("sha256-06OPSPD3jrp6zxWCnRxZHssrgBSk1wvnC+hVwfygBCw="), 1),
    ];
    for (name, integrity, claims) in table {
        let octets = file(name);
        let document = read::document(&octets).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!document.malformed, "{name}");
        assert_eq!(document.claims.len(), claims, "{name}");
        let Some(integrity) = integrity else { continue };
        assert_eq!(integrity::check(integrity, &octets), Ok(()), "{name}");
        assert_eq!(integrity::check(integrity, &octets[1..]), Err(IntegrityError::Mismatch), "{name}");
    }

    // Three that extend each other by address, the links with their hashes.
    let example = |name: &str| format!("https://sd_jwt_vc_metadata.example.com/{name}");
    let mut scene = Scene::new();
    for (vct, name) in [
        ("example_credential", "example-metadata.json"),
        ("example_credential_v2", "example-v2-metadata.json"),
        ("example_credential_v3", "example-v3-metadata.json"),
    ] {
        scene.documents = scene.documents.with_body(&example(vct), "application/json", file(name));
    }
    let loaded = scene.load(&with_integrity(&example("example_credential_v3"), table[3].1.unwrap())).await.unwrap();
    assert_eq!(loaded.remarks, [""; 0]);
    let metadata = loaded.metadata;
    assert_eq!(metadata.extends, [example("example_credential_v2"), example("example_credential")]);
    assert_eq!(choose(&metadata.display, Some("nl")).unwrap().name.as_deref(), Some("NL Wallet persoonsgegevens"));
    let claim = |path: Value| metadata.claims.iter().find(|claim| json!(claim.path) == path).unwrap();
    let debt = claim(json!(["financial", "debt_amount"]));
    assert_eq!(
        (debt.sd, debt.display[0].name.as_deref()),
        (SelectiveDisclosure::Always, Some("Amount of debt (in euros)"))
    );
    assert_eq!(claim(json!(["birth_date"])).svg_id.as_deref(), Some("identifier"));
    assert_eq!(claim(json!(["place_of_birth", "country", "is_eu_member"])).sd, SelectiveDisclosure::Never);

    // Two whose names are no addresses, so they come along with the credential.
    let embedded = vec![file("example_pid_1.json"), file("example_pid_nl_1.json")];
    let pid = TypeReference { embedded, ..with_integrity("urn:example:pid:nl:1", table[5].1.unwrap()) };
    let metadata = Scene::new().load(&pid).await.unwrap().metadata;
    assert_eq!(metadata.claims.len(), 7);
    assert_eq!(metadata.claims[0].display[0].name.as_deref(), Some("Achternaam"));
    assert_eq!(metadata.display[1].background_color.as_deref(), Some("#C7E8EE"));

    let embedded = read::document(&file("simple-embedded-metadata.json")).unwrap();
    let (display, _) = embedded.display.unwrap();
    assert!(display[0].logo.as_ref().unwrap().uri.starts_with("data:image/png;base64,"));

    // The specification's own: the hashes printed there are of no text that is.
    let printed = read_vector(&folder.parent().unwrap().join("sdjwtvc18-type-metadata.json"));
    let mut whole = printed["type_metadata"].clone();
    let base = json!({"vct": whole["extends"]});
    whole.as_object_mut().unwrap().remove("extends#integrity");
    let loaded = Scene::new().with(&whole).with(&base).load(&reference(whole["vct"].as_str().unwrap())).await.unwrap();
    assert_eq!(loaded.remarks, [""; 0]);
    assert_eq!(loaded.metadata.svg_templates.len(), 2);
    assert_eq!(loaded.metadata.claims.len(), 7);
    let remarks = loaded.validate(&printed["vct_claims"], &[]);
    assert_eq!(remarks, ["a claim can't be withheld, which its type demands"]);
    let (base, custom) = (&printed["extends_example"]["base"], &printed["extends_example"]["custom"]);
    let merged = Scene::new().with(base).with(custom).metadata(custom["vct"].as_str().unwrap()).await.unwrap();
    let effective: Vec<_> = merged
        .claims
        .iter()
        .map(|claim| {
            let display: Vec<_> =
                claim.display.iter().map(|label| json!({"label": label.name, "locale": label.locale})).collect();
            json!({"path": claim.path, "display": display})
        })
        .collect();
    assert_eq!(json!(effective), printed["extends_example"]["effective"]["claims"]);
}
