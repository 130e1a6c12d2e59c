import Foundation
import XCTest
@testable import Billfold

/// Issuers that are not by the book, and what an integrator sees of that.
final class DialectTests: WalletTestCase {
    private func names(_ issuance: Issuance) async throws -> Set<String> {
        Set(try await issuance.tolerated().map(\.name))
    }

    func testAnIssuerOfAnOlderDraft() async throws {
        let issuer = try issuer("--profile", "draft13")
        let wallet = try await wallet()
        let issuance = try await wallet.openOffer(try await issuer.offer(format: "vc+sd-jwt").link)
        let report = try await issuance.dialect()
        XCTAssertEqual(report.looksLike, "draft 13")
        XCTAssertTrue(report.request.hasPrefix("`format` and the type with `proof`"), report.request)
        XCTAssertTrue(report.concluded.contains(Conclusion(behaviour: "proof", conclusion: "one `proof`")), "\(report)")
        XCTAssertTrue(report.seen.contains("`batch_credential_endpoint`"), "\(report)")
        var tolerated = try await issuance.tolerated()
        XCTAssertEqual(report.tolerated, tolerated)
        XCTAssertFalse(tolerated.contains { $0.name == "single_proof" })

        try one(try await issuance.accept())
        let seen = try await names(issuance)
        XCTAssertTrue(seen.isSuperset(of: ["request_by_format", "single_proof", "single_credential"]), "\(seen)")
        tolerated = try await issuance.tolerated()
        XCTAssertTrue(tolerated.allSatisfy { $0.sentence.count > $0.name.count })
    }

    func testAServerThatWantsToKnowMoreAndForgetsTheState() async throws {
        let issuer = try issuer("--profile", "vercre")
        let offer = try await issuer.offer(grant: TestIssuer.code, format: TestIssuer.jwtVc)
        let wallet = try await wallet(clientID: try offer.arg("client-id"))
        let issuance = try await wallet.openOffer(offer.link)
        let error = try await refused(.unsupported) {
            try await issuance.accept(AcceptOptions(authorizationParameters: ["state": "mine"]))
        }
        XCTAssertEqual(error.code, "setup_invalid")

        let parameter = try offer.arg("authorization-parameter").split(separator: "=").map(String.init)
        let options = AcceptOptions(authorizationParameters: [parameter[0]: parameter[1]])
        let redirect = try issuer.signIn(try signIn(try await issuance.accept(options)))
        XCTAssertFalse(redirect.absoluteString.contains("state="))
        let found = try await wallet.resumeRedirect(redirect)
        try one(try await found.submitRedirect(redirect))
        let seen = try await names(issuance)
        XCTAssertTrue(seen.isSuperset(of: ["relative_endpoint", "state_missing"]), "\(seen)")
    }

    func testAnIssuerWhoseDIDSomebodyElseResolves() async throws {
        let issuer = try issuer("--profile", "identus", "--published-did")
        let offer = try await issuer.offer(grant: TestIssuer.code, format: TestIssuer.jwtVc)
        let resolver = URL(string: try offer.arg("did-resolver"))
        let options = BillfoldOptions(allowLoopbackHttp: true, didResolverURL: resolver)
        // Keys on secp256k1, which the holder's did:prism takes, are in the native library.
        let wallet = try await wallet(keys: nil, options: options, clientID: try offer.arg("client-id"))
        let issuance = try await wallet.openOffer(offer.link)
        let redirect = try issuer.signIn(try signIn(try await issuance.accept()))
        let credential = try await wallet.credential(try one(try await issuance.submitRedirect(redirect)))
        XCTAssertEqual(credential.report[.signature]?.outcome, .passed)
        let seen = try await names(issuance)
        XCTAssertTrue(seen.contains("appended_metadata"), "\(seen)")

        let plain = BillfoldOptions(didResolverURL: resolver)
        let error = try await refused(.unsupported) { try await self.wallet("plain", options: plain) }
        XCTAssertEqual(error.code, "setup_invalid")
    }

    func testNothingButTheFinalVersion() async throws {
        let wallet = try await wallet(options: BillfoldOptions(allowLoopbackHttp: true, dialects: .strict))
        let issuance = try await wallet.openOffer(try await issuer.offer().link)
        try one(try await issuance.accept())
        var tolerated = try await issuance.tolerated()
        XCTAssertEqual(tolerated, [])

        let older = try issuer("--profile", "draft13")
        let refusal = try await wallet.openOffer(try await older.offer(format: "vc+sd-jwt").link)
        do {
            let step = try await refusal.accept()
            XCTFail("it was taken: \(step)")
        } catch is BillfoldError {
            tolerated = try await refusal.tolerated()
            XCTAssertEqual(tolerated, [])
        }
        let stored = try await wallet.credentials()
        XCTAssertEqual(stored.count, 1)
    }
}
