//! The one place that knows how issuers differ on the wire.
//!
//! [`read`] turns what arrives into the [model](crate::model); [`write`] turns the model into what
//! this issuer understands. Which form that is stands in [`Quirks`], found by looking at what the
//! issuer shows. No other module asks for a version of the specification.

pub(crate) mod read;
pub(crate) mod write;

use serde::{Deserialize, Serialize};

/// How this issuer differs from OpenID4VCI 1.0 Final, behaviour by behaviour.
///
/// The default is an issuer that differs in nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Quirks {
    /// Where the issuer's metadata was found.
    pub(crate) well_known: WellKnown,
}

/// Where `/.well-known/…` goes in the address of an issuer that has a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WellKnown {
    /// Between host and path, as 1.0 has it.
    #[default]
    Inserted,
    /// After the path.
    Appended,
}
