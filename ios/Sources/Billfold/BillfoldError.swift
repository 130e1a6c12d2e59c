import Foundation

/// What went wrong, where, and what to do about it.
///
/// ``kind`` is for an app that shows one sentence a kind; ``advice`` is what to do next; ``code`` is exact
/// and stable. No text in here holds a token, code, key or claim.
public struct BillfoldError: Error, Sendable {
    /// The kind of trouble.
    public let kind: ErrorKind

    /// What exactly went wrong, such as `tx_code_refused`.
    public let code: String

    /// What the app should do.
    public let advice: Advice

    /// Whether making the same call again can help. What was received is kept either way.
    public let isRetryable: Bool

    /// What was found, in a sentence for developers.
    public let detail: String

    /// Where in the protocol it happened, such as `token`.
    public let operation: String?

    /// The address that was asked, without its query.
    public let endpoint: URL?

    /// The HTTP status of the answer.
    public let status: Int?

    /// The server's own `error`.
    public let serverError: String?

    /// The server's own `error_description`.
    public let serverDescription: String?

    /// Whether the failed request may have had its effect.
    public let outcome: RequestOutcome

    /// The issuance that it happened in, for ``Billfold/resume(_:)``.
    public let session: String?

    /// Every request and answer so far, without secrets: what a bug report needs.
    public let transcript: String

    /// What the app's own ``HolderKeys``, ``HttpTransport``, ``SecretStore`` or ``WalletProvider`` threw, where it
    /// can be told.
    /// Its text is the app's own, and may hold anything.
    public let underlyingError: (any Error)?
}

extension BillfoldError: CustomStringConvertible, LocalizedError {
    /// The code and the sentence, with what the server said and where. For developers and logs: it is not
    /// in the user's language, so show a sentence of your own for ``kind``.
    public var description: String {
        var text = "\(code): \(detail)"
        if let serverError {
            text += " (the server said \(serverError)"
            if let serverDescription { text += ": \(serverDescription)" }
            text += ")"
        }
        if let endpoint {
            text += " [\(endpoint.absoluteString)"
            if let status { text += ", status \(status)" }
            text += "]"
        }
        return text
    }

    /// As ``description``.
    public var errorDescription: String? { description }
}

/// What kind of trouble it is.
public enum ErrorKind: Sendable, Hashable, CaseIterable {
    /// The link or the offer behind it is not usable.
    case offer
    /// The issuer's or the authorization server's metadata is not usable.
    case metadata
    /// A server could not be reached, or its answer did not arrive whole.
    case network
    /// A server said no, or said something that the protocol does not allow.
    case issuer
    /// The user or the issuer declined.
    case denied
    /// The call does not fit where the issuance stands.
    case wrongStep
    /// The credential did not pass its checks. It is kept aside, see ``Credential/isQuarantined``.
    case verification
    /// The app's keys failed, or its wallet provider.
    case keys
    /// The wallet's own storage failed.
    case store
    /// Something that this wallet, or this version, does not do; with the code `internal` a fault of the
    /// library, and with `closed` a call after ``Billfold/close()``.
    case unsupported
}

/// What the app should do about an error.
public enum Advice: Sendable, Hashable, CaseIterable {
    /// Make the same call again, now or later; nothing is lost.
    case retry
    /// Ask the user for the transaction code again.
    case askCodeAgain
    /// Let the user sign in again.
    case signInAgain
    /// Ask the issuer for a new offer.
    case getNewOffer
    /// Begin the issuance again from the same offer or issuer.
    case startOver
    /// The credential is kept aside, not lost: check it again later with ``Billfold/recheck(_:)``.
    case checkAgain
    /// Get the credential anew, with ``Billfold/Billfold/refresh(_:)``.
    case renew
    /// Ask the user for the passphrase again.
    case askPassphraseAgain
    /// The program or its settings have to be corrected.
    case fixSetup
    /// The issuer has to correct something; show the transcript to its operator.
    case tellIssuer
    /// Nothing can be done.
    case giveUp
}

/// Whether a request had reached the server when it failed.
public enum RequestOutcome: Sendable, Hashable, CaseIterable {
    /// No request was sent, or it surely did not arrive.
    case notSent
    /// The server answered.
    case answered
    /// It may have arrived and may have had its effect.
    case unknown
}
