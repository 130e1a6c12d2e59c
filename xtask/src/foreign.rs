//! `cargo xtask test kotlin|swift`: the Kotlin and Swift packages against the real library and the
//! real test issuer.

use std::process::Command;

use crate::bindings::{self, Language};
use crate::suite::{self, Outcome};
use crate::workspace;

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let outcome = test(Language::from_arguments(arguments)?)?;
    println!("{}", outcome.counts);
    outcome.problem.map_or(Ok(()), Err)
}

/// Builds what the tests need, and runs them.
pub(crate) fn test(language: Language) -> Result<Outcome, String> {
    bindings::generate(language)?;
    workspace::run(&mut workspace::cargo(&["build", "--package", "billfold-test-issuer", "--bins"]))?;
    let (mut command, reader): (Command, suite::Reader) = match language {
        Language::Kotlin => (maven(), suite::surefire),
        Language::Swift => (swift(), suite::swift),
    };
    let issuer = format!("billfold-test-issuer{}", std::env::consts::EXE_SUFFIX);
    command
        .env("BILLFOLD_TEST_ISSUER", bindings::library_folder().join(issuer))
        .env("BILLFOLD_LIBRARY_DIR", bindings::library_folder());
    suite::run(&mut command, reader)
}

/// JNA, which loads the library in a JVM, looks where the property says. The compiler runs within
/// Maven: its daemon would stay for hours.
fn maven() -> Command {
    let mut command = workspace::command("mvn", &["--batch-mode", "--no-transfer-progress"]);
    command
        .args(["--file", "android/billfold/pom.xml"])
        .arg(format!("-Djna.library.path={}", bindings::library_folder().display()))
        .arg("-Dkotlin.compiler.daemon=false")
        .arg("test");
    command
}

/// The library's place is given here and not in `Package.swift`: SwiftPM refuses packages with
/// linker flags of their own as dependencies.
fn swift() -> Command {
    let folder = bindings::library_folder().display().to_string();
    let mut command = workspace::command("ci/swift", &["test"]);
    command.args(["-Xlinker", &format!("-L{folder}")]).args(["-Xlinker", "-rpath", "-Xlinker", &folder]);
    command
}
