//! What is sent once in every dialect, what is never tried another way, and where secrets do not go.

use std::collections::BTreeSet;

use billfold::{AcceptOptions, ErrorCode, RequestOutcome, Step};
use billfold_test_issuer::Grant;
use serde_json::{Value, json};

use super::holder::{Holder, Sent, accepting};
use super::systems::{SYSTEMS, grants, plain_offer};
use crate::meddling::answer;
use crate::world::failure;

/// The members of each credential request.
fn forms(holder: &Holder<'_>) -> Vec<BTreeSet<String>> {
    let requests = holder.line.sent().into_iter().filter(Sent::is_credential);
    let members = |sent: Sent| match sent.json() {
        Value::Object(members) => members.keys().cloned().collect(),
        other => panic!("{other}"),
    };
    requests.map(members).collect()
}

// covers: TOKRQ-11
#[tokio::test]
async fn a_code_is_sent_once_whatever_becomes_of_it() {
    for system in SYSTEMS {
        let visit = system.visit().await;
        for grant in grants(&visit) {
            let of = format!("{} {grant:?}", system.name);
            let offer = plain_offer(&visit, grant).expect("it is there");
            let holder = visit.holder();
            let wallet = holder.wallet(&offer);
            let issuance = wallet.open_offer(&offer.link).await.expect("it opens");
            visit.world.issuer.set_fault_times("drop-token", 1).expect("a fault");
            let step = issuance.accept_with(accepting(&offer, AcceptOptions::default())).await;
            let mut redirect = None;
            let error = match step {
                Ok(Step::SignIn { url }) => {
                    let back = holder.sign_in(url.as_str()).await;
                    let error = failure(issuance.submit_redirect(&back).await);
                    redirect = Some(back);
                    error
                }
                other => failure(other),
            };
            assert_eq!(error.outcome(), RequestOutcome::Unknown, "{of}: {error}");
            // Neither by going on, nor by the same redirect, nor after a restart.
            let _ = issuance.proceed().await;
            if let Some(redirect) = &redirect {
                failure(issuance.submit_redirect(redirect).await);
                failure(wallet.resume_redirect(redirect).await);
            }
            if let Ok(again) = holder.wallet(&offer).resume(issuance.id()).await {
                let _ = again.proceed().await;
            }
            assert_eq!(holder.line.count(Sent::is_token), 1, "{of}");
            if grant == Grant::PreAuthorized {
                failure(issuance.accept().await);
                assert_eq!(holder.line.count(Sent::is_token), 1, "{of}");
            }
            visit.world.issuer.clear_faults();
        }
    }
}

#[tokio::test]
async fn a_refusal_that_is_not_about_the_form_leads_to_no_other_form() {
    for system in SYSTEMS {
        let visit = system.visit().await;
        let first = plain_offer(&visit, grants(&visit)[0]).expect("it is there");
        for (status, said, most) in [
            (400, json!({ "error": "invalid_proof" }), 2),
            (400, json!({ "error": "invalid_nonce" }), 2),
            (400, json!({ "error": "invalid_or_missing_proof", "c_nonce": "another" }), 2),
            (400, json!({ "error": "credential_request_denied" }), 1),
            (400, json!({ "error": "access_denied" }), 1),
            (403, json!({ "error": "insufficient_scope" }), 1),
            // With another token, where there is a refresh token.
            (401, json!({ "error": "invalid_token" }), 2),
            (200, json!({}), 1),
            (200, json!({ "credentials": [] }), 1),
            (202, json!({ "error": "invalid_credential_request" }), 1),
        ] {
            let of = format!("{} {status} {said}", system.name);
            let offer = visit.again(&first);
            let holder = visit.holder().meddled(move |request, came| {
                let path = request.uri().path();
                let is_credential = path.ends_with("/credential") || path.ends_with("/credentials");
                if is_credential { answer(status, &said) } else { came }
            });
            let wallet = holder.wallet(&offer);
            let error = failure(holder.get(&wallet, &offer).await);
            assert_eq!(error.outcome(), RequestOutcome::Answered, "{of}: {error}");
            let forms = forms(&holder);
            assert!((1..=most).contains(&forms.len()), "{of}: {forms:?}");
            assert!(forms.iter().all(|form| *form == forms[0]), "{of}: {forms:?}");
            let by_code = |sent: &Sent| sent.is_token() && sent.form("grant_type") != ["refresh_token"];
            assert_eq!(holder.line.count(by_code), 1, "{of}");
        }
    }
}

#[tokio::test]
async fn three_forms_are_tried_at_most_and_one_of_1_0() {
    for system in SYSTEMS {
        let visit = system.visit().await;
        let first = plain_offer(&visit, grants(&visit)[0]).expect("it is there");
        for said in ["invalid_credential_request", "invalid_request", "unsupported_credential_format"] {
            let of = format!("{} {said}", system.name);
            let offer = visit.again(&first);
            let holder = visit.holder().meddled(move |request, came| {
                let path = request.uri().path();
                let is_credential = path.ends_with("/credential") || path.ends_with("/credentials");
                if is_credential { answer(400, &json!({ "error": said })) } else { came }
            });
            let wallet = holder.wallet(&offer);
            let error = failure(holder.get(&wallet, &offer).await);
            assert_eq!(error.server_error().map(|told| told.error.as_str()), Some(said), "{of}: {error}");
            let forms = forms(&holder);
            let distinct: BTreeSet<_> = forms.iter().collect();
            assert_eq!(distinct.len(), forms.len(), "{of}: none twice: {forms:?}");
            assert!(forms.len() <= 3, "{of}: {forms:?}");
            if system.is_final() {
                assert_eq!(forms.len(), 1, "{of}: {forms:?}");
            }
            assert_eq!(holder.line.count(Sent::is_token), 1, "{of}: a token is asked for once");
            // Nothing that could be used was left behind.
            assert!(wallet.credentials().await.expect("a list").is_empty(), "{of}");
        }
    }
}

#[tokio::test]
async fn no_secret_is_in_an_address() {
    for system in SYSTEMS {
        let visit = system.visit().await;
        let all = visit.world.issuer.offers();
        let coded = all.iter().find(|offer| offer.tx_code.is_some()).cloned();
        let plain = grants(&visit).into_iter().filter_map(|grant| plain_offer(&visit, grant));
        for offer in plain.chain(coded) {
            let holder = visit.holder();
            let wallet = holder.wallet(&offer);
            let (issuance, _) = holder.get(&wallet, &offer).await.expect(&offer.name);
            wallet.flush().await.expect("flushed");
            let sent = holder.line.sent();
            let mut secrets: Vec<String> = offer.tx_code.iter().filter(|code| code.len() > 4).cloned().collect();
            for sent in &sent {
                for name in ["access_token", "refresh_token", "c_nonce", "acceptance_token", "id_token"] {
                    secrets.extend(sent.told(name));
                }
                for name in ["pre-authorized_code", "code", "code_verifier", "tx_code", "user_pin"] {
                    secrets.extend(sent.form(name).into_iter().filter(|value| value.len() > 4));
                }
            }
            assert!(secrets.len() >= 2, "{}: a token and a code at least", offer.name);
            let story = issuance.transcript().await.expect("a transcript").to_string();
            for secret in &secrets {
                let query = |sent: &&Sent| sent.url.as_str().contains(secret.as_str());
                assert!(sent.iter().find(query).is_none(), "{}: in an address", offer.name);
                assert!(!story.contains(secret.as_str()), "{}: in the transcript", offer.name);
            }
        }
    }
}

#[tokio::test]
async fn a_code_that_was_refused_is_told_and_not_sent_again() {
    for system in SYSTEMS {
        let visit = system.visit().await;
        for grant in grants(&visit) {
            let offer = plain_offer(&visit, grant).expect("it is there");
            visit.world.issuer.set_fault("expired-code").expect("a fault");
            let holder = visit.holder();
            let wallet = holder.wallet(&offer);
            let error = failure(holder.get(&wallet, &offer).await);
            let of = format!("{} {grant:?}: {error}", system.name);
            assert!(error.http_status().is_some_and(|status| status >= 400), "{of}");
            assert_ne!(error.code(), ErrorCode::CredentialRejected, "{of}");
            assert_eq!(holder.line.count(Sent::is_token), 1, "{of}");
            assert_eq!(holder.line.count(Sent::is_credential), 0, "{of}");
            visit.world.issuer.clear_faults();
        }
    }
}
