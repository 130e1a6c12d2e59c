//! Credential offers: making them, and serving those by reference.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::catalogue::Format;
use crate::dialect::Offered;
use crate::dialect::offers::{OldForm, ask_for_code, object, older};
use crate::encoding::{random_digits, random_text};
use crate::faults::{Fault, Target, Wire};
use crate::issuer::Issuer;
use crate::oauth::Grant;
use crate::options::AuthorizationServer;
use crate::refusal::{Refusal, no_store};
use crate::status::StatusKind;
use crate::token::PreAuthorized;
use crate::wishes::Wishes;

/// Seconds that an offer lives if nothing else was asked for.
const LIFETIME: i64 = 3600;

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
    /// The format; its main configuration is offered unless `configurations` says otherwise.
    #[serde(default = "default_format")]
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

fn default_format() -> String {
    Format::SdJwtVc.id().to_owned()
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

/// An offer by reference.
#[derive(Clone, Debug)]
pub(crate) struct StoredOffer {
    offer: Value,
    expires: i64,
}

/// What an `issuer_state` stands for.
#[derive(Clone, Debug)]
pub(crate) struct OfferedByState {
    pub(crate) expires: i64,
    pub(crate) configurations: Vec<String>,
    pub(crate) wishes: Wishes,
}

/// Makes an offer.
pub(crate) fn make(issuer: &Issuer, spec: &OfferSpec) -> Result<MadeOffer, String> {
    if let Some(system) = &issuer.system {
        return system.make(issuer, spec);
    }
    let format = Format::from_id(&spec.format).ok_or_else(|| {
        format!("'{}' is not a format; known: {}", spec.format, Format::ALL.map(Format::id).join(", "))
    })?;
    if spec.grant == Grant::PreAuthorized && !issuer.options.pre_authorized {
        return Err("this issuer has no pre-authorized code grant".to_owned());
    }
    let configurations = match &spec.configurations {
        Some(ids) => {
            if ids.is_empty() {
                return Err("configurations is empty".to_owned());
            }
            if let Some(id) = ids.iter().find(|id| issuer.configuration(id).is_none()) {
                let known: Vec<_> = issuer.configurations.iter().map(|known| known.id.as_str()).collect();
                return Err(format!("'{id}' is not a configuration; known: {}", known.join(", ")));
            }
            ids.clone()
        }
        None => issuer
            .configurations
            .iter()
            .filter(|configuration| configuration.format == format)
            .map(|configuration| configuration.id.clone())
            .take(1)
            .collect(),
    };
    if configurations.is_empty() {
        let known = issuer.dialect.formats.iter().map(|format| format.id()).collect::<Vec<_>>().join(", ");
        return Err(format!("this issuer has no configuration of the format {}; its formats: {known}", spec.format));
    }
    let wishes = Wishes::of_offer(&issuer.options, spec);
    let first = issuer.configuration(&configurations[0]).expect("checked above");
    let expires = issuer.now() + spec.expires_in.unwrap_or(LIFETIME);
    let (server, server_of_grant) = issuer.server_for(spec.grant);
    let mut grant = Map::new();
    let mut tx_value = None;
    match spec.grant {
        Grant::Code => {
            if spec.tx_code.is_some() {
                return Err("tx_code belongs to the pre-authorized grant".to_owned());
            }
            if spec.issuer_state.unwrap_or(true) {
                // Characters that have to survive a query, on purpose.
                let state = format!("{}+/=", random_text());
                grant.insert("issuer_state".into(), json!(state));
                let offered = OfferedByState { expires, configurations: configurations.clone(), wishes };
                issuer.book().issuer_states.insert(state, offered);
            }
        }
        Grant::PreAuthorized => {
            let code = random_text();
            grant.insert("pre-authorized_code".into(), json!(code));
            if let Some(tx_code) = &spec.tx_code {
                check_tx_code(tx_code)?;
                ask_for_code(issuer, tx_code, &mut grant)?;
                let value = tx_code.value.clone();
                tx_value = Some(value.unwrap_or_else(|| random_digits(tx_code.length.unwrap_or(6))));
            }
            let entry = PreAuthorized {
                server,
                configurations: configurations.clone(),
                tx_code: tx_value.clone(),
                wrong_guesses: 0,
                expires,
                used: false,
                wishes,
            };
            issuer.book().pre_authorized.insert(code, entry);
        }
    }
    if issuer.options.authorization_server == AuthorizationServer::Two && issuer.dialect.offer_names_server {
        grant.insert("authorization_server".into(), json!(server_of_grant.id));
    }
    let Carried { offer, link, id } = carry(issuer, spec, &configurations, grant, expires)?;
    let mut name = format!("{} {} by {}", grant_label(spec.grant), first.id, by_label(spec.by));
    if tx_value.is_some() {
        name.push_str(" with tx_code");
    }
    if spec.inline {
        name.push_str(" inline");
    }
    let args = if issuer.options.strict_clients {
        let client = issuer.options.clients.first().map(|client| client.id.clone());
        client.map_or(Vec::new(), |id| vec!["--client-id".to_owned(), id])
    } else {
        Vec::new()
    };
    Ok(MadeOffer {
        name,
        grant: spec.grant,
        format: first.format.id().to_owned(),
        by: spec.by,
        link,
        tx_code: tx_value,
        args,
        offer,
        id,
    })
}

/// An offer, its link, and its id if it is by reference.
struct Carried {
    offer: Value,
    link: String,
    id: Option<String>,
}

fn carry(
    issuer: &Issuer,
    spec: &OfferSpec,
    configurations: &[String],
    grant: Map<String, Value>,
    expires: i64,
) -> Result<Carried, String> {
    if let Some(form) = spec.form {
        if spec.by == By::Reference || spec.scheme.is_some() {
            return Err("offers of that form come by value, with a scheme of their own".to_owned());
        }
        let (offer, link) = older(issuer, form, configurations, grant, spec.inline)?;
        return Ok(Carried { offer, link, id: None });
    }
    let offer = object(issuer, configurations, spec.grant, grant, spec.inline)?;
    let (parameter, value, id) = match spec.by {
        By::Value => ("credential_offer", by_value(issuer, &offer), None),
        By::Reference => {
            let id = random_text();
            let uri = format!("{}/offers/{id}", issuer.id);
            issuer.book().offers.insert(id.clone(), StoredOffer { offer: offer.clone(), expires });
            ("credential_offer_uri", uri, Some(id))
        }
    };
    let scheme = spec.scheme.as_deref().unwrap_or("openid-credential-offer");
    let front = if scheme.contains(':') { scheme.to_owned() } else { format!("{scheme}://") };
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair(parameter, &value)
        .finish()
        // A plus means a space in forms only; deep links are read by stricter decoders too.
        .replace('+', "%20");
    Ok(Carried { offer, link: format!("{front}?{query}"), id })
}

fn grant_label(grant: Grant) -> &'static str {
    match grant {
        Grant::Code => "code",
        Grant::PreAuthorized => "pre-authorized",
    }
}

fn by_label(by: By) -> &'static str {
    match by {
        By::Value => "value",
        By::Reference => "reference",
    }
}

fn by_value(issuer: &Issuer, offer: &Value) -> String {
    let mut text = offer.to_string();
    if issuer.faults.strikes(Fault::Wire(Wire::Oversized, Target::Offer)) {
        text.push_str(&" ".repeat(64 << 10));
    }
    text
}

fn check_tx_code(tx_code: &TxCode) -> Result<(), String> {
    if let Some(mode) = &tx_code.input_mode
        && !["numeric", "text"].contains(&mode.as_str())
    {
        return Err(format!("input_mode is numeric or text, not '{mode}'"));
    }
    if tx_code.value.as_ref().is_some_and(String::is_empty) || tx_code.length == Some(0) {
        return Err("a transaction code has one character at least".to_owned());
    }
    Ok(())
}

/// The offers that a fresh issuer announces: each grant, format and way, with and without code.
pub(crate) fn announced(issuer: &Issuer) -> Vec<MadeOffer> {
    if let Some(system) = &issuer.system {
        let made = |spec| make(issuer, &spec).expect("these offers are legal");
        return system.announced().into_iter().map(made).collect();
    }
    let mut offers = Vec::new();
    let has = |format| issuer.configurations.iter().any(|configuration| configuration.format == format);
    let grants = [Grant::PreAuthorized, Grant::Code];
    for grant in grants.into_iter().filter(|grant| *grant == Grant::Code || issuer.options.pre_authorized) {
        for format in Format::ALL.into_iter().filter(|format| has(*format)) {
            for by in [By::Value, By::Reference] {
                let spec = OfferSpec { by, expires_in: Some(24 * 3600), ..OfferSpec::new(grant, format.id()) };
                offers.push(make(issuer, &spec));
                if grant == Grant::PreAuthorized {
                    let tx_code = TxCode {
                        input_mode: Some("numeric".into()),
                        length: Some(4),
                        description: Some("The code that we sent you".into()),
                        value: None,
                    };
                    offers.push(make(issuer, &spec.tx_code(tx_code)));
                }
            }
        }
    }
    if issuer.dialect.offered == Offered::IdsOrObjects {
        let grant = if issuer.options.pre_authorized { Grant::PreAuthorized } else { Grant::Code };
        let spec = OfferSpec::new(grant, Format::JwtVc.id()).inline();
        offers.push(make(issuer, &OfferSpec { expires_in: Some(24 * 3600), ..spec }));
    }
    offers.into_iter().map(|offer| offer.expect("these offers are legal")).collect()
}

/// Serves an offer by reference.
pub(crate) async fn fetch(State(issuer): State<Arc<Issuer>>, Path(id): Path<String>) -> Response {
    let stored = issuer.book().offers.get(&id).cloned();
    match stored {
        Some(stored) if stored.expires > issuer.now() => {
            issuer.log.offer_fetched(&id);
            no_store(StatusCode::OK, &stored.offer)
        }
        _ => Refusal::new("not_found", "There is no such offer, or it has expired")
            .status(StatusCode::NOT_FOUND)
            .into_response(),
    }
}
