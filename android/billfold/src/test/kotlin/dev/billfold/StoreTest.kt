package dev.billfold

import dev.billfold.support.MapSecrets
import dev.billfold.support.MapStore
import dev.billfold.support.TestIssuer
import dev.billfold.support.refused
import dev.billfold.support.test
import dev.billfold.support.wallet
import java.io.File
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** A store that the app brings along. */
class StoreTest {
    @TempDir
    lateinit var folder: File

    @Test
    fun `a store in Kotlin passes the suite`() = test { checkStore { MapStore() } }

    @Test
    fun `the suite finds what is wrong`() {
        val forgetful = {
            object : CredentialStore by MapStore() {
                override suspend fun get(table: StoreTable, id: String): StoreRecord? = null
            }
        }
        assertThrows(AssertionError::class.java) { test { checkStore(forgetful) } }
        val broken = {
            object : CredentialStore by MapStore() {
                override suspend fun list(table: StoreTable): List<StoreRecord> = error("password1")
            }
        }
        val error = assertThrows(AssertionError::class.java) { test { checkStore(broken) } }
        assertTrue("IllegalStateException" in error.message.orEmpty(), error.message)
        assertFalse("password1" in error.message.orEmpty(), error.message)
    }

    @Test
    fun `credentials rest in it, sealed, and outlive the wallet`() = test {
        val store = MapStore()
        val secrets = MapSecrets()
        TestIssuer.start().use { issuer ->
            val id = wallet(folder, secrets = secrets, store = store).use { wallet ->
                (wallet.openOffer(issuer.offer().link).accept() as Step.Done).credentials.single()
            }
            val record = checkNotNull(store.kept[StoreTable.CREDENTIALS]?.get(id))
            assertFalse("credential" in String(record.content, Charsets.ISO_8859_1))
            wallet(folder, secrets = secrets, store = store).use { wallet ->
                assertEquals(listOf(id), wallet.credentials().map { it.id })
                wallet.forget(id)
            }
            assertEquals(emptyList<String>(), store.list(StoreTable.CREDENTIALS).map { it.id })
            assertFalse(File(folder, "wallet.db").exists())
        }
    }

    @Test
    fun `what it throws is the cause of what the app gets`() = test {
        val full = StoreException(StoreException.Kind.FAILED, "the disk is full")
        val store = object : CredentialStore by MapStore() {
            override suspend fun commit(changes: List<StoreChange>) = throw full
        }
        TestIssuer.start().use { issuer ->
            wallet(folder, store = store).use { wallet ->
                val error = refused<BillfoldException.Store> { wallet.openOffer(issuer.offer().link) }
                assertEquals("store_failed", error.code)
                assertSame(full, error.cause)
            }
        }
    }
}
