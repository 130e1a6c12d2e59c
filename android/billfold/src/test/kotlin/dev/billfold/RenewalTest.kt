package dev.billfold

import dev.billfold.support.Browser
import dev.billfold.support.JavaKeys
import dev.billfold.support.TestIssuer
import dev.billfold.support.test
import dev.billfold.support.wallet
import java.io.File
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** A credential that is asked for once more, by the example of android/README.md. */
class RenewalTest {
    @TempDir
    lateinit var folder: File
    private val keys = JavaKeys()

    @Test
    fun `by the tokens of the first time`() = test {
        TestIssuer.start("--refresh-tokens", "--dpop", "required", "--dpop-nonces").use { issuer ->
            wallet(folder, keys).use { wallet ->
                val two = AcceptOptions(copies = 2)
                val id = (wallet.openOffer(issuer.offer().link).accept(two) as Step.Done).credentials.single()
                val old = wallet.credential(id)
                assertEquals(1, keys.handles(KeyPurpose.ACCESS_TOKEN).size)

                // The server no longer takes the access token, so it is renewed on the way.
                issuer.fault("invalid-token", times = 1)
                renew(wallet, id) { error("nobody has to sign in") }
                val new = wallet.credential(id)
                assertEquals(listOf(id), wallet.credentials().map { it.id })
                assertEquals(2, new.copies.size)
                assertTrue(new.copies.none { copy -> old.copies.any { it.raw == copy.raw || it.keyHandle == copy.keyHandle } })
                assertEquals(new.copies.map { it.keyHandle }.toSet(), keys.handles(), "the old keys are gone")
                assertEquals(emptyList<PendingIssuance>(), wallet.pending())
            }
        }
    }

    @Test
    fun `by another sign-in, where there are none`() = test {
        TestIssuer.start("--token-lifetime", "4").use { issuer ->
            wallet(folder, keys).use { wallet ->
                val id = (wallet.openOffer(issuer.offer().link).accept() as Step.Done).credentials.single()
                val old = wallet.credential(id).copies.single().raw
                kotlinx.coroutines.delay(4500)
                var signIns = 0
                renew(wallet, id) { url ->
                    signIns += 1
                    Browser(issuer).signIn(url)
                }
                assertEquals(1, signIns)
                assertNotEquals(old, wallet.credential(id).copies.single().raw)
            }
        }
    }
}
