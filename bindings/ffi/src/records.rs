//! Setting up, offers and steps as they cross the border: copies of the core's, without its newtypes.
//!
//! Conversions name every field, so that a new one in the core fails to compile here until somebody
//! has decided about it. What the core may extend (its enums are open) has a fallback that says so.

use std::collections::{BTreeMap, HashMap};

use billfold::model::display as core_display;
use billfold::model::jwk;
use billfold::model::offer as core_offer;

use crate::credential::PathStep;
use crate::dialect::Dialects;
use crate::report::PolicyRule;

/// A signature algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Algorithm {
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// ECDSA with P-384 and SHA-384.
    Es384,
    /// `EdDSA` with Ed25519.
    EdDsa,
    /// ECDSA with secp256k1 and SHA-256.
    Es256k,
}

impl From<Algorithm> for jwk::Algorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Es256 => Self::Es256,
            Algorithm::Es384 => Self::Es384,
            Algorithm::EdDsa => Self::EdDsa,
            Algorithm::Es256k => Self::Es256k,
        }
    }
}

impl TryFrom<jwk::Algorithm> for Algorithm {
    type Error = String;

    fn try_from(algorithm: jwk::Algorithm) -> Result<Self, String> {
        match algorithm {
            jwk::Algorithm::Es256 => Ok(Self::Es256),
            jwk::Algorithm::Es384 => Ok(Self::Es384),
            jwk::Algorithm::EdDsa => Ok(Self::EdDsa),
            jwk::Algorithm::Es256k => Ok(Self::Es256k),
            other => Err(format!("{other} does not cross the border")),
        }
    }
}

/// Where the wallet keeps its records.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum StoreLocation {
    /// Nowhere: gone with the wallet object. For tests.
    Memory,
    /// In an encrypted database in this folder, which is made if it is not there.
    Directory {
        /// Its path.
        path: String,
    },
}

/// How a key proof names its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Binding {
    /// As the issuer's metadata asks.
    Auto,
    /// The key itself (`jwk`).
    Jwk,
    /// `kid` with a `did:key`.
    DidKey,
    /// `kid` with a `did:jwk`.
    DidJwk,
    /// `kid` with a `did:prism` in its long form, which only ES256K keys can have.
    DidPrism,
    /// The certificates that the key store gave with the key (`x5c`).
    X5c,
}

impl From<Binding> for billfold::Binding {
    fn from(binding: Binding) -> Self {
        match binding {
            Binding::Auto => Self::Auto,
            Binding::Jwk => Self::Jwk,
            Binding::DidKey => Self::DidKey,
            Binding::DidJwk => Self::DidJwk,
            Binding::DidPrism => Self::DidPrism,
            Binding::X5c => Self::X5c,
        }
    }
}

/// The rules that an issuance is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Profile {
    /// OpenID4VCI as it stands: what is safer is used where the issuer offers it, and an ordinary
    /// issuer that offers nothing of it works too.
    Base,
    /// OpenID4VC High Assurance Interoperability Profile 1.0: what it demands of issuers is demanded,
    /// and an issuance that falls short is refused before anything is spent.
    Haip,
}

impl From<Profile> for billfold::Profile {
    fn from(profile: Profile) -> Self {
        match profile {
            Profile::Base => Self::Base,
            Profile::Haip => Self::Haip,
        }
    }
}

/// Which text of the attestation draft authorization servers follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum AttestationVersion {
    /// Draft 07, which OpenID4VCI 1.0 and HAIP 1.0 name: both JWTs have an `iss`.
    V07,
    /// Draft 08 and later: the proof of possession has none.
    V08,
}

impl From<AttestationVersion> for billfold::AttestationVersion {
    fn from(version: AttestationVersion) -> Self {
        match version {
            AttestationVersion::V07 => Self::V07,
            AttestationVersion::V08 => Self::V08,
        }
    }
}

/// What to do about issuers that sign their metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum SignedMetadata {
    /// Unsigned metadata is asked for, and nothing else is taken.
    Ignore,
    /// Signed metadata is asked for first. Where an issuer has none, it is taken unsigned.
    Prefer,
    /// Only signed metadata is taken.
    Require,
}

impl From<SignedMetadata> for billfold::SignedMetadata {
    fn from(policy: SignedMetadata) -> Self {
        match policy {
            SignedMetadata::Ignore => Self::Ignore,
            SignedMetadata::Prefer => Self::Prefer,
            SignedMetadata::Require => Self::Require,
        }
    }
}

/// How a wallet is set up.
#[derive(Clone, Debug, uniffi::Record)]
pub struct WalletConfig {
    /// The `client_id` under which authorization servers know the app.
    pub client_id: String,
    /// Where the browser returns to after the user signed in. Needed for the authorization code grant.
    #[uniffi(default = None)]
    pub redirect_uri: Option<String>,
    /// Where the records rest.
    pub store: StoreLocation,
    /// A file for the secrets, readable by its user only, when no `SecretStore` is given: for tests
    /// and machines without a store of their own.
    #[uniffi(default = None)]
    pub secrets_file: Option<String>,
    /// BCP 47 language tag for names and `Accept-Language`.
    #[uniffi(default = None)]
    pub locale: Option<String>,
    /// Whether plain http is allowed on loopback addresses: for development.
    #[uniffi(default = false)]
    pub allow_loopback_http: bool,
    /// How far clocks may differ; 60 seconds when not set.
    #[uniffi(default = None)]
    pub clock_skew_seconds: Option<u32>,
    /// Anchors for issuers of credentials, each PEM or DER. Naming any turns the check `IssuerTrust` on.
    #[uniffi(default = [])]
    pub trust_anchors: Vec<Vec<u8>>,
    /// More TLS roots, PEM, for the built-in transport only.
    #[uniffi(default = [])]
    pub root_certificates_pem: Vec<String>,
    /// Where the verification policy differs from the default.
    #[uniffi(default = [])]
    pub policy: Vec<PolicyRule>,
    /// How proofs name their keys.
    #[uniffi(default = None)]
    pub binding: Option<Binding>,
    /// The rules that issuances are held to; `Base` when not set.
    #[uniffi(default = None)]
    pub profile: Option<Profile>,
    /// Which text of the attestation draft servers follow; `V07` when not set.
    #[uniffi(default = None)]
    pub attestation_version: Option<AttestationVersion>,
    /// What to do about signed metadata; `Ignore` when not set. The others need anchors.
    #[uniffi(default = None)]
    pub signed_metadata: Option<SignedMetadata>,
    /// Anchors for those who sign metadata, each PEM or DER; the `trust_anchors` when there is none.
    #[uniffi(default = [])]
    pub metadata_anchors: Vec<Vec<u8>>,
    /// The issuers that are trusted, by DID or https identifier. Naming any turns the check `IssuerTrust` on.
    #[uniffi(default = [])]
    pub trusted_issuers: Vec<String>,
    /// Policies of credential types, by `vct`, `doctype` or W3C type: where each differs from the default.
    #[uniffi(default)]
    pub policies: HashMap<String, Vec<PolicyRule>>,
    /// Whether to look up what publishers say about types; by the profile when not set.
    #[uniffi(default = None)]
    pub type_metadata: Option<TypeMetadataUse>,
    /// More JSON-LD contexts that `ldp_vc` credentials may refer to: documents as JSON text, by their addresses.
    #[uniffi(default)]
    pub json_ld_contexts: HashMap<String, String>,
    /// Whose ways of speaking the wallet puts up with; `Any` when not set.
    #[uniffi(default = None)]
    pub dialects: Option<Dialects>,
    /// A server that resolves the DIDs which billfold does not resolve by itself: `GET URL/DID` gives the DID
    /// document or a DID resolution result. In the place of a `DidResolver` of the app's own.
    #[uniffi(default = None)]
    pub did_resolver_url: Option<String>,
}

/// Whether a wallet looks up what the publishers of credential types say about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum TypeMetadataUse {
    /// It does, where the name of the type (`vct`) is an https address.
    Fetch,
    /// It does not.
    Off,
}

impl From<TypeMetadataUse> for billfold::TypeMetadataUse {
    fn from(usage: TypeMetadataUse) -> Self {
        match usage {
            TypeMetadataUse::Fetch => Self::Fetch,
            TypeMetadataUse::Off => Self::Off,
        }
    }
}

/// The grants an issuance can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum GrantType {
    /// The user signs in at the issuer.
    AuthorizationCode,
    /// The issuer already knows the user.
    PreAuthorizedCode,
}

impl From<core_offer::GrantType> for GrantType {
    fn from(grant: core_offer::GrantType) -> Self {
        match grant {
            core_offer::GrantType::AuthorizationCode => Self::AuthorizationCode,
            core_offer::GrantType::PreAuthorizedCode => Self::PreAuthorizedCode,
        }
    }
}

impl From<GrantType> for core_offer::GrantType {
    fn from(grant: GrantType) -> Self {
        match grant {
            GrantType::AuthorizationCode => Self::AuthorizationCode,
            GrantType::PreAuthorizedCode => Self::PreAuthorizedCode,
        }
    }
}

/// How the authorization request names what is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum RequestBy {
    /// As the servers' metadata suggests.
    Auto,
    /// By `scope`.
    Scope,
    /// By `authorization_details`.
    Details,
}

impl From<RequestBy> for billfold::RequestBy {
    fn from(by: RequestBy) -> Self {
        match by {
            RequestBy::Auto => Self::Auto,
            RequestBy::Scope => Self::Scope,
            RequestBy::Details => Self::Details,
        }
    }
}

/// Whether credential requests and answers are encrypted, beyond TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Encryption {
    /// What the issuer requires.
    Auto,
    /// Both directions, or not at all: an error from an issuer that does not offer both.
    Always,
    /// Nothing: an error from an issuer that wants it.
    Never,
}

impl From<Encryption> for billfold::Encryption {
    fn from(encryption: Encryption) -> Self {
        match encryption {
            Encryption::Auto => Self::Auto,
            Encryption::Always => Self::Always,
            Encryption::Never => Self::Never,
        }
    }
}

/// A claim that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct RequestedClaim {
    /// Where it is in the credential.
    pub path: Vec<PathStep>,
    /// Whether the credential is of no use without it.
    #[uniffi(default = false)]
    pub mandatory: bool,
}

impl From<RequestedClaim> for billfold::RequestedClaim {
    fn from(claim: RequestedClaim) -> Self {
        let RequestedClaim { path, mandatory } = claim;
        Self { path: path.into_iter().map(Into::into).collect(), mandatory }
    }
}

/// What to take of an offer, and how.
#[derive(Clone, Debug, uniffi::Record)]
pub struct AcceptOptions {
    /// Which configurations; all when not set.
    #[uniffi(default = None)]
    pub configurations: Option<Vec<String>>,
    /// By which grant; the simplest for the user when not set.
    #[uniffi(default = None)]
    pub grant: Option<GrantType>,
    /// How to name what is wanted.
    #[uniffi(default = None)]
    pub request: Option<RequestBy>,
    /// How many copies of each credential; one when not set.
    #[uniffi(default = None)]
    pub copies: Option<u32>,
    /// Whether credential requests and answers are encrypted; `Auto` when not set.
    #[uniffi(default = None)]
    pub encryption: Option<Encryption>,
    /// The rules to hold this issuance to; the wallet's when not set.
    #[uniffi(default = None)]
    pub profile: Option<Profile>,
    /// Which claims of a configuration are wanted; all that the issuer gives when not set.
    #[uniffi(default)]
    pub claims: HashMap<String, Vec<RequestedClaim>>,
    /// Whether credentials of formats that can't be verified are taken. They are kept as they came, in
    /// quarantine.
    #[uniffi(default = false)]
    pub unverified_formats: bool,
    /// Parameters to add to the authorization request, for servers with ways of their own. One that OAuth or
    /// OpenID4VCI gives a meaning to is refused.
    #[uniffi(default)]
    pub authorization_parameters: HashMap<String, String>,
}

impl From<AcceptOptions> for billfold::AcceptOptions {
    fn from(options: AcceptOptions) -> Self {
        let AcceptOptions {
            configurations,
            grant,
            request,
            copies,
            encryption,
            profile,
            claims,
            unverified_formats,
            authorization_parameters,
        } = options;
        // In an order that does not change from one call to the next.
        let authorization_parameters: BTreeMap<_, _> = authorization_parameters.into_iter().collect();
        let wanted =
            |(id, claims): (String, Vec<RequestedClaim>)| (id.into(), claims.into_iter().map(Into::into).collect());
        Self {
            configurations: configurations.map(|ids| ids.into_iter().map(Into::into).collect()),
            grant: grant.map(Into::into),
            request: request.map(Into::into).unwrap_or_default(),
            copies,
            encryption: encryption.map(Into::into).unwrap_or_default(),
            profile: profile.map(Into::into),
            authorization_parameters: authorization_parameters.into_iter().collect(),
            claims: claims.into_iter().map(wanted).collect(),
            unverified_formats,
        }
    }
}

/// The characters of a transaction code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum InputMode {
    /// Digits. They stay text: leading zeros count.
    Numeric,
    /// Any characters.
    Text,
}

/// What the issuer says about the transaction code that the user has to type.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct TxCode {
    /// Which keyboard to show.
    pub input_mode: InputMode,
    /// How many characters it has; a hint for the input field, not a rule.
    pub length: Option<u32>,
    /// Where the user finds the code.
    pub description: Option<String>,
}

impl From<core_offer::TxCode> for TxCode {
    fn from(code: core_offer::TxCode) -> Self {
        let core_offer::TxCode { input_mode, length, description } = code;
        let input_mode = match input_mode {
            core_offer::InputMode::Numeric => InputMode::Numeric,
            core_offer::InputMode::Text => InputMode::Text,
        };
        Self { input_mode, length, description }
    }
}

/// What to tell the user who has to type a transaction code.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct CodeHint {
    /// What the code looks like.
    pub tx_code: TxCode,
    /// Whether a code was refused just now.
    pub refused: bool,
    /// How many more times the wallet lets the user try.
    pub attempts_left: u32,
}

impl From<billfold::CodeHint> for CodeHint {
    fn from(hint: billfold::CodeHint) -> Self {
        let billfold::CodeHint { tx_code, refused, attempts_left } = hint;
        Self { tx_code: tx_code.into(), refused, attempts_left }
    }
}

/// A picture with its description for screen readers.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Logo {
    /// `https:` or `data:` address, as the issuer gave it.
    pub uri: String,
    /// Text in place of the picture.
    pub alt_text: Option<String>,
}

impl From<core_display::Logo> for Logo {
    fn from(logo: core_display::Logo) -> Self {
        let core_display::Logo { uri, alt_text, integrity: _ } = logo;
        Self { uri, alt_text }
    }
}

/// How an issuer or a kind of credential presents itself.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Display {
    /// The name to show.
    pub name: Option<String>,
    /// BCP 47 language tag.
    pub locale: Option<String>,
    /// The logo.
    pub logo: Option<Logo>,
    /// A sentence about the credential.
    pub description: Option<String>,
    /// CSS colour as the issuer wrote it.
    pub background_color: Option<String>,
    /// Picture behind the text.
    pub background_image: Option<Logo>,
    /// CSS colour as the issuer wrote it.
    pub text_color: Option<String>,
}

impl From<core_display::Display> for Display {
    fn from(display: core_display::Display) -> Self {
        let core_display::Display { name, locale, logo, description, background_color, background_image, text_color } =
            display;
        Self {
            name,
            locale,
            logo: logo.map(Into::into),
            description,
            background_color,
            background_image: background_image.map(Into::into),
            text_color,
        }
    }
}

/// What is offered, by whom, and what it takes.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct OfferSummary {
    /// Who offers: the credential issuer identifier.
    pub credential_issuer: String,
    /// The issuer's name, or its host when it gives none.
    pub issuer_name: String,
    /// How the issuer presents itself.
    pub issuer_display: Option<Display>,
    /// What is offered.
    pub credentials: Vec<OfferedCredential>,
    /// The grants that can be used.
    pub grants: Vec<GrantType>,
    /// Set when the user will have to type a code.
    pub tx_code: Option<TxCode>,
    /// Who signed the issuer's metadata: the subject of a certificate that the metadata anchors vouch
    /// for. Not set if the metadata came unsigned.
    pub metadata_signed_by: Option<String>,
}

impl From<billfold::OfferSummary> for OfferSummary {
    fn from(offer: billfold::OfferSummary) -> Self {
        let issuer_name = offer.issuer_name();
        let billfold::OfferSummary {
            credential_issuer,
            issuer_display,
            credentials,
            grants,
            tx_code,
            metadata_signed_by,
        } = offer;
        Self {
            credential_issuer: credential_issuer.into(),
            issuer_name,
            issuer_display: issuer_display.map(Into::into),
            credentials: credentials.into_iter().map(Into::into).collect(),
            grants: grants.into_iter().map(Into::into).collect(),
            tx_code: tx_code.map(Into::into),
            metadata_signed_by,
        }
    }
}

/// One credential of an offer.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct OfferedCredential {
    /// The issuer's name for this kind of credential.
    pub configuration: String,
    /// Its format identifier.
    pub format: String,
    /// How it presents itself.
    pub display: Option<Display>,
    /// The name to show.
    pub title: String,
}

impl From<billfold::OfferedCredential> for OfferedCredential {
    fn from(offered: billfold::OfferedCredential) -> Self {
        let billfold::OfferedCredential { configuration, format, display, title } = offered;
        Self {
            configuration: configuration.to_string(),
            format: format.to_string(),
            display: display.map(Into::into),
            title,
        }
    }
}

/// Where an issuance stands.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Step {
    /// The user looks at the offer; `accept` or `decline` next.
    Review,
    /// The user types the code; `submit_code` next.
    EnterCode {
        /// What to tell the user.
        hint: CodeHint,
    },
    /// The user signs in, in the system browser; `submit_redirect` next.
    SignIn {
        /// The address to open.
        url: String,
    },
    /// The issuer needs time; `poll` then.
    Wait {
        /// When to ask again, in seconds since 1970.
        until: i64,
    },
    /// A request failed or the process ended on the way; `proceed` next.
    Interrupted,
    /// At least one credential is stored and usable.
    Done {
        /// The usable ones.
        credentials: Vec<String>,
        /// What did not come out well.
        failures: Vec<Failure>,
    },
    /// A step that this layer does not know: made by a newer core.
    Other,
}

impl From<billfold::Step> for Step {
    fn from(step: billfold::Step) -> Self {
        match step {
            billfold::Step::Review => Self::Review,
            billfold::Step::EnterCode(hint) => Self::EnterCode { hint: hint.into() },
            billfold::Step::SignIn { url } => Self::SignIn { url: url.into() },
            billfold::Step::Wait { until } => Self::Wait { until: until.seconds() },
            billfold::Step::Interrupted => Self::Interrupted,
            billfold::Step::Done { credentials, failures } => Self::Done {
                credentials: credentials.iter().map(ToString::to_string).collect(),
                failures: failures.into_iter().map(Into::into).collect(),
            },
            _ => Self::Other,
        }
    }
}

/// A credential that did not become usable.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Failure {
    /// What was asked for.
    pub configuration: String,
    /// The stable text of the error code.
    pub code: String,
    /// A sentence for developers.
    pub detail: String,
    /// The credential that was put aside, if one came.
    pub quarantined: Option<String>,
}

impl From<billfold::Failure> for Failure {
    fn from(failure: billfold::Failure) -> Self {
        let billfold::Failure { configuration, code, detail, quarantined } = failure;
        Self {
            configuration: configuration.to_string(),
            code: code.as_str().to_owned(),
            detail,
            quarantined: quarantined.map(|id| id.to_string()),
        }
    }
}

/// An issuance that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct PendingIssuance {
    /// What `resume` takes.
    pub id: String,
    /// The credential issuer identifier.
    pub credential_issuer: String,
    /// The issuer's name.
    pub issuer_name: String,
    /// The names of what is being issued.
    pub titles: Vec<String>,
    /// Where it stands.
    pub step: Step,
    /// When it last moved, in seconds since 1970.
    pub updated_at: i64,
}

impl From<billfold::PendingIssuance> for PendingIssuance {
    fn from(pending: billfold::PendingIssuance) -> Self {
        let billfold::PendingIssuance { id, credential_issuer, issuer_name, titles, step, updated_at } = pending;
        Self {
            id: id.to_string(),
            credential_issuer: credential_issuer.into(),
            issuer_name,
            titles,
            step: step.into(),
            updated_at: updated_at.seconds(),
        }
    }
}

#[cfg(test)]
mod tests;
