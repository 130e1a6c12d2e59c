//! Offers that are wanted, and those that were made.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::dialect::offers::OldForm;
use crate::oauth::Grant;
use crate::status::StatusKind;

/// How the offer travels in the link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// `credential_offer`: the whole offer.
    #[default]
    Value,
    /// `credential_offer_uri`: where to fetch it.
    Reference,
}

/// The transaction code that an offer asks for.
///
/// Only members that are set appear in the offer, so that the default gives `"tx_code": {}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TxCode {
    /// `numeric` or `text`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_mode: Option<String>,
    /// Number of characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<usize>,
    /// Words for the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The code itself, which is never in the offer; random digits if not given.
    #[serde(skip_serializing)]
    pub value: Option<String>,
}

/// The offer that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferSpec {
    /// The grant.
    pub grant: Grant,
    /// The format; its main configuration is offered unless `configurations` says otherwise. The
    /// first one of the dialect if it is empty.
    #[serde(default)]
    pub format: String,
    /// By value or by reference.
    #[serde(default)]
    pub by: By,
    /// The transaction code, if one is asked for (pre-authorized grant only).
    #[serde(default)]
    pub tx_code: Option<TxCode>,
    /// Whether the code grant carries `issuer_state` (default: yes).
    #[serde(default)]
    pub issuer_state: Option<bool>,
    /// Configuration ids instead of the format's main one.
    #[serde(default)]
    pub configurations: Option<Vec<String>>,
    /// Seconds that the offer lives.
    #[serde(default)]
    pub expires_in: Option<i64>,
    /// Scheme of the link (`openid-credential-offer`), or everything before its `?` if there is
    /// a colon in it, such as `https://wallet.example/offer`.
    #[serde(default)]
    pub scheme: Option<String>,
    /// The status list that its credentials have a place in. With the code grant this and the
    /// next one reach the credential by `issuer_state`.
    #[serde(default)]
    pub status: Option<StatusKind>,
    /// Whether the credential response has `credential_metadata`.
    #[serde(default)]
    pub response_metadata: Option<bool>,
    /// Whether credentials are described in the offer instead of named by id, where a dialect has that.
    #[serde(default)]
    pub inline: bool,
    /// A form that is older than the dialect.
    #[serde(default)]
    pub form: Option<OldForm>,
}

impl OfferSpec {
    /// An offer of the given format's main credential, by value, without transaction code.
    pub fn new(grant: Grant, format: &str) -> Self {
        Self {
            grant,
            format: format.to_owned(),
            by: By::Value,
            tx_code: None,
            issuer_state: None,
            configurations: None,
            expires_in: None,
            scheme: None,
            status: None,
            response_metadata: None,
            inline: false,
            form: None,
        }
    }

    /// The same by reference.
    #[must_use]
    pub fn by_reference(mut self) -> Self {
        self.by = By::Reference;
        self
    }

    /// The same with a transaction code.
    #[must_use]
    pub fn tx_code(mut self, tx_code: TxCode) -> Self {
        self.tx_code = Some(tx_code);
        self
    }

    /// The same with credentials that have a place in a status list.
    #[must_use]
    pub fn status(mut self, kind: StatusKind) -> Self {
        self.status = Some(kind);
        self
    }

    /// The same with credentials described in the offer.
    #[must_use]
    pub fn inline(mut self) -> Self {
        self.inline = true;
        self
    }

    /// The same in an older form.
    #[must_use]
    pub fn form(mut self, form: OldForm) -> Self {
        self.form = Some(form);
        self
    }

    /// The same with other configurations.
    #[must_use]
    pub fn configurations(mut self, ids: &[&str]) -> Self {
        self.configurations = Some(ids.iter().map(|id| (*id).to_owned()).collect());
        self
    }
}

/// An offer that was made.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct MadeOffer {
    /// Words that tell offers apart.
    pub name: String,
    /// The grant.
    pub grant: Grant,
    /// The format of the first configuration.
    pub format: String,
    /// By value or by reference.
    pub by: By,
    /// The link for the wallet.
    pub link: String,
    /// What the user has to type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tx_code: Option<String>,
    /// What this issuer makes every wallet register beforehand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// The offer itself.
    pub offer: Value,
    /// Id under which `/test/log` counts the fetches of an offer by reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}
