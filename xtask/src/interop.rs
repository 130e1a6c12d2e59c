//! `interop PEER`: the wallet example against an issuer that is not ours, from outside, as its users would run it.

mod checks;
mod credential;
mod credibil;
mod credo;
mod extras;
mod fixtures;
mod keycloak;
mod node;
mod process;
mod sign_in;
mod sphereon;
mod steps;
mod transcript;
mod wallet;
mod web;
mod webdriver;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use steps::Tally;
use transcript::Transcript;

pub(crate) use sign_in::run as sign_in;

/// What `interop` was asked to do.
#[derive(Debug, Default)]
struct Options {
    /// Leave the issuer running and wait for Ctrl-C.
    keep: bool,
    /// Also write the transcript to this file.
    transcript: Option<PathBuf>,
    /// A built wallet to use instead of building the example.
    wallet: Option<PathBuf>,
    /// Record the issuer's answers under `tests/fixtures`.
    record: bool,
    /// Keycloak only: once more without pushed requests.
    without_par: bool,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().ok_or_else(|| format!("`{argument}` needs a value"));
            match argument.as_str() {
                "--keep" => options.keep = true,
                "--record" => options.record = true,
                "--without-par" => options.without_par = true,
                "--transcript" => options.transcript = Some(value()?.into()),
                "--wallet" => options.wallet = Some(value()?.into()),
                other => return Err(format!("no option `{other}`; there are {OPTIONS}")),
            }
        }
        Ok(options)
    }
}

/// The options, as the usage text shows them.
const OPTIONS: &str = "--keep, --record, --transcript FILE, --wallet PROGRAM, --without-par";

/// Runs the task: `interop PEER [OPTIONS]`.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let Some((peer, rest)) = arguments.split_first() else {
        return Err(format!("which peer? There are: {PEERS}"));
    };
    let run = match peer.as_str() {
        "credibil" => with_credibil,
        "credo" => with_credo,
        "keycloak" => with_keycloak,
        "sphereon" => with_sphereon,
        other => return Err(format!("no peer `{other}`. There are: {PEERS}")),
    };
    let options = Options::parse(rest)?;
    process::catch_signals()?;
    let mut transcript = Transcript::new(options.transcript.as_deref())?;
    let program = match &options.wallet {
        Some(program) => program.clone(),
        None => build_wallet()?,
    };
    let begun = Instant::now();
    let tally = run(&options, &program, &mut transcript)?;
    transcript.note(&format!("whole run {}", seconds(begun.elapsed())));
    if tally.failed > 0 {
        return Err(format!("{} steps failed", tally.failed));
    }
    Ok(())
}

/// The peers, as the usage text shows them.
const PEERS: &str = "credibil, credo, keycloak, sphereon";

fn with_keycloak(options: &Options, program: &Path, transcript: &mut Transcript) -> Result<Tally, String> {
    let begun = Instant::now();
    let home = keycloak::fetch(transcript)?;
    let server = keycloak::Server::start(&home, transcript)?;
    transcript.note(&format!("started after {}", seconds(begun.elapsed())));
    let login = wallet::Login { user: keycloak::USER, password: keycloak::PASSWORD };
    let setup = wallet::Setup::new(program, server.credential_issuer(), keycloak::CLIENT, Some(&login))?;
    setup.explain(transcript);
    let tally = checks::run(&server, &setup, transcript)?;
    if options.record {
        fixtures::record(&server, &setup, transcript)?;
    }
    let tally = if options.without_par { tally.and(&without_par(&home, program, transcript)?) } else { tally };
    if let Some(memory) = server.resident_megabytes() {
        transcript.note(&format!("resident memory of the issuer {memory} MB"));
    }
    transcript.print(&format!("keycloak: {} passed, {} failed", tally.passed, tally.failed));
    if options.keep {
        transcript.print(&format!("still running at {} until Ctrl-C", server.credential_issuer()));
        process::wait_for_interrupt();
    }
    Ok(tally)
}

/// A second Keycloak, built to take no pushed requests.
fn without_par(home: &Path, program: &Path, transcript: &mut Transcript) -> Result<Tally, String> {
    transcript.print("");
    let server = keycloak::Server::start_with(home, &["--features-disabled=par"], transcript)?;
    let login = wallet::Login { user: keycloak::USER, password: keycloak::PASSWORD };
    let setup = wallet::Setup::new(program, server.credential_issuer(), keycloak::CLIENT, Some(&login))?;
    setup.explain(transcript);
    extras::without_par(&server, &setup, transcript)
}

fn with_credo(options: &Options, program: &Path, transcript: &mut Transcript) -> Result<Tally, String> {
    let keycloak = keycloak::Server::start(&keycloak::fetch(transcript)?, transcript)?;
    let server = credo::Server::start(&keycloak, transcript)?;
    let login = wallet::Login { user: keycloak::USER, password: keycloak::PASSWORD };
    let setup = wallet::Setup::new(program, server.credential_issuer(), "billfold", Some(&login))?;
    setup.explain(transcript);
    let tally = credo::run(&server, &setup, options.record, transcript)?;
    transcript.print(&format!("credo: {} passed, {} failed", tally.passed, tally.failed));
    if options.keep {
        transcript.print(&format!("still running at {} until Ctrl-C", server.credential_issuer()));
        process::wait_for_interrupt();
    }
    Ok(tally)
}

fn with_credibil(options: &Options, program: &Path, transcript: &mut Transcript) -> Result<Tally, String> {
    let tally = credibil::run(program, options.record, transcript)?;
    transcript.print(&format!("credibil: {} passed, {} failed", tally.passed, tally.failed));
    Ok(tally)
}

fn with_sphereon(options: &Options, program: &Path, transcript: &mut Transcript) -> Result<Tally, String> {
    let tally = sphereon::run(program, options.record, transcript)?;
    transcript.print(&format!("sphereon: {} passed, {} failed", tally.passed, tally.failed));
    Ok(tally)
}

/// Builds the wallet example and says where it lies.
fn build_wallet() -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--quiet", "--message-format=json", "--example", "wallet"])
        .current_dir(crate::workspace::root())
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo did not start: {error}"))?;
    if !output.status.success() {
        return Err("the wallet example does not build".into());
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == "wallet")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .ok_or_else(|| "cargo built no program for the wallet example".into())
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
