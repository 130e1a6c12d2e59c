//! The program's arguments.

use billfold_test_issuer::{
    AttestationProof, AuthorizationServer, ClientAuth, Curve, Display, Dpop, Encryption, Fault, IssuerKey,
    KeyAttestation, Login, Options, Par, Profile, Scopes, SignedMetadata, SphereonRelease, StatusKind,
};
use clap::{Parser, Subcommand, ValueEnum};

/// A strict issuer for tests, on 127.0.0.1.
///
/// Prints one JSON line (base, offers, login, trust) and serves until its standard input closes,
/// if that is a pipe or a terminal, or until it is told to end (SIGTERM, Ctrl-C).
#[derive(Parser)]
#[command(name = "billfold-test-issuer", args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) task: Option<Task>,
    #[command(flatten)]
    pub(crate) serve: Serve,
}

/// What else the program does.
#[derive(Subcommand)]
pub(crate) enum Task {
    /// Plays the user: signs in at an authorization URL of a running issuer, and opens the
    /// redirect if it leads to a loopback address. Prints the redirect.
    SignIn {
        /// User name.
        #[arg(long, default_value_t = Login::default().user)]
        user: String,
        /// Password.
        #[arg(long, default_value_t = Login::default().password)]
        password: String,
        /// Say no.
        #[arg(long)]
        deny: bool,
        /// Only print the redirect.
        #[arg(long)]
        no_open: bool,
        /// The authorization URL.
        url: String,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Release {
    #[value(name = "0.14")]
    Old,
    #[value(name = "0.20")]
    New,
}

#[derive(clap::Args)]
pub(crate) struct Serve {
    /// Port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Dialect to speak.
    #[arg(long, default_value = "final")]
    profile: Profile,
    /// Something to do wrong; may be given several times.
    #[arg(long = "fault", value_name = "NAME")]
    faults: Vec<Fault>,
    /// Milliseconds that each request takes at least.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Path of the issuer identifier, such as /tenant.
    #[arg(long, default_value = "")]
    path: String,
    /// Pushed authorization requests.
    #[arg(long, value_enum, default_value_t = ParMode::On)]
    par: ParMode,
    /// Seconds that a pushed request lives.
    #[arg(long, value_name = "SECONDS", default_value_t = Options::default().par_lifetime)]
    par_lifetime: i64,
    /// Refuse `authorization_details`.
    #[arg(long)]
    no_authorization_details: bool,
    /// Which configurations have a scope.
    #[arg(long, value_enum, default_value_t = ScopesMode::Most)]
    scopes: ScopesMode,
    /// Have no pre-authorized code grant.
    #[arg(long)]
    no_pre_authorized: bool,
    /// Sender-constrained access tokens.
    #[arg(long, value_enum, default_value_t = DpopMode::On)]
    dpop: DpopMode,
    /// Make every DPoP proof carry a nonce.
    #[arg(long)]
    dpop_nonces: bool,
    /// How clients authenticate.
    #[arg(long, value_enum, default_value_t = ClientAuthMode::None)]
    client_auth: ClientAuthMode,
    /// Make the proof of possession of a client attestation carry a challenge.
    #[arg(long)]
    challenges: bool,
    /// Version of the draft for client attestations: from 8 on without `iss`.
    #[arg(long, value_name = "N", default_value_t = 7)]
    attestation_version: u8,
    /// File with a JWK set: keys of clients that authenticate by `private_key_jwt`.
    #[arg(long, value_name = "FILE", value_parser = read_keys)]
    client_jwks: Option<KeySet>,
    /// Where the authorization server lives.
    #[arg(long, value_enum, default_value_t = Server::Own)]
    authorization_server: Server,
    /// Have no nonce endpoint; in a draft without one, give no nonce with the token.
    #[arg(long)]
    no_nonce: bool,
    /// Have no notification endpoint.
    #[arg(long)]
    no_notification: bool,
    /// Give refresh tokens.
    #[arg(long)]
    refresh_tokens: bool,
    /// Keep a refresh token good when it is used.
    #[arg(long)]
    no_rotation: bool,
    /// Seconds that an access token lives.
    #[arg(long, value_name = "SECONDS", default_value_t = Options::default().token_lifetime)]
    token_lifetime: i64,
    /// Put every credential off until the wallet asked N times in vain.
    #[arg(long, value_name = "N")]
    deferred: Option<u32>,
    /// Refuse pre-authorized codes from clients without `client_id`.
    #[arg(long)]
    no_anonymous: bool,
    /// With the profile `identus`: name the issuer by the short form of its DID, which has to be looked up.
    #[arg(long)]
    published_did: bool,
    /// With the profile `credibil`: keep the mistakes of its library that let no conforming wallet through.
    #[arg(long)]
    credibil_as_is: bool,
    /// With the profile `didroom`: only name the keys in metadata, so that they have to be looked up.
    #[arg(long)]
    bare_jwks: bool,
    /// The release of the profile `sphereon`.
    #[arg(long, value_enum, value_name = "RELEASE", default_value_t = Release::New)]
    sphereon_release: Release,
    /// Leave `iss` out of redirects, and say so in the metadata.
    #[arg(long)]
    no_iss: bool,
    /// Always give `credential_identifiers` with the token.
    #[arg(long)]
    credential_identifiers: bool,
    /// Most proofs in one request.
    #[arg(long, default_value_t = 4)]
    batch_size: usize,
    /// Whether proofs have to come with a key attestation.
    #[arg(long, value_enum, default_value_t = KeyAttestationMode::Off)]
    key_attestation: KeyAttestationMode,
    /// The proof type `attestation`.
    #[arg(long, value_enum, default_value_t = AttestationProofMode::Off)]
    attestation_proof: AttestationProofMode,
    /// List the proof type `di_vp` where credentials are bound to DIDs.
    #[arg(long)]
    di_vp_proof: bool,
    /// File with roots of attesters to trust besides the built-in one, in PEM.
    #[arg(long, value_name = "FILE", value_parser = read_file)]
    attester_trust: Option<String>,
    /// Issuer metadata as a JWT.
    #[arg(long, value_enum, default_value_t = SignedMetadataMode::Off)]
    signed_metadata: SignedMetadataMode,
    /// Encryption of credential requests and responses.
    #[arg(long, value_enum, default_value_t = EncryptionMode::Off)]
    encryption: EncryptionMode,
    /// Take and make compressed messages too.
    #[arg(long)]
    encryption_zip: bool,
    /// How the key of the main credentials is found.
    #[arg(long, value_enum, default_value_t = Key::X5c)]
    issuer_key: Key,
    /// Curve of every key that signs credentials, except those of `ldp_vc`.
    #[arg(long, value_enum)]
    signer: Option<CurveName>,
    /// Names, pictures and colours of the issuer and its credentials.
    #[arg(long, value_enum, default_value_t = DisplayName::University)]
    display: DisplayName,
    /// Give every credential a place in a status list. What a format cannot say is said its own
    /// way: mdocs point to CWTs, SD-JWTs to JWTs unless told otherwise, `ldp_vc` to bitstrings.
    #[arg(long, value_enum)]
    status: Option<StatusName>,
    /// Seconds that a status list may be kept.
    #[arg(long, value_name = "SECONDS", default_value_t = Options::default().status_ttl)]
    status_ttl: i64,
    /// Put `credential_metadata` into credential responses, as in 1.1.
    #[arg(long)]
    response_metadata: bool,
    /// Have a configuration of a format that no wallet knows.
    #[arg(long)]
    unknown_format: bool,
    /// Ignore unknown members of a credential request, as the specification says, instead of
    /// refusing them.
    #[arg(long)]
    ignore_unknown: bool,
    /// Admit the registered client only.
    #[arg(long)]
    strict_clients: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum ParMode {
    Off,
    On,
    Required,
}

#[derive(Clone, Copy, ValueEnum)]
enum KeyAttestationMode {
    Off,
    Required,
    Levels,
}

#[derive(Clone, Copy, ValueEnum)]
enum AttestationProofMode {
    Off,
    Also,
    Only,
}

/// A JWK set.
#[derive(Clone, serde::Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

fn read_keys(path: &str) -> Result<KeySet, std::io::Error> {
    serde_json::from_str(&read_file(path)?).map_err(std::io::Error::from)
}

fn read_file(path: &str) -> Result<String, std::io::Error> {
    std::fs::read_to_string(path)
}

#[derive(Clone, Copy, ValueEnum)]
enum SignedMetadataMode {
    Off,
    Offered,
    Only,
}

#[derive(Clone, Copy, ValueEnum)]
enum EncryptionMode {
    Off,
    Offered,
    Request,
    Response,
    Required,
}

#[derive(Clone, Copy, ValueEnum)]
enum ScopesMode {
    Most,
    All,
    None,
}

#[derive(Clone, Copy, ValueEnum)]
enum DpopMode {
    Off,
    On,
    Required,
}

#[derive(Clone, Copy, ValueEnum)]
enum ClientAuthMode {
    None,
    Attestation,
    PrivateKeyJwt,
    Any,
}

#[derive(Clone, Copy, ValueEnum)]
enum Server {
    Own,
    Path,
    Port,
    Two,
}

#[derive(Clone, Copy, ValueEnum)]
#[expect(clippy::enum_variant_names, reason = "the names are what is typed on the command line")]
enum Key {
    X5c,
    JwtVcIssuer,
    DidKey,
    DidJwk,
    DidWeb,
}

#[derive(Clone, Copy, ValueEnum)]
enum CurveName {
    P256,
    P384,
    Ed25519,
    Secp256k1,
}

#[derive(Clone, Copy, ValueEnum)]
enum DisplayName {
    University,
    Alpine,
    Harbour,
    Plain,
}

#[derive(Clone, Copy, ValueEnum)]
enum StatusName {
    TokenJwt,
    TokenCwt,
    Bitstring,
}

impl From<Serve> for Options {
    fn from(arguments: Serve) -> Self {
        Self {
            port: arguments.port,
            profile: arguments.profile,
            faults: arguments.faults,
            latency_ms: arguments.latency_ms,
            path: arguments.path,
            par: match arguments.par {
                ParMode::Off => Par::Off,
                ParMode::On => Par::On,
                ParMode::Required => Par::Required,
            },
            par_lifetime: arguments.par_lifetime,
            authorization_details: !arguments.no_authorization_details,
            scopes: match arguments.scopes {
                ScopesMode::Most => Scopes::Most,
                ScopesMode::All => Scopes::All,
                ScopesMode::None => Scopes::None,
            },
            pre_authorized: !arguments.no_pre_authorized,
            dpop: match arguments.dpop {
                DpopMode::Off => Dpop::Off,
                DpopMode::On => Dpop::On,
                DpopMode::Required => Dpop::Required,
            },
            dpop_nonces: arguments.dpop_nonces,
            client_auth: match arguments.client_auth {
                ClientAuthMode::None => ClientAuth::None,
                ClientAuthMode::Attestation => ClientAuth::Attestation,
                ClientAuthMode::PrivateKeyJwt => ClientAuth::PrivateKeyJwt,
                ClientAuthMode::Any => ClientAuth::Any,
            },
            challenge_endpoint: arguments.challenges,
            attestation_version: arguments.attestation_version,
            client_jwks: arguments.client_jwks.map_or_else(Vec::new, |set| set.keys),
            authorization_server: match arguments.authorization_server {
                Server::Own => AuthorizationServer::Own,
                Server::Path => AuthorizationServer::Path,
                Server::Port => AuthorizationServer::Port,
                Server::Two => AuthorizationServer::Two,
            },
            nonce_endpoint: !arguments.no_nonce,
            notification_endpoint: !arguments.no_notification,
            refresh_tokens: arguments.refresh_tokens,
            rotate_refresh_tokens: !arguments.no_rotation,
            token_lifetime: arguments.token_lifetime,
            deferred_waits: arguments.deferred,
            anonymous_pre_authorized: !arguments.no_anonymous,
            iss_parameter: !arguments.no_iss,
            credential_identifiers: arguments.credential_identifiers,
            batch_size: arguments.batch_size,
            key_attestation: match arguments.key_attestation {
                KeyAttestationMode::Off => KeyAttestation::Off,
                KeyAttestationMode::Required => KeyAttestation::Required,
                KeyAttestationMode::Levels => KeyAttestation::RequiredLevels,
            },
            attestation_proof: match arguments.attestation_proof {
                AttestationProofMode::Off => AttestationProof::Off,
                AttestationProofMode::Also => AttestationProof::Also,
                AttestationProofMode::Only => AttestationProof::Only,
            },
            di_vp_proof: arguments.di_vp_proof,
            attester_trust_pem: arguments.attester_trust,
            signed_metadata: match arguments.signed_metadata {
                SignedMetadataMode::Off => SignedMetadata::Off,
                SignedMetadataMode::Offered => SignedMetadata::Offered,
                SignedMetadataMode::Only => SignedMetadata::Only,
            },
            encryption: match arguments.encryption {
                EncryptionMode::Off => Encryption::Off,
                EncryptionMode::Offered => Encryption::Offered,
                EncryptionMode::Request => Encryption::RequestRequired,
                EncryptionMode::Response => Encryption::ResponseRequired,
                EncryptionMode::Required => Encryption::Required,
            },
            encryption_zip: arguments.encryption_zip,
            issuer_key: match arguments.issuer_key {
                Key::X5c => IssuerKey::X5c,
                Key::JwtVcIssuer => IssuerKey::JwtVcIssuerMetadata,
                Key::DidKey => IssuerKey::DidKey,
                Key::DidJwk => IssuerKey::DidJwk,
                Key::DidWeb => IssuerKey::DidWeb,
            },
            signer: arguments.signer.map(|name| match name {
                CurveName::P256 => Curve::P256,
                CurveName::P384 => Curve::P384,
                CurveName::Ed25519 => Curve::Ed25519,
                CurveName::Secp256k1 => Curve::Secp256k1,
            }),
            display: match arguments.display {
                DisplayName::University => Display::University,
                DisplayName::Alpine => Display::Alpine,
                DisplayName::Harbour => Display::Harbour,
                DisplayName::Plain => Display::Plain,
            },
            status: arguments.status.map(|name| match name {
                StatusName::TokenJwt => StatusKind::TokenJwt,
                StatusName::TokenCwt => StatusKind::TokenCwt,
                StatusName::Bitstring => StatusKind::Bitstring,
            }),
            status_ttl: arguments.status_ttl,
            response_metadata: arguments.response_metadata,
            unknown_format: arguments.unknown_format,
            refuse_unknown_members: !arguments.ignore_unknown,
            strict_clients: arguments.strict_clients,
            published_did: arguments.published_did,
            credibil_as_is: arguments.credibil_as_is,
            bare_jwks: arguments.bare_jwks,
            sphereon_release: match arguments.sphereon_release {
                Release::Old => SphereonRelease::V0_14,
                Release::New => SphereonRelease::V0_20,
            },
            ..Self::default()
        }
    }
}
