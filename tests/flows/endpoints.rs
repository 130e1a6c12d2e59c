//! Where metadata is found, and what the addresses in it may be.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use billfold::platform::http::{HttpLimits, HttpRequest, HttpResponse, HttpTransport, TransportError};
use billfold::platform::reqwest::ReqwestTransport;
use billfold::{AcceptOptions, Dialects, ErrorCode, Profile, RequestOutcome, Tolerance};
use billfold_test_issuer::Options;
use serde_json::{Value, json};

use crate::meddling::{answer, meddled, meddling, with_json};
use crate::world::{SD_JWT, World, code, failure, pre_authorized};

const ISSUER: &str = "/.well-known/openid-credential-issuer";
const SERVER: &str = "/.well-known/oauth-authorization-server";

/// An issuer under `/tenant` whose documents are elsewhere: asked at `to`, it answers as it does at `from`;
/// at all other well-known addresses it has this status.
struct Elsewhere {
    places: Vec<(&'static str, &'static str)>,
    status: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl HttpTransport for Elsewhere {
    async fn send(&self, mut request: HttpRequest, limits: HttpLimits) -> Result<HttpResponse, TransportError> {
        let path = request.uri().path().to_owned();
        if path.contains("/.well-known/o") {
            self.asked.lock().expect("no panic").push(path.clone());
            let Some((from, _)) = self.places.iter().find(|(_, to)| *to == path) else {
                return Ok(answer(self.status, &json!({ "error": "not_found" })));
            };
            let uri = request.uri().to_string().replace(&path, from);
            *request.uri_mut() = uri.parse().expect("an address");
        }
        ReqwestTransport::new().send(request, limits).await
    }
}

async fn tenant() -> World {
    World::with(Options { path: "/tenant".to_owned(), ..Options::default() }).await
}

// covers: META-02, META-03, ASM-01, ASM-02, HAIP-17
#[tokio::test]
async fn documents_in_the_places_of_older_issuers_are_found_but_not_by_haip() {
    let (issuer, server) =
        ("/.well-known/openid-credential-issuer/tenant", "/.well-known/oauth-authorization-server/tenant");
    let haip = || AcceptOptions { profile: Some(Profile::Haip), ..AcceptOptions::default() };
    for (place_of_issuer, place_of_server, said) in [
        (issuer, server, None),
        ("/tenant/.well-known/openid-credential-issuer", server, Some("OpenID4VCI 1.0")),
        (issuer, "/tenant/.well-known/openid-configuration", Some("RFC 8414")),
        (issuer, "/.well-known/openid-configuration/tenant", Some("RFC 8414")),
        (issuer, "/tenant/.well-known/oauth-authorization-server", Some("RFC 8414")),
    ] {
        let world = tenant().await;
        let places = vec![(issuer, place_of_issuer), (server, place_of_server)];
        let asked = Arc::new(Mutex::new(Vec::new()));
        let transport = Elsewhere { places, status: 404, asked: asked.clone() };
        let wallet = world.builder().http(transport).build().expect("a wallet");
        let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
        let asked = asked.lock().expect("no panic").clone();
        let first = |one: &&String| [issuer, server].contains(&one.as_str());
        assert_eq!(asked.iter().filter(first).count(), 2, "the places of 1.0 come first: {asked:?}");
        assert_eq!(asked.len() == 2, said.is_none(), "and no other is asked where they will do: {asked:?}");
        if let Some(said) = said {
            let error = failure(issuance.accept_with(haip()).await);
            assert_eq!(error.code(), ErrorCode::ProfileViolated);
            assert!(error.detail().contains(said), "{error}");
        }
        world.verified(&issuance.accept().await.expect("it is issued")).await;
    }
}

// covers: META-03, META-05
#[tokio::test]
async fn only_a_plain_not_there_leads_elsewhere() {
    for (status, code) in [
        (404, ErrorCode::MetadataUnavailable),
        (403, ErrorCode::MetadataUnavailable),
        (410, ErrorCode::MetadataUnavailable),
        (500, ErrorCode::ServerFailed),
    ] {
        let world = tenant().await;
        let asked = Arc::new(Mutex::new(Vec::new()));
        let transport = Elsewhere { places: Vec::new(), status, asked: asked.clone() };
        let wallet = world.builder().http(transport).build().expect("a wallet");
        let error = failure(wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await);
        assert_eq!((error.code(), error.http_status()), (code, Some(status)));
        let asked = asked.lock().expect("no panic");
        let of_issuer = asked.iter().filter(|path| path.contains("credential-issuer")).count();
        let of_server = asked.len() - of_issuer;
        assert_eq!((of_issuer, of_server), if status == 404 { (2, 4) } else { (1, 1) }, "{status}: {asked:?}");
    }
}

// covers: META-10
#[tokio::test]
async fn every_endpoint_has_to_be_https() {
    let world = World::new().await;
    for (document, member) in [
        (ISSUER, "credential_endpoint"),
        (ISSUER, "nonce_endpoint"),
        (ISSUER, "deferred_credential_endpoint"),
        (ISSUER, "notification_endpoint"),
        (SERVER, "token_endpoint"),
        (SERVER, "authorization_endpoint"),
        (SERVER, "pushed_authorization_request_endpoint"),
    ] {
        for bad in ["http://issuer.example/endpoint", "ftp://issuer.example/endpoint"] {
            world.issuer.reset_log();
            let wallet =
                meddled(&world, document, move |_, answer| with_json(answer, |json| json[member] = json!(bad)));
            let error = failure(wallet.open_offer(&world.offer(&code(SD_JWT)).link).await);
            assert_eq!((error.code(), error.outcome()), (ErrorCode::InsecureUrl, RequestOutcome::NotSent), "{member}");
            assert_eq!(world.requests().len(), 2, "{member}: nothing but metadata was asked for");
        }
        let path = move |json: &mut Value| json[member] = json!("/endpoint");
        let transport = meddling(document, move |_, answer| with_json(answer, path));
        let strict = world.builder().http(transport).dialects(Dialects::Strict).build().expect("a wallet");
        let error = failure(strict.open_offer(&world.offer(&code(SD_JWT)).link).await);
        assert_eq!(error.code(), ErrorCode::MetadataMalformed, "{member}: a path is no URL");
        for bad in [
            json!("//issuer.example/endpoint"),
            json!("endpoint"),
            json!("https://"),
            json!("https://issuer.example/#x"),
            json!(7),
        ] {
            let value = bad.clone();
            let change = move |json: &mut Value| json[member] = value.clone();
            let wallet = meddled(&world, document, move |_, answer| with_json(answer, &change));
            let opened = wallet.open_offer(&world.offer(&code(SD_JWT)).link).await;
            if ["deferred_credential_endpoint", "notification_endpoint"].contains(&member) {
                // Most issuances need neither: one that can't be used is as good as none.
                let tolerated = opened.expect("it opens").tolerated().await.expect("a list");
                assert_eq!(tolerated, [Tolerance::IgnoredMember], "{member}: {bad}");
                continue;
            }
            let error = failure(opened);
            assert_eq!(error.code(), ErrorCode::MetadataMalformed, "{member}: {bad}");
            assert!(error.detail().contains(member), "{error}");
        }
    }
}

// covers: META-10, DPOP-03
#[tokio::test]
async fn an_endpoint_keeps_its_query_and_may_be_on_another_host() {
    let world = World::new().await;
    let wallet = meddled(&world, ISSUER, |_, answer| {
        with_json(answer, |json| {
            for (member, query) in [("credential_endpoint", "tenant=1&x=%20y"), ("nonce_endpoint", "n")] {
                let moved = json[member].as_str().expect("text").replace("127.0.0.1", "localhost");
                json[member] = json!(format!("{moved}?{query}"));
            }
        })
    });
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    world.verified(&issuance.accept().await.expect("it is issued")).await;
    let log = world.issuer.log();
    for (path, query) in [("/credential", "tenant=1&x=%20y"), ("/nonce", "n")] {
        let entry = log.requests.iter().find(|entry| entry.path == path).expect("it was asked");
        assert_eq!(entry.query.as_deref(), Some(query));
        assert_eq!(entry.dpop.is_some(), path == "/credential", "htu is without the query, or it would be refused");
        assert!(entry.host.starts_with("localhost"), "{}", entry.host);
    }
}

// covers: META-15
#[tokio::test]
async fn an_endpoint_that_is_not_there_is_not_guessed() {
    let deferred = || Options { deferred_waits: Some(0), deferred_interval: 1, ..Options::default() };
    let world = World::with(Options { notification_endpoint: true, ..deferred() }).await;
    let wallet = meddled(&world, ISSUER, |_, answer| {
        with_json(answer, |json| {
            let members = json.as_object_mut().expect("an object");
            members.remove("deferred_credential_endpoint").expect("it was there");
            members.remove("notification_endpoint").expect("it was there");
        })
    });
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    let error = failure(issuance.accept().await);
    assert_eq!((error.code(), error.outcome()), (ErrorCode::ResponseMalformed, RequestOutcome::Answered));
    assert!(error.detail().contains("endpoint"), "{error}");
    assert_eq!((world.count("/credential"), world.count("/deferred")), (1, 0));

    let world = World::new().await;
    let wallet = meddled(&world, ISSUER, |_, answer| {
        with_json(answer, |json| drop(json.as_object_mut().expect("an object").remove("notification_endpoint")))
    });
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    world.verified(&issuance.accept().await.expect("it is issued")).await;
    wallet.flush().await.expect("nothing to tell");
    assert_eq!(world.count("/notification"), 0);
}

// covers: META-12, OFFER-15, OFFER-16
#[tokio::test]
async fn an_offer_may_name_the_only_server_there_is_and_no_other() {
    let world = World::new().await;
    let named = |server: &str| {
        let link = world.offer(&pre_authorized(SD_JWT)).link;
        let (start, offer) = link.split_once("credential_offer=").expect("an offer by value");
        let offer = percent_encoding::percent_decode_str(offer).decode_utf8().expect("text").into_owned();
        let mut offer: Value = serde_json::from_str(&offer).expect("JSON");
        offer["grants"]["urn:ietf:params:oauth:grant-type:pre-authorized_code"]["authorization_server"] = json!(server);
        let offer = offer.to_string();
        format!(
            "{start}credential_offer={}",
            percent_encoding::utf8_percent_encode(&offer, percent_encoding::NON_ALPHANUMERIC)
        )
    };
    let own = world.issuer.issuer().to_owned();
    let issuance = world.wallet().open_offer(&named(&own)).await.expect("it opens");
    world.verified(&issuance.accept().await.expect("it is issued")).await;
    for other in [format!("{own}/"), format!("{own}/other"), "https://as.example".to_owned()] {
        let error = failure(world.wallet().open_offer(&named(&other)).await);
        assert_eq!(error.code(), ErrorCode::AuthorizationServerUnknown, "{other}: {error}");
    }
    assert_eq!(world.count("/token"), 1);
}

// covers: ASM-03
#[tokio::test]
async fn a_server_is_who_was_asked_to_the_letter() {
    let world = World::new().await;
    for change in
        [|id: &str| format!("{id}/"), |id: &str| id.replace("http:", "HTTP:"), |id: &str| format!("{id}/other")]
    {
        let wallet = meddled(&world, SERVER, move |_, answer| {
            with_json(answer, |json| json["issuer"] = json!(change(json["issuer"].as_str().expect("text"))))
        });
        let error = failure(wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await);
        assert_eq!(error.code(), ErrorCode::AuthorizationServerMismatch, "{error}");
    }
    assert_eq!(world.count("/token"), 0);
}
