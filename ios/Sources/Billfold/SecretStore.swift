import Foundation

/// Keeps small secrets by name. The platform's own protection belongs behind it. What it keeps has to last
/// as long as the wallet's folder: without it nothing in there can be read again.
///
/// Throw ``SecretError``; of anything else that is thrown only the type's name is passed on.
public protocol SecretStore: Sendable {
    /// Keeps a secret under a name; an older one of that name is replaced.
    ///
    /// - Throws: ``SecretError``
    func put(_ name: String, secret: Data) async throws

    /// The secret of that name.
    ///
    /// - Throws: ``SecretError``
    func get(_ name: String) async throws -> Data?

    /// Forgets a secret. One that is not there is no error.
    ///
    /// - Throws: ``SecretError``
    func remove(_ name: String) async throws
}

/// A secret that could not be kept or read.
public struct SecretError: Error, Sendable, Hashable {
    /// A sentence for developers, without the secret.
    public let detail: String

    /// A failure with its sentence.
    public init(_ detail: String) {
        self.detail = detail
    }
}
