//! Project tasks, run as `cargo xtask TASK`.

mod bindings;
mod ci;
mod coverage;
mod foreign;
#[cfg(unix)]
mod interop;
mod size;
mod suite;
mod workspace;

use std::fmt::Write as _;
use std::process::ExitCode;

/// One task: its name, what `help` says about it, and what runs it with the arguments after the name.
struct Task {
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Result<(), String>,
}

/// Every task. A new one is a line here and a module of its own.
const TASKS: &[Task] = &[
    Task {
        name: "bindings",
        arguments: "kotlin|swift",
        about: "build the library and generate its Kotlin or Swift sources",
        run: bindings::run,
    },
    Task {
        name: "ci",
        arguments: "[--only STEP]... [--with-PEER]...",
        about: "everything that has to hold before a change is merged",
        run: ci::run,
    },
    Task {
        name: "coverage",
        arguments: "[--list] [--allow-missing]",
        about: "which requirements of the specifications have a test",
        run: coverage::run,
    },
    #[cfg(unix)]
    Task {
        name: "interop",
        arguments: "credibil|credo|keycloak|sphereon [OPTIONS]",
        about: "the wallet against an issuer that is not ours",
        run: interop::run,
    },
    #[cfg(unix)]
    Task {
        name: "sign-in",
        arguments: "--user U --password P URL",
        about: "a person at a login page, for the wallet's --browser",
        run: interop::sign_in,
    },
    Task { name: "size", arguments: "", about: "size of the library in a phone, lines of code", run: size::run },
    Task {
        name: "test",
        arguments: "kotlin|swift",
        about: "the Kotlin or Swift package against the real library and issuer",
        run: foreign::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        eprint!("{}", usage());
        return ExitCode::from(2);
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        print!("{}", usage());
        return ExitCode::SUCCESS;
    }
    let Some(task) = TASKS.iter().find(|task| task.name == name) else {
        eprintln!("xtask: no task `{name}`\n\n{}", usage());
        return ExitCode::from(2);
    };
    match (task.run)(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("xtask {name}: {why}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> String {
    let mut text = String::from("Usage: cargo xtask TASK\n\n");
    for task in TASKS {
        let call = format!("{} {}", task.name, task.arguments);
        writeln!(text, "  {call:<41} {}", task.about).expect("a String takes every write");
    }
    text
}
