package dev.billfold

import dev.billfold.support.Browser
import dev.billfold.support.JavaKeys
import dev.billfold.support.MapSecrets
import dev.billfold.support.TestIssuer
import dev.billfold.support.refused
import dev.billfold.support.test
import dev.billfold.support.wallet
import java.io.File
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** What goes wrong comes out as the right exception, and nothing stored is touched. */
class FailureTest {
    @TempDir
    lateinit var folder: File
    private lateinit var issuer: TestIssuer

    @BeforeEach
    fun start() {
        issuer = TestIssuer.start()
    }

    @AfterEach
    fun stop() = issuer.close()

    @Test
    fun `links that are no offers`() = test {
        wallet(folder).use { wallet ->
            val issuerUrl = issuer.base
            for ((link, code) in listOf(
                "openid-credential-offer://?credential_offer=%7Bnonsense" to "offer_malformed",
                "openid-credential-offer://" to "offer_missing",
                "openid-credential-offer://?credential_offer=%7B%7D&credential_offer_uri=$issuerUrl" to "offer_ambiguous",
            )) {
                val error = refused<BillfoldException.Offer> { wallet.openOffer(link) }
                assertEquals(code, error.code, link)
                assertEquals(ErrorKind.OFFER, error.kind)
                assertEquals(Advice.GET_NEW_OFFER, error.advice)
                assertFalse(error.isRetryable)
                assertTrue(checkNotNull(error.message).startsWith("$code: "), error.message)
            }
        }
    }

    @Test
    fun `plain http without the development switch`() = test {
        wallet(folder, options = BillfoldOptions()).use { wallet ->
            val error = refused<BillfoldException.Metadata> { wallet.openOffer(issuer.offer().link) }
            assertEquals("insecure_url", error.code)
            assertEquals(emptyList<String>(), issuer.requested().filter { it.startsWith("/.well-known") })
        }
    }

    @Test
    fun `a server that is down`() = test {
        wallet(folder).use { wallet ->
            val offer = issuer.offer()
            issuer.close()
            val error = refused<BillfoldException.Network> { wallet.openOffer(offer.link) }
            assertEquals("unreachable", error.code)
            assertEquals(Advice.RETRY, error.advice)
            assertTrue(error.isRetryable)
            assertEquals(RequestOutcome.NOT_SENT, error.outcome)
            assertTrue(checkNotNull(error.endpoint).startsWith(issuer.base))
            assertTrue(error.cause is TransportException, error.cause.toString())
        }
    }

    @Test
    fun `a redirect with another state changes nothing`() = test {
        wallet(folder).use { wallet ->
            val issuance = wallet.openOffer(issuer.offer(grant = TestIssuer.CODE).link)
            val signIn = issuance.accept() as Step.SignIn
            val redirect = Browser(issuer).signIn(signIn.url)
            val forged = redirect.replace(Regex("state=[^&]*"), "state=forged")
            val error = refused<BillfoldException.Issuer> { issuance.submitRedirect(forged) }
            assertEquals("state_mismatch", error.code)
            assertEquals(0, issuer.tokenRequests())
            assertTrue(issuance.submitRedirect(redirect) is Step.Done)
        }
    }

    @Test
    fun `the user says no at the issuer`() = test {
        wallet(folder).use { wallet ->
            val issuance = wallet.openOffer(issuer.offer(grant = TestIssuer.CODE).link)
            val signIn = issuance.accept() as Step.SignIn
            val redirect = Browser(issuer).signIn(signIn.url, decision = "deny")
            val error = refused<BillfoldException.Denied> { issuance.submitRedirect(redirect) }
            assertEquals("access_denied", error.code)
            assertEquals("access_denied", error.serverError)
        }
    }

    @Test
    fun `a credential with a wrong signature is put aside`() = test {
        wallet(folder).use { wallet ->
            val good = (wallet.openOffer(issuer.offer().link).accept() as Step.Done).credentials.single()
            issuer.fault("bad-signature")
            val issuance = wallet.openOffer(issuer.offer().link)
            val error = refused<BillfoldException.Verification> { issuance.accept() }
            assertEquals("credential_rejected", error.code)
            assertEquals(Advice.TELL_ISSUER, error.advice)
            assertEquals(issuance.id, error.session)
            assertTrue("/credential" in error.transcript, error.transcript)

            val (aside, usable) = wallet.credentials().partition { it.isQuarantined }
            assertEquals(listOf(good), usable.map { it.id })
            assertEquals(Verdict.REJECTED, aside.single().report.verdict)
            assertEquals(CheckOutcome.Failed, aside.single().report[CheckKind.SIGNATURE]?.outcome)
        }
    }

    @Test
    fun `calls that do not fit the step`() = test {
        wallet(folder).use { wallet ->
            val issuance = wallet.openOffer(issuer.offer(txCode = true).link)
            val error = refused<BillfoldException.WrongStep> { issuance.submitCode("1234") }
            assertEquals("wrong_step", error.code)
            assertEquals(Step.Review, issuance.step())
            assertEquals("session_unknown", refused<BillfoldException.WrongStep> { wallet.resume("nothing") }.code)
        }
    }

    @Test
    fun `what the app's keys throw comes back as its kind, with its cause`() = test {
        class Case(val thrown: Throwable, val code: String, val detail: String)
        for ((index, case) in listOf(
            Case(KeyException(KeyException.Kind.LOCKED, "finger too wet"), "key_locked", "finger too wet"),
            Case(KeyException(KeyException.Kind.FAILED, "chip on fire"), "signing_failed", "chip on fire"),
            Case(IllegalArgumentException("token=abc"), "signing_failed", "java.lang.IllegalArgumentException"),
            Case(NotImplementedError("later"), "signing_failed", "kotlin.NotImplementedError"),
            Case(IllegalStateException("token=abc"), "signing_failed", "java.lang.IllegalStateException"),
        ).withIndex()) {
            val java = JavaKeys()
            var broken = true
            val keys = object : HolderKeys by java {
                override suspend fun sign(requests: List<SignRequest>): List<ByteArray> =
                    if (broken) throw case.thrown else java.sign(requests)
            }
            wallet(File(folder, "$index"), keys).use { wallet ->
                val issuance = wallet.openOffer(issuer.offer().link)
                val error = refused<BillfoldException.Keys> { issuance.accept() }
                assertEquals(case.code, error.code)
                assertTrue(case.detail in error.detail, error.detail)
                assertFalse("abc" in error.toString())
                assertSame(case.thrown, error.cause)
                // Nothing is lost: the next try goes on where this one stopped.
                assertTrue(error.isRetryable)
                broken = false
                assertTrue(issuance.proceed() is Step.Done)
            }
        }
    }

    @Test
    fun `keys that give something else than was asked for`() = test {
        val java = JavaKeys()
        val keys = object : HolderKeys by java {
            override suspend fun create(algorithm: Algorithm, purpose: KeyPurpose, count: Int): List<HolderKey> =
                JavaKeys().create(Algorithm.ES384, purpose, count)
        }
        wallet(folder, keys).use { wallet ->
            val issuance = wallet.openOffer(issuer.offer().link)
            assertEquals("key_creation_failed", refused<BillfoldException.Keys> { issuance.accept() }.code)
        }
    }

    @Test
    fun `what the app's transport throws comes back as its kind`() = test {
        class Case(val thrown: Throwable, val code: String)
        for ((index, case) in listOf(
            Case(TransportException(TransportException.Kind.UNREACHABLE, false, "tunnel"), "unreachable"),
            Case(TransportException(TransportException.Kind.TIMED_OUT, false, "slow"), "timed_out"),
            Case(TransportException(TransportException.Kind.TLS, false, "bad certificate"), "tls_failed"),
            Case(TransportException(TransportException.Kind.TOO_LARGE, true, "long"), "response_too_large"),
            Case(IllegalArgumentException("token=abc"), "connection_lost"),
            Case(StackOverflowError(), "connection_lost"),
        ).withIndex()) {
            val http = object : HttpTransport {
                override suspend fun send(request: HttpRequest, limits: HttpLimits): HttpResponse = throw case.thrown
            }
            wallet(File(folder, "$index"), http = http).use { wallet ->
                val error = refused<BillfoldException.Network> { wallet.openOffer(issuer.offer().link) }
                assertEquals(case.code, error.code, case.thrown.toString())
                assertFalse("abc" in error.toString())
                assertSame(case.thrown, error.cause)
            }
        }
    }

    @Test
    fun `a token request of unknown outcome is not sent again`() = test {
        var lose = true
        val real = UrlConnectionTransport()
        val http = object : HttpTransport {
            override suspend fun send(request: HttpRequest, limits: HttpLimits): HttpResponse {
                val response = real.send(request, limits)
                if (lose && request.url.endsWith("/token")) error("the answer was lost")
                return response
            }
        }
        wallet(folder, http = http).use { wallet ->
            val issuance = wallet.openOffer(issuer.offer().link)
            val error = refused<BillfoldException.Network> { issuance.accept() }
            assertEquals(RequestOutcome.UNKNOWN, error.outcome)
            lose = false
            refused<BillfoldException> { issuance.proceed() }
            assertEquals(1, issuer.tokenRequests())
        }
    }

    @Test
    fun `what the app's secret store throws comes back as its kind`() = test {
        val kept = MapSecrets()
        val broken = object : SecretStore {
            override suspend fun put(name: String, secret: ByteArray) = throw SecretException("the disk is full")

            override suspend fun get(name: String): ByteArray? =
                if (kept.kept.isEmpty()) null else throw IllegalStateException("token=abc")

            override suspend fun remove(name: String) = Unit
        }
        val full = refused<BillfoldException.Store> { wallet(folder, secrets = broken) }
        assertEquals("secret_store_failed", full.code)
        assertTrue("the disk is full" in full.detail, full.detail)
        assertTrue(full.cause is SecretException)

        wallet(folder, secrets = kept).close()
        val error = refused<BillfoldException.Store> { wallet(folder, secrets = broken) }
        assertEquals("secret_store_failed", error.code)
        assertFalse("abc" in error.toString())
        assertTrue(error.cause is IllegalStateException)
    }

    @Test
    fun `the wrong secrets open nothing`() = test {
        wallet(folder).use { it.openOffer(issuer.offer().link).accept() }
        val error = refused<BillfoldException.Store> { wallet(folder).use { it.credentials() } }
        assertTrue(error.code in setOf("record_damaged", "secret_store_failed"), error.code)
    }

    @Test
    fun `one folder, one wallet`() = test {
        val secrets = MapSecrets()
        wallet(folder, secrets = secrets).use {
            assertEquals("store_locked", refused<BillfoldException.Store> { wallet(folder, secrets = secrets) }.code)
        }
        wallet(folder, secrets = secrets).close()
    }

    @Test
    fun `settings that can't work`() = test {
        val wrongKeys = object : HolderKeys by JavaKeys() {
            override val algorithms: List<Algorithm> get() = emptyList()
        }
        val error = refused<BillfoldException.Unsupported> { wallet(folder, wrongKeys) }
        assertEquals("setup_invalid", error.code)
        assertEquals(Advice.FIX_SETUP, error.advice)
        val policy = BillfoldOptions(policy = mapOf(CheckKind.OTHER to Requirement.OFF))
        assertEquals("setup_invalid", refused<BillfoldException.Unsupported> { wallet(folder, options = policy) }.code)
    }

    @Test
    fun `calls after closing`() = test {
        val wallet = wallet(folder)
        val issuance = wallet.openOffer(issuer.offer().link)
        wallet.close()
        wallet.close()
        assertEquals("closed", refused<BillfoldException.Unsupported> { wallet.credentials() }.code)
        assertEquals("closed", refused<BillfoldException.Unsupported> { issuance.accept() }.code)
    }
}
