import Foundation
import XCTest
@testable import Billfold

/// A credential that is asked for once more, by the example of ios/README.md.
final class RenewalTests: WalletTestCase {
    private let keys = SodiumKeys()

    // covers: REFR-01, DPOP-05, DPOP-09
    func testByTheTokensOfTheFirstTime() async throws {
        let issuer = try issuer("--refresh-tokens", "--dpop", "required", "--dpop-nonces")
        let wallet = try await wallet(keys: keys)
        let issuance = try await wallet.openOffer(try await issuer.offer().link)
        let id = try one(try await issuance.accept(AcceptOptions(copies: 2)))
        let old = try await wallet.credential(id)
        XCTAssertEqual(old.copies.count, 2)
        // The access token is bound to a key of this side, made for that.
        XCTAssertEqual(keys.handles(.accessToken).count, 1)
        let first = try await issuer.requests("/credential").last
        let proof = try XCTUnwrap(first?["dpop"] as? [String: Any], "\(first ?? [:])")
        XCTAssertNotNil(proof["nonce"])

        // The server no longer takes the access token, so it is renewed on the way.
        try await issuer.fault("invalid-token", times: 1)
        let step = try await renew(wallet, id) { _ in throw Trouble("nobody has to sign in") }
        XCTAssertEqual(try one(step), id)
        let renewed = try await issuer.requests("/token").last
        XCTAssertEqual(renewed?["grant_type"] as? String, "refresh_token")
        let new = try await wallet.credential(id)
        let stored = try await wallet.credentials()
        XCTAssertEqual(stored.map(\.id), [id])
        XCTAssertEqual(new.copies.count, 2)
        XCTAssertTrue(Set(new.copies.map(\.raw)).isDisjoint(with: old.copies.map(\.raw)))
        XCTAssertTrue(Set(new.copies.map(\.keyHandle)).isDisjoint(with: old.copies.map(\.keyHandle)))
        XCTAssertEqual(Set(new.copies.compactMap(\.keyHandle)), keys.handles(), "the old keys are gone")
        let pending = try await wallet.pending()
        XCTAssertEqual(pending, [])
    }

    // covers: REFR-03
    func testByAnotherSignInWhereThereAreNone() async throws {
        let issuer = try issuer("--token-lifetime", "4")
        let wallet = try await wallet(keys: keys)
        let id = try one(try await wallet.openOffer(try await issuer.offer().link).accept())
        let old = try await wallet.credential(id)
        try await Task.sleep(nanoseconds: 4_500_000_000)
        let browser = Browser(issuer)
        var signIns = 0
        let step = try await renew(wallet, id) { url in
            signIns += 1
            return try await browser.signIn(url)
        }
        XCTAssertEqual(try one(step), id)
        XCTAssertEqual(signIns, 1)
        let new = try await wallet.credential(id)
        XCTAssertNotEqual(new.copies.map(\.raw), old.copies.map(\.raw))
    }

    func testACredentialThatThereIsNot() async throws {
        let wallet = try await wallet(keys: keys)
        let error = try await refused(.wrongStep) { try await wallet.refresh("nothing") }
        XCTAssertEqual(error.code, "credential_unknown")
    }
}
