//! billfold from a shell: takes offers, shows and keeps credentials.
//!
//! `cargo run --example wallet -- --dev accept` shows the whole way with an issuer of its own;
//! `cargo run --example wallet -- --help` shows the rest. With `--json` every happening is one JSON
//! object a line on standard output, so that a script can be the user.

mod args;
mod attester;
mod backup;
mod callback;
mod card;
mod certificates;
mod commands;
mod demo;
mod events;
mod help;
mod html;
mod issue;
mod offer;
mod output;
mod private_key;
mod settings;
mod setup;
mod show;
mod sign_in;
mod terminal;
mod trouble;
mod verify;

use std::ffi::OsString;
use std::process::ExitCode;

use output::Output;
use settings::Global;

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let ending = match args::parse(words.clone()) {
        Ok(args) => {
            let output = Output::new(&args.global);
            match commands::run(&args.global, args.command, &output).await {
                Ok(ending) => ending,
                Err(trouble) => commands::report(&output, &trouble),
            }
        }
        Err(refused) => {
            let json = words.iter().any(|word| word == "--json");
            let output = Output::new(&Global { json, ..Global::default() });
            commands::report(&output, &refused.into())
        }
    };
    // Not by returning: a thread may still wait for a line that nobody types.
    std::process::exit(ending.code().into())
}
