//! The steps of a run, and what must be true after each.

use super::credential::{self, Expected};
use super::extras;
use super::keycloak::{self, Server};
use super::steps::{Steps, Tally, Wanted, expect_sign_ins};
use super::transcript::Transcript;
use super::wallet::{Outcome, Setup};
use super::web::free_port;

/// A credential configuration of the realm, and what its credentials must say.
pub(super) struct Configuration {
    pub(super) id: &'static str,
    pub(super) format: &'static str,
    pub(super) kind: &'static str,
}

impl Configuration {
    /// What the wallet has to have of it.
    pub(super) fn wanted(&self) -> Wanted<'static> {
        Wanted { configuration: self.id, format: self.format, shown: &["Test", "Reader", "Harbour Street"] }
    }
}

/// The configurations that `realm.json` defines.
pub(super) const CONFIGURATIONS: [Configuration; 2] = [
    Configuration { id: "library-card-sd-jwt", format: "dc+sd-jwt", kind: "https://library.example/vct/card" },
    Configuration { id: "library-card-jwt", format: "jwt_vc_json", kind: "LibraryCard" },
];
/// What the user's attributes and the mappers of `realm.json` make of a library card.
pub(super) const CLAIMS: [(&str, &str); 3] =
    [("given_name", "Test"), ("family_name", "Reader"), ("branch", "Harbour Street")];

/// Where the requests go, at the end of their addresses.
pub(super) const PUSHED: &str = "/ext/par/request";
pub(super) const CREDENTIAL: &str = "/protocol/oid4vc/credential";
pub(super) const TOKEN: &str = "/protocol/openid-connect/token";

/// Runs every step.
pub(super) fn run(server: &Server, wallet: &Setup, transcript: &mut Transcript) -> Result<Tally, String> {
    let mut steps = Steps::new(wallet, transcript);
    for configuration in &CONFIGURATIONS {
        steps.step(&format!("{}: begun by the wallet, sign-in and consent", configuration.id), |steps| {
            start(steps, server, configuration)
        })?;
    }
    for configuration in &CONFIGURATIONS {
        steps.step(&format!("{}: offer by reference, with a sign-in", configuration.id), |steps| {
            sign_in_offer(steps, server, configuration)
        })?;
    }
    for configuration in &CONFIGURATIONS {
        steps.step(
            &format!("{}: offer by value, with a pre-authorized code, which serves once", configuration.id),
            |steps| pre_authorized(steps, server, configuration),
        )?;
    }
    steps.step("sign-in finished by another process", |steps| resume(steps, server))?;
    steps.step("http is refused without --dev", |steps| refuse_http(steps, server))?;
    extras::run(&mut steps, server)?;
    steps.step("list, show, export and forget", look)?;
    Ok(steps.tally)
}

fn start(steps: &mut Steps<'_>, server: &Server, configuration: &Configuration) -> Result<(), String> {
    let client = keycloak::CLIENT_WITH_CONSENT;
    let issuer = steps.wallet.issuer();
    let words = ["start", issuer, "--configuration", configuration.id];
    let outcome = steps.wallet.run_as(steps.transcript, client, &words)?;
    expect_sign_ins(&outcome, 1)?;
    outcome.expect_sent(PUSHED, "code_challenge")?;
    outcome.expect_tolerated(&[])?;
    outcome.expect_sent(CREDENTIAL, "Authorization: DPoP")?;
    expect_stored(steps, server, &outcome, configuration)
}

fn sign_in_offer(steps: &mut Steps<'_>, server: &Server, configuration: &Configuration) -> Result<(), String> {
    let link = server.offer(configuration.id, false)?;
    let outcome = steps.call(&["accept", &link])?;
    expect_sign_ins(&outcome, 1)?;
    outcome.expect_sent(PUSHED, "issuer_state")?;
    outcome.expect_tolerated(&[])?;
    outcome.expect_sent(CREDENTIAL, "Authorization: DPoP")?;
    expect_stored(steps, server, &outcome, configuration)
}

fn pre_authorized(steps: &mut Steps<'_>, server: &Server, configuration: &Configuration) -> Result<(), String> {
    // By value, so that it is the token endpoint that has to refuse the code.
    let link = server.offer_by_value(configuration.id, true)?;
    let outcome = steps.call(&["accept", &link])?;
    expect_sign_ins(&outcome, 0)?;
    outcome.expect_sent(CREDENTIAL, "Authorization: DPoP")?;
    expect_stored(steps, server, &outcome, configuration)?;

    let again = steps.call(&["accept", &link])?;
    again.expect_status(1)?;
    let error = again.single("error")?;
    if error["status"] != 400 || error["server_error"] != "invalid_grant" {
        return Err("the error event does not say what the server said".into());
    }
    if again.named("stored").next().is_some() {
        return Err("a used offer gave a credential".into());
    }
    steps.expect_list()
}

/// A wallet that does not wait, a browser that ends at a port where nobody listens, and a second wallet.
fn resume(steps: &mut Steps<'_>, server: &Server) -> Result<(), String> {
    let [configuration, _] = &CONFIGURATIONS;
    let redirect = format!("http://127.0.0.1:{}/callback", free_port()?);
    let issuer = steps.wallet.issuer();
    let words = ["--redirect-uri", &redirect, "start", issuer, "--configuration", configuration.id, "--no-wait"];
    let begun = steps.call(&words)?;
    begun.expect_status(3)?;
    let url = begun.single("sign_in")?["url"].as_str().ok_or("the sign_in event has no url")?.to_owned();
    let answer = steps.wallet.sign_in(steps.transcript, &url)?;
    if !answer.starts_with(&redirect) {
        return Err(format!("the browser did not end at {redirect}"));
    }
    let outcome = steps.call(&["resume", &answer])?;
    expect_stored(steps, server, &outcome, configuration)
}

fn refuse_http(steps: &mut Steps<'_>, server: &Server) -> Result<(), String> {
    let [configuration, _] = &CONFIGURATIONS;
    let link = server.offer(configuration.id, true)?;
    let outcome = steps.wallet.run_without_dev(steps.transcript, &["accept", &link])?;
    outcome.expect_status(1)?;
    outcome.single("error")?;
    steps.expect_list()
}

fn look(steps: &mut Steps<'_>) -> Result<(), String> {
    steps.call(&["list"])?.expect_status(0)?;
    let Some(id) = steps.stored.first().cloned() else {
        return Err("nothing was stored".into());
    };
    steps.call(&["forget", &id])?.expect_status(0)?;
    steps.stored.remove(0);
    steps.expect_list()?;
    if steps.call(&["show", &id])?.status == Some(0) {
        return Err("a forgotten credential is shown".into());
    }
    Ok(())
}

/// The wallet stored one credential of this configuration with a good report, shows it, and it is what it should be.
pub(super) fn expect_stored(
    steps: &mut Steps<'_>,
    server: &Server,
    outcome: &Outcome,
    configuration: &Configuration,
) -> Result<(), String> {
    let id = steps.expect_stored(outcome, &configuration.wanted())?;
    look_again(steps, server, &id, configuration)
}

/// A stored credential is what it should be, by other code than the wallet's.
pub(super) fn look_again(
    steps: &mut Steps<'_>,
    server: &Server,
    id: &str,
    configuration: &Configuration,
) -> Result<(), String> {
    let raw = steps.export(id)?;
    let keys = server.web.get(&server.well_known("jwt-vc-issuer"), None)?;
    credential::check(
        &raw,
        &Expected {
            format: configuration.format,
            issuer: steps.wallet.issuer(),
            kind: configuration.kind,
            claims: &CLAIMS,
            keys: &keys.ok("issuer keys")?["jwks"],
        },
    )
}
