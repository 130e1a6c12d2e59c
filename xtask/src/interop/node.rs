//! Issuers that run in Node: their packages in the cache, and the script of ours that starts them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::keycloak::{at, cache_folder, finish};
use super::process::{Group, poll};
use super::transcript::Transcript;

const INSTALL_LIMIT: Duration = Duration::from_secs(600);
const START_LIMIT: Duration = Duration::from_secs(60);

/// A set of packages: what it is called, and the manifest (below `tests/interop`) that names them.
pub(super) struct Packages {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    pub(super) manifest: &'static str,
}

/// The folder with the packages in it, which are installed if they are not there yet.
pub(super) fn install(packages: &Packages, transcript: &mut Transcript) -> Result<PathBuf, String> {
    let Packages { name, version, manifest } = packages;
    let source = source(manifest);
    let manifest = fs::read_to_string(&source).map_err(at(&source))?;
    let home = cache_folder()?.join(format!("{name}-{version}"));
    let installed_by = home.join("package.json");
    if fs::read_to_string(&installed_by).is_ok_and(|installed| installed == manifest) {
        transcript.note(&format!("{name} {version} from {}", home.display()));
        return Ok(home);
    }
    fs::create_dir_all(&home).map_err(at(&home))?;
    let begun = Instant::now();
    // The manifest is put there last under its own name: a folder that has it is whole.
    let work = TempDir::with_prefix_in(format!("{name}-"), cache_folder()?).map_err(at(&home))?;
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
    transcript.note(&format!("installed {name} {version} in {}", super::seconds(begun.elapsed())));
    Ok(home)
}

/// Node, the cryptography of the web in its usual place.
fn node() -> Result<Command, String> {
    let output = Command::new("node").arg("--version").output().map_err(|error| format!("node: {error}"))?;
    let version = String::from_utf8_lossy(&output.stdout);
    let mut node = Command::new("node");
    // Later ones have it there by themselves, and some of those do not know the option.
    if version.starts_with("v18.") {
        node.arg("--experimental-global-webcrypto");
    }
    Ok(node)
}

/// A file below `tests/interop`.
fn source(name: &str) -> PathBuf {
    crate::workspace::root().join("tests/interop").join(name)
}

/// A running script; dropping it stops it.
pub(super) struct Script {
    // The group is dropped before its folder.
    group: Group,
    /// The first JSON line that it printed: what it is and where.
    pub(super) announced: Value,
    _folder: TempDir,
}

impl Script {
    /// Starts a script of ours (below `tests/interop`) beside the packages, and waits until it says where it is.
    pub(super) fn start(
        home: &Path,
        script: &str,
        arguments: &[&str],
        transcript: &mut Transcript,
    ) -> Result<Self, String> {
        let source = source(script);
        let file = home.join(source.file_name().expect("a file"));
        fs::copy(&source, &file).map_err(at(&source))?;
        let mut node = node()?;
        node.arg(&file).args(arguments).current_dir(home);
        Self::run(&mut node, script, transcript)
    }

    /// Starts a command that prints JSON lines, of which the first says where it is.
    pub(super) fn run(command: &mut Command, script: &str, transcript: &mut Transcript) -> Result<Self, String> {
        let begun = Instant::now();
        let folder = TempDir::with_prefix("billfold-peer-").map_err(|error| format!("no temporary folder: {error}"))?;
        let group = Group::spawn(command, &folder.path().join("issuer.log"))?;
        let mut running = Self { group, announced: Value::Null, _folder: folder };
        let first = poll(START_LIMIT, || match running.group.ended()? {
            Some(status) => Err(format!("{script} ended with {status}: {}", running.log_tail())),
            None => Ok(running.lines().into_iter().next()),
        })?;
        running.announced = first.ok_or_else(|| format!("{script} does not come up: {}", running.log_tail()))?;
        transcript.note(&format!("{script} started after {}", super::seconds(begun.elapsed())));
        Ok(running)
    }

    /// The JSON lines that it has printed so far.
    pub(super) fn lines(&self) -> Vec<Value> {
        let log = self.group.log();
        log.lines().filter(|line| line.starts_with('{')).filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The requests that it answered, each with its answer.
    pub(super) fn exchanges(&self) -> Vec<Value> {
        self.lines().into_iter().filter_map(|mut line| line.get_mut("exchange").map(Value::take)).collect()
    }

    /// The end of what it has printed, for an error text.
    pub(super) fn log_tail(&self) -> String {
        self.group.log_tail()
    }
}
