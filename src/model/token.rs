//! The token response (OpenID4VCI section 6.2).

use serde::{Deserialize, Serialize};

use super::ids::{ConfigurationId, CredentialIdentifier, TransactionId};
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
    /// The word before it in `Authorization`, where the server wants its own spelling of the type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scheme: Option<String>,
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

impl Token {
    /// The token that stands for a deferred credential, as its issuer wants it shown.
    pub(crate) fn standing_for(transaction_id: &TransactionId) -> Self {
        Self {
            access_token: transaction_id.as_str().into(),
            token_type: TokenType::Bearer,
            expires_at: None,
            refresh_token: None,
            scope: None,
            scheme: Some("BEARER".to_owned()),
            authorized: Vec::new(),
        }
    }
}
