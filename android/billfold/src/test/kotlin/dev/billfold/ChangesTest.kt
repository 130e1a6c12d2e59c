package dev.billfold

import dev.billfold.support.MapSecrets
import dev.billfold.support.TestIssuer
import dev.billfold.support.refused
import dev.billfold.support.test
import dev.billfold.support.wallet
import java.io.File
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** Who watches the credentials sees what becomes of them. */
class ChangesTest {
    @TempDir
    lateinit var folder: File

    @Test
    fun `changes are told until the wallet is closed`() = test {
        TestIssuer.start().use { issuer ->
            val wallet = wallet(folder)
            val seen = Channel<CredentialChange>(Channel.UNLIMITED)
            coroutineScope {
                val listening = launch { wallet.changes().collect { seen.send(it) } }
                assertEquals(CredentialChange.Missed, seen.receive())
                val id = (wallet.openOffer(issuer.offer().link).accept() as Step.Done).credentials.single()
                assertEquals(CredentialChange.Added(id), seen.receive())
                wallet.recheck(id)
                assertEquals(CredentialChange.Changed(id), seen.receive())
                wallet.forget(id)
                assertEquals(CredentialChange.Removed(id), seen.receive())
                wallet.close()
                listening.join()
            }
            assertTrue(seen.isEmpty)
            val error = refused<BillfoldException.Unsupported> { wallet.changes().toList() }
            assertEquals("closed", error.code)
        }
    }

    @Test
    fun `who has enough holds nothing up`() = test {
        TestIssuer.start().use { issuer ->
            val secrets = MapSecrets()
            wallet(folder, secrets = secrets).use { wallet ->
                assertEquals(CredentialChange.Missed, wallet.changes().first())
                coroutineScope {
                    val started = Channel<Unit>(Channel.UNLIMITED)
                    val waits = List(3) { launch { wallet.changes().collect { started.send(Unit) } } }
                    repeat(waits.size) { started.receive() }
                    waits.forEach { it.cancel() }
                    // The scope ends only when all of them have.
                }
                assertTrue(wallet.openOffer(issuer.offer().link).accept() is Step.Done)
            }
            wallet(folder, secrets = secrets).close()
        }
    }
}
