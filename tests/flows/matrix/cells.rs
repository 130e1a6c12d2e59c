//! What each spoiled thing has to lead to.

use billfold::{CheckKind, ErrorCode};

/// One kind of credential.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) format: &'static str,
    pub(super) configuration: &'static str,
    family: Family,
    /// Whether its issuer is a DID, which no anchor vouches for.
    pub(super) by_did: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    SdJwt,
    Jwt,
    Mdoc,
    DataIntegrity,
}

const fn column(name: &'static str, format: &'static str, configuration: &'static str, family: Family) -> Column {
    Column { name, format, configuration, family, by_did: matches!(family, Family::DataIntegrity) }
}

pub(super) const COLUMNS: &[Column] = &[
    column("dc+sd-jwt", "dc+sd-jwt", "UniversityDegree_dc_sd_jwt", Family::SdJwt),
    column("vc+sd-jwt", "vc+sd-jwt", "UniversityDegree_vc_sd_jwt", Family::SdJwt),
    column("jwt_vc_json 1.1", "jwt_vc_json", "UniversityDegree_jwt_vc_json", Family::Jwt),
    column("jwt_vc_json 2.0", "jwt_vc_json", "UniversityDegree_jwt_vc_json_v2", Family::Jwt),
    column("jwt_vc_json-ld", "jwt_vc_json-ld", "UniversityDegree_jwt_vc_json_ld", Family::Jwt),
    column("mso_mdoc", "mso_mdoc", "DrivingLicence_mso_mdoc", Family::Mdoc),
    column("ldp ecdsa P-256", "ldp_vc", "UniversityDegree_ldp_vc_ecdsa_p256", Family::DataIntegrity),
    column("ldp ecdsa P-384", "ldp_vc", "UniversityDegree_ldp_vc_ecdsa_p384", Family::DataIntegrity),
    column("ldp eddsa", "ldp_vc", "UniversityDegree_ldp_vc_eddsa", Family::DataIntegrity),
    column("ldp Ed25519Sig2020", "ldp_vc", "UniversityDegree_ldp_vc_ed25519_2020", Family::DataIntegrity),
    column("ldp JsonWebSig2020", "ldp_vc", "UniversityDegree_ldp_vc_jws_2020", Family::DataIntegrity),
];

impl Column {
    /// Where the claims about the subject stand.
    pub(super) fn subject(&self) -> &'static str {
        match self.family {
            Family::SdJwt | Family::Mdoc => "",
            Family::Jwt | Family::DataIntegrity => "/credentialSubject",
        }
    }

    pub(super) fn is_mdoc(&self) -> bool {
        self.family == Family::Mdoc
    }
}

/// How an issuance ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// Everything holds.
    Verified,
    /// It is usable; this could not be found out.
    Warned(CheckKind),
    /// This does not hold, and what hangs on it.
    Rejected(&'static [CheckKind]),
    /// Nothing is known to be wrong; this could not be found out.
    Unverified(CheckKind),
    /// The answer itself was refused, nothing was stored.
    Refused(ErrorCode),
}

use CheckKind as K;
use Expected::{Rejected, Unverified, Verified, Warned};

/// What is expected of a spoiled thing, by family: SD-JWT, JWT, mdoc, Data Integrity. `None` where the
/// issuer has nothing of the kind to spoil.
const ROWS: &[(&str, [Option<Expected>; 4])] = &[
    ("spoil-foreign-signer", [Some(Rejected(&[K::Signature])); 4]),
    ("spoil-signature-bit", [Some(Rejected(&[K::Signature])); 4]),
    ("spoil-changed-payload", [Some(Rejected(&[K::Signature])); 4]),
    ("spoil-alg-none", [Some(Rejected(&[K::Signature])); 4]),
    ("spoil-alg-swapped", [Some(Rejected(&[K::Signature])); 4]),
    ("spoil-changed-disclosure", [Some(Rejected(&[K::Digests])), None, None, None]),
    ("spoil-wrong-type", [Some(Rejected(&[K::Type])); 4]),
    ("spoil-foreign-holder", [Some(Rejected(&[K::HolderBinding])); 4]),
    // Real issuers of W3C credentials leave the holder out, so that these are usable.
    (
        "spoil-unbound",
        [Some(Rejected(&[K::HolderBinding])), Some(Verified), Some(Rejected(&[K::HolderBinding])), Some(Verified)],
    ),
    ("spoil-expired", [Some(Rejected(&[K::Validity])); 4]),
    ("spoil-not-yet-valid", [Some(Rejected(&[K::Validity])); 4]),
    ("spoil-other-issuer", [Some(Warned(K::Issuer)), Some(Warned(K::Issuer)), Some(Warned(K::Issuer)), None]),
    (
        "spoil-untrusted-root",
        [Some(Rejected(&[K::IssuerTrust])), Some(Rejected(&[K::IssuerTrust])), Some(Rejected(&[K::IssuerTrust])), None],
    ),
    (
        "spoil-wrong-curve",
        [
            Some(Rejected(&[K::HolderBinding])),
            Some(Rejected(&[K::HolderBinding])),
            Some(Rejected(&[K::HolderBinding])),
            None,
        ],
    ),
    ("spoil-revoked", [Some(Rejected(&[K::Status])); 4]),
    ("spoil-suspended", [Some(Rejected(&[K::Status])); 4]),
    ("spoil-doubled-disclosure", [Some(Rejected(&[K::Digests])), None, None, None]),
    // Its digest is a decoy then, which nobody can tell from the others.
    ("spoil-dropped-disclosure", [Some(Verified), None, None, None]),
    ("spoil-foreign-disclosure", [Some(Rejected(&[K::Digests])), None, None, None]),
    ("spoil-unknown-sd-alg", [Some(Unverified(K::Digests)), None, None, None]),
    ("spoil-key-binding", [Some(Rejected(&[K::Digests])), None, None, None]),
    ("spoil-shadowed-claim", [Some(Rejected(&[K::Digests])), None, None, None]),
    ("spoil-reserved-name", [Some(Rejected(&[K::Digests])), None, None, None]),
    ("spoil-doubled-digest", [Some(Rejected(&[K::Digests])), None, None, None]),
    ("spoil-wrong-digest", [None, None, Some(Rejected(&[K::Digests])), None]),
    ("spoil-missing-digest", [None, None, Some(Rejected(&[K::Digests])), None]),
    ("spoil-changed-element", [None, None, Some(Rejected(&[K::Digests])), None]),
    ("spoil-trailing-bytes", [None, None, Some(Rejected(&[K::Signature])), None]),
    ("spoil-cut", [None, None, Some(Rejected(&[K::Signature])), None]),
    // CBOR of ISO/IEC 18013-5 need not be deterministic outside of what is hashed.
    ("spoil-indefinite-length", [None, None, Some(Verified), None]),
    // The key is looked for by name then, where another one is found.
    (
        "spoil-missing-chain",
        [
            Some(Rejected(&[K::Signature, K::IssuerTrust])),
            Some(Rejected(&[K::Signature, K::IssuerTrust])),
            Some(Rejected(&[K::IssuerKey, K::IssuerTrust])),
            None,
        ],
    ),
    (
        "spoil-disordered-chain",
        [Some(Rejected(&[K::IssuerKey])), Some(Rejected(&[K::IssuerKey])), Some(Rejected(&[K::IssuerKey])), None],
    ),
    // A chain that does not hold leads to no anchor either.
    (
        "spoil-expired-chain",
        [
            Some(Rejected(&[K::IssuerKey, K::IssuerTrust])),
            Some(Rejected(&[K::IssuerKey, K::IssuerTrust])),
            Some(Rejected(&[K::IssuerKey, K::IssuerTrust])),
            None,
        ],
    ),
    ("spoil-missing-proof", [None, None, None, Some(Rejected(&[K::Signature]))]),
    ("spoil-undefined-term", [None, None, None, Some(Rejected(&[K::Signature]))]),
    ("spoil-unknown-context", [None, None, None, Some(Unverified(K::Signature))]),
    ("spoil-wrong-purpose", [None, None, None, Some(Rejected(&[K::Signature]))]),
    // What holds the credential is JSON itself where the credential is.
    (
        "spoil-duplicate-member",
        [
            Some(Rejected(&[K::Signature])),
            Some(Rejected(&[K::Signature])),
            Some(Rejected(&[K::Signature])),
            Some(Expected::Refused(ErrorCode::ResponseMalformed)),
        ],
    ),
    (
        "spoil-deep-claim",
        [
            Some(Rejected(&[K::Signature])),
            Some(Rejected(&[K::Signature])),
            Some(Rejected(&[K::Digests])),
            Some(Expected::Refused(ErrorCode::ResponseMalformed)),
        ],
    ),
    ("spoil-huge-claim", [Some(Expected::Refused(ErrorCode::ResponseTooLarge)); 4]),
    // A claim is what it is; whether it is shown as a picture is the card's to say.
    ("spoil-lying-image", [Some(Verified); 4]),
    ("spoil-status-wrong-sub", [Some(Rejected(&[K::Status])); 4]),
    ("spoil-status-expired", [Some(Warned(K::Status)); 4]),
    ("spoil-status-bomb", [Some(Rejected(&[K::Status])); 4]),
    ("spoil-status-cut", [Some(Rejected(&[K::Status])); 4]),
    ("spoil-status-short", [Some(Rejected(&[K::Status])); 4]),
    ("spoil-status-foreign-signer", [Some(Rejected(&[K::Status])); 4]),
    ("spoil-status-html", [Some(Warned(K::Status)); 4]),
];

/// What is expected of one cell, whatever the grant.
pub(super) fn expected(column: &Column, spoil: Option<&str>) -> Expected {
    let Some(spoil) = spoil else { return Verified };
    if spoil == "spoil-missing-vct" {
        // The older name has its liberties.
        return if column.format == "vc+sd-jwt" { Verified } else { Rejected(&[K::Type]) };
    }
    if spoil == "spoil-other-issuer" && column.family == Family::DataIntegrity {
        // A DID besides: nothing links it to a URL, and it is not another DID.
        let by_did_web = column.configuration.ends_with("jws_2020");
        return if by_did_web { Rejected(&[K::IssuerKey]) } else { Unverified(K::IssuerKey) };
    }
    let (_, families) = ROWS.iter().find(|(name, _)| *name == spoil).unwrap_or_else(|| panic!("{spoil} has no row"));
    families[column.family as usize].unwrap_or_else(|| panic!("{spoil} says nothing of {}", column.name))
}
