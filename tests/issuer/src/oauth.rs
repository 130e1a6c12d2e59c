//! What the authorization endpoints share: servers, grants, forms, clients, and what is asked for.

use std::collections::BTreeMap;

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::claims::Selection;
use crate::details;
use crate::issuer::Issuer;
use crate::refusal::Refusal;

/// How a wallet gets its access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Grant {
    /// Authorization code: the user signs in.
    #[serde(rename = "code")]
    Code,
    /// Pre-authorized code out of the offer.
    #[serde(rename = "pre-authorized")]
    PreAuthorized,
}

impl Grant {
    /// The `grant_type` on the wire.
    pub(crate) fn wire_name(self) -> &'static str {
        match self {
            Self::Code => "authorization_code",
            Self::PreAuthorized => "urn:ietf:params:oauth:grant-type:pre-authorized_code",
        }
    }
}

/// One authorization server.
pub(crate) struct AuthServer {
    /// Its issuer identifier.
    pub(crate) id: String,
    /// The path of the identifier; endpoints lie under it.
    pub(crate) path: String,
    pub(crate) grants: Vec<Grant>,
}

impl AuthServer {
    pub(crate) fn serves_code(&self) -> bool {
        self.grants.contains(&Grant::Code)
    }
}

/// The parameters of a request, each at most once (RFC 6749 section 3.1 and 3.2).
#[derive(Debug)]
pub(crate) struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads a query or a form body.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, Refusal> {
        let mut form = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(text) {
            if form.insert(name.to_string(), value.into_owned()).is_some() {
                return Err(Refusal::new("invalid_request", format!("The parameter {name} appears twice")));
            }
        }
        // RFC 6749 section 3.1: a parameter without a value counts as left out.
        form.retain(|_, value| !value.is_empty());
        Ok(Self(form))
    }

    /// Reads the body of a POST, which has to be a form.
    pub(crate) fn from_body(headers: &HeaderMap, body: &[u8]) -> Result<Self, Refusal> {
        if media_type(headers).as_deref() != Some("application/x-www-form-urlencoded") {
            return Err(Refusal::new("invalid_request", "The body has to be application/x-www-form-urlencoded"));
        }
        Self::parse(body)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(crate) fn require(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| missing(name))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// A parameter is not there.
pub(crate) fn missing(name: &str) -> Refusal {
    Refusal::new("invalid_request", format!("The parameter {name} is missing"))
}

/// The media type of a request without its parameters, in lower case.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(text.split(';').next()?.trim().to_ascii_lowercase())
}

/// Checks a client's id, and its redirect URI if there is one.
pub(crate) fn check_client(issuer: &Issuer, id: &str, redirect: Option<&str>) -> Result<(), Refusal> {
    let client = issuer.options.clients.iter().find(|client| client.id == id);
    if issuer.options.strict_clients && client.is_none() {
        return Err(Refusal::new("invalid_client", "This client is not registered"));
    }
    let Some(redirect) = redirect else {
        return Ok(());
    };
    let bad = |reason: &str| Err(Refusal::new("invalid_request", format!("redirect_uri {reason}")));
    let Ok(url) = Url::parse(redirect) else {
        return bad("is not an absolute URI");
    };
    if url.fragment().is_some() {
        return bad("has a fragment");
    }
    if issuer.options.strict_clients {
        let registered =
            client.is_some_and(|client| client.redirect_uris.iter().any(|known| same_redirect(known, redirect, &url)));
        return if registered { Ok(()) } else { bad("is not registered for this client") };
    }
    match url.scheme() {
        "http" if is_loopback(&url) => Ok(()),
        "http" | "https" => bad("is neither on a loopback address nor of a private-use scheme"),
        "javascript" | "data" | "file" | "blob" | "about" | "vbscript" => bad("has a forbidden scheme"),
        _ => Ok(()),
    }
}

fn is_loopback(url: &Url) -> bool {
    matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"))
}

fn same_redirect(known: &str, sent: &str, sent_url: &Url) -> bool {
    if known == sent {
        return true;
    }
    // RFC 8252 section 7.3: any port on a loopback address.
    Url::parse(known).is_ok_and(|mut known| {
        is_loopback(&known) && is_loopback(sent_url) && known.set_port(sent_url.port()).is_ok() && known == *sent_url
    })
}

/// The configurations of the offer that a request comes from, as far as it says so.
fn offered(issuer: &Issuer, form: &Form) -> Vec<String> {
    let book = issuer.book();
    let by_state = form.get("issuer_state").and_then(|state| book.issuer_states.get(state));
    let by_code = form.get("pre-authorized_code").and_then(|code| book.pre_authorized.get(code));
    by_state
        .map(|offer| &offer.configurations)
        .or(by_code.map(|code| &code.configurations))
        .cloned()
        .unwrap_or_default()
}

/// The credentials that a request asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Configuration ids out of `authorization_details`.
    pub(crate) details: Vec<String>,
    /// The claims that were asked for in `authorization_details`.
    pub(crate) claims: Selection,
    /// The authorization details that the token answer repeats, by configuration.
    pub(crate) echoes: BTreeMap<String, Value>,
    /// Configuration ids that the scope stands for.
    pub(crate) scoped: Vec<String>,
    /// The part of the scope that means something here.
    pub(crate) scope: Option<String>,
}

impl Wanted {
    /// Reads `authorization_details`, `scope` and `resource`.
    pub(crate) fn read(issuer: &Issuer, form: &Form) -> Result<Self, Refusal> {
        let mut wanted = Self::default();
        if let Some(resource) = form.get("resource")
            && resource != issuer.id
        {
            return Err(Refusal::new("invalid_target", "resource is not the credential issuer"));
        }
        if let Some(details) = form.get("authorization_details") {
            if !issuer.options.authorization_details {
                let message = "authorization_details are not supported here";
                return Err(Refusal::new("invalid_authorization_details", message));
            }
            let asked = details::read(issuer, details, &offered(issuer, form))?;
            (wanted.details, wanted.claims, wanted.echoes) = (asked.ids, asked.claims, asked.echoes);
        }
        if let Some(scope) = form.get("scope") {
            // Section 5.1.2: scope values that mean nothing here are ignored.
            let mut known = Vec::new();
            for word in scope.split(' ') {
                let before = wanted.scoped.len();
                wanted.scoped.extend(
                    issuer
                        .configurations
                        .iter()
                        .filter(|configuration| configuration.scope.as_deref() == Some(word))
                        .map(|configuration| configuration.id.clone()),
                );
                if wanted.scoped.len() > before {
                    known.push(word);
                }
            }
            if known.is_empty() && wanted.details.is_empty() {
                return Err(Refusal::new("invalid_scope", format!("Nothing in the scope '{scope}' is known")));
            }
            wanted.scope = (!known.is_empty()).then(|| known.join(" "));
        }
        Ok(wanted)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.details.is_empty() && self.scoped.is_empty()
    }

    /// Every configuration asked for, each once.
    pub(crate) fn all(&self) -> Vec<String> {
        let mut all = self.details.clone();
        for id in &self.scoped {
            if !all.contains(id) {
                all.push(id.clone());
            }
        }
        all
    }
}
