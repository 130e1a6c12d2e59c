//! The sign-in in every dialect that has one: PKCE, `state` and `iss`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use billfold::{AcceptOptions, ErrorCode, Issuance, Step, Tolerance, Wallet};
use billfold_test_issuer::{Grant, MadeOffer};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::holder::{Holder, Sent, Visit, accepting};
use super::systems::{SYSTEMS, plain_offer};
use crate::world::failure;

/// The systems whose redirects come without `state`.
const FORGETFUL: [&str; 3] = ["vercre", "credibil", "didroom"];

/// As far as the sign-in: the address that the browser opens, and where it comes back.
struct SignedIn {
    wallet: Wallet,
    issuance: Issuance,
    url: Url,
    redirect: String,
}

async fn sign_in(holder: &Holder<'_>, offer: &MadeOffer) -> SignedIn {
    let wallet = holder.wallet(offer);
    let issuance = wallet.open_offer(&offer.link).await.expect("it opens");
    let step = issuance.accept_with(accepting(offer, AcceptOptions::default())).await.expect("a sign-in");
    let Step::SignIn { url } = step else { panic!("{step:?}") };
    let redirect = holder.sign_in(url.as_str()).await;
    SignedIn { wallet, issuance, url, redirect }
}

/// Every system that has the code grant.
async fn visits() -> Vec<(Visit, MadeOffer)> {
    let mut all = Vec::new();
    for system in SYSTEMS {
        let visit = system.visit().await;
        if let Some(offer) = plain_offer(&visit, Grant::Code) {
            all.push((visit, offer));
        }
    }
    assert_eq!(all.len(), SYSTEMS.len() - 2, "Sphereon's two have no code grant");
    all
}

/// The redirect with a parameter put in place of what it has, or left out.
fn with(redirect: &str, name: &str, value: Option<&str>) -> String {
    let (place, query) = redirect.split_once('?').expect("a query");
    let mut changed = url::form_urlencoded::Serializer::new(String::new());
    changed.extend_pairs(url::form_urlencoded::parse(query.as_bytes()).filter(|(known, _)| known != name));
    if let Some(value) = value {
        changed.append_pair(name, value);
    }
    format!("{place}?{}", changed.finish())
}

// covers: AUTHZ-09
#[tokio::test]
async fn pkce_is_s256_in_every_dialect() {
    for (visit, offer) in visits().await {
        let of = visit.system.name;
        let holder = visit.holder();
        let signed_in = sign_in(&holder, &offer).await;
        signed_in.issuance.submit_redirect(&signed_in.redirect).await.expect(of);
        let sent = holder.line.sent();
        let pushed = sent.iter().find(|sent| sent.url.path().ends_with("/par"));
        let asked = |name: &str| match pushed {
            Some(pushed) => pushed.form(name),
            None => signed_in.url.query_pairs().filter(|(n, _)| n == name).map(|(_, v)| v.into_owned()).collect(),
        };
        assert_eq!(asked("code_challenge_method"), ["S256"], "{of}");
        let [challenge] = asked("code_challenge").try_into().expect("one challenge");
        let [token] = sent.iter().filter(|sent| sent.is_token()).collect::<Vec<_>>()[..] else { panic!("{of}") };
        let [verifier] = token.form("code_verifier").try_into().expect("one verifier");
        assert!((43..=128).contains(&verifier.len()), "{of}");
        assert_eq!(URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())), challenge, "{of}");
        assert_eq!(asked("state").len(), 1, "{of}: it is sent also where it does not come back");
    }
}

// covers: AUTHZ-15
#[tokio::test]
async fn a_wrong_state_is_refused_by_all_and_a_missing_one_by_most() {
    for (visit, offer) in visits().await {
        let of = visit.system.name;
        let forgetful = FORGETFUL.contains(&of);
        let holder = visit.holder();
        let SignedIn { issuance, redirect, .. } = sign_in(&holder, &offer).await;
        assert_eq!(redirect.contains("state="), !forgetful, "{of}: {redirect}");
        for wrong in ["", "other"] {
            let error = failure(issuance.submit_redirect(&with(&redirect, "state", Some(wrong))).await);
            assert_eq!(error.code(), ErrorCode::StateMismatch, "{of}: {error}");
        }
        if !forgetful {
            let error = failure(issuance.submit_redirect(&with(&redirect, "state", None)).await);
            assert_eq!(error.code(), ErrorCode::StateMismatch, "{of}: {error}");
        }
        assert_eq!(holder.line.count(Sent::is_token), 0, "{of}: no code left the wallet");
        // The sign-in is as good as before.
        let step = issuance.submit_redirect(&redirect).await.expect(of);
        assert!(matches!(step, Step::Done { .. }), "{of}: {step:?}");
        let tolerated = issuance.tolerated().await.expect("a list");
        assert_eq!(tolerated.contains(&Tolerance::StateMissing), forgetful, "{of}: {tolerated:?}");
    }
}

// covers: AUTHZ-18
#[tokio::test]
async fn a_code_of_another_sign_in_is_good_for_nothing() {
    for (visit, offer) in visits().await {
        let of = visit.system.name;
        let (ours, other) = (visit.holder(), visit.holder());
        let stranger = sign_in(&other, &visit.again(&offer)).await;
        let SignedIn { wallet, issuance, .. } = sign_in(&ours, &offer).await;
        let error = failure(issuance.submit_redirect(&stranger.redirect).await);
        let sent = ours.line.count(Sent::is_token);
        if FORGETFUL.contains(&of) {
            // PKCE stands in the way, at the server.
            assert_eq!(sent, 1, "{of}: {error}");
            assert!(error.http_status().is_some_and(|status| status >= 400), "{of}: {error}");
        } else {
            assert_eq!((error.code(), sent), (ErrorCode::StateMismatch, 0), "{of}: {error}");
        }
        assert!(wallet.credentials().await.expect("a list").is_empty(), "{of}");
        assert_eq!(ours.line.count(Sent::is_credential), 0, "{of}");
    }
}

// covers: ASM-09, AUTHZ-17
#[tokio::test]
async fn iss_is_looked_at_wherever_it_comes_and_missed_where_it_was_announced() {
    for (visit, offer) in visits().await {
        let of = visit.system.name;
        let holder = visit.holder();
        let SignedIn { issuance, redirect, .. } = sign_in(&holder, &offer).await;
        let foreign = with(&redirect, "iss", Some("https://other.example"));
        let error = failure(issuance.submit_redirect(&foreign).await);
        assert_eq!(error.code(), ErrorCode::IssMismatch, "{of}: {error}");
        if redirect.contains("iss=") {
            let error = failure(issuance.submit_redirect(&with(&redirect, "iss", None)).await);
            assert_eq!(error.code(), ErrorCode::IssMismatch, "{of}: {error}");
        } else {
            assert!(FORGETFUL.contains(&of), "{of}: all the others announce it");
        }
        assert_eq!(holder.line.count(Sent::is_token), 0, "{of}");
        issuance.submit_redirect(&redirect).await.expect(of);
    }
}
