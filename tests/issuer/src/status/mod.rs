//! Status lists: places in them, and their values.
//!
//! There are four lists for each configuration: Token Status Lists as JWT and as CWT
//! (draft-ietf-oauth-status-list), and two Bitstring Status Lists, for revocation and for
//! suspension. An index belongs to one credential of the whole issuer, so that its value can be
//! set without saying where.

mod lists;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::catalogue::{Configuration, Format};
use crate::cbor::Cbor;
use crate::issuer::Issuer;

pub(crate) use lists::serve;

/// Kinds of status lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StatusKind {
    /// Token Status List as a JWT.
    TokenJwt,
    /// Token Status List as a CWT.
    TokenCwt,
    /// Bitstring Status List, as a JWT VC.
    Bitstring,
}

pub(crate) const INVALID: u8 = 1;
pub(crate) const SUSPENDED: u8 = 2;
/// The largest value of two bits.
const LARGEST: u8 = 3;
/// The first index that is given out; a list that is too short ends before it.
const FIRST: u64 = 200;
/// Between two indexes, so that neighbours are told apart.
const STEP: u64 = 7;

/// The values of all credentials that have a place.
#[derive(Default)]
pub(crate) struct Statuses {
    given: u64,
    values: BTreeMap<u64, u8>,
}

impl Statuses {
    fn take(&mut self) -> u64 {
        let index = FIRST + STEP * self.given;
        self.given += 1;
        self.values.insert(index, 0);
        index
    }

    /// Sets a value, whether or not somebody has that place.
    pub(crate) fn set(&mut self, index: u64, value: u8) {
        self.values.insert(index, value);
    }

    /// The places that were given out, with their values.
    pub(crate) fn all(&self) -> &BTreeMap<u64, u8> {
        &self.values
    }
}

/// Sets the value of an index.
pub(crate) fn set(issuer: &Issuer, index: u64, value: u8) -> Result<(), String> {
    if value > LARGEST {
        return Err(format!("a status is {LARGEST} at most"));
    }
    let mut book = issuer.book();
    if !book.statuses.values.contains_key(&index) {
        return Err(format!("no credential has the index {index}"));
    }
    book.statuses.set(index, value);
    Ok(())
}

/// The kind of list that a format has where nothing was said.
pub(crate) fn usual(format: Format) -> StatusKind {
    match format {
        Format::SdJwtVc | Format::VcSdJwt | Format::Unknown => StatusKind::TokenJwt,
        Format::Mdoc => StatusKind::TokenCwt,
        Format::JwtVc | Format::JwtVcLd | Format::LdpVc => StatusKind::Bitstring,
    }
}

/// A credential's place in a status list.
pub(crate) struct Place {
    pub(crate) kind: StatusKind,
    pub(crate) index: u64,
    configuration: String,
}

impl Place {
    /// The next place. What a format cannot say is said its own way.
    pub(crate) fn take(issuer: &Issuer, configuration: &Configuration, wish: StatusKind) -> Self {
        let kind = match (configuration.format, wish) {
            (Format::LdpVc, _) => StatusKind::Bitstring,
            (Format::SdJwtVc | Format::VcSdJwt | Format::Mdoc, StatusKind::Bitstring) => usual(configuration.format),
            (_, wish) => wish,
        };
        Self { kind, index: issuer.book().statuses.take(), configuration: configuration.id.clone() }
    }

    fn uri(&self, issuer: &Issuer, list: List) -> String {
        list.uri(issuer, &self.configuration)
    }

    fn token_list(&self) -> List {
        if self.kind == StatusKind::TokenCwt { List::TokenCwt } else { List::TokenJwt }
    }

    /// The `status` claim of a JWT.
    pub(crate) fn token_claim(&self, issuer: &Issuer) -> Value {
        json!({"status_list": {"idx": self.index, "uri": self.uri(issuer, self.token_list())}})
    }

    /// The same for CBOR.
    pub(crate) fn token_cbor(&self, issuer: &Issuer) -> Cbor {
        let index = i64::try_from(self.index).expect("indexes are small");
        let reference =
            Cbor::named([("idx", Cbor::Int(index)), ("uri", Cbor::text(self.uri(issuer, self.token_list())))]);
        Cbor::named([("status_list", reference)])
    }

    /// `credentialStatus` of a W3C credential: one entry for each purpose.
    pub(crate) fn entries(&self, issuer: &Issuer) -> Value {
        [List::Revocation, List::Suspension]
            .into_iter()
            .map(|list| {
                let uri = self.uri(issuer, list);
                json!({
                    "id": format!("{uri}#{}", self.index),
                    "type": "BitstringStatusListEntry",
                    "statusPurpose": list.purpose(),
                    "statusListIndex": self.index.to_string(),
                    "statusListCredential": uri,
                })
            })
            .collect()
    }
}

/// One of the lists of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum List {
    TokenJwt,
    TokenCwt,
    Revocation,
    Suspension,
}

impl List {
    const ALL: [Self; 4] = [Self::TokenJwt, Self::TokenCwt, Self::Revocation, Self::Suspension];

    fn slug(self) -> &'static str {
        match self {
            Self::TokenJwt => "token-jwt",
            Self::TokenCwt => "token-cwt",
            Self::Revocation => "revocation",
            Self::Suspension => "suspension",
        }
    }

    fn purpose(self) -> &'static str {
        if self == Self::Suspension { "suspension" } else { "revocation" }
    }

    fn uri(self, issuer: &Issuer, configuration: &str) -> String {
        format!("{}/status/{}/{configuration}", issuer.id, self.slug())
    }
}
