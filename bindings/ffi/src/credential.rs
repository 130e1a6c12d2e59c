//! Credentials, their cards and their reports as they cross the border.

use billfold::model::credential as core_credential;
use billfold::model::display as core_display;
use billfold::model::metadata::CredentialKind;
use billfold::model::report as core_report;
use billfold::model::time::Timestamp;

use crate::records::Logo;

/// The type of a credential, as its format says it.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum CredentialType {
    /// `vct` of an SD-JWT VC.
    Vct {
        /// Its value.
        vct: String,
    },
    /// `type` of a W3C credential.
    Types {
        /// Its values.
        types: Vec<String>,
    },
    /// A format that this version does not know.
    Unknown,
}

impl From<CredentialKind> for CredentialType {
    fn from(kind: CredentialKind) -> Self {
        match kind {
            CredentialKind::Vct(vct) => Self::Vct { vct },
            CredentialKind::Types(types) => Self::Types { types },
            _ => Self::Unknown,
        }
    }
}

/// A stored credential.
#[derive(Clone, uniffi::Record)]
pub struct Credential {
    /// Its name in the wallet.
    pub id: String,
    /// Who issued it.
    pub credential_issuer: String,
    /// As what it was asked for.
    pub configuration: String,
    /// Its format identifier.
    pub format: String,
    /// Its type.
    pub credential_type: CredentialType,
    /// When it was received, in seconds since 1970.
    pub issued_at: i64,
    /// When it stops being valid, in seconds since 1970, if it says so.
    pub expires_at: Option<i64>,
    /// The copies; never empty.
    pub copies: Vec<CredentialCopy>,
    /// What was checked before it was stored.
    pub report: Report,
    /// Whether it is kept aside: received, but not to be used.
    pub quarantined: bool,
    /// What to show of it, in the wallet's language.
    pub card: Card,
}

impl Credential {
    /// Converts, with the card for a language.
    pub(crate) fn localised(credential: core_credential::Credential, locale: Option<&str>) -> Self {
        let card = credential.card(locale).into();
        let core_credential::Credential {
            id,
            credential_issuer,
            credential_configuration_id,
            format,
            kind,
            issued_at,
            expires_at,
            instances,
            report,
            quarantined,
            // The card shows these, in one language.
            claims: _,
            issuer_display: _,
            display: _,
            claim_descriptions: _,
            // The core's own: to check it again, to tell the issuer.
            contexts: _,
            issuer_jwks: _,
            ..
        } = credential;
        Self {
            id: id.to_string(),
            credential_issuer: credential_issuer.into(),
            configuration: credential_configuration_id.to_string(),
            format: format.to_string(),
            credential_type: kind.into(),
            issued_at: issued_at.seconds(),
            expires_at: expires_at.map(Timestamp::seconds),
            copies: instances.into_iter().map(Into::into).collect(),
            report: report.into(),
            quarantined,
            card,
        }
    }
}

/// One copy of a credential.
#[derive(Clone, uniffi::Record)]
pub struct CredentialCopy {
    /// The credential exactly as received, as text. It holds claims: not for logs.
    pub raw: String,
    /// The key it is bound to, by its name in the key store.
    pub key_handle: Option<String>,
}

impl From<core_credential::Instance> for CredentialCopy {
    fn from(instance: core_credential::Instance) -> Self {
        let raw = instance.to_text();
        let core_credential::Instance { raw: _, key, missing_key: _, uses: _, last_used_at: _ } = instance;
        Self { raw, key_handle: key.map(|key| key.handle.to_string()) }
    }
}

/// What to show of a credential.
#[derive(Clone, uniffi::Record)]
pub struct Card {
    /// The name of the credential.
    pub title: String,
    /// The name of the issuer.
    pub issuer_name: String,
    /// A sentence about the credential.
    pub description: Option<String>,
    /// The logo.
    pub logo: Option<Logo>,
    /// CSS colour.
    pub background_color: Option<String>,
    /// CSS colour.
    pub text_color: Option<String>,
    /// The claims, in the issuer's order.
    pub claims: Vec<CardClaim>,
}

impl From<billfold::Card> for Card {
    fn from(card: billfold::Card) -> Self {
        let billfold::Card {
            title,
            issuer_name,
            description,
            logo,
            issuer_logo,
            background_image: _,
            background_color,
            text_color,
            claims,
            claims_left_out: _,
            state: _,
            state_text: _,
            expires_at: _,
            expiry_text: _,
            locale: _,
        } = card;
        let text_color = background_color.map(|_| text_color.to_css());
        Self {
            title,
            issuer_name,
            description,
            logo: logo.or(issuer_logo).map(Into::into),
            background_color: background_color.map(billfold::Color::to_css),
            text_color,
            claims: claims.into_iter().map(Into::into).collect(),
        }
    }
}

/// One claim, ready to be shown.
#[derive(Clone, uniffi::Record)]
pub struct CardClaim {
    /// Where it is in the credential.
    pub path: Vec<PathStep>,
    /// What to call it.
    pub label: String,
    /// Its value as text.
    pub value: String,
}

impl From<billfold::CardClaim> for CardClaim {
    fn from(claim: billfold::CardClaim) -> Self {
        let billfold::CardClaim { path, label, value: _, text, disclosable: _, mandatory: _ } = claim;
        Self { path: path.into_iter().map(Into::into).collect(), label, value: text }
    }
}

/// One step of a claim path.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum PathStep {
    /// A member of an object.
    Key {
        /// Its name.
        name: String,
    },
    /// An element of an array.
    Index {
        /// Which one, from 0.
        index: u64,
    },
    /// Every element of an array.
    All,
}

impl From<core_display::PathStep> for PathStep {
    fn from(step: core_display::PathStep) -> Self {
        match step {
            core_display::PathStep::Key(name) => Self::Key { name },
            core_display::PathStep::Index(index) => Self::Index { index },
            core_display::PathStep::All => Self::All,
        }
    }
}

impl From<PathStep> for core_display::PathStep {
    fn from(step: PathStep) -> Self {
        match step {
            PathStep::Key { name } => Self::Key(name),
            PathStep::Index { index } => Self::Index(index),
            PathStep::All => Self::All,
        }
    }
}

/// All checks of one credential and what they mean.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Report {
    /// One check a kind.
    pub checks: Vec<Check>,
    /// What they mean.
    pub verdict: Verdict,
}

impl From<core_report::Report> for Report {
    fn from(report: core_report::Report) -> Self {
        let core_report::Report { checks, verdict } = report;
        let verdict = match verdict {
            core_report::Verdict::Verified => Verdict::Verified,
            core_report::Verdict::VerifiedWithWarnings => Verdict::VerifiedWithWarnings,
            core_report::Verdict::Unverified => Verdict::Unverified,
            core_report::Verdict::Rejected => Verdict::Rejected,
        };
        Self { checks: checks.into_iter().map(Into::into).collect(), verdict }
    }
}

/// What all checks together say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Verdict {
    /// Every required check passed.
    Verified,
    /// Every required check passed, another did not.
    VerifiedWithWarnings,
    /// A required check could not be decided now; it can be tried again.
    Unverified,
    /// A required check failed.
    Rejected,
}

/// One check of a report.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Check {
    /// What was checked.
    pub kind: CheckKind,
    /// How it came out.
    pub outcome: CheckOutcome,
    /// How it was decided, for developers.
    pub detail: String,
}

impl From<core_report::Check> for Check {
    fn from(check: core_report::Check) -> Self {
        let core_report::Check { kind, outcome, detail } = check;
        let outcome = match outcome {
            core_report::Outcome::Passed => CheckOutcome::Passed,
            core_report::Outcome::Failed => CheckOutcome::Failed,
            core_report::Outcome::Unknown(reason) => CheckOutcome::Unknown { reason: reason.into() },
            core_report::Outcome::Skipped(reason) => CheckOutcome::Skipped { reason: reason.into() },
        };
        Self { kind: kind.into(), outcome, detail }
    }
}

/// What a check looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum CheckKind {
    /// The issuer's signature.
    Signature,
    /// How the issuer's key was found.
    IssuerKey,
    /// Whether the app trusts that issuer.
    IssuerTrust,
    /// The key inside the credential is one that this wallet made for it.
    HolderBinding,
    /// The issued type is the requested type.
    Type,
    /// Not before, not after.
    Validity,
    /// SD-JWT disclosures or mdoc value digests.
    Digests,
    /// A status list.
    Status,
    /// The credential's issuer fits the credential issuer that was asked.
    Issuer,
    /// A check that this layer does not know.
    Other,
}

impl From<core_report::CheckKind> for CheckKind {
    fn from(kind: core_report::CheckKind) -> Self {
        match kind {
            core_report::CheckKind::Signature => Self::Signature,
            core_report::CheckKind::IssuerKey => Self::IssuerKey,
            core_report::CheckKind::IssuerTrust => Self::IssuerTrust,
            core_report::CheckKind::HolderBinding => Self::HolderBinding,
            core_report::CheckKind::Type => Self::Type,
            core_report::CheckKind::Validity => Self::Validity,
            core_report::CheckKind::Digests => Self::Digests,
            core_report::CheckKind::Status => Self::Status,
            core_report::CheckKind::Issuer => Self::Issuer,
            _ => Self::Other,
        }
    }
}

impl CheckKind {
    /// The core's kind; `Other` is none that could be named.
    pub(crate) fn to_core(self) -> Option<core_report::CheckKind> {
        core_report::CheckKind::ALL.into_iter().find(|&kind| self != Self::Other && Self::from(kind) == self)
    }
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum CheckOutcome {
    /// It holds.
    Passed,
    /// It does not hold.
    Failed,
    /// It could not be found out now.
    Unknown {
        /// Why.
        reason: Reason,
    },
    /// It does not apply, or is switched off.
    Skipped {
        /// Why.
        reason: Reason,
    },
}

/// Why a check gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Reason {
    /// The credential is bound to no key, and its format allows that.
    Unbound,
    /// The format has nothing of the kind.
    NotApplicable,
    /// The policy switched it off.
    SwitchedOff,
    /// The app named no anchors and no allowed issuers.
    NoAnchors,
    /// What is needed did not answer.
    Unreachable,
    /// A method, algorithm or key type that this version does not know.
    Unsupported,
    /// A check that this one builds on did not pass.
    DependsOnFailed,
    /// A reason that this layer does not know.
    Other,
}

impl From<core_report::Reason> for Reason {
    fn from(reason: core_report::Reason) -> Self {
        match reason {
            core_report::Reason::Unbound => Self::Unbound,
            core_report::Reason::NotApplicable => Self::NotApplicable,
            core_report::Reason::SwitchedOff => Self::SwitchedOff,
            core_report::Reason::NoAnchors => Self::NoAnchors,
            core_report::Reason::Unreachable => Self::Unreachable,
            core_report::Reason::Unsupported => Self::Unsupported,
            core_report::Reason::DependsOnFailed => Self::DependsOnFailed,
            _ => Self::Other,
        }
    }
}

/// What the policy makes of one kind of check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Record)]
pub struct PolicyRule {
    /// The kind.
    pub kind: CheckKind,
    /// What becomes of it.
    pub requirement: Requirement,
}

/// What the policy makes of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Requirement {
    /// It has to pass.
    Require,
    /// Not passing is shown, and the credential usable all the same.
    Warn,
    /// It is not looked at.
    Off,
}

impl From<Requirement> for core_report::Requirement {
    fn from(requirement: Requirement) -> Self {
        match requirement {
            Requirement::Require => Self::Require,
            Requirement::Warn => Self::Warn,
            Requirement::Off => Self::Off,
        }
    }
}
