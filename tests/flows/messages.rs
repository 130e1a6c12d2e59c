//! What leaves the wallet, byte for byte: requests are kept on their way to an issuer that takes them.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use billfold::platform::clock::{Clock, SystemClock};
use billfold::platform::http::{HttpLimits, HttpRequest, HttpResponse, HttpTransport, TransportError};
use billfold::platform::reqwest::ReqwestTransport;
use billfold::{AcceptOptions, GrantType, RequestBy, Step, Wallet};
use billfold_test_issuer::{AuthorizationServer, OfferSpec, Options, Par};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::world::{JWT_VC, Moved, SD_JWT, World, code, pre_authorized};

/// Sends requests on, and keeps them.
#[derive(Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<Vec<HttpRequest>>>);

#[async_trait]
impl HttpTransport for Kept {
    async fn send(&self, request: HttpRequest, limits: HttpLimits) -> Result<HttpResponse, TransportError> {
        self.0.lock().expect("no panic").push(request.clone());
        ReqwestTransport::new().send(request, limits).await
    }
}

impl Kept {
    fn wallet(&self, world: &World) -> Wallet {
        let builder = world.builder().http(self.clone()).notify_in_background(false);
        builder.build().expect("a wallet")
    }

    async fn open(&self, world: &World, spec: &OfferSpec) -> billfold::Issuance {
        self.wallet(world).open_offer(&world.offer(spec).link).await.expect("it opens")
    }

    pub(crate) fn all(&self, path: &str) -> Vec<HttpRequest> {
        let kept = self.0.lock().expect("no panic");
        kept.iter().filter(|request| request.uri().path() == path).cloned().collect()
    }

    pub(crate) fn one(&self, path: &str) -> HttpRequest {
        let [request] = self.all(path).try_into().expect("one request");
        request
    }
}

pub(crate) fn header<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    request.headers().get(name).map(|value| value.to_str().expect("text"))
}

pub(crate) fn form(request: &HttpRequest) -> Vec<(String, String)> {
    form_urlencoded::parse(request.body()).into_owned().collect()
}

pub(crate) fn field(form: &[(String, String)], name: &str) -> Option<String> {
    form.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone())
}

fn body(request: &HttpRequest) -> Value {
    serde_json::from_slice(request.body()).expect("JSON")
}

fn members(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// Header and payload of each proof in a credential request.
fn proofs(request: &HttpRequest) -> Vec<(Value, Value)> {
    let body = body(request);
    assert_eq!(members(&body["proofs"]), ["jwt"]);
    let proofs = body["proofs"]["jwt"].as_array().expect("an array");
    assert!(!proofs.is_empty());
    let part = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON");
    let decode = |proof: &Value| {
        let [header, payload, signature] = proof.as_str().expect("text").split('.').collect::<Vec<_>>()[..] else {
            panic!("{proof}")
        };
        assert_eq!(URL_SAFE_NO_PAD.decode(signature).expect("base64url").len(), 64, "R and S");
        (part(header), part(payload))
    };
    proofs.iter().map(decode).collect()
}

// covers: CREQ-01, CREQ-03, CREQ-05, CREQ-06, CREQ-07, CREQ-10, NONCE-01, NONCE-05, SEC-09
// covers: PROOF-01, PROOF-04, PROOF-11, PROOF-12, PROOF-13, PROOF-14, PROOF-16
#[tokio::test]
async fn a_batch_is_one_request_with_a_proof_for_each_key() {
    let world = World::with(Options { anonymous_pre_authorized: false, ..Options::default() }).await;
    let kept = Kept::default();
    let three = AcceptOptions { copies: Some(3), ..AcceptOptions::default() };
    let issuance = kept.open(&world, &pre_authorized(SD_JWT)).await;
    let began = SystemClock.now().seconds();
    world.verified(&issuance.accept_with(three).await.expect("it is issued")).await;

    let nonce = kept.one("/nonce");
    assert_eq!((nonce.method().as_str(), nonce.body().len()), ("POST", 0));
    assert_eq!(header(&nonce, "content-length"), Some("0"));
    assert_eq!((header(&nonce, "authorization"), header(&nonce, "content-type")), (None, None));

    let request = kept.one("/credential");
    assert_eq!(request.method(), "POST");
    assert_eq!(header(&request, "content-type"), Some("application/json"));
    assert!(header(&request, "authorization").is_some_and(|value| value.contains(' ')));
    assert_eq!(members(&body(&request)), ["credential_configuration_id", "proofs"]);
    assert_eq!(body(&request)["credential_configuration_id"], "UniversityDegree_dc_sd_jwt");

    let proofs = proofs(&request);
    assert_eq!(proofs.len(), 3);
    let mut keys = Vec::new();
    for (head, payload) in &proofs {
        assert_eq!(members(head), ["alg", "jwk", "typ"]);
        assert_eq!((&head["typ"], &head["alg"]), (&json!("openid4vci-proof+jwt"), &json!("ES256")));
        assert_eq!(members(&head["jwk"]), ["crv", "kty", "x", "y"], "nothing private");
        assert_eq!(members(payload), ["aud", "iat", "iss", "nonce"]);
        assert_eq!(payload["aud"], world.issuer.issuer(), "the issuer, as text and to the letter");
        assert_eq!(payload["iss"], "com.example.wallet");
        assert!((began - 1..began + 60).contains(&payload["iat"].as_i64().expect("a whole number")));
        assert_eq!(payload["nonce"], proofs[0].1["nonce"], "one nonce does for all");
        assert!(!keys.contains(&head["jwk"]), "a key of its own");
        keys.push(head["jwk"].clone());
    }
}

// covers: META-14, PROOF-13, PROOF-14, TOKRQ-05
#[tokio::test]
async fn proofs_leave_out_what_there_is_none_of() {
    let options = Options { nonce_endpoint: false, ..Options::default() };
    let world = World::with(options).await;
    let kept = Kept::default();
    let issuance = kept.open(&world, &pre_authorized(JWT_VC)).await;
    world.verified(&issuance.accept().await.expect("it is issued")).await;
    assert!(kept.all("/nonce").is_empty());
    let proofs = proofs(&kept.one("/credential"));
    assert_eq!(members(&proofs[0].1), ["aud", "iat"], "no nonce endpoint, and anonymous");
    assert_eq!(field(&form(&kept.one("/token")), "client_id"), None);
}

// covers: META-27, CREQ-06
#[tokio::test]
async fn a_configuration_without_proof_types_gets_a_request_without_proofs() {
    let world = World::new().await;
    let kept = Kept::default();
    let spec = pre_authorized(JWT_VC).configurations(&["UniversityDegree_jwt_vc_json_unbound"]);
    let issuance = kept.open(&world, &spec).await;
    world.verified(&issuance.accept().await.expect("it is issued")).await;
    let request = body(&kept.one("/credential"));
    assert_eq!(request, json!({ "credential_configuration_id": "UniversityDegree_jwt_vc_json_unbound" }));
    assert!(kept.all("/nonce").is_empty(), "nobody needs one");
}

// covers: CREQ-02, CREQ-10, TOKRS-03
#[tokio::test]
async fn datasets_are_asked_for_by_their_identifiers_one_request_each() {
    let options = Options { credential_identifiers: true, identifiers_per_configuration: 2, ..Options::default() };
    let world = World::with(options).await;
    let kept = Kept::default();
    let issuance = kept.open(&world, &pre_authorized(SD_JWT)).await;
    let Step::Done { credentials, .. } = issuance.accept().await.expect("they are issued") else { panic!("not done") };
    assert_eq!(credentials.len(), 2);
    let requests = kept.all("/credential");
    let named: Vec<_> = requests.iter().map(body).collect();
    assert_eq!(named.len(), 2);
    assert!(named.iter().all(|body| members(body) == ["credential_identifier", "proofs"]), "{named:?}");
    assert_ne!(named[0]["credential_identifier"], named[1]["credential_identifier"]);
    let keys: Vec<_> = requests.iter().map(|request| proofs(request)[0].0["jwk"].clone()).collect();
    assert_ne!(keys[0], keys[1]);
    assert_eq!(header(&requests[0], "authorization"), header(&requests[1], "authorization"), "one token does for both");
}

// covers: TOKRQ-01, TOKRQ-02, AUTHZ-01, AUTHZ-07, AUTHZ-09, OFFER-14
#[tokio::test]
async fn a_sign_in_by_scope_names_the_issuer_wherever_a_server_may_serve_several() {
    for (server, resource) in [(AuthorizationServer::Own, false), (AuthorizationServer::Path, true)] {
        let world = World::with(Options { authorization_server: server, par: Par::On, ..Options::default() }).await;
        let kept = Kept::default();
        let offer = world.offer(&code(SD_JWT));
        let link = percent_encoding::percent_decode_str(&offer.link).decode_utf8().expect("text").into_owned();
        let issuer_state =
            link.split_once(r#""issuer_state":""#).map(|(_, rest)| rest.split('"').next().expect("text"));
        let issuance = kept.wallet(&world).open_offer(&offer.link).await.expect("it opens");
        let redirect = world.sign_in(&issuance.accept().await.expect("a sign-in")).await;
        world.verified(&issuance.submit_redirect(&redirect).await.expect("it is issued")).await;

        let prefix = if resource { "/as" } else { "" };
        let pushed = form(&kept.one(&format!("{prefix}/par")));
        let request = kept.one(&format!("{prefix}/token"));
        let asked = form(&request);
        assert_eq!(header(&request, "content-type"), Some("application/x-www-form-urlencoded"));
        let expected = resource.then(|| world.issuer.issuer().to_owned());
        assert_eq!((field(&pushed, "resource"), field(&asked, "resource")), (expected.clone(), expected));
        assert!(field(&pushed, "scope").is_some() && field(&pushed, "authorization_details").is_none());
        assert_eq!(field(&pushed, "issuer_state").as_deref(), issuer_state, "as it came");
        assert_eq!(field(&pushed, "code_challenge_method").as_deref(), Some("S256"));
        let verifier = field(&asked, "code_verifier").expect("a verifier");
        let digest = URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, verifier.as_bytes()));
        assert_eq!(field(&pushed, "code_challenge"), Some(digest));
        assert_eq!(field(&pushed, "redirect_uri"), field(&asked, "redirect_uri"));
        assert_eq!(field(&asked, "grant_type").as_deref(), Some("authorization_code"));
        assert_eq!(field(&asked, "tx_code"), None);
    }
}

// covers: AUTHZ-01, AUTHZ-02, AUTHZ-04
#[tokio::test]
async fn a_sign_in_by_details_says_where_they_are_for() {
    for (server, located) in [(AuthorizationServer::Own, false), (AuthorizationServer::Path, true)] {
        let world = World::with(Options { authorization_server: server, par: Par::On, ..Options::default() }).await;
        let kept = Kept::default();
        let issuance = kept.open(&world, &code(SD_JWT)).await;
        let by_details = AcceptOptions { request: RequestBy::Details, ..AcceptOptions::default() };
        let redirect = world.sign_in(&issuance.accept_with(by_details).await.expect("a sign-in")).await;
        world.verified(&issuance.submit_redirect(&redirect).await.expect("it is issued")).await;
        let pushed = form(&kept.one(if located { "/as/par" } else { "/par" }));
        let details = field(&pushed, "authorization_details").expect("details");
        let mut expected = json!([
            { "type": "openid_credential", "credential_configuration_id": "UniversityDegree_dc_sd_jwt" }
        ]);
        if located {
            expected[0]["locations"] = json!([world.issuer.issuer()]);
        }
        assert_eq!(serde_json::from_str::<Value>(&details).expect("JSON"), expected);
        assert_eq!((field(&pushed, "scope"), field(&pushed, "resource")), (None, None));
    }
}

// covers: TOKRQ-07, AUTHZ-02, AUTHZ-04
#[tokio::test]
async fn a_part_of_an_offer_is_named_in_the_token_request() {
    let ids = ["UniversityDegree_dc_sd_jwt", "StudentCard_dc_sd_jwt"];
    for (server, located) in [(AuthorizationServer::Own, false), (AuthorizationServer::Path, true)] {
        let world = World::with(Options { authorization_server: server, ..Options::default() }).await;
        let kept = Kept::default();
        let issuance = kept.open(&world, &pre_authorized(SD_JWT).configurations(&ids)).await;
        let one = AcceptOptions { configurations: Some(vec![ids[1].into()]), ..AcceptOptions::default() };
        let credential = world.verified(&issuance.accept_with(one).await.expect("it is issued")).await;
        assert_eq!(credential.credential_configuration_id.as_str(), ids[1]);
        let path = if located { "/as/token" } else { "/token" };
        let details = field(&form(&kept.one(path)), "authorization_details").expect("details");
        let mut expected = json!([{ "type": "openid_credential", "credential_configuration_id": ids[1] }]);
        if located {
            expected[0]["locations"] = json!([world.issuer.issuer()]);
        }
        assert_eq!(serde_json::from_str::<Value>(&details).expect("JSON"), expected);

        // All of it needs no word.
        let kept = Kept::default();
        let issuance = kept.open(&world, &pre_authorized(SD_JWT)).await;
        world.verified(&issuance.accept().await.expect("it is issued")).await;
        assert_eq!(field(&form(&kept.one(path)), "authorization_details"), None);
    }
}

// covers: AUTHZ-11
#[tokio::test]
async fn a_pushed_request_that_ran_out_is_pushed_anew() {
    let world = World::with(Options { par: Par::Required, ..Options::default() }).await;
    let (kept, clock) = (Kept::default(), Moved::default());
    let wallet = world.builder().http(kept.clone()).clock(clock.clone()).build().expect("a wallet");
    let issuance = wallet.open_offer(&world.offer(&code(SD_JWT)).link).await.expect("it opens");
    let Step::SignIn { url: first } = issuance.accept().await.expect("a sign-in") else { panic!("no sign-in") };
    let Step::SignIn { url: again } = issuance.proceed().await.expect("a sign-in") else { panic!("no sign-in") };
    assert_eq!(first, again, "as long as it is good");
    clock.pass(91);
    world.issuer.advance_clock(91);
    let step = issuance.proceed().await.expect("a sign-in");
    let Step::SignIn { url: second } = &step else { panic!("no sign-in") };
    assert_ne!(first, *second);
    let pushed: Vec<_> = kept.all("/par").iter().map(form).collect();
    assert_eq!(pushed.len(), 2);
    for fresh in ["state", "code_challenge"] {
        assert_ne!(field(&pushed[0], fresh), field(&pushed[1], fresh), "{fresh}");
    }
    let redirect = world.sign_in(&step).await;
    world.verified(&issuance.submit_redirect(&redirect).await.expect("it is issued")).await;
}

// covers: DEFER-01, NOTIF-02, CREQ-01
#[tokio::test]
async fn what_follows_carries_the_same_token_and_no_more_than_it_has_to() {
    let world = World::with(Options { deferred_waits: Some(0), ..Options::default() }).await;
    let (kept, clock) = (Kept::default(), Moved::default());
    let builder = world.builder().http(kept.clone()).clock(clock.clone()).notify_in_background(false);
    let wallet = builder.build().expect("a wallet");
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    assert!(matches!(issuance.accept().await, Ok(Step::Wait { .. })));
    clock.pass(2);
    world.issuer.advance_clock(2);
    world.verified(&issuance.poll().await.expect("it is issued")).await;
    wallet.flush().await.expect("flushed");

    let (deferred, notice) = (kept.one("/deferred"), kept.one("/notification"));
    assert_eq!(members(&body(&deferred)), ["transaction_id"]);
    assert_eq!(members(&body(&notice)), ["event", "notification_id"]);
    assert_eq!(body(&notice)["event"], "credential_accepted");
    let token = header(&kept.one("/credential"), "authorization").map(str::to_owned);
    for request in [&deferred, &notice] {
        assert_eq!(request.method(), "POST");
        assert_eq!(header(request, "content-type"), Some("application/json"));
        assert_eq!(header(request, "authorization").map(str::to_owned), token);
    }
}

// covers: OFFER-03
#[tokio::test]
async fn an_offer_is_fetched_once_as_json_and_as_nothing_else() {
    let world = World::new().await;
    let kept = Kept::default();
    let offer = world.offer(&pre_authorized(SD_JWT).by_reference());
    kept.wallet(&world).open_offer(&offer.link).await.expect("it opens");
    let fetches: Vec<_> =
        kept.0.lock().expect("no panic").iter().filter(|r| r.uri().path().contains("/offers/")).cloned().collect();
    let [fetch] = fetches.as_slice() else { panic!("{fetches:?}") };
    assert_eq!((fetch.method().as_str(), header(fetch, "accept")), ("GET", Some("application/json")));
    assert_eq!(header(fetch, "authorization"), None);
}

// covers: OFFER-12
#[tokio::test]
async fn an_offer_without_grants_leaves_them_to_the_server() {
    let world = World::new().await;
    for grants in ["", r#","grants":{}"#, r#","grants":{"urn:unheard-of":{}}"#] {
        let offer = format!(
            r#"{{"credential_issuer":"{}","credential_configuration_ids":["UniversityDegree_dc_sd_jwt"]{grants}}}"#,
            world.issuer.issuer()
        );
        let issuance = world.wallet().open_offer(&offer).await.expect("it opens");
        assert_eq!(issuance.offer().grants, [GrantType::AuthorizationCode], "{grants}");
        let redirect = world.sign_in(&issuance.accept().await.expect("a sign-in")).await;
        world.verified(&issuance.submit_redirect(&redirect).await.expect("it is issued")).await;
    }
}
