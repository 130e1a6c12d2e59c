import Foundation

internal import BillfoldFFI

/// The app's store.
final class StoreToFFI: BillfoldFFI.CredentialStore {
    private let store: any CredentialStore
    private let border: Border

    init(store: any CredentialStore, border: Border) {
        self.store = store
        self.border = border
    }

    func commit(changes: [BillfoldFFI.StoreChange]) async throws {
        try await guarded { try await store.commit(changes.map(StoreChange.init)) }
    }

    func get(table: BillfoldFFI.StoreTable, id: String) async throws -> BillfoldFFI.StoreRecord? {
        try await guarded { try await store.get(StoreTable(table), id: id)?.ffi }
    }

    func list(table: BillfoldFFI.StoreTable) async throws -> [BillfoldFFI.StoreRecord] {
        try await guarded { try await store.list(StoreTable(table)).map(\.ffi) }
    }

    func page(table: BillfoldFFI.StoreTable, after: String?, limit: UInt32) async throws -> [BillfoldFFI.StoreRecord] {
        try await guarded {
            try await store.page(StoreTable(table), after: after, limit: Int(clamping: limit)).map(\.ffi)
        }
    }

    private func guarded<T>(_ body: () async throws -> T) async throws -> T {
        do {
            return try await body()
        } catch {
            let (kind, detail, record) = if let error = error as? StoreError {
                (error.kind.ffi, error.detail, error.record)
            } else {
                (BillfoldFFI.StoreErrorKind.failed, "the app's store threw \(name(of: error))", String?.none)
            }
            border.remember(detail, error)
            throw BillfoldFFI.StoreError.Failed(kind: kind, detail: detail, record: record)
        }
    }
}

/// Makes the app's stores for the suite.
final class StoresToFFI: BillfoldFFI.StoreFactory {
    private let makeStore: @Sendable () -> any CredentialStore
    private let border = Border()

    init(make: @escaping @Sendable () -> any CredentialStore) {
        self.makeStore = make
    }

    func make() throws -> BillfoldFFI.CredentialStore {
        StoreToFFI(store: makeStore(), border: border)
    }
}

extension StoreTable {
    init(_ ffi: BillfoldFFI.StoreTable) {
        self = switch ffi {
        case .sessions: .sessions
        case .credentials: .credentials
        case .outbox: .outbox
        case .authorizations: .authorizations
        case .cache: .cache
        }
    }
}

extension StoreChange {
    init(_ ffi: BillfoldFFI.StoreChange) {
        self = switch ffi {
        case .put(let table, let id, let content, let expected):
            .put(StoreTable(table), id: id, content: content, expected: StoreExpectation(expected))
        case .remove(let table, let id): .remove(StoreTable(table), id: id)
        }
    }
}

extension StoreExpectation {
    init(_ ffi: BillfoldFFI.StoreExpectation) {
        self = switch ffi {
        case .anything: .anything
        case .nothing: .nothing
        case .revision(let revision): .revision(revision)
        }
    }
}

extension StoreRecord {
    var ffi: BillfoldFFI.StoreRecord {
        BillfoldFFI.StoreRecord(id: id, revision: revision, content: content)
    }
}

extension StoreError.Kind {
    var ffi: BillfoldFFI.StoreErrorKind {
        switch self {
        case .locked: .locked
        case .tooNew: .tooNew
        case .damaged: .damaged
        case .conflict: .conflict
        case .failed: .failed
        }
    }
}
