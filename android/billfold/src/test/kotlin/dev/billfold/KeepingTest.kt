package dev.billfold

import dev.billfold.support.JavaKeys
import dev.billfold.support.MapSecrets
import dev.billfold.support.MapStore
import dev.billfold.support.TestIssuer
import dev.billfold.support.refused
import dev.billfold.support.test
import dev.billfold.support.wallet
import java.io.File
import java.time.Instant
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** What can be done with credentials that a wallet has. */
class KeepingTest {
    @TempDir
    lateinit var folder: File

    private suspend fun received(wallet: Billfold, issuer: TestIssuer, format: String = TestIssuer.SD_JWT, copies: Int? = null): String =
        (wallet.openOffer(issuer.offer(format = format).link).accept(AcceptOptions(copies = copies)) as Step.Done)
            .credentials.single()

    @Test
    fun `credentials are found, page by page`() = test {
        TestIssuer.start().use { issuer ->
            wallet(folder).use { wallet ->
                assertEquals(CredentialPage(emptyList(), null, emptyList()), wallet.find())
                val ids = listOf(TestIssuer.SD_JWT, TestIssuer.JWT_VC, TestIssuer.SD_JWT).map { received(wallet, issuer, it) }
                suspend fun found(query: CredentialQuery) = wallet.find(query).credentials.map { it.id }

                val first = wallet.find(CredentialQuery(limit = 2))
                assertEquals(ids.take(2), first.credentials.map { it.id })
                assertEquals(ids[1], first.next)
                val rest = wallet.find(CredentialQuery(limit = 2, after = first.next))
                assertEquals(ids.drop(2), rest.credentials.map { it.id })
                assertNull(rest.next)

                val (sdJwt, jwt) = listOf(listOf(ids[0], ids[2]), listOf(ids[1]))
                assertEquals(jwt, found(CredentialQuery(formats = listOf(TestIssuer.JWT_VC))))
                val type = wallet.credential(ids[0]).type as CredentialType.Vct
                assertEquals(sdJwt, found(CredentialQuery(types = listOf(type.vct))))
                assertEquals(ids, found(CredentialQuery(issuers = listOf(issuer.base))))
                assertEquals(emptyList<String>(), found(CredentialQuery(issuers = listOf("https://other.example"))))
                assertEquals(emptyList<String>(), found(CredentialQuery(isQuarantined = true)))
                assertEquals(emptyList<String>(), found(CredentialQuery(expiresBefore = Instant.now())))
                assertEquals(ids, found(CredentialQuery(expiresAfter = Instant.now(), isQuarantined = false)))
                assertEquals("setup_invalid", refused<BillfoldException.Unsupported> { found(CredentialQuery(issuers = listOf("?"))) }.code)
            }
        }
    }

    @Test
    fun `copies are taken by turns`() = test {
        TestIssuer.start().use { issuer ->
            wallet(folder).use { wallet ->
                val id = received(wallet, issuer, copies = 2)
                val (first, second, third) = List(3) { wallet.takeCopy(id) }
                assertEquals(listOf(1, 1, 2), listOf(first, second, third).map { it.copy.uses })
                assertEquals(listOf(1, 0, 0), listOf(first, second, third).map { it.unused })
                assertNotEquals(first.copy.keyHandle, second.copy.keyHandle)
                assertEquals(first.copy.raw, third.copy.raw)
                assertNotNull(third.copy.lastUsedAt)
                assertEquals(setOf(1, 2), wallet.credential(id).copies.map { it.uses }.toSet())
                assertEquals("credential_unknown", refused<BillfoldException.WrongStep> { wallet.takeCopy("none") }.code)
            }
        }
    }

    @Test
    fun `a backup has everything but keys`() = test {
        TestIssuer.start().use { issuer ->
            val keys = JavaKeys()
            val (id, card, backup) = wallet(File(folder, "first"), keys).use { wallet ->
                val id = received(wallet, issuer)
                Triple(id, wallet.card(id), wallet.exportBackup(PASSPHRASE))
            }
            assertFalse("credential" in backup.toString(Charsets.ISO_8859_1).substringAfter('\n'))

            // Another device has other keys.
            wallet(File(folder, "second")).use { wallet ->
                val wrong = refused<BillfoldException.Store> { wallet.importBackup(backup, "another") }
                assertEquals("passphrase_wrong" to Advice.ASK_PASSPHRASE_AGAIN, wrong.code to wrong.advice)
                val cut = refused<BillfoldException.Store> { wallet.importBackup(backup.copyOf(backup.size / 2), PASSPHRASE) }
                assertEquals("backup_damaged", cut.code)
                assertEquals(0, wallet.credentials().size)

                val imported = wallet.importBackup(backup, PASSPHRASE)
                assertEquals(ImportedBackup(listOf(id), emptyList(), emptyList(), listOf(id)), imported)
                assertEquals(card, wallet.card(id))
                val copy = wallet.credential(id).copies.single()
                assertTrue(copy.isKeyMissing)
                assertNull(copy.keyHandle)
                val missing = refused<BillfoldException.Keys> { wallet.takeCopy(id) }
                assertEquals("key_missing" to Advice.RENEW, missing.code to missing.advice)
                assertEquals(listOf(id), wallet.importBackup(backup, PASSPHRASE).known)
            }
            // The same device has them still.
            wallet(File(folder, "third"), keys).use { wallet ->
                val imported = wallet.importBackup(backup, PASSPHRASE)
                assertEquals(ImportedBackup(listOf(id), emptyList(), emptyList(), emptyList()), imported)
                assertTrue(wallet.takeCopy(id).copy.keyHandle in keys.handles())
            }
        }
    }

    @Test
    fun `the key of the store changes`() = test {
        TestIssuer.start().use { issuer ->
            val secrets = MapSecrets()
            val id = wallet(folder, secrets = secrets).use { wallet ->
                val id = received(wallet, issuer)
                val before = secrets.kept.toMap()
                val changed = wallet.changeStoreKey()
                assertTrue(changed.records > 0)
                assertEquals(0, changed.unreadable)
                assertTrue(before.values.none { old -> secrets.kept.values.any { it.contentEquals(old) } })
                id
            }
            wallet(folder, secrets = secrets).use { assertEquals(listOf(id), it.credentials().map { kept -> kept.id }) }
            wallet(File(folder, "own"), store = MapStore()).use { wallet ->
                assertEquals("setup_invalid", refused<BillfoldException.Unsupported> { wallet.changeStoreKey() }.code)
            }
        }
    }

    private companion object {
        const val PASSPHRASE = "correct horse battery staple"
    }
}
