import Foundation
@testable import Billfold

/// The attester that the test issuer trusts, asked by HTTP as an app asks its own server. It vouches for
/// whatever it is asked to.
struct Attester: Server {
    private let base: String

    init(_ issuer: TestIssuer) {
        base = issuer.base
    }

    func attestClient(_ clientID: String, _ publicJwk: String) async throws -> String {
        let jwk = try TestIssuer.object(Data(publicJwk.utf8))
        return try await attestation("client", ["client_id": clientID, "jwk": jwk])
    }

    func attestKeys(_ publicJwks: [String], _ nonce: String?) async throws -> String {
        try await attestKeys(publicJwks, nonce, keyStorage: [], userAuthentication: [])
    }

    func attestKeys(
        _ publicJwks: [String], _ nonce: String?, keyStorage: [String], userAuthentication: [String]
    ) async throws -> String {
        var wanted: [String: Any] = ["keys": try publicJwks.map { try TestIssuer.object(Data($0.utf8)) }]
        if let nonce { wanted["nonce"] = nonce }
        wanted["key_storage"] = keyStorage
        wanted["user_authentication"] = userAuthentication
        return try await attestation("keys", wanted)
    }

    private func attestation(_ kind: String, _ wanted: [String: Any]) async throws -> String {
        let made = try await TestIssuer.ask(base, "/test/attester/\(kind)", wanted)
        guard let attestation = made["attestation"] as? String else { throw Trouble("no attestation: \(made)") }
        return attestation
    }
}

/// An app's back end that remembers what it was asked for, and throws while told to.
final class Vouching: WalletProvider {
    let capabilities = ProviderCapabilities(clientAttestation: true, keyAttestation: true)
    let thrown = Locked<(any Error)?>(nil)
    private let attester: Attester
    private let asked = Locked<(clients: [ClientAttestationRequest], keys: [KeyAttestationRequest])>(([], []))

    /// What it was asked for so far.
    var clients: [ClientAttestationRequest] { asked.with { $0.clients } }

    /// What it was asked for so far.
    var keys: [KeyAttestationRequest] { asked.with { $0.keys } }

    init(_ issuer: TestIssuer) {
        attester = Attester(issuer)
    }

    func clientAttestation(_ request: ClientAttestationRequest) async throws -> String {
        asked.with { $0.clients.append(request) }
        if let error = thrown.with({ $0 }) { throw error }
        return try await attester.attestClient(request.clientID, request.key.publicJwk)
    }

    func keyAttestation(_ request: KeyAttestationRequest) async throws -> String {
        asked.with { $0.keys.append(request) }
        if let error = thrown.with({ $0 }) { throw error }
        return try await attester.attestKeys(
            request.keys.map(\.publicJwk), request.nonce,
            keyStorage: request.keyStorage, userAuthentication: request.userAuthentication
        )
    }
}
