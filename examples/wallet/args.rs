//! The command line: what may be written, and what it means.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use billfold::model::ids::ConfigurationId;
use billfold::model::jwk::Algorithm;
use billfold::model::offer::GrantType;
use billfold::model::report::{CheckKind, Requirement, VerificationPolicy};
use billfold::{
    AcceptOptions, AttestationVersion, Binding, Encryption, PathStep, Profile, RequestBy, RequestedClaim,
    SignedMetadata,
};
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
    pub(crate) assume_jwt_proofs: bool,
    pub(crate) trust: Option<PathBuf>,
    pub(crate) policy: VerificationPolicy,
    pub(crate) profile: Profile,
    pub(crate) signed_metadata: SignedMetadata,
    pub(crate) metadata_trust: Option<PathBuf>,
    pub(crate) vouching: Vouching,
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
            assume_jwt_proofs: false,
            trust: None,
            policy: VerificationPolicy::default(),
            profile: Profile::default(),
            signed_metadata: SignedMetadata::default(),
            metadata_trust: None,
            vouching: Vouching::default(),
            ca: None,
            browser: None,
            timeout: DEFAULT_TIMEOUT,
            verbose: false,
        }
    }
}

impl Global {
    /// Refuses what does not belong together.
    fn check(&self) -> Result<(), Refused> {
        if self.signed_metadata == SignedMetadata::Ignore && self.metadata_trust.is_some() {
            return Err(usage("--metadata-trust belongs to --signed-metadata prefer or require"));
        }
        if self.signed_metadata != SignedMetadata::Ignore && self.metadata_trust.is_none() && self.trust.is_none() {
            return Err(usage("--signed-metadata needs --metadata-trust FILE.pem or --trust FILE.pem"));
        }
        if self.binding == Binding::X5c && self.vouching.attester_key.is_none() {
            return Err(usage("--binding x5c needs --attester-key FILE and --attester-cert FILE.pem"));
        }
        self.vouching.check()
    }
}

/// Who vouches for the wallet and its keys.
#[derive(Debug, Default)]
pub(crate) struct Vouching {
    pub(crate) client_auth: ClientAuth,
    /// The client's own key.
    pub(crate) client_key: Option<PathBuf>,
    /// The attester's key, for attestations that are made on the spot.
    pub(crate) attester_key: Option<PathBuf>,
    /// The attester's certificate and those above it.
    pub(crate) attester_cert: Option<PathBuf>,
    /// As whom the attester speaks.
    pub(crate) attester_issuer: Option<String>,
    pub(crate) version: AttestationVersion,
}

/// How the wallet can authenticate itself, where a server wants that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ClientAuth {
    #[default]
    None,
    PrivateKeyJwt,
    Attestation,
}

impl Vouching {
    /// Refuses what does not belong together.
    fn check(&self) -> Result<(), Refused> {
        let Self { client_auth, client_key, attester_key, attester_cert, attester_issuer, version: _ } = self;
        match (client_auth, client_key) {
            (ClientAuth::PrivateKeyJwt, None) => {
                return Err(usage("--client-auth private_key_jwt needs --client-key FILE"));
            }
            (ClientAuth::None | ClientAuth::Attestation, Some(_)) => {
                return Err(usage("--client-key belongs to --client-auth private_key_jwt"));
            }
            _ => {}
        }
        match (attester_key, attester_cert) {
            (Some(_), None) => Err(usage("--attester-key needs --attester-cert FILE.pem")),
            (None, Some(_)) => Err(usage("--attester-cert needs --attester-key FILE")),
            (None, None) if *client_auth == ClientAuth::Attestation => {
                Err(usage("--client-auth attestation needs --attester-key FILE and --attester-cert FILE.pem"))
            }
            (None, None) if attester_issuer.is_some() => Err(usage("--attester-issuer needs --attester-key FILE")),
            _ => Ok(()),
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
    Refresh {
        id: String,
        how: Issue,
    },
    Forget {
        id: String,
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
    if !matches!(command, Command::Help | Command::Version) {
        global.check()?;
    }
    Ok(Args { global, command })
}

/// Takes an option that every command has; false if it is none.
fn global_option(global: &mut Global, name: &str, parser: &mut lexopt::Parser) -> Result<bool, Refused> {
    match name {
        "json" => global.json = true,
        "dev" => global.dev = true,
        "verbose" => global.verbose = true,
        "assume-jwt-proofs" => global.assume_jwt_proofs = true,
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
                ("x5c", Binding::X5c),
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
        "profile" => {
            let choices = [("base", Profile::Base), ("haip", Profile::Haip)];
            global.profile = choice("profile", &parser.value()?.string()?, &choices)?;
        }
        "signed-metadata" => {
            let choices = [
                ("ignore", SignedMetadata::Ignore),
                ("prefer", SignedMetadata::Prefer),
                ("require", SignedMetadata::Require),
            ];
            global.signed_metadata = choice("signed-metadata", &parser.value()?.string()?, &choices)?;
        }
        "metadata-trust" => global.metadata_trust = Some(parser.value()?.into()),
        "client-auth" => {
            let choices = [
                ("none", ClientAuth::None),
                ("private_key_jwt", ClientAuth::PrivateKeyJwt),
                ("attestation", ClientAuth::Attestation),
            ];
            global.vouching.client_auth = choice("client-auth", &parser.value()?.string()?, &choices)?;
        }
        "client-key" => global.vouching.client_key = Some(parser.value()?.into()),
        "attester-key" => global.vouching.attester_key = Some(parser.value()?.into()),
        "attester-cert" => global.vouching.attester_cert = Some(parser.value()?.into()),
        "attester-issuer" => {
            let text = parser.value()?.string()?;
            Url::parse(&text).map_err(|_| usage(format!("--attester-issuer: `{text}` is no URI")))?;
            global.vouching.attester_issuer = Some(text);
        }
        "attestation-version" => {
            let choices = [("7", AttestationVersion::V07), ("8", AttestationVersion::V08)];
            global.vouching.version = choice("attestation-version", &parser.value()?.string()?, &choices)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn policy(text: &str) -> Option<(CheckKind, Requirement)> {
    let (kind, requirement) = text.split_once('=')?;
    Some((CheckKind::parse(kind)?, Requirement::parse(requirement)?))
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
            "inspect" => Command::Inspect { offer: self.operand("OFFER")?, how },
            "qr" => Command::Qr { offer: self.operand("OFFER")?, out: self.out.take() },
            "help" => return Ok(Command::Help),
            "flush" => Command::Flush,
            "refresh" => Command::Refresh { id: self.text("ID")?, how },
            "verify" => return Err(not_yet(&name)),
            other => return Err(usage(format!("there is no command `{other}`"))),
        };
        if let Some(extra) = self.operands.first() {
            return Err(usage(format!("`{}` is one word too many for `{name}`", extra.to_string_lossy())));
        }
        let allowed: &[&str] = match &command {
            Command::Accept { .. } => {
                &["tx-code", "configuration", "grant", "request", "encrypt", "claim", "copies", "no-wait"]
            }
            Command::Start { .. } => &["configuration", "grant", "request", "encrypt", "claim", "copies", "no-wait"],
            Command::Refresh { .. } => &["request", "no-wait"],
            Command::Inspect { .. } => &["configuration", "grant", "request", "encrypt", "claim", "copies"],
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
        for line in ["verify -", "--binding did:prism list"] {
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
    fn policies_add_up() {
        let args = words("--policy issuer-trust=require --policy status=off list").expect("legal");
        assert!(args.global.policy.is_off(CheckKind::Status));
        let expected = VerificationPolicy::default()
            .with(CheckKind::IssuerTrust, Requirement::Require)
            .with(CheckKind::Status, Requirement::Off);
        assert_eq!(args.global.policy, expected);
    }
}
