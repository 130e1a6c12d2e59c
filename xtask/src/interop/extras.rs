//! What Keycloak offers beside the plain flows, and how the wallet takes what it can't use.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::checks::{self, CONFIGURATIONS, CREDENTIAL, Configuration, PUSHED, TOKEN};
use super::keycloak::{self, Server};
use super::process::poll;
use super::steps::{Steps, Tally, expect_sign_ins};
use super::transcript::Transcript;
use super::wallet::{Outcome, Setup};

const CARD: &Configuration = &CONFIGURATIONS[0];
const OTHER: &Configuration = &CONFIGURATIONS[1];

/// Adds the steps.
pub(super) fn run(steps: &mut Steps<'_>, server: &Server) -> Result<(), String> {
    steps.step("two credentials from one token", |steps| two_from_one_token(steps, server))?;
    steps.step("a credential anew, by refresh token", |steps| refresh(steps, server))?;
    steps.step("metadata that Keycloak signed", |steps| signed_metadata(steps, server))?;
    steps.step("metadata signed by somebody whom nobody named", |steps| unknown_signer(steps, server))?;
    steps.step("encryption, for which Keycloak has RSA only, is refused before the token", |steps| {
        let link = server.offer(CARD.id, true)?;
        let outcome = steps.call(&["accept", &link, "--encrypt", "always"])?;
        outcome.expect_status(1)?;
        let error = outcome.single("error")?;
        if error["code"] != "encryption_unavailable" || outcome.requests(TOKEN).count() > 0 {
            return Err("another error, or too late".into());
        }
        steps.expect_list()
    })?;
    steps.step("--strict", |steps| {
        let link = server.offer(OTHER.id, true)?;
        let outcome = steps.call(&["--strict", "accept", &link])?;
        checks::expect_stored(steps, server, &outcome, OTHER)
    })?;
    for key in ["es384", "eddsa"] {
        steps.step(&format!("a key for {key}"), |steps| {
            let link = server.offer(CARD.id, true)?;
            let outcome = steps.call(&["--key", key, "accept", &link])?;
            checks::expect_stored(steps, server, &outcome, CARD)
        })?;
    }
    Ok(())
}

/// The code flow against a Keycloak that takes no pushed requests, and says that it does.
pub(super) fn without_par(server: &Server, wallet: &Setup, transcript: &mut Transcript) -> Result<Tally, String> {
    let mut steps = Steps::new(wallet, transcript);
    steps.step("no pushed requests: begun by the wallet", |steps| {
        let issuer = steps.wallet.issuer();
        let outcome = steps.call(&["start", issuer, "--configuration", CARD.id])?;
        expect_not_pushed(&outcome, 1)?;
        outcome.expect_tolerated(&["push_unavailable"])?;
        checks::expect_stored(steps, server, &outcome, CARD)
    })?;
    steps.step("no pushed requests: an offer with issuer_state, which the wallet does not try to push", |steps| {
        let outcome = steps.call(&["accept", &server.offer(OTHER.id, false)?])?;
        expect_not_pushed(&outcome, 0)?;
        checks::expect_stored(steps, server, &outcome, OTHER)
    })?;
    Ok(steps.tally)
}

/// The request went to the browser as it is, after so many attempts to push it.
fn expect_not_pushed(outcome: &Outcome, attempts: usize) -> Result<(), String> {
    expect_sign_ins(outcome, 1)?;
    let url = outcome.single("sign_in")?["url"].as_str().unwrap_or_default();
    if outcome.requests(PUSHED).count() != attempts || !url.contains("code_challenge=") {
        return Err("the request was pushed".into());
    }
    Ok(())
}

/// Keycloak gives no token for two configurations; one of the code grant serves as often as wanted.
fn two_from_one_token(steps: &mut Steps<'_>, server: &Server) -> Result<(), String> {
    let issuer = steps.wallet.issuer();
    let outcome = steps.call(&["start", issuer, "--configuration", CARD.id])?;
    expect_sign_ins(&outcome, 1)?;
    checks::expect_stored(steps, server, &outcome, CARD)?;
    let old = steps.stored.pop().ok_or("nothing was stored")?;
    let anew = steps.call(&["refresh", &old])?;
    expect_sign_ins(&anew, 0)?;
    if anew.requests(TOKEN).count() > 0 {
        return Err("another token was asked for".into());
    }
    checks::expect_stored(steps, server, &anew, CARD)
}

/// Once its token is over, the wallet asks by the refresh token, and nobody has to sign in again.
fn refresh(steps: &mut Steps<'_>, server: &Server) -> Result<(), String> {
    let client = keycloak::CLIENT_IN_A_HURRY;
    let issuer = steps.wallet.issuer();
    let outcome = steps.wallet.run_as(steps.transcript, client, &["start", issuer, "--configuration", CARD.id])?;
    expect_sign_ins(&outcome, 1)?;
    checks::expect_stored(steps, server, &outcome, CARD)?;
    let old = steps.stored.pop().ok_or("nothing was stored")?;
    // Only the user's impatience ends this wait early.
    poll(Duration::from_secs(keycloak::HURRY), || Ok(None::<()>))?;
    let anew = steps.wallet.run_as(steps.transcript, client, &["refresh", &old])?;
    expect_sign_ins(&anew, 0)?;
    anew.expect_sent(TOKEN, "refresh_token")?;
    checks::expect_stored(steps, server, &anew, CARD)
}

/// Keycloak signs with a key of its realm, whose certificate is its own root.
fn signed_metadata(steps: &mut Steps<'_>, server: &Server) -> Result<(), String> {
    let trust = steps.wallet.file("metadata-trust.pem", &signer(server)?)?;
    let link = server.offer(CARD.id, true)?;
    let options = ["--signed-metadata", "require", "--metadata-trust", &trust];
    let outcome = steps.call(&[&options, &["accept", &link][..]].concat())?;
    if outcome.single("offer")?["metadata_signed_by"] != "CN=billfold" {
        return Err("the wallet does not say who signed".into());
    }
    checks::expect_stored(steps, server, &outcome, CARD)
}

fn unknown_signer(steps: &mut Steps<'_>, server: &Server) -> Result<(), String> {
    // A certificate that has nothing to do with this realm.
    let path = crate::workspace::root().join("tests/fixtures/credo-0.6.3/trust.json");
    let recorded = std::fs::read_to_string(&path).map_err(keycloak::at(&path))?;
    let pem: String = serde_json::from_str(&recorded).map_err(|error| error.to_string())?;
    let trust = steps.wallet.file("other-trust.pem", &pem)?;
    let link = server.offer(CARD.id, true)?;
    let options = ["--signed-metadata", "require", "--metadata-trust", &trust];
    let outcome = steps.call(&[&options, &["accept", &link][..]].concat())?;
    outcome.expect_status(1)?;
    if outcome.single("error")?["step"] != "issuer_metadata" || outcome.requests(TOKEN).count() > 0 {
        return Err("another error, or too late".into());
    }
    if outcome.requests(CREDENTIAL).count() > 0 {
        return Err("a credential was asked for".into());
    }
    steps.expect_list()
}

/// The certificate in the header of the signed metadata, as PEM.
fn signer(server: &Server) -> Result<String, String> {
    let token = server.signed_metadata()?;
    let header = token.split('.').next().unwrap_or_default();
    let header = URL_SAFE_NO_PAD.decode(header).map_err(|error| error.to_string())?;
    let header: Value = serde_json::from_slice(&header).map_err(|error| error.to_string())?;
    let certificate = header["x5c"][0].as_str().ok_or("the signed metadata has no certificate")?;
    Ok(format!("-----BEGIN CERTIFICATE-----\n{certificate}\n-----END CERTIFICATE-----\n"))
}
