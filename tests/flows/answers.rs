//! What issuers answer at the token, nonce, credential and notification endpoints: what is made of
//! it, how often it is asked for, and what stays.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use billfold::platform::clock::Clock as _;
use billfold::platform::http::{HttpLimits, HttpRequest, HttpResponse, HttpTransport, TransportError};
use billfold::{
    AcceptOptions, Advice, CheckKind, Dialects, ErrorCode, NotificationEvent, RequestBy, RequestOutcome, Step,
    Tolerance, Verdict,
};
use billfold_test_issuer::{Options, TxCode};
use serde_json::{Value, json};

use crate::meddling::{answer, meddled, meddling, with_json};
use crate::world::{JWT_VC, Moved, SD_JWT, World, code, failure, pre_authorized};

const ISSUER: &str = "/.well-known/openid-credential-issuer";

fn copies(count: u32) -> AcceptOptions {
    AcceptOptions { copies: Some(count), ..AcceptOptions::default() }
}

/// The error that an issuance with this fault ends with, and how often a path was asked before and in it.
async fn refused(fault: &str, path: &str) -> (billfold::Error, usize, World) {
    let world = World::new().await;
    let issuance = world.open(&pre_authorized(SD_JWT)).await;
    world.issuer.set_fault(fault).expect("a fault");
    let error = failure(issuance.accept().await);
    let asked = world.count(path);
    (error, asked, world)
}

fn said(error: &billfold::Error) -> &str {
    error.server_error().map_or("", |said| &said.error)
}

// covers: CERR-01, CERR-02, CERR-10
#[tokio::test]
async fn a_refusal_is_read_wherever_it_says_what_it_is() {
    // The codes of RFC 6750 may come in the header alone.
    let world = World::new().await;
    let issuance = world.open(&pre_authorized(SD_JWT)).await;
    for fault in ["bare-challenge", "invalid-token"] {
        world.issuer.set_fault(fault).expect("a fault");
    }
    let error = failure(issuance.accept().await);
    assert_eq!((error.code(), said(&error)), (ErrorCode::TokenRefused, "invalid_token"));
    // What nobody has heard of is kept as it was said.
    let world = World::new().await;
    let odd = json!({ "error": "moon_is_full", "error_description": "try tomorrow", "c_nonce": "of a draft" });
    let wallet = meddled(&world, "/credential", move |_, _| answer(400, &odd));
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    let error = failure(issuance.accept().await);
    let told = error.server_error().expect("what was said");
    assert_eq!((error.code(), told.error.as_str()), (ErrorCode::ServerRefused, "moon_is_full"));
    assert_eq!(told.error_description.as_deref(), Some("try tomorrow"));
    assert_eq!(world.count("/credential"), 1);
}

// covers: CERR-05, CERR-10, NONCE-06
#[tokio::test]
async fn a_refused_proof_is_made_once_more_with_a_fresh_nonce() {
    for name in ["invalid-proof", "invalid-nonce", "invalid-or-missing-proof"] {
        let fault = format!("{name}-at-credential");
        let world = World::new().await;
        world.issuer.set_fault_times(&fault, 1).expect("a fault");
        world.verified(&world.open(&pre_authorized(SD_JWT)).await.accept().await.expect("it is issued")).await;
        assert_eq!((world.count("/nonce"), world.count("/credential")), (2, 2), "{fault}");

        let (error, asked, world) = refused(&fault, "/credential").await;
        assert!(matches!(error.code(), ErrorCode::ProofRefused | ErrorCode::NonceRefused), "{fault}: {error:?}");
        assert_eq!((asked, world.count("/nonce")), (2, 2), "{fault}");
    }
}

// covers: OFFER-18, TOKRQ-04
#[tokio::test]
async fn an_empty_hint_asks_for_a_code_and_no_hint_takes_none() {
    let world = World::new().await;
    let bare = TxCode { input_mode: None, length: None, description: None, value: Some("1234".to_owned()) };
    let offer = world.offer(&pre_authorized(SD_JWT).tx_code(bare));
    let link = percent_encoding::percent_decode_str(&offer.link).decode_utf8().expect("text").into_owned();
    assert!(link.contains(r#""tx_code":{}"#), "{link}");
    let issuance = world.wallet().open_offer(&offer.link).await.expect("it opens");
    let step = issuance.accept().await.expect("a step");
    assert!(matches!(&step, Step::EnterCode(hint) if hint.tx_code == billfold::TxCode::default()), "{step:?}");
    assert_eq!(world.count("/token"), 0, "nothing without the code");
    world.verified(&issuance.submit_code("1234").await.expect("it is issued")).await;

    let issuance = world.open(&pre_authorized(SD_JWT)).await;
    assert_eq!(failure(issuance.submit_code("1234").await).code(), ErrorCode::WrongStep);
    world.verified(&issuance.accept().await.expect("it is issued")).await;
}

// covers: OFFER-15
#[tokio::test]
async fn a_server_that_the_issuer_does_not_list_ends_it_before_a_code_is_spent() {
    let world = World::new().await;
    for grant in ["authorization_code", "urn:ietf:params:oauth:grant-type:pre-authorized_code"] {
        let offer = json!({
            "credential_issuer": world.issuer.issuer(),
            "credential_configuration_ids": ["UniversityDegree_dc_sd_jwt"],
            "grants": { grant: { "pre-authorized_code": "x", "authorization_server": "https://other.example" } }
        });
        let error = failure(world.wallet().open_offer(&offer.to_string()).await);
        assert_eq!(error.code(), ErrorCode::AuthorizationServerUnknown, "{grant}: {error:?}");
    }
    assert_eq!(world.count("/token"), 0);
}

// covers: TOKRS-05
#[tokio::test]
async fn details_that_do_not_come_back_are_an_error_where_they_were_insisted_on() {
    for (by, strict) in [(RequestBy::Details, true), (RequestBy::Auto, false)] {
        let world = World::new().await;
        let silent = |_: &_, answer| {
            with_json(answer, |body| {
                body.as_object_mut().expect("members").remove("authorization_details");
            })
        };
        let wallet = meddled(&world, "/token", silent);
        // It has no scope, so both ask for it by details.
        let spec = code(SD_JWT).configurations(&["StudentCard_dc_sd_jwt"]);
        let issuance = wallet.open_offer(&world.offer(&spec).link).await.expect("it opens");
        let options = AcceptOptions { request: by, ..AcceptOptions::default() };
        let redirect = world.sign_in(&issuance.accept_with(options).await.expect("a sign-in")).await;
        let ended = issuance.submit_redirect(&redirect).await;
        if strict {
            let error = failure(ended);
            assert_eq!((error.code(), error.outcome()), (ErrorCode::ResponseMalformed, RequestOutcome::Answered));
            assert!(error.detail().contains("authorization_details"), "{error}");
            assert_eq!(world.count("/credential"), 0);
            assert!(matches!(issuance.step().await, Ok(Step::Review)), "the user can sign in again");
        } else {
            // The configuration is asked for; that this issuer wants an identifier is its own affair.
            assert_eq!(world.count("/credential"), 1, "{ended:?}");
        }
    }
}

// covers: CREQ-04
#[tokio::test]
async fn what_the_token_is_not_for_is_not_asked_for() {
    let world = World::new().await;
    let narrowed = |_: &_, answer| with_json(answer, |body| body["scope"] = json!("StudentCard_x another"));
    let wallet = meddled(&world, "/token", narrowed);
    let other = "UniversityDegree_jwt_vc_json";
    let spec = code(SD_JWT).configurations(&["UniversityDegree_dc_sd_jwt", other]);
    let wallet_of_one = meddled(&world, "/token", |_, answer| {
        with_json(answer, |body| body["scope"] = json!("UniversityDegree_jwt_vc_json openid"))
    });
    let issuance = wallet_of_one.open_offer(&world.offer(&spec).link).await.expect("it opens");
    let redirect = world.sign_in(&issuance.accept().await.expect("a sign-in")).await;
    let Step::Done { credentials, failures } = issuance.submit_redirect(&redirect).await.expect("one is issued") else {
        panic!("not done")
    };
    assert_eq!((credentials.len(), failures.len()), (1, 1));
    assert_eq!(failures[0].configuration.as_str(), "UniversityDegree_dc_sd_jwt");
    assert_eq!(failures[0].code, ErrorCode::TokenRefused);
    assert_eq!(world.count("/credential"), 1, "only the one that the token is for");

    // A token for nothing that was asked is no use at all.
    world.issuer.reset_log();
    let issuance = wallet.open_offer(&world.offer(&code(SD_JWT)).link).await.expect("it opens");
    let redirect = world.sign_in(&issuance.accept().await.expect("a sign-in")).await;
    assert_eq!(failure(issuance.submit_redirect(&redirect).await).code(), ErrorCode::TokenRefused);
    assert_eq!(world.count("/credential"), 0);
}

// covers: TOKRS-14, NONCE-02
#[tokio::test]
async fn the_nonce_is_that_of_its_endpoint_whatever_else_is_said() {
    let world = World::new().await;
    let wallet = meddled(&world, "/token", |_, answer| {
        with_json(answer, |body| {
            body["c_nonce"] = json!("of an older draft");
            body["c_nonce_expires_in"] = json!(5);
        })
    });
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    world.verified(&issuance.accept().await.expect("it is issued")).await;
    // Any status of success will do, and members that nobody knows.
    let wallet = meddled(&world, "/nonce", |_, given| {
        let mut given = with_json(given, |body| body["unheard_of"] = json!({}));
        *given.status_mut() = "201".parse().expect("a status");
        given
    });
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    world.verified(&issuance.accept().await.expect("it is issued")).await;
    // And each issuance asks for its own.
    assert_eq!(world.count("/nonce"), 2);
    for bad in [json!({}), json!({ "c_nonce": 7 }), json!({ "c_nonce": "" })] {
        let wallet = meddled(&world, "/nonce", move |_, _| answer(200, &bad));
        let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
        assert_eq!(failure(issuance.accept().await).code(), ErrorCode::ResponseMalformed);
    }
}

// covers: CRES-04, CRES-05, CRES-06, CRES-07
#[tokio::test]
async fn fewer_credentials_in_any_order_find_their_keys() {
    for (fault, count) in [("fewer-credentials", 2), ("shuffled-credentials", 3), ("unknown-members", 3)] {
        let world = World::new().await;
        let wallet = world.builder().notify_in_background(false).build().expect("a wallet");
        let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
        world.issuer.set_fault(fault).expect("a fault");
        let credential = world.verified(&issuance.accept_with(copies(3)).await.expect("it is issued")).await;
        assert_eq!(credential.instances.len(), count, "{fault}");
        for copy in &credential.instances {
            let text = copy.raw.as_str().expect("text");
            let payload = text.split('.').nth(1).expect("a payload");
            let payload = URL_SAFE_NO_PAD.decode(payload);
            let payload: Value = serde_json::from_slice(&payload.expect("base64url")).expect("JSON");
            let key = copy.key.as_ref().expect("a key").public_jwk.to_value();
            assert_eq!(payload["cnf"]["jwk"]["x"], key["x"], "{fault}: each has the key that it is bound to");
        }
        // One notice for all of them.
        let flushed = wallet.flush().await.expect("flushed");
        assert_eq!(flushed.notified.len(), 1, "{fault}");
        assert_eq!(flushed.notified[0].event, NotificationEvent::CredentialAccepted);
    }
}

// covers: NOTIF-04, CRES-04
#[tokio::test]
async fn one_bad_copy_makes_the_whole_answer_a_failure_for_the_issuer() {
    let world = World::new().await;
    let wallet = world.builder().notify_in_background(false).build().expect("a wallet");
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    world.issuer.set_fault("same-key-twice").expect("a fault");
    let Step::Done { credentials, .. } = issuance.accept_with(copies(3)).await.expect("two are usable") else {
        panic!("not done")
    };
    let kept = wallet.credential(&credentials[0]).await.expect("it is there");
    assert_eq!(kept.instances.len(), 2);
    let stored = wallet.credentials().await.expect("a list");
    let aside: Vec<_> = stored.iter().filter(|one| one.quarantined).collect();
    assert_eq!(aside.len(), 1, "a key binds one credential");
    assert_eq!(aside[0].report.failed(), [CheckKind::HolderBinding]);
    let flushed = wallet.flush().await.expect("flushed");
    let events: Vec<_> = flushed.notified.iter().map(|one| one.event).collect();
    assert_eq!(events, [NotificationEvent::CredentialFailure]);
}

// covers: CRES-01, CRES-02
#[tokio::test]
async fn answers_that_are_neither_credentials_nor_a_promise_are_refused() {
    for fault in ["both-answer", "neither-answer"] {
        let (error, asked, world) = refused(fault, "/credential").await;
        assert_eq!(
            (error.code(), error.outcome()),
            (ErrorCode::ResponseMalformed, RequestOutcome::Answered),
            "{fault}"
        );
        assert_eq!(asked, 1, "{fault}");
        assert!(world.wallet().credentials().await.expect("a list").is_empty());
    }
    for fault in ["bare-credentials", "interval-zero", "missing-interval"] {
        let deferred_waits = (fault != "bare-credentials").then_some(1);
        let world = World::with(Options { deferred_waits, ..Options::default() }).await;
        let wallet = world.builder().dialects(Dialects::Strict).build().expect("a wallet");
        let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
        world.issuer.set_fault(fault).expect("a fault");
        let error = failure(issuance.accept().await);
        assert_eq!(error.code(), ErrorCode::ResponseMalformed, "{fault}");
        let named = if fault == "bare-credentials" { "credentials" } else { "interval" };
        assert!(error.detail().contains(named), "{error}");
    }
}

#[tokio::test]
async fn what_older_issuers_answer_is_put_up_with_and_said() {
    for (fault, tolerance) in
        [("bare-credentials", Tolerance::BareCredentials), ("missing-interval", Tolerance::DeferredWithoutInterval)]
    {
        let deferred_waits = (fault == "missing-interval").then_some(1);
        let world = World::with(Options { deferred_waits, ..Options::default() }).await;
        let issuance = world.open(&pre_authorized(SD_JWT)).await;
        assert!(issuance.tolerated().await.expect("a list").is_empty(), "nothing has happened yet");
        world.issuer.set_fault(fault).expect("a fault");
        let step = issuance.accept().await.expect("it goes on");
        assert_eq!(matches!(step, Step::Wait { .. }), fault == "missing-interval");
        assert_eq!(issuance.tolerated().await.expect("a list"), [tolerance], "{fault}");
    }
}

// covers: NOTIF-06
#[tokio::test]
async fn whatever_is_answered_to_a_notice_undoes_nothing() {
    for (fault, heard, waits) in [
        ("notification-body", 1, 0),
        ("invalid-notification-id-at-notification", 0, 0),
        ("invalid-notification-request-at-notification", 0, 0),
        ("invalid-token-at-notification", 0, 0),
        ("http-500-notification", 0, 1),
    ] {
        let world = World::new().await;
        let wallet = world.builder().notify_in_background(false).build().expect("a wallet");
        let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
        let credential = world.verified(&issuance.accept().await.expect("it is issued")).await;
        world.issuer.set_fault(fault).expect("a fault");
        let flushed = wallet.flush().await.expect("flushed");
        assert_eq!((flushed.notified.len(), flushed.waiting), (heard, waits), "{fault}");
        let kept = wallet.credential(&credential.id).await.expect("it is there");
        assert!(!kept.quarantined && kept.report.verdict == Verdict::Verified, "{fault}");
    }
}

/// An issuer that gives this to whoever asks for a credential.
struct Issuing<T>(T, Value);

#[async_trait]
impl<T: HttpTransport> HttpTransport for Issuing<T> {
    async fn send(&self, request: HttpRequest, limits: HttpLimits) -> Result<HttpResponse, TransportError> {
        if request.uri().path() == "/credential" {
            return Ok(answer(200, &self.1));
        }
        self.0.send(request, limits).await
    }
}

// covers: FMT-10, FMT-02, FMT-04, CRES-01
#[tokio::test]
async fn a_format_that_is_not_verified_is_kept_as_it_came_and_only_on_request() {
    let world = World::new().await;
    let address = format!("{}/context", world.issuer.base());
    for (format, raw) in [("anoncreds", json!({ "schema_id": address })), ("anoncreds", json!("opaque"))] {
        let issued = raw.clone();
        let described = meddling(ISSUER, move |_, given| {
            with_json(given, |body| {
                let one = &mut body["credential_configurations_supported"]["UniversityDegree_jwt_vc_json"];
                one["format"] = json!(format);
            })
        });
        let transport = Issuing(described, json!({ "credentials": [{ "credential": issued }] }));
        let wallet = world.builder().http(transport).build().expect("a wallet");
        let offer = || world.offer(&pre_authorized(JWT_VC)).link;
        let refused = failure(wallet.open_offer(&offer()).await.expect("it opens").accept().await);
        assert_eq!(refused.code(), ErrorCode::FormatUnsupported, "{format}");
        world.issuer.reset_log();
        let options = AcceptOptions { unverified_formats: true, ..AcceptOptions::default() };
        let error = failure(wallet.open_offer(&offer()).await.expect("it opens").accept_with(options).await);
        assert_eq!(error.code(), ErrorCode::CredentialUnverified, "{format}: {error:?}");
        let [kept] = wallet.credentials().await.expect("a list").try_into().expect("one");
        assert!(kept.quarantined && kept.report.verdict == Verdict::Unverified);
        assert_eq!((kept.format.as_str(), &kept.instances[0].raw), (format, &raw), "as it came");
        assert!(kept.instances[0].key.is_some());
        assert_eq!(world.count("/context"), 0, "nothing is looked up for it");
        wallet.forget(&kept.id).await.expect("forgotten");
    }
}

#[tokio::test]
async fn one_that_fails_holds_up_no_other() {
    for deferred_waits in [None, Some(0)] {
        let world = World::with(Options { deferred_waits, ..Options::default() }).await;
        let clock = Moved::default();
        let wallet = world.builder().clock(clock.clone()).build().expect("a wallet");
        let both = ["UniversityDegree_dc_sd_jwt", "UniversityDegree_jwt_vc_json"];
        let offer = world.offer(&pre_authorized(SD_JWT).configurations(&both));
        let issuance = wallet.open_offer(&offer.link).await.expect("it opens");
        let fault = if deferred_waits.is_some() { "http-500-deferred" } else { "http-500-credential" };
        world.issuer.set_fault_times(fault, 1).expect("a fault");
        if deferred_waits.is_some() {
            assert!(matches!(issuance.accept().await, Ok(Step::Wait { .. })));
            clock.pass(2);
            world.issuer.advance_clock(2);
        }
        let error = failure(if deferred_waits.is_some() { issuance.poll().await } else { issuance.accept().await });
        assert_eq!((error.code(), error.advice()), (ErrorCode::ServerFailed, Advice::Retry));
        assert_eq!(wallet.credentials().await.expect("a list").len(), 1, "{fault}: the other one came");
        let Ok(Step::Done { credentials, failures }) = issuance.proceed().await else { panic!("{fault}") };
        assert_eq!((credentials.len(), failures.len()), (2, 0), "{fault}");
    }
}

#[tokio::test]
async fn nobody_is_told_to_wait_for_ever() {
    let world = World::with(Options { deferred_waits: Some(0), ..Options::default() }).await;
    let forever = json!({ "transaction_id": "t", "interval": 8_000_000_000_000_000_u64 });
    let wallet = meddled(&world, "/credential", move |_, _| answer(202, &forever));
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    let Ok(Step::Wait { until }) = issuance.accept().await else { panic!("it is deferred") };
    let days = (until - billfold::platform::clock::SystemClock.now()) / (24 * 3600);
    assert!((364..=365).contains(&days), "{days}");
}
