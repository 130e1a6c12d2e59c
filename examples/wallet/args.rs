//! The command line: what may be written, and what it means.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use billfold::model::ids::ConfigurationId;
use billfold::model::offer::GrantType;
use billfold::{AcceptOptions, Encryption, Format, PathStep, RequestBy, RequestedClaim};
use lexopt::ValueExt as _;

use crate::settings::{self, Global};
use crate::verify::{self, Against, Verify};

/// The options that say how an issuance should go, for the commands that begin one or look at one.
const WISHES: [&str; 7] =
    ["configuration", "grant", "request", "encrypt", "claim", "copies", "authorization-parameter"];

/// A command with its settings.
#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) global: Global,
    pub(crate) command: Command,
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
        /// Where to write it as a page.
        html: Option<PathBuf>,
    },
    Verify(Box<Verify>),
    Export {
        id: String,
    },
    Recheck {
        id: String,
    },
    Refresh {
        id: String,
        how: Issue,
    },
    Forget {
        id: String,
    },
    Backup {
        file: PathBuf,
    },
    Restore {
        file: PathBuf,
    },
    Inspect {
        offer: OsString,
        how: Issue,
    },
    Qr {
        offer: OsString,
        out: Option<PathBuf>,
    },
}

/// How an issuance is run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Issue {
    pub(crate) tx_code: Option<String>,
    pub(crate) configurations: Vec<ConfigurationId>,
    pub(crate) grant: Option<GrantType>,
    pub(crate) request: RequestBy,
    pub(crate) encryption: Encryption,
    pub(crate) copies: Option<u32>,
    pub(crate) claims: BTreeMap<ConfigurationId, Vec<RequestedClaim>>,
    pub(crate) authorization_parameters: Vec<(String, String)>,
    pub(crate) no_wait: bool,
}

impl Issue {
    pub(crate) fn options(&self) -> AcceptOptions {
        AcceptOptions {
            configurations: (!self.configurations.is_empty()).then(|| self.configurations.clone()),
            grant: self.grant,
            request: self.request,
            encryption: self.encryption,
            copies: self.copies,
            claims: self.claims.clone(),
            authorization_parameters: self.authorization_parameters.clone(),
            ..AcceptOptions::default()
        }
    }
}

/// Why a command line was refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is not written as the help says.
    Usage(String),
}

pub(crate) fn usage(text: impl Into<String>) -> Refused {
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
                if !settings::take(&mut global, &name, &mut parser)? {
                    line.option(&name, &mut parser)?;
                }
            }
        }
    }
    let command = line.command()?;
    if !matches!(command, Command::Help | Command::Version) {
        global.check()?;
    }
    Ok(Args { global, command })
}

/// A claim as `CONFIGURATION=path.to.it`: the names on the way, a number for one element of an array, `*`
/// for all of them.
fn claim(text: &str) -> Option<(ConfigurationId, RequestedClaim)> {
    let (configuration, path) = text.rsplit_once('=')?;
    let step = |step: &str| match step {
        "" => None,
        "*" => Some(PathStep::All),
        _ => Some(step.parse().map_or_else(|_| PathStep::Key(step.to_owned()), PathStep::Index)),
    };
    let path = path.split('.').map(step).collect::<Option<Vec<_>>>()?;
    (!configuration.is_empty()).then(|| (configuration.into(), RequestedClaim { path, mandatory: false }))
}

pub(crate) fn choice<T: Copy>(option: &str, value: &str, choices: &[(&str, T)]) -> Result<T, Refused> {
    choices.iter().find(|(name, _)| *name == value).map(|(_, meaning)| *meaning).ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        usage(format!("--{option}: `{value}` is not one of {}", names.join(", ")))
    })
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
    html: Option<PathBuf>,
    against: Against,
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
            "encrypt" => {
                let choices = [Encryption::Auto, Encryption::Always, Encryption::Never];
                let choices = choices.map(|encryption| (encryption.as_str(), encryption));
                self.how.encryption = choice("encrypt", &parser.value()?.string()?, &choices)?;
            }
            "claim" => {
                let text = parser.value()?.string()?;
                let (configuration, wanted) = claim(&text).ok_or_else(|| {
                    usage(format!("--claim: `{text}` is not CONFIGURATION=PATH, as in ID=address.city"))
                })?;
                self.how.claims.entry(configuration).or_default().push(wanted);
            }
            "authorization-parameter" => {
                let text = parser.value()?.string()?;
                let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(|| {
                    usage(format!("--authorization-parameter: `{text}` is not NAME=VALUE, as in subject_id=erika"))
                })?;
                self.how.authorization_parameters.push((name.to_owned(), value.to_owned()));
            }
            "no-wait" => self.how.no_wait = true,
            "out" => self.out = Some(parser.value()?.into()),
            "html" => self.html = Some(parser.value()?.into()),
            "format" => self.against.format = Some(Format::from(parser.value()?.string()?)),
            "issuer-key" => self.against.issuer_key = Some(parser.value()?),
            "holder-key" => self.against.holder_key = Some(parser.value()?),
            "at" => self.against.at = Some(verify::time(&parser.value()?.string()?)?),
            "type" => self.against.type_name = Some(parser.value()?.string()?),
            "online" => self.against.online = true,
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
            "show" => Command::Show { id: self.text("ID")?, html: self.html.take() },
            "export" => Command::Export { id: self.text("ID")? },
            "recheck" => Command::Recheck { id: self.text("ID")? },
            "forget" => Command::Forget { id: self.text("ID")? },
            "backup" => Command::Backup { file: self.operand("FILE")?.into() },
            "restore" => Command::Restore { file: self.operand("FILE")?.into() },
            "inspect" => Command::Inspect { offer: self.operand("OFFER")?, how },
            "qr" => Command::Qr { offer: self.operand("OFFER")?, out: self.out.take() },
            "help" => return Ok(Command::Help),
            "flush" => Command::Flush,
            "refresh" => Command::Refresh { id: self.text("ID")?, how },
            "verify" => Command::Verify(Box::new(self.verify()?)),
            other => return Err(usage(format!("there is no command `{other}`"))),
        };
        if let Some(extra) = self.operands.first() {
            return Err(usage(format!("`{}` is one word too many for `{name}`", extra.to_string_lossy())));
        }
        let wishes = matches!(command, Command::Accept { .. } | Command::Start { .. } | Command::Inspect { .. });
        let own: &[&str] = match &command {
            Command::Start { .. } => &["no-wait"],
            Command::Refresh { .. } => &["request", "authorization-parameter", "no-wait"],
            Command::Accept { .. } | Command::Resume { .. } => &["tx-code", "no-wait"],
            Command::Qr { .. } => &["out"],
            Command::Show { .. } => &["html"],
            Command::Verify(_) => &["format", "issuer-key", "holder-key", "at", "type", "online"],
            _ => &[],
        };
        let allowed = |option: &str| own.contains(&option) || (wishes && WISHES.contains(&option));
        if let Some(misplaced) = self.given.iter().find(|option| !allowed(option.as_str())) {
            return Err(usage(format!("`{name}` has no option --{misplaced}")));
        }
        if let Command::Start { how, .. } = &command
            && how.configurations.is_empty()
        {
            return Err(usage("`start` needs at least one --configuration ID"));
        }
        Ok(command)
    }

    fn verify(&mut self) -> Result<Verify, Refused> {
        let file = self.operand("FILE")?;
        let mut against = std::mem::take(&mut self.against);
        let format = against.format.take().ok_or_else(|| usage("`verify` needs --format FORMAT, such as dc+sd-jwt"))?;
        Ok(Verify { file, format, against })
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

#[cfg(test)]
mod tests {
    use billfold::model::report::{CheckKind, Requirement, VerificationPolicy};

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
            "accept L --encrypt maybe",
            "refresh 1 --encrypt always",
            "--policy taste=require list",
            "--policy status list",
            "--timeout 0 list",
            "--redirect-uri nowhere list",
            "--key rs256 list",
            "--unheard-of list",
            "-x list",
            "--json=yes list",
            "refresh",
            "refresh 1 --copies 2",
            "--profile draft list",
            "--client-auth mtls list",
            "--client-auth private_key_jwt list",
            "--client-auth attestation list",
            "--client-auth attestation --attester-key K list",
            "--client-auth attestation --attester-cert C list",
            "--client-auth attestation --client-key K --attester-key K --attester-cert C list",
            "--client-key K list",
            "--attester-issuer https://a.example list",
            "--attester-key K --attester-cert C --attester-issuer nobody list",
            "--attestation-version 9 list",
            "--signed-metadata maybe list",
            "--signed-metadata require list",
            "--metadata-trust T list",
            "--binding x5c list",
            "accept L --claim name",
            "accept L --claim =name",
            "accept L --claim ID=a..b",
            "list --claim ID=a",
            "accept L --authorization-parameter subject_id",
            "accept L --authorization-parameter =erika",
            "list --authorization-parameter a=b",
            "--strict=yes list",
            "verify",
            "verify -",
            "verify --format dc+sd-jwt",
            "verify a b --format dc+sd-jwt",
            "verify - --format dc+sd-jwt --at soon",
            "verify - --format dc+sd-jwt --html X",
            "list --html X",
            "show 1 --format dc+sd-jwt",
            "--locale de_CH list",
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
    fn whoever_vouches_is_named_whole() {
        for line in [
            "--client-auth none list",
            "--client-auth private_key_jwt --client-key K list",
            "--client-auth attestation --attester-key K --attester-cert C list",
            // Key attestations alone, or beside the client's own key.
            "--attester-key K --attester-cert C --attester-issuer https://a.example list",
            "--client-auth private_key_jwt --client-key K --attester-key K --attester-cert C list",
            "--signed-metadata require --trust T list",
            "--signed-metadata prefer --metadata-trust T list",
        ] {
            words(line).expect(line);
        }
    }

    #[test]
    fn claims_are_paths() {
        let args = words("accept L --claim ID=address.city --claim ID=nationalities.*.0").expect("legal");
        let Command::Accept { how, .. } = args.command else { panic!("another command") };
        let key = |name: &str| PathStep::Key(name.to_owned());
        let expected =
            [vec![key("address"), key("city")], vec![key("nationalities"), PathStep::All, PathStep::Index(0)]];
        assert_eq!(how.claims.len(), 1);
        let paths: Vec<_> = how.claims[&"ID".into()].iter().map(|claim| claim.path.clone()).collect();
        assert_eq!(paths, expected);
    }

    #[test]
    fn parameters_keep_their_order_and_all_of_their_value() {
        let args = words("accept L --authorization-parameter b=x=y --authorization-parameter a=").expect("legal");
        let Command::Accept { how, .. } = args.command else { panic!("another command") };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(how.options().authorization_parameters, [pair("b", "x=y"), pair("a", "")]);
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
