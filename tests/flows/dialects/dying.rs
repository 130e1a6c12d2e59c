//! The process dies while a nonce that came with an answer is kept; and what is told of secrets afterwards.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use billfold::platform::http::{HttpLimits, HttpRequest, HttpResponse, HttpTransport, TransportError};
use billfold::{AcceptOptions, Step};
use billfold_test_issuer::{Grant, OfferSpec, Options, TxCode};
use tokio::sync::Notify;

use super::holder::{Line, Sent, Visit};
use super::systems::{named, plain_offer};
use crate::world::failure;

/// Nothing leaves the machine any more from a credential request on.
struct Dying(Line, Arc<Notify>);

#[async_trait]
impl HttpTransport for Dying {
    async fn send(&self, request: HttpRequest, limits: HttpLimits) -> Result<HttpResponse, TransportError> {
        if request.uri().path().ends_with("/credential") {
            self.1.notify_one();
            pending::<()>().await;
        }
        self.0.send(request, limits).await
    }
}

#[tokio::test]
async fn the_nonce_that_came_with_the_token_outlives_the_process() {
    for name in ["draft14", "draft13", "draft12", "draft11"] {
        let visit = named(name).visit().await;
        let offer = plain_offer(&visit, Grant::PreAuthorized).expect("it is there");
        let holder = visit.holder();
        let died = Arc::new(Notify::new());
        let transport = Dying(holder.line.clone(), died.clone());
        let wallet = holder.builder(&offer).http(transport).build().expect("a wallet");
        let issuance = wallet.open_offer(&offer.link).await.expect("it opens");
        let id = issuance.id().clone();
        tokio::select! {
            step = issuance.accept() => panic!("{step:?}"),
            () = died.notified() => {}
            () = tokio::time::sleep(Duration::from_secs(20)) => panic!("it did not get that far"),
        }
        drop((issuance, wallet));

        let resumed = holder.wallet(&offer).resume(&id).await.expect("it is there");
        let step = resumed.proceed().await.expect(name);
        assert!(matches!(&step, Step::Done { failures, .. } if failures.is_empty()), "{name}: {step:?}");
        assert_eq!(holder.line.count(Sent::is_token), 1, "{name}: one token");
        // With the nonce that was kept, the first try is good.
        let tries: Vec<_> =
            holder.line.sent().iter().filter(|sent| sent.is_credential()).map(|sent| sent.status).collect();
        assert_eq!(tries, [Some(200)], "{name}");
    }
}

#[tokio::test]
async fn what_went_wrong_is_told_without_the_secrets_of_older_answers() {
    for (name, waits) in [("draft11", Some(0)), ("draft12", Some(0)), ("draft13", None)] {
        let system = named(name);
        let options = Options { deferred_waits: waits, deferred_interval: 1, ..system.options() };
        let visit = Visit::to(system, options).await;
        let format = plain_offer(&visit, Grant::PreAuthorized).expect("it is there").format;
        let tx_code = TxCode { value: Some("70731492".to_owned()), ..TxCode::default() };
        let offer = visit.world.offer(&OfferSpec::new(Grant::PreAuthorized, &format).tx_code(tx_code));
        let holder = visit.holder();
        let wallet = holder.wallet(&offer);
        let issuance = wallet.open_offer(&offer.link).await.expect("it opens");
        issuance.accept_with(AcceptOptions::default()).await.expect("a code is wanted");
        let error = if waits.is_some() {
            assert!(matches!(issuance.submit_code("70731492").await, Ok(Step::Wait { .. })), "{name}");
            visit.pass(10);
            visit.world.issuer.set_fault("http-500-deferred").expect("a fault");
            failure(issuance.poll().await)
        } else {
            visit.world.issuer.set_fault("invalid-proof-at-credential").expect("a fault");
            failure(issuance.submit_code("70731492").await)
        };
        let sent = holder.line.sent();
        let mut secrets = vec!["70731492".to_owned()];
        for name in ["access_token", "c_nonce", "acceptance_token", "transaction_id"] {
            secrets.extend(sent.iter().filter_map(|sent| sent.told(name)));
        }
        assert!(secrets.len() >= 3, "{name}: {}", secrets.len());
        let story = issuance.transcript().await.expect("a transcript");
        let everything = format!("{story} {story:?} {error} {error:?} {} {:?}", error.transcript(), error.transcript());
        for secret in secrets {
            assert!(!everything.contains(&secret), "{name}: {everything}");
        }
        assert!(!everything.contains("eyJ"), "{name}: a JWT in {everything}");
    }
}
