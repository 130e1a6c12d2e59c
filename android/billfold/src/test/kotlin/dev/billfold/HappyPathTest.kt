package dev.billfold

import dev.billfold.support.Browser
import dev.billfold.support.TestIssuer
import dev.billfold.support.test
import dev.billfold.support.wallet
import java.io.File
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** The example does what its readers will take it to do. */
class HappyPathTest {
    @TempDir
    lateinit var folder: File

    private val shown = mutableListOf<String>()
    private val errors = mutableListOf<Pair<ErrorKind, Boolean>>()

    private fun screen(
        consent: Boolean = true,
        codes: Iterator<String> = emptyList<String>().iterator(),
        browser: Browser? = null,
    ) = Screen(
        askConsent = { consent },
        askCode = { codes.next() },
        signIn = { url -> checkNotNull(browser).signIn(url) },
        pollLater = { _, _ -> error("this issuer is never late") },
        show = { shown += it },
        showError = { kind, again -> errors += kind to again },
    )

    @Test
    fun `code, sign-in, refusal, trouble`() = test {
        TestIssuer.start().use { issuer ->
            wallet(folder).use { wallet ->
                val offer = issuer.offer(txCode = true)
                val right = checkNotNull(offer.txCode)
                val wrong = if (right == "1111") "2222" else "1111"
                receive(wallet, offer.link, screen(codes = listOf(wrong, right).iterator()))
                assertEquals(1, shown.size)

                receive(wallet, issuer.offer(grant = TestIssuer.CODE).link, screen(browser = Browser(issuer)))
                assertEquals(2, shown.toSet().size)

                receive(wallet, issuer.offer().link, screen(consent = false))
                assertEquals(2, shown.size)
                assertTrue(errors.isEmpty(), errors.toString())

                issuer.fault("credential-denied")
                receive(wallet, issuer.offer().link, screen())
                assertEquals(listOf(ErrorKind.ISSUER to false), errors)
                assertEquals(2, wallet.credentials().size)
            }
        }
    }

    @Test
    fun `the README shows these very examples`() {
        val root = File(System.getProperty("billfold.root"))
        val readme = File(root, "android/README.md").readText()
        for (name in listOf("HappyPath.kt", "ShowCard.kt", "Provider.kt", "Renewal.kt")) {
            val source = File(root, "android/billfold/src/test/kotlin/dev/billfold/$name").readText()
            val example = source.substringAfter("// example:begin\n").substringBefore("// example:end")
                .lines().joinToString("\n") { it.removePrefix("internal ") }.trim()
            assertFalse(example.isEmpty())
            assertTrue(example in readme, "android/README.md shows another example:\n$example")
        }
    }
}
