//! The state behind all endpoints.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use x509_cert::Certificate;

use crate::attester::Attester;
use crate::authorize::{Code, Pending};
use crate::catalogue::{self, Configuration};
use crate::chain;
use crate::clock::Clock;
use crate::credential::Issued;
use crate::deferred::Transaction;
use crate::dialect::{Dialect, Nonces};
use crate::dpop::Realm;
use crate::encryption::RequestKeys;
use crate::faults::{Fault, Switchboard};
use crate::log::Log;
use crate::nonces::Nonce;
use crate::oauth::{AuthServer, Grant};
use crate::offers::{OfferedByState, StoredOffer};
use crate::once::OnceValues;
use crate::options::{AuthorizationServer, Options};
use crate::refresh::Refresh;
use crate::signers::Signers;
use crate::status::Statuses;
use crate::systems::{self, System};
use crate::token::{PreAuthorized, Token};

/// One running issuer.
pub(crate) struct Issuer {
    pub(crate) options: Options,
    pub(crate) dialect: Dialect,
    /// Scheme, host and port, without a slash at the end.
    pub(crate) origin: String,
    /// The credential issuer identifier.
    pub(crate) id: String,
    pub(crate) servers: Vec<AuthServer>,
    pub(crate) configurations: Vec<Configuration>,
    pub(crate) signers: Signers,
    pub(crate) request_keys: RequestKeys,
    pub(crate) attester: Attester,
    /// Roots behind attestations.
    pub(crate) attester_roots: Vec<Certificate>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) faults: Switchboard,
    pub(crate) log: Log,
    /// The system by name that answers in place of the endpoints here.
    pub(crate) system: Option<Box<dyn System>>,
    book: Mutex<Book>,
}

/// Everything that was handed out.
#[derive(Default)]
pub(crate) struct Book {
    /// Offers by reference, by id.
    pub(crate) offers: HashMap<String, StoredOffer>,
    /// The offers that each `issuer_state` stands for.
    pub(crate) issuer_states: HashMap<String, OfferedByState>,
    pub(crate) pre_authorized: HashMap<String, PreAuthorized>,
    /// Pushed requests, by `request_uri`.
    pub(crate) pushed: HashMap<String, Pending>,
    /// Requests that wait for the user, by the id hidden in the form.
    pub(crate) sign_ins: HashMap<String, Pending>,
    pub(crate) codes: HashMap<String, Code>,
    pub(crate) tokens: HashMap<String, Token>,
    pub(crate) refresh_tokens: HashMap<String, Refresh>,
    pub(crate) nonces: HashMap<String, Nonce>,
    /// What is put off, by `transaction_id`.
    pub(crate) transactions: HashMap<String, Transaction>,
    /// What was issued, by `notification_id`.
    pub(crate) issued: HashMap<String, Issued>,
    /// DPoP nonces of each server.
    pub(crate) dpop_nonces: HashMap<Realm, OnceValues>,
    /// The `jti` of everything that clients authenticated with so far.
    pub(crate) client_jtis: HashSet<String>,
    /// The `jti` of every DPoP proof so far.
    pub(crate) dpop_jtis: HashSet<String>,
    /// The status of every credential that has one.
    pub(crate) statuses: Statuses,
    /// Attestation challenges of each authorization server.
    pub(crate) challenges: HashMap<usize, OnceValues>,
}

impl Book {
    /// Ends a grant: none of its tokens is good any more.
    pub(crate) fn revoke(&mut self, family: &str) {
        self.tokens.retain(|_, token| token.family != family);
        self.refresh_tokens.retain(|_, refresh| refresh.granted.token.family != family);
    }
}

impl Issuer {
    /// An issuer at `origin`, whose authorization server on its own port (if there is one) is at
    /// `second_origin`.
    pub(crate) fn new(options: Options, origin: String, second_origin: Option<&str>) -> Self {
        let id = format!("{origin}{}", options.path);
        let mut both = vec![Grant::Code];
        if options.pre_authorized {
            both.push(Grant::PreAuthorized);
        }
        let server = |origin: &str, path: &str, grants| AuthServer {
            id: format!("{origin}{path}"),
            path: path.to_owned(),
            grants,
        };
        let servers = match options.authorization_server {
            AuthorizationServer::Own => vec![server(&origin, &options.path, both)],
            AuthorizationServer::Path => vec![server(&origin, "/as", both)],
            AuthorizationServer::Port => {
                vec![server(second_origin.unwrap_or(&origin), systems::server_path(options.profile), both)]
            }
            AuthorizationServer::Two => {
                vec![server(&origin, "/as1", vec![Grant::Code]), server(&origin, "/as2", vec![Grant::PreAuthorized])]
            }
        };
        let faults = Switchboard::default();
        for fault in &options.faults {
            faults.set(*fault, None);
        }
        let clock = Arc::new(Clock::default());
        let dialect = Dialect::of(options.profile);
        let attester = Attester::new(clock.clone(), options.attestation_version, dialect.key_attestation_typ);
        let mut attester_roots = chain::read_roots(attester.trust_pem()).expect("the attester's own root");
        let more = options.attester_trust_pem.as_deref().and_then(chain::read_roots);
        attester_roots.extend(more.unwrap_or_default());
        Self {
            configurations: catalogue::configurations(&options, &dialect),
            dialect,
            signers: Signers::new(&origin, &options.path, options.signer),
            request_keys: RequestKeys::new(),
            attester,
            attester_roots,
            system: systems::of(&options, &origin),
            options,
            origin,
            id,
            servers,
            clock,
            faults,
            log: Log::new(),
            book: Mutex::default(),
        }
    }

    /// The state that changes.
    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("no panic while the book is locked")
    }

    /// Seconds since 1970 as this issuer sees it.
    pub(crate) fn now(&self) -> i64 {
        self.clock.now()
    }

    /// A configuration by its id.
    pub(crate) fn configuration(&self, id: &str) -> Option<&Configuration> {
        self.configurations.iter().find(|configuration| configuration.id == id)
    }

    /// Whether key proofs have to hold a nonce.
    pub(crate) fn wants_nonces(&self) -> bool {
        self.dialect.nonces == Nonces::Answers || self.options.nonce_endpoint
    }

    /// `wrong` when the fault strikes, `right` otherwise.
    pub(crate) fn fault_or<'a>(&self, fault: Fault, wrong: &'a str, right: &'a str) -> &'a str {
        if self.faults.strikes(fault) { wrong } else { right }
    }

    /// The server that redeems codes of a grant that is served.
    pub(crate) fn server_for(&self, grant: Grant) -> (usize, &AuthServer) {
        self.servers.iter().enumerate().find(|(_, server)| server.grants.contains(&grant)).expect("the grant is served")
    }
}
