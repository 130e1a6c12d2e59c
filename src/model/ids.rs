//! Names that travel: each its own type, so that one cannot be passed for another.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it is.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    };
}

text_id!(
    /// A key of `credential_configurations_supported`: the kind of credential that is offered
    /// or asked for.
    ConfigurationId
);
text_id!(
    /// A `credential_identifier` of a token response: one dataset that the user may receive.
    CredentialIdentifier
);
text_id!(
    /// The `client_id` under which the wallet is known to authorization servers.
    ClientId
);
text_id!(
    /// One issuance in the wallet's store. Random; says nothing about its content.
    SessionId
);
text_id!(
    /// One stored credential. Random; says nothing about its content.
    CredentialId
);
text_id!(
    /// What a user once agreed to at an authorization server, with the tokens that came of it. Random.
    AuthorizationId
);
text_id!(
    /// A `transaction_id`: the issuer's name for a credential that is not ready yet.
    TransactionId
);
text_id!(
    /// A `notification_id`: what the wallet quotes when it tells the issuer how it went.
    NotificationId
);
text_id!(
    /// The name of a holder key in the platform's key store. Never the key itself.
    KeyHandle
);

impl SessionId {
    /// A fresh random id.
    pub fn random() -> Self {
        Self(random_hex())
    }
}

impl AuthorizationId {
    /// A fresh random id.
    pub(crate) fn random() -> Self {
        Self(random_hex())
    }
}

impl CredentialId {
    /// A fresh random id.
    pub fn random() -> Self {
        Self(random_hex())
    }
}

fn random_hex() -> String {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    hex::encode(bytes)
}

/// A Credential Issuer Identifier or an authorization server's issuer identifier: a URL that is
/// compared byte for byte and never normalised (OpenID4VCI 12.2.1, RFC 8414 section 2).
///
/// It is `https` with a host and without query and fragment. `http` is accepted on loopback
/// hosts; whether such a host may be spoken to at all is decided where requests are sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IssuerId(String);

/// Why a text is no issuer identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssuerIdError {
    /// It is not an absolute URL with a host.
    #[error("it is not an absolute URL")]
    NotAUrl,
    /// Its scheme is neither `https` nor `http` on a loopback host.
    #[error("its scheme is not https")]
    NotHttps,
    /// It has a query, a fragment, a user name or a password.
    #[error("it has a query, a fragment or user information")]
    NotPlain,
}

impl IssuerId {
    /// Checks the identifier and keeps its exact text.
    pub fn parse(text: &str) -> Result<Self, IssuerIdError> {
        let url = Url::parse(text).map_err(|_| IssuerIdError::NotAUrl)?;
        let Some(host) = url.host() else {
            return Err(if matches!(url.scheme(), "https" | "http") {
                IssuerIdError::NotAUrl
            } else {
                IssuerIdError::NotHttps
            });
        };
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&host) => {}
            _ => return Err(IssuerIdError::NotHttps),
        }
        let plain = !text.contains(['?', '#', '\\'])
            && !text.contains(|c: char| c.is_whitespace() || c.is_control())
            && url.username().is_empty()
            && url.password().is_none();
        if !plain {
            return Err(IssuerIdError::NotPlain);
        }
        Ok(Self(text.to_owned()))
    }

    /// The exact text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The identifier as a URL, for building addresses. Never compare with it.
    pub fn to_url(&self) -> Url {
        Url::parse(&self.0).expect("checked when it was made")
    }

    /// The host with its port, as a person would read it.
    pub fn host(&self) -> String {
        let url = self.to_url();
        let host = url.host_str().unwrap_or_default();
        url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// The address of a well-known document, with `/.well-known/NAME` inserted between host and
    /// path (OpenID4VCI 12.2.2, RFC 8414 section 3.1).
    pub fn well_known(&self, name: &str) -> Url {
        let mut url = self.to_url();
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("/.well-known/{name}{path}"));
        url
    }

    /// The address of a well-known document, with `/.well-known/NAME` appended to the path, as
    /// OpenID Connect Discovery does it.
    pub fn well_known_appended(&self, name: &str) -> Url {
        let mut url = self.to_url();
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{path}/.well-known/{name}"));
        url
    }
}

impl fmt::Display for IssuerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for IssuerId {
    type Error = IssuerIdError;
    fn try_from(text: String) -> Result<Self, IssuerIdError> {
        Self::parse(&text)
    }
}

impl From<IssuerId> for String {
    fn from(id: IssuerId) -> Self {
        id.0
    }
}

/// Whether a host names this machine: `localhost`, a name under it, 127.0.0.0/8 or `::1`.
pub fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
        }
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: META-01
    #[test]
    fn issuer_identifiers_are_https_urls_without_query() {
        for good in
            ["https://issuer.example", "https://issuer.example/", "https://h:8443/t/1", "http://127.0.0.1:9000/x"]
        {
            assert_eq!(IssuerId::parse(good).map(|id| id.to_string()), Ok(good.to_owned()));
        }
        for (bad, why) in [
            ("issuer.example", IssuerIdError::NotAUrl),
            ("", IssuerIdError::NotAUrl),
            ("http://issuer.example", IssuerIdError::NotHttps),
            ("ftp://issuer.example", IssuerIdError::NotHttps),
            ("did:web:issuer.example", IssuerIdError::NotHttps),
            ("https://issuer.example?", IssuerIdError::NotPlain),
            ("https://issuer.example?a=b", IssuerIdError::NotPlain),
            ("https://issuer.example#x", IssuerIdError::NotPlain),
            ("https://user:pw@issuer.example", IssuerIdError::NotPlain),
            (" https://issuer.example", IssuerIdError::NotPlain),
        ] {
            assert_eq!(IssuerId::parse(bad), Err(why), "{bad}");
        }
    }

    // covers: META-02, ASM-01
    #[test]
    fn well_known_is_inserted_before_the_path() {
        let at = |id: &str| IssuerId::parse(id).expect("legal").well_known("x").to_string();
        assert_eq!(at("https://h"), "https://h/.well-known/x");
        assert_eq!(at("https://h/"), "https://h/.well-known/x");
        assert_eq!(at("https://h:1/a/b"), "https://h:1/.well-known/x/a/b");
        assert_eq!(at("https://h/a/"), "https://h/.well-known/x/a");
        let appended = IssuerId::parse("https://h/a/").expect("legal").well_known_appended("x");
        assert_eq!(appended.as_str(), "https://h/a/.well-known/x");
    }
}
