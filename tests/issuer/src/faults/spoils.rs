//! Spoiled credentials: one thing about a credential, or about what it leads to, is wrong.

use super::Fault;

const SD_JWT: &[&str] = &["dc+sd-jwt", "vc+sd-jwt"];

const MDOC: &[&str] = &["mso_mdoc"];
const LDP: &[&str] = &["ldp_vc"];
/// Formats whose issuer's key comes in a certificate.
const CERTIFIED: &[&str] = &["dc+sd-jwt", "vc+sd-jwt", "jwt_vc_json", "jwt_vc_json-ld", "mso_mdoc"];
const ALL: &[&str] = &["dc+sd-jwt", "vc+sd-jwt", "jwt_vc_json", "jwt_vc_json-ld", "mso_mdoc", "ldp_vc"];

macro_rules! spoils {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal in $formats:expr,)+) => {
        /// One thing that is wrong about a credential.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Spoil {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Spoil {
            /// Each with its name, what it does, and the formats that it concerns.
            pub(super) const LIST: &[(Self, &str, &str, &[&str])] =
                &[$((Self::$variant, concat!("spoil-", $name), concat!($($doc),+), $formats),)+];
        }
    };
}

spoils! {
    /// One bit of the signature was turned.
    SignatureBit = "signature-bit" in ALL,
    /// Something that is signed was changed afterwards.
    ChangedPayload = "changed-payload" in ALL,
    /// The algorithm that is named is not the one of the key.
    AlgSwapped = "alg-swapped" in ALL,
    /// The holder's key is written down as one of another curve.
    WrongCurve = "wrong-curve" in CERTIFIED,
    /// A status list says that the credential is revoked.
    Revoked = "revoked" in ALL,
    /// A status list says that the credential is suspended.
    Suspended = "suspended" in ALL,
    /// There is no `vct`.
    MissingVct = "missing-vct" in SD_JWT,
    /// One disclosure is there twice.
    DoubledDisclosure = "doubled-disclosure" in SD_JWT,
    /// One disclosure is not there, which makes its digest a decoy.
    DroppedDisclosure = "dropped-disclosure" in SD_JWT,
    /// There is one more disclosure, which no digest stands for.
    ForeignDisclosure = "foreign-disclosure" in SD_JWT,
    /// `_sd_alg` is a hash function that nobody knows.
    UnknownHash = "unknown-sd-alg" in SD_JWT,
    /// A key-binding JWT follows the last disclosure.
    KeyBinding = "key-binding" in SD_JWT,
    /// A disclosure has the name of a claim that is there already.
    ShadowedClaim = "shadowed-claim" in SD_JWT,
    /// A disclosure has the name `_sd`.
    ReservedName = "reserved-name" in SD_JWT,
    /// The same digest stands in two places.
    DoubledDigest = "doubled-digest" in SD_JWT,
    /// The digest of one element is wrong in the mobile security object.
    WrongDigest = "wrong-digest" in MDOC,
    /// One element has no digest in the mobile security object.
    MissingDigest = "missing-digest" in MDOC,
    /// One element was changed after its digest was made.
    ChangedElement = "changed-element" in MDOC,
    /// Bytes follow the credential.
    TrailingBytes = "trailing-bytes" in MDOC,
    /// The last bytes of the credential are missing.
    Cut = "cut" in MDOC,
    /// The outermost map has no definite length.
    IndefiniteLength = "indefinite-length" in MDOC,
    /// The certificates are left out.
    MissingChain = "missing-chain" in CERTIFIED,
    /// The certificates do not stand in the order in which they vouch for each other.
    DisorderedChain = "disordered-chain" in CERTIFIED,
    /// One of the certificates expired yesterday.
    ExpiredChain = "expired-chain" in CERTIFIED,
    /// There is no proof.
    MissingProof = "missing-proof" in LDP,
    /// One claim's name means nothing by the contexts, so that nothing signs it.
    UndefinedTerm = "undefined-term" in LDP,
    /// One of the contexts is not known to anybody.
    UnknownContext = "unknown-context" in LDP,
    /// The proof is for authentication.
    WrongPurpose = "wrong-purpose" in LDP,
    /// One member (of the payload, the credential or the outermost map) is there twice.
    DuplicateMember = "duplicate-member" in ALL,
    /// One claim is nested 5000 deep.
    DeepClaim = "deep-claim" in ALL,
    /// One claim has 1 MiB.
    HugeClaim = "huge-claim" in ALL,
    /// The portrait says that it is a picture and is HTML.
    LyingImage = "lying-image" in ALL,
    /// The status list is that of another address.
    StatusWrongSub = "status-wrong-sub" in ALL,
    /// The status list expired an hour ago.
    StatusExpired = "status-expired" in ALL,
    /// The status list inflates to more than 64 MiB.
    StatusBomb = "status-bomb" in ALL,
    /// The compressed status list is cut in the middle.
    StatusCut = "status-cut" in ALL,
    /// The status list ends before the credential's place.
    StatusShort = "status-short" in ALL,
    /// The status list's signature was made with another key.
    StatusForeignSigner = "status-foreign-signer" in ALL,
    /// There is a page for people instead of the status list.
    StatusHtml = "status-html" in ALL,
}

/// Names of the same kind for faults that have another one, and the formats that they concern.
pub(super) const OLDER: [(&str, Fault, &[&str]); 10] = [
    ("spoil-foreign-signer", Fault::BadSignature, ALL),
    ("spoil-alg-none", Fault::AlgNone, ALL),
    ("spoil-changed-disclosure", Fault::BadDigest, SD_JWT),
    ("spoil-wrong-type", Fault::WrongType, ALL),
    ("spoil-foreign-holder", Fault::WrongKey, ALL),
    ("spoil-unbound", Fault::NoKey, ALL),
    ("spoil-expired", Fault::ExpiredCredential, ALL),
    ("spoil-not-yet-valid", Fault::FutureCredential, ALL),
    ("spoil-other-issuer", Fault::WrongCredentialIssuer, ALL),
    ("spoil-untrusted-root", Fault::UntrustedChain, CERTIFIED),
];

impl Spoil {
    /// Whether the credential needs a place in a status list for it.
    pub(crate) fn needs_status(self) -> bool {
        matches!(self, Self::Revoked | Self::Suspended) || self.is_about_lists()
    }

    /// Whether it strikes where status lists are served.
    pub(crate) fn is_about_lists(self) -> bool {
        use Spoil as S;
        matches!(
            self,
            S::StatusWrongSub
                | S::StatusExpired
                | S::StatusBomb
                | S::StatusCut
                | S::StatusShort
                | S::StatusForeignSigner
                | S::StatusHtml
        )
    }
}

impl Fault {
    /// Every way of spoiling a credential: its name, and the formats that it concerns.
    pub fn spoils() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
        let older = OLDER.iter().map(|(name, _, formats)| (*name, *formats));
        older.chain(Spoil::LIST.iter().map(|(_, name, _, formats)| (*name, *formats)))
    }

    /// The fault of a name that begins with `spoil-`.
    pub(super) fn spoil_named(text: &str) -> Option<Self> {
        let older = OLDER.iter().find(|(name, ..)| *name == text).map(|(_, fault, _)| *fault);
        older.or_else(|| Spoil::LIST.iter().find(|(_, name, ..)| *name == text).map(|(spoil, ..)| Self::Spoil(*spoil)))
    }
}
