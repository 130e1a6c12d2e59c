//! Runs the `wallet` command the way a script does, and reads its events.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use billfold_test_issuer::Login;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// No command may take longer; one that hangs fails its test instead of the whole run.
const PATIENCE: Duration = Duration::from_secs(60);

/// The command, built from the sources that are tested.
fn wallet() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| built(&["--example", "wallet"], "examples/wallet"))
}

/// What a user writes after `--browser` to have a test issuer's form filled in and the redirect opened.
pub(crate) fn browser(login: &Login) -> String {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let program = BUILT.get_or_init(|| {
        built(&["--package", "billfold-test-issuer", "--bin", "billfold-test-issuer"], "billfold-test-issuer")
    });
    let words =
        [program.to_str().expect("a plain path"), "sign-in", "--user", &login.user, "--password", &login.password];
    shlex::try_join(words).expect("no NUL in it")
}

/// A program of this workspace, in the profile of the tests.
fn built(what: &[&str], place: &str) -> PathBuf {
    // target/PROFILE/deps/wallet_cli-HASH
    let here = std::env::current_exe().expect("a test knows its own file");
    let folder = here.parent().and_then(Path::parent).expect("tests lie two folders deep");
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    // `cargo test --test wallet_cli` builds no other programs, so an old one might lie there.
    let built = std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "--profile", profile])
        .args(what)
        .arg("--manifest-path")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .status()
        .expect("cargo runs");
    assert!(built.success(), "{place} does not build");
    let file = folder.join(format!("{place}{}", std::env::consts::EXE_SUFFIX));
    assert!(file.is_file(), "{} is missing", file.display());
    file
}

/// A user: a wallet folder of their own and nothing of the machine's real user.
pub(crate) struct User {
    home: TempDir,
}

impl User {
    pub(crate) fn new() -> Self {
        Self { home: tempfile::tempdir().expect("a folder") }
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// A path in the user's home, as text for a command line.
    pub(crate) fn path(&self, name: &str) -> String {
        self.home.path().join(name).to_str().expect("temporary folders have plain names").to_owned()
    }

    /// The bare command.
    pub(crate) fn bare<S: AsRef<str>>(&self, words: &[S]) -> Command {
        let mut command = Command::new(wallet());
        command
            .args(words.iter().map(AsRef::as_ref))
            .env("HOME", self.home())
            .env("XDG_DATA_HOME", self.home().join("data"))
            .env("APPDATA", self.home().join("data"))
            // No secret service, no session bus: tests must not touch the real user's keys.
            .env("XDG_RUNTIME_DIR", self.home())
            .env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", self.path("no-bus")))
            .env("LC_ALL", "C.UTF-8")
            .env_remove("NO_COLOR")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// The command with `--json`, against this machine's issuers, in the user's store.
    pub(crate) fn command<S: AsRef<str>>(&self, words: &[S]) -> Command {
        let mut all = vec!["--json".to_owned(), "--dev".to_owned(), "--store".to_owned(), self.path("store")];
        all.extend(words.iter().map(|word| word.as_ref().to_owned()));
        self.bare(&all)
    }

    /// Runs a command to its end.
    pub(crate) async fn run<S: AsRef<str>>(&self, words: &[S]) -> Ran {
        Ran::of(finish(self.command(words)).await)
    }

    /// Runs a command to its end, with something on its standard input.
    pub(crate) async fn run_with_input<S: AsRef<str>>(&self, words: &[S], input: &str) -> Ran {
        let mut command = self.command(words);
        command.stdin(Stdio::piped());
        let mut child = command.spawn().expect("the command starts");
        let mut stdin = child.stdin.take().expect("it is piped");
        stdin.write_all(input.as_bytes()).await.expect("the command reads");
        drop(stdin);
        Ran::of(wait(child).await)
    }

    /// Runs exactly these words to their end.
    pub(crate) async fn run_bare<S: AsRef<str>>(&self, words: &[S]) -> Ran {
        Ran::of(finish(self.bare(words)).await)
    }

    /// Starts a command, to be talked to while it runs.
    pub(crate) fn start<S: AsRef<str>>(&self, words: &[S]) -> Started {
        Started::of(self.command(words))
    }

    /// The same, with a standard input that [`Started::say`] writes to.
    pub(crate) fn start_with_input<S: AsRef<str>>(&self, words: &[S]) -> Started {
        let mut command = self.command(words);
        command.stdin(Stdio::piped());
        Started::of(command)
    }
}

/// Runs a command to its end and gives all that it said.
pub(crate) async fn finish(mut command: Command) -> Output {
    wait(command.spawn().expect("the command starts")).await
}

async fn wait(child: Child) -> Output {
    tokio::time::timeout(PATIENCE, child.wait_with_output()).await.expect("the command ends").expect("it can be read")
}

/// Every line has to be an event: `--json` promises nothing else.
fn event(line: &str) -> Value {
    let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON ({error}): {line}"));
    assert!(event["event"].is_string(), "no event: {line}");
    event
}

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) exit: i32,
    pub(crate) events: Vec<Value>,
    pub(crate) stderr: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        let stdout = String::from_utf8(output.stdout).expect("UTF-8");
        Self {
            exit: output.status.code().expect("it ended by itself"),
            events: stdout.lines().map(event).collect(),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// Insists on the exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.exit, code, "{self:#?}");
        self
    }

    /// All events of a kind.
    pub(crate) fn all(&self, kind: &str) -> Vec<&Value> {
        self.events.iter().filter(|event| event["event"] == kind).collect()
    }

    /// The only event of a kind.
    #[track_caller]
    pub(crate) fn one(&self, kind: &str) -> &Value {
        let all = self.all(kind);
        assert_eq!(all.len(), 1, "one `{kind}` is expected: {self:#?}");
        all[0]
    }

    /// Insists on failure with exactly one error of that code, all of its members there.
    #[track_caller]
    pub(crate) fn fails_with(self, code: &str) -> Value {
        let ran = self.exits(1);
        let error = ran.one("error").clone();
        assert_eq!(error["code"], code, "{ran:#?}");
        for member in [
            "kind",
            "code",
            "step",
            "endpoint",
            "status",
            "server_error",
            "server_description",
            "retryable",
            "outcome",
            "session",
        ] {
            assert!(error.get(member).is_some(), "`{member}` is missing: {error}");
        }
        error
    }

    /// The names of the events in their order.
    pub(crate) fn kinds(&self) -> Vec<&str> {
        self.events.iter().filter_map(|event| event["event"].as_str()).collect()
    }
}

/// A command that is running.
pub(crate) struct Started {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    seen: Vec<Value>,
}

impl Started {
    fn of(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the command starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        Self { child, lines, seen: Vec::new() }
    }

    /// Types a line.
    pub(crate) async fn say(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("it is piped");
        stdin.write_all(format!("{line}\n").as_bytes()).await.expect("the command reads");
    }

    /// Waits for the next event of a kind.
    pub(crate) async fn event(&mut self, kind: &str) -> Value {
        loop {
            let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await.expect("the command goes on");
            let Some(line) = line.expect("it can be read") else {
                let mut stderr = String::new();
                let _ = self.child.stderr.take().expect("it is piped").read_to_string(&mut stderr).await;
                panic!("the command ended without `{kind}`: {:#?}\n{stderr}", self.seen);
            };
            let event = event(&line);
            self.seen.push(event.clone());
            if event["event"] == kind {
                return event;
            }
        }
    }

    /// Waits for the end.
    pub(crate) async fn end(mut self) -> Ran {
        while let Some(line) =
            tokio::time::timeout(PATIENCE, self.lines.next_line()).await.expect("the command ends").expect("readable")
        {
            self.seen.push(event(&line));
        }
        let output = wait(self.child).await;
        Ran {
            exit: output.status.code().expect("it ended by itself"),
            events: self.seen,
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Ends it at once, without a chance to tidy up.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.expect("it can be killed");
    }
}
