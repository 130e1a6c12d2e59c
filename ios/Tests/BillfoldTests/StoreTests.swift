import Foundation
import XCTest
@testable import Billfold

/// A store that the app brings along.
final class StoreTests: WalletTestCase {
    /// A store of which one thing is otherwise.
    private struct Odd: CredentialStore {
        let store = MapStore()
        var commitFails: StoreError?
        var forgets = false
        var listThrows: (any Error & Sendable)?

        func commit(_ changes: [StoreChange]) async throws {
            if let commitFails { throw commitFails }
            try await store.commit(changes)
        }

        func get(_ table: StoreTable, id: String) async throws -> StoreRecord? {
            forgets ? nil : try await store.get(table, id: id)
        }

        func list(_ table: StoreTable) async throws -> [StoreRecord] {
            if let listThrows { throw listThrows }
            return try await store.list(table)
        }

        func page(_ table: StoreTable, after: String?, limit: Int) async throws -> [StoreRecord] {
            try await store.page(table, after: after, limit: limit)
        }
    }

    func testAStoreInSwiftPassesTheSuite() async throws {
        try await checkStore { MapStore() }
    }

    func testTheSuiteFindsWhatIsWrong() async throws {
        struct Secretive: Error {
            let password = "password1"
        }
        func found(_ store: Odd) async throws -> StoreError {
            do {
                try await checkStore { store }
            } catch let error as StoreError {
                return error
            }
            throw Trouble("it passed")
        }
        _ = try await found(Odd(forgets: true))
        let detail = try await found(Odd(listThrows: Secretive())).detail
        XCTAssertTrue(detail.contains("Secretive"), detail)
        XCTAssertFalse(detail.contains("password1"), detail)
    }

    func testCredentialsRestInItSealedAndOutliveTheWallet() async throws {
        let (store, secrets) = (MapStore(), MapSecrets())
        let first = try await wallet(secrets: secrets, store: store)
        let id = try one(try await first.openOffer(try await issuer.offer().link).accept())
        first.close()
        let record = try await store.get(.credentials, id: id)
        let content = String(decoding: try XCTUnwrap(record).content, as: UTF8.self)
        XCTAssertFalse(content.contains("credential"), content)

        let second = try await wallet(secrets: secrets, store: store)
        let kept = try await second.credentials().map(\.id)
        XCTAssertEqual(kept, [id])
        try await second.forget(id)
        let left = try await store.list(.credentials)
        XCTAssertEqual(left, [])
        let database = folder.appendingPathComponent("wallet/wallet.db").path
        XCTAssertFalse(FileManager.default.fileExists(atPath: database))
    }

    func testWhatItThrowsIsBeneathWhatTheAppGets() async throws {
        let full = StoreError(.failed, "the disk is full")
        let wallet = try await wallet(store: Odd(commitFails: full))
        let link = try await issuer.offer().link
        let error = try await refused(.store) { try await wallet.openOffer(link) }
        XCTAssertEqual(error.code, "store_failed")
        XCTAssertEqual(error.underlyingError as? StoreError, full)
    }
}
