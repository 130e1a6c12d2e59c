/// Resolves DIDs of methods that billfold does not resolve by itself. It is never asked for did:key, did:jwk,
/// did:web and the long form of did:prism.
///
/// A document is judged by the same rules as one of a did:web: its `id` has to be the DID, and only keys that it lists
/// for assertions (`assertionMethod`) sign credentials. Throw ``DidResolverError``; anything else that is thrown counts
/// as a resolver that is not there just now.
public protocol DidResolver: Sendable {
    /// The methods that it knows, such as `ebsi` of `did:ebsi:…`, or `*` for all that billfold does not resolve by
    /// itself. Asked once, when the wallet is opened.
    var methods: [String] { get }

    /// The DID document, as the text of a JSON object.
    ///
    /// - Parameter did: a DID without path, query and fragment.
    /// - Throws: ``DidResolverError``
    func resolve(_ did: String) async throws -> String
}

/// A DID that was not resolved.
public struct DidResolverError: Error, Sendable, Hashable {
    /// What became of it.
    public let kind: Kind

    /// A sentence for developers. It stands in the credential's report.
    public let detail: String

    /// What became of a DID that was not resolved.
    public enum Kind: Sendable, Hashable, CaseIterable {
        /// There is no such DID, or it was deactivated: a credential of it is rejected.
        case notFound
        /// It can't be found out now; later it may. A credential of it is unverified until then.
        case unreachable
        /// It is not a DID of its method: a credential of it is rejected.
        case invalid
    }

    /// A failure of a kind, with its sentence.
    public init(_ kind: Kind, _ detail: String) {
        self.kind = kind
        self.detail = detail
    }
}
