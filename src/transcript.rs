//! What was said on the wire, without anything secret.

use std::fmt;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use url::Url;

/// A part of the protocol: what a request was for, or where an error arose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Operation {
    /// Reading or fetching the credential offer.
    Offer,
    /// Credential issuer metadata.
    IssuerMetadata,
    /// Authorization server metadata.
    AuthorizationServerMetadata,
    /// Pushed authorization request.
    PushedAuthorization,
    /// Authorization request and redirect.
    Authorization,
    /// Authenticating as a client: attestations, assertions, challenges.
    ClientAttestation,
    /// Token request.
    Token,
    /// Nonce request.
    Nonce,
    /// Holder keys and proofs.
    Proof,
    /// Credential request.
    Credential,
    /// Deferred credential request.
    DeferredCredential,
    /// Notification.
    Notification,
    /// Looking up an issuer's signing key, or checking a credential.
    Verification,
    /// The wallet's own storage.
    Store,
}

macro_rules! operation_names {
    ($($variant:ident => $name:literal,)*) => {
        impl Operation {
            /// The name in JSON.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

operation_names! {
    Offer => "offer",
    IssuerMetadata => "issuer_metadata",
    AuthorizationServerMetadata => "authorization_server_metadata",
    PushedAuthorization => "pushed_authorization",
    Authorization => "authorization",
    ClientAttestation => "client_attestation",
    Token => "token",
    Nonce => "nonce",
    Proof => "proof",
    Credential => "credential",
    DeferredCredential => "deferred_credential",
    Notification => "notification",
    Verification => "verification",
    Store => "store",
}

/// One request and its answer: addresses, statuses and member names, never values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// What it was for.
    pub operation: Operation,
    /// The HTTP method.
    pub method: String,
    /// The address without its query.
    pub url: String,
    /// Names of what was sent: header fields that matter, form fields or JSON members.
    pub sent: Vec<String>,
    /// The status, if an answer came.
    pub status: Option<u16>,
    /// The content type of the answer.
    pub content_type: Option<String>,
    /// Names of the answer's top-level members.
    pub received: Vec<String>,
    /// The server's `error`, or why no answer came.
    pub error: Option<String>,
}

/// The exchanges of an issuance, oldest first: what to paste into a bug report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Transcript(Vec<Exchange>);

/// A session keeps the newest exchanges only, so that endless polling does not fill the store.
const KEPT: usize = 100;

impl Transcript {
    /// Adds an exchange; the oldest goes when there are more than 100.
    pub fn push(&mut self, exchange: Exchange) {
        if self.0.len() == KEPT {
            self.0.remove(0);
        }
        self.0.push(exchange);
    }

    /// The exchanges.
    pub fn exchanges(&self) -> &[Exchange] {
        &self.0
    }

    /// Whether nothing was said yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = format!("{} {}", self.method, self.url);
        if !self.sent.is_empty() {
            write!(line, " {{{}}}", self.sent.join(", "))?;
        }
        match self.status {
            Some(status) => write!(line, " -> {status}")?,
            None => line.push_str(" -> no answer"),
        }
        if !self.received.is_empty() {
            write!(line, " {{{}}}", self.received.join(", "))?;
        }
        if let Some(error) = &self.error {
            write!(line, " {error}")?;
        }
        f.write_str(&line)
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|exchange| writeln!(f, "{exchange}"))
    }
}

/// What may be shown of an address that was asked for something: no user information, query and
/// fragment, and of an offer's no path either. Whoever knows where an offer is can take it.
pub(crate) fn address_for(operation: Operation, url: &Url) -> String {
    if operation == Operation::Offer && !url.has_host() {
        // `data:` holds the offer itself, `urn:` its name.
        return format!("{}:…", url.scheme());
    }
    if operation == Operation::Offer {
        let mut url = url.clone();
        url.set_path("/…");
        return address(&url).replace("%E2%80%A6", "…");
    }
    address(url)
}

/// An address without user information, query and fragment.
pub(crate) fn address(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Both fail only on URLs that can have no host, and then there is nothing to hide.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}
