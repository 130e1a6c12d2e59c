import Foundation
import XCTest
@testable import Billfold

/// What goes wrong comes out as the right error, and nothing stored is touched.
final class FailureTests: WalletTestCase {
    /// An error that only the app knows. Its text is a secret.
    private struct AppTrouble: Error, Equatable, CustomStringConvertible {
        let description = "token=abc"
    }

    func testLinksThatAreNoOffers() async throws {
        let wallet = try await wallet()
        let issuerURL: String = issuer.base
        for (link, code) in [
            ("openid-credential-offer://?credential_offer=%7Bnonsense", "offer_malformed"),
            ("openid-credential-offer://", "offer_missing"),
            ("openid-credential-offer://?credential_offer=%7B%7D&credential_offer_uri=\(issuerURL)", "offer_ambiguous"),
        ] {
            let error = try await refused(.offer) { try await wallet.openOffer(link) }
            XCTAssertEqual(error.code, code, link)
            XCTAssertEqual(error.advice, .getNewOffer)
            XCTAssertFalse(error.isRetryable)
            XCTAssertTrue("\(error)".hasPrefix("\(code): "), "\(error)")
            XCTAssertEqual(error.localizedDescription, "\(error)")
        }
    }

    func testPlainHttpWithoutTheDevelopmentSwitch() async throws {
        let wallet = try await wallet(options: BillfoldOptions())
        let offer = try await issuer.offer()
        let error = try await refused(.metadata) { try await wallet.openOffer(offer.link) }
        XCTAssertEqual(error.code, "insecure_url")
        let requested = try await issuer.requested()
        XCTAssertEqual(requested.filter { $0.hasPrefix("/.well-known") }, [])
    }

    func testServerThatIsDown() async throws {
        let wallet = try await wallet()
        let offer = try await issuer.offer()
        issuer.stop()
        let error = try await refused(.network) { try await wallet.openOffer(offer.link) }
        XCTAssertEqual(error.code, "unreachable")
        XCTAssertEqual(error.advice, .retry)
        XCTAssertTrue(error.isRetryable)
        XCTAssertEqual(error.outcome, .notSent)
        XCTAssertEqual(error.endpoint?.absoluteString.hasPrefix(issuer.base), true)
        XCTAssertEqual((error.underlyingError as? TransportError)?.kind, .unreachable)
    }

    func testRedirectWithAnotherStateChangesNothing() async throws {
        let wallet = try await wallet()
        let issuance = try await wallet.openOffer(try await issuer.offer(grant: TestIssuer.code).link)
        let url = try signIn(try await issuance.accept())
        let redirect = try await Browser(issuer).signIn(url)
        let forged = redirect.absoluteString
            .replacingOccurrences(of: "state=[^&]*", with: "state=forged", options: .regularExpression)
        let forgedURL = try XCTUnwrap(URL(string: forged))
        let error = try await refused(.issuer) { try await issuance.submitRedirect(forgedURL) }
        XCTAssertEqual(error.code, "state_mismatch")
        let asked = try await issuer.tokenRequests()
        XCTAssertEqual(asked, 0)
        try one(try await issuance.submitRedirect(redirect))
    }

    func testTheUserSaysNoAtTheIssuer() async throws {
        let wallet = try await wallet()
        let issuance = try await wallet.openOffer(try await issuer.offer(grant: TestIssuer.code).link)
        let url = try signIn(try await issuance.accept())
        let redirect = try await Browser(issuer).signIn(url, decision: "deny")
        let error = try await refused(.denied) { try await issuance.submitRedirect(redirect) }
        XCTAssertEqual(error.code, "access_denied")
        XCTAssertEqual(error.serverError, "access_denied")
    }

    func testCredentialWithAWrongSignatureIsPutAside() async throws {
        let wallet = try await wallet()
        let good = try one(try await wallet.openOffer(try await issuer.offer().link).accept())
        try await issuer.fault("bad-signature")
        let issuance = try await wallet.openOffer(try await issuer.offer().link)
        let error = try await refused(.verification) { try await issuance.accept() }
        XCTAssertEqual(error.code, "credential_rejected")
        XCTAssertEqual(error.advice, .tellIssuer)
        XCTAssertEqual(error.session, issuance.id)
        XCTAssertTrue(error.transcript.contains("/credential"), error.transcript)

        let stored = try await wallet.credentials()
        XCTAssertEqual(stored.filter { !$0.isQuarantined }.map(\.id), [good])
        let aside = stored.filter(\.isQuarantined)
        XCTAssertEqual(aside.map(\.report.verdict), [.rejected])
        XCTAssertEqual(aside.first?.report[.signature]?.outcome, .failed)
    }

    func testCallsThatDoNotFitTheStep() async throws {
        let wallet = try await wallet()
        let issuance = try await wallet.openOffer(try await issuer.offer(txCode: true).link)
        let error = try await refused(.wrongStep) { try await issuance.submitCode("1234") }
        XCTAssertEqual(error.code, "wrong_step")
        let step = try await issuance.step()
        XCTAssertEqual(step, .review)
        let unknown = try await refused(.wrongStep) { try await wallet.resume("nothing") }
        XCTAssertEqual(unknown.code, "session_unknown")
    }

    func testWhatTheAppsKeysThrow() async throws {
        let cases: [(any Error & Sendable, String, String)] = [
            (KeyError(.locked, "finger too wet"), "key_locked", "finger too wet"),
            (KeyError(.failed, "chip on fire"), "signing_failed", "chip on fire"),
            (AppTrouble(), "signing_failed", "AppTrouble"),
            (CancellationError(), "signing_failed", "CancellationError"),
        ]
        for (index, (thrown, code, detail)) in cases.enumerated() {
            let keys = BrokenKeys()
            keys.thrown.with { $0 = thrown }
            let wallet = try await wallet("\(index)", keys: keys)
            let issuance = try await wallet.openOffer(try await issuer.offer().link)
            let error = try await refused(.keys) { try await issuance.accept() }
            XCTAssertEqual(error.code, code)
            XCTAssertTrue(error.detail.contains(detail), error.detail)
            XCTAssertFalse("\(error)".contains("abc"))
            let cause = try XCTUnwrap(error.underlyingError)
            XCTAssertTrue(type(of: cause) == type(of: thrown), "\(cause)")
            // Nothing is lost: the next try goes on where this one stopped.
            XCTAssertTrue(error.isRetryable)
            keys.thrown.with { $0 = nil }
            try one(try await issuance.proceed())
        }
    }

    func testKeysThatGiveSomethingElseThanWasAskedFor() async throws {
        struct Short: HolderKeys {
            let whole = SodiumKeys()
            var algorithms: [Algorithm] { whole.algorithms }
            func create(algorithm: Algorithm, purpose: KeyPurpose, count: Int) async throws -> [HolderKey] {
                try await whole.create(algorithm: algorithm, purpose: purpose, count: count)
                    .map { HolderKey(handle: $0.handle, algorithm: .edDSA, publicKey: $0.publicKey.dropLast()) }
            }
            func sign(_ requests: [SignRequest]) async throws -> [Data] { try await whole.sign(requests) }
            func delete(_ handles: [String]) async throws { try await whole.delete(handles) }
        }
        let wallet = try await wallet(keys: Short())
        let issuance = try await wallet.openOffer(try await issuer.offer().link)
        let error = try await refused(.keys) { try await issuance.accept() }
        XCTAssertEqual(error.code, "key_creation_failed")
    }

    func testWhatTheAppsTransportThrows() async throws {
        let cases: [(any Error & Sendable, String)] = [
            (TransportError(.unreachable, maybeSent: false, "tunnel"), "unreachable"),
            (TransportError(.timedOut, maybeSent: false, "slow"), "timed_out"),
            (TransportError(.tls, maybeSent: false, "bad certificate"), "tls_failed"),
            (TransportError(.tooLarge, maybeSent: true, "long"), "response_too_large"),
            (AppTrouble(), "connection_lost"),
        ]
        for (index, (thrown, code)) in cases.enumerated() {
            let wallet = try await wallet("\(index)", http: MadeTransport { _, _ in throw thrown })
            let offer = try await issuer.offer()
            let error = try await refused(.network) { try await wallet.openOffer(offer.link) }
            XCTAssertEqual(error.code, code, "\(type(of: thrown))")
            XCTAssertFalse("\(error)".contains("abc"))
            let cause = try XCTUnwrap(error.underlyingError)
            XCTAssertTrue(type(of: cause) == type(of: thrown), "\(cause)")
        }
    }

    func testATokenRequestOfUnknownOutcomeIsNotSentAgain() async throws {
        let loses = Locked(true)
        let real = URLSessionTransport()
        let wallet = try await wallet(http: MadeTransport { request, limits in
            let response = try await real.send(request, limits: limits)
            if loses.with({ $0 }) && request.url.path.hasSuffix("/token") { throw AppTrouble() }
            return response
        })
        let issuance = try await wallet.openOffer(try await issuer.offer().link)
        let error = try await refused(.network) { try await issuance.accept() }
        XCTAssertEqual(error.outcome, .unknown)
        loses.with { $0 = false }
        do {
            let step = try await issuance.proceed()
            XCTFail("\(step)")
        } catch is BillfoldError {}
        let asked = try await issuer.tokenRequests()
        XCTAssertEqual(asked, 1)
    }

    func testWhatTheAppsSecretStoreThrows() async throws {
        struct Broken: SecretStore {
            let error: any Error & Sendable
            func put(_ name: String, secret: Data) async throws { throw error }
            func get(_ name: String) async throws -> Data? {
                if error is SecretError { return nil }
                throw error
            }
            func remove(_ name: String) async throws {}
        }
        let full = try await refused(.store) { try await wallet(secrets: Broken(error: SecretError("the disk is full"))) }
        XCTAssertEqual(full.code, "secret_store_failed")
        XCTAssertTrue(full.detail.contains("the disk is full"), full.detail)
        XCTAssertEqual(full.underlyingError as? SecretError, SecretError("the disk is full"))

        try await wallet().close()
        let error = try await refused(.store) { try await reopen { try await wallet(secrets: Broken(error: AppTrouble())) } }
        XCTAssertEqual(error.code, "secret_store_failed")
        XCTAssertFalse("\(error)".contains("abc"))
        XCTAssertEqual(error.underlyingError as? AppTrouble, AppTrouble())
    }

    func testTheWrongSecretsOpenNothing() async throws {
        let wallet = try await wallet()
        try one(try await wallet.openOffer(try await issuer.offer().link).accept())
        wallet.close()
        let error = try await refused(.store) { try await reopen { try await self.wallet().credentials() } }
        XCTAssertTrue(["record_damaged", "secret_store_failed"].contains(error.code), error.code)
    }

    func testOneFolderOneWallet() async throws {
        let secrets = MapSecrets()
        let wallet = try await wallet(secrets: secrets)
        let error = try await refused(.store) { try await self.wallet(secrets: secrets) }
        XCTAssertEqual(error.code, "store_locked")
        wallet.close()
        try await reopen { try await self.wallet(secrets: secrets) }.close()
    }

    func testAWalletThatNobodyKeepsLetsGoOfItsFolder() async throws {
        let secrets = MapSecrets()
        do {
            let wallet = try await wallet(secrets: secrets)
            let issuance = try await wallet.openOffer(try await issuer.offer().link)
            try await issuance.decline()
        }
        // Not at once: the tasks of the last calls end at a time of their own.
        try await reopen { try await wallet(secrets: secrets) }.close()
    }

    func testSettingsThatCannotWork() async throws {
        struct None: HolderKeys {
            let algorithms: [Algorithm] = []
            func create(algorithm: Algorithm, purpose: KeyPurpose, count: Int) async throws -> [HolderKey] { [] }
            func sign(_ requests: [SignRequest]) async throws -> [Data] { [] }
            func delete(_ handles: [String]) async throws {}
        }
        let error = try await refused(.unsupported) { try await wallet(keys: None()) }
        XCTAssertEqual(error.code, "setup_invalid")
        XCTAssertEqual(error.advice, .fixSetup)
        let policy = BillfoldOptions(policy: [.other: .off])
        let wrongPolicy = try await refused(.unsupported) { try await wallet(options: policy) }
        XCTAssertEqual(wrongPolicy.code, "setup_invalid")
        let place = URL(string: "https://localhost/wallet")
        let wrongPlace = try await refused(.unsupported) { try Billfold(clientID: "wallet", directory: place) }
        XCTAssertEqual(wrongPlace.code, "setup_invalid")
    }

    func testCallsAfterClosing() async throws {
        let wallet = try await wallet()
        let issuance = try await wallet.openOffer(try await issuer.offer().link)
        wallet.close()
        wallet.close()
        let error = try await refused(.unsupported) { try await wallet.credentials() }
        XCTAssertEqual(error.code, "closed")
        let late = try await refused(.unsupported) { try await issuance.accept() }
        XCTAssertEqual(late.code, "closed")
    }
}
