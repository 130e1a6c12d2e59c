//! What happens on the way: lost, cut, swollen and diverted answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use billfold::platform::http::{
    HttpLimits, HttpRequest, HttpResponse, HttpTransport, TransportError, TransportErrorKind,
};
use billfold::platform::reqwest::ReqwestTransport;
use billfold::{Advice, ErrorCode, RequestOutcome, Step};
use billfold_test_issuer::{Options, Par};

use super::Stands::{self, Ended, Interrupted, Review, Waits};
use super::same_again;
use crate::world::{Moved, SD_JWT, World, code, failure, pre_authorized};

type Expected = (ErrorCode, RequestOutcome, Advice);

/// What each of them is, whatever the endpoint. `lost` is the advice where the answer did not come.
fn expected(wire: &str, lost: Advice) -> Expected {
    match wire {
        "drop" => (ErrorCode::ConnectionLost, RequestOutcome::Unknown, lost),
        "http-500" => (ErrorCode::ServerFailed, RequestOutcome::Answered, Advice::Retry),
        "bad-json" | "deep-json" => (ErrorCode::ResponseMalformed, RequestOutcome::Answered, Advice::TellIssuer),
        "oversized" => (ErrorCode::ResponseTooLarge, RequestOutcome::Answered, Advice::TellIssuer),
        "wrong-content-type" => (ErrorCode::WrongContentType, RequestOutcome::Answered, Advice::TellIssuer),
        "redirect" => (ErrorCode::RedirectRefused, RequestOutcome::Answered, Advice::TellIssuer),
        _ => panic!("{wire}"),
    }
}

const WIRES: [&str; 7] = ["drop", "http-500", "bad-json", "deep-json", "oversized", "wrong-content-type", "redirect"];

fn told(error: &billfold::Error) -> Expected {
    (error.code(), error.outcome(), error.advice())
}

#[tokio::test]
async fn a_pre_authorized_code_is_not_sent_again_after_an_answer_that_is_no_answer() {
    let world = World::new().await;
    for wire in WIRES {
        world.issuer.reset_log();
        let issuance = world.open(&pre_authorized(SD_JWT)).await;
        world.issuer.set_fault(&format!("{wire}-token")).expect("a fault");
        let error = failure(issuance.accept().await);
        assert_eq!(told(&error), expected(wire, Advice::GetNewOffer), "{wire}: {error:?}");
        assert_eq!(world.count("/token"), 1, "{wire}");
        world.issuer.clear_faults();
        // These two did not reach what takes the code.
        let untouched = match wire {
            "http-500" => Some((Interrupted, issuance.proceed().await)),
            "redirect" => Some((Review, issuance.accept().await)),
            _ => None,
        };
        if let Some((stood, result)) = untouched {
            world.verified(&result.unwrap_or_else(|error| panic!("{wire}: {stood:?}: {error:?}"))).await;
            continue;
        }
        assert_eq!(Stands::of(&issuance).await, Ended, "{wire}");
        let later = failure(issuance.proceed().await);
        if wire == "drop" {
            assert_eq!((later.code(), later.outcome()), (ErrorCode::OutcomeUnknown, RequestOutcome::Unknown));
            assert_eq!((later.advice(), later.endpoint_url()), (Advice::GetNewOffer, error.endpoint_url()));
        } else {
            same_again(&error, &later);
        }
        assert_eq!(failure(issuance.accept().await).code(), ErrorCode::SessionEnded, "{wire}");
        assert_eq!(world.count("/token"), 1, "{wire}: the code may be used up");
    }
}

#[tokio::test]
async fn a_code_of_a_sign_in_is_not_sent_again_either() {
    let world = World::new().await;
    for wire in WIRES {
        world.issuer.reset_log();
        let issuance = world.open(&code(SD_JWT)).await;
        let redirect = world.sign_in(&issuance.accept().await.expect("a sign-in")).await;
        world.issuer.set_fault(&format!("{wire}-token")).expect("a fault");
        let error = failure(issuance.submit_redirect(&redirect).await);
        assert_eq!(told(&error), expected(wire, Advice::StartOver), "{wire}: {error:?}");
        assert_eq!(world.count("/token"), 1, "{wire}");
        world.issuer.clear_faults();
        let step = if wire == "http-500" {
            issuance.proceed().await.expect("it is issued")
        } else {
            assert_eq!(Stands::of(&issuance).await, Review, "{wire}");
            assert_eq!(failure(issuance.submit_redirect(&redirect).await).code(), ErrorCode::WrongStep, "{wire}");
            let redirect = world.sign_in(&issuance.accept().await.expect("a sign-in")).await;
            issuance.submit_redirect(&redirect).await.expect("it is issued")
        };
        world.verified(&step).await;
        assert_eq!(world.count("/token"), 2, "{wire}");
    }
}

#[tokio::test]
async fn a_request_is_pushed_again_when_the_app_says_so() {
    let world = World::with(Options { par: Par::Required, ..Options::default() }).await;
    for wire in WIRES {
        world.issuer.reset_log();
        let issuance = world.open(&code(SD_JWT)).await;
        world.issuer.set_fault(&format!("{wire}-par")).expect("a fault");
        let error = failure(issuance.accept().await);
        assert_eq!(told(&error), expected(wire, Advice::Retry), "{wire}: {error:?}");
        assert_eq!(world.count("/par"), 1, "{wire}");
        world.issuer.clear_faults();
        let step = match Stands::of(&issuance).await {
            Interrupted => issuance.proceed().await,
            Review => issuance.accept().await,
            other => panic!("{wire}: {other:?}"),
        };
        let redirect = world.sign_in(&step.expect("a sign-in")).await;
        world.verified(&issuance.submit_redirect(&redirect).await.expect("it is issued")).await;
    }
}

#[tokio::test]
async fn a_nonce_can_be_asked_for_again() {
    let world = World::new().await;
    for wire in WIRES {
        world.issuer.reset_log();
        let issuance = world.open(&pre_authorized(SD_JWT)).await;
        world.issuer.set_fault(&format!("{wire}-nonce")).expect("a fault");
        let error = failure(issuance.accept().await);
        assert_eq!(told(&error), expected(wire, Advice::Retry), "{wire}: {error:?}");
        assert_eq!(Stands::of(&issuance).await, Interrupted, "{wire}");
        assert_eq!((world.count("/nonce"), world.count("/credential")), (2, 0), "{wire}");
        world.issuer.clear_faults();
        world.verified(&issuance.proceed().await.expect("it is issued")).await;
        assert_eq!(world.count("/token"), 1, "{wire}");
    }
}

#[tokio::test]
async fn a_credential_is_asked_for_again_where_no_answer_came() {
    let world = World::new().await;
    for wire in WIRES {
        world.issuer.reset_log();
        let issuance = world.open(&pre_authorized(SD_JWT)).await;
        world.issuer.set_fault(&format!("{wire}-credential")).expect("a fault");
        let error = failure(issuance.accept().await);
        assert_eq!(told(&error), expected(wire, Advice::Retry), "{wire}: {error:?}");
        assert_eq!(world.count("/credential"), 1, "{wire}: not by itself");
        world.issuer.clear_faults();
        if matches!(wire, "drop" | "http-500") {
            assert_eq!(Stands::of(&issuance).await, Interrupted, "{wire}");
            world.verified(&issuance.proceed().await.expect("it is issued")).await;
        } else {
            same_again(&error, &failure(issuance.proceed().await));
        }
        assert_eq!(world.count("/token"), 1, "{wire}");
    }
}

#[tokio::test]
async fn a_deferred_credential_is_asked_for_again_where_no_answer_came() {
    let world = World::with(Options { deferred_waits: Some(1), ..Options::default() }).await;
    let clock = Moved::default();
    let wallet = world.builder().clock(clock.clone()).build().expect("a wallet");
    let pass = || {
        clock.pass(10);
        world.issuer.advance_clock(10);
    };
    for wire in WIRES {
        world.issuer.reset_log();
        let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
        assert!(matches!(issuance.accept().await, Ok(Step::Wait { .. })));
        pass();
        world.issuer.set_fault(&format!("{wire}-deferred")).expect("a fault");
        let error = failure(issuance.poll().await);
        assert_eq!(told(&error), expected(wire, Advice::Retry), "{wire}: {error:?}");
        assert_eq!(world.count("/deferred"), 1, "{wire}: not by itself");
        world.issuer.clear_faults();
        if !matches!(wire, "drop" | "http-500") {
            same_again(&error, &failure(issuance.poll().await));
            continue;
        }
        assert_eq!(Stands::of(&issuance).await, Waits, "{wire}");
        let mut step = issuance.poll().await.expect("a step");
        if matches!(step, Step::Wait { .. }) {
            pass();
            step = issuance.poll().await.expect("it is issued");
        }
        world.verified(&step).await;
    }
}

/// Fails at one path in one way, without anything being sent, or perhaps with.
struct Failing {
    path: &'static str,
    kind: TransportErrorKind,
    maybe_sent: bool,
    left: AtomicUsize,
}

#[async_trait]
impl HttpTransport for Failing {
    async fn send(&self, request: HttpRequest, limits: HttpLimits) -> Result<HttpResponse, TransportError> {
        let here = request.uri().path() == self.path;
        let one_less = |left: usize| left.checked_sub(1);
        if here && self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok() {
            return Err(TransportError::new(self.kind, self.maybe_sent, "it failed on purpose"));
        }
        ReqwestTransport::new().send(request, limits).await
    }
}

#[tokio::test]
async fn a_request_that_did_not_leave_costs_nothing_and_advises_what_helps() {
    use TransportErrorKind::{ConnectionLost, TimedOut, Tls, Unreachable};
    let world = World::new().await;
    for path in ["/token", "/nonce", "/credential"] {
        for (kind, heard, advice) in [
            (Unreachable, ErrorCode::Unreachable, Advice::Retry),
            (TimedOut, ErrorCode::TimedOut, Advice::Retry),
            (ConnectionLost, ErrorCode::ConnectionLost, Advice::Retry),
            (Tls, ErrorCode::TlsFailed, Advice::TellIssuer),
        ] {
            world.issuer.reset_log();
            // The nonce is asked for twice: ahead, and for the proof.
            let left = AtomicUsize::new(if path == "/nonce" { 2 } else { 1 });
            let transport = Arc::new(Failing { path, kind, maybe_sent: false, left });
            let wallet = world.builder().http(transport).build().expect("a wallet");
            let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
            let error = failure(issuance.accept().await);
            assert_eq!(told(&error), (heard, RequestOutcome::NotSent, advice), "{path}: {kind:?}: {error:?}");
            assert_eq!(Stands::of(&issuance).await, Interrupted, "{path}: {kind:?}");
            world.verified(&issuance.proceed().await.expect("it is issued")).await;
            assert_eq!(world.count("/token"), 1, "{path}: {kind:?}");
        }
    }
}

#[tokio::test]
async fn a_code_whose_request_ran_out_of_time_is_never_sent_again() {
    for (spec, advice, stands) in
        [(pre_authorized(SD_JWT), Advice::GetNewOffer, Ended), (code(SD_JWT), Advice::StartOver, Review)]
    {
        let world = World::new().await;
        let (kind, left) = (TransportErrorKind::TimedOut, AtomicUsize::new(1));
        let transport = Arc::new(Failing { path: "/token", kind, maybe_sent: true, left });
        let wallet = world.builder().http(transport).build().expect("a wallet");
        let issuance = wallet.open_offer(&world.offer(&spec).link).await.expect("it opens");
        let mut result = issuance.accept().await;
        if let Ok(step @ Step::SignIn { .. }) = &result {
            result = issuance.submit_redirect(&world.sign_in(step).await).await;
        }
        let error = failure(result);
        assert_eq!(told(&error), (ErrorCode::TimedOut, RequestOutcome::Unknown, advice));
        assert_eq!(Stands::of(&issuance).await, stands);
        let _ = issuance.proceed().await;
        assert_eq!(world.count("/token"), 0, "no second try");
    }
}
