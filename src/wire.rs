//! The one place where requests leave: addresses are checked, limits set, exchanges written down.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use serde_json::Value;
use url::Url;

use crate::error::{Advice, Error, ErrorCode, Operation, RequestOutcome};
use crate::json;
use crate::model::display::plain_text;
use crate::model::ids::is_loopback;
use crate::platform::http::{HttpLimits, HttpRequest, HttpResponse, HttpTransport, TransportError, TransportErrorKind};
use crate::protocol::client_auth::{CHALLENGE, header_text};
use crate::protocol::dpop::DPOP_NONCE;
use crate::protocol::message;
use crate::transcript::{Exchange, Transcript, address_for};

/// How many redirects a metadata document may take.
const MAX_REDIRECTS: usize = 3;

/// A transcript that requests running side by side can write to.
#[derive(Default)]
pub(crate) struct Log(Mutex<Transcript>);

impl Log {
    pub(crate) fn new(transcript: Transcript) -> Self {
        Self(Mutex::new(transcript))
    }

    fn push(&self, exchange: Exchange) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
    }

    /// What was written so far.
    pub(crate) fn transcript(&self) -> Transcript {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// As what a server is spoken to. One that is both keeps its nonces apart all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    /// The authorization server.
    Server,
    /// The issuer, which takes the tokens.
    Resource,
}

impl Role {
    fn of(operation: Operation) -> Option<Self> {
        match operation {
            Operation::PushedAuthorization | Operation::ClientAttestation | Operation::Token => Some(Self::Server),
            Operation::Nonce | Operation::Credential | Operation::DeferredCredential | Operation::Notification => {
                Some(Self::Resource)
            }
            _ => None,
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Server => Self::Resource,
            Self::Resource => Self::Server,
        }
    }
}

/// What servers want to see in the next proof, by origin: nothing that has to outlive the process.
#[derive(Default)]
struct Wanted {
    nonces: HashMap<(String, Role), String>,
    challenges: HashMap<String, String>,
}

impl Wanted {
    /// How many servers' values are kept.
    const MOST: usize = 256;

    fn take_from(&mut self, operation: Operation, url: &Url, response: &HttpResponse) {
        let Some(role) = Role::of(operation) else { return };
        if self.nonces.len() + self.challenges.len() >= Self::MOST {
            // Whoever misses one hears of it, with a new one.
            *self = Self::default();
        }
        if let Some(nonce) = header_text(response.headers(), DPOP_NONCE) {
            self.nonces.insert((origin(url), role), nonce);
        }
        if let Some(challenge) = header_text(response.headers(), CHALLENGE) {
            self.challenges.insert(origin(url), challenge);
        }
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Sends requests by the wallet's transport, within the wallet's rules.
pub(crate) struct Wire {
    transport: Arc<dyn HttpTransport>,
    allow_loopback_http: bool,
    wanted: Mutex<Wanted>,
}

impl Wire {
    pub(crate) fn new(transport: Arc<dyn HttpTransport>, allow_loopback_http: bool) -> Self {
        Self { transport, allow_loopback_http, wanted: Mutex::default() }
    }

    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The nonce that the next proof for a server carries (RFC 9449 sections 8 and 9): its newest, and as
    /// long as it gave none in this role, the one of its other role. A wrong one costs no more than none.
    pub(crate) fn dpop_nonce(&self, url: &Url, role: Role) -> Option<String> {
        let wanted = self.wanted();
        let nonce = |role| wanted.nonces.get(&(origin(url), role)).cloned();
        nonce(role).or_else(|| nonce(role.other()))
    }

    /// The challenge that the next proof for an attestation carries.
    pub(crate) fn challenge(&self, url: &Url) -> Option<String> {
        self.wanted().challenges.get(&origin(url)).cloned()
    }

    /// Keeps a challenge that a server gave when it was asked.
    pub(crate) fn keep_challenge(&self, url: &Url, challenge: &str) {
        self.wanted().challenges.insert(origin(url), challenge.to_owned());
    }

    /// Forgets a challenge that a server does not take any more.
    pub(crate) fn forget_challenge(&self, url: &Url) {
        self.wanted().challenges.remove(&origin(url));
    }

    /// Limits for an address that came from outside: a reference in an offer or a credential.
    pub(crate) fn reference_limits(&self, max_body_bytes: usize) -> HttpLimits {
        HttpLimits { max_body_bytes, public_addresses_only: !self.allow_loopback_http, ..HttpLimits::default() }
    }

    /// Whether an address may be spoken to: https, or http on this machine with the development
    /// switch.
    pub(crate) fn check(&self, url: &Url, operation: Operation) -> Result<(), Error> {
        let loopback = url.host().is_some_and(|host| is_loopback(&host));
        match url.scheme() {
            "https" => Ok(()),
            "http" if loopback && self.allow_loopback_http => Ok(()),
            _ => {
                let error = if loopback && url.scheme() == "http" {
                    let detail = "http is for development only: switch it on for loopback addresses, or use https";
                    Error::new(ErrorCode::InsecureUrl, detail).advise(Advice::FixSetup)
                } else {
                    Error::new(ErrorCode::InsecureUrl, "the address is not https")
                };
                Err(error.at(operation).endpoint(url))
            }
        }
    }

    /// Sends a request; every answer with a status is a success here.
    pub(crate) async fn send(
        &self,
        operation: Operation,
        url: &Url,
        request: HttpRequest,
        limits: HttpLimits,
        log: &Log,
    ) -> Result<HttpResponse, Error> {
        self.check(url, operation)?;
        let mut exchange = Exchange {
            operation,
            method: request.method().to_string(),
            url: address_for(operation, url),
            sent: sent_names(&request),
            status: None,
            content_type: None,
            received: Vec::new(),
            error: None,
        };
        let sent = message::SentSecrets::of(&request);
        let mut answer = self.transport.send(request, limits).await;
        if let Ok(response) = &mut answer {
            response.extensions_mut().insert(sent);
            self.wanted().take_from(operation, url, response);
        }
        match &answer {
            Ok(response) => {
                exchange.status = Some(response.status().as_u16());
                exchange.content_type = message::media_type(response);
                exchange.received = received_names(response);
                if !response.status().is_success() {
                    exchange.error = message::issuer_error(response).map(|said| said.error);
                }
            }
            Err(error) => exchange.error = Some(format!("{:?}", error.kind)),
        }
        tracing::debug!(target: "billfold::http", "{exchange}");
        log.push(exchange);
        match answer {
            Ok(response) if response.body().len() > limits.max_body_bytes => {
                let error =
                    TransportError::new(TransportErrorKind::TooLarge, true, "the answer is over the size limit");
                Err(transport_error(error, operation, url))
            }
            Ok(response) => Ok(response),
            Err(error) => Err(transport_error(error, operation, url)),
        }
    }

    /// Gets a public document, following at most three redirects within the same https origin.
    pub(crate) async fn get_public(
        &self,
        operation: Operation,
        url: &Url,
        limits: HttpLimits,
        log: &Log,
        build: impl Fn(&Url) -> Result<HttpRequest, Error>,
    ) -> Result<HttpResponse, Error> {
        let mut url = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let request = build(&url).map_err(|error| error.at(operation).endpoint(&url))?;
            let response = self.send(operation, &url, request, limits, log).await?;
            if !response.status().is_redirection() {
                return Ok(response);
            }
            let target =
                response.headers().get(LOCATION).and_then(|to| to.to_str().ok()).and_then(|to| url.join(to).ok());
            match target {
                Some(target) if target.origin() == url.origin() && target.scheme() == "https" => url = target,
                _ => {
                    return Err(Error::new(
                        ErrorCode::RedirectRefused,
                        "the document was redirected to another server, or away from https",
                    )
                    .at(operation)
                    .endpoint(&url)
                    .status(response.status().as_u16()));
                }
            }
        }
        Err(Error::new(ErrorCode::RedirectRefused, "the document was redirected too often")
            .at(operation)
            .endpoint(&url))
    }
}

fn transport_error(error: TransportError, operation: Operation, url: &Url) -> Error {
    let code = match error.kind {
        TransportErrorKind::Unreachable => ErrorCode::Unreachable,
        TransportErrorKind::TimedOut => ErrorCode::TimedOut,
        TransportErrorKind::Tls => ErrorCode::TlsFailed,
        TransportErrorKind::TooLarge => ErrorCode::ResponseTooLarge,
        TransportErrorKind::ForbiddenAddress => ErrorCode::AddressForbidden,
        TransportErrorKind::ConnectionLost | TransportErrorKind::Other => ErrorCode::ConnectionLost,
    };
    let outcome = match (code, error.maybe_sent) {
        // An answer that is too long is an answer.
        (ErrorCode::ResponseTooLarge, _) => RequestOutcome::Answered,
        (_, true) => RequestOutcome::Unknown,
        (_, false) => RequestOutcome::NotSent,
    };
    Error::new(code, error.detail.clone()).at(operation).endpoint(url).outcome_is(outcome).caused_by(error)
}

/// The names of form fields or JSON members, and whether a token went along.
fn sent_names(request: &HttpRequest) -> Vec<String> {
    let mut names = Vec::new();
    if let Some(value) = request.headers().get(AUTHORIZATION) {
        let scheme = value.to_str().ok().and_then(|value| value.split(' ').next()).unwrap_or("?");
        names.push(format!("Authorization: {scheme}"));
    }
    names.extend(
        message::PROOF_HEADERS.iter().filter(|name| request.headers().contains_key(**name)).map(ToString::to_string),
    );
    let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if media_type.contains("form") {
        names.extend(url::form_urlencoded::parse(request.body()).map(|(name, _)| name.into_owned()));
    } else if let Ok(Value::Object(members)) = json::parse(message::plain_body(request)) {
        if media_type == "application/jwt" {
            names.push(format!("Content-Type: {media_type}"));
        }
        names.extend(members.keys().cloned());
    }
    names
}

/// The names of an answer's top-level members; long documents by number only.
fn received_names(response: &HttpResponse) -> Vec<String> {
    match json::parse(response.body()) {
        // A name is the server's text too: one line, and not without end.
        Ok(Value::Object(members)) if members.len() <= 16 => {
            members.keys().map(|name| plain_text(name).chars().take(60).collect()).collect()
        }
        Ok(Value::Object(members)) => vec![format!("{} members", members.len())],
        _ => Vec::new(),
    }
}
