//! The command line: what may be written, and what it means.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use billfold::model::ids::ConfigurationId;
use billfold::model::jwk::Algorithm;
use billfold::model::offer::GrantType;
use billfold::model::report::{CheckKind, Requirement, VerificationPolicy};
use billfold::{AcceptOptions, Binding, RequestBy};
use lexopt::ValueExt as _;
use url::Url;

/// How long a sign-in or a deferred credential is waited for.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(300);

/// A command with its settings.
#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) global: Global,
    pub(crate) command: Command,
}

/// What holds for every command.
#[derive(Debug)]
pub(crate) struct Global {
    pub(crate) store: Option<PathBuf>,
    pub(crate) json: bool,
    pub(crate) dev: bool,
    pub(crate) client_id: String,
    pub(crate) redirect_uri: Option<Url>,
    pub(crate) key: Option<Algorithm>,
    pub(crate) binding: Binding,
    pub(crate) trust: Option<PathBuf>,
    pub(crate) policy: VerificationPolicy,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) browser: Option<Vec<String>>,
    pub(crate) timeout: Duration,
    pub(crate) verbose: bool,
}

impl Default for Global {
    fn default() -> Self {
        Self {
            store: None,
            json: false,
            dev: false,
            client_id: "billfold-wallet".to_owned(),
            redirect_uri: None,
            key: None,
            binding: Binding::Auto,
            trust: None,
            policy: VerificationPolicy::default(),
            ca: None,
            browser: None,
            timeout: DEFAULT_TIMEOUT,
            verbose: false,
        }
    }
}

/// What to do.
#[derive(Debug)]
pub(crate) enum Command {
    Help,
    Version,
    /// Without an offer: the demonstration.
    Accept {
        offer: Option<OsString>,
        how: Issue,
    },
    Start {
        issuer: String,
        how: Issue,
    },
    Resume {
        /// A redirect URL or the id of a session.
        what: String,
        how: Issue,
    },
    Poll {
        session: Option<String>,
    },
    Flush,
    Pending,
    List,
    Show {
        id: String,
    },
    Export {
        id: String,
    },
    Recheck {
        id: String,
    },
    Forget {
        id: String,
    },
    Inspect {
        offer: OsString,
    },
    Qr {
        offer: OsString,
        out: Option<PathBuf>,
    },
}

/// How an issuance is run.
#[derive(Debug, Default)]
pub(crate) struct Issue {
    pub(crate) tx_code: Option<String>,
    pub(crate) configurations: Vec<ConfigurationId>,
    pub(crate) grant: Option<GrantType>,
    pub(crate) request: RequestBy,
    pub(crate) copies: Option<u32>,
    pub(crate) no_wait: bool,
}

impl Issue {
    pub(crate) fn options(&self) -> AcceptOptions {
        AcceptOptions {
            configurations: (!self.configurations.is_empty()).then(|| self.configurations.clone()),
            grant: self.grant,
            request: self.request,
            copies: self.copies,
            ..AcceptOptions::default()
        }
    }
}

/// Why a command line was refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is not written as the help says.
    Usage(String),
    /// It asks for something that this version does not do.
    NotYet(String),
}

fn usage(text: impl Into<String>) -> Refused {
    Refused::Usage(text.into())
}

impl From<lexopt::Error> for Refused {
    fn from(error: lexopt::Error) -> Self {
        usage(error.to_string())
    }
}

/// Reads a command line, without the program's name.
pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Args, Refused> {
    let mut global = Global::default();
    let mut line = Line::default();
    let mut parser = lexopt::Parser::from_args(words);
    while let Some(word) = parser.next()? {
        match word {
            lexopt::Arg::Value(value) if line.command.is_none() => line.command = Some(value.string()?),
            lexopt::Arg::Value(value) => line.operands.push(value),
            lexopt::Arg::Short('h') | lexopt::Arg::Long("help") => line.help = true,
            lexopt::Arg::Short('V') | lexopt::Arg::Long("version") => line.version = true,
            lexopt::Arg::Short(letter) => return Err(usage(format!("there is no option -{letter}"))),
            lexopt::Arg::Long(name) => {
                let name = name.to_owned();
                if !global_option(&mut global, &name, &mut parser)? {
                    line.option(&name, &mut parser)?;
                }
            }
        }
    }
    let command = line.command()?;
    Ok(Args { global, command })
}

/// Takes an option that every command has; false if it is none.
fn global_option(global: &mut Global, name: &str, parser: &mut lexopt::Parser) -> Result<bool, Refused> {
    match name {
        "json" => global.json = true,
        "dev" => global.dev = true,
        "verbose" => global.verbose = true,
        "store" => global.store = Some(parser.value()?.into()),
        "trust" => global.trust = Some(parser.value()?.into()),
        "ca" => global.ca = Some(parser.value()?.into()),
        "client-id" => global.client_id = parser.value()?.string()?,
        "redirect-uri" => {
            let text = parser.value()?.string()?;
            let uri = Url::parse(&text).map_err(|_| usage(format!("--redirect-uri: `{text}` is no URI")))?;
            global.redirect_uri = Some(uri);
        }
        "key" => {
            let choices = [
                ("es256", Algorithm::Es256),
                ("es384", Algorithm::Es384),
                ("eddsa", Algorithm::EdDsa),
                ("es256k", Algorithm::Es256k),
            ];
            global.key = Some(choice("key", &parser.value()?.string()?, &choices)?);
        }
        "binding" => {
            let value = parser.value()?.string()?;
            if value == "did:prism" {
                return Err(not_yet("--binding did:prism"));
            }
            let choices = [
                ("auto", Binding::Auto),
                ("jwk", Binding::Jwk),
                ("did:key", Binding::DidKey),
                ("did:jwk", Binding::DidJwk),
            ];
            global.binding = choice("binding", &value, &choices)?;
        }
        "policy" => {
            let text = parser.value()?.string()?;
            let (kind, requirement) = policy(&text).ok_or_else(|| {
                let kinds = CheckKind::ALL.map(CheckKind::as_str).join(", ");
                usage(format!("--policy: `{text}` is not KIND=require|warn|off with a KIND of {kinds}"))
            })?;
            global.policy = std::mem::take(&mut global.policy).with(kind, requirement);
        }
        "browser" => {
            let text = parser.value()?.string()?;
            let words = shlex::split(&text).filter(|words| !words.is_empty());
            global.browser = Some(words.ok_or_else(|| usage(format!("--browser: `{text}` is no command")))?);
        }
        "timeout" => {
            let text = parser.value()?.string()?;
            let seconds = text.parse::<u32>().ok().filter(|seconds| *seconds > 0);
            let seconds = seconds.ok_or_else(|| usage(format!("--timeout: `{text}` is no number of seconds")))?;
            global.timeout = Duration::from_secs(seconds.into());
        }
        "profile" => match parser.value()?.string()?.as_str() {
            "base" => {}
            "haip" => return Err(not_yet("--profile haip")),
            other => return Err(usage(format!("--profile: `{other}` is not one of base, haip"))),
        },
        "client-auth" => match parser.value()?.string()?.as_str() {
            "none" => {}
            value @ ("private_key_jwt" | "attestation") => return Err(not_yet(&format!("--client-auth {value}"))),
            other => {
                return Err(usage(format!(
                    "--client-auth: `{other}` is not one of none, private_key_jwt, attestation"
                )));
            }
        },
        "client-key" | "attester-key" | "attester-cert" | "attester-issuer" => {
            return Err(not_yet(&format!("--{name}")));
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn policy(text: &str) -> Option<(CheckKind, Requirement)> {
    let (kind, requirement) = text.split_once('=')?;
    Some((CheckKind::parse(kind)?, Requirement::parse(requirement)?))
}

fn choice<T: Copy>(option: &str, value: &str, choices: &[(&str, T)]) -> Result<T, Refused> {
    choices.iter().find(|(name, _)| *name == value).map(|(_, meaning)| *meaning).ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        usage(format!("--{option}: `{value}` is not one of {}", names.join(", ")))
    })
}

fn not_yet(what: &str) -> Refused {
    Refused::NotYet(format!("`{what}` is not there yet in this version"))
}

/// The words of a command line, before they are put together.
#[derive(Default)]
struct Line {
    command: Option<String>,
    operands: Vec<OsString>,
    /// Which options of commands were given, so that a misplaced one is refused.
    given: Vec<String>,
    how: Issue,
    out: Option<PathBuf>,
    help: bool,
    version: bool,
}

impl Line {
    fn option(&mut self, name: &str, parser: &mut lexopt::Parser) -> Result<(), Refused> {
        match name {
            "tx-code" => self.how.tx_code = Some(parser.value()?.string()?),
            "configuration" => self.how.configurations.push(parser.value()?.string()?.into()),
            "grant" => {
                let choices =
                    [("code", GrantType::AuthorizationCode), ("pre-authorized", GrantType::PreAuthorizedCode)];
                self.how.grant = Some(choice("grant", &parser.value()?.string()?, &choices)?);
            }
            "request" => {
                let choices = [("auto", RequestBy::Auto), ("scope", RequestBy::Scope), ("details", RequestBy::Details)];
                self.how.request = choice("request", &parser.value()?.string()?, &choices)?;
            }
            "copies" => match parser.value()?.string()?.parse::<u32>() {
                Ok(copies @ 1..) => self.how.copies = Some(copies),
                _ => return Err(usage("--copies: a number from 1 is needed")),
            },
            "encrypt" => return Err(not_yet("--encrypt")),
            "no-wait" => self.how.no_wait = true,
            "out" => self.out = Some(parser.value()?.into()),
            other => return Err(usage(format!("there is no option --{other}"))),
        }
        self.given.push(name.to_owned());
        Ok(())
    }

    fn command(mut self) -> Result<Command, Refused> {
        if self.help {
            return Ok(Command::Help);
        }
        if self.version {
            return Ok(Command::Version);
        }
        let name = self.command.take().ok_or_else(|| usage("a command is missing"))?;
        let how = std::mem::take(&mut self.how);
        let command = match name.as_str() {
            "accept" => Command::Accept { offer: self.operands.pop_first(), how },
            "start" => Command::Start { issuer: self.text("ISSUER")?, how },
            "resume" => Command::Resume { what: self.text("REDIRECT_URL or SESSION")?, how },
            "poll" => Command::Poll { session: self.operands.pop_first().map(text).transpose()? },
            "pending" => Command::Pending,
            "list" => Command::List,
            "show" => Command::Show { id: self.text("ID")? },
            "export" => Command::Export { id: self.text("ID")? },
            "recheck" => Command::Recheck { id: self.text("ID")? },
            "forget" => Command::Forget { id: self.text("ID")? },
            "inspect" => Command::Inspect { offer: self.operand("OFFER")? },
            "qr" => Command::Qr { offer: self.operand("OFFER")?, out: self.out.take() },
            "help" => return Ok(Command::Help),
            "flush" => Command::Flush,
            "refresh" | "verify" => return Err(not_yet(&name)),
            other => return Err(usage(format!("there is no command `{other}`"))),
        };
        if let Some(extra) = self.operands.first() {
            return Err(usage(format!("`{}` is one word too many for `{name}`", extra.to_string_lossy())));
        }
        let allowed: &[&str] = match &command {
            Command::Accept { .. } => &["tx-code", "configuration", "grant", "request", "copies", "no-wait"],
            Command::Start { .. } => &["configuration", "grant", "request", "copies", "no-wait"],
            Command::Resume { .. } => &["tx-code", "no-wait"],
            Command::Qr { .. } => &["out"],
            _ => &[],
        };
        if let Some(misplaced) = self.given.iter().find(|option| !allowed.contains(&option.as_str())) {
            return Err(usage(format!("`{name}` has no option --{misplaced}")));
        }
        if let Command::Start { how, .. } = &command
            && how.configurations.is_empty()
        {
            return Err(usage("`start` needs at least one --configuration ID"));
        }
        Ok(command)
    }

    fn operand(&mut self, name: &str) -> Result<OsString, Refused> {
        self.operands.pop_first().ok_or_else(|| usage(format!("{name} is missing")))
    }

    fn text(&mut self, name: &str) -> Result<String, Refused> {
        self.operand(name).and_then(text)
    }
}

fn text(word: OsString) -> Result<String, Refused> {
    Ok(word.string()?)
}

trait PopFirst<T> {
    fn pop_first(&mut self) -> Option<T>;
}

impl<T> PopFirst<T> for Vec<T> {
    fn pop_first(&mut self) -> Option<T> {
        (!self.is_empty()).then(|| self.remove(0))
    }
}

/// The help text.
pub(crate) const HELP: &str = "\
billfold's wallet in a shell: receives credentials over OpenID4VCI.

USAGE
  wallet [GLOBAL] COMMAND          (cargo run --example wallet -- [GLOBAL] COMMAND)

RECEIVE
  accept [OFFER]          take what an offer offers. OFFER is a link, `-` for a link on
                          standard input, or a PNG with the link's QR code.
                          Without OFFER: a demonstration with an issuer of its own (needs --dev)
  start ISSUER --configuration ID   begin without an offer
  resume REDIRECT_URL|SESSION       go on with an issuance, also in a new process
    --tx-code CODE                  the transaction code, if the issuer gave one
    --configuration ID              only this one of the offered (repeatable)
    --grant code|pre-authorized     which grant, if there is a choice
    --request auto|scope|details    how the code grant asks for the credential
    --copies N                      how many copies, each with a key of its own
    --no-wait                       stop where a person or time is needed, with exit 3
  pending                 issuances that have not ended
  poll [SESSION]          ask for credentials that were not ready
  flush                   tell issuers what they are still to be told
  inspect OFFER           what an offer offers, without taking it
  qr OFFER [--out FILE]   the offer as a QR code, here or in a FILE.svg or FILE.png

KEEP
  list                    stored credentials
  show ID                 card and report of one; the start of an ID is enough
  export ID               one exactly as it was received
  recheck ID              check one again
  forget ID               delete one with its keys

GLOBAL
  --store DIR             where everything is kept (default: a folder for your user)
  --json                  one JSON object a line on standard output, nothing else
  --dev                   allow http on this machine's own addresses
  --client-id ID          the name the wallet is known by (default billfold-wallet)
  --redirect-uri URI      where sign-ins return to (default: a free port of this machine)
  --key es256|es384|eddsa|es256k         the only algorithm for new keys
  --binding auto|jwk|did:key|did:jwk     how keys are named in proofs
  --trust FILE.pem        accept only issuers below these certificates
  --policy KIND=require|warn|off         what becomes of a check (repeatable)
  --ca FILE.pem           one more root certificate for TLS
  --profile base          protocol profile
  --client-auth none      how the wallet authenticates itself
  --browser COMMAND       run this with the sign-in address as its last word
  --timeout SECONDS       how long to wait for a sign-in or a late credential (default 300)
  --verbose               what was said on the wire, without secrets, on standard error
  --help, --version

EXIT
  0 done   1 failed, or a credential was put aside   2 wrong usage   3 more to do
";

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Result<Args, Refused> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn global_options_stand_anywhere() {
        for line in ["--json --dev accept L --tx-code 0123", "accept --dev --tx-code=0123 L --json"] {
            let args = words(line).expect("legal");
            assert!(args.global.json && args.global.dev, "{line}");
            let Command::Accept { offer, how } = args.command else { panic!("{line}") };
            assert_eq!(offer.as_deref(), Some("L".as_ref()));
            assert_eq!(how.tx_code.as_deref(), Some("0123"));
        }
    }

    #[test]
    fn what_is_not_there_yet_is_refused_as_such() {
        for line in [
            "refresh 1",
            "verify -",
            "--profile haip list",
            "--client-auth private_key_jwt list",
            "--client-auth attestation list",
            "--client-key k list",
            "--attester-key k list",
            "--binding did:prism list",
            "accept L --encrypt always",
        ] {
            assert!(matches!(words(line), Err(Refused::NotYet(_))), "{line}");
        }
    }

    #[test]
    fn wrong_lines_are_refused() {
        for line in [
            "",
            "frobnicate",
            "show",
            "show a b",
            "list --tx-code 1",
            "show 1 --no-wait",
            "start https://i.example",
            "accept L --grant implicit",
            "accept L --copies 0",
            "--policy taste=require list",
            "--policy status list",
            "--timeout 0 list",
            "--redirect-uri nowhere list",
            "--key rs256 list",
            "--unheard-of list",
            "-x list",
            "--json=yes list",
        ] {
            assert!(matches!(words(line), Err(Refused::Usage(_))), "{line}");
        }
        let unclosed = parse(["--browser", "open 'it", "list"].map(OsString::from));
        assert!(matches!(unclosed, Err(Refused::Usage(_))));
    }

    #[test]
    fn a_browser_command_is_split_like_a_shell_does() {
        let args = parse(["--browser", "sh -c 'open \"$0\"'", "list"].map(OsString::from)).expect("legal");
        assert_eq!(args.global.browser, Some(vec!["sh".to_owned(), "-c".to_owned(), "open \"$0\"".to_owned()]));
    }

    #[test]
    fn policies_add_up() {
        let args = words("--policy issuer-trust=require --policy status=off list").expect("legal");
        assert!(args.global.policy.is_off(CheckKind::Status));
        let expected = VerificationPolicy::default()
            .with(CheckKind::IssuerTrust, Requirement::Require)
            .with(CheckKind::Status, Requirement::Off);
        assert_eq!(args.global.policy, expected);
    }
}
