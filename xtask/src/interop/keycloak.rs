//! Keycloak: fetched once, unpacked and built once, started afresh for each run with the realm of this project.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use ring::digest;
use serde_json::Value;
use tempfile::TempDir;

use super::process::{self, Group};
use super::transcript::Transcript;
use super::web::{Web, free_port};

/// The version that everything here was tried with.
pub(super) const VERSION: &str = "26.7.3";
/// SHA-256 of the distribution as Maven Central has it.
const DIGEST: &str = "27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f";
const MAVEN_COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy";
/// What Keycloak fixes when it is built; a cached build with other options is made anew.
const BUILD_OPTIONS: &[&str] =
    &["--db=dev-mem", "--features=oid4vc-vci,oid4vc-vci-preauth-code,oid4vc-vci-rest-credential-offer"];
const BUILT_WITH: &str = "billfold-build-options";

const REALM_FILE: &str = "tests/interop/keycloak/realm.json";
const REALM: &str = "billfold";
/// The client and the user that the realm file defines.
pub(super) const CLIENT: &str = "billfold";
/// A client whose tokens are good for a moment only.
pub(super) const CLIENT_IN_A_HURRY: &str = "billfold-in-a-hurry";
/// How long they are, in seconds.
pub(super) const HURRY: u64 = 15;
/// Another client, for which Keycloak shows a consent page after the login.
pub(super) const CLIENT_WITH_CONSENT: &str = "billfold-with-consent";
/// The client by which Credo sends users here.
pub(super) const CREDO: &str = "credo";
pub(super) const CREDO_SECRET: &str = "only-on-this-machine";
pub(super) const USER: &str = "reader";
pub(super) const PASSWORD: &str = "borrow-a-book";

const UNPACK_LIMIT: Duration = Duration::from_secs(600);
const BUILD_LIMIT: Duration = Duration::from_secs(300);
const START_LIMIT: Duration = Duration::from_secs(180);

/// The folder of the built distribution, which is downloaded and built if it is not in the cache yet.
pub(super) fn fetch(transcript: &mut Transcript) -> Result<PathBuf, String> {
    let cache = cache_folder()?;
    let home = cache.join(format!("keycloak-{VERSION}"));
    let options = BUILD_OPTIONS.join(" ");
    match fs::read_to_string(home.join(BUILT_WITH)) {
        Ok(built) if built == options => {
            transcript.note(&format!("Keycloak {VERSION} from {}", home.display()));
            return Ok(home);
        }
        Ok(_) => fs::remove_dir_all(&home).map_err(at(&home))?,
        Err(_) if home.exists() => {
            return Err(format!("{} is not ours; move it away", home.display()));
        }
        Err(_) => {}
    }
    fs::create_dir_all(&cache).map_err(at(&cache))?;
    let work = TempDir::with_prefix_in("keycloak-", &cache).map_err(at(&cache))?;
    let begun = Instant::now();
    let unpacked = download(work.path())?;
    transcript.note(&format!("downloaded and unpacked in {}", super::seconds(begun.elapsed())));
    let begun = Instant::now();
    let mut build = kc(&unpacked);
    build.arg("build").args(BUILD_OPTIONS);
    finish(&mut build, &work.path().join("build.log"), BUILD_LIMIT)?;
    transcript.note(&format!("built in {}", super::seconds(begun.elapsed())));
    fs::write(unpacked.join(BUILT_WITH), options).map_err(at(&unpacked))?;
    // Another run may have been faster: what it left there is as good.
    if let Err(error) = fs::rename(&unpacked, &home)
        && !home.join(BUILT_WITH).exists()
    {
        return Err(format!("{}: {error}", home.display()));
    }
    Ok(home)
}

/// Where downloads are kept.
pub(super) fn cache_folder() -> Result<PathBuf, String> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = variable("BILLFOLD_CACHE")
        .or_else(|| variable("XDG_CACHE_HOME").map(|folder| folder.join("billfold")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache/billfold")))
        .ok_or("no HOME: say with BILLFOLD_CACHE where downloads may be kept")?;
    // Links into it are made from elsewhere.
    std::path::absolute(&folder).map_err(at(&folder))
}

/// Lets Maven fetch the archive, compares its digest, and unpacks it.
fn download(work: &Path) -> Result<PathBuf, String> {
    let mut maven = Command::new("mvn");
    maven
        .args(["--quiet", "--batch-mode", MAVEN_COPY])
        .arg(format!("-Dartifact=org.keycloak:keycloak-quarkus-dist:{VERSION}:zip"))
        .arg(format!("-DoutputDirectory={}", work.display()))
        .current_dir(work);
    finish(&mut maven, &work.join("maven.log"), UNPACK_LIMIT)?;
    let archive = work.join(format!("keycloak-quarkus-dist-{VERSION}.zip"));
    let bytes = fs::read(&archive).map_err(at(&archive))?;
    let mut found = String::new();
    for byte in digest::digest(&digest::SHA256, &bytes).as_ref() {
        write!(found, "{byte:02x}").expect("a String takes every write");
    }
    if found != DIGEST {
        return Err(format!("the archive's SHA-256 is {found}, not {DIGEST}"));
    }
    let mut unzip = Command::new("unzip");
    unzip.arg("-q").arg(&archive).arg("-d").arg(work);
    finish(&mut unzip, &work.join("unzip.log"), UNPACK_LIMIT)?;
    fs::remove_file(&archive).map_err(at(&archive))?;
    Ok(work.join(format!("keycloak-{VERSION}")))
}

/// Runs a command to its good end.
pub(super) fn finish(command: &mut Command, log: &Path, limit: Duration) -> Result<(), String> {
    let name = command.get_program().display().to_string();
    let mut group = Group::spawn(command, log)?;
    let status = group.wait(limit).map_err(|error| format!("{name}: {error}"))?;
    if !status.success() {
        return Err(format!("{name}: {status}\n{}", group.log_tail()));
    }
    Ok(())
}

fn kc(home: &Path) -> Command {
    let mut command = Command::new("sh");
    command.arg(home.join("bin/kc.sh"));
    // Startup counts here, not throughput: the quick compiler alone starts a fifth faster.
    command.env("JAVA_OPTS_APPEND", "-XX:TieredStopAtLevel=1");
    command
}

/// An error with the path that it is about.
pub(super) fn at(path: &Path) -> impl Fn(std::io::Error) -> String {
    move |error| format!("{}: {error}", path.display())
}

/// A running Keycloak; dropping it stops it and removes what it wrote.
pub(super) struct Server {
    // The group is dropped before its folder.
    group: Group,
    _folder: TempDir,
    base: String,
    pub(super) web: Web,
}

impl Server {
    /// Starts Keycloak on a free loopback port and waits until the realm answers.
    pub(super) fn start(home: &Path, transcript: &mut Transcript) -> Result<Self, String> {
        Self::start_with(home, &[], transcript)
    }

    /// The same with one more option of the build, which takes half a minute.
    pub(super) fn start_with(home: &Path, options: &[&str], transcript: &mut Transcript) -> Result<Self, String> {
        let folder =
            TempDir::with_prefix("billfold-keycloak-").map_err(|error| format!("no temporary folder: {error}"))?;
        lay_out(home, folder.path())?;
        if !options.is_empty() {
            let mut build = kc(folder.path());
            build.arg("build").args(BUILD_OPTIONS).args(options);
            finish(&mut build, &folder.path().join("build.log"), BUILD_LIMIT)?;
        }
        // Keycloak must know its own address before it listens.
        let port = free_port()?;
        let base = format!("http://127.0.0.1:{port}");
        let mut command = kc(folder.path());
        command
            .args(["start", "--optimized", "--import-realm", "--cache=local"])
            .args(["--http-enabled=true", "--http-host=127.0.0.1"])
            .arg(format!("--http-port={port}"))
            .arg(format!("--hostname={base}"))
            .env("JAVA_OPTS_KC_HEAP", "-Xms256m -Xmx768m");
        let begun = Instant::now();
        let group = Group::spawn(&mut command, &folder.path().join("keycloak.log"))?;
        let mut server = Self { group, _folder: folder, base, web: Web::new() };
        server.wait_until_ready()?;
        transcript.note(&format!(
            "Keycloak answers at {} after {}",
            server.credential_issuer(),
            super::seconds(begun.elapsed())
        ));
        Ok(server)
    }

    fn wait_until_ready(&mut self) -> Result<(), String> {
        let url = self.well_known("openid-credential-issuer");
        let ready = process::poll(START_LIMIT, || {
            if let Some(status) = self.group.ended()? {
                return Err(format!("Keycloak ended: {status}\n{}", self.group.log_tail()));
            }
            Ok(self.web.get(&url, None).ok().filter(|answer| answer.status == 200))
        })?;
        match ready {
            Some(_) => Ok(()),
            None => {
                Err(format!("Keycloak does not answer after {} s\n{}", START_LIMIT.as_secs(), self.group.log_tail()))
            }
        }
    }

    /// The credential issuer, which is also the authorization server.
    pub(super) fn credential_issuer(&self) -> String {
        format!("{}/realms/{REALM}", self.base)
    }

    /// A metadata document, its well-known part inserted before the path.
    pub(super) fn well_known(&self, name: &str) -> String {
        format!("{}/.well-known/{name}/realms/{REALM}", self.base)
    }

    /// The credential issuer metadata as the JWT that Keycloak signs.
    pub(super) fn signed_metadata(&self) -> Result<String, String> {
        let answer = self.web.get_as(&self.well_known("openid-credential-issuer"), "application/jwt")?;
        match answer.ok("signed metadata")? {
            Value::String(token) => Ok(token),
            _ => Err("the metadata is not signed".into()),
        }
    }

    /// The token endpoint of the realm.
    pub(super) fn token_endpoint(&self) -> String {
        format!("{}/protocol/openid-connect/token", self.credential_issuer())
    }

    /// Makes an offer as the user would from an account page: the link, with the offer by reference.
    pub(super) fn offer(&self, configuration: &str, pre_authorized: bool) -> Result<String, String> {
        Ok(link("credential_offer_uri", &self.offer_reference(configuration, pre_authorized)?))
    }

    /// The same with the offer in the link.
    pub(super) fn offer_by_value(&self, configuration: &str, pre_authorized: bool) -> Result<String, String> {
        Ok(link("credential_offer", &self.offer_content(configuration, pre_authorized)?.to_string()))
    }

    /// Makes an offer and fetches it.
    pub(super) fn offer_content(&self, configuration: &str, pre_authorized: bool) -> Result<Value, String> {
        let reference = self.offer_reference(configuration, pre_authorized)?;
        self.web.get(&reference, None)?.ok("offer")
    }

    /// Makes an offer and says where it lies.
    fn offer_reference(&self, configuration: &str, pre_authorized: bool) -> Result<String, String> {
        // An offer serves the client whose token made it.
        let token = self
            .web
            .post_form(
                &self.token_endpoint(),
                &[
                    ("grant_type", "password"),
                    ("client_id", CLIENT),
                    ("username", USER),
                    ("password", PASSWORD),
                    ("scope", "openid"),
                ],
            )?
            .ok("token of the user")?;
        let token = text(&token, "access_token")?;
        let mut url = url::Url::parse(&format!("{}/protocol/oid4vc/create-credential-offer", self.credential_issuer()))
            .map_err(|error| error.to_string())?;
        url.query_pairs_mut()
            .append_pair("credential_configuration_id", configuration)
            .append_pair("pre_authorized", if pre_authorized { "true" } else { "false" })
            .append_pair("target_user", USER);
        let made = self.web.get(url.as_str(), Some(token))?.ok("create offer")?;
        Ok(format!("{}/{}", text(&made, "issuer")?.trim_end_matches('/'), text(&made, "nonce")?))
    }

    /// Memory of the whole group, where the system tells it.
    pub(super) fn resident_megabytes(&self) -> Option<u64> {
        let output = Command::new("ps").args(["-A", "-o", "pgid=,rss="]).output().ok()?;
        let group = self.group.id().to_string();
        let kilobytes: u64 = String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|line| line.split_whitespace().collect::<Vec<_>>().try_into().ok())
            .filter(|[id, _]: &[&str; 2]| *id == group)
            .filter_map(|[_, memory]| memory.parse::<u64>().ok())
            .sum();
        (kilobytes > 0).then_some(kilobytes / 1024)
    }
}

/// A home of its own for one run: the built libraries are shared, everything that is written is not.
fn lay_out(home: &Path, run: &Path) -> Result<(), String> {
    for folder in ["bin", "conf", "data/import", "lib", "providers", "themes"] {
        fs::create_dir_all(run.join(folder)).map_err(at(run))?;
    }
    let files: [(PathBuf, &str); 3] = [
        (home.join("bin/kc.sh"), "bin/kc.sh"),
        (home.join("conf/cache-ispn.xml"), "conf/cache-ispn.xml"),
        (crate::workspace::root().join(REALM_FILE), "data/import/billfold-realm.json"),
    ];
    for (from, to) in files {
        fs::copy(&from, run.join(to)).map_err(at(&from))?;
    }
    // What a build writes is small.
    for name in ["quarkus", "quarkus-run.jar"] {
        copy(&home.join("lib").join(name), &run.join("lib").join(name))?;
    }
    for name in ["app", "lib"] {
        let place = run.join("lib").join(name);
        std::os::unix::fs::symlink(home.join("lib").join(name), &place).map_err(at(&place))?;
    }
    Ok(())
}

/// Copies a file, or a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> Result<(), String> {
    if !from.is_dir() {
        return fs::copy(from, to).map(drop).map_err(at(from));
    }
    fs::create_dir_all(to).map_err(at(to))?;
    for entry in fs::read_dir(from).map_err(at(from))? {
        let name = entry.map_err(at(from))?.file_name();
        copy(&from.join(&name), &to.join(&name))?;
    }
    Ok(())
}

/// A link with an offer.
pub(super) fn link(name: &str, value: &str) -> String {
    let mut link = url::Url::parse("openid-credential-offer://").expect("a fixed link");
    link.query_pairs_mut().append_pair(name, value);
    link.into()
}

/// A member that must be a string.
pub(super) fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str, String> {
    value[name].as_str().ok_or_else(|| format!("no `{name}` in the answer"))
}
