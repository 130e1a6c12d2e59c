import Foundation

/// Makes keys and signs with them. The private keys stay in the platform.
///
/// ``create(algorithm:purpose:count:)`` and ``sign(_:)`` take several at once, so that a platform which asks the user
/// does it once for a batch. Throw ``KeyError``; of anything else that is thrown only the type's name is
/// passed on, and the error itself as ``BillfoldError/underlyingError`` where it can be told.
public protocol HolderKeys: Sendable {
    /// The algorithms that keys can have, the preferred first. Asked once, when the wallet is opened.
    var algorithms: [Algorithm] { get }

    /// Makes `count` keys: all of them or none.
    ///
    /// - Parameter purpose: what they are for. Ask the user about keys for ``KeyPurpose/credential`` only.
    /// - Throws: ``KeyError``
    func create(algorithm: Algorithm, purpose: KeyPurpose, count: Int) async throws -> [HolderKey]

    /// Signs all requests, in their order: all of them or none. ECDSA signatures may be DER, as Apple's
    /// frameworks make them, or raw.
    ///
    /// - Throws: ``KeyError``
    func sign(_ requests: [SignRequest]) async throws -> [Data]

    /// Deletes keys. One that is not there is no error.
    ///
    /// - Throws: ``KeyError``
    func delete(_ handles: [String]) async throws

    /// The keys of these names, in their order; `nil` for one that is not there. A backup names them: what is bound to
    /// a key that is there can be used again at once. Without asking the user.
    ///
    /// - Throws: ``KeyError``
    func find(_ handles: [String]) async throws -> [HolderKey?]
}

extension HolderKeys {
    /// None of them is there: what comes out of a backup has to be renewed before it can be used.
    public func find(_ handles: [String]) async throws -> [HolderKey?] {
        handles.map { _ in nil }
    }
}

/// What a key is for. Only credentials' keys are worth asking the user about: the others sign on every request,
/// also when nobody looks at the phone.
public enum KeyPurpose: Sendable, Hashable, CaseIterable {
    /// A credential will be bound to it.
    case credential
    /// Access tokens will be bound to it (DPoP).
    case accessToken
    /// Client attestations will be bound to it.
    case clientInstance
}

/// A signature algorithm.
public enum Algorithm: Sendable, Hashable, CaseIterable {
    /// ECDSA with P-256 and SHA-256.
    case es256
    /// ECDSA with P-384 and SHA-384.
    case es384
    /// EdDSA with Ed25519.
    case edDSA
    /// ECDSA with secp256k1 and SHA-256.
    case es256k
}

/// A key as the platform made it.
public struct HolderKey: Sendable, Hashable {
    /// Its name in the key store, under which ``HolderKeys/sign(_:)`` finds it.
    public let handle: String

    /// What it signs with.
    public let algorithm: Algorithm

    /// Its public half. ECDSA: the uncompressed point, 04 X Y, which is CryptoKit's `x963Representation`
    /// and what `SecKeyCopyExternalRepresentation` gives. EdDSA: the 32 octets.
    public let publicKey: Data

    /// Certificates for it, if the platform has some: DER, its own first. Needed only where proofs name their key
    /// by certificate (``Binding/x5c``).
    public let certificates: [Data]

    /// A key with its name.
    public init(handle: String, algorithm: Algorithm, publicKey: Data, certificates: [Data] = []) {
        self.handle = handle
        self.algorithm = algorithm
        self.publicKey = publicKey
        self.certificates = certificates
    }
}

/// One signature that is wanted.
public struct SignRequest: Sendable, Hashable {
    /// With which key.
    public let handle: String

    /// With which algorithm, the one that the key was made for.
    public let algorithm: Algorithm

    /// Over which octets; the algorithm's own hash is applied to them.
    public let payload: Data

    /// A request, for tests of an implementation.
    public init(handle: String, algorithm: Algorithm, payload: Data) {
        self.handle = handle
        self.algorithm = algorithm
        self.payload = payload
    }
}

/// A key operation that failed.
public struct KeyError: Error, Sendable, Hashable {
    /// What went wrong.
    public let kind: Kind

    /// A sentence for developers. It becomes part of errors and logs: no secrets.
    public let detail: String

    /// What went wrong with a key.
    public enum Kind: Sendable, Hashable, CaseIterable {
        /// There is no such key.
        case unknown
        /// The user did not unlock it.
        case locked
        /// The platform can't make such keys.
        case unsupported
        /// Anything else.
        case failed
    }

    /// A failure of a kind, with its sentence.
    public init(_ kind: Kind, _ detail: String) {
        self.kind = kind
        self.detail = detail
    }
}
