//! What an offer says about the credentials that will be made for it, and no wallet knows of.

use crate::offers::OfferSpec;
use crate::options::Options;
use crate::status::StatusKind;

/// Carried from the offer to the credential.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wishes {
    /// The status list that credentials have a place in.
    pub(crate) status: Option<StatusKind>,
    /// Whether the response has `credential_metadata`.
    pub(crate) response_metadata: bool,
}

impl Wishes {
    /// Those of an issuance that nobody offered.
    pub(crate) fn of_options(options: &Options) -> Self {
        Self { status: options.status, response_metadata: options.response_metadata }
    }

    /// Those of an offer.
    pub(crate) fn of_offer(options: &Options, spec: &OfferSpec) -> Self {
        Self {
            status: spec.status.or(options.status),
            response_metadata: spec.response_metadata.unwrap_or(options.response_metadata),
        }
    }
}
