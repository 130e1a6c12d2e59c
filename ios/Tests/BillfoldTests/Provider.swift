import Billfold

// The example of ios/README.md and of WalletProvider, compiled here and run by HAIPTests.

/// What the app's own server answers to its app, by HTTP.
protocol Server: Sendable {
    func attestClient(_ clientID: String, _ publicJwk: String) async throws -> String
    func attestKeys(_ publicJwks: [String], _ nonce: String?) async throws -> String
}

// example:begin
struct BackEnd: WalletProvider {
    let server: any Server

    var capabilities: ProviderCapabilities { ProviderCapabilities(clientAttestation: true, keyAttestation: true) }

    func clientAttestation(_ request: ClientAttestationRequest) async throws -> String {
        try await server.attestClient(request.clientID, request.key.publicJwk)
    }

    func keyAttestation(_ request: KeyAttestationRequest) async throws -> String {
        try await server.attestKeys(request.keys.map(\.publicJwk), request.nonce)
    }
}
// example:end
