use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::tests::{ISSUER, look_up, public, world};
use super::*;
use crate::inflate::testing::zlibbed;
use crate::model::jwk::Algorithm;
use crate::verify::testing::{Documents, NOW, TestKey, World};
use crate::verify::{DocumentError, DocumentSource, Fetched};

fn url(number: usize) -> String {
    format!("https://status.example/lists/{number}")
}

fn at(number: usize) -> Stated {
    Stated::in_claim(Some(&json!({ "status_list": { "idx": 0, "uri": url(number) } })))
}

/// A token of so many octets, with the claims given.
fn token(key: &TestKey, number: usize, octets: usize, more: &Value) -> String {
    use base64::Engine as _;
    let lst = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(zlibbed(&vec![0; octets]));
    let mut payload = json!({ "sub": url(number), "iat": NOW, "status_list": { "bits": 1, "lst": lst } });
    payload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    key.jws(&json!({ "typ": "statuslist+jwt" }), &payload)
}

fn serving(number: usize, token: String) -> Documents {
    Documents::default().with_body(&url(number), "application/statuslist+jwt", token)
}

#[tokio::test]
async fn a_list_is_kept_for_as_long_as_it_says() {
    let key = TestKey::new(Algorithm::Es256);
    for (more, seconds) in [
        (json!({ "ttl": 100 }), 100),
        (json!({ "ttl": 100, "exp": NOW + 50 }), 50),
        (json!({ "ttl": 100, "exp": NOW + 500 }), 100),
        (json!({ "exp": NOW + 50 }), 50),
        (json!({}), 900),
        (json!({ "ttl": 0 }), 900),
        (json!({ "ttl": -5 }), 900),
        (json!({ "ttl": 1e300 }), i64::from(u32::MAX)),
    ] {
        let documents = serving(1, token(&key, 1, 1, &more));
        let mut world = World { documents, ..world() };
        for (now, requests) in [(NOW, 1), (NOW + seconds - 1, 1), (NOW + seconds, 2)] {
            if seconds == i64::from(u32::MAX) && requests == 2 {
                continue;
            }
            world.now = now;
            look_up(&at(1), Some(ISSUER), &key, &world).await;
            assert_eq!(world.documents.asked().len(), requests, "{more} at {}", now - NOW);
        }
        // A clock that goes back makes no list last longer.
        world.now = NOW - 1000;
        look_up(&at(1), Some(ISSUER), &key, &world).await;
        assert!(world.documents.asked().len() >= 2, "{more}");
    }
}

#[tokio::test]
async fn a_host_that_failed_is_left_alone_until_that_is_forgotten() {
    let key = TestKey::new(Algorithm::Es256);
    let unusable = World { documents: serving(1, "<html>".to_owned()), ..world() };
    let away = World { documents: Documents::default().down(&url(1)), ..world() };
    for mut world in [unusable, away] {
        for _ in 0..3 {
            let (outcome, ..) = look_up(&at(1), Some(ISSUER), &key, &world).await;
            assert_eq!(outcome, Outcome::Unknown(Reason::Unreachable));
        }
        assert_eq!(world.documents.asked().len(), 1);
        world.documents = serving(1, token(&key, 1, 1, &json!({})));
        assert_eq!(look_up(&at(1), Some(ISSUER), &key, &world).await.0, Outcome::Unknown(Reason::Unreachable));
        world.status_lists.forget_failures();
        assert_eq!(look_up(&at(1), Some(ISSUER), &key, &world).await.0, Outcome::Passed);
        // What is good is not forgotten with it.
        world.status_lists.forget_failures();
        assert_eq!(look_up(&at(1), Some(ISSUER), &key, &world).await.0, Outcome::Passed);
        assert_eq!(world.documents.asked().len(), 1);
        // Nor is a failure remembered for ever.
        world.documents = Documents::default();
        world.now = NOW + 10_000;
        assert_eq!(look_up(&at(1), Some(ISSUER), &key, &world).await.0, Outcome::Unknown(Reason::Unreachable));
        world.documents = serving(1, token(&key, 1, 1, &json!({})));
        world.now += 61;
        assert_eq!(look_up(&at(1), Some(ISSUER), &key, &world).await.0, Outcome::Passed);
    }
}

/// Answers after others had their turn.
struct Slow {
    documents: Documents,
    under_way: AtomicUsize,
}

#[async_trait]
impl DocumentSource for Slow {
    async fn get(&self, url: &Url) -> Result<Value, DocumentError> {
        self.documents.get(url).await
    }

    async fn fetch(&self, url: &Url, want: Wanted) -> Result<Fetched, DocumentError> {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        self.documents.fetch(url, want).await
    }

    async fn resolve_did(&self, _: &str) -> Option<Result<Value, DocumentError>> {
        None
    }
}

#[tokio::test]
async fn who_wants_the_same_list_at_once_waits_for_one_answer() {
    let key = TestKey::new(Algorithm::Es256);
    let (one, two) = (token(&key, 1, 1, &json!({})), token(&key, 2, 1, &json!({})));
    let documents = serving(1, one).with_body(&url(2), "application/statuslist+jwt", two);
    let world = world();
    let slow = Slow { documents, under_way: AtomicUsize::new(0) };
    let context = VerifyContext { documents: &slow, ..world.context() };
    let keys = [public(&key)];
    let look = async |number: usize| {
        let subject = Subject { issuer: Some(ISSUER), keys: &keys, checks: &[] };
        check(&at(number), &subject, &context).await.0.outcome
    };
    let outcomes = join_all((0..20).map(|number| look(1 + number % 2))).await;
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Passed), "{outcomes:?}");
    assert_eq!(slow.under_way.load(Ordering::Relaxed), 2);
    // Who gives up in the middle holds up nobody.
    {
        let mut dropped = Box::pin(look(3));
        assert!(futures_util::poll!(&mut dropped).is_pending());
    }
    assert_eq!(look(3).await, Outcome::Unknown(Reason::Unreachable));
    assert_eq!(slow.under_way.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn memory_is_bounded() {
    let key = TestKey::new(Algorithm::Es256);
    let requests = async |numbers: &[usize], octets: usize, world: &mut World| {
        for number in numbers {
            world.documents = serving(*number, token(&key, *number, octets, &json!({ "ttl": 100 + number })));
            assert_eq!(look_up(&at(*number), Some(ISSUER), &key, world).await.0, Outcome::Passed);
        }
    };
    // Those that would have been kept longest are still there, and ask nobody.
    let mut small = world();
    let numbers: Vec<_> = (0..100).collect();
    requests(&numbers, 1, &mut small).await;
    small.documents = Documents::default();
    for number in (36..100).rev() {
        assert_eq!(look_up(&at(number), Some(ISSUER), &key, &small).await.0, Outcome::Passed, "{number}");
    }
    assert!(small.documents.asked().is_empty());
    for number in 0..36 {
        assert_ne!(look_up(&at(number), Some(ISSUER), &key, &small).await.0, Outcome::Passed, "{number}");
    }
    let mut large = world();
    requests(&[0, 1, 2, 3, 4, 5], 4 << 20, &mut large).await;
    large.documents = Documents::default();
    let mut known = Vec::new();
    for number in (0..6).rev() {
        known.push(look_up(&at(number), Some(ISSUER), &key, &large).await.0 == Outcome::Passed);
    }
    assert_eq!(known, [true, true, true, false, false, false], "four with what they came in are over the limit");
}
