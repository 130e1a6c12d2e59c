import Foundation
import XCTest
@testable import Billfold

/// Who watches the credentials sees what becomes of them.
final class ChangesTests: WalletTestCase {
    func testChangesAreToldUntilTheWalletIsClosed() async throws {
        let wallet = try await wallet()
        let changes = try await wallet.changes()
        let listening = Task {
            var seen: [CredentialChange] = []
            for await change in changes { seen.append(change) }
            return seen
        }
        let id = try one(try await wallet.openOffer(try await issuer.offer().link).accept())
        _ = try await wallet.recheck(id)
        try await wallet.forget(id)
        wallet.close()
        let seen = await listening.value
        XCTAssertEqual(seen, [.added(id), .changed(id), .removed(id)])
        let error = try await refused(.unsupported) { try await wallet.changes() }
        XCTAssertEqual(error.code, "closed")
    }

    func testWhoHasEnoughHoldsNothingUp() async throws {
        let secrets = MapSecrets()
        let first = try await wallet(secrets: secrets)
        for late in [false, true] {
            let changes = try await first.changes()
            let listening = Task {
                for await change in changes { XCTFail("\(change)") }
            }
            // Cancelled before it waits, and while it does.
            if late { try await Task.sleep(nanoseconds: 50_000_000) }
            listening.cancel()
            await listening.value
            // Ended once, it stays so.
            var iterator = changes.makeAsyncIterator()
            let more = await iterator.next()
            XCTAssertNil(more)
        }
        var other = try await first.changes().makeAsyncIterator()
        let id = try one(try await first.openOffer(try await issuer.offer().link).accept())
        let change = await other.next()
        XCTAssertEqual(change, .added(id))
        first.close()
        let second = try await reopen { try await self.wallet(secrets: secrets) }
        let kept = try await second.credentials()
        XCTAssertEqual(kept.map(\.id), [id])
    }
}
