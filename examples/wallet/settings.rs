//! The options that every command has.

use std::path::PathBuf;
use std::time::Duration;

use billfold::model::jwk::Algorithm;
use billfold::model::report::{CheckKind, Requirement, VerificationPolicy};
use billfold::{AttestationVersion, Binding, Dialects, Profile, SignedMetadata};
use lexopt::ValueExt as _;
use url::Url;

use crate::args::{Refused, choice, usage};

/// How long a sign-in or a deferred credential is waited for.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(300);

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
    pub(crate) dialects: Dialects,
    pub(crate) profile: Profile,
    pub(crate) signed_metadata: SignedMetadata,
    pub(crate) metadata_trust: Option<PathBuf>,
    pub(crate) vouching: Vouching,
    pub(crate) did_resolver: Option<Url>,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) browser: Option<Vec<String>>,
    pub(crate) timeout: Duration,
    /// The language of cards and metadata, as a BCP 47 tag; none: that of the surroundings.
    pub(crate) locale: Option<String>,
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
            dialects: Dialects::default(),
            profile: Profile::default(),
            signed_metadata: SignedMetadata::default(),
            metadata_trust: None,
            vouching: Vouching::default(),
            did_resolver: None,
            ca: None,
            browser: None,
            timeout: DEFAULT_TIMEOUT,
            locale: None,
            verbose: false,
        }
    }
}

impl Global {
    /// Refuses what does not belong together.
    pub(crate) fn check(&self) -> Result<(), Refused> {
        if self.signed_metadata == SignedMetadata::Ignore && self.metadata_trust.is_some() {
            return Err(usage("--metadata-trust belongs to --signed-metadata prefer or require"));
        }
        if self.signed_metadata != SignedMetadata::Ignore && self.metadata_trust.is_none() && self.trust.is_none() {
            return Err(usage("--signed-metadata needs --metadata-trust FILE.pem or --trust FILE.pem"));
        }
        if self.binding == Binding::X5c && self.vouching.attester_key.is_none() {
            return Err(usage("--binding x5c needs --attester-key FILE and --attester-cert FILE.pem"));
        }
        if self.did_resolver.as_ref().is_some_and(|url| url.scheme() == "http") && !self.dev {
            return Err(usage("--did-resolver: http is for addresses of this machine only, and needs --dev"));
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

/// Takes an option that every command has; false if it is none.
pub(crate) fn take(global: &mut Global, name: &str, parser: &mut lexopt::Parser) -> Result<bool, Refused> {
    match name {
        "json" => global.json = true,
        "dev" => global.dev = true,
        "verbose" => global.verbose = true,
        "strict" => global.dialects = Dialects::Strict,
        "assume-jwt-proofs" => global.assume_jwt_proofs = true,
        "store" => global.store = Some(parser.value()?.into()),
        "trust" => global.trust = Some(parser.value()?.into()),
        "locale" => {
            let text = parser.value()?.string()?;
            let tag = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
            global.locale =
                Some(tag.then_some(text).ok_or_else(|| usage("--locale: a language tag such as de-CH is needed"))?);
        }
        "ca" => global.ca = Some(parser.value()?.into()),
        "did-resolver" => {
            let text = parser.value()?.string()?;
            let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "https" | "http"));
            global.did_resolver =
                Some(url.ok_or_else(|| usage(format!("--did-resolver: `{text}` is no https address")))?);
        }
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
            let choices = [
                ("auto", Binding::Auto),
                ("jwk", Binding::Jwk),
                ("did:key", Binding::DidKey),
                ("did:jwk", Binding::DidJwk),
                ("did:prism", Binding::DidPrism),
                ("x5c", Binding::X5c),
            ];
            global.binding = choice("binding", &parser.value()?.string()?, &choices)?;
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
