import Foundation
import XCTest
@testable import Billfold

/// A wallet provider in Swift, and what the strict issuer makes of what it gives.
final class ProviderTests: WalletTestCase {
    private let keys = SodiumKeys()

    /// An error that only the app knows. Its text is a secret.
    private struct AppTrouble: Error, Equatable, CustomStringConvertible {
        let description = "token=abc"
    }

    // covers: WATT-02, WATT-04, WATT-06, HAIP-08, HAIP-11
    func testClientAttestations() async throws {
        let issuer = try issuer("--client-auth", "attestation", "--challenges")
        let provider = Vouching(issuer)
        let wallet = try await wallet(keys: keys, provider: provider)
        let issuance = try await wallet.openOffer(try await issuer.offer(grant: TestIssuer.code).link)
        let url = try signIn(try await issuance.accept())
        let asked = try XCTUnwrap(provider.clients.first)
        XCTAssertEqual(asked.authorizationServer, issuer.base)
        XCTAssertEqual(asked.clientID, "billfold-test-wallet")
        XCTAssertEqual(asked.key.algorithm, .edDSA)
        XCTAssertEqual([asked.key.handle], keys.handles(.clientInstance))

        let id = try one(try await issuance.submitRedirect(try await Browser(issuer).signIn(url)))
        let credential = try await wallet.credential(id)
        XCTAssertFalse(credential.isQuarantined)
        XCTAssertEqual(provider.clients.count, 1)
        XCTAssertEqual(provider.keys, [])
        let shown = try await (issuer.requests("/par") + issuer.requests("/token"))
            .compactMap { $0["attestation"] as? [String: Any] }
        XCTAssertEqual(shown.count, 2)
        XCTAssertEqual(Set(shown.compactMap { $0["jti"] as? String }).count, 2)
        XCTAssertEqual(Set(shown.compactMap { $0["challenge"] as? String }).count, 2)
        XCTAssertEqual(Set(shown.compactMap { $0["hash"] as? String }).count, 1)
    }

    // covers: WATT-11
    func testTheOtherTextOfTheAttestationDraft() async throws {
        let issuer = try issuer("--client-auth", "attestation", "--attestation-version", "8")
        let v08 = BillfoldOptions(allowLoopbackHttp: true, attestationVersion: .v08)
        let fitting = try await wallet("8", provider: Vouching(issuer), options: v08)
        try one(try await fitting.openOffer(try await issuer.offer().link).accept())

        let other = try await wallet("7", provider: Vouching(issuer))
        let issuance = try await other.openOffer(try await issuer.offer().link)
        let error = try await refused(.issuer) { try await issuance.accept() }
        XCTAssertEqual(error.code, "attestation_refused")
    }

    // covers: WATT-12
    func testClientAssertions() async throws {
        /// A back end with the client's own key, and nothing else.
        struct Assertions: WalletProvider {
            let client = SodiumKeys()
            let handle: String
            let asked = Locked<[ClientAssertionRequest]>([])
            var capabilities: ProviderCapabilities {
                ProviderCapabilities(clientAssertion: ClientAssertionKey(algorithm: .edDSA, keyID: "the client"))
            }
            let publicKey: Data

            init() async throws {
                let key = try await client.create(algorithm: .edDSA, purpose: .clientInstance, count: 1)[0]
                (handle, publicKey) = (key.handle, key.publicKey)
            }

            func signClientAssertion(_ request: ClientAssertionRequest) async throws -> Data {
                asked.with { $0.append(request) }
                let request = SignRequest(handle: handle, algorithm: .edDSA, payload: request.payload)
                return try await client.sign([request])[0]
            }
        }

        let provider = try await Assertions()
        let x = provider.publicKey.base64EncodedString()
            .replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
            .replacingOccurrences(of: "=", with: "")
        let jwks = folder.appendingPathComponent("jwks.json")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"\#(x)","kid":"the client"}]}"#.utf8).write(to: jwks)
        let issuer = try issuer("--client-auth", "private-key-jwt", "--client-jwks", jwks.path)
        let wallet = try await wallet(keys: keys, provider: provider)
        try one(try await wallet.openOffer(try await issuer.offer().link).accept())
        let asked = provider.asked.with { $0 }
        XCTAssertEqual(asked.map(\.authorizationServer), [issuer.base])
        XCTAssertEqual(asked.map(\.key), [ClientAssertionKey(algorithm: .edDSA, keyID: "the client")])
        let authenticated = try await issuer.requests("/token").compactMap { $0["client_auth"] as? String }
        XCTAssertEqual(authenticated, ["private_key_jwt"])
    }

    // covers: PROOF-07, PROOF-21, PROOF-23
    func testKeyAttestationsInsideOfProofsAndAsProofs() async throws {
        let inside = ["--key-attestation", "levels"]
        let alone = ["--key-attestation", "required", "--attestation-proof", "only"]
        for (isInside, arguments) in [(true, inside), (false, alone)] {
            let issuer = try issuer(arguments)
            let keys = SodiumKeys()
            let provider = Vouching(issuer)
            let wallet = try await wallet("\(isInside)", keys: keys, provider: provider)
            let issuance = try await wallet.openOffer(try await issuer.offer().link)
            let credential = try await wallet.credential(try one(try await issuance.accept(AcceptOptions(copies: 3))))
            XCTAssertFalse(credential.isQuarantined)
            XCTAssertEqual(provider.keys.count, 1)
            let asked = try XCTUnwrap(provider.keys.first)
            XCTAssertEqual(asked.credentialIssuer, issuer.base)
            XCTAssertEqual(asked.keys.count, 3)
            XCTAssertEqual(Set(asked.keys.map(\.handle)), Set(credential.copies.compactMap(\.keyHandle)))
            XCTAssertNotNil(asked.nonce)
            XCTAssertTrue(asked.signingAlgorithms.contains("ES256"), "\(asked.signingAlgorithms)")
            XCTAssertEqual(asked.isInsideJwtProof, isInside)
            XCTAssertEqual(asked.keyStorage.isEmpty, !isInside)
            XCTAssertEqual(asked.userAuthentication.isEmpty, !isInside)
            // One proof stands for all keys, or none at all has to be signed here.
            XCTAssertEqual(keys.createCalls, 1)
            XCTAssertEqual(keys.signCalls, isInside ? 1 : 0)
        }
    }

    func testABackEndThatFails() async throws {
        let issuer = try issuer("--client-auth", "attestation")
        let provider = Vouching(issuer)
        let wallet = try await wallet(keys: keys, provider: provider)
        let cases: [(any Error & Sendable, String, Advice)] = [
            (ProviderError(.refused, "a stranger"), "provider_refused", .fixSetup),
            (AppTrouble(), "provider_unavailable", .retry),
            (CancellationError(), "provider_unavailable", .retry),
            (ProviderError(.unavailable, "down"), "provider_unavailable", .retry),
        ]
        for (thrown, code, advice) in cases {
            provider.thrown.with { $0 = thrown }
            let issuance = try await wallet.openOffer(try await issuer.offer().link)
            let error = try await refused(.keys) { try await issuance.accept() }
            XCTAssertEqual(error.code, code)
            XCTAssertEqual(error.advice, advice)
            XCTAssertEqual(error.isRetryable, advice == .retry)
            let cause = try XCTUnwrap(error.underlyingError)
            XCTAssertTrue(type(of: cause) == type(of: thrown), "\(cause)")
            XCTAssertFalse("\(error) \(error.transcript)".contains("abc"))
            let spent = try await issuer.tokenRequests()
            XCTAssertEqual(spent, 0)
            guard advice == .retry else { continue }
            // Nothing is lost: the same call once more goes through.
            provider.thrown.with { $0 = nil }
            try one(try await issuance.accept())
            try await issuer.resetLog()
        }
    }

    func testKeyAttestationsThatDoNotCome() async throws {
        let issuer = try issuer("--key-attestation", "required")
        let provider = Vouching(issuer)
        provider.thrown.with { $0 = ProviderError(.unavailable, "down") }
        let wallet = try await wallet(keys: keys, provider: provider)
        let issuance = try await wallet.openOffer(try await issuer.offer().link)
        let error = try await refused(.keys) { try await issuance.accept() }
        XCTAssertEqual(error.code, "provider_unavailable")
        XCTAssertEqual(error.underlyingError as? ProviderError, ProviderError(.unavailable, "down"))
        provider.thrown.with { $0 = nil }
        try one(try await issuance.proceed())
        let spent = try await issuer.tokenRequests()
        XCTAssertEqual(spent, 1)
    }

    func testAProviderThatPromisesMoreThanItDoes() async throws {
        struct Promises: WalletProvider {
            let capabilities = ProviderCapabilities(clientAttestation: true)
        }
        let issuer = try issuer("--client-auth", "attestation")
        let promising = try await wallet("promises", provider: Promises())
        var issuance = try await promising.openOffer(try await issuer.offer().link)
        let refusal = try await refused(.keys) { [issuance] in try await issuance.accept() }
        XCTAssertEqual(refusal.code, "provider_refused")
        XCTAssertEqual((refusal.underlyingError as? ProviderError)?.kind, .unsupported)

        let alone = try await wallet("nobody")
        issuance = try await alone.openOffer(try await issuer.offer().link)
        let error = try await refused(.unsupported) { [issuance] in try await issuance.accept() }
        XCTAssertEqual(error.code, "client_authentication_unavailable")
    }

    func testWhatAProviderLeavesOutIsUnsupported() async throws {
        struct Nothing: WalletProvider {
            let capabilities = ProviderCapabilities()
        }
        let key = KeyToAttest(handle: "1", algorithm: .es256, publicJwk: "{}")
        let nothing = Nothing()
        let calls: [@Sendable () async throws -> Void] = [
            {
                _ = try await nothing.clientAttestation(
                    ClientAttestationRequest(authorizationServer: "https://as.example", clientID: "wallet", key: key)
                )
            },
            {
                _ = try await nothing.signClientAssertion(
                    ClientAssertionRequest(
                        authorizationServer: "https://as.example", key: ClientAssertionKey(algorithm: .es256), payload: Data()
                    )
                )
            },
            {
                _ = try await nothing.keyAttestation(
                    KeyAttestationRequest(credentialIssuer: "https://issuer.example", keys: [key])
                )
            },
        ]
        for call in calls {
            do {
                try await call()
                XCTFail("it gave something")
            } catch let error as ProviderError {
                XCTAssertEqual(error.kind, .unsupported)
            }
        }
    }
}
