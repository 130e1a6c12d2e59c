//! What the user sees before saying yes.

use crate::model::display::{self, Display};
use crate::model::format::Format;
use crate::model::ids::{ConfigurationId, IssuerId};
use crate::model::offer::{GrantType, TxCode};
use crate::session::Session;

/// An offer as the user should see it.
#[derive(Clone, Debug)]
pub struct OfferSummary {
    /// Who offers. Show its host: a name can be anybody's.
    pub credential_issuer: IssuerId,
    /// How the issuer presents itself, in the user's language.
    pub issuer_display: Option<Display>,
    /// What is offered.
    pub credentials: Vec<OfferedCredential>,
    /// The grants that can be used.
    pub grants: Vec<GrantType>,
    /// What the user will have to type, if anything.
    pub tx_code: Option<TxCode>,
    /// Who signed the issuer's metadata: the subject of a certificate that the wallet's metadata
    /// anchors vouch for. None if the metadata came unsigned, with nothing but TLS to vouch for it.
    pub metadata_signed_by: Option<String>,
}

/// One offered credential.
#[derive(Clone, Debug)]
pub struct OfferedCredential {
    /// The issuer's id of it.
    pub configuration: ConfigurationId,
    /// Its format; `Other` with the id as name, if the issuer's metadata does not describe it.
    pub format: Format,
    /// How it presents itself, in the user's language.
    pub display: Option<Display>,
    /// Its name.
    pub title: String,
}

impl OfferSummary {
    pub(crate) fn of(session: &Session, locale: Option<&str>) -> Self {
        let known = &session.issuer.credential_configurations_supported;
        let credentials = session
            .offer
            .credential_configuration_ids
            .iter()
            .map(|id| {
                let configuration = known.get(id);
                let display = configuration.and_then(|known| display::choose(&known.display, locale)).cloned();
                let name = display.as_ref().and_then(|display| display.name.clone());
                OfferedCredential {
                    configuration: id.clone(),
                    format: configuration.map_or_else(|| Format::Other(id.to_string()), |known| known.format.clone()),
                    title: name.unwrap_or_else(|| display::plain_text(id.as_str())),
                    display,
                }
            })
            .collect();
        Self {
            credential_issuer: session.issuer.credential_issuer.clone(),
            issuer_display: display::choose(&session.issuer.display, locale).cloned(),
            credentials,
            grants: super::accepting::usable_grants(session),
            tx_code: super::tx_code(session),
            metadata_signed_by: session.provenance.signed_by.clone(),
        }
    }

    /// The issuer's name, or its host.
    pub fn issuer_name(&self) -> String {
        let name = self.issuer_display.as_ref().and_then(|display| display.name.clone());
        name.unwrap_or_else(|| self.credential_issuer.host())
    }

    /// The names of the credentials.
    pub fn titles(&self) -> Vec<String> {
        self.credentials.iter().map(|credential| credential.title.clone()).collect()
    }
}
