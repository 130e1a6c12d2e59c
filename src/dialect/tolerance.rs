//! What was put up with, by name.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Departures of one issuer, in the order in which this file lists them.
pub(crate) type Tolerated = BTreeSet<Tolerance>;

/// Whose ways of speaking a wallet puts up with.
///
/// Tolerance is about the form of messages. What protects the user holds either way: the issuer's identity, TLS,
/// PKCE, `state`, one-time use, and every check of a credential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Dialects {
    /// OpenID4VCI 1.0 Final, its drafts back to the eleventh, and the deployed systems that mix them. Which it is
    /// shows in what the issuer says; [`Issuance::tolerated`](crate::Issuance::tolerated) tells what was found.
    #[default]
    Any,
    /// OpenID4VCI 1.0 Final only. Whatever departs from it is an error. HAIP implies it.
    Strict,
}

impl Dialects {
    /// The name in JSON and on command lines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Strict => "strict",
        }
    }
}

macro_rules! tolerances {
    ($($(#[$doc:meta])* $name:ident = $text:literal: $says:literal;)*) => {
        /// Something in which an issuer departs from OpenID4VCI 1.0 Final and that was put up with.
        ///
        /// For integrators: none of it is for users to read.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Tolerance {
            $($(#[$doc])* $name,)*
        }

        impl Tolerance {
            /// Every one that this version knows.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The name in JSON.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }

        impl fmt::Display for Tolerance {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$name => $says),* })
            }
        }
    };
}

tolerances! {
    /// Drafts 8 and 9: `openid-initiate-issuance`.
    OldOfferLink = "old_offer_link": "the offer's link has the form of drafts 8 and 9";
    /// One object more around the offer.
    WrappedOffer = "wrapped_offer": "the offer is wrapped in `credential_offer`";
    /// JSON that says that it is something else.
    OfferMediaType = "offer_media_type": "the offer is JSON and says that it is something else";
    /// Drafts up to 12.
    OfferCredentials = "offer_credentials": "the offer names what it offers in `credentials`";
    /// Drafts up to 11.
    InlineCredentials = "inline_credentials": "the offer describes a credential instead of naming its configuration";
    /// Half a migration.
    MixedOffer = "mixed_offer": "the offer has members of several drafts; the newest were taken";
    /// Drafts up to 12.
    UserPin = "user_pin": "the transaction code is announced by `user_pin_required` and sent as `user_pin`";
    /// Drafts up to 15.
    AppendedMetadata = "appended_metadata": "the issuer's metadata is at the well-known address after its path";
    /// Something else than 404 where 1.0 has the metadata.
    MisplacedAnswer = "misplaced_answer": "the issuer answers where its metadata should be, with something else";
    /// `…/` for `…`, or the other way around.
    TrailingSlash = "trailing_slash": "the issuer's metadata names it with another slash at the end";
    /// The server's metadata is elsewhere than RFC 8414 has it.
    MisplacedServerMetadata = "misplaced_server_metadata": "the authorization server's metadata is not where RFC 8414 has it";
    /// One object more around the server's metadata.
    WrappedServerMetadata = "wrapped_server_metadata": "the authorization server's metadata is wrapped in `authorization_server`";
    /// The issuer's metadata has the token endpoint.
    NoServerMetadata = "no_server_metadata": "there is no authorization server metadata; the token endpoint stands in the issuer's";
    /// Drafts up to 11.
    SingleServer = "single_server": "the issuer names its server in `authorization_server`";
    /// An endpoint without scheme and host.
    RelativeEndpoint = "relative_endpoint": "an endpoint is a relative URL";
    /// Drafts up to 12.
    CredentialsSupported = "credentials_supported": "the issuer lists configurations in `credentials_supported`";
    /// Drafts up to 11, or an array under the newer name.
    CatalogueList = "catalogue_list": "the issuer's configurations are a list instead of a map";
    /// Drafts up to 11.
    TypesOnTop = "types_on_top": "a configuration has its type elsewhere than 1.0 has it";
    /// Drafts up to 13: `mso` for `cose_key`, `did` for any method, `cryptographic_suites_supported`.
    OlderSpelling = "older_spelling": "a configuration says something in words of older drafts";
    /// Another spelling of a known format.
    FormatSpelling = "format_spelling": "a format's identifier is spelled another way";
    /// Drafts 11 and 12.
    ProofTypesList = "proof_types_list": "proof types are listed without their algorithms";
    /// Drafts up to 14.
    ClaimsTree = "claims_tree": "claims are described as a tree instead of a list of paths";
    /// One object where several are due.
    SingleDisplay = "single_display": "`display` is one object instead of a list";
    /// Draft 12.
    FlatEncryption = "flat_encryption": "what the issuer encrypts stands in members of their own";
    /// Numbers as texts, texts as numbers, one text where a list is due.
    ValueType = "value_type": "a value came as one of another type, such as a number as a text";
    /// A member that can't be read and that nothing depends on.
    IgnoredMember = "ignored_member": "a member that can't be read was ignored";
    /// The server answers pushed requests with "not there" or "not this way".
    PushUnavailable = "push_unavailable": "the server lists an endpoint for pushed requests that takes none";
    /// A server that reads the request's extra parameters only from the browser's request.
    PlainAuthorization = "plain_authorization": "the authorization request went through the browser, where this server looks for `issuer_state`";
    /// Drafts up to 12.
    DetailsByFormat = "details_by_format": "`authorization_details` name the format and type instead of the configuration";
    /// The redirect has no `state`; PKCE holds it to the request.
    StateMissing = "state_missing": "the redirect came back without `state`; PKCE alone ties it to the sign-in";
    /// `expires_in` is a date.
    AbsoluteExpiry = "absolute_expiry": "`expires_in` is a point in time instead of a number of seconds";
    /// A token that is bound to nothing, although a DPoP proof came with the request.
    BearerForDpop = "bearer_for_dpop": "the server demands a DPoP proof and binds no token to it";
    /// The server's own spelling of the token type is sent back.
    SchemeEchoed = "scheme_echoed": "the token is sent with the server's own spelling of its type";
    /// Drafts up to 14.
    NonceInAnswer = "nonce_in_answer": "nonces come with answers instead of from a nonce endpoint";
    /// Drafts up to 14.
    RequestByFormat = "request_by_format": "the credential is asked for by format and type";
    /// Neither draft nor final.
    RequestByBoth = "request_by_both": "the credential is asked for by configuration, format and type at once";
    /// Drafts up to 13.
    SingleProof = "single_proof": "the request has one `proof` instead of `proofs`";
    /// Metadata that forgets `proof_types_supported`.
    AssumedProof = "assumed_proof": "the issuer binds to keys, lists no proof types, and wants a proof all the same";
    /// Drafts up to 14.
    SingleCredential = "single_credential": "the answer has one `credential` instead of `credentials`";
    /// Draft 14.
    BareCredentials = "bare_credentials": "the answer's `credentials` are not wrapped in objects";
    /// Drafts up to 11.
    AcceptanceToken = "acceptance_token": "a deferred credential is picked up with an `acceptance_token`";
    /// Drafts up to 15.
    DeferredWithoutInterval = "deferred_without_interval": "the issuer defers a credential and does not say for how long";
    /// Drafts up to 15.
    PendingError = "pending_error": "the issuer says by an error that a credential is not ready yet";
    /// Drafts 13 to 15.
    AlgBesideKey = "alg_beside_key": "the algorithm for the encrypted answer stands beside the key";
    /// Drafts up to 15.
    PlainEncryptionRequest = "plain_encryption_request": "an encrypted answer is asked for in a plain request, as the issuer takes no other";
    /// An OAuth error where the status says that the server failed.
    ErrorWithServerStatus = "error_with_server_status": "the issuer refuses with the status of a server failure";
    /// The issuer refused the form of a request, and took another.
    OtherForm = "other_form": "the issuer refused one form of the credential request and took another";
    /// An SD-JWT names its type in `type`.
    TypeWithoutVct = "type_without_vct": "the credential names its type in `type` instead of `vct`";
}

impl Serialize for Tolerance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Tolerance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = Self::ALL.iter().find(|tolerance| tolerance.as_str() == name);
        known.copied().ok_or_else(|| serde::de::Error::custom("no name of a tolerance"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_come_back() {
        let names: BTreeSet<_> = Tolerance::ALL.iter().map(|tolerance| tolerance.as_str()).collect();
        assert_eq!(names.len(), Tolerance::ALL.len());
        for tolerance in Tolerance::ALL {
            let text = serde_json::to_string(tolerance).expect("JSON");
            assert_eq!(serde_json::from_str::<Tolerance>(&text).expect("its name"), *tolerance);
            assert!(!tolerance.to_string().is_empty());
        }
    }
}
