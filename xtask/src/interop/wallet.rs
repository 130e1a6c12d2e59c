//! The wallet example as a program: its command line, its events, its exit code.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::process::Group;
use super::transcript::Transcript;

/// One call of the wallet, with a person at the browser in it.
const LIMIT: Duration = Duration::from_secs(120);

/// A wallet with a store of its own, and a browser command that signs the user in.
pub(super) struct Setup {
    program: PathBuf,
    folder: TempDir,
    issuer: String,
    client: &'static str,
}

/// Who signs in at an issuer that asks.
pub(super) struct Login {
    pub(super) user: &'static str,
    pub(super) password: &'static str,
}

/// What one call did.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) status: Option<i32>,
    /// Every line of standard output.
    pub(super) events: Vec<Value>,
    /// What was said on the wire, a line a request, as `--verbose` shows it.
    pub(super) wire: Vec<String>,
}

impl Outcome {
    /// The events of one kind.
    pub(super) fn named<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Value> {
        self.events.iter().filter(move |event| event["event"] == *name)
    }

    /// The only event of this kind.
    pub(super) fn single(&self, name: &str) -> Result<&Value, String> {
        let mut found = self.named(name);
        match (found.next(), found.next()) {
            (Some(event), None) => Ok(event),
            (None, _) => Err(format!("no `{name}` event")),
            (Some(_), Some(_)) => Err(format!("more than one `{name}` event")),
        }
    }

    /// The requests to an address that ends so, each with what was sent and what came.
    pub(super) fn requests<'a>(&'a self, address: &str) -> impl Iterator<Item = &'a str> {
        let lines = self.wire.iter().map(String::as_str);
        lines.filter(move |line| line.split(' ').nth(1).is_some_and(|url| url.ends_with(address)))
    }

    /// How many of these requests the issuer refused.
    pub(super) fn refused(&self, address: &str) -> usize {
        self.requests(address).filter(|line| status(line).is_some_and(|status| status >= 400)).count()
    }

    /// Fails unless a request to this address had this header field or member.
    pub(super) fn expect_sent(&self, address: &str, what: &str) -> Result<(), String> {
        let sent = |line: &str| line.split(" -> ").next().is_some_and(|request| names(request, what));
        if self.requests(address).any(sent) { Ok(()) } else { Err(format!("no request to {address} with {what}")) }
    }

    /// Fails unless an answer from this address had this member.
    pub(super) fn expect_received(&self, address: &str, what: &str) -> Result<(), String> {
        let received = |line: &str| line.split(" -> ").nth(1).is_some_and(|answer| names(answer, what));
        if self.requests(address).any(received) { Ok(()) } else { Err(format!("no answer from {address} with {what}")) }
    }

    /// Fails unless what the wallet stored came with these departures from OpenID4VCI 1.0, and no other.
    pub(super) fn expect_tolerated(&self, wanted: &[&str]) -> Result<(), String> {
        let found = &self.single("stored")?["tolerated"];
        if *found == json!(wanted) { Ok(()) } else { Err(format!("tolerated was {found}, not {wanted:?}")) }
    }

    /// Fails unless the wallet refused before it asked for a token.
    pub(super) fn expect_refused_early(&self, token_endpoint: &str) -> Result<(), String> {
        self.expect_status(1)?;
        self.single("error")?;
        if self.requests(token_endpoint).count() > 0 { Err("a token was asked for".into()) } else { Ok(()) }
    }

    /// Fails unless the wallet ended with this code.
    pub(super) fn expect_status(&self, wanted: i32) -> Result<(), String> {
        if self.status == Some(wanted) {
            return Ok(());
        }
        let shown = self.status.map_or("a signal".into(), |status| status.to_string());
        Err(format!("the wallet ended with {shown}, not {wanted}"))
    }
}

/// Whether the list in braces has this entry.
fn names(text: &str, entry: &str) -> bool {
    let (_, list) = text.split_once('{').unwrap_or_default();
    list.split('}').next().unwrap_or_default().split(", ").any(|one| one == entry)
}

/// The status in a line of `--verbose`.
fn status(line: &str) -> Option<u16> {
    let (_, answer) = line.split_once(" -> ")?;
    answer.split(' ').next()?.parse().ok()
}

impl Setup {
    /// A wallet that is known as `client`; without a login there is nobody at the browser.
    pub(super) fn new(
        program: &Path,
        issuer: String,
        client: &'static str,
        login: Option<&Login>,
    ) -> Result<Self, String> {
        let folder =
            TempDir::with_prefix("billfold-wallet-").map_err(|error| format!("no temporary folder: {error}"))?;
        let program = fs::canonicalize(program).map_err(|error| format!("{}: {error}", program.display()))?;
        let setup = Self { program, folder, issuer, client };
        if let Some(login) = login {
            setup.write_browser(login)?;
        }
        Ok(setup)
    }

    /// The browser command: this program's `sign-in`, as a script, so that no path needs quoting on the way.
    fn write_browser(&self, login: &Login) -> Result<(), String> {
        let this = std::env::current_exe().map_err(|error| format!("no own path: {error}"))?;
        let script = format!(
            "#!/bin/sh\nexec '{}' sign-in --user '{}' --password '{}' \"$@\"\n",
            this.display(),
            login.user,
            login.password,
        );
        let path = self.browser();
        fs::write(&path, script)
            .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o700)))
            .map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Signs the user in outside the wallet, and says where the browser ended.
    pub(super) fn sign_in(&self, transcript: &mut Transcript, url: &str) -> Result<String, String> {
        transcript.command(&["browser", "--print-redirect", url]);
        let (out, err) = (self.folder.path().join("out"), self.folder.path().join("err"));
        let mut command = Command::new(self.browser());
        command.args(["--print-redirect", url]);
        let mut group = Group::spawn_split(&mut command, &out, &err)?;
        let status = group.wait(LIMIT).map_err(|error| format!("sign-in: {error}"))?;
        let answer = read(&out)?;
        transcript.text(&answer);
        if !status.success() {
            return Err(format!("sign-in: {status}: {}", group.log_tail()));
        }
        Ok(answer.trim().to_owned())
    }

    fn browser(&self) -> PathBuf {
        self.folder.path().join("browser")
    }

    /// The issuer that the wallet talks to.
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// A file of the wallet's own folder, with this content.
    pub(super) fn file(&self, name: &str, content: &str) -> Result<String, String> {
        let path = self.folder.path().join(name);
        fs::write(&path, content).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path.to_string_lossy().into_owned())
    }

    /// The options of every call, which the transcript shows once.
    fn options(&self, dev: bool) -> Vec<String> {
        let path = |name| self.folder.path().join(name).to_string_lossy().into_owned();
        let mut options = vec!["--store".to_owned(), path("store"), "--json".to_owned(), "--verbose".to_owned()];
        if dev {
            options.push("--dev".to_owned());
        }
        options.extend(["--browser".to_owned(), path("browser")]);
        options
    }

    /// Says what `wallet` stands for in the transcript.
    pub(super) fn explain(&self, transcript: &mut Transcript) {
        transcript.note(&format!("below, `wallet` is `wallet {}`", self.options(true).join(" ")));
    }

    /// Calls the wallet as a developer would: events as JSON, http on loopback allowed.
    pub(super) fn run(&self, transcript: &mut Transcript, words: &[&str]) -> Result<Outcome, String> {
        self.run_as(transcript, self.client, words)
    }

    /// The same as another client.
    pub(super) fn run_as(&self, transcript: &mut Transcript, client: &str, words: &[&str]) -> Result<Outcome, String> {
        let words = [&["--client-id", client], words].concat();
        transcript.command(&[&["wallet"], &words[..]].concat());
        self.call(transcript, &self.options(true), &words)
    }

    /// Calls the wallet without `--dev`, as an app is.
    pub(super) fn run_without_dev(&self, transcript: &mut Transcript, words: &[&str]) -> Result<Outcome, String> {
        let options = self.options(false);
        let words = [&["--client-id", self.client], words].concat();
        let shown: Vec<&str> = options.iter().map(String::as_str).chain(words.iter().copied()).collect();
        transcript.command(&[&["wallet"], &shown[..]].concat());
        self.call(transcript, &options, &words)
    }

    fn call(&self, transcript: &mut Transcript, options: &[String], words: &[&str]) -> Result<Outcome, String> {
        let out = self.folder.path().join("out");
        let err = self.folder.path().join("err");
        let mut command = Command::new(&self.program);
        command
            .args(options)
            .args(words)
            // Nothing of the user's own wallet or keyring is touched.
            .env("HOME", self.folder.path())
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .env_remove("XDG_DATA_HOME")
            .env_remove("XDG_CONFIG_HOME");
        let mut group = Group::spawn_split(&mut command, &out, &err)?;
        let status = group.wait(LIMIT);
        let text = read(&out)?;
        let mut events = Vec::new();
        let mut other = Vec::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            match serde_json::from_str(line) {
                Ok(event) => {
                    transcript.event(&event);
                    events.push(event);
                }
                Err(_) => other.push(line.to_owned()),
            }
        }
        transcript.text(&other.join("\n"));
        let said = read(&err)?;
        transcript.text(&said);
        let is_request = |line: &&str| line.starts_with("GET ") || line.starts_with("POST ");
        let wire: Vec<String> = said.lines().filter(is_request).map(str::to_owned).collect();
        let status = status.map_err(|error| format!("wallet: {error}"))?;
        if !other.is_empty() {
            return Err("with --json the wallet printed something that is not JSON".into());
        }
        Ok(Outcome { status: status.code(), events, wire })
    }
}

fn read(path: &Path) -> Result<String, String> {
    fs::read(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_found_by_their_address() {
        let wire = ["GET http://h/.well-known/x -> 404", "POST http://h/credential {proof} -> 500 {error}"];
        let wire = wire.map(str::to_owned).to_vec();
        let outcome = Outcome { status: Some(0), events: Vec::new(), wire };
        assert_eq!(outcome.requests("/credential").count(), 1);
        assert_eq!((outcome.refused("/credential"), outcome.refused("/x")), (1, 1));
        assert_eq!(outcome.requests("/token").count(), 0);
        assert_eq!(status("GET http://h/ -> no answer"), None);
        assert!(outcome.expect_sent("/credential", "proof").is_ok());
        assert!(outcome.expect_sent("/credential", "error").is_err());
        assert!(outcome.expect_received("/credential", "error").is_ok());
        assert!(outcome.expect_received("/credential", "err").is_err());
    }
}
