//! The steps of a run, and what must be true after each.

use std::time::Instant;

use serde_json::Value;

use super::credential::{self, Expected};
use super::keycloak::{self, Server};
use super::transcript::Transcript;
use super::wallet::{Outcome, Setup};
use super::web::free_port;

/// How many steps went well, and how many did not.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) passed: usize,
    pub(super) failed: usize,
}

/// A credential configuration of the realm, and what its credentials must say.
pub(super) struct Configuration {
    pub(super) id: &'static str,
    pub(super) format: &'static str,
    pub(super) kind: &'static str,
}

/// The configurations that `realm.json` defines.
pub(super) const CONFIGURATIONS: [Configuration; 2] = [
    Configuration { id: "library-card-sd-jwt", format: "dc+sd-jwt", kind: "https://library.example/vct/card" },
    Configuration { id: "library-card-jwt", format: "jwt_vc_json", kind: "LibraryCard" },
];
/// What the user's attributes and the mappers of `realm.json` make of a library card.
pub(super) const CLAIMS: [(&str, &str); 3] =
    [("given_name", "Test"), ("family_name", "Reader"), ("branch", "Harbour Street")];

struct Run<'a> {
    server: &'a Server,
    wallet: &'a Setup,
    transcript: &'a mut Transcript,
    tally: Tally,
    stored: Vec<String>,
}

/// Runs every step. One that fails is counted and the next one begins; only a stop by the user ends the run.
pub(super) fn run(server: &Server, wallet: &Setup, transcript: &mut Transcript) -> Result<Tally, String> {
    let mut run = Run { server, wallet, transcript, tally: Tally::default(), stored: Vec::new() };
    for configuration in &CONFIGURATIONS {
        run.step(&format!("{}: begun by the wallet, sign-in and consent", configuration.id), |run| {
            run.start(configuration)
        })?;
    }
    for configuration in &CONFIGURATIONS {
        run.step(&format!("{}: offer by reference, with a sign-in", configuration.id), |run| {
            run.sign_in_offer(configuration)
        })?;
    }
    for configuration in &CONFIGURATIONS {
        run.step(
            &format!("{}: offer by value, with a pre-authorized code, which serves once", configuration.id),
            |run| run.pre_authorized(configuration),
        )?;
    }
    run.step("sign-in finished by another process", Run::resume)?;
    run.step("http is refused without --dev", Run::refuse_http)?;
    run.step("list, show, export and forget", Run::look)?;
    Ok(run.tally)
}

impl Run<'_> {
    fn step(&mut self, name: &str, work: impl FnOnce(&mut Self) -> Result<(), String>) -> Result<(), String> {
        self.transcript.print("");
        self.transcript.note(name);
        let begun = Instant::now();
        let result = work(self);
        super::process::check_interrupt()?;
        let time = super::seconds(begun.elapsed());
        match result {
            Ok(()) => {
                self.tally.passed += 1;
                self.transcript.print(&format!("ok ({time}): {name}"));
            }
            Err(why) => {
                self.tally.failed += 1;
                self.transcript.print(&format!("FAILED ({time}): {name}: {why}"));
            }
        }
        Ok(())
    }

    fn call(&mut self, words: &[&str]) -> Result<Outcome, String> {
        self.wallet.run(self.transcript, words)
    }

    /// What the wallet lists; the transcript has it at the end, not after every step.
    fn listed(&mut self) -> Result<Vec<String>, String> {
        let mut silent = Transcript::silent();
        let listed = self.wallet.run(&mut silent, &["list"])?;
        listed.expect_status(0)?;
        Ok(credential::listed(&listed))
    }

    fn start(&mut self, configuration: &Configuration) -> Result<(), String> {
        let client = keycloak::CLIENT_WITH_CONSENT;
        let issuer = self.wallet.issuer();
        let words = ["start", issuer, "--configuration", configuration.id];
        let outcome = self.wallet.run_as(self.transcript, client, &words)?;
        expect_sign_ins(&outcome, 1)?;
        self.expect_stored(&outcome, configuration)
    }

    fn sign_in_offer(&mut self, configuration: &Configuration) -> Result<(), String> {
        let link = self.server.offer(configuration.id, false)?;
        let outcome = self.call(&["accept", &link])?;
        expect_sign_ins(&outcome, 1)?;
        self.expect_stored(&outcome, configuration)
    }

    fn pre_authorized(&mut self, configuration: &Configuration) -> Result<(), String> {
        // By value, so that it is the token endpoint that has to refuse the code.
        let link = self.server.offer_by_value(configuration.id, true)?;
        let outcome = self.call(&["accept", &link])?;
        expect_sign_ins(&outcome, 0)?;
        self.expect_stored(&outcome, configuration)?;

        let again = self.call(&["accept", &link])?;
        again.expect_status(1)?;
        let error = again.single("error")?;
        if error["status"] != 400 || error["server_error"] != "invalid_grant" {
            return Err("the error event does not say what the server said".into());
        }
        if again.named("stored").next().is_some() {
            return Err("a used offer gave a credential".into());
        }
        self.expect_list()
    }

    /// A wallet that does not wait, a browser that ends at a port where nobody listens, and a second wallet.
    fn resume(&mut self) -> Result<(), String> {
        let [configuration, _] = &CONFIGURATIONS;
        let redirect = format!("http://127.0.0.1:{}/callback", free_port()?);
        let issuer = self.wallet.issuer();
        let words = ["--redirect-uri", &redirect, "start", issuer, "--configuration", configuration.id, "--no-wait"];
        let begun = self.call(&words)?;
        begun.expect_status(3)?;
        let url = begun.single("sign_in")?["url"].as_str().ok_or("the sign_in event has no url")?.to_owned();
        let answer = self.wallet.sign_in(self.transcript, &url)?;
        if !answer.starts_with(&redirect) {
            return Err(format!("the browser did not end at {redirect}"));
        }
        let outcome = self.call(&["resume", &answer])?;
        self.expect_stored(&outcome, configuration)
    }

    fn refuse_http(&mut self) -> Result<(), String> {
        let [configuration, _] = &CONFIGURATIONS;
        let link = self.server.offer(configuration.id, true)?;
        let outcome = self.wallet.run_without_dev(self.transcript, &["accept", &link])?;
        outcome.expect_status(1)?;
        outcome.single("error")?;
        self.expect_list()
    }

    fn look(&mut self) -> Result<(), String> {
        self.call(&["list"])?.expect_status(0)?;
        let Some(id) = self.stored.first().cloned() else {
            return Err("nothing was stored".into());
        };
        self.call(&["forget", &id])?.expect_status(0)?;
        self.stored.remove(0);
        self.expect_list()?;
        if self.call(&["show", &id])?.status == Some(0) {
            return Err("a forgotten credential is shown".into());
        }
        Ok(())
    }

    /// The wallet stored one credential of this configuration with a good report, shows it, and it is what it should be.
    fn expect_stored(&mut self, outcome: &Outcome, configuration: &Configuration) -> Result<(), String> {
        outcome.expect_status(0)?;
        if outcome.named("quarantined").next().is_some() {
            return Err("a credential went to quarantine".into());
        }
        let stored = outcome.single("stored")?;
        if stored["configuration"] != configuration.id || stored["format"] != configuration.format {
            return Err("stored under another configuration or format".into());
        }
        credential::expect_verified(&stored["report"])?;
        let id = stored["credential"].as_str().ok_or("the stored event names no credential")?;
        self.stored.push(id.to_owned());
        self.expect_list()?;

        let shown = self.call(&["show", id])?;
        shown.expect_status(0)?;
        for (_, value) in CLAIMS {
            if !shown.events.iter().any(|event| contains(event, value)) {
                return Err(format!("`show` does not show `{value}`"));
            }
        }
        let exported = self.call(&["export", id])?;
        let raw = credential::raw(&exported)?;
        let keys = self.server.web.get(&self.server.well_known("jwt-vc-issuer"), None)?;
        credential::check(
            raw,
            &Expected {
                format: configuration.format,
                issuer: self.wallet.issuer(),
                kind: configuration.kind,
                claims: &CLAIMS,
                keys: &keys.ok("issuer keys")?["jwks"],
            },
        )
    }

    /// `list` names what was stored, and nothing else.
    fn expect_list(&mut self) -> Result<(), String> {
        let found = self.listed()?;
        let mut wanted = self.stored.clone();
        wanted.sort();
        if found != wanted {
            return Err(format!("`list` has {} credentials, not {}", found.len(), wanted.len()));
        }
        Ok(())
    }
}

/// The wallet went well and sent the user to the browser this often.
fn expect_sign_ins(outcome: &Outcome, wanted: usize) -> Result<(), String> {
    outcome.expect_status(0)?;
    match outcome.named("sign_in").count() {
        found if found == wanted => Ok(()),
        found => Err(format!("{found} sign-ins, not {wanted}")),
    }
}

/// Whether the string occurs anywhere in the value.
fn contains(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text == wanted,
        Value::Array(items) => items.iter().any(|item| contains(item, wanted)),
        Value::Object(members) => members.values().any(|member| contains(member, wanted)),
        _ => false,
    }
}
