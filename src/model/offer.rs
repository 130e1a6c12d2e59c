//! The credential offer (OpenID4VCI section 4.1.1).

use serde::{Deserialize, Serialize};

use super::ids::{ConfigurationId, IssuerId};
use super::secret::Secret;

/// What an issuer offers, and how the wallet may come for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CredentialOffer {
    /// Who offers.
    pub credential_issuer: IssuerId,
    /// What is offered; never empty, no id twice.
    pub credential_configuration_ids: Vec<ConfigurationId>,
    /// The grants that the offer names. Both absent: the authorization server's metadata decides.
    pub grants: Grants,
}

/// The grants of an offer that this library knows. Others are ignored, as the specification asks.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Grants {
    /// `authorization_code`.
    pub authorization_code: Option<AuthorizationCodeGrant>,
    /// `urn:ietf:params:oauth:grant-type:pre-authorized_code`.
    pub pre_authorized_code: Option<PreAuthorizedCodeGrant>,
}

impl Grants {
    /// The authorization server that the offer names for a grant.
    pub(crate) fn server_of(&self, grant: GrantType) -> Option<&IssuerId> {
        match grant {
            GrantType::PreAuthorizedCode => self.pre_authorized_code.as_ref()?.authorization_server.as_ref(),
            GrantType::AuthorizationCode => self.authorization_code.as_ref()?.authorization_server.as_ref(),
        }
    }
}

/// Members of the `authorization_code` grant.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AuthorizationCodeGrant {
    /// Opaque text to send back unchanged in the authorization request.
    pub issuer_state: Option<Secret>,
    /// Which of the issuer's authorization servers to use.
    pub authorization_server: Option<IssuerId>,
}

/// Members of the pre-authorized code grant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PreAuthorizedCodeGrant {
    /// The code itself: single use, short lived.
    pub pre_authorized_code: Secret,
    /// Present when the user has to type a transaction code.
    pub tx_code: Option<TxCode>,
    /// Which of the issuer's authorization servers to use.
    pub authorization_server: Option<IssuerId>,
}

/// What the issuer says about the transaction code that the user has to type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TxCode {
    /// Which keyboard to show.
    pub input_mode: InputMode,
    /// How many characters it has; a hint for the input field, not a rule.
    pub length: Option<u32>,
    /// Where the user finds the code; plain text of at most 300 characters.
    pub description: Option<String>,
}

/// The characters of a transaction code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputMode {
    /// Digits. They stay text: leading zeros count.
    #[default]
    Numeric,
    /// Any characters.
    Text,
}

/// The grants an issuance can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// The user signs in at the issuer (RFC 6749 section 4.1, with PKCE).
    AuthorizationCode,
    /// The issuer already knows the user (OpenID4VCI section 3.5).
    PreAuthorizedCode,
}

impl GrantType {
    /// The `grant_type` value on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::PreAuthorizedCode => "urn:ietf:params:oauth:grant-type:pre-authorized_code",
        }
    }
}
