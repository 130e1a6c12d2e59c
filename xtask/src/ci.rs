//! `cargo xtask ci`: everything that has to hold before a change is merged, in one run.
//!
//! A step that fails does not stop the later ones. The last lines say which failed, how many tests
//! each suite ran, and then `N passed, N failed`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::bindings::Language;
use crate::coverage;
use crate::foreign;
use crate::suite::{self, Counts, Outcome};
use crate::workspace;

/// One step: its name, and what it does.
struct Step {
    name: &'static str,
    run: fn() -> Result<Outcome, String>,
}

/// The steps in their order: the quick ones first.
const STEPS: &[Step] = &[
    Step { name: "tools", run: tools },
    Step { name: "format", run: || checked(&mut workspace::cargo(&["fmt", "--all", "--check"])) },
    Step { name: "shellcheck", run: shellcheck },
    Step { name: "coverage", run: coverage::step },
    Step { name: "deny", run: deny },
    Step { name: "advisories", run: advisories },
    Step { name: "clippy", run: || clippy(&["--workspace", "--all-targets", "--all-features"]) },
    Step { name: "clippy-default", run: || clippy(&["--package", "billfold", "--lib"]) },
    Step { name: "clippy-none", run: || clippy(&["--package", "billfold", "--lib", "--no-default-features"]) },
    Step { name: "rust", run: rust },
    Step { name: "doc-tests", run: doc_tests },
    Step { name: "docs", run: docs },
    Step { name: "examples", run: examples },
    Step { name: "kotlin", run: || foreign::test(Language::Kotlin) },
    Step { name: "swift", run: || foreign::test(Language::Swift) },
];

/// These run only when asked for by name or with `--with-…`: they download and start a server that is not ours.
const PEERS: &[(&str, Step)] = &[
    ("--with-keycloak", Step { name: "keycloak", run: || interop("keycloak") }),
    ("--with-sphereon", Step { name: "sphereon", run: || interop("sphereon") }),
];

/// Programs that the steps need, how to ask each whether it is there, and where it comes from.
const TOOLS: &[(&str, &[&str], &str)] = &[
    ("cargo", &["fmt", "--version"], "`rustup component add rustfmt`"),
    ("cargo", &["clippy", "--version"], "`rustup component add clippy`"),
    ("cargo", &["deny", "--version"], "`cargo install cargo-deny --locked`"),
    ("shellcheck", &["--version"], "the package `shellcheck` of the system, or `brew install shellcheck`"),
    ("javac", &["-version"], "a JDK 17 or later: the package `openjdk-17-jdk-headless`, or https://adoptium.net"),
    ("mvn", &["--version"], "the package `maven`, or `brew install maven`"),
    ("ci/swift", &["--version"], "Swift 6 from https://www.swift.org/install; as root on Debian it installs itself"),
];

/// An example: its name, its arguments, and a text that its output must have.
struct Example {
    name: &'static str,
    arguments: &'static [&'static str],
    shows: &'static str,
}

/// The examples that run to their end by themselves, each with its own embedded issuer.
const EXAMPLES: &[Example] = &[
    Example { name: "wallet", arguments: &["--store", "STORE", "--json", "--dev", "accept"], shows: "\"stored\"" },
    Example { name: "wallet", arguments: &["--store", "STORE", "--dev", "accept"], shows: "" },
    Example { name: "pre_authorized", arguments: &[], shows: "" },
    Example { name: "authorization_code", arguments: &[], shows: "" },
];

/// No example takes longer, unless it waits for somebody who is not there.
const EXAMPLE_LIMIT: Duration = Duration::from_secs(120);

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let steps = chosen(arguments)?;
    let mut rows = Vec::new();
    for step in steps {
        println!("\n== {}", step.name);
        let begin = Instant::now();
        let outcome = (step.run)().unwrap_or_else(|problem| Outcome { problem: Some(problem), ..Outcome::default() });
        let seconds = begin.elapsed().as_secs_f32();
        println!("-- {}: {}, {seconds:.1} s", step.name, verdict(&outcome));
        if let Some(problem) = &outcome.problem {
            println!("{problem}");
        }
        rows.push((step.name, seconds, outcome));
    }
    summarise(&rows)
}

/// All steps without arguments; with `--only NAME` those that are named; `--with-PEER` adds one.
fn chosen(arguments: &[String]) -> Result<Vec<&'static Step>, String> {
    let mut only = Vec::new();
    let mut added = Vec::new();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if word == "--only" {
            let name = words.next().map_or("", String::as_str);
            let mut known = STEPS.iter().chain(PEERS.iter().map(|(_, step)| step));
            only.push(known.find(|step| step.name == name).ok_or_else(|| {
                let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
                format!("no step `{name}`; there are {}, keycloak, sphereon", names.join(", "))
            })?);
        } else if let Some((_, step)) = PEERS.iter().find(|(option, _)| option == word) {
            added.push(step);
        } else {
            return Err(format!("unknown argument `{word}`"));
        }
    }
    let mut steps = if only.is_empty() { STEPS.iter().collect() } else { only };
    steps.extend(added);
    Ok(steps)
}

/// The closing lines. A step that failed without a count of its own counts as one failure, so that
/// the last line never looks better than the run was.
fn summarise(rows: &[(&str, f32, Outcome)]) -> Result<(), String> {
    println!("\n== summary");
    let mut total = Counts::default();
    let mut failed = Vec::new();
    for (name, seconds, outcome) in rows {
        let verdict = verdict(outcome);
        let counts = if outcome.counts == Counts::default() { String::new() } else { outcome.counts.to_string() };
        println!("{}", format!("{verdict:<8}{seconds:>7.1} s  {name:<15} {counts}").trim_end());
        total += outcome.counts;
        if outcome.problem.is_some() {
            failed.push(*name);
            if outcome.counts.failed == 0 {
                total.failed += 1;
            }
        }
    }
    for (name, _, outcome) in rows {
        if let Some(problem) = &outcome.problem {
            println!("{name}: {problem}");
        }
        if let Some(reason) = outcome.not_run {
            println!("{name} was not run: {reason}");
        }
    }
    println!("{} passed, {} failed", total.passed, total.failed);
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
}

fn verdict(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome { problem: Some(_), .. } => "FAILED",
        Outcome { not_run: Some(_), .. } => "NOT RUN",
        Outcome { .. } => "ok",
    }
}

/// A command that only has to succeed.
fn checked(command: &mut Command) -> Result<Outcome, String> {
    println!("$ {}", workspace::describe(command));
    workspace::run(command).map(|()| Outcome::default())
}

/// Everything missing is named at once, and before anything slow begins.
fn tools() -> Result<Outcome, String> {
    let mut missing = Vec::new();
    for (program, arguments, source) in TOOLS {
        let mut command =
            if *program == "cargo" { workspace::cargo(arguments) } else { workspace::command(program, arguments) };
        let answer = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).output();
        let shown = workspace::describe(&command);
        match answer {
            Ok(answer) if answer.status.success() => {
                let text = workspace::plain(&String::from_utf8_lossy(&answer.stdout));
                println!("{shown}: {}", text.lines().find(|line| line.contains(char::is_numeric)).unwrap_or("there"));
            }
            _ => missing.push(format!("`{shown}` does not run; it comes from {source}")),
        }
    }
    if missing.is_empty() { Ok(Outcome::default()) } else { Err(missing.join("\n  ")) }
}

/// Every tracked file that begins as a shell script.
fn shellcheck() -> Result<Outcome, String> {
    let listed = workspace::command("git", &["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output()
        .map_err(|error| format!("git did not run: {error}"))?;
    let names = String::from_utf8_lossy(&listed.stdout);
    let scripts: Vec<&str> = names.split('\0').filter(|name| is_shell_script(&workspace::root().join(name))).collect();
    if scripts.is_empty() {
        return Err(String::from("found no shell script; is this a git work tree?"));
    }
    checked(workspace::command("shellcheck", &["--"]).args(&scripts))
}

fn is_shell_script(path: &Path) -> bool {
    let Ok(bytes) = fs::read(path) else { return false };
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let first = String::from_utf8_lossy(first);
    first.starts_with("#!") && ["/sh", "/bash", " sh", " bash"].iter().any(|shell| first.ends_with(shell))
}

fn deny() -> Result<Outcome, String> {
    let arguments = ["deny", "--workspace", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"];
    checked(&mut workspace::cargo(&arguments))
}

/// Known security flaws of dependencies. The list of them lies on the network: where neither it nor an
/// earlier copy is at hand, that is said, and the nightly run has the last word.
fn advisories() -> Result<Outcome, String> {
    let check = ["deny", "--workspace", "check", "--hide-inclusion-graph", "advisories"];
    let fetched = workspace::cargo(&["deny", "--workspace", "fetch", "db"])
        .stderr(Stdio::null())
        .status()
        .map_err(|error| format!("cargo did not run: {error}"))?;
    if fetched.success() {
        return checked(&mut workspace::cargo(&check));
    }
    if advisory_copy().is_some_and(|folder| folder.exists()) {
        return checked(workspace::cargo(&["deny", "--offline"]).args(&check[1..]));
    }
    let reason = "the advisory database can't be reached, and there is no earlier copy of it";
    Ok(Outcome { not_run: Some(reason), ..Outcome::default() })
}

/// Where cargo-deny keeps its copy.
fn advisory_copy() -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))?;
    let copies = fs::read_dir(home.join("advisory-dbs")).ok()?;
    copies.filter_map(Result::ok).map(|entry| entry.path()).find(|path| path.join(".git").exists())
}

fn clippy(selection: &[&str]) -> Result<Outcome, String> {
    checked(workspace::cargo(&["clippy"]).args(selection).args(["--", "--deny", "warnings"]))
}

fn rust() -> Result<Outcome, String> {
    let arguments = ["test", "--workspace", "--all-features", "--lib", "--bins", "--tests", "--no-fail-fast"];
    suite::run(&mut workspace::cargo(&arguments), suite::cargo)
}

fn doc_tests() -> Result<Outcome, String> {
    let arguments = ["test", "--workspace", "--all-features", "--doc", "--no-fail-fast"];
    suite::run(&mut workspace::cargo(&arguments), suite::cargo)
}

fn docs() -> Result<Outcome, String> {
    let mut flags = std::env::var("RUSTDOCFLAGS").unwrap_or_default();
    flags.push_str(" --deny warnings");
    let arguments = ["doc", "--workspace", "--all-features", "--no-deps"];
    checked(workspace::cargo(&arguments).env("RUSTDOCFLAGS", flags))
}

/// Runs each example as a newcomer does. One that is missing fails, and so does one that nobody runs.
fn examples() -> Result<Outcome, String> {
    let known: BTreeSet<&str> = EXAMPLES.iter().map(|example| example.name).collect();
    let mut build = workspace::cargo(&["build", "--package", "billfold"]);
    // By name, so that cargo says which one does not exist.
    build.args(known.iter().flat_map(|name| ["--example", name]));
    workspace::run(&mut build)?;
    let mut counts = Counts::default();
    let mut problems = Vec::new();
    for example in EXAMPLES {
        match run_example(example) {
            Ok(()) => counts.passed += 1,
            Err(problem) => {
                counts.failed += 1;
                println!("{problem}");
                problems.push(problem);
            }
        }
    }
    for file in fs::read_dir(workspace::root().join("examples")).map_err(|error| format!("examples: {error}"))? {
        let path = file.map_err(|error| format!("examples: {error}"))?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let is_example = path.extension().is_some_and(|extension| extension == "rs") || path.join("main.rs").exists();
        if is_example && !known.contains(name.as_str()) {
            counts.failed += 1;
            problems.push(format!("example {name} is not in the table of examples to run"));
        }
    }
    let problem = if problems.is_empty() { None } else { Some(problems.join("\n  ")) };
    Ok(Outcome { counts, problem, not_run: None })
}

/// `STORE` among the arguments becomes a new folder, so that nobody's own wallet is touched.
fn run_example(example: &Example) -> Result<(), String> {
    let store = workspace::target().join("ci-example-store");
    if store.exists() {
        fs::remove_dir_all(&store).map_err(|error| format!("{}: {error}", store.display()))?;
    }
    let arguments: Vec<String> = example
        .arguments
        .iter()
        .map(|argument| if *argument == "STORE" { store.display().to_string() } else { String::from(*argument) })
        .collect();
    let program =
        workspace::target().join("debug/examples").join(format!("{}{}", example.name, std::env::consts::EXE_SUFFIX));
    let mut command = Command::new(program);
    command.args(&arguments).current_dir(workspace::root()).stdin(Stdio::null());
    let shown = workspace::describe(&command);
    println!("$ {shown}");
    let (status, lines) = workspace::watch_for(&mut command, EXAMPLE_LIMIT)?;
    if !status.success() {
        return Err(format!("`{shown}`: {status}"));
    }
    if lines.iter().all(|line| line.trim().is_empty()) {
        return Err(format!("`{shown}` printed nothing"));
    }
    if !lines.iter().any(|line| line.contains(example.shows)) {
        return Err(format!("`{shown}` did not print {}", example.shows));
    }
    Ok(())
}

/// In a process of its own, as one would type it.
fn interop(peer: &str) -> Result<Outcome, String> {
    let program = std::env::current_exe().map_err(|error| format!("this program's path: {error}"))?;
    checked(workspace::command(&program.to_string_lossy(), &["interop", peer]).stdin(Stdio::null()))
}

#[cfg(test)]
mod tests {
    use super::{STEPS, chosen, summarise};
    use crate::suite::{Counts, Outcome};

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(String::from).collect()
    }

    #[test]
    fn all_steps_run_unless_some_are_named() {
        assert_eq!(chosen(&[]).expect("no arguments").len(), STEPS.len());
        let named: Vec<&str> =
            chosen(&words("--only deny --only rust")).expect("two steps").iter().map(|step| step.name).collect();
        assert_eq!(named, ["deny", "rust"]);
        assert_eq!(chosen(&words("--with-keycloak")).expect("one more").len(), STEPS.len() + 1);
        assert_eq!(chosen(&words("--with-keycloak --with-sphereon")).expect("two more").len(), STEPS.len() + 2);
        assert_eq!(chosen(&words("--only sphereon")).expect("that one").len(), 1);
        assert!(chosen(&words("--only nothing")).is_err());
        assert!(chosen(&words("--skip rust")).is_err());
    }

    #[test]
    fn a_failed_step_fails_the_run() {
        let counts = Counts { passed: 3, failed: 0, ignored: 0 };
        assert!(summarise(&[("rust", 1.0, Outcome { counts, ..Outcome::default() })]).is_ok());
        let broken = Outcome { counts, problem: Some(String::from("broke off")), not_run: None };
        assert!(summarise(&[("rust", 1.0, broken)]).is_err());
    }
}
