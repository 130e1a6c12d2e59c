//! The token response (OpenID4VCI section 6.2).

use serde::{Deserialize, Serialize};

use super::ids::{ConfigurationId, CredentialIdentifier};
use super::secret::Secret;
use super::time::Timestamp;

/// How an access token is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenType {
    /// `Authorization: Bearer …` (RFC 6750).
    Bearer,
    /// `Authorization: DPoP …` (RFC 9449).
    #[serde(rename = "DPoP")]
    Dpop,
}

/// An access token with what it may be used for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Token {
    /// The token.
    pub access_token: Secret,
    /// How to present it.
    pub token_type: TokenType,
    /// When it stops working, if the server said so.
    pub expires_at: Option<Timestamp>,
    /// For a new token later.
    pub refresh_token: Option<Secret>,
    /// The scope that was granted, if the server said so.
    pub scope: Option<String>,
    /// The `openid_credential` entries of `authorization_details`.
    pub authorized: Vec<AuthorizedCredential>,
}

/// One `openid_credential` entry of a token response's `authorization_details`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizedCredential {
    /// The configuration that was authorized.
    pub credential_configuration_id: ConfigurationId,
    /// The datasets that the user may receive, one request for each.
    pub credential_identifiers: Vec<CredentialIdentifier>,
}
