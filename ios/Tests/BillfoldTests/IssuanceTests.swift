import Foundation
import XCTest
@testable import Billfold

/// Both grants from link to stored credential, against the real issuer, with everything pluggable in Swift.
final class IssuanceTests: WalletTestCase {
    private let keys = SodiumKeys()
    private let secrets = MapSecrets()

    func testPreAuthorizedOfferByValue() async throws {
        let wallet = try await wallet(keys: keys, secrets: secrets)
        let issuance = try await wallet.openOffer(try await issuer.offer().link)
        let first = try await issuance.step()
        XCTAssertEqual(first, .review)
        XCTAssertEqual(issuance.offer.credentialIssuer, issuer.base)
        XCTAssertEqual(issuance.offer.grants, [.preAuthorizedCode])
        XCTAssertEqual(issuance.offer.credentials.map(\.format), ["dc+sd-jwt"])
        XCTAssertEqual(issuance.offer.titles.map(\.isEmpty), [false])
        XCTAssertFalse(issuance.offer.issuerName.isEmpty)

        let ids = try done(try await issuance.accept())
        XCTAssertEqual(ids.count, 1)
        let credential = try await wallet.credential(ids[0])
        XCTAssertFalse(credential.isQuarantined)
        XCTAssertTrue(credential.report.verdict.isUsable, "\(credential.report)")
        XCTAssertEqual(credential.report[.signature]?.outcome, .passed)
        XCTAssertEqual(credential.report[.holderBinding]?.outcome, .passed)
        XCTAssertEqual(credential.report.failed, [])
        XCTAssertEqual(Set(credential.copies.compactMap(\.keyHandle)), keys.handles())
        guard case .vct = credential.type else { return XCTFail("\(credential.type)") }
        XCTAssertFalse(credential.card.claims.isEmpty)
        XCTAssertLessThan(abs(credential.issuedAt.timeIntervalSinceNow), 60)

        // What prints itself shows no claim.
        for claim in credential.card.claims {
            var printed = "\(credential) \(credential.card) \(credential.copies) \(claim)"
            dump(credential, to: &printed)
            debugPrint(credential.copies, credential.card.claims, to: &printed)
            XCTAssertFalse(printed.contains(claim.text), claim.label)
        }

        // The key of the store came to Swift, and nothing rests unsealed in the folder.
        XCTAssertFalse(secrets.kept.with { $0 }.isEmpty)
        let start = Data(credential.copies[0].raw.prefix(40).utf8)
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)?
            .compactMap { $0 as? URL }.filter { !$0.hasDirectoryPath } ?? []
        XCTAssertFalse(files.isEmpty)
        for file in files {
            XCTAssertNil(try Data(contentsOf: file).range(of: start), file.path)
        }
    }

    func testPreAuthorizedOfferByReferenceAsW3CCredential() async throws {
        let wallet = try await wallet()
        let offer = try await issuer.offer(format: TestIssuer.jwtVc, by: "reference")
        let link = try XCTUnwrap(URL(string: offer.link))
        let ids = try done(try await wallet.openOffer(link).accept())
        let credential = try await wallet.credential(ids[0])
        XCTAssertEqual(credential.format, "jwt_vc_json")
        guard case .types(let types) = credential.type else { return XCTFail("\(credential.type)") }
        XCTAssertTrue(types.contains("VerifiableCredential"))
        XCTAssertTrue(credential.report.verdict.isUsable, "\(credential.report)")
    }

    func testWrongTransactionCodeIsAskedAgain() async throws {
        let wallet = try await wallet()
        let offer = try await issuer.offer(txCode: true)
        let issuance = try await wallet.openOffer(offer.link)
        XCTAssertEqual(issuance.offer.txCode?.inputMode, .numeric)
        XCTAssertEqual(issuance.offer.txCode?.length, 4)
        let first = try enterCode(try await issuance.accept())
        XCTAssertFalse(first.wasRefused)
        XCTAssertEqual(first.length, 4)

        let right = try XCTUnwrap(offer.txCode)
        let wrong = right == "0000" ? "0001" : "0000"
        let error = try await refused(.issuer) { try await issuance.submitCode(wrong) }
        XCTAssertEqual(error.code, "tx_code_refused")
        XCTAssertEqual(error.advice, .askCodeAgain)
        XCTAssertEqual(error.serverError, "invalid_grant")
        XCTAssertEqual(error.status, 400)
        XCTAssertEqual(error.outcome, .answered)
        XCTAssertEqual(error.session, issuance.id)
        XCTAssertEqual(error.endpoint?.path.hasSuffix("/token"), true)
        XCTAssertFalse(error.transcript.isEmpty)
        XCTAssertFalse(error.transcript.contains(wrong))

        let second = try enterCode(try await issuance.step())
        XCTAssertTrue(second.wasRefused)
        XCTAssertEqual(second.attemptsLeft, first.attemptsLeft - 1)
        try one(try await issuance.submitCode(right))
    }

    func testAuthorizationCodeWithSignIn() async throws {
        let wallet = try await wallet(keys: keys)
        let issuance = try await wallet.openOffer(try await issuer.offer(grant: TestIssuer.code).link)
        let url = try signIn(try await issuance.accept())
        let ids = try done(try await issuance.submitRedirect(try await Browser(issuer).signIn(url)))
        let credential = try await wallet.credential(ids[0])
        XCTAssertFalse(credential.isQuarantined)
        let transcript = try await issuance.transcript()
        XCTAssertNotNil(transcript.range(of: "POST .*/token .* -> 200", options: .regularExpression), transcript)
        let tokenRequests = try await issuer.tokenRequests()
        XCTAssertEqual(tokenRequests, 1)
        XCTAssertEqual(keys.signCalls, 1)
    }

    func testIssuanceWithoutAnOffer() async throws {
        let wallet = try await wallet()
        let offered = try await wallet.openOffer(try await issuer.offer(grant: TestIssuer.code).link).offer
        let issuance = try await wallet.start(issuer.base, configurations: offered.credentials.map(\.configuration))
        let url = try signIn(try await issuance.accept())
        try one(try await issuance.submitRedirect(try await Browser(issuer).signIn(url)))
    }

    func testSeveralCopiesAreSignedForInOneCall() async throws {
        let wallet = try await wallet(keys: keys)
        let issuance = try await wallet.openOffer(try await issuer.offer().link)
        let ids = try done(try await issuance.accept(AcceptOptions(copies: 3)))
        let credential = try await wallet.credential(ids[0])
        XCTAssertEqual(credential.copies.count, 3)
        XCTAssertEqual(Set(credential.copies.compactMap(\.keyHandle)), keys.handles())
        XCTAssertEqual(keys.signCalls, 1)
    }

    func testRestartInTheMiddleOfTheSignInLosesNothing() async throws {
        var wallet = try await wallet(keys: keys, secrets: secrets)
        let url = try signIn(try await wallet.openOffer(try await issuer.offer(grant: TestIssuer.code).link).accept())
        wallet.close()

        let redirect = try await Browser(issuer).signIn(url)
        wallet = try await reopen { try await self.wallet(keys: keys, secrets: secrets) }
        let pending = try await wallet.pending()
        XCTAssertEqual(pending.map(\.step), [.signIn(url)])
        let issuance = try await wallet.resumeRedirect(redirect)
        XCTAssertEqual(pending.map(\.id), [issuance.id])
        try one(try await issuance.submitRedirect(redirect))
        wallet.close()

        wallet = try await reopen { try await self.wallet(keys: keys, secrets: secrets) }
        let credentials = try await wallet.credentials()
        XCTAssertEqual(credentials.count, 1)
        let left = try await wallet.pending()
        XCTAssertEqual(left, [])
    }

    func testResumeByIdBeforeTheCodeIsTyped() async throws {
        let offer = try await issuer.offer(txCode: true)
        var wallet = try await wallet(keys: keys, secrets: secrets)
        let id: String
        do {
            let issuance = try await wallet.openOffer(offer.link)
            _ = try enterCode(try await issuance.accept())
            id = issuance.id
        }
        wallet.close()

        wallet = try await reopen { try await self.wallet(keys: keys, secrets: secrets) }
        let issuance = try await wallet.resume(id)
        _ = try enterCode(try await issuance.proceed())
        try one(try await issuance.submitCode(try XCTUnwrap(offer.txCode)))
    }

    func testTheDefaultsWhereTheAppBringsNone() async throws {
        var wallet = try await wallet(keys: nil, secrets: nil)
        let ids = try done(try await wallet.openOffer(try await issuer.offer().link).accept())
        wallet.close()
        wallet = try await reopen { try await self.wallet(keys: nil, secrets: nil) }
        let credential = try await wallet.credential(ids[0])
        XCTAssertFalse(credential.copies[0].raw.isEmpty)
        #if os(Linux)
        let secrets = folder.appendingPathComponent("wallet/secrets").path
        let attributes = try FileManager.default.attributesOfItem(atPath: secrets)
        XCTAssertEqual((attributes[.posixPermissions] as? NSNumber)?.intValue, 0o600)
        #endif
    }

    func testTheTransportInsideTheLibrary() async throws {
        let wallet = try await wallet(http: nil)
        try one(try await wallet.openOffer(try await issuer.offer().link).accept())
    }

    func testAWalletThatOpensAtTheFirstUse() async throws {
        let wallet = try Billfold(
            clientID: "billfold-test-wallet", directory: folder.appendingPathComponent("late"), keys: keys, secrets: secrets,
            options: BillfoldOptions(allowLoopbackHttp: true)
        )
        XCTAssertFalse(FileManager.default.fileExists(atPath: folder.appendingPathComponent("late").path))
        async let stored = wallet.credentials()
        async let open = wallet.pending()
        let (credentials, pending) = try await (stored, open)
        XCTAssertTrue(credentials.isEmpty && pending.isEmpty)
        try one(try await wallet.openOffer(try await issuer.offer().link).accept())
    }

    func testDeclinedCheckedAgainForgotten() async throws {
        let wallet = try await wallet(keys: keys)
        try await wallet.openOffer(try await issuer.offer().link).decline()
        let asked = try await issuer.tokenRequests()
        XCTAssertEqual(asked, 0)
        let pending = try await wallet.pending()
        XCTAssertEqual(pending, [])

        let id = try done(try await wallet.openOffer(try await issuer.offer().link).accept())[0]
        let checked = try await wallet.recheck(id)
        XCTAssertTrue(checked.report.verdict.isUsable)
        try await wallet.forget(id)
        let left = try await wallet.credentials()
        XCTAssertEqual(left, [])
        XCTAssertEqual(keys.handles(), [])
        let error = try await refused(.wrongStep) { try await wallet.credential(id) }
        XCTAssertEqual(error.code, "credential_unknown")
    }
}
