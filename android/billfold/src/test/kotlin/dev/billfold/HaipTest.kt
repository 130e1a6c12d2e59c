package dev.billfold

import dev.billfold.support.Browser
import dev.billfold.support.JavaKeys
import dev.billfold.support.MapSecrets
import dev.billfold.support.TestIssuer
import dev.billfold.support.TestIssuer.Companion.text
import dev.billfold.support.test
import dev.billfold.support.wallet
import java.io.File
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** The High Assurance Interoperability Profile from end to end, with a wallet provider in Kotlin. */
class HaipTest {
    @TempDir
    lateinit var folder: File
    private val keys = JavaKeys()
    private val secrets = MapSecrets()

    @Test
    fun `a session by the profile, and a renewal in another process`() = test {
        TestIssuer.start("--profile", "haip").use { issuer ->
            val server = object : Server {
                override suspend fun attestClient(clientId: String, publicJwk: String) = issuer.attestClient(clientId, publicJwk)

                override suspend fun attestKeys(publicJwks: List<String>, nonce: String?) = issuer.attestKeys(publicJwks, nonce)
            }
            suspend fun open() = wallet(
                folder,
                keys,
                secrets,
                options = BillfoldOptions(
                    allowLoopbackHttp = true,
                    profile = Profile.HAIP,
                    trustAnchors = listOf(issuer.trust),
                    signedMetadata = SignedMetadata.REQUIRE,
                ),
                provider = BackEnd(server),
            )

            val old = open().use { wallet ->
                val issuance = wallet.openOffer(issuer.offer(grant = TestIssuer.CODE).link)
                assertNotNull(issuance.offer.metadataSignedBy)
                val five = AcceptOptions(copies = 5, encryption = Encryption.ALWAYS)
                val signIn = issuance.accept(five) as Step.SignIn
                val done = issuance.submitRedirect(Browser(issuer).signIn(signIn.url)) as Step.Done
                val credential = wallet.credential(done.credentials.single())
                assertEquals("dc+sd-jwt", credential.format)
                assertTrue(credential.report.verdict.isUsable, credential.report.toString())
                assertEquals(CheckOutcome.Passed, credential.report[CheckKind.ISSUER_TRUST]?.outcome)
                assertEquals(5, credential.copies.size)
                assertEquals(keys.handles(), credential.copies.map { it.keyHandle }.toSet())
                assertEquals(1, keys.createCalls.get())
                assertEquals(1, keys.signCalls.get())
                assertEquals(listOf("credential_accepted"), issuer.notifications())

                for (endpoint in listOf("/par", "/token", "/credential", "/notification")) {
                    val last = issuer.requests(endpoint).last()
                    assertTrue(last.getValue("status").jsonPrimitive.content.startsWith("2"), "$endpoint: $last")
                    val proof = last.getValue("dpop").jsonObject
                    assertNotNull(proof["nonce"], "$endpoint: $proof")
                    if (endpoint in listOf("/par", "/token")) assertNotNull(last.getValue("attestation").jsonObject["challenge"])
                }
                val seen = issuer.requests("/credential").last().getValue("seen").jsonObject
                assertTrue("request_jwe" in seen && "answer_jwe" in seen, seen.toString())
                assertEquals("5", seen.getValue("proofs").jsonObject.text("keys"))
                credential
            }

            issuer.resetLog()
            issuer.fault("invalid-token", times = 1)
            open().use { wallet ->
                renew(wallet, old.id) { error("the refresh token is good") }
                val new = wallet.credential(old.id)
                assertEquals(5, new.copies.size)
                assertFalse(new.copies.any { copy -> old.copies.any { it.keyHandle == copy.keyHandle } })
                assertEquals(keys.handles(), new.copies.map { it.keyHandle }.toSet())
                assertEquals("refresh_token", issuer.requests("/token").last().text("grant_type"))
                assertEquals(listOf(old.id), wallet.credentials().map { it.id })
            }
        }
    }
}
