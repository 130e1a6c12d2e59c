package dev.billfold.support

import dev.billfold.ClientAttestationRequest
import dev.billfold.KeyAttestationRequest
import dev.billfold.ProviderCapabilities
import dev.billfold.WalletProvider
import java.util.concurrent.CopyOnWriteArrayList

/** An app's back end that vouches for whatever it is asked to, by an attester that the test issuer trusts. */
class Vouching(private val issuer: TestIssuer) : WalletProvider {
    /** What it was asked for so far. */
    val clients = CopyOnWriteArrayList<ClientAttestationRequest>()

    /** What it was asked for so far. */
    val keys = CopyOnWriteArrayList<KeyAttestationRequest>()

    override val capabilities = ProviderCapabilities(clientAttestation = true, keyAttestation = true)

    override suspend fun clientAttestation(request: ClientAttestationRequest): String {
        clients += request
        return issuer.attestClient(request.clientId, request.key.publicJwk)
    }

    override suspend fun keyAttestation(request: KeyAttestationRequest): String {
        keys += request
        return request.run { issuer.attestKeys(keys.map { it.publicJwk }, nonce, keyStorage, userAuthentication) }
    }
}
