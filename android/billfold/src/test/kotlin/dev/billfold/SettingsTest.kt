package dev.billfold

import dev.billfold.ffi.uniffiForeignFutureHandleCount
import dev.billfold.support.JavaKeys
import dev.billfold.support.TestIssuer
import dev.billfold.support.refused
import dev.billfold.support.test
import dev.billfold.support.wallet
import java.io.File
import java.security.KeyStore
import java.security.PrivateKey
import java.security.Signature
import java.time.Instant
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.TimeUnit
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes
import kotlinx.coroutines.delay
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** What is set on this side of the border takes effect on the other. */
class SettingsTest {
    @TempDir
    lateinit var folder: File

    private fun options(
        locale: String? = null,
        clockSkew: kotlin.time.Duration? = null,
        trustAnchors: List<String> = emptyList(),
        policy: Map<CheckKind, Requirement> = emptyMap(),
        binding: Binding = Binding.AUTO,
        trustedIssuers: List<String> = emptyList(),
        policies: Map<String, Map<CheckKind, Requirement>> = emptyMap(),
    ) = BillfoldOptions(
        locale = locale,
        allowLoopbackHttp = true,
        clockSkew = clockSkew,
        trustAnchors = trustAnchors,
        policy = policy,
        binding = binding,
        trustedIssuers = trustedIssuers,
        policies = policies,
    )

    @Test
    fun `the language of names`() = test {
        TestIssuer.start().use { issuer ->
            val titles = listOf("en", "de").map { tag ->
                wallet(File(folder, tag), options = options(locale = tag)).use { wallet ->
                    val issuance = wallet.openOffer(issuer.offer().link)
                    val id = (issuance.accept() as Step.Done).credentials.single()
                    assertEquals(issuance.offer.titles.single(), wallet.credential(id).card.title)
                    issuance.offer.titles.single()
                }
            }
            assertNotEquals(titles[0], titles[1])
        }
    }

    @Test
    fun `trust anchors`() = test {
        TestIssuer.start().use { issuer ->
            wallet(File(folder, "right"), options = options(trustAnchors = listOf(issuer.trust))).use { wallet ->
                val id = (wallet.openOffer(issuer.offer().link).accept() as Step.Done).credentials.single()
                assertEquals(CheckOutcome.Passed, wallet.credential(id).report[CheckKind.ISSUER_TRUST]?.outcome)
            }
            TestIssuer.start().use { other ->
                wallet(File(folder, "other"), options = options(trustAnchors = listOf(other.trust))).use { wallet ->
                    val error = refused<BillfoldException.Verification> { wallet.openOffer(issuer.offer().link).accept() }
                    assertEquals("credential_rejected", error.code)
                    assertEquals(listOf(CheckKind.ISSUER_TRUST), wallet.credentials().single().report.failed)
                }
            }
            val error = refused<BillfoldException.Unsupported> {
                wallet(File(folder, "none"), options = options(trustAnchors = listOf("no certificate")))
            }
            assertEquals("setup_invalid", error.code)
        }
    }

    @Test
    fun `policy and clock skew`() = test {
        TestIssuer.start("--fault", "expired-credential").use { issuer ->
            wallet(File(folder, "strict"), options = options()).use { wallet ->
                refused<BillfoldException.Verification> { wallet.openOffer(issuer.offer().link).accept() }
            }
            val lenient = options(policy = mapOf(CheckKind.VALIDITY to Requirement.WARN))
            wallet(File(folder, "lenient"), options = lenient).use { wallet ->
                val id = (wallet.openOffer(issuer.offer().link).accept() as Step.Done).credentials.single()
                val credential = wallet.credential(id)
                assertEquals(Verdict.VERIFIED_WITH_WARNINGS, credential.report.verdict)
                assertTrue(checkNotNull(credential.expiresAt).isBefore(Instant.now()))
            }
            wallet(File(folder, "slow"), options = options(clockSkew = 90.minutes)).use { wallet ->
                assertTrue(wallet.openOffer(issuer.offer().link).accept() is Step.Done)
            }
        }
    }

    @Test
    fun `issuers that are trusted by name`() = test {
        TestIssuer.start().use { issuer ->
            val offered = { issuer.offer(configurations = listOf("StudentCard_dc_sd_jwt_by_jwt_vc_issuer")).link }
            wallet(File(folder, "right"), options = options(trustedIssuers = listOf(issuer.base))).use { wallet ->
                val id = (wallet.openOffer(offered()).accept() as Step.Done).credentials.single()
                assertEquals(CheckOutcome.Passed, wallet.credential(id).report[CheckKind.ISSUER_TRUST]?.outcome)
            }
            wallet(File(folder, "other"), options = options(trustedIssuers = listOf("https://other.example"))).use { wallet ->
                refused<BillfoldException.Verification> { wallet.openOffer(offered()).accept() }
                assertEquals(listOf(CheckKind.ISSUER_TRUST), wallet.credentials().single().report.failed)
            }
        }
    }

    @Test
    fun `a policy for one type`() = test {
        TestIssuer.start("--fault", "expired-credential").use { issuer ->
            val lenient = mapOf(CheckKind.VALIDITY to Requirement.WARN)
            val vct = wallet(File(folder, "other"), options = options(policies = mapOf("another" to lenient))).use { wallet ->
                refused<BillfoldException.Verification> { wallet.openOffer(issuer.offer().link).accept() }
                (wallet.credentials().single().type as CredentialType.Vct).vct
            }
            wallet(File(folder, "this"), options = options(policies = mapOf(vct to lenient))).use { wallet ->
                assertTrue(wallet.openOffer(issuer.offer().link).accept() is Step.Done)
                assertEquals(CardState.EXPIRED, wallet.credentials().single().card.state)
            }
        }
    }

    @Test
    fun `bindings`() = test {
        TestIssuer.start().use { issuer ->
            for ((binding, format) in listOf(
                Binding.AUTO to TestIssuer.SD_JWT,
                Binding.JWK to TestIssuer.SD_JWT,
                Binding.AUTO to TestIssuer.JWT_VC,
                Binding.DID_KEY to TestIssuer.JWT_VC,
                Binding.DID_JWK to TestIssuer.JWT_VC,
            )) {
                wallet(File(folder, "$binding $format"), options = options(binding = binding)).use { wallet ->
                    assertTrue(wallet.openOffer(issuer.offer(format = format).link).accept() is Step.Done, "$binding $format")
                }
            }
            // A setting is an order: an issuer that knows keys by `jwk` alone refuses a DID.
            wallet(File(folder, "ordered"), options = options(binding = Binding.DID_KEY)).use { wallet ->
                val error = refused<BillfoldException.Issuer> { wallet.openOffer(issuer.offer().link).accept() }
                assertEquals("proof_refused", error.code)
            }
        }
    }

    @Test
    fun `keys that are named by their certificates`() = test {
        val store = File(folder, "keys.p12")
        val made = ProcessBuilder(
            File(System.getProperty("java.home"), "bin/keytool").path, "-genkeypair", "-alias", "holder",
            "-keyalg", "EC", "-groupname", "secp256r1", "-dname", "CN=holder",
            "-storetype", "PKCS12", "-keystore", store.path, "-storepass", "unguarded",
        ).inheritIO().start()
        assertEquals(0, made.waitFor())
        val opened = KeyStore.getInstance(store, "unguarded".toCharArray())
        val certificate = opened.getCertificate("holder")
        val certified = object : HolderKeys by JavaKeys() {
            override suspend fun create(algorithm: Algorithm, purpose: KeyPurpose, count: Int) =
                List(count) { HolderKey("holder", algorithm, certificate.publicKey, listOf(certificate)) }

            override suspend fun sign(requests: List<SignRequest>) = requests.map { request ->
                Signature.getInstance("SHA256withECDSA").run {
                    initSign(opened.getKey("holder", "unguarded".toCharArray()) as PrivateKey)
                    update(request.payload)
                    sign()
                }
            }
        }
        TestIssuer.start("--dpop", "off").use { issuer ->
            wallet(File(folder, "certified"), certified, options = options(binding = Binding.X5C)).use { wallet ->
                assertTrue(wallet.openOffer(issuer.offer().link).accept() is Step.Done)
            }
            wallet(File(folder, "bare"), options = options(binding = Binding.X5C)).use { wallet ->
                val error = refused<BillfoldException.Unsupported> { wallet.openOffer(issuer.offer().link).accept() }
                assertEquals("setup_invalid", error.code)
            }
        }
    }

    @Test
    fun `a credential that takes its time`() = test {
        TestIssuer.start("--deferred", "1").use { issuer ->
            wallet(folder, options = options()).use { wallet ->
                val issuance = wallet.openOffer(issuer.offer().link)
                var step = issuance.accept()
                assertTrue((step as Step.Wait).until.isBefore(Instant.now().plusSeconds(60)))
                assertTrue(wallet.pending().single().step is Step.Wait)
                var polls = 0
                while (step is Step.Wait) {
                    delay((step.until.toEpochMilli() - System.currentTimeMillis()).coerceAtLeast(0).milliseconds)
                    step = issuance.poll()
                    polls += 1
                }
                assertTrue(step is Step.Done)
                assertTrue(polls >= 2)
            }
        }
    }

    @Test
    fun `the log holds no secrets`() = test {
        val lines = ConcurrentLinkedQueue<String>()
        assertTrue(Billfold.setLogSink(LogLevel.TRACE) { level, target, text ->
            lines += "$level $target $text"
            error("a sink that throws disturbs nobody")
        })
        assertFalse(Billfold.setLogSink { _, _, _ -> })
        TestIssuer.start().use { issuer ->
            wallet(folder, options = options()).use { wallet ->
                val offer = issuer.offer()
                val issuance = wallet.openOffer(offer.link)
                val id = (issuance.accept() as Step.Done).credentials.single()
                val credential = wallet.credential(id)
                assertTrue(lines.any { "DEBUG billfold::http" in it && "/token" in it }, lines.toString())
                val secrets = issuer.secretsOf(offer.link) + credential.copies.single().raw + credential.card.claims.map { it.text }.filter { it.length > 5 }
                assertTrue(secrets.size > 2)
                for (secret in secrets) assertFalse(lines.any { secret in it }, secret)
            }
        }
    }

    @Test
    fun `nothing is left behind on this side`() = test {
        TestIssuer.start().use { issuer ->
            repeat(5) { round ->
                wallet(File(folder, "$round"), JavaKeys(), options = options()).use { wallet ->
                    assertTrue(wallet.openOffer(issuer.offer().link).accept() is Step.Done)
                }
            }
        }
        val until = System.nanoTime() + TimeUnit.SECONDS.toNanos(10)
        while (uniffiForeignFutureHandleCount() > 0 && System.nanoTime() < until) delay(20.milliseconds)
        assertEquals(0, uniffiForeignFutureHandleCount())
    }

    @Test
    fun `the version is the project's`() {
        val manifest = File(System.getProperty("billfold.root"), "Cargo.toml").readText()
        assertTrue("version = \"${Billfold.version}\"" in manifest, Billfold.version)
        assertTrue("<version>${Billfold.version}</version>" in File(System.getProperty("billfold.root"), "android/billfold/pom.xml").readText())
    }
}
