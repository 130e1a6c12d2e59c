package dev.billfold

import dev.billfold.support.Browser
import dev.billfold.support.JavaKeys
import dev.billfold.support.MapSecrets
import dev.billfold.support.TestIssuer
import dev.billfold.support.refused
import dev.billfold.support.test
import dev.billfold.support.wallet
import java.io.File
import java.time.Instant
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.delay
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** Both grants from link to stored credential, against the real issuer, with everything pluggable in Kotlin. */
class IssuanceTest {
    @TempDir
    lateinit var folder: File
    private lateinit var issuer: TestIssuer
    private val keys = JavaKeys()
    private val secrets = MapSecrets()

    @BeforeEach
    fun start() {
        issuer = TestIssuer.start()
    }

    @AfterEach
    fun stop() = issuer.close()

    @Test
    fun `pre-authorized offer by value`() = test {
        wallet(folder, keys, secrets).use { wallet ->
            val issuance = wallet.openOffer(issuer.offer().link)
            assertEquals(Step.Review, issuance.step())
            assertEquals(issuer.base, issuance.offer.credentialIssuer)
            assertEquals(listOf(GrantType.PRE_AUTHORIZED_CODE), issuance.offer.grants)
            assertEquals(listOf("dc+sd-jwt"), issuance.offer.credentials.map { it.format })
            assertTrue(issuance.offer.titles.single().isNotBlank())
            assertTrue(issuance.offer.issuerName.isNotBlank())

            val done = issuance.accept() as Step.Done
            assertEquals(emptyList<Failure>(), done.failures)

            val credential = wallet.credential(done.credentials.single())
            assertFalse(credential.isQuarantined)
            assertTrue(credential.report.verdict.isUsable, credential.report.toString())
            assertEquals(CheckOutcome.Passed, credential.report[CheckKind.SIGNATURE]?.outcome)
            assertEquals(CheckOutcome.Passed, credential.report[CheckKind.HOLDER_BINDING]?.outcome)
            assertEquals(keys.handles().toList(), credential.copies.map { it.keyHandle })
            assertTrue(credential.type is CredentialType.Vct)
            assertTrue(credential.card.claims.isNotEmpty())
            assertTrue(credential.issuedAt.isAfter(Instant.now().minusSeconds(60)))
            // What prints itself shows no claim.
            credential.card.claims.forEach { claim ->
                assertFalse(claim.text in "${credential} ${credential.card} ${credential.copies} $claim", claim.label)
            }
            // The key of the store came to Kotlin, and nothing rests unsealed in the folder.
            assertTrue(secrets.kept.isNotEmpty())
            val raw = credential.copies.single().raw
            folder.walk().filter { it.isFile }.forEach { assertFalse(raw.take(40) in it.readText(Charsets.ISO_8859_1)) }
        }
    }

    @Test
    fun `pre-authorized offer by reference, as W3C credential`() = test {
        wallet(folder).use { wallet ->
            val offer = issuer.offer(format = TestIssuer.JWT_VC, by = "reference")
            val done = wallet.openOffer(offer.link).accept() as Step.Done
            val credential = wallet.credential(done.credentials.single())
            assertEquals("jwt_vc_json", credential.format)
            assertTrue((credential.type as CredentialType.Types).types.contains("VerifiableCredential"))
            assertTrue(credential.report.verdict.isUsable, credential.report.toString())
        }
    }

    @Test
    fun `a wrong transaction code is asked again`() = test {
        wallet(folder).use { wallet ->
            val offer = issuer.offer(txCode = true)
            val issuance = wallet.openOffer(offer.link)
            assertEquals(TxCode(InputMode.NUMERIC, 4, null), issuance.offer.txCode)
            val first = (issuance.accept() as Step.EnterCode).hint
            assertFalse(first.wasRefused)
            assertEquals(4, first.length)

            val right = checkNotNull(offer.txCode)
            val wrong = if (right == "0000") "0001" else "0000"
            val error = refused<BillfoldException.Issuer> { issuance.submitCode(wrong) }
            assertEquals("tx_code_refused", error.code)
            assertEquals(Advice.ASK_CODE_AGAIN, error.advice)
            assertEquals("invalid_grant", error.serverError)
            assertEquals(issuance.id, error.session)
            assertFalse(wrong in error.transcript)

            val second = (issuance.step() as Step.EnterCode).hint
            assertTrue(second.wasRefused)
            assertEquals(first.attemptsLeft - 1, second.attemptsLeft)
            assertTrue(issuance.submitCode(right) is Step.Done)
        }
    }

    @Test
    fun `authorization code with sign-in`() = test {
        wallet(folder, keys).use { wallet ->
            val issuance = wallet.openOffer(issuer.offer(grant = TestIssuer.CODE).link)
            val signIn = issuance.accept() as Step.SignIn
            val done = issuance.submitRedirect(Browser(issuer).signIn(signIn.url)) as Step.Done
            assertFalse(wallet.credential(done.credentials.single()).isQuarantined)
            assertTrue(Regex("POST .*/token .* -> 200") in issuance.transcript(), issuance.transcript())
            assertEquals(1, issuer.tokenRequests())
            assertEquals(1, keys.signCalls.get())
        }
    }

    @Test
    fun `issuance without an offer`() = test {
        wallet(folder).use { wallet ->
            val configuration = wallet.openOffer(issuer.offer(grant = TestIssuer.CODE).link)
                .offer.credentials.single().configuration
            val issuance = wallet.start(issuer.base, listOf(configuration))
            val signIn = issuance.accept() as Step.SignIn
            assertTrue(issuance.submitRedirect(Browser(issuer).signIn(signIn.url)) is Step.Done)
        }
    }

    @Test
    fun `several copies are signed for in one call`() = test {
        wallet(folder, keys).use { wallet ->
            val done = wallet.openOffer(issuer.offer().link).accept(AcceptOptions(copies = 3)) as Step.Done
            val credential = wallet.credential(done.credentials.single())
            assertEquals(3, credential.copies.size)
            assertEquals(keys.handles(), credential.copies.map { it.keyHandle }.toSet())
            assertEquals(1, keys.signCalls.get())
        }
    }

    @Test
    fun `keys of other curves cross the border`() = test {
        for (algorithm in listOf(Algorithm.ES384, Algorithm.EDDSA)) {
            wallet(File(folder, algorithm.name), JavaKeys(listOf(algorithm))).use { wallet ->
                val done = wallet.openOffer(issuer.offer().link).accept() as Step.Done
                assertFalse(wallet.credential(done.credentials.single()).isQuarantined, algorithm.name)
            }
        }
    }

    @Test
    fun `a restart in the middle of the sign-in loses nothing`() = test {
        val signIn = wallet(folder, keys, secrets).use { wallet ->
            wallet.openOffer(issuer.offer(grant = TestIssuer.CODE).link).accept() as Step.SignIn
        }
        val redirect = Browser(issuer).signIn(signIn.url)
        wallet(folder, keys, secrets).use { wallet ->
            val pending = wallet.pending().single()
            assertEquals(Step.SignIn(signIn.url), pending.step)
            val issuance = wallet.resumeRedirect(redirect)
            assertEquals(pending.id, issuance.id)
            assertTrue(issuance.submitRedirect(redirect) is Step.Done)
        }
        wallet(folder, keys, secrets).use { wallet ->
            assertEquals(1, wallet.credentials().size)
            assertEquals(emptyList<PendingIssuance>(), wallet.pending())
        }
    }

    @Test
    fun `resume by id before the code is typed`() = test {
        val offer = issuer.offer(txCode = true)
        val id = wallet(folder, keys, secrets).use { wallet ->
            val issuance = wallet.openOffer(offer.link)
            assertTrue(issuance.accept() is Step.EnterCode)
            issuance.id
        }
        wallet(folder, keys, secrets).use { wallet ->
            val issuance = wallet.resume(id)
            assertTrue(issuance.proceed() is Step.EnterCode)
            assertTrue(issuance.submitCode(checkNotNull(offer.txCode)) is Step.Done)
        }
    }

    @Test
    fun `software keys and a file of secrets, where the app brings none`() = test {
        val id = wallet(folder, keys = null, secrets = null).use { wallet ->
            (wallet.openOffer(issuer.offer().link).accept() as Step.Done).credentials.single()
        }
        wallet(folder, keys = null, secrets = null).use { wallet ->
            assertTrue(wallet.credential(id).copies.single().raw.isNotEmpty())
        }
        assertTrue(File(folder, "secrets").isFile)
    }

    @Test
    fun `the transport inside the library`() = test {
        wallet(folder, http = null).use { wallet ->
            assertTrue(wallet.openOffer(issuer.offer().link).accept() is Step.Done)
        }
    }

    @Test
    fun `declined, checked again, forgotten`() = test {
        wallet(folder, keys).use { wallet ->
            wallet.openOffer(issuer.offer().link).decline()
            assertEquals(0, issuer.tokenRequests())
            assertEquals(emptyList<PendingIssuance>(), wallet.pending())

            val done = wallet.openOffer(issuer.offer().link).accept() as Step.Done
            val id = done.credentials.single()
            assertTrue(wallet.recheck(id).report.verdict.isUsable)
            wallet.forget(id)
            assertEquals(emptyList<Credential>(), wallet.credentials())
            assertEquals(emptySet<String>(), keys.handles())
            // The issuer is told of it, by a token that is bound to a key; then that goes too.
            for (round in 1..100) if (keys.handles(KeyPurpose.ACCESS_TOKEN).isNotEmpty()) delay(100.milliseconds)
            for (purpose in KeyPurpose.entries) assertEquals(emptySet<String>(), keys.handles(purpose), purpose.name)
            assertEquals("credential_unknown", refused<BillfoldException.WrongStep> { wallet.credential(id) }.code)
        }
    }
}
