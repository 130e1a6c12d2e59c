import Foundation

internal import BillfoldFFI

/// Keeps records, where the app wants them to be and not in the encrypted database that billfold brings along.
/// Their contents are sealed before they get here; ids are random names, or say what can be fetched again.
///
/// Throw ``StoreError``; of anything else that is thrown only the type's name is passed on. Calls come from any
/// thread and side by side. ``checkStore(_:)`` tells whether an implementation does what is said here.
public protocol CredentialStore: Sendable {
    /// Applies all changes in their order, each seeing those before it, or none of them. Once it returns, they
    /// survive a crash.
    ///
    /// - Throws: ``StoreError``
    func commit(_ changes: [StoreChange]) async throws

    /// The record of that id.
    ///
    /// - Throws: ``StoreError``
    func get(_ table: StoreTable, id: String) async throws -> StoreRecord?

    /// All records of a table, in the order in which they were first written.
    ///
    /// - Throws: ``StoreError``
    func list(_ table: StoreTable) async throws -> [StoreRecord]

    /// The records that follow the one called `after`, in the same order, at most `limit`; without `after` the
    /// first ones. A page that is not full may be followed by another one, an empty one is the end.
    ///
    /// - Throws: ``StoreError`` of the kind ``StoreError/Kind/conflict`` where there is no record called `after`.
    func page(_ table: StoreTable, after: String?, limit: Int) async throws -> [StoreRecord]
}

/// The drawers of a store.
public enum StoreTable: Sendable, Hashable, CaseIterable {
    /// Issuances that have not ended.
    case sessions
    /// Credentials.
    case credentials
    /// What issuers are still to be told.
    case outbox
    /// What credentials can be renewed with.
    case authorizations
    /// What can be fetched again. It may be emptied at any time.
    case cache
}

/// A record.
public struct StoreRecord: Sendable, Hashable {
    /// Its name within its table: any text.
    public let id: String
    /// Counts its writes, from 1.
    public let revision: UInt64
    /// Its content, sealed.
    public let content: Data

    /// A record as it was read.
    public init(id: String, revision: UInt64, content: Data) {
        self.id = id
        self.revision = revision
        self.content = content
    }
}

/// One change of a commit.
public enum StoreChange: Sendable, Hashable {
    /// Writes a record; where something else than expected is there, the commit is a ``StoreError/Kind/conflict``.
    case put(StoreTable, id: String, content: Data, expected: StoreExpectation)
    /// Removes a record. One that is not there is no error.
    case remove(StoreTable, id: String)
}

/// What a write expects to find.
public enum StoreExpectation: Sendable, Hashable {
    /// Whatever is there.
    case anything
    /// Nothing under this id.
    case nothing
    /// Exactly this revision.
    case revision(UInt64)
}

/// A store operation that failed; nothing was changed.
public struct StoreError: Error, Sendable, Hashable {
    /// What went wrong in a store.
    public enum Kind: Sendable, Hashable {
        /// Somebody else has it open.
        case locked
        /// It was written by a newer version.
        case tooNew
        /// A record can't be read.
        case damaged
        /// A write found something else than it expected, or there is nothing to go on after.
        case conflict
        /// Anything else: the disk, the database.
        case failed
    }

    /// What went wrong.
    public let kind: Kind
    /// A sentence for developers, without contents.
    public let detail: String
    /// The id of the record that can't be read, where it is about one.
    public let record: String?

    /// A failure with its sentence.
    public init(_ kind: Kind, _ detail: String, record: String? = nil) {
        self.kind = kind
        self.detail = detail
        self.record = record
    }
}

/// Runs a conformance suite over stores that are made for it, for the tests of an app that brings its own.
///
/// - Parameter make: gives a new store with nothing in it, each time.
/// - Throws: ``StoreError`` on the first thing that a store does otherwise than ``CredentialStore`` says.
public func checkStore(_ make: @escaping @Sendable () -> any CredentialStore) async throws {
    do {
        try await BillfoldFFI.checkStore(factory: StoresToFFI(make: make))
    } catch let BillfoldFFI.StoreError.Failed(_, detail, record) {
        throw StoreError(.failed, detail, record: record)
    }
}
