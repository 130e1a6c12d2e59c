//! The members that checks read by their names.
//!
//! A proof is over statements, and JSON-LD can write the same statement in many ways: a member under its whole IRI
//! or under a name that a context in the credential makes up, `@id` for `id`, an object in `@set`. Anybody could write
//! a genuine credential anew so that its end, its status or its holder is still signed but no longer seen. So what
//! is read by name has to stand under that name, in the form that the data model gives it.

use serde_json::{Map, Value};

use super::context::Context;
use super::json_ld::JsonLdError;

/// The class of credentials.
pub(super) const CREDENTIAL: &str = "https://www.w3.org/2018/credentials#VerifiableCredential";

const VOCABULARY: &str = "https://www.w3.org/2018/credentials#";
/// The members of that vocabulary that are read.
const MEMBERS: [&str; 7] =
    ["issuer", "issuanceDate", "expirationDate", "validFrom", "validUntil", "credentialStatus", "credentialSubject"];
/// All members of these are.
const STATUS_VOCABULARIES: [&str; 3] = [
    "https://www.w3.org/ns/credentials/status#",
    "https://w3id.org/vc/status-list#",
    "https://w3id.org/vc-revocation-list-2020#",
];

const RENAMED: JsonLdError = JsonLdError::Invalid("a member of the data model stands under another name than its own");

/// What a member of the data model holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// The issuer: its id, or an object.
    Issuer,
    /// Subjects: an object, or several.
    Subjects,
    /// Places of status: an object, or several.
    Status,
}

/// What a property of the data model holds; none for others.
pub(super) fn holds(property: &str) -> Option<Holds> {
    match property.strip_prefix(VOCABULARY)? {
        "issuer" => Some(Holds::Issuer),
        "credentialSubject" => Some(Holds::Subjects),
        "credentialStatus" => Some(Holds::Status),
        _ => None,
    }
}

/// Whether a property stands under its own name, if that matters.
pub(super) fn check_property(name: &str, iri: &str) -> Result<(), JsonLdError> {
    let member = iri.strip_prefix(VOCABULARY).filter(|own| MEMBERS.contains(own));
    let member = member.or_else(|| STATUS_VOCABULARIES.iter().find_map(|vocabulary| iri.strip_prefix(vocabulary)));
    if member.is_none_or(|own| own == name) { Ok(()) } else { Err(RENAMED) }
}

/// Whether a keyword stands under the name that the data model gives it.
pub(super) fn is_plain(name: &str, keyword: &str) -> bool {
    matches!((name, keyword), ("id", "@id") | ("type", "@type"))
}

impl Holds {
    /// Whether a value has the form that is read: no text where objects are, no arrays in arrays.
    pub(super) fn check_form(self, value: &Value) -> Result<(), JsonLdError> {
        let object = |value: &Value| value.is_object() || value.is_null();
        let fits = match (self, value) {
            (Self::Issuer, value) => value.is_string() || value.is_object(),
            (Self::Subjects | Self::Status, Value::Array(items)) => items.iter().all(object),
            (Self::Subjects | Self::Status, value) => object(value),
        };
        if fits {
            Ok(())
        } else {
            Err(JsonLdError::Invalid("a member of the data model has another form than its own"))
        }
    }

    /// Whether the keywords of one of its objects are read, and its id is what it says.
    pub(super) fn check_object(self, active: &Context<'_>, object: &Map<String, Value>) -> Result<(), JsonLdError> {
        for (name, value) in object.iter().filter(|(name, _)| *name != "@context") {
            let Some(iri) = active.expand_iri(name, true).filter(|iri| iri.starts_with('@')) else { continue };
            // Nobody asks of which type a subject is.
            let read = self == Self::Status || &*iri != "@type";
            if read && !is_plain(name, &iri) {
                return Err(RENAMED);
            }
            // A shortened IRI would be read as it stands.
            if &*iri == "@id"
                && let Some(id) = value.as_str()
                && active.expand_iri(id, false).as_deref() != Some(id)
            {
                return Err(RENAMED);
            }
        }
        Ok(())
    }
}
