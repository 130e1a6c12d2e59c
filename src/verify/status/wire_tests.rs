//! How status lists are fetched.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::*;
use crate::inflate::testing::zlibbed;
use crate::model::format::Format;
use crate::model::jwk::Algorithm;
use crate::model::report::{Requirement, Verdict, VerificationPolicy};
use crate::platform::http::{HttpLimits, HttpRequest, HttpResponse, HttpTransport, TransportError, TransportErrorKind};
use crate::verifier::Verifier;
use crate::verify::testing::{NOW, TestKey};

const LIST: &str = "https://status.example/lists/1";

/// Answers by address; every other address is not there.
#[derive(Default)]
struct Network {
    answers: HashMap<&'static str, Answer>,
    seen: Mutex<Vec<(String, String, HttpLimits)>>,
}

#[derive(Clone)]
enum Answer {
    Body(u16, Vec<u8>),
    Redirect(&'static str),
    Broken(TransportErrorKind),
}

#[async_trait]
impl HttpTransport for Network {
    async fn send(&self, request: HttpRequest, limits: HttpLimits) -> Result<HttpResponse, TransportError> {
        let url = request.uri().to_string();
        let accept = request.headers()["accept"].to_str().unwrap().to_owned();
        assert_eq!((request.method().as_str(), request.headers().len()), ("GET", 1), "nothing tells who asks");
        self.seen.lock().unwrap().push((url.clone(), accept, limits));
        let response = http::Response::builder();
        match self.answers.get(url.as_str()).cloned().unwrap_or(Answer::Body(404, Vec::new())) {
            Answer::Body(status, body) => Ok(response.status(status).body(body).unwrap()),
            Answer::Redirect(to) => Ok(response.status(302).header("location", to).body(Vec::new()).unwrap()),
            Answer::Broken(kind) => Err(TransportError::new(kind, true, "it broke")),
        }
    }
}

struct Scene {
    key: TestKey,
    network: std::sync::Arc<Network>,
    verifier: Verifier,
}

impl Scene {
    fn new(key: TestKey, answers: &[(&'static str, Answer)]) -> Self {
        let network = Network { answers: answers.iter().cloned().collect(), ..Network::default() };
        let network = std::sync::Arc::new(network);
        let verifier = Verifier::new().http(network.clone()).issuer_keys(key.published("1"));
        let verifier = verifier.at(Timestamp::from_seconds(NOW));
        Self { key, network, verifier }
    }

    async fn verify(&self, uri: &str, index: u64) -> (Verdict, Outcome, String) {
        let payload = json!({ "iss": "https://issuer.example", "vct": "https://t.example", "exp": NOW + 100,
            "status": { "status_list": { "idx": index, "uri": uri } } });
        let text = format!("{}~", self.key.jws(&json!({ "typ": "dc+sd-jwt" }), &payload));
        let report = self.verifier.verify(&Format::SdJwtVc, text.as_bytes()).await.unwrap().report;
        let check = report.check(CheckKind::Status).unwrap();
        (report.verdict, check.outcome, check.detail.clone())
    }

    fn asked(&self) -> Vec<String> {
        self.network.seen.lock().unwrap().iter().map(|(url, ..)| url.clone()).collect()
    }
}

/// A list in which the second place is revoked.
fn list(key: &TestKey) -> Vec<u8> {
    let lst = URL_SAFE_NO_PAD.encode(zlibbed(&[0b10]));
    let payload = json!({ "sub": LIST, "iat": NOW, "status_list": { "bits": 1, "lst": lst } });
    key.jws(&json!({ "typ": "statuslist+jwt" }), &payload).into_bytes()
}

#[tokio::test]
async fn a_list_is_asked_for_once_within_limits() {
    let key = TestKey::new(Algorithm::Es256);
    let good = Answer::Body(200, list(&key));
    let scene = Scene::new(key, &[(LIST, good)]);
    assert_eq!(scene.verify(LIST, 0).await.0, Verdict::Verified);
    let (verdict, outcome, detail) = scene.verify(LIST, 1).await;
    assert_eq!((verdict, outcome), (Verdict::Rejected, Outcome::Failed), "{detail}");
    let seen = scene.network.seen.lock().unwrap();
    let [(_, accept, limits)] = seen.as_slice() else { panic!("one request: {seen:?}") };
    assert!(accept.starts_with("application/statuslist+jwt"), "{accept}");
    assert_eq!((limits.max_body_bytes, limits.public_addresses_only), (4 << 20, true));
}

#[tokio::test]
async fn with_the_check_off_nobody_is_asked() {
    let mut scene = Scene::new(TestKey::new(Algorithm::Es256), &[]);
    let off = VerificationPolicy::default().with(CheckKind::Status, Requirement::Off);
    scene.verifier = scene.verifier.policy(off);
    assert_eq!(scene.verify(LIST, 1).await.0, Verdict::Verified);
    assert!(scene.asked().is_empty());
}

#[tokio::test]
async fn a_list_that_does_not_come_leaves_a_warning() {
    use TransportErrorKind::{ConnectionLost, ForbiddenAddress, Other, TimedOut, Tls, TooLarge, Unreachable};
    let broken = [ConnectionLost, ForbiddenAddress, Other, TimedOut, Tls, TooLarge, Unreachable].map(Answer::Broken);
    let statuses = [204, 304, 400, 401, 404, 410, 429, 500, 503].map(|status| Answer::Body(status, Vec::new()));
    let others = [
        Answer::Body(200, b"<html>".to_vec()),
        Answer::Body(200, vec![b'e'; (4 << 20) + 1]),
        Answer::Redirect("https://other.example/lists/1"),
        Answer::Redirect("http://status.example/lists/1"),
        Answer::Redirect("https://127.0.0.1/"),
        Answer::Redirect(LIST),
    ];
    for answer in broken.into_iter().chain(statuses).chain(others) {
        let round = matches!(answer, Answer::Redirect(LIST));
        let scene = Scene::new(TestKey::new(Algorithm::Es256), &[(LIST, answer)]);
        let (verdict, outcome, detail) = scene.verify(LIST, 1).await;
        assert_eq!(outcome, Outcome::Unknown(Reason::Unreachable), "{detail}");
        assert_eq!(verdict, Verdict::VerifiedWithWarnings, "{detail}");
        assert_eq!(scene.asked(), vec![LIST; if round { 4 } else { 1 }], "{detail}");
    }
    // What may not be asked at all.
    for uri in ["http://status.example/lists/1", "ftp://status.example/1", "http://127.0.0.1/1", "http://localhost/1"] {
        let scene = Scene::new(TestKey::new(Algorithm::Es256), &[]);
        let (_, outcome, detail) = scene.verify(uri, 1).await;
        assert_eq!(outcome, Outcome::Unknown(Reason::Unreachable), "{uri}: {detail}");
        assert!(scene.asked().is_empty(), "{uri}");
    }
}

#[tokio::test]
async fn a_list_may_move_within_its_host() {
    let key = TestKey::new(Algorithm::Es256);
    let moved = Answer::Body(200, list(&key));
    let to = "https://status.example/moved";
    let scene = Scene::new(key, &[(LIST, Answer::Redirect("/moved")), (to, moved)]);
    assert_eq!(scene.verify(LIST, 0).await.1, Outcome::Passed);
    assert_eq!(scene.asked(), [LIST, to]);
}
