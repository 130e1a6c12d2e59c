//! `IssuerSigned` and the mobile security object that it carries (ISO/IEC 18013-5, sections 8.3.2.1.2.2 and 9.1.2).
//!
//! What is hashed and signed is what was received: nothing is written again.

use std::collections::{HashMap, HashSet};

use ring::digest::{self, SHA256, SHA384, SHA512};

use super::cose::{CoseError, CoseSign1};
use crate::cbor::{CborError, Item, Kind, MAX_DEPTH};
use crate::model::time::Timestamp;

/// The least octets of an element's salt (section 9.1.2.5): with fewer, what a holder withholds could be guessed.
const MIN_RANDOM: usize = 16;

/// A credential as issued, taken apart. Nothing of it has been checked.
#[derive(Debug)]
pub(crate) struct IssuerSigned<'a> {
    /// The namespaces with their elements, as they stand there.
    pub(crate) namespaces: Vec<Namespace<'a>>,
    /// The signature over the mobile security object.
    pub(crate) auth: CoseSign1<'a>,
}

/// The elements of a namespace.
#[derive(Debug)]
pub(crate) struct Namespace<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// The elements.
    pub(crate) elements: Vec<Element<'a>>,
}

/// One element, `IssuerSignedItemBytes`.
#[derive(Debug)]
pub(crate) struct Element<'a> {
    /// What its digest is over: tag, length and content as received.
    hashed: &'a [u8],
    /// What it says, or why that can't be read.
    pub(crate) item: Result<SignedItem<'a>, ElementError>,
}

/// `IssuerSignedItem`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignedItem<'a> {
    digest_id: u64,
    random: &'a [u8],
    /// The element's identifier.
    pub(crate) name: &'a str,
    /// Its value.
    pub(crate) value: Item<'a>,
}

/// Why octets are no `IssuerSigned`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MdocError {
    /// No CBOR that we read.
    #[error("the credential can't be read: {0}")]
    Cbor(#[from] CborError),
    /// Something else: a whole document, a presentation, or no map at all.
    #[error("the credential is no IssuerSigned")]
    Shape,
    /// The elements do not stand as they should.
    #[error("the namespaces of the credential are malformed")]
    Namespaces,
    /// Nothing is signed.
    #[error("the credential has no issuerAuth")]
    Unsigned,
    /// What is signed can't be read.
    #[error("issuerAuth: {0}")]
    Auth(#[from] CoseError),
}

/// Why an element can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ElementError {
    /// No CBOR that we read.
    #[error(transparent)]
    Cbor(#[from] CborError),
    /// Not the content that it should have.
    #[error("it is no IssuerSignedItem")]
    Shape,
}

impl<'a> IssuerSigned<'a> {
    /// Takes one apart, with nothing behind it.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, MdocError> {
        let (mut namespaces, mut auth) = (Vec::new(), None);
        for (key, value) in Item::parse(bytes)?.as_map().ok_or(MdocError::Shape)? {
            match key.as_text() {
                Some("nameSpaces") => {
                    for (name, elements) in value.as_map().ok_or(MdocError::Namespaces)? {
                        let name = name.as_text().ok_or(MdocError::Namespaces)?;
                        let elements = elements.as_array().ok_or(MdocError::Namespaces)?.map(Element::read).collect();
                        namespaces.push(Namespace { name, elements });
                    }
                }
                Some("issuerAuth") => auth = Some(CoseSign1::from_item(value)?),
                _ => return Err(MdocError::Shape),
            }
        }
        Ok(Self { namespaces, auth: auth.ok_or(MdocError::Unsigned)? })
    }

    /// How many elements there are.
    pub(crate) fn element_count(&self) -> usize {
        self.namespaces.iter().map(|namespace| namespace.elements.len()).sum()
    }
}

impl<'a> Element<'a> {
    fn read(item: Item<'a>) -> Self {
        Self { hashed: item.encoded(), item: SignedItem::read(item) }
    }
}

impl<'a> SignedItem<'a> {
    fn read(item: Item<'a>) -> Result<Self, ElementError> {
        let embedded = item.embedded().ok_or(ElementError::Shape)?;
        let (mut digest_id, mut random, mut name, mut value) = (None, None, None, None);
        // Three levels lie around it: map, array and tag.
        for (key, member) in Item::parse_within(embedded, MAX_DEPTH - 3)?.as_map().ok_or(ElementError::Shape)? {
            match key.as_text() {
                Some("digestID") => digest_id = member.as_u64(),
                Some("random") => random = member.as_bytes(),
                Some("elementIdentifier") => name = member.as_text(),
                Some("elementValue") => value = Some(member),
                _ => {}
            }
        }
        match (digest_id, random, name, value) {
            (Some(digest_id), Some(random), Some(name), Some(value)) => Ok(Self { digest_id, random, name, value }),
            _ => Err(ElementError::Shape),
        }
    }
}

/// The mobile security object: what the issuer signs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MobileSecurityObject<'a> {
    map: Item<'a>,
}

/// Why a payload is no mobile security object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MsoError {
    /// No CBOR that we read.
    #[error("the mobile security object can't be read: {0}")]
    Cbor(#[from] CborError),
    /// Not a map in a byte string of tag 24.
    #[error("the signed payload is no mobile security object")]
    Shape,
}

/// The dates of `validityInfo`; none for one that is missing or is no date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ValidityInfo {
    /// When it was signed.
    pub(crate) signed: Option<Timestamp>,
    /// From when it is valid.
    pub(crate) valid_from: Option<Timestamp>,
    /// Until when it is valid.
    pub(crate) valid_until: Option<Timestamp>,
}

impl<'a> MobileSecurityObject<'a> {
    /// Reads the payload of `issuerAuth`.
    pub(crate) fn parse(payload: &'a [u8]) -> Result<Self, MsoError> {
        let embedded = Item::parse(payload)?.embedded().ok_or(MsoError::Shape)?;
        let map = Item::parse(embedded)?;
        map.as_map().ok_or(MsoError::Shape)?;
        Ok(Self { map })
    }

    /// The type of the document, if that is text.
    pub(crate) fn doctype(&self) -> Option<&'a str> {
        self.map.get("docType")?.as_text()
    }

    /// The name of the hash, if that is text.
    pub(crate) fn digest_algorithm(&self) -> Option<&'a str> {
        self.map.get("digestAlgorithm")?.as_text()
    }

    /// The holder's key, as a `COSE_Key`.
    pub(crate) fn device_key(&self) -> Option<Item<'a>> {
        self.map.get("deviceKeyInfo")?.get("deviceKey")
    }

    /// Where the status is kept (ISO/IEC 18013-5 second edition, and Token Status List).
    pub(crate) fn status(&self) -> Option<Item<'a>> {
        self.map.get("status")
    }

    /// When it is valid.
    pub(crate) fn validity(&self) -> ValidityInfo {
        let info = self.map.get("validityInfo");
        let date_of = |name| info.and_then(|info| info.get(name)).and_then(date);
        ValidityInfo { signed: date_of("signed"), valid_from: date_of("validFrom"), valid_until: date_of("validUntil") }
    }

    /// Holds every element to its digest.
    pub(crate) fn check_digests(&self, namespaces: &[Namespace<'a>]) -> Result<(), DigestError> {
        match self.map.get("version").and_then(|version| version.as_text()) {
            None => return Err(DigestError::Malformed("version")),
            // Versions that differ behind the point can be read as this one.
            Some(version) if version.split('.').next() != Some("1") => return Err(DigestError::UnknownVersion),
            Some(_) => {}
        }
        let algorithm = match self.digest_algorithm() {
            Some("SHA-256") => &SHA256,
            Some("SHA-384") => &SHA384,
            Some("SHA-512") => &SHA512,
            Some(_) => return Err(DigestError::UnknownAlgorithm),
            None => return Err(DigestError::Malformed("digestAlgorithm")),
        };
        let all = self.map.get("valueDigests").ok_or(DigestError::Malformed("valueDigests"))?;
        all.as_map().ok_or(DigestError::Malformed("valueDigests"))?;
        for namespace in namespaces {
            let digests = all.get(namespace.name).ok_or(DigestError::ForeignNamespace)?;
            let digests = digests.as_map().ok_or(DigestError::Malformed("valueDigests"))?;
            let digests: HashMap<u64, &[u8]> =
                digests.filter_map(|(id, digest)| Some((id.as_u64()?, digest.as_bytes()?))).collect();
            let (mut ids, mut names) = (HashSet::new(), HashSet::new());
            for element in &namespace.elements {
                let item = element.item.map_err(DigestError::Element)?;
                let id = item.digest_id;
                if !ids.insert(id) {
                    return Err(DigestError::DoubledId(id));
                }
                if !names.insert(item.name) {
                    return Err(DigestError::DoubledName(id));
                }
                let expected = digests.get(&id).ok_or(DigestError::Missing(id))?;
                if digest::digest(algorithm, element.hashed).as_ref() != *expected {
                    return Err(DigestError::Mismatch(id));
                }
                if item.random.len() < MIN_RANDOM {
                    return Err(DigestError::ShortRandom(id));
                }
            }
        }
        Ok(())
    }
}

/// Why the digests do not hold. Elements are named by their `digestID`: their names are the issuer's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DigestError {
    /// A part of the mobile security object is missing or of the wrong type.
    #[error("`{0}` of the mobile security object is missing or malformed")]
    Malformed(&'static str),
    /// Another version than 1.
    #[error("this version of the mobile security object is not supported")]
    UnknownVersion,
    /// A hash that this version does not know.
    #[error("the hash of the digests (`digestAlgorithm`) is not supported")]
    UnknownAlgorithm,
    /// An element can't be read.
    #[error("an element can't be read: {0}")]
    Element(ElementError),
    /// A namespace for which the issuer signed nothing.
    #[error("a namespace is not among those that were signed")]
    ForeignNamespace,
    /// Two elements of one namespace share a number.
    #[error("two elements of a namespace have the digestID {0}")]
    DoubledId(u64),
    /// Two elements of one namespace share a name.
    #[error("the element of digestID {0} stands there twice")]
    DoubledName(u64),
    /// No digest for an element.
    #[error("the element of digestID {0} has no digest among those that were signed")]
    Missing(u64),
    /// Another element than the one that was signed.
    #[error("the element of digestID {0} is not the one that was signed")]
    Mismatch(u64),
    /// A salt that is too short.
    #[error("the salt of the element of digestID {0} is shorter than 16 octets")]
    ShortRandom(u64),
}

/// A `tdate` (tag 0, RFC 3339). The standard forbids fractions of seconds and bare text; real issuers write both, and
/// neither leaves a doubt about the time that is meant.
fn date(item: Item<'_>) -> Option<Timestamp> {
    match item.kind() {
        Kind::Tag(0, text) => Timestamp::parse_rfc3339(text.as_text()?),
        Kind::Text(text) => Timestamp::parse_rfc3339(text),
        _ => None,
    }
}
