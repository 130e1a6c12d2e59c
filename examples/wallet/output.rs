//! What the command says: events for programs, or words and drawings for people.

use std::io::{IsTerminal as _, Write as _};
use std::pin::Pin;
use std::time::Duration;

use billfold::model::display::plain_text;
use billfold::model::ids::SessionId;
use billfold::model::time::Timestamp;
use billfold::{
    Advice, Card, Credential, DialectReport, Error, Failure, Flushed, Format, OfferSummary, PendingIssuance, Step,
    Terms, Tolerance, Transcript, Verification, Wallet,
};
use serde_json::{Value, json};

use crate::args::Refused;
use crate::settings::Global;
use crate::terminal::{Style, progress, tell};
use crate::trouble::Trouble;
use crate::{card, events, show};

/// How long a command tells issuers things before it ends.
const TELLING: Duration = Duration::from_secs(10);

/// Says things in the way that was asked for.
pub(crate) struct Output {
    json: bool,
    verbose: bool,
    /// Whether there is a person to ask and to show progress to.
    interactive: bool,
    out: Style,
    err: Style,
    locale: Option<String>,
}

/// Writes a line to standard output. A reader that has gone away is no reason to fail: the work
/// is done all the same.
fn print(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

impl Output {
    pub(crate) fn new(global: &Global) -> Self {
        let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        Self {
            json: global.json,
            verbose: global.verbose,
            interactive: terminal && !global.json,
            out: Style::of(&std::io::stdout()),
            err: Style::of(&std::io::stderr()),
            locale: global.locale.clone().or_else(locale),
        }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    pub(crate) fn is_interactive(&self) -> bool {
        self.interactive
    }

    /// The language of the user's surroundings as a BCP 47 tag.
    pub(crate) fn locale(&self) -> Option<&str> {
        self.locale.as_deref()
    }

    fn card(&self, credential: &Credential) -> Card {
        credential.card(self.locale())
    }

    pub(crate) fn event(&self, event: &Value) {
        if self.json {
            print(&one_line(event));
        }
    }

    /// Something for people only, on standard output.
    pub(crate) fn say(&self, text: &str) {
        if !self.json {
            print(text);
        }
    }

    /// A picture made of characters and colours; without colours, of characters alone.
    pub(crate) fn picture(&self, picture: &str) {
        self.say(self.out.fit(picture).trim_end());
    }

    /// A remark on standard error.
    pub(crate) fn note(&self, text: &str) {
        tell(&format!("{}\n", self.err.dim(&plain_text(text))));
    }

    /// Asks for a line; the answer comes from [`crate::terminal::Input`].
    pub(crate) fn ask(&self, question: &str) {
        tell(&format!("{} ", self.err.bold(&plain_text(question))));
    }

    /// Waits with a progress line where someone can see it.
    ///
    /// The wallet's calls are large futures; in a box they do not swell everything that waits.
    pub(crate) fn during<'a, F>(&self, what: &'a str, work: F) -> Pin<Box<dyn Future<Output = F::Output> + 'a>>
    where
        F: Future + 'a,
    {
        let seen = std::io::stderr().is_terminal() && !self.json;
        Box::pin(progress(seen, what, work))
    }

    pub(crate) fn offer(&self, session: &SessionId, offer: &OfferSummary, dialect: &DialectReport) {
        self.event(&events::offer(session, offer, dialect));
        self.say(&format!("{}\n", show::offer(self.out, offer)));
    }

    /// With `--verbose`, how the issuer is spoken to, and why. Its event is that of the offer.
    pub(crate) fn dialect(&self, dialect: &DialectReport) {
        if self.verbose {
            self.say(&format!("\n{}", show::dialect(self.out, dialect)));
        }
    }

    /// With `--verbose`, in what the issuer departs from the specification.
    fn put_up_with(&self, tolerated: &[Tolerance]) {
        if self.verbose && !self.json && !tolerated.is_empty() {
            let names: Vec<_> = tolerated.iter().map(|tolerance| tolerance.as_str()).collect();
            self.note(&format!("put up with: {}", names.join(", ")));
        }
    }

    /// What accepting would use, or why it would be refused.
    pub(crate) fn terms(&self, session: &SessionId, terms: &billfold::Result<Terms>) {
        self.event(&events::terms(session, terms));
        match terms {
            Ok(terms) => self.say(&show::terms(self.out, terms)),
            Err(error) => self.say(&format!("{} {error}", self.out.bad("Cannot be taken:"))),
        }
    }

    /// What the issuance waits for. People get the address to sign in at, and what to type later.
    pub(crate) fn step(&self, session: &SessionId, step: &Step) {
        if let Some(event) = events::step(session, step) {
            self.event(&event);
        }
        match step {
            Step::SignIn { url } => self.say(&format!("{}\n  {url}\n", self.out.bold("Sign in at the issuer:"))),
            Step::EnterCode(hint) if hint.refused => {
                self.say(&format!("The issuer did not accept the code. Attempts left: {}.", hint.attempts_left));
            }
            Step::Wait { until } => self.say(&format!("The credential is not ready before {until}.")),
            _ => {}
        }
    }

    /// How to go on with a session that is left waiting.
    pub(crate) fn leave(&self, session: &SessionId, step: &Step) {
        match step {
            Step::SignIn { .. } => self.say("Go on with: wallet resume REDIRECT_URL"),
            Step::EnterCode(_) => self.say(&format!("Go on with: wallet resume {session} --tx-code CODE")),
            Step::Wait { .. } => self.say(&format!("Go on with: wallet poll {session}")),
            _ => self.say(&format!("Go on with: wallet resume {session}")),
        }
    }

    /// A credential that has just been received, or checked again: then nothing is known of its issuance.
    pub(crate) fn received(&self, credential: &Credential, tolerated: Option<&[Tolerance]>) {
        let card = self.card(credential);
        self.event(&events::received(credential, &card, tolerated));
        self.draw(credential, &card);
        if credential.quarantined {
            self.say(&self.out.bad("  Put aside: it is kept, but not among the usable ones.\n"));
        }
        self.put_up_with(tolerated.unwrap_or_default());
    }

    pub(crate) fn shown(&self, credential: &Credential, card: &Card) {
        self.event(&events::shown(credential, card));
        self.draw(credential, card);
        if credential.quarantined {
            self.say(&self.out.bad("  Put aside: not among the usable ones."));
        }
    }

    fn draw(&self, credential: &Credential, card: &Card) {
        self.say(&card::card(self.out, card));
        self.say(&show::report(self.out, &credential.report));
        self.say(&format!("\n{}\n", show::kept(self.out, credential)));
    }

    /// What a credential outside of the wallet was found to be.
    pub(crate) fn verified(&self, format: &Format, found: &Verification) {
        self.event(&events::verified(format, found));
        self.say(&show::verified(self.out, format, found));
    }

    pub(crate) fn listed(&self, credentials: &[Credential]) {
        for credential in credentials {
            let card = self.card(credential);
            self.event(&events::listed(credential, &card));
            self.say(&show::listed(self.out, credential, &card));
        }
        if credentials.is_empty() {
            self.say("There is no credential yet.");
        }
    }

    /// Tells issuers what became of their credentials, as far as that goes quickly. The rest is told
    /// by the next command, or by `flush`.
    pub(crate) async fn tell(&self, wallet: &Wallet) {
        if let Ok(Ok(flushed)) = tokio::time::timeout(TELLING, wallet.flush()).await {
            self.told(&flushed);
        }
    }

    pub(crate) fn told(&self, flushed: &Flushed) {
        for one in &flushed.notified {
            self.event(&json!({
                "event": "notified",
                "credential": one.credential,
                "credential_issuer": one.credential_issuer,
                "notification": one.event.as_str(),
            }));
        }
    }

    pub(crate) fn exported(&self, credential: &Credential) {
        self.event(&events::exported(credential));
        for instance in &credential.instances {
            self.say(&instance.to_text());
        }
    }

    pub(crate) fn pending(&self, all: &[PendingIssuance]) {
        for pending in all {
            self.event(&events::pending(pending));
            self.say(&show::pending(self.out, pending));
        }
        if all.is_empty() {
            self.say("Nothing is open.");
        }
    }

    /// A part that failed while another part was stored.
    pub(crate) fn failure(&self, session: &SessionId, failure: &Failure, tolerated: &[Tolerance]) {
        self.event(&events::failure(session, failure, tolerated));
        if !self.json {
            let what = &failure.configuration;
            self.complain(&format!("{what}: {}", failure.detail), failure.code.as_str());
        }
    }

    pub(crate) fn error(&self, trouble: &Trouble) {
        self.event(&events::error(trouble));
        match trouble {
            Trouble::Refused(Refused::Usage(detail)) => {
                tell(&format!("wallet: {}\n`wallet --help` shows how it is used.\n", plain_text(detail)));
            }
            Trouble::Command(error) => {
                self.complain(&error.detail, error.code);
                if let Some(session) = error.session.as_ref().filter(|_| error.retryable) {
                    self.note(&format!("The issuance is still open: `wallet resume` goes on with {session}."));
                }
            }
            Trouble::Wallet(trouble) => {
                self.wallet_error(&trouble.error);
                self.put_up_with(trouble.tolerated.as_deref().unwrap_or_default());
            }
        }
    }

    /// What went wrong, for people, in a line.
    pub(crate) fn complain(&self, what: &str, code: &str) {
        tell(&format!("{} {} ({code})\n", self.err.bad("✗"), plain_text(what)));
    }

    fn wallet_error(&self, error: &Error) {
        self.complain(&error.to_string(), error.code().as_str());
        self.note(match error.advice() {
            Advice::Retry => "Try again; nothing is lost.",
            Advice::AskCodeAgain => "Look at the code again.",
            Advice::SignInAgain => "Sign in again.",
            Advice::GetNewOffer => "Ask the issuer for a new offer.",
            Advice::StartOver => "Begin again.",
            Advice::CheckAgain => "It is kept aside: `wallet recheck` checks it again.",
            Advice::Renew => "`wallet refresh` asks the issuer for it anew.",
            Advice::AskPassphraseAgain => "Look at the passphrase again.",
            Advice::FixSetup => "The wallet's settings do not fit.",
            Advice::TellIssuer => "The issuer has to correct this; --verbose shows what to send to its operator.",
            _ => "Nothing can be done.",
        });
        if let Some(session) = error.session().filter(|_| error.is_retryable()) {
            self.note(&format!("The issuance is still open: wallet resume {session}"));
        }
    }

    /// With `--verbose`, what was said on the wire.
    pub(crate) fn transcript(&self, transcript: &Transcript) {
        if self.verbose {
            for exchange in transcript.exchanges() {
                self.note(&exchange.to_string());
            }
        }
    }

    /// A time that is waited for, as people read it.
    pub(crate) fn waiting_until(until: Timestamp) -> String {
        format!("waiting until {until}")
    }
}

/// An event as text, its name first, because people read these lines too.
fn one_line(event: &Value) -> String {
    let members = event.as_object().expect("an event is an object");
    let (named, others): (Vec<_>, Vec<_>) = members.iter().partition(|(name, _)| *name == "event");
    let members: Vec<_> = named
        .into_iter()
        .chain(others)
        .map(|(name, value)| format!("{}:{value}", Value::from(name.as_str())))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// From the environment: `de_CH.UTF-8` is `de-CH`.
fn locale() -> Option<String> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let value = set("LC_ALL").or_else(|| set("LC_MESSAGES")).or_else(|| set("LANG"))?;
    tag(&value)
}

fn tag(value: &str) -> Option<String> {
    let name = value.split(['.', '@']).next().unwrap_or_default().replace('_', "-");
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    (plain && !matches!(name.as_str(), "" | "C" | "POSIX")).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_begins_with_its_name_and_is_one_line() {
        let event = serde_json::json!({"a": "x\ny", "event": "error", "z": null, "\"": 1});
        let line = one_line(&event);
        assert!(line.starts_with(r#"{"event":"error","#) && !line.contains('\n'), "{line}");
        assert_eq!(serde_json::from_str::<Value>(&line).expect("json"), event);
    }

    #[test]
    fn the_locale_becomes_a_language_tag() {
        assert_eq!(tag("de_CH.UTF-8").as_deref(), Some("de-CH"));
        assert_eq!(tag("sr_RS@latin").as_deref(), Some("sr-RS"));
        assert_eq!(tag("C.UTF-8"), None);
        assert_eq!(tag("POSIX"), None);
        assert_eq!(tag("x y"), None);
    }
}
