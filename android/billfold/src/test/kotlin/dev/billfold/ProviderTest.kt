package dev.billfold

import dev.billfold.support.Browser
import dev.billfold.support.CLIENT
import dev.billfold.support.JavaKeys
import dev.billfold.support.TestIssuer
import dev.billfold.support.TestIssuer.Companion.text
import dev.billfold.support.Vouching
import dev.billfold.support.refused
import dev.billfold.support.test
import dev.billfold.support.wallet
import java.io.File
import java.security.KeyPairGenerator
import java.security.Signature
import java.security.interfaces.ECPublicKey
import java.security.spec.ECGenParameterSpec
import java.util.Base64
import kotlinx.serialization.json.jsonObject
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** A wallet provider in Kotlin, and what the strict issuer makes of what it gives. */
class ProviderTest {
    @TempDir
    lateinit var folder: File
    private val keys = JavaKeys()

    @Test
    fun `client attestations`() = test {
        TestIssuer.start("--client-auth", "attestation", "--challenges").use { issuer ->
            val backEnd = Vouching(issuer)
            wallet(folder, keys, provider = backEnd).use { wallet ->
                val issuance = wallet.openOffer(issuer.offer(grant = TestIssuer.CODE).link)
                val signIn = issuance.accept() as Step.SignIn
                val asked = backEnd.clients.single()
                assertEquals(issuer.base, asked.authorizationServer)
                assertEquals(CLIENT, asked.clientId)
                assertEquals(Algorithm.ES256, asked.key.algorithm)
                assertEquals(setOf(asked.key.handle), keys.handles(KeyPurpose.CLIENT_INSTANCE))

                val done = issuance.submitRedirect(Browser(issuer).signIn(signIn.url)) as Step.Done
                assertFalse(wallet.credential(done.credentials.single()).isQuarantined)
                assertEquals(1, backEnd.clients.size)
                val shown = (issuer.requests("/par") + issuer.requests("/token")).map { it.getValue("attestation").jsonObject }
                assertEquals(2, shown.map { it.text("jti") }.toSet().size)
                assertEquals(1, shown.map { it.text("hash") }.toSet().size)
            }
        }
    }

    @Test
    fun `the other text of the attestation draft`() = test {
        TestIssuer.start("--client-auth", "attestation", "--attestation-version", "8").use { issuer ->
            val v08 = BillfoldOptions(allowLoopbackHttp = true, attestationVersion = AttestationVersion.V08)
            wallet(File(folder, "8"), options = v08, provider = Vouching(issuer)).use { wallet ->
                assertTrue(wallet.openOffer(issuer.offer().link).accept() is Step.Done)
            }
            wallet(File(folder, "7"), provider = Vouching(issuer)).use { wallet ->
                val error = refused<BillfoldException.Issuer> { wallet.openOffer(issuer.offer().link).accept() }
                assertEquals("attestation_refused", error.code)
            }
        }
    }

    @Test
    fun `client assertions`() = test {
        val pair = KeyPairGenerator.getInstance("EC").apply { initialize(ECGenParameterSpec("secp256r1")) }.generateKeyPair()
        val point = (pair.public as ECPublicKey).w
        val (x, y) = listOf(point.affineX, point.affineY).map { coordinate ->
            val octets = coordinate.toByteArray().takeLast(32).toByteArray()
            Base64.getUrlEncoder().withoutPadding().encodeToString(ByteArray(32 - octets.size) + octets)
        }
        val jwks = File(folder, "jwks.json")
        jwks.writeText("""{"keys":[{"kty":"EC","crv":"P-256","x":"$x","y":"$y","kid":"the client"}]}""")
        val provider = object : WalletProvider {
            override val capabilities =
                ProviderCapabilities(clientAssertion = ClientAssertionKey(Algorithm.ES256, keyId = "the client"))

            override suspend fun signClientAssertion(request: ClientAssertionRequest): ByteArray {
                assertEquals("the client", request.key.keyId)
                return Signature.getInstance("SHA256withECDSA").run {
                    initSign(pair.private)
                    update(request.payload)
                    sign()
                }
            }
        }
        TestIssuer.start("--client-auth", "private-key-jwt", "--client-jwks", jwks.path).use { issuer ->
            wallet(File(folder, "wallet"), provider = provider).use { wallet ->
                assertTrue(wallet.openOffer(issuer.offer().link).accept() is Step.Done)
                assertEquals(listOf("private_key_jwt"), issuer.requests("/token").map { it.text("client_auth") })
            }
        }
    }

    @Test
    fun `key attestations, inside of proofs and as proofs`() = test {
        for ((index, options) in listOf(
            listOf("--key-attestation", "levels"),
            listOf("--key-attestation", "required", "--attestation-proof", "only"),
        ).withIndex()) {
            TestIssuer.start(*options.toTypedArray()).use { issuer ->
                val (keys, backEnd) = JavaKeys() to Vouching(issuer)
                wallet(File(folder, "$index"), keys, provider = backEnd).use { wallet ->
                    val done = wallet.openOffer(issuer.offer().link).accept(AcceptOptions(copies = 3)) as Step.Done
                    val credential = wallet.credential(done.credentials.single())
                    assertFalse(credential.isQuarantined)
                    val asked = backEnd.keys.single()
                    assertEquals(issuer.base, asked.credentialIssuer)
                    assertEquals(credential.copies.map { it.keyHandle }.toSet(), asked.keys.map { it.handle }.toSet())
                    assertEquals(3, asked.keys.size)
                    assertNotNull(asked.nonce)
                    assertTrue("ES256" in asked.signingAlgorithms)
                    assertEquals(index == 0, asked.isInsideJwtProof)
                    assertEquals(index == 0, asked.keyStorage.isNotEmpty() && asked.userAuthentication.isNotEmpty())
                    // One proof stands for all keys, or none at all has to be signed here.
                    assertEquals(if (index == 0) 1 else 0, keys.signCalls.get())
                }
            }
        }
    }

    @Test
    fun `a back end that fails`() = test {
        TestIssuer.start("--client-auth", "attestation").use { issuer ->
            var trouble: Throwable? = null
            val good = Vouching(issuer)
            val provider = object : WalletProvider by good {
                override suspend fun clientAttestation(request: ClientAttestationRequest): String {
                    throw trouble ?: return good.clientAttestation(request)
                }
            }
            wallet(folder, keys, provider = provider).use { wallet ->
                for ((thrown, code, advice) in listOf(
                    Triple(ProviderException(ProviderException.Kind.REFUSED, "a stranger"), "provider_refused", Advice.FIX_SETUP),
                    Triple(IllegalArgumentException("token=abc"), "provider_unavailable", Advice.RETRY),
                    Triple(ProviderException(ProviderException.Kind.UNAVAILABLE, "down"), "provider_unavailable", Advice.RETRY),
                )) {
                    trouble = thrown
                    val issuance = wallet.openOffer(issuer.offer().link)
                    val error = refused<BillfoldException.Keys> { issuance.accept() }
                    assertEquals(code to advice, error.code to error.advice)
                    assertSame(thrown, error.cause)
                    assertFalse("abc" in "$error ${error.transcript}")
                    assertEquals(0, issuer.tokenRequests())
                    if (advice != Advice.RETRY) continue
                    trouble = null
                    assertTrue(issuance.accept() is Step.Done, "nothing was spent")
                    issuer.resetLog()
                }
            }
        }
    }

    @Test
    fun `a provider that promises more than it does`() = test {
        TestIssuer.start("--client-auth", "attestation").use { issuer ->
            val provider = object : WalletProvider {
                override val capabilities = ProviderCapabilities(clientAttestation = true)
            }
            wallet(File(folder, "promises"), provider = provider).use { wallet ->
                val error = refused<BillfoldException.Keys> { wallet.openOffer(issuer.offer().link).accept() }
                assertEquals("provider_refused", error.code)
                assertEquals(ProviderException.Kind.UNSUPPORTED, (error.cause as ProviderException).kind)
            }
            wallet(File(folder, "nobody")).use { wallet ->
                val error = refused<BillfoldException.Unsupported> { wallet.openOffer(issuer.offer().link).accept() }
                assertEquals("client_authentication_unavailable", error.code)
            }
            val unsure = object : WalletProvider {
                override val capabilities get() = throw ProviderException(ProviderException.Kind.UNAVAILABLE, "not today")
            }
            val error = refused<BillfoldException.Unsupported> { wallet(File(folder, "unsure"), provider = unsure) }
            assertEquals("setup_invalid", error.code)
            assertTrue(error.cause is ProviderException)
        }
    }
}
