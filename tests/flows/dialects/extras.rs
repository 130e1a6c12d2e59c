//! Credentials that come later, several at once, notices and encrypted answers: where a dialect has them.

use billfold::platform::clock::Clock as _;
use billfold::{AcceptOptions, Credential, Encryption as Wish, ErrorCode, Step, Tolerance, Verdict, Wallet};
use billfold_test_issuer::{Encryption, Options};

use super::holder::Visit;
use super::systems::{SYSTEMS, grants, named, plain_offer};
use crate::world::failure;

/// The credential of an issuance that ended well.
async fn verified(wallet: &Wallet, step: &Step, of: &str) -> Credential {
    let Step::Done { credentials, failures } = step else { panic!("{of}: {step:?}") };
    assert!(failures.is_empty(), "{of}: {failures:?}");
    let credential = wallet.credential(&credentials[0]).await.expect("it is stored");
    assert_eq!(credential.report.verdict, Verdict::Verified, "{of}: {:#?}", credential.report);
    credential
}

// covers: DEFER-08
#[tokio::test]
async fn what_comes_later_comes_in_every_dialect_that_knows_of_it() {
    // An ask that is too early ends the transaction in vercre and in credibil.
    let waits = [1, 1, 1, 1, 1, 1, 1, 0, 0];
    let names = ["final", "haip", "draft15", "draft14", "draft13", "draft12", "draft11", "vercre", "credibil"];
    for (name, waits) in names.into_iter().zip(waits) {
        let system = named(name);
        let options = Options { deferred_waits: Some(waits), deferred_interval: 5, ..system.options() };
        let visit = Visit::to(system, options).await;
        for grant in grants(&visit) {
            let holder = visit.holder();
            let offer = plain_offer(&visit, grant).expect("it is there");
            let wallet = holder.wallet(&offer);
            let (issuance, mut step) = holder.get(&wallet, &offer).await.expect(name);
            let tolerated = issuance.tolerated().await.expect("a list");
            assert_eq!(tolerated.contains(&Tolerance::AcceptanceToken), name == "draft11", "{name}: {tolerated:?}");
            let mut pauses = 0;
            while let Step::Wait { until } = step {
                pauses += 1;
                assert!(pauses <= waits + 1, "{name}: it does not come");
                visit.pass(until - visit.clock.now() + 1);
                // As after a restart.
                let wallet = holder.wallet(&offer);
                step = wallet.resume(issuance.id()).await.expect("it is there").poll().await.expect(name);
            }
            assert_eq!(pauses, waits + 1, "{name}: it was put off");
            verified(&wallet, &step, name).await;
            assert_eq!(holder.line.count(super::holder::Sent::is_credential), 1, "{name}: asked for once");
        }
    }
}

#[tokio::test]
async fn several_copies_come_at_once_where_one_request_has_room_for_them() {
    for system in SYSTEMS {
        let visit = system.visit().await;
        let offer = grants(&visit).into_iter().find_map(|grant| plain_offer(&visit, grant)).expect("an offer");
        let holder = visit.holder();
        let wallet = holder.wallet(&offer);
        let three = AcceptOptions { copies: Some(3), ..AcceptOptions::default() };
        let got = holder.get_with(&wallet, &offer, three).await;
        if ["final", "haip", "draft15", "draft14"].contains(&system.name) {
            let (_, step) = got.expect(system.name);
            let credential = verified(&wallet, &step, system.name).await;
            assert_eq!(credential.instances.len(), 3, "{}", system.name);
            assert_eq!(holder.line.count(super::holder::Sent::is_credential), 1, "{}", system.name);
        } else {
            // Neither a request with `proof` nor metadata without a batch size has room for them.
            let error = failure(got);
            assert_eq!(error.code(), ErrorCode::SetupInvalid, "{}", system.name);
            assert!(error.detail().contains("1 to 1"), "{error}");
            assert_eq!(holder.line.count(|sent| sent.method == "POST"), 0, "{}: nothing is spent", system.name);
        }
    }
}

#[tokio::test]
async fn notices_are_given_where_somebody_takes_them() {
    for system in SYSTEMS {
        // Draft 14 has ids of notices beside a single `credential` only.
        let options =
            if system.name == "draft14" { Options { batch_size: 1, ..system.options() } } else { system.options() };
        let visit = Visit::to(system, options).await;
        let offer = grants(&visit).into_iter().find_map(|grant| plain_offer(&visit, grant)).expect("an offer");
        let holder = visit.holder();
        let wallet = holder.wallet(&offer);
        let (_, step) = holder.get(&wallet, &offer).await.expect(system.name);
        let credential = verified(&wallet, &step, system.name).await;
        wallet.flush().await.expect("flushed");
        let heard: Vec<_> = visit.world.issuer.log().notifications;
        if ["final", "haip", "draft15", "draft14", "draft13", "credibil"].contains(&system.name) {
            let [notice] = heard.as_slice() else { panic!("{}: {heard:?}", system.name) };
            assert_eq!(notice["event"], "credential_accepted", "{}", system.name);
        } else {
            // Sphereon's server lists an endpoint that refuses every notice: that is no matter.
            let told = holder.line.count(|sent| sent.url.path().ends_with("/notification"));
            assert_eq!(told, usize::from(system.name.starts_with("sphereon")), "{}", system.name);
            assert!(heard.is_empty(), "{}", system.name);
        }
        let after = wallet.credential(&credential.id).await.expect("it is still there");
        assert_eq!(after.report.verdict, Verdict::Verified);
    }
}

#[tokio::test]
async fn answers_are_encrypted_in_every_dialect_that_knows_of_it() {
    for (name, spelled) in [
        ("final", None),
        ("haip", None),
        ("draft15", Some(Tolerance::AlgBesideKey)),
        ("draft14", Some(Tolerance::AlgBesideKey)),
        ("draft13", Some(Tolerance::AlgBesideKey)),
        ("draft12", Some(Tolerance::FlatEncryption)),
    ] {
        let system = named(name);
        let options = Options { encryption: Encryption::ResponseRequired, ..system.options() };
        let visit = Visit::to(system, options).await;
        // Who insists on encryption means the request, too, which no draft can.
        let wishes: &[Wish] = if spelled.is_none() { &[Wish::Auto, Wish::Always] } else { &[Wish::Auto] };
        for (grant, wish) in grants(&visit).into_iter().flat_map(|grant| wishes.iter().map(move |wish| (grant, *wish)))
        {
            let holder = visit.holder();
            let offer = plain_offer(&visit, grant).expect("it is there");
            let offer = visit.again(&offer);
            let wallet = holder.wallet(&offer);
            visit.world.issuer.reset_log();
            let wish = AcceptOptions { encryption: wish, ..AcceptOptions::default() };
            let (issuance, step) = holder.get_with(&wallet, &offer, wish).await.expect(name);
            verified(&wallet, &step, name).await;
            let log = visit.world.issuer.log();
            let entry = log.requests.iter().find(|entry| entry.path.ends_with("/credential")).expect("a request");
            assert!(entry.seen.contains_key("answer_jwe"), "{name}: {entry:?}");
            assert_eq!(entry.seen.contains_key("request_jwe"), spelled.is_none(), "{name}");
            let tolerated = issuance.tolerated().await.expect("a list");
            let plain = tolerated.contains(&Tolerance::PlainEncryptionRequest);
            assert_eq!(plain, spelled.is_some(), "{name}: {tolerated:?}");
            assert!(spelled.is_none_or(|spelled| tolerated.contains(&spelled)), "{name}: {tolerated:?}");
        }
    }
}
