import Foundation
import XCTest
@testable import Billfold

/// A cancelled task stops waiting, and the step goes on to its end.
final class CancellationTests: WalletTestCase {
    func testAStepThatHasSpentACodeIsNotTornOff() async throws {
        let atToken = Gate()
        let goOn = Gate()
        let real = URLSessionTransport()
        let wallet = try await wallet(http: MadeTransport { request, limits in
            let response = try await real.send(request, limits: limits)
            if request.url.path.hasSuffix("/token") {
                // The code is spent and the answer is on its way: now the screen is left.
                atToken.open()
                await goOn.pass()
            }
            return response
        })
        let issuance = try await wallet.openOffer(try await issuer.offer().link)
        let waiting = Task { try await issuance.accept() }
        await atToken.pass()
        waiting.cancel()
        // It ends although the door is still shut.
        let outcome = await waiting.result
        XCTAssertThrowsError(try outcome.get()) { XCTAssertTrue($0 is CancellationError, "\($0)") }
        goOn.open()

        let resumed = try await wallet.resume(issuance.id)
        var step = try await resumed.step()
        while true {
            if case .done = step { break }
            try await Task.sleep(nanoseconds: 50_000_000)
            step = try await resumed.step()
        }
        let credential = try await wallet.credential(try one(step))
        XCTAssertTrue(credential.report.verdict.isUsable)
        let asked = try await issuer.tokenRequests()
        XCTAssertEqual(asked, 1)
    }

    func testACancelledTaskBeginsNothing() async throws {
        let wallet = try await wallet()
        let issuance = try await wallet.openOffer(try await issuer.offer().link)
        let shut = Gate()
        let late = Task {
            await shut.pass()
            return try await issuance.accept()
        }
        late.cancel()
        shut.open()
        let outcome = await late.result
        XCTAssertThrowsError(try outcome.get()) { XCTAssertTrue($0 is CancellationError, "\($0)") }
        let step = try await issuance.step()
        XCTAssertEqual(step, .review)
        let asked = try await issuer.tokenRequests()
        XCTAssertEqual(asked, 0)
    }
}
