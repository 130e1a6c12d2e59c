import Foundation

internal import BillfoldFFI

/// The app's wallet provider, as the native library wants it. Everything thrown is caught here.
final class ProviderToFFI: BillfoldFFI.WalletProvider {
    private let provider: any WalletProvider
    private let border: Border

    init(provider: any WalletProvider, border: Border) {
        self.provider = provider
        self.border = border
    }

    func capabilities() throws -> BillfoldFFI.ProviderCapabilities {
        let capabilities = provider.capabilities
        return BillfoldFFI.ProviderCapabilities(
            clientAttestation: capabilities.clientAttestation,
            clientAssertion: capabilities.clientAssertion.map {
                BillfoldFFI.ClientAssertionKey(algorithm: $0.algorithm.ffi, keyId: $0.keyID)
            },
            keyAttestation: capabilities.keyAttestation
        )
    }

    func clientAttestation(request: BillfoldFFI.ClientAttestationRequest) async throws -> String {
        try await guarded {
            try await provider.clientAttestation(
                ClientAttestationRequest(
                    authorizationServer: request.authorizationServer,
                    clientID: request.clientId,
                    key: KeyToAttest(request.key)
                )
            )
        }
    }

    func signClientAssertion(request: BillfoldFFI.ClientAssertionRequest) async throws -> Data {
        try await guarded {
            try await provider.signClientAssertion(
                ClientAssertionRequest(
                    authorizationServer: request.authorizationServer,
                    key: ClientAssertionKey(algorithm: Algorithm(request.key.algorithm), keyID: request.key.keyId),
                    payload: request.payload
                )
            )
        }
    }

    func keyAttestation(request: BillfoldFFI.KeyAttestationRequest) async throws -> String {
        try await guarded {
            try await provider.keyAttestation(
                KeyAttestationRequest(
                    credentialIssuer: request.credentialIssuer,
                    keys: request.keys.map(KeyToAttest.init),
                    nonce: request.nonce,
                    keyStorage: request.keyStorage,
                    userAuthentication: request.userAuthentication,
                    signingAlgorithms: request.signingAlgorithms,
                    isInsideJwtProof: request.insideJwtProof
                )
            )
        }
    }

    private func guarded<T>(_ body: () async throws -> T) async throws -> T {
        do {
            return try await body()
        } catch {
            let (kind, detail) = if let error = error as? ProviderError {
                (error.kind.ffi, error.detail)
            } else {
                (BillfoldFFI.ProviderErrorKind.unavailable, "the app's wallet provider threw \(name(of: error))")
            }
            border.remember(detail, error)
            throw BillfoldFFI.ProviderError.Failed(kind: kind, detail: detail)
        }
    }
}

extension KeyToAttest {
    init(_ ffi: BillfoldFFI.KeyToAttest) {
        self.init(
            handle: ffi.handle,
            algorithm: Algorithm(ffi.algorithm),
            publicJwk: ffi.publicJwk,
            certificates: ffi.certificates
        )
    }
}
