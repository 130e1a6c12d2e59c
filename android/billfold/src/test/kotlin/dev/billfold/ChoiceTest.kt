package dev.billfold

import dev.billfold.support.Browser
import dev.billfold.support.TestIssuer
import dev.billfold.support.refused
import dev.billfold.support.test
import dev.billfold.support.wallet
import java.io.File
import kotlinx.serialization.json.jsonObject
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** Wishes for one issuance and rules for all of them, and several credentials that end differently. */
class ChoiceTest {
    @TempDir
    lateinit var folder: File

    @Test
    fun `one of two credentials comes`() = test {
        TestIssuer.start().use { issuer ->
            wallet(folder).use { wallet ->
                val both = listOf("UniversityDegree_dc_sd_jwt", "StudentCard_dc_sd_jwt")
                issuer.fault("credential-denied", times = 1)
                val done = wallet.openOffer(issuer.offer(configurations = both).link).accept() as Step.Done
                val failure = done.failures.single()
                assertEquals("credential_denied", failure.code)
                assertNull(failure.quarantined)
                val got = wallet.credential(done.credentials.single())
                assertEquals(both.toSet(), setOf(failure.configuration, got.configuration))
            }
        }
    }

    @Test
    fun `some claims only`() = test {
        TestIssuer.start().use { issuer ->
            wallet(folder).use { wallet ->
                suspend fun labels(options: AcceptOptions): Set<List<PathStep>> {
                    val issuance = wallet.openOffer(issuer.offer(grant = TestIssuer.CODE).link)
                    val signIn = issuance.accept(options) as Step.SignIn
                    val done = issuance.submitRedirect(Browser(issuer).signIn(signIn.url)) as Step.Done
                    return wallet.credential(done.credentials.single()).card.claims.map { it.path }.toSet()
                }
                val wanted = RequestedClaim("given_name", isMandatory = true)
                val all = labels(AcceptOptions())
                val some = labels(AcceptOptions(claims = mapOf("UniversityDegree_dc_sd_jwt" to listOf(wanted))))
                assertTrue(some.size < all.size, "$some of $all")
                assertTrue(wanted.path in some)
            }
        }
    }

    @Test
    fun `a profile, for the wallet or for one issuance`() = test {
        TestIssuer.start().use { issuer ->
            val haip = BillfoldOptions(allowLoopbackHttp = true, profile = Profile.HAIP)
            wallet(File(folder, "strict"), options = haip).use { wallet ->
                val offer = issuer.offer(format = TestIssuer.JWT_VC)
                val error = refused<BillfoldException.Unsupported> { wallet.openOffer(offer.link).accept() }
                assertEquals("profile_violated", error.code)
                assertEquals(0, issuer.tokenRequests())
                val step = wallet.openOffer(offer.link).accept(AcceptOptions(profile = Profile.BASE))
                assertTrue(step is Step.Done)
            }
            wallet(File(folder, "base")).use { wallet ->
                val issuance = wallet.openOffer(issuer.offer(format = TestIssuer.JWT_VC).link)
                val error = refused<BillfoldException.Unsupported> { issuance.accept(AcceptOptions(profile = Profile.HAIP)) }
                assertEquals("profile_violated", error.code)
            }
        }
    }

    @Test
    fun `encryption`() = test {
        TestIssuer.start("--encryption", "required").use { issuer ->
            wallet(folder).use { wallet ->
                val never = AcceptOptions(encryption = Encryption.NEVER)
                val error = refused<BillfoldException.Unsupported> { wallet.openOffer(issuer.offer().link).accept(never) }
                assertEquals("encryption_required", error.code)
                assertEquals(0, issuer.tokenRequests())

                assertTrue(wallet.openOffer(issuer.offer().link).accept() is Step.Done)
                val seen = issuer.requests("/credential").single().getValue("seen").jsonObject
                assertTrue("request_jwe" in seen && "answer_jwe" in seen, seen.toString())

                TestIssuer.start().use { plain ->
                    val always = AcceptOptions(encryption = Encryption.ALWAYS)
                    val none = refused<BillfoldException.Unsupported> { wallet.openOffer(plain.offer().link).accept(always) }
                    assertEquals("encryption_unavailable", none.code)
                }
            }
        }
    }

    @Test
    fun `signed metadata`() = test {
        fun options(policy: SignedMetadata, anchor: String) =
            BillfoldOptions(allowLoopbackHttp = true, signedMetadata = policy, metadataAnchors = listOf(anchor))
        TestIssuer.start("--signed-metadata", "offered").use { signing ->
            wallet(File(folder, "signed"), options = options(SignedMetadata.REQUIRE, signing.trust)).use { wallet ->
                assertNotNull(wallet.openOffer(signing.offer().link).offer.metadataSignedBy)
            }
            wallet(File(folder, "ignored")).use { wallet ->
                assertNull(wallet.openOffer(signing.offer().link).offer.metadataSignedBy)
            }
            TestIssuer.start().use { plain ->
                wallet(File(folder, "foreign"), options = options(SignedMetadata.PREFER, plain.trust)).use { wallet ->
                    assertEquals("metadata_untrusted", refused<BillfoldException.Metadata> { wallet.openOffer(signing.offer().link) }.code)
                    assertNull(wallet.openOffer(plain.offer().link).offer.metadataSignedBy)
                }
                wallet(File(folder, "unsigned"), options = options(SignedMetadata.REQUIRE, plain.trust)).use { wallet ->
                    assertEquals("metadata_unsigned", refused<BillfoldException.Metadata> { wallet.openOffer(plain.offer().link) }.code)
                }
            }
            val error = refused<BillfoldException.Unsupported> {
                wallet(File(folder, "none"), options = BillfoldOptions(signedMetadata = SignedMetadata.PREFER))
            }
            assertEquals("setup_invalid", error.code)
        }
    }
}
