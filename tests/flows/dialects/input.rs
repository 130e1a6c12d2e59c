//! Issuers that say things in several ways at once, in a wrong way, or halfway.

use billfold::platform::http::{HttpRequest, HttpResponse};
use billfold::{ErrorCode, Step, Tolerance};
use billfold_test_issuer::{Grant, MadeOffer};
use serde_json::{Map, Value, json};

use super::holder::Visit;
use super::systems::{named, plain_offer};
use crate::meddling::with_json;
use crate::world::failure;

const CONFIGURATIONS: &str = "credential_configurations_supported";
const SUPPORTED: &str = "credentials_supported";

fn at(request: &HttpRequest, part: &str) -> bool {
    request.uri().path().contains(part)
}

/// Changes answers of a kind that are JSON and no refusals.
fn changing(
    part: &'static str,
    change: impl Fn(&mut Value) + Send + Sync + 'static,
) -> impl Fn(&HttpRequest, HttpResponse) -> HttpResponse + Send + Sync + 'static {
    move |request, came| {
        if at(request, part) && came.status().is_success() { with_json(came, &change) } else { came }
    }
}

const ISSUER: &str = "/openid-credential-issuer";

/// Gets the offer in spite of all; what was put up with.
async fn got(
    visit: &Visit,
    offer: &MadeOffer,
    change: impl Fn(&HttpRequest, HttpResponse) -> HttpResponse + Send + Sync + 'static,
) -> Vec<Tolerance> {
    let holder = visit.holder().meddled(change);
    let wallet = holder.wallet(offer);
    let (issuance, step) = holder.get(&wallet, offer).await.expect(visit.system.name);
    assert!(matches!(&step, Step::Done { failures, .. } if failures.is_empty()), "{step:?}");
    issuance.tolerated().await.expect("a list")
}

async fn draft13() -> (Visit, MadeOffer) {
    let visit = named("draft13").visit().await;
    let offer = plain_offer(&visit, Grant::PreAuthorized).expect("it is there");
    (visit, offer)
}

fn listed(map: &Map<String, Value>) -> Value {
    let entries = map.iter().map(|(id, entry)| {
        let mut entry = entry.clone();
        entry["id"] = json!(id);
        entry
    });
    entries.collect()
}

#[tokio::test]
async fn both_catalogues_at_once_and_a_list_under_the_new_name() {
    let (visit, offer) = draft13().await;
    let both = changing(ISSUER, |document| {
        let older = listed(document[CONFIGURATIONS].as_object().expect("a map"));
        document[SUPPORTED] = older;
    });
    let tolerated = got(&visit, &visit.again(&offer), both).await;
    assert!(!tolerated.contains(&Tolerance::CredentialsSupported), "the newer one counts: {tolerated:?}");
    let half = changing(ISSUER, |document| {
        document[CONFIGURATIONS] = listed(document[CONFIGURATIONS].as_object().expect("a map"));
    });
    let tolerated = got(&visit, &visit.again(&offer), half).await;
    assert!(tolerated.contains(&Tolerance::CatalogueList), "{tolerated:?}");
    // What 1.0 has beside what drafts have.
    let mixed = changing(ISSUER, |document| {
        for entry in document[CONFIGURATIONS].as_object_mut().expect("a map").values_mut() {
            entry["credential_metadata"] = json!({ "display": [{ "name": "Both" }] });
        }
    });
    let holder = visit.holder().meddled(mixed);
    let offer = visit.again(&offer);
    let wallet = holder.wallet(&offer);
    let issuance = wallet.open_offer(&offer.link).await.expect("it opens");
    // It is asked for in one form or the other, with one token, and in three tries at most.
    let got = issuance.accept().await;
    let asked = holder.line.count(super::holder::Sent::is_credential);
    assert!(asked <= 3, "{asked}");
    assert_eq!(holder.line.count(super::holder::Sent::is_token), 1);
    assert!(matches!(got, Ok(Step::Done { .. })), "{got:?}");
}

#[tokio::test]
async fn nonsense_among_good_configurations_is_left_alone() {
    for name in ["final", "draft15", "draft13", "draft12", "draft11", "didroom", "sphereon 0.20"] {
        let visit = named(name).visit().await;
        let grant = super::systems::grants(&visit)[0];
        let offer = plain_offer(&visit, grant).expect("it is there");
        let spoiled = |document: &mut Value| {
            let nonsense = [
                json!(7),
                json!(null),
                json!([]),
                json!({ "format": 5 }),
                json!({ "id": {}, "format": "jwt_vc_json" }),
            ];
            for (at, bad) in nonsense.into_iter().enumerate() {
                for name in [CONFIGURATIONS, SUPPORTED] {
                    match document.get_mut(name) {
                        Some(Value::Object(map)) => drop(map.insert(format!("Nonsense{at}"), bad.clone())),
                        Some(Value::Array(list)) => list.push(bad.clone()),
                        _ => {}
                    }
                }
            }
        };
        got(&visit, &visit.again(&offer), changing(ISSUER, spoiled)).await;
        // Offered itself, it is told before anything is spent.
        let ruined = |document: &mut Value| {
            for name in [CONFIGURATIONS, SUPPORTED] {
                match document.get_mut(name) {
                    Some(Value::Object(map)) => map.values_mut().for_each(|entry| entry["format"] = json!(7)),
                    Some(Value::Array(list)) => list.iter_mut().for_each(|entry| entry["format"] = json!(7)),
                    _ => {}
                }
            }
        };
        let holder = visit.holder().meddled(changing(ISSUER, ruined));
        let offer = visit.again(&offer);
        let error = failure(holder.get(&holder.wallet(&offer), &offer).await);
        let telling = [ErrorCode::MetadataMalformed, ErrorCode::UnknownConfiguration];
        assert!(telling.contains(&error.code()), "{name}: {error}");
        assert_eq!(holder.line.count(super::holder::Sent::is_token), 0, "{name}");
    }
}

#[tokio::test]
async fn numbers_as_texts_and_moments_as_durations() {
    let (visit, offer) = draft13().await;
    let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let as_text = changing("/token", |token| {
        token["expires_in"] = json!(token["expires_in"].to_string());
        token["c_nonce_expires_in"] = json!("300");
    });
    let tolerated = got(&visit, &visit.again(&offer), as_text).await;
    assert!(tolerated.contains(&Tolerance::ValueType), "{tolerated:?}");
    let moment = changing("/token", move |token| token["expires_in"] = json!(now() + 300));
    let tolerated = got(&visit, &visit.again(&offer), moment).await;
    assert!(tolerated.contains(&Tolerance::AbsoluteExpiry), "{tolerated:?}");
}

#[tokio::test]
async fn endpoints_may_be_on_another_host_in_a_draft_too() {
    let (visit, offer) = draft13().await;
    let moved = changing(ISSUER, |document| {
        let endpoint = document["credential_endpoint"].as_str().expect("text").replace("127.0.0.1", "localhost");
        document["credential_endpoint"] = json!(endpoint);
    });
    got(&visit, &visit.again(&offer), moved).await;
    let log = visit.world.issuer.log();
    let asked = log.requests.iter().find(|entry| entry.path.ends_with("/credential")).expect("a request");
    assert!(asked.host.starts_with("localhost"), "{}", asked.host);
}

#[tokio::test]
async fn an_offer_in_the_words_of_two_drafts() {
    let (visit, offer) = draft13().await;
    let mut offer = visit.again(&offer);
    let mut words = offer.offer.clone();
    words["credentials"] = json!(["Something_else"]);
    let text =
        percent_encoding::utf8_percent_encode(&words.to_string(), percent_encoding::NON_ALPHANUMERIC).to_string();
    let link = format!("openid-credential-offer://?credential_offer={text}");
    offer.link = link;
    let tolerated = got(&visit, &offer, |_, came| came).await;
    assert!(tolerated.contains(&Tolerance::MixedOffer), "{tolerated:?}");
}
