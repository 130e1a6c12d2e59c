import Foundation

/// Which credentials ``Billfold/find(_:)`` looks for. What is empty or `nil` asks for nothing.
public struct CredentialQuery: Sendable, Hashable {
    /// In one of these formats, such as `dc+sd-jwt`.
    public var formats: [String]

    /// Of one of these types: a `vct`, a `doctype`, or one of the types of a W3C credential.
    public var types: [String]

    /// From one of these credential issuers.
    public var issuers: [String]

    /// That stop being valid before then. One that does not say when it stops is none of them.
    public var expiresBefore: Date?

    /// That are still valid then, or do not say when they stop.
    public var expiresAfter: Date?

    /// Put aside, or not.
    public var isQuarantined: Bool?

    /// Those that came after this one: ``CredentialPage/next`` of the page before.
    public var after: String?

    /// At most so many, and at least one.
    public var limit: Int

    /// Every condition, each with its default.
    public init(
        formats: [String] = [],
        types: [String] = [],
        issuers: [String] = [],
        expiresBefore: Date? = nil,
        expiresAfter: Date? = nil,
        isQuarantined: Bool? = nil,
        after: String? = nil,
        limit: Int = 50
    ) {
        self.formats = formats
        self.types = types
        self.issuers = issuers
        self.expiresBefore = expiresBefore
        self.expiresAfter = expiresAfter
        self.isQuarantined = isQuarantined
        self.after = after
        self.limit = limit
    }
}

/// A part of the credentials that a query asks for.
public struct CredentialPage: Sendable, Hashable {
    /// The credentials, in the order in which they came.
    public let credentials: [Credential]

    /// What ``CredentialQuery/after`` has to be to go on; `nil` on the last page.
    public let next: String?

    /// The ids of those whose records can't be read; nobody knows whether they are among the ones asked for. They are
    /// kept, and can be forgotten.
    public let unreadable: [String]
}

/// A copy of a credential that was taken to be shown.
public struct TakenCopy: Sendable, Hashable {
    /// The copy, this use counted: for one that was never used before, ``CredentialCopy/uses`` is 1.
    public let copy: CredentialCopy

    /// How many copies are left that were never used. With none left, the next one taken was shown before, and who
    /// sees both can tell that it is the same holder: time for ``Billfold/refresh(_:)``.
    public let unused: Int
}

/// What ``Billfold/importBackup(_:passphrase:)`` did, by the ids of credentials.
public struct ImportedBackup: Sendable, Hashable {
    /// Credentials that the wallet did not have.
    public let added: [String]

    /// Credentials that the wallet had, and could use or read less well than what the backup has.
    public let replaced: [String]

    /// Credentials that the wallet had. They stay as they are.
    public let known: [String]

    /// Those among the added and replaced ones whose keys are not on this device. They can be looked at, and
    /// ``Billfold/refresh(_:)`` gets them anew, with new keys.
    public let withoutKey: [String]
}

/// What ``Billfold/changeStoreKey()`` did.
public struct KeyChanged: Sendable, Hashable {
    /// How many records are sealed with the new key.
    public let records: Int

    /// How many did not open with the old one. They are damaged, and stay as they are.
    public let unreadable: Int
}
