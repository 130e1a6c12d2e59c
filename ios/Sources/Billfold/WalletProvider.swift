import Foundation

/// The app's back end, as far as the wallet needs it: it vouches for the wallet and for its keys, towards
/// authorization servers and issuers that ask for that.
///
/// Say in ``capabilities`` what it can do, and implement that; it is asked for nothing else. What it gives is
/// checked before it is used. Throw ``ProviderError``; anything else that is thrown counts as a back end that is
/// not there just now, and only the type's name is passed on. The functions may take their time, and run side by
/// side.
///
/// ```swift
/// struct BackEnd: WalletProvider {
///     let server: any Server
///
///     var capabilities: ProviderCapabilities { ProviderCapabilities(clientAttestation: true, keyAttestation: true) }
///
///     func clientAttestation(_ request: ClientAttestationRequest) async throws -> String {
///         try await server.attestClient(request.clientID, request.key.publicJwk)
///     }
///
///     func keyAttestation(_ request: KeyAttestationRequest) async throws -> String {
///         try await server.attestKeys(request.keys.map(\.publicJwk), request.nonce)
///     }
/// }
/// ```
public protocol WalletProvider: Sendable {
    /// What it can do. Asked once, when the wallet is opened.
    var capabilities: ProviderCapabilities { get }

    /// A client attestation (OpenID4VCI appendix E), as a compact JWT with `typ` `oauth-client-attestation+jwt`.
    /// An app whose provider gives none leaves this out.
    ///
    /// - Throws: ``ProviderError``
    func clientAttestation(_ request: ClientAttestationRequest) async throws -> String

    /// A signature with the client's own key (`private_key_jwt`, RFC 7523). An ECDSA signature may be DER, as
    /// Apple's frameworks make it, or raw. An app whose provider signs none leaves this out.
    ///
    /// - Throws: ``ProviderError``
    func signClientAssertion(_ request: ClientAssertionRequest) async throws -> Data

    /// A key attestation (OpenID4VCI appendix D), as a compact JWT with `typ` `key-attestation+jwt`. An app whose
    /// provider gives none leaves this out.
    ///
    /// - Throws: ``ProviderError``
    func keyAttestation(_ request: KeyAttestationRequest) async throws -> String
}

extension WalletProvider {
    /// Throws ``ProviderError/Kind/unsupported``.
    public func clientAttestation(_ request: ClientAttestationRequest) async throws -> String {
        throw ProviderError(.unsupported, "the wallet provider gives no client attestations")
    }

    /// Throws ``ProviderError/Kind/unsupported``.
    public func signClientAssertion(_ request: ClientAssertionRequest) async throws -> Data {
        throw ProviderError(.unsupported, "the wallet provider signs no client assertions")
    }

    /// Throws ``ProviderError/Kind/unsupported``.
    public func keyAttestation(_ request: KeyAttestationRequest) async throws -> String {
        throw ProviderError(.unsupported, "the wallet provider gives no key attestations")
    }
}

/// What a ``WalletProvider`` can do.
public struct ProviderCapabilities: Sendable, Hashable {
    /// It gives client attestations: the wallet authenticates with them where a server takes
    /// `attest_jwt_client_auth`.
    public var clientAttestation: Bool

    /// It signs client assertions with this key: the wallet authenticates with them where a server takes
    /// `private_key_jwt` and no attestation.
    public var clientAssertion: ClientAssertionKey?

    /// It gives key attestations.
    public var keyAttestation: Bool

    /// Every capability; none of them unless it is named.
    public init(
        clientAttestation: Bool = false,
        clientAssertion: ClientAssertionKey? = nil,
        keyAttestation: Bool = false
    ) {
        self.clientAttestation = clientAttestation
        self.clientAssertion = clientAssertion
        self.keyAttestation = keyAttestation
    }
}

/// The key behind client assertions, known to the authorization servers.
public struct ClientAssertionKey: Sendable, Hashable {
    /// What it signs with.
    public let algorithm: Algorithm

    /// Its `kid` in the client's registered keys, if it has one.
    public let keyID: String?

    /// A key by its name among the client's.
    public init(algorithm: Algorithm, keyID: String? = nil) {
        self.algorithm = algorithm
        self.keyID = keyID
    }
}

/// A key of the wallet that the provider has to name in what it signs.
public struct KeyToAttest: Sendable, Hashable {
    /// Its name in ``HolderKeys``.
    public let handle: String

    /// What it signs with.
    public let algorithm: Algorithm

    /// Its public half as the text of a JWK, to be put into `cnf` or `attested_keys` as it is.
    public let publicJwk: String

    /// What ``HolderKey/certificates`` were when it was made: DER, the key's own first.
    public let certificates: [Data]

    /// A key, for tests of an implementation.
    public init(handle: String, algorithm: Algorithm, publicJwk: String, certificates: [Data] = []) {
        self.handle = handle
        self.algorithm = algorithm
        self.publicJwk = publicJwk
        self.certificates = certificates
    }
}

/// Asks for a client attestation.
public struct ClientAttestationRequest: Sendable, Hashable {
    /// The authorization server that will see it. An attestation is never shown to another one.
    public let authorizationServer: String

    /// The `sub` that it has to have. It names the wallet product, never one installation: every user of the app
    /// shares it, or issuers could follow one user by it.
    public let clientID: String

    /// The key that it has to name as `cnf.jwk`: fresh, and in ``HolderKeys``.
    public let key: KeyToAttest

    /// A request, for tests of an implementation.
    public init(authorizationServer: String, clientID: String, key: KeyToAttest) {
        self.authorizationServer = authorizationServer
        self.clientID = clientID
        self.key = key
    }
}

/// Asks for the signature of a client assertion.
public struct ClientAssertionRequest: Sendable, Hashable {
    /// The authorization server that will see it.
    public let authorizationServer: String

    /// Which key has to sign.
    public let key: ClientAssertionKey

    /// Over which octets; the algorithm's own hash is applied to them.
    public let payload: Data

    /// A request, for tests of an implementation.
    public init(authorizationServer: String, key: ClientAssertionKey, payload: Data) {
        self.authorizationServer = authorizationServer
        self.key = key
        self.payload = payload
    }
}

/// Asks for a key attestation.
public struct KeyAttestationRequest: Sendable, Hashable {
    /// The credential issuer that will see it.
    public let credentialIssuer: String

    /// The keys that it has to name as `attested_keys`, in this order. All are of one algorithm.
    public let keys: [KeyToAttest]

    /// The `nonce` that it has to carry; `nil` where the issuer gives none.
    public let nonce: String?

    /// The `key_storage` levels of which the issuer accepts any; empty where it does not care.
    public let keyStorage: [String]

    /// The `user_authentication` levels of which the issuer accepts any; empty where it does not care.
    public let userAuthentication: [String]

    /// The algorithms that the attestation may be signed with, by their JOSE names.
    public let signingAlgorithms: [String]

    /// Whether it travels in the header of a `jwt` proof, where it needs an `exp`; otherwise it is the proof itself.
    public let isInsideJwtProof: Bool

    /// A request, for tests of an implementation.
    public init(
        credentialIssuer: String,
        keys: [KeyToAttest],
        nonce: String? = nil,
        keyStorage: [String] = [],
        userAuthentication: [String] = [],
        signingAlgorithms: [String] = ["ES256"],
        isInsideJwtProof: Bool = true
    ) {
        self.credentialIssuer = credentialIssuer
        self.keys = keys
        self.nonce = nonce
        self.keyStorage = keyStorage
        self.userAuthentication = userAuthentication
        self.signingAlgorithms = signingAlgorithms
        self.isInsideJwtProof = isInsideJwtProof
    }
}

/// A wallet provider that did not help.
public struct ProviderError: Error, Sendable, Hashable {
    /// What went wrong.
    public let kind: Kind

    /// A sentence for developers. It becomes part of errors and logs: no secrets.
    public let detail: String

    /// What went wrong at the wallet provider.
    public enum Kind: Sendable, Hashable, CaseIterable {
        /// It could not be reached, or failed; later it may work.
        case unavailable
        /// It does not vouch for this wallet or these keys.
        case refused
        /// It does not do this at all.
        case unsupported
    }

    /// A failure of a kind, with its sentence.
    public init(_ kind: Kind, _ detail: String) {
        self.kind = kind
        self.detail = detail
    }
}
