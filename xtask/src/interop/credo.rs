//! Credo as the issuer: installed from npm into the cache, and asked for one credential of each format.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::checks::Tally;
use super::credential;
use super::fixtures::Fixtures;
use super::keycloak::{at, cache_folder, finish, text};
use super::process::{Group, poll};
use super::transcript::Transcript;
use super::wallet::Setup;
use super::web::Web;

const VERSION: &str = "0.6.3";
const INSTALL_LIMIT: Duration = Duration::from_secs(600);
const START_LIMIT: Duration = Duration::from_secs(60);

/// The folder with Credo in it, installed if it is not there yet.
pub(super) fn fetch(transcript: &mut Transcript) -> Result<PathBuf, String> {
    let sources = crate::workspace::root().join("tests/interop/credo");
    let manifest = fs::read_to_string(sources.join("package.json")).map_err(at(&sources))?;
    let home = cache_folder()?.join(format!("credo-{VERSION}"));
    let installed_by = home.join("package.json");
    if fs::read_to_string(&installed_by).is_ok_and(|installed| installed == manifest) {
        transcript.note(&format!("Credo {VERSION} from {}", home.display()));
        return Ok(home);
    }
    fs::create_dir_all(&home).map_err(at(&home))?;
    let begun = Instant::now();
    // The manifest is put there last under its own name: a folder that has it is whole.
    let work = TempDir::with_prefix_in("credo-", cache_folder()?).map_err(at(&home))?;
    fs::write(work.path().join("package.json"), &manifest).map_err(at(work.path()))?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"]).current_dir(work.path());
    finish(&mut npm, &work.path().join("npm.log"), INSTALL_LIMIT)?;
    let modules = home.join("node_modules");
    if modules.exists() {
        fs::remove_dir_all(&modules).map_err(at(&modules))?;
    }
    fs::rename(work.path().join("node_modules"), &modules).map_err(at(&modules))?;
    fs::write(&installed_by, manifest).map_err(at(&installed_by))?;
    transcript.note(&format!("installed Credo {VERSION} in {}", super::seconds(begun.elapsed())));
    Ok(home)
}

/// A running issuer; dropping it stops it.
pub(super) struct Server {
    group: Group,
    announced: Value,
    web: Web,
    _run: TempDir,
}

impl Server {
    pub(super) fn start(home: &Path, transcript: &mut Transcript) -> Result<Self, String> {
        let begun = Instant::now();
        let source = crate::workspace::root().join("tests/interop/credo/issuer.mjs");
        let script = home.join("issuer.mjs");
        fs::copy(&source, &script).map_err(at(&source))?;
        let run = TempDir::with_prefix("billfold-credo-").map_err(|error| format!("no temporary folder: {error}"))?;
        let mut node = Command::new("node");
        node.arg(&script).current_dir(home);
        let mut group = Group::spawn(&mut node, &run.path().join("issuer.log"))?;
        let announced = poll(START_LIMIT, || match group.ended()? {
            Some(status) => Err(format!("Credo ended with {status}: {}", group.log_tail())),
            None => Ok(group.log().lines().find_map(|line| serde_json::from_str::<Value>(line).ok())),
        })?;
        let announced = announced.ok_or_else(|| format!("Credo does not come up: {}", group.log_tail()))?;
        transcript.note(&format!("started after {}", super::seconds(begun.elapsed())));
        Ok(Self { group, announced, web: Web::new(), _run: run })
    }

    pub(super) fn credential_issuer(&self) -> String {
        format!("{}/issuers/library", self.base())
    }

    fn base(&self) -> &str {
        self.announced["base"].as_str().unwrap_or_default()
    }

    fn well_known(&self, name: &str) -> Result<Value, String> {
        self.web.get(&format!("{}/.well-known/{name}/issuers/library", self.base()), None)?.ok(name)
    }
}

/// Accepts each offer; every credential has to be stored as verified.
pub(super) fn run(server: &Server, wallet: &Setup, record: bool, transcript: &mut Transcript) -> Result<Tally, String> {
    let offers = server.announced["offers"].as_array().ok_or("Credo announces no offers")?;
    let trust = wallet.file("trust.pem", text(&server.announced, "trust")?)?;
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
                transcript.note(&format!("FAILED: {configuration}: {error}: {}", server.group.log_tail()));
            }
        }
    }
    if record {
        let folder = crate::workspace::root().join(format!("tests/fixtures/credo-{VERSION}"));
        let fixtures = Fixtures::in_folder(folder)?;
        fixtures.write("issuer-metadata.final", &server.well_known("openid-credential-issuer")?)?;
        fixtures.write("server-metadata.final", &server.well_known("oauth-authorization-server")?)?;
        fixtures.write("trust", &server.announced["trust"])?;
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
