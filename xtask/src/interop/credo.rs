//! Credo as the issuer, with both grants: by itself for pre-authorized codes, in front of Keycloak for sign-ins.

use serde_json::{Value, json};

use super::fixtures::{Fixtures, good};
use super::keycloak::{self, link, text};
use super::node::{self, Packages, Script};
use super::steps::{Steps, Tally, Wanted, expect_sign_ins};
use super::transcript::Transcript;
use super::wallet::{Outcome, Setup};
use super::web::Web;

const VERSION: &str = "0.6.3";
const PACKAGES: Packages = Packages { name: "credo", version: VERSION, manifest: "credo/package.json" };

const CARD: Wanted<'static> =
    Wanted { configuration: "library-card", format: "dc+sd-jwt", shown: &["Test", "Reader", "Harbour"] };
const LATE_CARD: Wanted<'static> = Wanted { configuration: "late-card", ..CARD };
const LICENCE: Wanted<'static> = Wanted { configuration: "mdl", format: "mso_mdoc", shown: &["Test", "Reader"] };
const DEGREE: Wanted<'static> = Wanted { configuration: "degree", format: "jwt_vc_json", shown: &["Bachelor of Arts"] };

/// How an offer is made that has the members of an older generation beside those of 1.0.
const MIXED: &str = "v1.draft11-14";

/// A running issuer; dropping it stops it.
pub(super) struct Server {
    script: Script,
    web: Web,
}

/// An offer that was made.
struct Offer {
    link: String,
    tx_code: Option<String>,
}

impl Server {
    /// Starts Credo, which sends users to `keycloak` to sign in.
    pub(super) fn start(keycloak: &keycloak::Server, transcript: &mut Transcript) -> Result<Self, String> {
        let home = node::install(&PACKAGES, transcript)?;
        let issuer = keycloak.credential_issuer();
        let arguments = [&issuer, keycloak::CREDO, keycloak::CREDO_SECRET];
        let script = Script::start(&home, "credo/issuer.mjs", &arguments, transcript)?;
        Ok(Self { script, web: Web::new() })
    }

    pub(super) fn credential_issuer(&self) -> String {
        format!("{}/issuers/library", self.base())
    }

    fn base(&self) -> &str {
        self.script.announced["base"].as_str().unwrap_or_default()
    }

    /// Makes an offer as the issuer's own backend does; the link has it by reference.
    fn offer(&self, wanted: &Value) -> Result<Offer, String> {
        let made = self.web.post_json(&format!("{}/offers", self.base()), None, wanted)?.ok("an offer")?;
        let tx_code = made["txCode"].as_str().map(str::to_owned);
        Ok(Offer { link: text(&made, "link")?.to_owned(), tx_code })
    }

    /// The same offer in the link itself.
    fn by_value(&self, offer: &Offer) -> Result<String, String> {
        let parsed = url::Url::parse(&offer.link).map_err(|error| error.to_string())?;
        let reference = parsed.query_pairs().find(|(name, _)| name == "credential_offer_uri");
        let (_, reference) = reference.ok_or("the offer is not by reference")?;
        let content = self.web.get(&reference, None)?.ok("the offer")?;
        Ok(link("credential_offer", &content.to_string()))
    }
}

struct Run<'a> {
    server: &'a Server,
    trust: String,
}

/// Runs every step; each credential has to be stored as verified.
pub(super) fn run(server: &Server, wallet: &Setup, record: bool, transcript: &mut Transcript) -> Result<Tally, String> {
    let trust = wallet.file("trust.pem", text(&server.script.announced, "trust")?)?;
    let run = Run { server, trust };
    let mut steps = Steps::new(wallet, transcript);
    run.pre_authorized(&mut steps)?;
    run.signed_in(&mut steps)?;
    if record {
        run.record(steps.transcript)?;
    }
    let tally = steps.tally;
    if tally.failed > 0 {
        transcript.text(&server.script.log_tail());
    }
    Ok(tally)
}

impl Run<'_> {
    fn pre_authorized(&self, steps: &mut Steps<'_>) -> Result<(), String> {
        for wanted in [CARD, LICENCE, DEGREE] {
            let name = wanted.configuration;
            steps.step(&format!("{name}: pre-authorized, offer by reference"), |steps| {
                let offer = self.server.offer(&json!({ "configurations": [name] }))?;
                let outcome = self.accept(steps, &offer.link, &wanted, 0, &[])?;
                outcome.expect_tolerated(&[])
            })?;
            steps.step(&format!("{name}: pre-authorized, offer by value, --strict"), |steps| {
                let offer = self.server.offer(&json!({ "configurations": [name] }))?;
                let link = self.server.by_value(&offer)?;
                self.accept(steps, &link, &wanted, 0, &["--strict"]).map(drop)
            })?;
        }
        steps.step("two configurations from one token", |steps| {
            let offer = self.server.offer(&json!({ "configurations": ["library-card", "degree"] }))?;
            let outcome = steps.call(&["accept", &offer.link])?;
            outcome.expect_status(0)?;
            let stored: Vec<&Value> = outcome.named("stored").collect();
            if stored.len() != 2 || outcome.requests("/token").count() != 1 {
                return Err(format!("{} credentials were stored", stored.len()));
            }
            for event in stored {
                let wanted = if event["configuration"] == "degree" { DEGREE } else { CARD };
                steps.expect_event(event, &wanted)?;
            }
            steps.expect_list()
        })?;
        steps.step("a transaction code", |steps| {
            let offer = self.server.offer(&json!({ "configurations": ["library-card"], "txCode": true }))?;
            let code = offer.tx_code.as_deref().ok_or("Credo made no transaction code")?;
            let outcome = steps.wrong_and_right_code(&offer.link, code, &["--trust", &self.trust])?;
            steps.expect_stored(&outcome, &CARD).map(drop)
        })?;
        steps.step("DPoP, where the issuer demands it", |steps| {
            let offer = self.server.offer(&json!({ "configurations": ["library-card"], "dpop": true }))?;
            let outcome = self.accept(steps, &offer.link, &CARD, 0, &[])?;
            outcome.expect_sent("/token", "DPoP")?;
            outcome.expect_sent("/credential", "Authorization: DPoP")
        })?;
        steps.step("three copies, each with a key of its own", |steps| {
            let offer = self.server.offer(&json!({ "configurations": ["library-card"] }))?;
            let outcome = self.accept(steps, &offer.link, &CARD, 0, &["--copies", "3"])?;
            let id = outcome.single("stored")?["credential"].as_str().unwrap_or_default().to_owned();
            let exported = steps.call(&["export", &id])?;
            let copies = exported.single("export")?["raw"].as_array().map_or(&[][..], Vec::as_slice);
            if copies.len() != 3 || outcome.requests("/credential").count() != 1 {
                return Err(format!("{} copies", copies.len()));
            }
            Ok(())
        })?;
        steps.step("a credential that is not ready at first", |steps| {
            let offer = self.server.offer(&json!({ "configurations": ["late-card"] }))?;
            let outcome = self.accept(steps, &offer.link, &LATE_CARD, 0, &[])?;
            match outcome.requests("/deferred-credential").count() {
                2 => Ok(()),
                times => Err(format!("asked {times} times for what was late")),
            }
        })?;
        for (how, by_value) in [("reference", false), ("value", true)] {
            for wanted in [CARD, DEGREE] {
                let name = wanted.configuration;
                steps.step(&format!("{name}: an offer with old and new members, by {how}"), |steps| {
                    let offer = self.server.offer(&json!({ "configurations": [name], "version": MIXED }))?;
                    let link = if by_value { self.server.by_value(&offer)? } else { offer.link };
                    let outcome = self.accept(steps, &link, &wanted, 0, &[])?;
                    outcome.expect_tolerated(&["mixed_offer", "bare_credentials"])
                })?;
            }
        }
        Ok(())
    }

    fn signed_in(&self, steps: &mut Steps<'_>) -> Result<(), String> {
        for (wanted, by_value) in [(CARD, false), (LICENCE, false), (DEGREE, true)] {
            let how = if by_value { "value" } else { "reference" };
            let name = wanted.configuration;
            steps.step(&format!("{name}: sign-in at Keycloak, offer by {how}"), |steps| {
                let offer = self.server.offer(&json!({ "configurations": [name], "grant": "code" }))?;
                let link = if by_value { self.server.by_value(&offer)? } else { offer.link };
                let outcome = self.accept(steps, &link, &wanted, 1, &[])?;
                outcome.expect_sent("/par", "issuer_state")
            })?;
        }
        steps.step("library-card: sign-in at Keycloak, with DPoP where the issuer demands it", |steps| {
            let wanted = json!({ "configurations": ["library-card"], "grant": "code", "dpop": true });
            let offer = self.server.offer(&wanted)?;
            let outcome = self.accept(steps, &offer.link, &CARD, 1, &[])?;
            outcome.expect_sent("/credential", "Authorization: DPoP")
        })?;
        steps.step("late-card: sign-in at Keycloak, not ready at first", |steps| {
            let offer = self.server.offer(&json!({ "configurations": ["late-card"], "grant": "code" }))?;
            let outcome = self.accept(steps, &offer.link, &LATE_CARD, 1, &[])?;
            if outcome.requests("/deferred-credential").count() == 0 {
                return Err("nothing was late".into());
            }
            Ok(())
        })?;
        steps.step("library-card: sign-in at Keycloak, offer with old and new members", |steps| {
            let wanted = json!({ "configurations": ["library-card"], "grant": "code", "version": MIXED });
            let offer = self.server.offer(&wanted)?;
            self.accept(steps, &offer.link, &CARD, 1, &[]).map(drop)
        })?;
        steps.step("a refresh token; a session gives one credential only, and what is stored stays", |steps| {
            let wanted = json!({ "configurations": ["library-card"], "grant": "code", "refresh": true });
            let offer = self.server.offer(&wanted)?;
            let outcome = self.accept(steps, &offer.link, &CARD, 1, &[])?;
            outcome.expect_received("/token", "refresh_token")?;
            let id = steps.stored.last().cloned().ok_or("nothing was stored")?;
            let again = steps.call(&["--trust", &self.trust, "refresh", &id])?;
            again.expect_status(1)?;
            if again.refused("/credential") != 1 || again.single("error")?["server_error"] != "server_error" {
                return Err("the error event does not say what the server said".into());
            }
            steps.expect_list()
        })?;
        steps.step("an issuance begun by the wallet, which Credo refuses in front of another server", |steps| {
            let issuer = steps.wallet.issuer();
            let outcome = steps.call(&["start", issuer, "--configuration", CARD.configuration])?;
            outcome.expect_status(1)?;
            let error = outcome.single("error")?;
            if error["code"] != "authorization_refused" || outcome.refused("/par") != 1 {
                return Err("the error event does not say what the server said".into());
            }
            steps.expect_list()
        })
    }

    /// The wallet takes one credential and has it verified.
    fn accept(
        &self,
        steps: &mut Steps<'_>,
        link: &str,
        wanted: &Wanted<'_>,
        sign_ins: usize,
        options: &[&str],
    ) -> Result<Outcome, String> {
        // The issuer of the JWT is a did:key, for which nobody vouches.
        let trusted = ["--trust", &self.trust];
        let trusted: &[&str] = if wanted.format == DEGREE.format { &[] } else { &trusted };
        let outcome = steps.call(&[trusted, &["accept", link], options].concat())?;
        let (all, refused) = (outcome.wire.len(), outcome.refused("/credential"));
        steps.transcript.note(&format!("{all} requests, {refused} credential requests refused"));
        expect_sign_ins(&outcome, sign_ins)?;
        steps.expect_stored(&outcome, wanted)?;
        Ok(outcome)
    }

    /// Writes what Credo answered under `tests/fixtures`.
    fn record(&self, transcript: &mut Transcript) -> Result<(), String> {
        let folder = crate::workspace::root().join(format!("tests/fixtures/credo-{VERSION}"));
        let fixtures = Fixtures::in_folder(folder.clone())?;
        fixtures.write("trust", &self.server.script.announced["trust"])?;
        let copies = |exchange: &Value| exchange["answer"]["credentials"].as_array().map_or(0, Vec::len);
        let one = |exchange: &Value| {
            good(exchange) && copies(exchange) == 1 && exchange["answer"]["credentials"][0].is_object()
        };
        let of =
            |exchange: &Value, name: &str| one(exchange) && exchange["sent"]["credential_configuration_id"] == name;
        let by_code = |exchange: &Value| exchange["sent"]["grant_type"] == "authorization_code";
        let has = |exchange: &Value, member: &str| !exchange["answer"][member].is_null();
        let old = |exchange: &Value| has(exchange, "credentials");
        let code_offer = |exchange: &Value| exchange["answer"]["grants"]["authorization_code"].is_object();
        fixtures.write_exchanges(
            &self.server.script.exchanges(),
            &[
                ("issuer-metadata.final", "/.well-known/openid-credential-issuer/issuers/library", &good),
                ("server-metadata.final", "/.well-known/oauth-authorization-server/issuers/library", &good),
                ("nonce.final", "/nonce", &good),
                ("offer.pre-authorized", "/library/offers/", &|one| good(one) && !old(one) && !code_offer(one)),
                ("offer.authorization-code", "/library/offers/", &|one| good(one) && !old(one) && code_offer(one)),
                ("offer.old-and-new", "/library/offers/", &|one| good(one) && old(one) && !code_offer(one)),
                ("pushed-authorization", "/par", &|one| has(one, "request_uri")),
                ("token.pre-authorized", "/token", &|one| good(one) && !by_code(one)),
                ("token.authorization-code", "/token", &|one| good(one) && by_code(one) && !has(one, "refresh_token")),
                ("token.refresh", "/token", &|one| good(one) && has(one, "refresh_token")),
                ("token-error.tx-code", "/token", &|one| one["status"] == 400),
                ("credential.dc+sd-jwt", "/credential", &|one| of(one, "library-card")),
                ("credential.mso_mdoc", "/credential", &|one| of(one, "mdl")),
                ("credential.jwt_vc_json", "/credential", &|one| of(one, "degree")),
                ("credential.three-copies", "/credential", &|one| good(one) && copies(one) == 3),
                ("credential.deferred", "/credential", &|one| one["status"] == 202),
                ("credential.bare-strings", "/credential", &|one| {
                    good(one) && one["answer"]["credentials"][0].is_string()
                }),
                ("credential.by-format", "/credential", &|one| good(one) && has(one, "credential")),
                ("deferred.pending", "/deferred-credential", &|one| one["status"] == 202),
            ],
        )?;
        transcript.note(&format!("recorded in {}", folder.display()));
        Ok(())
    }
}
