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

    /// When it begins to be valid, if it says so.
    public let validFrom: Date?

    /// When it stops being valid, if it says so.
    public let expiresAt: Date?

    /// The addresses of the lists that its status is kept in; empty if it says nothing of that.
    public let statusLists: [String]

    /// What was found there last; `nil` if nobody looked yet. ``Billfold/recheck(_:)`` looks again.
    public let statusFound: StatusFound?

    /// The copies, each bound to a key of its own; never empty.
    public let copies: [CredentialCopy]

    /// What was checked before it was stored.
    public let report: Report

    /// Whether it is put aside: received, but not to be used. ``report`` says why.
    public let isQuarantined: Bool

    /// What to show of it. Only pictures that came with it are in there; ``Billfold/card(_:locale:)`` has all.
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
    /// The `docType` of an mdoc.
    case doctype(String)
    /// Of a format that this version does not know.
    case unknown
}

/// One copy of a credential.
public struct CredentialCopy: Sendable, Hashable {
    /// The credential exactly as received. It holds claims: not for logs.
    public let raw: String

    /// The key that it is bound to, by its name in ``HolderKeys``; `nil` if it is bound to none, or
    /// ``isKeyMissing``.
    public let keyHandle: String?

    /// Whether it is bound to a key that is not on this device: it came out of a backup. It can be looked at and renewed,
    /// and not be shown to anybody.
    public let isKeyMissing: Bool

    /// How often it was taken for use, see ``Billfold/takeCopy(_:)``.
    public let uses: Int

    /// When that was last.
    public let lastUsedAt: Date?
}

extension CredentialCopy: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Holds no claim.
    public var description: String { "CredentialCopy(\(raw.count) characters, \(keyHandle ?? "no key"))" }

    /// As ``description``.
    public var debugDescription: String { description }

    /// Shows nothing, so that `dump` and test failures print no claim.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// What was found in a status list, and when.
public struct StatusFound: Sendable, Hashable {
    /// What it says.
    public let value: StatusValue

    /// When it was looked up.
    public let checkedAt: Date
}

/// What a status list says of a credential.
public enum StatusValue: Sendable, Hashable {
    /// It is good.
    case valid
    /// It was revoked for good.
    case invalid
    /// It is out of use for a while.
    case suspended
    /// Something that only the issuer's own rules give a meaning: the number in the list.
    case other(UInt8)
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
