import Foundation
import XCTest
@testable import Billfold

/// Every format that this library takes is received, checked and shown.
final class FormatsTests: WalletTestCase {
    private let some = [
        ("dc+sd-jwt", "UniversityDegree_dc_sd_jwt"), ("vc+sd-jwt", "UniversityDegree_vc_sd_jwt"),
        ("jwt_vc_json", "UniversityDegree_jwt_vc_json"), ("jwt_vc_json", "UniversityDegree_jwt_vc_json_v2"),
        ("jwt_vc_json-ld", "UniversityDegree_jwt_vc_json_ld"), ("mso_mdoc", "DrivingLicence_mso_mdoc"),
    ]
    private let dataIntegrity = ["ecdsa_p256", "ecdsa_p384", "eddsa", "ed25519_2020", "jws_2020"]
        .map { ("ldp_vc", "UniversityDegree_ldp_vc_\($0)") }

    func testEveryFormat() async throws {
        try await receive(some)
    }

    func testEverySuiteOfDataIntegrity() async throws {
        try await receive(dataIntegrity)
    }

    private func receive(_ configurations: [(String, String)]) async throws {
        let wallet = try await wallet()
        for (format, configuration) in configurations {
            let offer = try await issuer.offer(format: format, configurations: [configuration])
            let credential = try await wallet.credential(try one(try await wallet.openOffer(offer.link).accept()))
            XCTAssertEqual(credential.format, format)
            XCTAssertEqual(credential.report.failed, [], configuration)
            XCTAssertTrue(credential.report.verdict.isUsable, "\(configuration): \(credential.report)")
            XCTAssertEqual(credential.report[.signature]?.outcome, .passed, configuration)
            switch credential.type {
            case .vct(let vct): XCTAssertTrue(format.contains("sd-jwt") && !vct.isEmpty, configuration)
            case .doctype(let doctype): XCTAssertTrue(format == "mso_mdoc" && !doctype.isEmpty)
            case .types(let types): XCTAssertTrue(types.contains("VerifiableCredential"), configuration)
            case .unknown: XCTFail(configuration)
            }
            XCTAssertEqual(credential.card.state, .valid, configuration)
            XCTAssertFalse(credential.card.claims.isEmpty, configuration)
            if format == "mso_mdoc" {
                XCTAssertTrue(credential.card.claims.allSatisfy { $0.path.count >= 2 && $0.isDisclosable })
                XCTAssertNotNil(credential.validFrom)
                XCTAssertNotNil(credential.expiresAt)
            }
            // The same, by the rules for what nobody asked for. (Suites of Data Integrity have keys of DIDs, under no
            // certificate.)
            let options = VerifyOptions(
                trustAnchors: [issuer.trust], policy: [.issuerTrust: .off], allowLoopbackHttp: true
            )
            let verified = try await Billfold.verify(
                Data(credential.copies[0].raw.utf8), format: format, options: options, http: URLSessionTransport()
            )
            XCTAssertEqual(verified.report.failed, [], configuration)
            XCTAssertEqual(verified.type, credential.type, configuration)
            XCTAssertEqual(verified.expiresAt, credential.expiresAt, configuration)
        }
        let stored = try await wallet.credentials()
        XCTAssertEqual(stored.count, configurations.count)
    }

    func testAFormatThatNobodyKnowsIsKeptForWhoWantsIt() async throws {
        let issuer = try issuer("--unknown-format")
        let wallet = try await wallet()
        func offered() async throws -> Issuance {
            let offer = try await issuer.offer(format: "x-unheard-of", configurations: ["StudentCard_unheard_of"])
            return try await wallet.openOffer(offer.link)
        }
        let first = try await offered()
        let refusal = try await refused(.unsupported) { try await first.accept() }
        XCTAssertEqual(refusal.code, "format_unsupported")

        let second = try await offered()
        let aside = try await refused(.verification) {
            try await second.accept(AcceptOptions(unverifiedFormats: true))
        }
        XCTAssertEqual(aside.code, "credential_unverified")
        let stored = try await wallet.credentials()
        let credential = try XCTUnwrap(stored.first)
        XCTAssertEqual(stored.count, 1)
        XCTAssertTrue(credential.isQuarantined)
        XCTAssertEqual(credential.format, "x-unheard-of")
        XCTAssertEqual(credential.type, .unknown)
        XCTAssertEqual(credential.card.state, .unchecked)
        XCTAssertFalse(credential.copies[0].raw.isEmpty)
        let taken = try await refused(.verification) { try await wallet.takeCopy(credential.id) }
        XCTAssertEqual(taken.code, "credential_quarantined")
    }

    func testWhatBecomesOfAStatus() async throws {
        let issuer = try issuer("--status-ttl", "1")
        let wallet = try await wallet(
            options: BillfoldOptions(locale: "en", allowLoopbackHttp: true, policy: [.status: .require])
        )
        for kind in ["token-jwt", "token-cwt", "bitstring"] {
            let offer = try await issuer.offer(status: kind)
            let credential = try await wallet.credential(try one(try await wallet.openOffer(offer.link).accept()))
            XCTAssertFalse(credential.statusLists.isEmpty, kind)
            XCTAssertEqual(credential.statusFound?.value, .valid, kind)
            try await issuer.status(1)
            // Lists are kept for as long as they say.
            try await Task.sleep(nanoseconds: 2_100_000_000)
            let revoked = try await wallet.recheck(credential.id)
            XCTAssertEqual(revoked.statusFound?.value, .invalid, kind)
            XCTAssertEqual(revoked.card.state, .revoked, kind)
            XCTAssertTrue(revoked.isQuarantined, kind)
        }
        let offer = try await issuer.offer(status: "token-jwt")
        let id = try one(try await wallet.openOffer(offer.link).accept())
        for (value, status, state) in [(2, StatusValue.suspended, CardState.suspended), (0, .valid, .valid)] {
            try await issuer.status(value)
            try await Task.sleep(nanoseconds: 2_100_000_000)
            let checked = try await wallet.recheck(id)
            XCTAssertEqual(checked.statusFound?.value, status)
            XCTAssertEqual(checked.card.state, state)
            XCTAssertEqual(checked.isQuarantined, value != 0)
        }
    }
}
