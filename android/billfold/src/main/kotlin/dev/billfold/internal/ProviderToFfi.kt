package dev.billfold.internal

import dev.billfold.ClientAssertionKey
import dev.billfold.ClientAssertionRequest
import dev.billfold.ClientAttestationRequest
import dev.billfold.KeyAttestationRequest
import dev.billfold.KeyToAttest
import dev.billfold.ProviderException
import dev.billfold.WalletProvider
import dev.billfold.ffi.ClientAssertionKey as FfiClientAssertionKey
import dev.billfold.ffi.ClientAssertionRequest as FfiClientAssertionRequest
import dev.billfold.ffi.ClientAttestationRequest as FfiClientAttestationRequest
import dev.billfold.ffi.KeyAttestationRequest as FfiKeyAttestationRequest
import dev.billfold.ffi.KeyToAttest as FfiKeyToAttest
import dev.billfold.ffi.ProviderCapabilities as FfiProviderCapabilities
import dev.billfold.ffi.ProviderErrorKind as FfiProviderErrorKind
import dev.billfold.ffi.ProviderException as FfiProviderException
import dev.billfold.ffi.WalletProvider as FfiWalletProvider

/** The app's wallet provider, as the native library wants it. Everything thrown is caught here, errors too. */
internal class ProviderToFfi(private val provider: WalletProvider, private val border: Border) : FfiWalletProvider {
    override fun capabilities(): FfiProviderCapabilities = try {
        provider.capabilities.run {
            FfiProviderCapabilities(
                clientAttestation = clientAttestation,
                clientAssertion = clientAssertion?.run { FfiClientAssertionKey(algorithm.toFfi(), keyId) },
                keyAttestation = keyAttestation,
            )
        }
    } catch (error: Throwable) {
        throw failure(error)
    }

    override suspend fun clientAttestation(request: FfiClientAttestationRequest): String = guarded {
        provider.clientAttestation(
            ClientAttestationRequest(
                authorizationServer = request.authorizationServer,
                clientId = request.clientId,
                key = request.key.toPublic(),
            ),
        )
    }

    override suspend fun signClientAssertion(request: FfiClientAssertionRequest): ByteArray = guarded {
        provider.signClientAssertion(
            ClientAssertionRequest(
                authorizationServer = request.authorizationServer,
                key = request.key.run { ClientAssertionKey(algorithm.toPublic(), keyId) },
                payload = request.payload,
            ),
        )
    }

    override suspend fun keyAttestation(request: FfiKeyAttestationRequest): String = guarded {
        provider.keyAttestation(
            KeyAttestationRequest(
                credentialIssuer = request.credentialIssuer,
                keys = request.keys.map { it.toPublic() },
                nonce = request.nonce,
                keyStorage = request.keyStorage,
                userAuthentication = request.userAuthentication,
                signingAlgorithms = request.signingAlgorithms,
                isInsideJwtProof = request.insideJwtProof,
            ),
        )
    }

    private suspend fun <T> guarded(block: suspend () -> T): T = guarded(::failure, block)

    private fun failure(error: Throwable): FfiProviderException {
        val (kind, detail) = when (error) {
            is ProviderException -> error.kind.toFfi() to error.message.orEmpty()
            else -> FfiProviderErrorKind.UNAVAILABLE to unexpected("wallet provider", error)
        }
        border.remember(detail, error)
        return FfiProviderException.Failed(kind, detail)
    }
}

private fun FfiKeyToAttest.toPublic() = KeyToAttest(handle, algorithm.toPublic(), publicJwk, certificates)
