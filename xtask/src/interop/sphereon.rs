//! Sphereon's issuer server as the issuer, in two versions that speak different generations of the protocol.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::credential::{self, Expected};
use super::fixtures::{Fixtures, good};
use super::keycloak::text;
use super::node::{self, Packages, Script};
use super::process::poll;
use super::steps::{Steps, Tally, Wanted, expect_sign_ins};
use super::transcript::Transcript;
use super::wallet::{Outcome, Setup};
use super::web::{Web, free_port};

/// A version, and what it can do.
struct Version {
    packages: Packages,
    /// What it calls SD-JWT VCs.
    sd_jwt: &'static str,
    /// Whether a transaction code can be right. In 0.14.0 none can: the server keeps it by one name and looks it up
    /// by another.
    tx_code: bool,
    /// Whether it tells its backend which event a wallet reported.
    tells_events: bool,
    /// Whether an offer by reference can be fetched once only.
    reference_once: bool,
    /// What the wallet has to put up with.
    tolerated: &'static [&'static str],
}

const VERSIONS: [Version; 2] = [
    Version {
        packages: Packages { name: "sphereon", version: "0.20.1", manifest: "sphereon/package-0.20.1.json" },
        sd_jwt: "dc+sd-jwt",
        tx_code: true,
        tells_events: true,
        reference_once: true,
        tolerated: &[],
    },
    Version {
        packages: Packages { name: "sphereon", version: "0.14.0", manifest: "sphereon/package-0.14.0.json" },
        sd_jwt: "vc+sd-jwt",
        tx_code: false,
        tells_events: false,
        reference_once: false,
        tolerated: &["no_server_metadata", "nonce_in_answer", "request_by_format", "single_proof", "single_credential"],
    },
];

const GRANT: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
/// What every credential says, and what only one kind does.
const CLAIMS: [(&str, &str); 2] = [("given_name", "Test"), ("family_name", "Reader")];
const NOTICE_LIMIT: Duration = Duration::from_secs(5);

/// How an offer reaches the wallet.
#[derive(Clone, Copy, PartialEq)]
enum By {
    Value,
    Reference,
}

/// An offer that was made.
struct Offer {
    link: String,
    /// How the server knows it.
    id: String,
    /// The pre-authorized code.
    code: String,
    /// The transaction code, if it has one.
    tx_code: Option<String>,
}

struct Server {
    version: &'static Version,
    script: Script,
    base: String,
    web: Web,
}

/// Runs both versions, each with a wallet of its own.
pub(super) fn run(program: &Path, record: bool, transcript: &mut Transcript) -> Result<Tally, String> {
    let mut all = Tally::default();
    for version in &VERSIONS {
        let server = Server::start(version, transcript)?;
        let wallet = Setup::new(program, server.base.clone(), "billfold", None)?;
        wallet.explain(transcript);
        let tally = steps(&server, &wallet, record, transcript)?;
        if tally.failed > 0 {
            transcript.text(&server.script.log_tail());
        }
        all = all.and(&tally);
    }
    Ok(all)
}

impl Server {
    fn start(version: &'static Version, transcript: &mut Transcript) -> Result<Self, String> {
        let home = node::install(&version.packages, transcript)?;
        // The server must know its own address before it listens.
        let port = free_port()?.to_string();
        let arguments = [version.packages.version, &port];
        let script = Script::start(&home, "sphereon/issuer.mjs", &arguments, transcript)?;
        let base = text(&script.announced, "base")?.to_owned();
        Ok(Self { version, script, base, web: Web::new() })
    }

    /// Makes an offer as the issuer's own backend does.
    fn offer(&self, configuration: &str, by: By, tx_code: bool) -> Result<Offer, String> {
        let code = format!("code-{}", super::fixtures::random()?);
        let mut grant = json!({ "pre-authorized_code": code });
        if tx_code {
            grant["tx_code"] = json!({ "length": 6, "input_mode": "numeric" });
        }
        let mut wanted = json!({ "credential_configuration_ids": [configuration], "grants": { GRANT: grant } });
        if by == By::Reference {
            // The later version makes the address itself, the earlier one is told it.
            wanted["offerMode"] = json!("REFERENCE");
            if !self.version.reference_once {
                wanted["credentialOfferUri"] = json!(format!("{}/webapp/credential-offers/{code}", self.base));
            }
        }
        let url = format!("{}/webapp/credential-offers", self.base);
        let made = self.web.post_json(&url, None, &wanted)?.ok("an offer")?;
        Ok(Offer {
            link: text(&made, "uri")?.to_owned(),
            id: made["correlationId"].as_str().unwrap_or(&code).to_owned(),
            tx_code: made["userPin"].as_str().map(str::to_owned),
            code,
        })
    }

    /// How often the server took a report of this event.
    fn notices(&self, event: &str) -> usize {
        self.script.lines().iter().filter(|line| line["notification"] == event).count()
    }

    /// The newest proof that was good.
    fn proof(&self) -> Result<Value, String> {
        let lines = self.script.lines();
        let newest = lines.iter().rev().find(|line| line["proof"].is_object());
        Ok(newest.ok_or("the issuer saw no good proof")?["proof"].clone())
    }

    fn wanted(&self, configuration: &'static str) -> Wanted<'static> {
        let format = if configuration == "degree" { "jwt_vc_json" } else { self.version.sd_jwt };
        Wanted { configuration, format, shown: &["Test", "Reader"] }
    }

    /// Looks at a credential again with other code than the wallet's.
    fn check(&self, raw: &str, wanted: &Wanted<'_>) -> Result<(), String> {
        let degree = wanted.configuration == "degree";
        let card = format!("{}/library-card", self.base);
        credential::check(
            raw,
            &Expected {
                format: wanted.format,
                issuer: if degree { text(&self.script.announced, "did")? } else { &self.base },
                kind: if degree { "DegreeCredential" } else { &card },
                claims: &CLAIMS,
                keys: &self.script.announced["jwks"],
            },
        )
    }
}

fn steps(server: &Server, wallet: &Setup, record: bool, transcript: &mut Transcript) -> Result<Tally, String> {
    let version = server.version.packages.version;
    let mut steps = Steps::new(wallet, transcript);
    for configuration in ["library-card", "degree"] {
        for (by, how) in [(By::Value, "by value"), (By::Reference, "by reference")] {
            let name = format!("{version}: {configuration}, offer {how}");
            steps.step(&name, |steps| {
                // What an issuer did not understand the first time it is not sent again.
                let known = !steps.stored.is_empty();
                accept(server, steps, configuration, by, known)
            })?;
        }
    }
    steps.step(&format!("{version}: --strict"), |steps| {
        let offer = server.offer("degree", By::Value, false)?;
        let outcome = steps.call(&["--strict", "accept", &offer.link])?;
        if server.version.tolerated.is_empty() {
            steps.expect_stored(&outcome, &server.wanted("degree")).map(drop)
        } else {
            outcome.expect_refused_early("/token")?;
            steps.expect_list()
        }
    })?;
    if server.version.reference_once {
        steps.step(&format!("{version}: an offer by reference that was used before"), |steps| {
            let offer = server.offer("degree", By::Reference, false)?;
            let outcome = steps.call(&["accept", &offer.link])?;
            steps.expect_stored(&outcome, &server.wanted("degree"))?;
            let again = steps.call(&["accept", &offer.link])?;
            again.expect_status(1)?;
            if again.single("error")?["status"] != 404 {
                return Err("the error event does not say what the server said".into());
            }
            steps.expect_list()
        })?;
    }
    if server.version.tx_code {
        for (by, how) in [(By::Value, "by value"), (By::Reference, "by reference")] {
            steps.step(&format!("{version}: a transaction code, offer {how}"), |steps| tx_code(server, steps, by))?;
        }
    }
    if record {
        self::record(server, steps.transcript)?;
    }
    Ok(steps.tally)
}

/// One credential, from the offer to the report that it arrived.
fn accept(
    server: &Server,
    steps: &mut Steps<'_>,
    configuration: &'static str,
    by: By,
    known: bool,
) -> Result<(), String> {
    let offer = server.offer(configuration, by, false)?;
    let reported = server.notices("credential_accepted");
    let outcome = steps.call(&["accept", &offer.link])?;
    note_requests(steps, &outcome);
    expect_sign_ins(&outcome, 0)?;
    let wanted = server.wanted(configuration);
    let id = steps.expect_stored(&outcome, &wanted)?;
    // The earlier version sends offers as HTML.
    let media_type: &[&str] =
        if by == By::Reference && !server.version.reference_once { &["offer_media_type"] } else { &[] };
    outcome.expect_tolerated(&[media_type, server.version.tolerated].concat())?;
    let raw = steps.export(&id)?;
    server.check(&raw, &wanted)?;
    if known && outcome.refused("/credentials") > 0 {
        return Err("the issuer is known, and was asked in a way that it refuses".into());
    }
    let proof = server.proof()?;
    let named_by = if configuration == "degree" { "kid" } else { "jwk" };
    if proof[named_by].is_null() {
        return Err(format!("the proof names its key by another way than {named_by}"));
    }
    expect_notice(server, &offer, reported)
}

/// The wallet asks for the code, survives a wrong one, and gets the credential with the right one.
fn tx_code(server: &Server, steps: &mut Steps<'_>, by: By) -> Result<(), String> {
    let offer = server.offer("library-card", by, true)?;
    let code = offer.tx_code.as_deref().ok_or("the server made no transaction code")?;
    let outcome = steps.wrong_and_right_code(&offer.link, code, &[])?;
    let wanted = server.wanted("library-card");
    let id = steps.expect_stored(&outcome, &wanted)?;
    let raw = steps.export(&id)?;
    server.check(&raw, &wanted)
}

/// The server took the wallet's report.
fn expect_notice(server: &Server, offer: &Offer, before: usize) -> Result<(), String> {
    let event = "credential_accepted";
    let came = poll(NOTICE_LIMIT, || Ok((server.notices(event) > before).then_some(())))?;
    came.ok_or("the issuer was not told that the credential arrived")?;
    if server.version.tells_events {
        let url = format!("{}/webapp/credential-offer-status", server.base);
        let status = server.web.post_json(&url, None, &json!({ "id": offer.id }))?.ok("status of the offer")?;
        if status["status"] != "NOTIFICATION_CREDENTIAL_ACCEPTED" {
            return Err(format!("the issuer has the offer as {}", status["status"]));
        }
    }
    Ok(())
}

/// How much it took, for whoever compares issuers.
fn note_requests(steps: &mut Steps<'_>, outcome: &Outcome) {
    let (all, refused) = (outcome.wire.len(), outcome.refused("/credentials"));
    steps.transcript.note(&format!("{all} requests, {refused} credential requests refused"));
}

/// Writes the server's answers under `tests/fixtures`: those that the wallet got, and three that it never
/// provokes.
fn record(server: &Server, transcript: &mut Transcript) -> Result<(), String> {
    let name = format!("tests/fixtures/sphereon-{}", server.version.packages.version);
    let folder = crate::workspace::root().join(name);
    let fixtures = Fixtures::in_folder(folder.clone())?;
    let token_endpoint = format!("{}/token", server.base);
    server.web.post_form(&token_endpoint, &[("grant_type", GRANT), ("pre-authorized_code", "unknown")])?;
    // By configuration and without a proof: refused by both, and by the earlier one for the first of these reasons.
    let credential_endpoint = format!("{}/credentials", server.base);
    let request = json!({ "credential_configuration_id": "library-card" });
    server.web.post_json(&credential_endpoint, None, &request)?;
    let offer = server.offer("library-card", By::Value, false)?;
    let form = [("grant_type", GRANT), ("pre-authorized_code", &offer.code)];
    let token = server.web.post_form(&token_endpoint, &form)?.ok("token")?;
    server.web.post_json(&credential_endpoint, token["access_token"].as_str(), &request)?;

    let degree = |exchange: &Value| !exchange["answer"].to_string().contains('~');
    fixtures.write_exchanges(
        &server.script.exchanges(),
        &[
            ("issuer-metadata", "/.well-known/openid-credential-issuer", &good),
            ("server-metadata", "/.well-known/oauth-authorization-server", &good),
            ("jwt-vc-issuer.jwks", "/.well-known/jwt-vc-issuer", &good),
            ("offer.pre-authorized", "/credential-offers/", &good),
            ("nonce", "/nonce", &good),
            ("token.pre-authorized", "/token", &good),
            ("token-error.unknown-code", "/token", &|one| one["sent"]["pre-authorized_code"] == "unknown"),
            ("token-error.tx-code", "/token", &|one| one["answer"]["error_description"] == "PIN is invalid"),
            ("credential.sd-jwt", "/credentials", &|one| good(one) && !degree(one)),
            ("credential.jwt", "/credentials", &|one| good(one) && degree(one)),
            ("credential-error.no-token", "/credentials", &|one| one["answer"]["error"] == "invalid_token"),
            ("credential-error.request", "/credentials", &|one| one["answer"]["error"] == "invalid_request"),
        ],
    )?;
    transcript.note(&format!("recorded in {}", folder.display()));
    Ok(())
}
