//! The steps of a run: each is counted, and one that fails does not keep the next from its turn.

use std::time::Instant;

use serde_json::Value;

use super::credential;
use super::process;
use super::transcript::Transcript;
use super::wallet::{Outcome, Setup};

/// How many steps went well, and how many did not.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) passed: usize,
    pub(super) failed: usize,
}

impl Tally {
    /// Both together.
    pub(super) fn and(&self, other: &Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }
}

/// A run with its wallet, and what that wallet has to have by now.
pub(super) struct Steps<'a> {
    pub(super) wallet: &'a Setup,
    pub(super) transcript: &'a mut Transcript,
    pub(super) tally: Tally,
    pub(super) stored: Vec<String>,
}

/// What a stored credential has to be.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) configuration: &'a str,
    pub(super) format: &'a str,
    /// Texts that `show` has to show.
    pub(super) shown: &'a [&'a str],
}

impl<'a> Steps<'a> {
    pub(super) fn new(wallet: &'a Setup, transcript: &'a mut Transcript) -> Self {
        Self { wallet, transcript, tally: Tally::default(), stored: Vec::new() }
    }

    /// Does one step. Only a stop by the user ends the run.
    pub(super) fn step(
        &mut self,
        name: &str,
        work: impl FnOnce(&mut Self) -> Result<(), String>,
    ) -> Result<(), String> {
        self.transcript.print("");
        self.transcript.note(name);
        let begun = Instant::now();
        let result = work(self);
        process::check_interrupt()?;
        let time = super::seconds(begun.elapsed());
        match result {
            Ok(()) => {
                self.tally.passed += 1;
                self.transcript.print(&format!("ok ({time}): {name}"));
            }
            Err(why) => {
                self.tally.failed += 1;
                self.transcript.print(&format!("FAILED ({time}): {name}"));
                self.transcript.text(&why);
            }
        }
        Ok(())
    }

    /// Calls the wallet.
    pub(super) fn call(&mut self, words: &[&str]) -> Result<Outcome, String> {
        self.wallet.run(self.transcript, words)
    }

    /// The wallet stored one credential with a good report, lists it, and shows what is in it. Its identifier.
    pub(super) fn expect_stored(&mut self, outcome: &Outcome, wanted: &Wanted<'_>) -> Result<String, String> {
        outcome.expect_status(0)?;
        if outcome.named("quarantined").next().is_some() {
            return Err("a credential went to quarantine".into());
        }
        let id = self.expect_event(outcome.single("stored")?, wanted)?;
        self.expect_list()?;
        Ok(id)
    }

    /// The `stored` event names such a credential with a good report, and the wallet shows what is in it.
    pub(super) fn expect_event(&mut self, stored: &Value, wanted: &Wanted<'_>) -> Result<String, String> {
        if stored["configuration"] != wanted.configuration || stored["format"] != wanted.format {
            return Err("stored under another configuration or format".into());
        }
        credential::expect_verified(&stored["report"])?;
        let id = stored["credential"].as_str().ok_or("the stored event names no credential")?.to_owned();
        self.stored.push(id.clone());
        let shown = self.call(&["show", &id])?;
        shown.expect_status(0)?;
        for value in wanted.shown {
            if !shown.events.iter().any(|event| contains(event, value)) {
                return Err(format!("`show` does not show `{value}`"));
            }
        }
        Ok(id)
    }

    /// The wallet asks for the code, survives a wrong one, and goes on with the right one.
    pub(super) fn wrong_and_right_code(&mut self, link: &str, code: &str, options: &[&str]) -> Result<Outcome, String> {
        let begun = self.call(&[options, &["accept", link, "--no-wait"]].concat())?;
        begun.expect_status(3)?;
        let event = begun.single("enter_code")?;
        let session = event["session"].as_str().ok_or("the enter_code event names no session")?.to_owned();
        let wrong = if code == "000000" { "000001" } else { "000000" };
        let refused = self.call(&[options, &["resume", &session, "--tx-code", wrong, "--no-wait"]].concat())?;
        if refused.named("stored").next().is_some() || refused.refused("/token") != 1 {
            return Err("a wrong code was not refused".into());
        }
        self.call(&[options, &["resume", &session, "--tx-code", code]].concat())
    }

    /// The only copy of a stored credential, as it was received.
    pub(super) fn export(&mut self, id: &str) -> Result<String, String> {
        let exported = self.call(&["export", id])?;
        credential::raw(&exported).map(str::to_owned)
    }

    /// `list` names what was stored, and nothing else.
    pub(super) fn expect_list(&mut self) -> Result<(), String> {
        // The transcript has it at the end, not after every step.
        let mut silent = Transcript::silent();
        let listed = self.wallet.run(&mut silent, &["list"])?;
        listed.expect_status(0)?;
        let found = credential::listed(&listed);
        let mut wanted = self.stored.clone();
        wanted.sort();
        if found != wanted {
            return Err(format!("`list` has {} credentials, not {}", found.len(), wanted.len()));
        }
        Ok(())
    }
}

/// The wallet went well and sent the user to the browser this often.
pub(super) fn expect_sign_ins(outcome: &Outcome, wanted: usize) -> Result<(), String> {
    outcome.expect_status(0)?;
    match outcome.named("sign_in").count() {
        found if found == wanted => Ok(()),
        found => Err(format!("{found} sign-ins, not {wanted}")),
    }
}

/// Whether the string occurs anywhere in the value.
pub(super) fn contains(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text == wanted,
        Value::Array(items) => items.iter().any(|item| contains(item, wanted)),
        Value::Object(members) => members.values().any(|member| contains(member, wanted)),
        _ => false,
    }
}
