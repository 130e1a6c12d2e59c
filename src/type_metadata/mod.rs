//! Fetches what the publisher of an SD-JWT VC type says about it.
//!
//! Type metadata is for showing a credential. That it can't be had, or is not what its integrity metadata stands
//! for, keeps no credential back; it is said in the report's check of the type. The same holds for a credential
//! that is not as its type demands: the texts up to -16, which OpenID4VCI 1.0 is bound to, have no such check.
//!
//! Looking a type up tells its publisher that somebody holds a credential of it. Documents are therefore kept:
//! for ever where integrity metadata names their content, else as long as their server says.

mod cache;
pub(crate) mod integrity;
mod merge;
mod read;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use url::Url;

pub(crate) use self::cache::Shelf;
use self::cache::{Found, Kept};
use self::integrity::IntegrityError;
use self::read::Document;
use crate::model::display::PathStep;
use crate::model::time::Timestamp;
use crate::model::type_metadata::TypeMetadata;
use crate::verify::{DocumentError, DocumentSource, Wanted};

/// How many types may extend one another.
const MAX_CHAIN: usize = 8;
/// How many documents of a header are looked at.
const MAX_EMBEDDED: usize = 16;
/// The longest that a server's word is taken for how long a document is good, in seconds: 30 days.
const MAX_AGE: i64 = 30 * 86_400;
/// What is asked of an address.
pub(crate) const WANTED: Wanted = Wanted { accept: "application/json", max_bytes: 1 << 20 };

/// Why there is no type metadata.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TypeMetadataError {
    /// The document of a type that another one extends has no address.
    #[error("a type that it extends has no address")]
    NoAddress,
    /// A document could not be had.
    #[error("{}", no_document(.0))]
    Document(#[from] DocumentError),
    /// It is not the document that was meant.
    #[error(transparent)]
    Integrity(#[from] IntegrityError),
    /// It is no type metadata.
    #[error("{0}")]
    Malformed(String),
    /// It is that of another type.
    #[error("it is the metadata of another type")]
    OtherType,
    /// Types that extend each other.
    #[error("its types extend each other in a circle")]
    Circle,
    /// More than [`MAX_CHAIN`].
    #[error("too many types extend one another")]
    TooLong,
}

/// Without the address, which tells the type.
fn no_document(error: &DocumentError) -> &'static str {
    match error {
        DocumentError::Unreachable(_) => "its server did not answer",
        DocumentError::Unusable(_) => "its address gives none",
    }
}

/// What a credential says about its type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TypeReference {
    /// `vct`.
    pub(crate) vct: String,
    /// `vct#integrity`.
    pub(crate) integrity: Option<String>,
    /// Documents that came along in the header (`vctm`, texts before -11).
    pub(crate) embedded: Vec<Vec<u8>>,
}

impl TypeReference {
    /// Reads it from an SD-JWT VC; none without a type.
    pub(crate) fn of(header: &Map<String, Value>, payload: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| payload.get(name).and_then(Value::as_str);
        let embedded = header.get("vctm").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let embedded = embedded.iter().take(MAX_EMBEDDED).filter_map(Value::as_str);
        Some(Self {
            vct: text("vct")?.to_owned(),
            // What is no text stands for no document.
            integrity: payload.get("vct#integrity").map(|it| it.as_str().unwrap_or_default().to_owned()),
            embedded: embedded.filter_map(|text| URL_SAFE_NO_PAD.decode(text).ok()).collect(),
        })
    }
}

/// Type metadata, and what there is to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Loaded {
    pub(crate) metadata: TypeMetadata,
    /// What was not as it has to be, each a sentence about the metadata.
    pub(crate) remarks: Vec<&'static str>,
}

impl Loaded {
    /// Holds a credential to its type; tells what is not as that demands. The places of claims that can be
    /// withheld are in order.
    pub(crate) fn validate(&self, claims: &Value, disclosable: &[Vec<PathStep>]) -> Vec<&'static str> {
        merge::validate(&self.metadata, claims, disclosable)
    }
}

/// Where documents come from.
pub(crate) struct Library<'a> {
    pub(crate) documents: &'a dyn DocumentSource,
    pub(crate) shelf: Shelf<'a>,
    pub(crate) now: Timestamp,
}

impl Library<'_> {
    /// The metadata of a type, with all that it extends.
    pub(crate) async fn load(&self, reference: &TypeReference) -> Result<Loaded, TypeMetadataError> {
        let embedded: Vec<_> =
            reference.embedded.iter().filter_map(|it| Some((read::document(it).ok()?, it))).collect();
        let mut chain: Vec<Document> = Vec::new();
        let mut next = Some((reference.vct.clone(), reference.integrity.clone()));
        while let Some((vct, integrity)) = next {
            if chain.iter().any(|document| document.vct == vct) {
                return Err(TypeMetadataError::Circle);
            }
            if chain.len() == MAX_CHAIN {
                return Err(TypeMetadataError::TooLong);
            }
            let document = match embedded.iter().find(|(document, _)| document.vct == vct) {
                Some((document, octets)) => {
                    integrity.map_or(Ok(()), |integrity| integrity::check(&integrity, octets))?;
                    document.clone()
                }
                None => self.document(&vct, integrity.as_deref()).await?,
            };
            chain.push(document);
            next = chain.last().and_then(|document| document.extends.clone());
        }
        let first = chain.remove(0);
        let (metadata, remarks) = merge::merge(first, chain);
        Ok(Loaded { metadata, remarks })
    }

    /// The document of one type, from where it is nearest.
    async fn document(&self, vct: &str, integrity: Option<&str>) -> Result<Document, TypeMetadataError> {
        let url = address(vct).ok_or(TypeMetadataError::NoAddress)?;
        let old = match self.shelf.get(&url, integrity, self.now).await {
            Some(Found::Fresh(octets)) => return read(vct, &octets),
            Some(Found::Stale(octets)) => Some(octets),
            None => None,
        };
        let fetched = match (self.documents.fetch(&url, WANTED).await, old) {
            (Ok(fetched), _) => fetched,
            // What was right once is better than nothing.
            (Err(DocumentError::Unreachable(_)), Some(old)) => return read(vct, &old),
            (Err(error), _) => return Err(error.into()),
        };
        integrity.map_or(Ok(()), |integrity| integrity::check(integrity, &fetched.body))?;
        let document = read(vct, &fetched.body)?;
        if integrity.is_some() || fetched.max_age > 0 {
            let until = fetched.at + fetched.max_age.min(MAX_AGE);
            let kept = Kept { octets: fetched.body, from: fetched.at, until };
            self.shelf.keep(&url, kept).await;
        }
        Ok(document)
    }
}

fn read(vct: &str, octets: &[u8]) -> Result<Document, TypeMetadataError> {
    let document = read::document(octets).map_err(TypeMetadataError::Malformed)?;
    if document.vct == vct { Ok(document) } else { Err(TypeMetadataError::OtherType) }
}

/// Where the metadata of a type is, if its name is an address. Whether one without TLS may be asked is for the
/// document source to say.
pub(crate) fn address(vct: &str) -> Option<Url> {
    Url::parse(vct).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
}

#[cfg(test)]
mod tests;
