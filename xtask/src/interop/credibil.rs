//! credibil's crate (the former vercre) as the issuer, in a small server of ours that is built outside the workspace.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::credential::{self, Expected};
use super::fixtures::{Fixtures, good};
use super::keycloak::{at, cache_folder, finish, link, text};
use super::node::Script;
use super::steps::{Steps, Tally, Wanted, expect_sign_ins};
use super::transcript::Transcript;
use super::wallet::{Login, Outcome, Setup};
use super::web::{Web, free_port};

const VERSION: &str = "0.1.0";
const BUILD_LIMIT: Duration = Duration::from_secs(1200);
const CONFIGURATION: &str = "StaffBadge_JWT";
const BADGE: Wanted<'static> =
    Wanted { configuration: CONFIGURATION, format: "jwt_vc_json", shown: &["Test", "Reader", "Harbour"] };
const CODE: &str = "authorization_code";
const PRE_AUTHORIZED: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
/// The reader whose data are there, and the one whose data come late; the page asks for no particular password.
const READER: Login = Login { user: "reader", password: "any" };
const LATE_READER: &str = "late-reader";

/// What the wallet has to put up with in metadata and answers; what is by format or wrapped comes on top.
const METADATA: [&str; 4] = ["wrapped_server_metadata", "relative_endpoint", "claims_tree", "single_display"];

struct Server {
    script: Script,
    base: String,
    web: Web,
    redirect: String,
}

/// An offer that was made.
struct Offer {
    link: String,
    tx_code: Option<String>,
}

/// Builds and starts the server, and runs every step.
pub(super) fn run(program: &Path, record: bool, transcript: &mut Transcript) -> Result<Tally, String> {
    let server = Server::start(transcript)?;
    let wallet = Setup::new(program, server.base.clone(), "billfold", Some(&READER))?;
    wallet.explain(transcript);
    let mut steps = Steps::new(&wallet, transcript);
    server.steps(&mut steps)?;
    if record {
        server.record(steps.transcript)?;
    }
    let tally = steps.tally;
    if tally.failed > 0 {
        transcript.text(&server.script.log_tail());
    }
    Ok(tally)
}

/// The built server; what it is built into lies in the cache.
fn build(transcript: &mut Transcript) -> Result<PathBuf, String> {
    let begun = Instant::now();
    let home = cache_folder()?.join(format!("credibil-{VERSION}"));
    std::fs::create_dir_all(&home).map_err(at(&home))?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--locked", "--quiet", "--target-dir"])
        .arg(home.join("target"))
        .current_dir(crate::workspace::root().join("tests/interop/credibil"));
    finish(&mut cargo, &home.join("build.log"), BUILD_LIMIT)?;
    transcript.note(&format!("credibil-vc {VERSION} built in {}", super::seconds(begun.elapsed())));
    Ok(home.join("target/debug/billfold-interop-credibil"))
}

impl Server {
    fn start(transcript: &mut Transcript) -> Result<Self, String> {
        let program = build(transcript)?;
        // The address that the client is registered with, port and all.
        let redirect = format!("http://127.0.0.1:{}/callback", free_port()?);
        let script = Script::run(Command::new(program).arg(&redirect), "credibil", transcript)?;
        let base = text(&script.announced, "base")?.to_owned();
        Ok(Self { script, base, web: Web::new(), redirect })
    }

    /// Makes an offer as the issuer's own backend does.
    fn make(&self, grant: &str, subject: &str, tx_code: bool, by_value: bool) -> Result<Value, String> {
        let wanted = json!({
            "subject_id": subject,
            "credential_configuration_ids": [CONFIGURATION],
            "grant_types": [grant],
            "tx_code_required": tx_code,
            "send_type": if by_value { "ByVal" } else { "ByRef" },
        });
        self.web.post_json(&format!("{}/create_offer", self.base), None, &wanted)?.ok("an offer")
    }

    /// The same as a link.
    fn offer(&self, grant: &str, subject: &str, tx_code: bool, by_value: bool) -> Result<Offer, String> {
        let made = self.make(grant, subject, tx_code, by_value)?;
        let link = match &made["credential_offer"] {
            Value::Null => link("credential_offer_uri", text(&made, "credential_offer_uri")?),
            offer => link("credential_offer", &offer.to_string()),
        };
        Ok(Offer { link, tx_code: made["tx_code"].as_str().map(str::to_owned) })
    }

    fn steps(&self, steps: &mut Steps<'_>) -> Result<(), String> {
        for (how, by_value) in [("value", true), ("reference", false)] {
            steps.step(&format!("pre-authorized, offer by {how}"), |steps| {
                let offer = self.offer(PRE_AUTHORIZED, READER.user, false, by_value)?;
                let outcome = self.accept(steps, &["accept", &offer.link], 0)?;
                expect_tolerated(&outcome, !by_value, false)
            })?;
            steps.step(&format!("a transaction code, offer by {how}"), |steps| {
                let offer = self.offer(PRE_AUTHORIZED, READER.user, true, by_value)?;
                let code = offer.tx_code.ok_or("no transaction code was made")?;
                self.accept(steps, &["accept", &offer.link, "--tx-code", &code], 0).map(drop)
            })?;
            steps.step(&format!("sign-in, offer by {how}"), |steps| {
                let offer = self.offer(CODE, READER.user, false, by_value)?;
                let words = ["--redirect-uri", &self.redirect, "accept", &offer.link];
                let outcome = self.accept(steps, &words, 1)?;
                expect_tolerated(&outcome, !by_value, true)
            })?;
        }
        steps.step("begun by the wallet, with a sign-in", |steps| {
            let issuer = steps.wallet.issuer();
            let words = ["--redirect-uri", &self.redirect, "start", issuer, "--configuration", CONFIGURATION];
            let outcome = self.accept(steps, &words, 1)?;
            expect_tolerated(&outcome, false, true)
        })?;
        steps.step("--strict", |steps| {
            let offer = self.offer(PRE_AUTHORIZED, READER.user, false, true)?;
            let outcome = steps.call(&["--strict", "accept", &offer.link])?;
            outcome.expect_refused_early("/token")?;
            steps.expect_list()
        })?;
        steps.step("a credential that is not ready at first", |steps| {
            let offer = self.offer(PRE_AUTHORIZED, LATE_READER, false, true)?;
            let outcome = steps.call(&["accept", &offer.link])?;
            self.expect_badge(steps, &outcome)?;
            match outcome.requests("/deferred_credential").count() {
                1 => Ok(()),
                times => Err(format!("asked {times} times for what was late")),
            }
        })
    }

    /// One credential; an issuer that is known by now is asked in no way that it refuses.
    fn accept(&self, steps: &mut Steps<'_>, words: &[&str], sign_ins: usize) -> Result<Outcome, String> {
        let outcome = steps.call(words)?;
        let (all, refused) = (outcome.wire.len(), outcome.refused("/credential"));
        steps.transcript.note(&format!("{all} requests, {refused} credential requests refused"));
        expect_sign_ins(&outcome, sign_ins)?;
        let known = !steps.stored.is_empty();
        self.expect_badge(steps, &outcome)?;
        if known && refused > 0 {
            return Err("the issuer is known, and was asked in a way that it refuses".into());
        }
        Ok(outcome)
    }

    fn expect_badge(&self, steps: &mut Steps<'_>, outcome: &Outcome) -> Result<(), String> {
        let id = steps.expect_stored(outcome, &BADGE)?;
        let raw = steps.export(&id)?;
        credential::check(
            &raw,
            &Expected {
                format: BADGE.format,
                issuer: &self.base,
                kind: "StaffBadge",
                claims: &[("given_name", "Test"), ("family_name", "Reader")],
                keys: &self.script.announced["jwks"],
            },
        )
    }

    /// Writes what the server answered under `tests/fixtures`.
    fn record(&self, transcript: &mut Transcript) -> Result<(), String> {
        let folder = crate::workspace::root().join(format!("tests/fixtures/credibil-{VERSION}"));
        let fixtures = Fixtures::in_folder(folder.clone())?;
        let token_endpoint = format!("{}/token", self.base);
        self.web.post_form(&token_endpoint, &[("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", "unknown")])?;
        let made = self.make(PRE_AUTHORIZED, READER.user, false, true)?;
        let pre_authorized = text(&made["credential_offer"]["grants"][PRE_AUTHORIZED], "pre-authorized_code")?;
        let form = [("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", pre_authorized), ("client_id", "billfold")];
        let token = self.web.post_form(&token_endpoint, &form)?.ok("token")?;
        let by_configuration = json!({ "credential_configuration_id": CONFIGURATION });
        let credential_endpoint = format!("{}/credential", self.base);
        self.web.post_json(&credential_endpoint, token["access_token"].as_str(), &by_configuration)?;
        let code = |exchange: &Value| exchange["answer"]["credential_offer"]["grants"][CODE].is_object();
        let by_code = |exchange: &Value| exchange["sent"]["grant_type"] == CODE;
        let has = |exchange: &Value, member: &str| !exchange["answer"][member].is_null();
        fixtures.write_exchanges(
            &self.script.exchanges(),
            &[
                ("issuer-metadata", "/.well-known/openid-credential-issuer", &good),
                ("server-metadata", "/.well-known/oauth-authorization-server", &good),
                ("jwt-vc-issuer.jwks", "/.well-known/jwt-vc-issuer", &good),
                ("offer.pre-authorized", "/credential_offer/", &|one| good(one) && !code(one)),
                ("offer.authorization-code", "/credential_offer/", &|one| good(one) && code(one)),
                ("token.pre-authorized", "/token", &|one| good(one) && !by_code(one)),
                ("token.authorization-code", "/token", &|one| good(one) && by_code(one)),
                ("token-error.unknown-code", "/token", &|one| one["status"] == 500),
                ("credential.jwt", "/credential", &|one| has(one, "credential")),
                ("credential.deferred", "/credential", &|one| has(one, "transaction_id")),
                ("credential-error.request", "/credential", &|one| one["status"] == 500),
                ("deferred.ready", "/deferred_credential", &|one| has(one, "credential")),
                ("notification-error", "/notification", &|one| one["status"] == 500),
            ],
        )?;
        transcript.note(&format!("recorded in {}", folder.display()));
        Ok(())
    }
}

/// The wallet says what it put up with. A token for a scope names no identifiers to ask by.
fn expect_tolerated(outcome: &Outcome, by_reference: bool, by_scope: bool) -> Result<(), String> {
    let wrapped: &[&str] = if by_reference { &["wrapped_offer"] } else { &[] };
    let by_format: &[&str] = if by_scope { &["request_by_format"] } else { &[] };
    let answers = [&["nonce_in_answer"], by_format, &["single_proof", "single_credential"]].concat();
    outcome.expect_tolerated(&[wrapped, &METADATA, &answers].concat())
}
