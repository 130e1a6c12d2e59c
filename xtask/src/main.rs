//! Project tasks, run as `cargo xtask TASK`.

mod bindings;
mod size;
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
    Task { name: "size", arguments: "", about: "size of the library in a phone, lines of code", run: size::run },
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
        writeln!(text, "  {call:<28} {}", task.about).expect("a String takes every write");
    }
    text
}
