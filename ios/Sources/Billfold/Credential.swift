import Foundation

/// A stored credential.
public struct Credential: Sendable, Hashable, Identifiable {
    /// Its name in the wallet.
    public let id: String

    /// Who issued it.
    public let credentialIssuer: String

    /// As what it was asked for.
    public let configuration: String

    /// Its format identifier, such as `dc+sd-jwt`.
    public let format: String

    /// Its type, as its format says it.
    public let type: CredentialType

    /// When it was received.
    public let issuedAt: Date

    /// When it stops being valid, if it says so.
    public let expiresAt: Date?

    /// The copies, each bound to a key of its own; never empty.
    public let copies: [CredentialCopy]

    /// What was checked before it was stored.
    public let report: Report

    /// Whether it is put aside: received, but not to be used. ``report`` says why.
    public let isQuarantined: Bool

    /// What to show of it.
    public let card: Card
}

extension Credential: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Names the credential; holds no claim.
    public var description: String { "Credential(\(id), \(configuration), \(report.verdict))" }

    /// As ``description``.
    public var debugDescription: String { description }

    /// Shows nothing, so that `dump` and test failures print no claim.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// The type of a credential, as its format says it.
public enum CredentialType: Sendable, Hashable {
    /// The `vct` of an SD-JWT VC.
    case vct(String)
    /// The `type` values of a W3C credential.
    case types([String])
    /// Of a format that this version does not know.
    case unknown
}

/// One copy of a credential.
public struct CredentialCopy: Sendable, Hashable {
    /// The credential exactly as received. It holds claims: not for logs.
    public let raw: String

    /// The key that it is bound to, by its name in ``HolderKeys``.
    public let keyHandle: String?
}

extension CredentialCopy: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Holds no claim.
    public var description: String { "CredentialCopy(\(raw.count) characters, \(keyHandle ?? "no key"))" }

    /// As ``description``.
    public var debugDescription: String { description }

    /// Shows nothing, so that `dump` and test failures print no claim.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// What to show of a credential, in the wallet's language.
public struct Card: Sendable, Hashable {
    /// The name of the credential.
    public let title: String

    /// The name of the issuer.
    public let issuerName: String

    /// A sentence about the credential, in the issuer's words.
    public let summary: String?

    /// The logo.
    public let logo: Logo?

    /// CSS colour as the issuer wrote it.
    public let backgroundColor: String?

    /// CSS colour as the issuer wrote it.
    public let textColor: String?

    /// The claims, in the issuer's order.
    public let claims: [CardClaim]
}

extension Card: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Holds no claim.
    public var description: String { "Card(\(title), \(issuerName), \(claims.count) claims)" }

    /// As ``description``.
    public var debugDescription: String { description }

    /// Shows nothing, so that `dump` and test failures print no claim.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// One claim, ready to be shown.
public struct CardClaim: Sendable, Hashable {
    /// Where it is in the credential.
    public let path: [PathStep]

    /// What to call it.
    public let label: String

    /// Its value as text.
    public let value: String
}

extension CardClaim: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Holds no value.
    public var description: String { "CardClaim(\(label))" }

    /// As ``description``.
    public var debugDescription: String { description }

    /// Shows nothing, so that `dump` and test failures print no claim.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// One step of a claim path.
public enum PathStep: Sendable, Hashable {
    /// A member of an object, by its name.
    case key(String)
    /// An element of an array, from 0.
    case index(Int)
    /// Every element of an array.
    case all
}
