import Foundation
import XCTest
@testable import Billfold

/// The High Assurance Interoperability Profile from end to end, with a wallet provider in Swift.
final class HAIPTests: WalletTestCase {
    private let secrets = MapSecrets()

    // covers: HAIP-01, HAIP-04, HAIP-05, HAIP-06, HAIP-07, HAIP-12, HAIP-20, HAIP-22, HAIP-23, HAIP-24
    func testASessionByTheProfileAndARenewalInAnotherProcess() async throws {
        let keys = SodiumKeys()
        let issuer = try issuer("--profile", "haip")
        let old = try await session(issuer, keys: keys)
        XCTAssertEqual(Set(old.copies.compactMap(\.keyHandle)), keys.handles())
        XCTAssertEqual([keys.createCalls, keys.signCalls], [1, 1])
        XCTAssertEqual(keys.handles(.accessToken).count, 1)
        XCTAssertEqual(keys.handles(.clientInstance).count, 1)

        try await issuer.resetLog()
        try await issuer.fault("invalid-token", times: 1)
        let wallet = try await reopen { try await self.open(issuer, keys: keys) }
        let step = try await renew(wallet, old.id) { _ in throw Trouble("the refresh token is good") }
        XCTAssertEqual(try one(step), old.id)
        let new = try await wallet.credential(old.id)
        XCTAssertEqual(new.copies.count, 5)
        XCTAssertTrue(Set(new.copies.compactMap(\.keyHandle)).isDisjoint(with: old.copies.compactMap(\.keyHandle)))
        XCTAssertEqual(Set(new.copies.compactMap(\.keyHandle)), keys.handles())
        let token = try await issuer.requests("/token").last
        XCTAssertEqual(token?["grant_type"] as? String, "refresh_token")
        XCTAssertNotNil(token?["attestation"] as? [String: Any])
        let stored = try await wallet.credentials()
        XCTAssertEqual(stored.map(\.id), [old.id])
    }

    /// The library's own keys are ES256, which every issuer of the profile takes.
    func testASessionWithTheLibrarysKeys() async throws {
        _ = try await session(try issuer("--profile", "haip"), keys: nil)
    }

    func testWithoutAProviderNothingBegins() async throws {
        let issuer = try issuer("--profile", "haip")
        let wallet = try await wallet(options: options(issuer))
        let issuance = try await wallet.openOffer(try await issuer.offer(grant: TestIssuer.code).link)
        _ = try await refused(.unsupported) { try await issuance.accept() }
        let pushed = try await issuer.requests("/par").count
        XCTAssertEqual(pushed, 0)
    }

    private func options(_ issuer: TestIssuer) -> BillfoldOptions {
        BillfoldOptions(
            allowLoopbackHttp: true, trustAnchors: [issuer.trust], profile: .haip, signedMetadata: .require
        )
    }

    private func open(_ issuer: TestIssuer, keys: SodiumKeys?) async throws -> Billfold {
        let provider = BackEnd(server: Attester(issuer))
        return try await wallet(keys: keys, secrets: secrets, provider: provider, options: options(issuer))
    }

    /// Five copies by the profile, and what the issuer saw of it.
    private func session(_ issuer: TestIssuer, keys: SodiumKeys?) async throws -> Credential {
        let wallet = try await open(issuer, keys: keys)
        let issuance = try await wallet.openOffer(try await issuer.offer(grant: TestIssuer.code).link)
        XCTAssertNotNil(issuance.offer.metadataSignedBy)
        let url = try signIn(try await issuance.accept(AcceptOptions(copies: 5, encryption: .always)))
        // What was pushed is not in the address.
        XCTAssertTrue(url.query?.contains("request_uri=") ?? false, "\(url)")
        XCTAssertFalse(url.query?.contains("scope=") ?? true, "\(url)")
        let id = try one(try await issuance.submitRedirect(try await Browser(issuer).signIn(url)))
        let credential = try await wallet.credential(id)
        XCTAssertEqual(credential.format, "dc+sd-jwt")
        XCTAssertTrue(credential.report.verdict.isUsable, "\(credential.report)")
        XCTAssertEqual(credential.report[.issuerTrust]?.outcome, .passed)
        XCTAssertEqual(credential.copies.count, 5)
        let told = try await issuer.notifications()
        XCTAssertEqual(told, ["credential_accepted"])

        for endpoint in ["/par", "/token", "/credential", "/notification"] {
            let last = try await issuer.requests(endpoint).last ?? [:]
            XCTAssertEqual((last["status"] as? Int).map { $0 / 100 }, 2, "\(endpoint): \(last)")
            XCTAssertNotNil((last["dpop"] as? [String: Any])?["nonce"], "\(endpoint): \(last)")
            if endpoint == "/par" || endpoint == "/token" {
                XCTAssertNotNil((last["attestation"] as? [String: Any])?["challenge"], "\(endpoint): \(last)")
            }
        }
        let seen = try await issuer.requests("/credential").last?["seen"] as? [String: Any]
        XCTAssertEqual((seen?["proofs"] as? [String: Any])?["keys"] as? Int, 5)
        for message in ["request_jwe", "answer_jwe"] {
            XCTAssertNotNil(seen?[message] as? [String: Any], "\(message): \(seen ?? [:])")
        }
        wallet.close()
        return credential
    }
}
