//! Cards of three issuers: as they come over HTTP, as they come out of the store, and without a network.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use billfold::platform::http::{
    HttpLimits, HttpRequest, HttpResponse, HttpTransport, TransportError, TransportErrorKind,
};
use billfold::platform::memory::MemoryStore;
use billfold::platform::software_keys::SoftwareKeys;
use billfold::platform::store::{Change, CredentialStore as _, Expected, Table};
use billfold::{Card, CardState, ClaimValue, CredentialId, ImageType, Wallet};
use billfold_test_issuer::{Display, Options};
use serde_json::{Value, json};

use crate::world::{JWT_VC, SD_JWT, World, pre_authorized};

/// Each issuer with the format of its credential and the languages that its cards are asked for in.
const ISSUERS: [(&str, Display, &str, [&str; 2]); 3] = [
    ("alpine", Display::Alpine, SD_JWT, ["de-CH-1996", "fr"]),
    ("harbour", Display::Harbour, "mso_mdoc", ["nl-BE", "ar"]),
    ("plain", Display::Plain, JWT_VC, ["pt-BR", "en"]),
];

/// When the credentials of the fixtures expire.
const FAR_OFF: &str = "2999-01-01";
const FAR_OFF_SECONDS: i64 = 32_472_144_000;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cards").join(name)
}

fn read(name: &str) -> Value {
    let content = std::fs::read(fixture(name)).expect("a fixture");
    serde_json::from_slice(&content).expect("JSON")
}

/// Compares with a fixture, or writes it.
fn held_against(name: &str, found: &Value) {
    if std::env::var_os("BILLFOLD_RECORD_CARDS").is_some() {
        let content = serde_json::to_string_pretty(found).expect("JSON");
        std::fs::write(fixture(name), content + "\n").expect("it can be written");
    } else {
        assert_eq!(*found, read(name), "{name}");
    }
}

/// A card as the fixtures have it: of an issuer with a name instead of a port, and with their time.
fn normal(card: &Card, base: &str, name: &str) -> Value {
    let mut card = card.clone();
    if let (Some(at), Some(text)) = (card.expires_at, &card.expiry_text) {
        let day = at.to_string()[..10].to_owned();
        card.expiry_text = Some(text.replace(&day, FAR_OFF));
        card.expires_at = Some(billfold::Timestamp::from_seconds(FAR_OFF_SECONDS));
    }
    named(&serde_json::to_string(&card).expect("JSON"), base, name)
}

/// JSON in which an issuer has a name in the place of its port.
fn named(text: &str, base: &str, name: &str) -> Value {
    let text = text.replace(base, &format!("https://{name}.example"));
    let text = text.replace(base.trim_start_matches("http://"), &format!("{name}.example"));
    serde_json::from_str(&text).expect("JSON")
}

/// What was recorded of a stored credential: nothing that changes from one time to the next.
fn record(credential: &billfold::Credential, base: &str, name: &str) -> Value {
    let mut stored = serde_json::to_value(credential).expect("JSON");
    stored["id"] = json!(name);
    stored["expires_at"] = json!(FAR_OFF_SECONDS);
    stored["issued_at"] = json!(1_790_000_000);
    stored["contact"] = Value::Null;
    stored["instances"][0]["raw"] = json!("left out");
    let members = stored.as_object_mut().expect("members");
    members.remove("authorization");
    members.remove("issuer_jwks");
    members.insert("issuer_jwks".to_owned(), Value::Null);
    if !members["valid_from"].is_null() {
        members.insert("valid_from".to_owned(), json!(1_790_000_000));
    }
    named(&stored.to_string(), base, name)
}

#[tokio::test]
async fn cards_of_three_issuers_over_http() {
    for (name, display, format, locales) in ISSUERS {
        let world = World::with(Options { display, ..Options::default() }).await;
        let base = world.issuer.issuer().to_owned();
        let issuance = world.open(&pre_authorized(format)).await;
        let credential = world.verified(&issuance.accept().await.expect("it is issued")).await;
        if std::env::var_os("BILLFOLD_RECORD_CARDS").is_some() {
            held_against(&format!("{name}.json"), &record(&credential, &base, name));
        }
        for locale in locales {
            let card = world.wallet().card(&credential.id, Some(locale)).await.expect("a card");
            held_against(&format!("{name}.{locale}.json"), &normal(&card, &base, name));
        }
        // Each picture was fetched once, whatever the language; nothing was asked that is known to be none.
        let asked = |path: &str| world.requests().into_iter().filter(|request| request.contains(path)).count();
        let expected = match name {
            "alpine" => vec![("/pictures/alpine.svg", 1), ("/pictures/page.png", 1), ("/pictures/", 2)],
            "harbour" => vec![("/pictures/sea", 1), ("/pictures/harbour.png", 1), ("/pictures/", 2)],
            _ => vec![("/pictures/", 0)],
        };
        for (path, times) in expected {
            assert_eq!(asked(path), times, "{name} {path}");
        }
        // Without its server, and in another process.
        let wallet = world.wallet();
        world.issuer.stop();
        for locale in locales {
            let card = wallet.card(&credential.id, Some(locale)).await.expect("a card");
            held_against(&format!("{name}.{locale}.json"), &normal(&card, &base, name));
        }
    }
}

/// Answers from the fixtures, or not at all.
struct Pictures {
    known: Value,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl HttpTransport for Pictures {
    async fn send(&self, request: HttpRequest, limits: HttpLimits) -> Result<HttpResponse, TransportError> {
        let url = request.uri().to_string();
        self.asked.lock().expect("unharmed").push(url.clone());
        // Only the issuer's own host may be anywhere.
        assert!(limits.total_timeout.as_secs() <= 5 && limits.max_body_bytes <= 512 * 1024);
        if self.known.is_null() {
            return Err(TransportError::new(TransportErrorKind::Unreachable, false, "no network"));
        }
        let entry = &self.known[&url];
        let response = http::Response::builder();
        let Some(file) = entry["file"].as_str() else {
            return Ok(response.status(404).body(Vec::new()).expect("legal"));
        };
        let content = std::fs::read(fixture("pictures").join(file)).expect("a picture");
        let response = response.header("content-type", entry["content_type"].as_str().expect("a type"));
        Ok(response.body(content).expect("legal"))
    }
}

fn wallet(store: &Arc<MemoryStore>, known: Value) -> (Wallet, Arc<Pictures>) {
    let pictures = Arc::new(Pictures { known, asked: Mutex::default() });
    let builder = Wallet::builder("com.example.wallet").http(pictures.clone()).keys(SoftwareKeys::new());
    (builder.store(store.clone()).build().expect("a wallet"), pictures)
}

async fn stored() -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::new());
    for (name, ..) in ISSUERS {
        let content = serde_json::to_vec(&read(&format!("{name}.json"))).expect("JSON");
        let put = Change::Put { table: Table::Credentials, id: name.to_owned(), content, expected: Expected::Nothing };
        store.commit(vec![put]).await.expect("it is kept");
    }
    store
}

#[tokio::test]
async fn cards_of_three_issuers_from_the_store() {
    let store = stored().await;
    for (online, known) in [(true, read("pictures.json")), (false, Value::Null)] {
        let (wallet, pictures) = wallet(&store, known);
        for (name, _, _, locales) in ISSUERS {
            for locale in locales {
                let card = wallet.card(&CredentialId::from(name), Some(locale)).await.expect("a card");
                let card = serde_json::to_value(card).expect("JSON");
                assert_eq!(card, read(&format!("{name}.{locale}.json")), "{name} {locale} {online}");
            }
        }
        let asked = pictures.asked.lock().expect("unharmed").len();
        assert_eq!(asked, if online { 4 } else { 0 });
    }
}

#[tokio::test]
async fn a_card_does_without_pictures() {
    let store = stored().await;
    let (wallet, pictures) = wallet(&store, Value::Null);
    let harbour = CredentialId::from("harbour");
    let card = wallet.card(&harbour, Some("en")).await.expect("a card");
    assert_eq!((card.title.as_str(), card.state), ("Driving Licence", CardState::Valid));
    let background = card.background_image.expect("there is one to be had");
    assert_eq!((background.media_type, background.bytes), (None, None));
    // What came within the metadata needs no network.
    assert_eq!(card.logo.and_then(|logo| logo.media_type), Some(ImageType::Png));
    let portrait = card.claims.iter().find_map(|claim| match &claim.value {
        ClaimValue::Image(image) => image.media_type,
        _ => None,
    });
    assert_eq!(portrait, Some(ImageType::Jpeg));
    // Nobody waits for the same server twice in a minute.
    wallet.card(&harbour, Some("nl")).await.expect("a card");
    assert_eq!(pictures.asked.lock().expect("unharmed").len(), 2);
}
