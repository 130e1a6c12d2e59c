package dev.billfold

// The example of android/README.md, compiled, and run by HaipTest.

/** What the app's own server answers to its app, by HTTP. */
internal interface Server {
    suspend fun attestClient(clientId: String, publicJwk: String): String

    suspend fun attestKeys(publicJwks: List<String>, nonce: String?): String
}

// example:begin
internal class BackEnd(private val server: Server) : WalletProvider {
    override val capabilities = ProviderCapabilities(clientAttestation = true, keyAttestation = true)

    override suspend fun clientAttestation(request: ClientAttestationRequest): String =
        server.attestClient(request.clientId, request.key.publicJwk)

    override suspend fun keyAttestation(request: KeyAttestationRequest): String =
        server.attestKeys(request.keys.map { it.publicJwk }, request.nonce)
}
// example:end
