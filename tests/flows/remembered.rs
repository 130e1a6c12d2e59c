//! Metadata that the wallet has in mind: how long, and what makes it ask again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use billfold::{AcceptOptions, Advice, ErrorCode, Issuance, Step, Wallet};
use billfold_test_issuer::{AuthorizationServer, Encryption, OfferSpec, Options};
use serde_json::{Value, json};

use crate::meddling::{meddled, with_json};
use crate::world::{JWT_VC, Moved, SD_JWT, World, code, failure, pre_authorized};

const ISSUER: &str = "/.well-known/openid-credential-issuer";
const SERVER: &str = "/.well-known/oauth-authorization-server";
const DEGREE: &str = "UniversityDegree_dc_sd_jwt";

async fn open(world: &World, wallet: &Wallet, spec: &OfferSpec) -> Issuance {
    wallet.open_offer(&world.offer(spec).link).await.expect("the offer opens")
}

/// A wallet that reads issuer metadata as the test changes it; the closure is told the how manieth it is.
fn changed(world: &World, change: impl Fn(usize, &mut Value) + Send + Sync + 'static) -> Wallet {
    let count = AtomicUsize::new(0);
    meddled(world, ISSUER, move |_, answer| {
        let nth = count.fetch_add(1, Ordering::SeqCst);
        with_json(answer, |document| change(nth, document))
    })
}

#[tokio::test]
async fn a_second_offer_of_the_same_issuer_costs_no_metadata() {
    for authorization_server in [AuthorizationServer::Own, AuthorizationServer::Path, AuthorizationServer::Two] {
        let world = World::with(Options { authorization_server, ..Options::default() }).await;
        let wallet = world.wallet();
        world.verified(&open(&world, &wallet, &pre_authorized(SD_JWT)).await.accept().await.expect("issued")).await;
        world.issuer.reset_log();
        world.verified(&open(&world, &wallet, &pre_authorized(JWT_VC)).await.accept().await.expect("issued")).await;
        let metadata = world.requests().into_iter().filter(|request| request.contains("/.well-known/o"));
        assert_eq!(metadata.collect::<Vec<_>>(), Vec::<String>::new(), "{authorization_server:?}");
        // Another wallet knows nothing of it: it may have another language, and other rules.
        open(&world, &world.wallet(), &pre_authorized(SD_JWT)).await;
        assert_eq!(world.count(ISSUER), 1);
    }
}

#[tokio::test]
async fn what_is_remembered_is_forgotten_after_five_minutes() {
    let world = World::new().await;
    let clock = Moved::default();
    let wallet = world.builder().clock(clock.clone()).build().expect("a wallet");
    for (pass, asked) in [(0, 1), (290, 1), (20, 2), (290, 2), (-3600, 3)] {
        clock.pass(pass);
        open(&world, &wallet, &pre_authorized(SD_JWT)).await;
        assert_eq!((world.count(ISSUER), world.count(SERVER)), (asked, asked), "after {pass} more seconds");
    }
}

#[tokio::test]
async fn an_issuer_can_say_how_long_or_not_at_all() {
    for (header, value, opened_later) in
        [("cache-control", "no-store", (3, 1)), ("cache-control", "max-age=60", (2, 1)), ("expires", "0", (3, 1))]
    {
        let world = World::new().await;
        let clock = Moved::default();
        let transport = crate::meddling::meddling(ISSUER, move |_, mut answer| {
            answer.headers_mut().insert(header, value.parse().expect("a value"));
            answer
        });
        let wallet = world.builder().http(transport).clock(clock.clone()).build().expect("a wallet");
        open(&world, &wallet, &pre_authorized(SD_JWT)).await;
        open(&world, &wallet, &pre_authorized(SD_JWT)).await;
        clock.pass(61);
        open(&world, &wallet, &pre_authorized(SD_JWT)).await;
        assert_eq!((world.count(ISSUER), world.count(SERVER)), opened_later, "{header}: {value}");
    }
}

#[tokio::test]
async fn what_is_new_since_then_is_found() {
    let world = World::new().await;
    let wallet = changed(&world, |nth, document| {
        if nth == 0 {
            let configurations = document["credential_configurations_supported"].as_object_mut().expect("a map");
            configurations.retain(|id, _| id != DEGREE);
        }
    });
    open(&world, &wallet, &pre_authorized(JWT_VC)).await;
    let issuance = open(&world, &wallet, &pre_authorized(SD_JWT)).await;
    assert_eq!(world.count(ISSUER), 2);
    world.verified(&issuance.accept().await.expect("it is issued")).await;
    open(&world, &wallet, &pre_authorized(SD_JWT)).await;
    assert_eq!(world.count(ISSUER), 2);
}

#[tokio::test]
async fn who_asks_again_does_not_want_what_a_cache_on_the_way_has() {
    let world = World::new().await;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    let wallet = meddled(&world, ISSUER, move |request, answer| {
        seen.lock().expect("no panic").push(request.headers().get("cache-control").cloned());
        answer
    });
    open(&world, &wallet, &pre_authorized(SD_JWT)).await;
    let offer = json!({ "credential_issuer": world.issuer.issuer(), "credential_configuration_ids": ["Nothing here"] });
    failure(wallet.open_offer(&offer.to_string()).await);
    let asked: Vec<_> = asked.lock().expect("no panic").iter().map(Option::is_some).collect();
    assert_eq!(asked, [false, true]);
}

#[tokio::test]
async fn what_the_issuer_never_had_is_asked_for_once_more_and_no_oftener() {
    let world = World::new().await;
    let wallet = world.wallet();
    open(&world, &wallet, &pre_authorized(SD_JWT)).await;
    let offer = json!({ "credential_issuer": world.issuer.issuer(), "credential_configuration_ids": ["Nothing here"] });
    let error = failure(wallet.open_offer(&offer.to_string()).await);
    assert_eq!(error.code(), ErrorCode::UnknownConfiguration);
    assert_eq!(world.count(ISSUER), 2);
}

#[tokio::test]
async fn a_new_authorization_server_is_found() {
    let world = World::with(Options { authorization_server: AuthorizationServer::Two, ..Options::default() }).await;
    // At first the issuer lists the server for sign-ins only.
    let wallet = changed(&world, |nth, document| {
        if nth == 0 {
            document["authorization_servers"].as_array_mut().expect("a list").truncate(1);
        }
    });
    open(&world, &wallet, &code(SD_JWT)).await;
    let issuance = open(&world, &wallet, &pre_authorized(SD_JWT)).await;
    assert_eq!(world.count(ISSUER), 2);
    world.verified(&issuance.accept().await.expect("it is issued")).await;
}

// covers: CERR-04
#[tokio::test]
async fn an_unknown_configuration_is_looked_up_once_and_not_asked_for_again() {
    let world = World::new().await;
    let wallet = world.wallet();
    let issuance = open(&world, &wallet, &pre_authorized(SD_JWT)).await;
    world.issuer.set_fault("unknown-credential-configuration-at-credential").expect("a fault");
    let error = failure(issuance.accept().await);
    assert_eq!((error.code(), error.advice()), (ErrorCode::ConfigurationRefused, Advice::TellIssuer));
    assert_eq!(error.server_error().expect("its words").error, "unknown_credential_configuration");
    assert_eq!((world.count("/token"), world.count("/credential"), world.count(ISSUER)), (1, 1, 2));
    // What failed once is not trusted from memory.
    world.issuer.clear_faults();
    world.verified(&open(&world, &wallet, &pre_authorized(SD_JWT)).await.accept().await.expect("issued")).await;
    assert_eq!(world.count(ISSUER), 3);
}

// covers: CERR-04
#[tokio::test]
async fn a_configuration_that_is_gone_needs_another_offer() {
    let world = World::new().await;
    let wallet = changed(&world, |nth, document| {
        if nth > 0 {
            let configurations = document["credential_configurations_supported"].as_object_mut().expect("a map");
            configurations.retain(|id, _| id != DEGREE);
        }
    });
    let issuance = open(&world, &wallet, &pre_authorized(SD_JWT)).await;
    world.issuer.set_fault("unknown-credential-configuration-at-credential").expect("a fault");
    let error = failure(issuance.accept().await);
    assert_eq!((error.code(), error.advice()), (ErrorCode::ConfigurationRefused, Advice::GetNewOffer));
    assert_eq!((world.count("/credential"), world.count(ISSUER)), (1, 2));
}

// covers: CERR-04
#[tokio::test]
async fn an_endpoint_that_has_moved_is_tried_once() {
    let world = World::new().await;
    let wallet = changed(&world, |nth, document| {
        let endpoint = document["credential_endpoint"].as_str().expect("text").to_owned();
        document["credential_endpoint"] = json!(format!("{endpoint}?at={nth}"));
    });
    let issuance = open(&world, &wallet, &pre_authorized(SD_JWT)).await;
    world.issuer.set_fault_times("unknown-credential-configuration-at-credential", 1).expect("a fault");
    world.verified(&issuance.accept().await.expect("it is issued")).await;
    let queries: Vec<_> = world.issuer.log().requests.into_iter().filter(|entry| entry.path == "/credential").collect();
    let queries: Vec<_> = queries.iter().map(|entry| entry.query.as_deref().unwrap_or_default()).collect();
    assert_eq!(queries, ["at=0", "at=1"]);
    assert_eq!((world.count("/token"), world.count("/nonce")), (1, 2), "each proof has a nonce of its own");

    // It moves each time: that is the end of it.
    let issuance = open(&world, &wallet, &pre_authorized(SD_JWT)).await;
    world.issuer.set_fault("unknown-credential-configuration-at-credential").expect("a fault");
    assert_eq!(failure(issuance.accept().await).code(), ErrorCode::ConfigurationRefused);
    assert_eq!(world.count("/credential"), 4);
}

// covers: CERR-04
#[tokio::test]
async fn an_unknown_identifier_needs_another_token() {
    for (spec, advice) in [(pre_authorized(SD_JWT), Advice::GetNewOffer), (code(SD_JWT), Advice::StartOver)] {
        let world = World::with(Options { credential_identifiers: true, ..Options::default() }).await;
        let wallet = world.wallet();
        let issuance = open(&world, &wallet, &spec).await;
        world.issuer.set_fault("unknown-credential-identifier-at-credential").expect("a fault");
        let error = if advice == Advice::StartOver {
            let redirect = world.sign_in(&issuance.accept().await.expect("a sign-in")).await;
            failure(issuance.submit_redirect(&redirect).await)
        } else {
            failure(issuance.accept_with(AcceptOptions::default()).await)
        };
        assert_eq!((error.code(), error.advice()), (ErrorCode::ConfigurationRefused, advice));
        assert_eq!((world.count("/credential"), world.count(ISSUER)), (1, 1), "neither helps");
        open(&world, &wallet, &spec).await;
        assert_eq!(world.count(ISSUER), 2, "it is not trusted from memory");
    }
}

#[tokio::test]
async fn metadata_that_cannot_be_read_again_leaves_the_first_error() {
    let world = World::new().await;
    let calls = Arc::new(AtomicUsize::new(0));
    let seen = calls.clone();
    let wallet = meddled(&world, ISSUER, move |_, good| {
        if seen.fetch_add(1, Ordering::SeqCst) == 0 { good } else { crate::meddling::answer(500, &json!({})) }
    });
    let issuance = open(&world, &wallet, &pre_authorized(SD_JWT)).await;
    world.issuer.set_fault("unknown-credential-configuration-at-credential").expect("a fault");
    let error = failure(issuance.accept().await);
    assert_eq!((error.code(), calls.load(Ordering::SeqCst)), (ErrorCode::ConfigurationRefused, 2));
    assert_eq!(world.count("/credential"), 1);
}

#[tokio::test]
async fn what_is_under_way_goes_on_by_what_it_was_begun_with() {
    // Two credentials, and metadata that forgets the second when it is read again because of the first.
    let world = World::new().await;
    let wallet = changed(&world, |nth, document| {
        if nth > 0 {
            let configurations = document["credential_configurations_supported"].as_object_mut().expect("a map");
            configurations.retain(|id, _| id == DEGREE);
        }
    });
    let mut spec = pre_authorized(SD_JWT);
    spec.configurations = Some(vec![DEGREE.into(), "UniversityDegree_jwt_vc_json".into()]);
    let issuance = open(&world, &wallet, &spec).await;
    world.issuer.set_fault_times("unknown-credential-configuration-at-credential", 1).expect("a fault");
    let Step::Done { credentials, failures } = issuance.accept().await.expect("the second is issued") else { panic!() };
    assert_eq!((credentials.len(), failures.len()), (1, 1));
    assert_eq!(world.count(ISSUER), 2);

    // A deferred one, and metadata without the place to get it from.
    let options = Options { encryption: Encryption::Offered, deferred_waits: Some(1), ..Options::default() };
    let world = World::with(options).await;
    let wallet = changed(&world, |nth, document| {
        if nth > 0 {
            document.as_object_mut().expect("an object").remove("deferred_credential_endpoint");
        }
    });
    let issuance = open(&world, &wallet, &pre_authorized(SD_JWT)).await;
    let mut step = issuance.accept().await.expect("accepted");
    world.issuer.set_fault_times("invalid-encryption-parameters-at-deferred", 1).expect("a fault");
    while let Step::Wait { .. } = step {
        tokio::time::sleep(Duration::from_millis(1100)).await;
        step = issuance.poll().await.expect("asked again");
    }
    world.verified(&step).await;
    assert_eq!(world.count(ISSUER), 2);
}
