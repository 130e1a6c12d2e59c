import Foundation
import XCTest
import func BillfoldFFI.uniffiForeignFutureHandleCountBillfoldFfi
@testable import Billfold

/// What is set on this side of the border takes effect on the other.
final class SettingsTests: WalletTestCase {
    private func options(_ change: (inout BillfoldOptions) -> Void) -> BillfoldOptions {
        var options = BillfoldOptions(allowLoopbackHttp: true)
        change(&options)
        return options
    }

    func testTheLanguageOfNames() async throws {
        var titles: Set<String> = []
        for tag in ["en", "de"] {
            let wallet = try await wallet(tag, options: options { $0.locale = tag })
            let issuance = try await wallet.openOffer(try await issuer.offer().link)
            let credential = try await wallet.credential(try one(try await issuance.accept()))
            XCTAssertEqual(issuance.offer.titles, [credential.card.title])
            titles.insert(credential.card.title)
        }
        XCTAssertEqual(titles.count, 2)
    }

    func testTrustAnchors() async throws {
        let trust: String = issuer.trust
        let trusting = try await wallet("right", options: options { $0.trustAnchors = [trust] })
        let id = try one(try await trusting.openOffer(try await issuer.offer().link).accept())
        let trusted = try await trusting.credential(id)
        XCTAssertEqual(trusted.report[.issuerTrust]?.outcome, .passed)

        let otherTrust = try issuer("--profile", "final").trust
        let strict = try await wallet("other", options: options { $0.trustAnchors = [otherTrust] })
        let issuance = try await strict.openOffer(try await issuer.offer().link)
        let error = try await refused(.verification) { try await issuance.accept() }
        XCTAssertEqual(error.code, "credential_rejected")
        let aside = try await strict.credentials()
        XCTAssertEqual(aside.map(\.report.failed), [[.issuerTrust]])

        let wrong = try await refused(.unsupported) {
            try await wallet("none", options: options { $0.trustAnchors = ["no certificate"] })
        }
        XCTAssertEqual(wrong.code, "setup_invalid")
    }

    func testPolicyAndClockSkew() async throws {
        let late = try issuer("--fault", "expired-credential")
        let strict = try await wallet("strict", options: options { _ in })
        let issuance = try await strict.openOffer(try await late.offer().link)
        _ = try await refused(.verification) { try await issuance.accept() }

        let lenient = try await wallet("lenient", options: options { $0.policy = [.validity: .warn] })
        let id = try one(try await lenient.openOffer(try await late.offer().link).accept())
        let credential = try await lenient.credential(id)
        XCTAssertEqual(credential.report.verdict, .verifiedWithWarnings)
        XCTAssertLessThan(try XCTUnwrap(credential.expiresAt), Date())

        let slow = try await wallet("slow", options: options { $0.clockSkew = 90 * 60 })
        try one(try await slow.openOffer(try await late.offer().link).accept())
    }

    func testIssuersThatAreTrustedByName() async throws {
        let base: String = issuer.base
        func offered() async throws -> String {
            try await issuer.offer(configurations: ["StudentCard_dc_sd_jwt_by_jwt_vc_issuer"]).link
        }
        let trusting = try await wallet("right", options: options { $0.trustedIssuers = [base] })
        let id = try one(try await trusting.openOffer(try await offered()).accept())
        let trusted = try await trusting.credential(id)
        XCTAssertEqual(trusted.report[.issuerTrust]?.outcome, .passed)

        let strict = try await wallet("other", options: options { $0.trustedIssuers = ["https://other.example"] })
        let issuance = try await strict.openOffer(try await offered())
        _ = try await refused(.verification) { try await issuance.accept() }
        let aside = try await strict.credentials()
        XCTAssertEqual(aside.map(\.report.failed), [[.issuerTrust]])
    }

    func testAPolicyForOneType() async throws {
        let late = try issuer("--fault", "expired-credential")
        let other = try await wallet("other", options: options { $0.policies = ["another": [.validity: .warn]] })
        let issuance = try await other.openOffer(try await late.offer().link)
        _ = try await refused(.verification) { try await issuance.accept() }
        guard case .vct(let vct) = try await other.credentials().first?.type else { return XCTFail("no vct") }
        let lenient = try await wallet("this", options: options { $0.policies = [vct: [.validity: .warn]] })
        try one(try await lenient.openOffer(try await late.offer().link).accept())
        let kept = try await lenient.credentials()
        XCTAssertEqual(kept.map(\.card.state), [.expired])
    }

    func testBindings() async throws {
        for (binding, format) in [
            (Binding.auto, TestIssuer.sdJwt), (.jwk, TestIssuer.sdJwt), (.auto, TestIssuer.jwtVc),
            (.didKey, TestIssuer.jwtVc), (.didJwk, TestIssuer.jwtVc),
        ] {
            let wallet = try await wallet("\(binding) \(format)", options: options { $0.binding = binding })
            try one(try await wallet.openOffer(try await issuer.offer(format: format).link).accept())
        }
        // A setting is an order: an issuer that knows keys by `jwk` alone refuses a DID.
        let wallet = try await wallet("ordered", options: options { $0.binding = .didKey })
        let issuance = try await wallet.openOffer(try await issuer.offer().link)
        let error = try await refused(.issuer) { try await issuance.accept() }
        XCTAssertEqual(error.code, "proof_refused")
    }

    func testKeysThatAreNamedByTheirCertificates() async throws {
        let byCertificate = options { $0.binding = .x5c }
        let certified = try await wallet("certified", keys: CertifiedKeys(), options: byCertificate)
        try one(try await certified.openOffer(try await issuer.offer().link).accept())

        let bare = try await wallet("bare", options: byCertificate)
        let issuance = try await bare.openOffer(try await issuer.offer().link)
        let error = try await refused(.unsupported) { try await issuance.accept() }
        XCTAssertEqual(error.code, "setup_invalid")
    }

    func testWhatIsTakenOfAnOffer() async throws {
        let wallet = try await wallet()
        let issuance = try await wallet.openOffer(try await issuer.offer(grant: TestIssuer.code).link)
        let grant = AcceptOptions(grant: .preAuthorizedCode)
        _ = try await refused(.offer) { try await issuance.accept(grant) }
        for copies in [-1, 0, 1000, Int.max] {
            let error = try await refused(.unsupported) { try await issuance.accept(AcceptOptions(copies: copies)) }
            XCTAssertTrue(error.detail.contains("copies"), error.detail)
        }
        let byDetails = AcceptOptions(
            configurations: issuance.offer.credentials.map(\.configuration), grant: .authorizationCode, requestBy: .details
        )
        let url = try signIn(try await issuance.accept(byDetails))
        try one(try await issuance.submitRedirect(try await Browser(issuer).signIn(url)))
    }

    func testACredentialThatTakesItsTime() async throws {
        let slow = try issuer("--deferred", "1")
        let wallet = try await wallet()
        let issuance = try await wallet.openOffer(try await slow.offer().link)
        var step = try await issuance.accept()
        let pending = try await wallet.pending()
        XCTAssertEqual(pending.map(\.step), [step])
        var polls = 0
        while case .wait(let until) = step {
            XCTAssertLessThan(until.timeIntervalSinceNow, 60)
            try await Task.sleep(nanoseconds: UInt64(max(0, until.timeIntervalSinceNow) * 1e9))
            step = try await issuance.poll()
            polls += 1
        }
        try one(step)
        XCTAssertGreaterThanOrEqual(polls, 2)
    }

    func testTheLogHoldsNoSecrets() async throws {
        let lines = Locked<[String]>([])
        XCTAssertTrue(Billfold.setLogSink(level: .trace) { level, target, text in
            lines.with { $0.append("\(level) \(target) \(text)") }
        })
        XCTAssertFalse(Billfold.setLogSink { _, _, _ in })
        let wallet = try await wallet()
        let offer = try await issuer.offer()
        let credential = try await wallet.credential(try one(try await wallet.openOffer(offer.link).accept()))
        let log = lines.with { $0 }
        XCTAssertTrue(log.contains { $0.contains("debug billfold::http") && $0.contains("/token") }, "\(log)")

        let json = try XCTUnwrap(URLComponents(string: offer.link)?.queryItems?.first?.value)
        let content = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
        let grants = content?["grants"] as? [String: [String: Any]]
        let code = try XCTUnwrap(grants?.values.first?["pre-authorized_code"] as? String)
        let claims = credential.card.claims.map(\.text).filter { $0.count > 5 }
        XCTAssertFalse(claims.isEmpty)
        for secret in claims + [code, credential.copies[0].raw] {
            XCTAssertFalse(log.contains { $0.contains(secret) }, secret)
        }
    }

    func testNothingIsLeftBehindOnThisSide() async throws {
        weak var forgotten: SodiumKeys?
        for round in 0..<5 {
            let keys = SodiumKeys()
            forgotten = keys
            let wallet = try await wallet("\(round)", keys: keys)
            try one(try await wallet.openOffer(try await issuer.offer().link).accept())
            wallet.close()
        }
        let until = Date().addingTimeInterval(10)
        while (forgotten != nil || uniffiForeignFutureHandleCountBillfoldFfi() > 0) && Date() < until {
            try await Task.sleep(nanoseconds: 20_000_000)
        }
        XCTAssertNil(forgotten)
        XCTAssertEqual(uniffiForeignFutureHandleCountBillfoldFfi(), 0)
    }

    func testTheVersionIsTheProjects() throws {
        let manifest = try Tree.text("Cargo.toml")
        XCTAssertTrue(manifest.contains("version = \"\(Billfold.version)\""), Billfold.version)
    }
}
