import Foundation
import XCTest
@testable import Billfold

/// Wishes for one issuance and rules for all of them, and several credentials that end differently.
final class ChoiceTests: WalletTestCase {
    private let degree = "UniversityDegree_dc_sd_jwt"

    private func options(_ change: (inout BillfoldOptions) -> Void) -> BillfoldOptions {
        var options = BillfoldOptions(allowLoopbackHttp: true)
        change(&options)
        return options
    }

    func testOneOfTwoCredentialsComes() async throws {
        let wallet = try await wallet()
        let both = [degree, "StudentCard_dc_sd_jwt"]
        try await issuer.fault("credential-denied", times: 1)
        let issuance = try await wallet.openOffer(try await issuer.offer(configurations: both).link)
        guard case .done(let credentials, let failures) = try await issuance.accept() else {
            return XCTFail("not done")
        }
        XCTAssertEqual(credentials.count, 1)
        XCTAssertEqual(failures.map(\.code), ["credential_denied"])
        XCTAssertEqual(failures.map(\.quarantined), [nil])
        let got = try await wallet.credential(try XCTUnwrap(credentials.first))
        XCTAssertEqual(Set(failures.map(\.configuration) + [got.configuration]), Set(both))
    }

    func testCopiesOfACredential() async throws {
        let keys = SodiumKeys()
        let wallet = try await wallet(keys: keys)
        let issuance = try await wallet.openOffer(try await issuer.offer().link)
        let credential = try await wallet.credential(try one(try await issuance.accept(AcceptOptions(copies: 3))))
        XCTAssertEqual(Set(credential.copies.map(\.raw)).count, 3)
        XCTAssertEqual(Set(credential.copies.compactMap(\.keyHandle)), keys.handles())
        // The user is asked once for all keys, and once for all signatures.
        XCTAssertEqual([keys.createCalls, keys.signCalls], [1, 1])
    }

    func testSomeClaimsOnly() async throws {
        let wallet = try await wallet()
        let issuer: TestIssuer = self.issuer
        func paths(_ options: AcceptOptions) async throws -> Set<[PathStep]> {
            let issuance = try await wallet.openOffer(try await issuer.offer(grant: TestIssuer.code).link)
            let url = try signIn(try await issuance.accept(options))
            let id = try one(try await issuance.submitRedirect(try await Browser(issuer).signIn(url)))
            return Set(try await wallet.credential(id).card.claims.map(\.path))
        }
        let wanted = RequestedClaim("given_name", isMandatory: true)
        XCTAssertEqual(wanted, RequestedClaim(path: [.key("given_name")], isMandatory: true))
        let all = try await paths(AcceptOptions())
        let some = try await paths(AcceptOptions(claims: [degree: [wanted]]))
        XCTAssertTrue(some.isStrictSubset(of: all), "\(some) of \(all)")
        XCTAssertTrue(some.contains(wanted.path))
        // What nobody can give is refused there, not left out.
        let impossible = RequestedClaim("shoe_size", isMandatory: true)
        do {
            let paths = try await paths(AcceptOptions(claims: [degree: [impossible]]))
            XCTFail("\(paths)")
        } catch let error as BillfoldError {
            XCTAssertEqual(error.serverError, "invalid_authorization_details", "\(error)")
        }
    }

    // covers: ENC-01, HAIP-31
    func testEncryption() async throws {
        let wallet = try await wallet()
        let (plain, offering) = (issuer!, try issuer("--encryption", "offered"))
        let requiring = try issuer("--encryption", "required")
        for (issuer, wish, isEncrypted) in [
            (plain, Encryption.auto, false), (offering, .auto, false), (offering, .always, true), (offering, .never, false),
            (requiring, .auto, true),
        ] {
            try await issuer.resetLog()
            let issuance = try await wallet.openOffer(try await issuer.offer().link)
            try one(try await issuance.accept(AcceptOptions(encryption: wish)))
            let seen = try await issuer.requests("/credential").last?["seen"] as? [String: Any]
            for message in ["request_jwe", "answer_jwe"] {
                XCTAssertEqual(seen?[message] is [String: Any], isEncrypted, "\(wish): \(seen ?? [:])")
            }
        }
        for (issuer, wish, code) in [
            (plain, Encryption.always, "encryption_unavailable"), (requiring, .never, "encryption_required"),
        ] {
            try await issuer.resetLog()
            let issuance = try await wallet.openOffer(try await issuer.offer().link)
            let error = try await refused(.unsupported) { try await issuance.accept(AcceptOptions(encryption: wish)) }
            XCTAssertEqual(error.code, code)
            let spent = try await issuer.tokenRequests()
            XCTAssertEqual(spent, 0)
        }
    }

    func testAProfileForTheWalletOrForOneIssuance() async throws {
        let strict = try await wallet("strict", options: options { $0.profile = .haip })
        let offer = try await issuer.offer(format: TestIssuer.jwtVc)
        let refusal = try await strict.openOffer(offer.link)
        var error = try await refused(.unsupported) { try await refusal.accept() }
        XCTAssertEqual(error.code, "profile_violated")
        let spent = try await issuer.tokenRequests()
        XCTAssertEqual(spent, 0)
        try one(try await strict.openOffer(offer.link).accept(AcceptOptions(profile: .base)))

        let lenient = try await wallet("base")
        let issuance = try await lenient.openOffer(try await issuer.offer(format: TestIssuer.jwtVc).link)
        error = try await refused(.unsupported) { try await issuance.accept(AcceptOptions(profile: .haip)) }
        XCTAssertEqual(error.code, "profile_violated")
    }

    func testSignedMetadata() async throws {
        let signing = try issuer("--signed-metadata", "offered")
        let right = options { ($0.signedMetadata, $0.metadataAnchors) = (.require, [signing.trust]) }
        let requiring = try await wallet("signed", options: right)
        let signed = try await requiring.openOffer(try await signing.offer().link)
        XCTAssertNotNil(signed.offer.metadataSignedBy)
        let ignoring = try await wallet("ignored")
        let ignored = try await ignoring.openOffer(try await signing.offer().link)
        XCTAssertNil(ignored.offer.metadataSignedBy)

        let plain: TestIssuer = issuer
        let (plainLink, signedLink) = (try await plain.offer().link, try await signing.offer().link)
        let foreign = options { ($0.signedMetadata, $0.metadataAnchors) = (.prefer, [plain.trust]) }
        let preferring = try await wallet("foreign", options: foreign)
        var error = try await refused(.metadata) { try await preferring.openOffer(signedLink) }
        XCTAssertEqual(error.code, "metadata_untrusted")
        let unsigned = try await preferring.openOffer(plainLink)
        XCTAssertNil(unsigned.offer.metadataSignedBy)

        error = try await refused(.metadata) { try await requiring.openOffer(plainLink) }
        XCTAssertEqual(error.code, "metadata_unsigned")

        error = try await refused(.unsupported) { try await wallet("none", options: options { $0.signedMetadata = .prefer }) }
        XCTAssertEqual(error.code, "setup_invalid")
    }
}
