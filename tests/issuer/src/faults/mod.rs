//! Faults: things that this issuer does wrong on demand, one at a time and by name.

mod spoils;
mod switchboard;
mod wire;

use std::fmt;
use std::str::FromStr;

use crate::codes::Place;

pub use spoils::Spoil;
pub(crate) use switchboard::Switchboard;
pub(crate) use wire::{DropConnection, redirect, spoil};
pub use wire::{Target, Wire};

macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// One thing that this issuer does wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Fault {
            /// An answer spoiled on the wire: `<wire>-<target>`, for example `drop-token`.
            Wire(Wire, Target),
            /// An error code that an endpoint answers with: `<code>-at-<place>`, for example
            /// `invalid-grant-at-token`.
            Refuse(&'static str, Place),
            /// A credential in which one more thing is wrong: `spoil-<thing>`.
            Spoil(Spoil),
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Fault {
            /// Every fault that concerns content, with its name and what it does.
            const CONTENT: &[(Self, &str, &str)] = &[$((Self::$variant, $name, concat!($($doc),+)),)+];
        }
    };
}

faults! {
    /// The next nonce handed out has expired already; switches itself off after one.
    StaleNonce = "stale-nonce",
    /// Issuer metadata names another `credential_issuer`.
    WrongIssuer = "wrong-issuer",
    /// Authorization server metadata names another `issuer`.
    WrongAsIssuer = "wrong-as-issuer",
    /// The redirect's `iss` is another server.
    WrongIss = "wrong-iss",
    /// The redirect has no `iss`, although the metadata promises one.
    MissingIss = "missing-iss",
    /// The redirect's `state` is not the one that was sent.
    WrongState = "wrong-state",
    /// Every sign-in is refused with `access_denied`.
    DenyLogin = "deny-login",
    /// Codes of both grants have expired when they are used.
    ExpiredCode = "expired-code",
    /// Pushed requests have expired when the browser comes with them.
    ExpiredRequestUri = "expired-request-uri",
    /// The token answer has no `authorization_details` although some were asked for.
    MissingAuthorizationDetails = "missing-authorization-details",
    /// The credential's signature was made with another key.
    BadSignature = "bad-signature",
    /// One SD-JWT disclosure was changed after signing.
    BadDigest = "bad-digest",
    /// The credential has another `vct` or type than asked for.
    WrongType = "wrong-type",
    /// The credential is bound to a key that nobody asked for.
    WrongKey = "wrong-key",
    /// The credential is bound to no key.
    NoKey = "no-key",
    /// The credential expired an hour ago.
    ExpiredCredential = "expired-credential",
    /// The credential becomes valid tomorrow.
    FutureCredential = "future-credential",
    /// The credential's `iss` is another issuer.
    WrongCredentialIssuer = "wrong-credential-issuer",
    /// The credential is unsigned (`alg` is `none`).
    AlgNone = "alg-none",
    /// The chain in `x5c` leads to a root that nobody trusts.
    UntrustedChain = "untrusted-chain",
    /// The credential's `vct#integrity` is that of another document.
    TypeMetadataIntegrity = "type-metadata-integrity",
    /// The type metadata's `extends#integrity` is that of another document.
    TypeMetadataExtendsIntegrity = "type-metadata-extends-integrity",
    /// The type that the type metadata extends extends it in turn.
    TypeMetadataCircle = "type-metadata-circle",
    /// Each type extends another one, without end.
    TypeMetadataEndless = "type-metadata-endless",
    /// The address of a logo gives HTML that says it is a PNG.
    LyingLogo = "lying-logo",
    /// The type metadata has another `vct` than asked for.
    TypeMetadataWrongVct = "type-metadata-wrong-vct",
    /// The token answer has no `token_type`.
    MissingTokenType = "missing-token-type",
    /// The credential answer holds an empty array.
    EmptyCredentials = "empty-credentials",
    /// There is one credential less than keys, if there is more than one key.
    FewerCredentials = "fewer-credentials",
    /// The credentials come in another order than their keys were sent in.
    ShuffledCredentials = "shuffled-credentials",
    /// The last credential is bound to the first one's key; with one key there are two credentials for it.
    SameKeyTwice = "same-key-twice",
    /// The credentials are strings instead of objects, as in a draft.
    BareCredentials = "bare-credentials",
    /// The credential answer and the entries in it have members that no specification knows, as they may.
    UnknownMembers = "unknown-members",
    /// The answer has credentials and a `transaction_id`.
    BothAnswer = "both-answer",
    /// The answer has neither credentials nor a `transaction_id`.
    NeitherAnswer = "neither-answer",
    /// The deferred endpoint answers 202 with another `transaction_id`, which nobody knows.
    ChangedTransactionId = "changed-transaction-id",
    /// Every 202 has an `interval` of 0.
    IntervalZero = "interval-zero",
    /// No 202 has an `interval`.
    MissingInterval = "missing-interval",
    /// Credentials are put off, but the metadata names no deferred endpoint.
    HiddenDeferredEndpoint = "hidden-deferred-endpoint",
    /// The notification endpoint answers 200 with a body, as it may.
    NotificationBody = "notification-body",
    /// Refusals of proofs bring a fresh `c_nonce`, as in drafts.
    NonceInRefusal = "nonce-in-refusal",
    /// Answers with `WWW-Authenticate` have no body, as they may.
    BareChallenge = "bare-challenge",
    /// The credential request is refused with `credential_request_denied`.
    CredentialDenied = "credential-denied",
    /// The credential endpoint calls the access token invalid.
    InvalidToken = "invalid-token",
    /// The signed metadata's `typ` is `JWT`.
    SignedMetadataWrongTyp = "signed-metadata-wrong-typ",
    /// The signed metadata's `sub` is another issuer.
    SignedMetadataWrongSub = "signed-metadata-wrong-sub",
    /// The signed metadata expired an hour ago.
    SignedMetadataExpired = "signed-metadata-expired",
    /// The signed metadata has no `iat`.
    SignedMetadataNoIat = "signed-metadata-no-iat",
    /// The signed metadata is unsigned (`alg` is `none`).
    SignedMetadataAlgNone = "signed-metadata-alg-none",
    /// The signed metadata has a MAC that is made with the public key.
    SignedMetadataHs256 = "signed-metadata-hs256",
    /// The signed metadata's chain leads to a root that nobody trusts.
    SignedMetadataUntrusted = "signed-metadata-untrusted",
    /// The signed metadata's signature was made with another key.
    SignedMetadataBadSignature = "signed-metadata-bad-signature",
    /// The signed metadata's `x5c` has the root in it.
    SignedMetadataWithAnchor = "signed-metadata-with-anchor",
    /// The signed metadata's `x5c` is a self-signed certificate.
    SignedMetadataSelfSigned = "signed-metadata-self-signed",
    /// The signed metadata has no `x5c`.
    SignedMetadataNoX5c = "signed-metadata-no-x5c",
    /// The signed metadata has another `credential_endpoint` than the JSON.
    SignedMetadataDiffers = "signed-metadata-differs",
    /// The metadata is JSON although only a JWT was asked for.
    UnsignedAnswer = "unsigned-answer",
    /// The metadata is a JWT although only JSON was asked for, where it can be signed.
    UnaskedSignedMetadata = "unasked-signed-metadata",
    /// The answer is plain although encryption was asked for.
    PlainAnswer = "plain-answer",
    /// The answer is encrypted to a key that nobody has.
    JweWrongKey = "jwe-wrong-key",
    /// One bit of the encrypted answer was turned.
    JweTampered = "jwe-tampered",
    /// The answer is encrypted with another `enc` than asked for.
    JweWrongEnc = "jwe-wrong-enc",
    /// The encrypted answer is compressed and inflates to more than 64 MiB.
    JweZipBomb = "jwe-zip-bomb",
    /// The encrypted answer is compressed although nobody asked for that.
    JweUnaskedZip = "jwe-unasked-zip",
    /// The encrypted answer has no `kid`, although the wallet's key has one.
    JweNoKid = "jwe-no-kid",
    /// The key for encrypted requests is replaced as the next one arrives; switches itself off after one.
    RotatedEncryptionKey = "rotated-encryption-key",
    /// The token answer says `Bearer`, and the token is one, although a DPoP proof came with it.
    DpopBearer = "dpop-bearer",
    /// Every DPoP proof is answered with `use_dpop_nonce` and a new nonce, whatever it holds.
    DpopNonceAlways = "dpop-nonce-always",
    /// Every DPoP proof is answered with `use_dpop_nonce`, but no nonce comes with it.
    DpopNonceMissing = "dpop-nonce-missing",
    /// Every answer takes ten times the latency, five seconds at least.
    Slow = "slow",
}

/// Short names, for the answer that they are most often wanted for.
const ALIASES: [(&str, Wire, Target); 3] = [
    ("wrong-content-type", Wire::ContentType, Target::Metadata),
    ("bad-json", Wire::BadJson, Target::Metadata),
    ("deep-json", Wire::DeepJson, Target::Metadata),
];

impl Fault {
    /// Every name that is understood, aliases included.
    pub fn names() -> Vec<String> {
        Self::CONTENT
            .iter()
            .map(|(_, name, _)| (*name).to_owned())
            .chain(
                Wire::ALL
                    .iter()
                    .flat_map(|wire| Target::ALL.map(|target| format!("{}-{}", wire.name(), target.name()))),
            )
            .chain(Self::refusals().map(|fault| fault.to_string()))
            .chain(Self::spoils().map(|(name, _)| name.to_owned()))
            .chain(ALIASES.iter().map(|(name, ..)| (*name).to_owned()))
            .collect()
    }

    /// Every error code that an endpoint can be told to answer with.
    pub fn refusals() -> impl Iterator<Item = Self> {
        Place::ALL.into_iter().flat_map(|place| place.codes().into_iter().map(move |code| Self::Refuse(code, place)))
    }

    /// Name and meaning of each fault that concerns content.
    pub fn descriptions() -> impl Iterator<Item = (&'static str, &'static str)> {
        let spoils = Spoil::LIST.iter().map(|(_, name, what, _)| (*name, what.trim()));
        Self::CONTENT.iter().map(|(_, name, what)| (*name, what.trim())).chain(spoils)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Wire(wire, target) = self {
            return write!(f, "{}-{}", wire.name(), target.name());
        }
        if let Self::Refuse(code, place) = self {
            return write!(f, "{}-at-{}", code.replace('_', "-"), place.name());
        }
        if let Self::Spoil(spoil) = self {
            let known = Spoil::LIST.iter().find(|(known, ..)| known == spoil);
            return f.write_str(known.map_or("", |(_, name, ..)| name));
        }
        let known = Self::CONTENT.iter().find(|(fault, ..)| fault == self);
        f.write_str(known.map_or("", |(_, name, _)| name))
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((fault, ..)) = Self::CONTENT.iter().find(|(_, name, _)| *name == text) {
            return Ok(*fault);
        }
        if let Some(fault) = Self::spoil_named(text) {
            return Ok(fault);
        }
        if let Some((_, wire, target)) = ALIASES.iter().find(|(name, ..)| *name == text) {
            return Ok(Self::Wire(*wire, *target));
        }
        for wire in Wire::ALL {
            let target = text.strip_prefix(wire.name()).and_then(|rest| rest.strip_prefix('-'));
            if let Some(target) = Target::ALL.iter().find(|known| Some(known.name()) == target) {
                return Ok(Self::Wire(wire, *target));
            }
        }
        if let Some(fault) = Self::refusals().find(|fault| fault.to_string() == text) {
            return Ok(fault);
        }
        Err(format!("'{text}' is not a fault; known: {}", Self::names().join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_parses() {
        for name in Fault::names() {
            let fault: Fault = name.parse().expect("a listed name");
            let older = spoils::OLDER.iter().any(|(alias, ..)| *alias == name);
            if !older && !ALIASES.iter().any(|(alias, ..)| *alias == name) {
                assert_eq!(fault.to_string(), name);
            }
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let message = "stale-nonse".parse::<Fault>().expect_err("unknown");
        assert!(message.contains("stale-nonce") && message.contains("drop-token"), "{message}");
    }
}
