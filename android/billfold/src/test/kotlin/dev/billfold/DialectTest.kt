package dev.billfold

import dev.billfold.support.JavaKeys
import dev.billfold.support.TestIssuer
import dev.billfold.support.refused
import dev.billfold.support.test
import dev.billfold.support.wallet
import java.io.File
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** Issuers that are not by the book, and what an integrator sees of that. */
class DialectTest {
    @TempDir
    lateinit var folder: File

    private suspend fun Issuance.names() = tolerated().map { it.name }

    @Test
    fun `an issuer of an older draft`() = test {
        TestIssuer.start("--profile", "draft13").use { issuer ->
            wallet(folder).use { wallet ->
                val issuance = wallet.openOffer(issuer.offer(format = "vc+sd-jwt").link)
                val report = issuance.dialect()
                assertEquals("draft 13", report.looksLike)
                assertTrue(report.request.startsWith("`format` and the type with `proof`"), report.request)
                assertTrue(Conclusion("proof", "one `proof`") in report.concluded, report.toString())
                assertTrue("`batch_credential_endpoint`" in report.seen, report.toString())
                assertEquals(report.tolerated, issuance.tolerated())
                assertFalse("single_proof" in issuance.names())

                assertTrue(issuance.accept() is Step.Done)
                val expected = listOf("request_by_format", "single_proof", "single_credential")
                assertTrue(issuance.names().containsAll(expected), issuance.names().toString())
                assertTrue(issuance.tolerated().all { it.sentence.length > it.name.length })
            }
        }
    }

    @Test
    fun `a server that wants to know more and forgets the state`() = test {
        TestIssuer.start("--profile", "vercre").use { issuer ->
            val offer = issuer.offer(grant = TestIssuer.CODE, format = TestIssuer.JWT_VC)
            val keys = JavaKeys(listOf(Algorithm.EDDSA))
            wallet(folder, keys, clientId = offer.arg("client-id")).use { wallet ->
                val issuance = wallet.openOffer(offer.link)
                val reserved = AcceptOptions(authorizationParameters = mapOf("state" to "mine"))
                val error = refused<BillfoldException.Unsupported> { issuance.accept(reserved) }
                assertEquals("setup_invalid", error.code)

                val (name, value) = offer.arg("authorization-parameter").split('=')
                val step = issuance.accept(AcceptOptions(authorizationParameters = mapOf(name to value)))
                val redirect = issuer.signIn((step as Step.SignIn).url)
                assertFalse("state=" in redirect, redirect)
                assertTrue(wallet.resumeRedirect(redirect).submitRedirect(redirect) is Step.Done)
                assertTrue(issuance.names().containsAll(listOf("relative_endpoint", "state_missing")), issuance.names().toString())
            }
        }
    }

    @Test
    fun `an issuer whose DID somebody else resolves`() = test {
        TestIssuer.start("--profile", "identus", "--published-did").use { issuer ->
            val offer = issuer.offer(grant = TestIssuer.CODE, format = TestIssuer.JWT_VC)
            val options = BillfoldOptions(allowLoopbackHttp = true, didResolverUrl = offer.arg("did-resolver"))
            // Keys on secp256k1, which the holder's did:prism takes, are in the native library.
            wallet(folder, keys = null, options = options, clientId = offer.arg("client-id")).use { wallet ->
                val issuance = wallet.openOffer(offer.link)
                val step = issuance.submitRedirect(issuer.signIn((issuance.accept() as Step.SignIn).url))
                val credential = wallet.credential((step as Step.Done).credentials.single())
                assertEquals(CheckOutcome.Passed, credential.report[CheckKind.SIGNATURE]?.outcome)
                assertTrue("appended_metadata" in issuance.names(), issuance.names().toString())
            }
        }
        val options = BillfoldOptions(didResolverUrl = "http://127.0.0.1/dids")
        val error = refused<BillfoldException.Unsupported> { wallet(File(folder, "plain"), options = options) }
        assertEquals("setup_invalid", error.code)
    }

    @Test
    fun `nothing but the final version`() = test {
        wallet(folder, options = BillfoldOptions(allowLoopbackHttp = true, dialects = Dialects.STRICT)).use { wallet ->
            TestIssuer.start().use { issuer ->
                val issuance = wallet.openOffer(issuer.offer().link)
                assertTrue(issuance.accept() is Step.Done)
                assertEquals(emptyList<Tolerance>(), issuance.tolerated())
            }
            TestIssuer.start("--profile", "draft13").use { issuer ->
                val issuance = wallet.openOffer(issuer.offer(format = "vc+sd-jwt").link)
                refused<BillfoldException> { issuance.accept() }
                assertEquals(emptyList<Tolerance>(), issuance.tolerated())
            }
            assertEquals(1, wallet.credentials().size)
        }
    }
}
