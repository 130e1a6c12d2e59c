//! Credo as the issuer: installed from npm into the cache, and asked for one credential of each format.

use std::time::Instant;

use serde_json::{Value, json};

use super::credential;
use super::fixtures::Fixtures;
use super::keycloak::text;
use super::node::{self, Packages, Script};
use super::steps::Tally;
use super::transcript::Transcript;
use super::wallet::Setup;
use super::web::Web;

const VERSION: &str = "0.6.3";
const PACKAGES: Packages = Packages { name: "credo", version: VERSION, manifest: "credo/package.json" };

/// A running issuer; dropping it stops it.
pub(super) struct Server {
    script: Script,
    web: Web,
}

impl Server {
    pub(super) fn start(transcript: &mut Transcript) -> Result<Self, String> {
        let home = node::install(&PACKAGES, transcript)?;
        let script = Script::start(&home, "credo/issuer.mjs", &[], transcript)?;
        Ok(Self { script, web: Web::new() })
    }

    pub(super) fn credential_issuer(&self) -> String {
        format!("{}/issuers/library", self.base())
    }

    fn base(&self) -> &str {
        self.script.announced["base"].as_str().unwrap_or_default()
    }

    fn well_known(&self, name: &str) -> Result<Value, String> {
        self.web.get(&format!("{}/.well-known/{name}/issuers/library", self.base()), None)?.ok(name)
    }
}

/// Accepts each offer; every credential has to be stored as verified.
pub(super) fn run(server: &Server, wallet: &Setup, record: bool, transcript: &mut Transcript) -> Result<Tally, String> {
    let offers = server.script.announced["offers"].as_array().ok_or("Credo announces no offers")?;
    let trust = wallet.file("trust.pem", text(&server.script.announced, "trust")?)?;
    let mut tally = Tally::default();
    let mut answers = Vec::new();
    for offer in offers {
        let (format, configuration) = (text(offer, "format")?, text(offer, "configuration")?);
        transcript.note(&format!("{configuration}: {format}"));
        // The issuer of a JWT is a did:key, for which nobody vouches.
        let trusted: &[&str] = if format.starts_with("jwt") { &[] } else { &["--trust", &trust] };
        let words = [trusted, &["accept", text(offer, "link")?]].concat();
        let begun = Instant::now();
        match accept(wallet, transcript, &words) {
            Ok(raw) => {
                tally.passed += 1;
                transcript.note(&format!("ok ({}): {configuration}", super::seconds(begun.elapsed())));
                answers.push((format.to_owned(), raw));
            }
            Err(error) => {
                tally.failed += 1;
                transcript.note(&format!("FAILED: {configuration}: {error}: {}", server.script.log_tail()));
            }
        }
    }
    if record {
        let folder = crate::workspace::root().join(format!("tests/fixtures/credo-{VERSION}"));
        let fixtures = Fixtures::in_folder(folder)?;
        fixtures.write("issuer-metadata.final", &server.well_known("openid-credential-issuer")?)?;
        fixtures.write("server-metadata.final", &server.well_known("oauth-authorization-server")?)?;
        fixtures.write("trust", &server.script.announced["trust"])?;
        for (format, raw) in &answers {
            let answer = json!({ "credentials": [{ "credential": raw }] });
            fixtures.write(&format!("credential.{format}"), &answer)?;
        }
    }
    Ok(tally)
}

/// The credential as received.
fn accept(wallet: &Setup, transcript: &mut Transcript, words: &[&str]) -> Result<String, String> {
    let outcome = wallet.run(transcript, words)?;
    outcome.expect_status(0)?;
    let stored = outcome.single("stored")?;
    credential::expect_verified(&stored["report"])?;
    let id = stored["credential"].as_str().ok_or("the stored event names no credential")?;
    let exported = wallet.run(transcript, &["export", id])?;
    Ok(credential::raw(&exported)?.to_owned())
}
