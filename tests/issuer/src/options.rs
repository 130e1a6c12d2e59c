//! How an issuer is set up.

use crate::chain;
use crate::display::Display;
use crate::faults::Fault;
use crate::jwe;
use crate::keys::{Curve, PublicKey};
use crate::profile::Profile;
use crate::status::StatusKind;

/// Pushed authorization requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Par {
    /// No such endpoint.
    Off,
    /// There is an endpoint, a plain authorization request works too.
    #[default]
    On,
    /// The only way in.
    Required,
}

/// Sender-constrained access tokens (RFC 9449).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dpop {
    /// Not offered; a proof is ignored.
    Off,
    /// Offered; whoever sends a proof gets a token that is bound to its key.
    #[default]
    On,
    /// No token without a proof.
    Required,
}

/// How clients authenticate at the pushed authorization request and at the token endpoint, for
/// every grant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// Not at all: every client is public.
    #[default]
    None,
    /// By client attestation (`attest_jwt_client_auth`).
    Attestation,
    /// By an assertion signed with a registered key (`private_key_jwt`).
    PrivateKeyJwt,
    /// By either of the two.
    Any,
}

/// Where the authorization server lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuthorizationServer {
    /// The issuer is its own; metadata has no `authorization_servers`.
    #[default]
    Own,
    /// One server under the path `/as` of the same origin.
    Path,
    /// One server on a port of its own, which is another origin.
    Port,
    /// Two servers: `/as1` serves the code grant only, `/as2` the pre-authorized grant only.
    Two,
}

/// How the key that signed a credential is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IssuerKey {
    /// Certificate chain in the header (ES256).
    #[default]
    X5c,
    /// `iss` and `kid`, looked up in the JWT VC issuer metadata (ES256).
    JwtVcIssuerMetadata,
    /// `did:key` (Ed25519).
    DidKey,
    /// `did:jwk` (ES256).
    DidJwk,
    /// `did:web` of the issuer's own host (ES384).
    DidWeb,
}

/// Encryption of credential requests and responses, deferred ones too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encryption {
    /// None; the metadata says nothing of it.
    #[default]
    Off,
    /// Whoever wants to may.
    Offered,
    /// Requests have to be encrypted.
    RequestRequired,
    /// Responses have to be, and so have the requests that carry the key for it.
    ResponseRequired,
    /// Both have to be.
    Required,
}

/// Whether proofs have to come with a key attestation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyAttestation {
    /// None is asked for and none is taken.
    #[default]
    Off,
    /// Any will do.
    Required,
    /// One that names certain levels of key storage and user authentication.
    RequiredLevels,
}

/// The proof type `attestation`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AttestationProof {
    /// Not listed and not taken.
    #[default]
    Off,
    /// Besides `jwt`.
    Also,
    /// Instead of `jwt`.
    Only,
}

/// Issuer metadata as a JWT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignedMetadata {
    /// The metadata is JSON, whatever `Accept` says.
    #[default]
    Off,
    /// Whoever prefers `application/jwt` gets it.
    Offered,
    /// There is nothing else; who does not accept it gets 406.
    Only,
}

/// Which credential configurations have a `scope`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scopes {
    /// All but `StudentCard_dc_sd_jwt`.
    #[default]
    Most,
    /// Every one.
    All,
    /// None, so that `authorization_details` are the only way.
    None,
}

/// A registered client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The `client_id`.
    pub id: String,
    /// Redirect URIs. One on a loopback address fits with any port (RFC 8252 section 7.3).
    pub redirect_uris: Vec<String>,
}

/// A release of Sphereon's issuer server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SphereonRelease {
    /// 0.14.0: as in draft 13, without a document of the authorization server.
    V0_14,
    /// 0.20.1: as in draft 15, not strict about it.
    #[default]
    V0_20,
}

/// The user who can sign in.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Login {
    /// User name.
    pub user: String,
    /// Password.
    pub password: String,
}

impl Default for Login {
    fn default() -> Self {
        Self { user: "erika".to_owned(), password: "correct horse".to_owned() }
    }
}

/// Everything that can be chosen. The default is a strict issuer with every endpoint, its own
/// authorization server, on a free port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// The dialect.
    pub profile: Profile,
    /// Faults that are on from the start.
    pub faults: Vec<Fault>,
    /// Milliseconds that every request takes at least.
    pub latency_ms: u64,
    /// Path of the issuer identifier, such as `/tenant`; empty for none.
    pub path: String,
    /// Pushed authorization requests.
    pub par: Par,
    /// Seconds that a pushed request lives.
    pub par_lifetime: i64,
    /// Whether `authorization_details` are taken. Otherwise a request that has some is refused.
    pub authorization_details: bool,
    /// Which configurations can be asked for by scope.
    pub scopes: Scopes,
    /// Whether there is the pre-authorized code grant.
    pub pre_authorized: bool,
    /// Sender-constrained access tokens.
    pub dpop: Dpop,
    /// Whether a DPoP proof needs a nonce. The authorization server and the credential issuer have
    /// nonces of their own, each good once, and put a new one on every answer.
    pub dpop_nonces: bool,
    /// How clients authenticate. Where they have to, there is no anonymous access either.
    pub client_auth: ClientAuth,
    /// Version of the draft for client attestations: up to 7 both JWTs need `iss`, from 8 on they
    /// must not have one.
    pub attestation_version: u8,
    /// The registered keys (JWK) of clients that authenticate by `private_key_jwt`.
    pub client_jwks: Vec<serde_json::Value>,
    /// Whether the proof of possession of a client attestation needs a challenge, each good once.
    pub challenge_endpoint: bool,
    /// Where the authorization server lives.
    pub authorization_server: AuthorizationServer,
    /// Whether there is a nonce endpoint. In a draft where nonces come in answers: whether the token
    /// answer has one.
    pub nonce_endpoint: bool,
    /// Whether there is a notification endpoint.
    pub notification_endpoint: bool,
    /// If set, every credential comes by the deferred endpoint, after the wallet asked there this
    /// many times in vain.
    pub deferred_waits: Option<u32>,
    /// Seconds that a wallet shall wait between two asks.
    pub deferred_interval: u32,
    /// Whether a pre-authorized code may be redeemed without a `client_id`.
    pub anonymous_pre_authorized: bool,
    /// Whether redirects carry `iss`, and the metadata says so.
    pub iss_parameter: bool,
    /// Whether the token answer names `credential_identifiers` although no
    /// `authorization_details` were sent. With `authorization_details` it always does, but for the
    /// drafts 12 and 13, which have them by this choice only, and then for `authorization_details`.
    pub credential_identifiers: bool,
    /// How many identifiers each configuration gets.
    pub identifiers_per_configuration: usize,
    /// Most proofs in one request; below 2 nothing is advertised and one is the limit.
    pub batch_size: usize,
    /// Whether `jwt` proofs have to come with a key attestation.
    pub key_attestation: KeyAttestation,
    /// The proof type `attestation`.
    pub attestation_proof: AttestationProof,
    /// Whether the proof type `di_vp` (`ldp_vp` in drafts) is listed where credentials are bound to DIDs.
    pub di_vp_proof: bool,
    /// Roots of attesters to trust besides the built-in one, in PEM.
    pub attester_trust_pem: Option<String>,
    /// Issuer metadata as a JWT, under the same root as credentials.
    pub signed_metadata: SignedMetadata,
    /// Encryption of credential requests and responses.
    pub encryption: Encryption,
    /// The `enc` values that are listed and taken: `A128GCM` and `A256GCM` or one of them.
    pub encryption_enc_values: Vec<String>,
    /// Whether compression (`DEF`) is listed and taken.
    pub encryption_zip: bool,
    /// How the key of the two main credentials is found; the others have it in their id.
    pub issuer_key: IssuerKey,
    /// The curve of every key that signs credentials, however it is found. Otherwise it is what
    /// [`IssuerKey`] says. Those of `ldp_vc` go by their suite.
    pub signer: Option<Curve>,
    /// How it presents itself and its credentials.
    pub display: Display,
    /// The status list that credentials have a place in, unless an offer says otherwise.
    pub status: Option<StatusKind>,
    /// Seconds that a status list may be kept (`ttl`).
    pub status_ttl: i64,
    /// Seconds until a status list expires.
    pub status_lifetime: i64,
    /// Whether credential responses have `credential_metadata`, as in 1.1.
    pub response_metadata: bool,
    /// Whether there is a configuration of a format that no wallet knows.
    pub unknown_format: bool,
    /// Whether JWT VC issuer metadata points to its keys with `jwks_uri`.
    pub jwks_by_uri: bool,
    /// Whether members of a credential request that 1.0 does not know are refused. The
    /// specification has them ignored; refusing finds wallets that send leftovers of drafts.
    pub refuse_unknown_members: bool,
    /// Whether only `clients` may come. Otherwise any public client is welcome that redirects to
    /// a loopback address or to a private-use scheme.
    pub strict_clients: bool,
    /// The clients that `strict_clients` admits.
    pub clients: Vec<Client>,
    /// Seconds that an access token lives.
    pub token_lifetime: i64,
    /// Whether refresh tokens are given. They are bound to the client, to its DPoP key and to its
    /// attested key.
    pub refresh_tokens: bool,
    /// Whether each refresh gives a new refresh token. The old one is void then; if it comes
    /// again, everything that was got with it is revoked.
    pub rotate_refresh_tokens: bool,
    /// Seconds that a refresh token lives.
    pub refresh_token_lifetime: i64,
    /// Seconds that a nonce lives.
    pub nonce_lifetime: i64,
    /// Whether the issuer of the profile `identus` goes by the short form of its DID, which has to be
    /// looked up, and not by the long form.
    pub published_did: bool,
    /// Whether the profile `credibil` keeps the mistakes of its library that let no conforming wallet through.
    pub credibil_as_is: bool,
    /// Whether metadata of the profile `didroom` only names its keys, which have to be looked up then.
    pub bare_jwks: bool,
    /// Which release of the profile `sphereon`.
    pub sphereon_release: SphereonRelease,
    /// Who can sign in.
    pub login: Login,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            profile: Profile::default(),
            faults: Vec::new(),
            latency_ms: 0,
            path: String::new(),
            par: Par::default(),
            par_lifetime: 60,
            authorization_details: true,
            scopes: Scopes::default(),
            pre_authorized: true,
            dpop: Dpop::default(),
            dpop_nonces: false,
            client_auth: ClientAuth::default(),
            attestation_version: 7,
            client_jwks: Vec::new(),
            challenge_endpoint: false,
            authorization_server: AuthorizationServer::default(),
            nonce_endpoint: true,
            notification_endpoint: true,
            deferred_waits: None,
            deferred_interval: 1,
            anonymous_pre_authorized: true,
            iss_parameter: true,
            credential_identifiers: false,
            identifiers_per_configuration: 1,
            batch_size: 4,
            key_attestation: KeyAttestation::default(),
            attestation_proof: AttestationProof::default(),
            di_vp_proof: false,
            attester_trust_pem: None,
            signed_metadata: SignedMetadata::default(),
            encryption: Encryption::default(),
            encryption_enc_values: jwe::ENCS.map(str::to_owned).to_vec(),
            encryption_zip: false,
            issuer_key: IssuerKey::default(),
            signer: None,
            display: Display::University,
            status: None,
            status_ttl: 300,
            status_lifetime: 24 * 3600,
            response_metadata: false,
            unknown_format: false,
            jwks_by_uri: false,
            refuse_unknown_members: true,
            strict_clients: false,
            clients: vec![Client {
                id: "billfold-test-wallet".to_owned(),
                redirect_uris: vec!["http://127.0.0.1/callback".to_owned(), "dev.billfold.wallet:/callback".to_owned()],
            }],
            token_lifetime: 300,
            refresh_tokens: false,
            rotate_refresh_tokens: true,
            refresh_token_lifetime: 30 * 24 * 3600,
            nonce_lifetime: 300,
            published_did: false,
            credibil_as_is: false,
            bare_jwks: false,
            sphereon_release: SphereonRelease::default(),
            login: Login::default(),
        }
    }
}

impl Options {
    /// Whether a pre-authorized code may be redeemed by somebody unknown.
    pub(crate) fn anonymous(&self) -> bool {
        self.anonymous_pre_authorized && self.client_auth == ClientAuth::None
    }

    /// Refuses what cannot be served.
    pub(crate) fn check(&self) -> Result<(), String> {
        let legal = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
        let path = &self.path;
        if !path.is_empty() && (!path.starts_with('/') || path.ends_with('/') || !path.chars().all(legal)) {
            return Err(format!("'{path}' is not a path like /tenant (a slash first, none last)"));
        }
        if let Some(reason) = self.client_jwks.iter().find_map(|jwk| PublicKey::from_jwk(jwk).err()) {
            return Err(format!("client_jwks: {reason}"));
        }
        if !self.authorization_details && self.scopes == Scopes::None {
            return Err("with neither scopes nor authorization_details nothing can be asked for".to_owned());
        }
        if !self.pre_authorized && self.authorization_server == AuthorizationServer::Two {
            return Err("the second of two authorization servers is for the pre-authorized code grant".to_owned());
        }
        if self.deferred_interval == 0 {
            return Err("the interval of deferred credentials is positive".to_owned());
        }
        if self.identifiers_per_configuration == 0 {
            return Err("a configuration needs one credential identifier at least".to_owned());
        }
        if self.attester_trust_pem.as_ref().is_some_and(|pem| chain::read_roots(pem).is_none()) {
            return Err("attester_trust_pem holds no certificates in PEM".to_owned());
        }
        let known = |enc: &String| jwe::ENCS.contains(&enc.as_str());
        if self.encryption_enc_values.is_empty() || !self.encryption_enc_values.iter().all(known) {
            return Err(format!("the enc values to list are some of {}", jwe::ENCS.join(", ")));
        }
        if ["/as", "/as1", "/as2", "/test"].contains(&path.as_str()) {
            return Err(format!("the path {path} is taken"));
        }
        Ok(())
    }
}
