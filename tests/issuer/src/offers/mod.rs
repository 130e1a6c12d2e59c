//! Credential offers: making them, and serving those by reference.

mod spec;

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde_json::{Map, Value, json};

pub use self::spec::{By, MadeOffer, OfferSpec, TxCode};
use crate::catalogue::Format;
use crate::dialect::Offered;
use crate::dialect::offers::{ask_for_code, object, older};
use crate::encoding::{random_digits, random_text};
use crate::faults::{Fault, Target, Wire};
use crate::issuer::Issuer;
use crate::oauth::Grant;
use crate::options::AuthorizationServer;
use crate::refusal::{Refusal, no_store};
use crate::token::PreAuthorized;
use crate::wishes::Wishes;

/// Seconds that an offer lives if nothing else was asked for.
const LIFETIME: i64 = 3600;

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
    let known = || Format::from_id(&spec.format).or(spec.format.is_empty().then_some(issuer.dialect.formats[0]));
    let format = known().ok_or_else(|| {
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
        let known: BTreeSet<_> = issuer.configurations.iter().map(|configuration| configuration.format.id()).collect();
        let known = known.into_iter().collect::<Vec<_>>().join(", ");
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
