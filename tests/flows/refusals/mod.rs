//! Every error code that the issuer knows, at every endpoint: what the app hears and is advised, that nothing
//! that works once is sent again by itself, and that the issuance goes on where it can.

mod authorization;
mod challenge;
mod credential;
mod deferred;
mod hints;
mod notification;
mod token;
mod wire;

use std::collections::BTreeSet;

use billfold::{Advice, Error, ErrorCode, Issuance, RequestOutcome, Result, Step};
use billfold_test_issuer::Fault;

use crate::world::{World, failure};

/// Where an issuance stands after a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    Review,
    EnterCode,
    Interrupted,
    Waits,
    Ended,
}

impl Stands {
    async fn of(issuance: &Issuance) -> Self {
        match issuance.step().await {
            Ok(Step::Review) => Self::Review,
            Ok(Step::EnterCode(_)) => Self::EnterCode,
            Ok(Step::Interrupted) => Self::Interrupted,
            Ok(Step::Wait { .. }) => Self::Waits,
            Err(_) => Self::Ended,
            other => panic!("{other:?}"),
        }
    }
}

/// What an error code comes to: what the app hears, how many requests that cost, and where it leaves the
/// issuance.
#[derive(Clone, Copy, Debug)]
struct Row {
    said: &'static str,
    code: ErrorCode,
    advice: Advice,
    requests: usize,
    stands: Stands,
}

const fn row(said: &'static str, code: ErrorCode, advice: Advice, requests: usize, stands: Stands) -> Row {
    Row { said, code, advice, requests, stands }
}

/// The codes that the issuer can be told to answer with at a place.
fn codes_at(place: &str) -> BTreeSet<String> {
    let names = Fault::refusals().map(|fault| fault.to_string());
    let codes = names.filter_map(|name| name.strip_suffix(&format!("-at-{place}")).map(|code| code.replace('-', "_")));
    codes.collect()
}

/// Panics unless the rows are about all codes of the place.
fn assert_complete(place: &str, rows: &[Row]) {
    let known: BTreeSet<_> = rows.iter().map(|row| row.said.to_owned()).collect();
    assert_eq!(known.len(), rows.len(), "{place}: a code is there twice");
    assert_eq!(known, codes_at(place), "{place}");
}

/// Has the issuer refuse with this code from now on.
fn refuse(world: &World, said: &str, place: &str) {
    world.issuer.reset_log();
    world.issuer.set_fault(&format!("{}-at-{place}", said.replace('_', "-"))).expect("a fault");
}

impl Row {
    /// The error of a call, and what it left behind.
    async fn holds<T>(&self, what: &str, world: &World, path: &str, issuance: &Issuance, result: Result<T>) -> Error {
        let said = self.said;
        let error = failure(result);
        assert_eq!(error.code(), self.code, "{what}: {said}: {error:?}");
        assert_eq!(error.advice(), self.advice, "{what}: {said}: {error:?}");
        assert_eq!(error.outcome(), RequestOutcome::Answered, "{what}: {said}");
        let server_error = error.server_error().map(|server| server.error.as_str());
        assert_eq!(server_error, Some(said), "{what}: the server's word is kept");
        assert!(error.endpoint_url().is_some() && error.operation().is_some(), "{what}: {said}: {error:?}");
        assert_eq!(error.session(), Some(issuance.id()), "{what}: {said}");
        assert_eq!(world.count(path), self.requests, "{what}: {said}: {:?}", world.requests());
        assert_eq!(Stands::of(issuance).await, self.stands, "{what}: {said}");
        if self.stands == Stands::Ended {
            same_again(&error, &failure(issuance.step().await));
            // Whatever is called now, nothing is sent.
            same_again(&error, &failure(issuance.proceed().await));
            for again in [issuance.accept().await, issuance.submit_code("0042").await] {
                assert_eq!(failure(again).code(), ErrorCode::SessionEnded, "{what}: {said}");
            }
            assert_eq!(world.count(path), self.requests, "{what}: {said}");
        }
        error
    }
}

/// An issuance that ended tells later what it told at once.
fn same_again(first: &Error, later: &Error) {
    let told = |error: &Error| {
        (
            (error.code(), error.advice(), error.outcome(), error.operation()),
            (error.http_status(), error.server_error().cloned(), error.detail().to_owned()),
            (error.endpoint_url().map(str::to_owned), error.session().cloned()),
        )
    };
    assert_eq!(told(first), told(later));
}
