package dev.billfold

import dev.billfold.support.TestIssuer
import dev.billfold.support.refused
import dev.billfold.support.test
import dev.billfold.support.wallet
import java.io.File
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.delay
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** Every format that this library takes is received, checked and shown. */
class FormatsTest {
    @TempDir
    lateinit var folder: File

    @Test
    fun `every format`() = receive(
        "dc+sd-jwt" to "UniversityDegree_dc_sd_jwt",
        "vc+sd-jwt" to "UniversityDegree_vc_sd_jwt",
        "jwt_vc_json" to "UniversityDegree_jwt_vc_json",
        "jwt_vc_json" to "UniversityDegree_jwt_vc_json_v2",
        "jwt_vc_json-ld" to "UniversityDegree_jwt_vc_json_ld",
        "mso_mdoc" to "DrivingLicence_mso_mdoc",
    )

    @Test
    fun `every suite of Data Integrity`() = receive(
        "ldp_vc" to "UniversityDegree_ldp_vc_ecdsa_p256",
        "ldp_vc" to "UniversityDegree_ldp_vc_ecdsa_p384",
        "ldp_vc" to "UniversityDegree_ldp_vc_eddsa",
        "ldp_vc" to "UniversityDegree_ldp_vc_ed25519_2020",
        "ldp_vc" to "UniversityDegree_ldp_vc_jws_2020",
    )

    private fun receive(vararg configurations: Pair<String, String>) = test {
        TestIssuer.start().use { issuer ->
            wallet(folder).use { wallet ->
                for ((format, configuration) in configurations) {
                    val offer = issuer.offer(format = format, configurations = listOf(configuration))
                    val done = wallet.openOffer(offer.link).accept() as Step.Done
                    val credential = wallet.credential(done.credentials.single())
                    assertEquals(format, credential.format)
                    assertEquals(emptyList<CheckKind>(), credential.report.failed, configuration)
                    assertTrue(credential.report.verdict.isUsable, "$configuration: ${credential.report}")
                    assertEquals(CheckOutcome.Passed, credential.report[CheckKind.SIGNATURE]?.outcome, configuration)
                    when (val type = credential.type) {
                        is CredentialType.Vct -> assertTrue("sd-jwt" in format && type.vct.isNotEmpty(), configuration)
                        is CredentialType.Doctype -> assertTrue(format == "mso_mdoc" && type.doctype.isNotEmpty())
                        is CredentialType.Types -> assertTrue("VerifiableCredential" in type.types, configuration)
                        is CredentialType.Unknown -> throw AssertionError(configuration)
                    }
                    assertEquals(CardState.VALID, credential.card.state, configuration)
                    assertTrue(credential.card.claims.isNotEmpty(), configuration)
                    if (format == "mso_mdoc") {
                        assertTrue(credential.card.claims.all { it.path.size >= 2 && it.isDisclosable }, "namespace, element")
                        assertTrue(credential.validFrom != null && credential.expiresAt != null)
                    }
                    // The same, by the rules for what nobody asked for. (Suites of Data Integrity have keys of DIDs,
                    // under no certificate.)
                    val raw = credential.copies.single().raw.toByteArray()
                    val options = VerifyOptions(
                        trustAnchors = listOf(issuer.trust),
                        policy = mapOf(CheckKind.ISSUER_TRUST to Requirement.OFF),
                        allowLoopbackHttp = true,
                    )
                    val verified = Billfold.verify(format, raw, options, UrlConnectionTransport())
                    assertEquals(emptyList<CheckKind>(), verified.report.failed, configuration)
                    assertEquals(credential.type, verified.type, configuration)
                    assertEquals(credential.expiresAt, verified.expiresAt, configuration)
                }
                assertEquals(configurations.size, wallet.credentials().size)
            }
        }
    }

    @Test
    fun `a format that nobody knows is kept for who wants it`() = test {
        TestIssuer.start("--unknown-format").use { issuer ->
            wallet(folder).use { wallet ->
                val offered = { issuer.offer(format = "x-unheard-of", configurations = listOf("StudentCard_unheard_of")) }
                val refused = refused<BillfoldException.Unsupported> { wallet.openOffer(offered().link).accept() }
                assertEquals("format_unsupported", refused.code)
                assertEquals(0, wallet.credentials().size)

                val aside = refused<BillfoldException.Verification> {
                    wallet.openOffer(offered().link).accept(AcceptOptions(unverifiedFormats = true))
                }
                assertEquals("credential_unverified", aside.code)
                val credential = wallet.credentials().single()
                assertTrue(credential.isQuarantined)
                assertEquals("x-unheard-of", credential.format)
                assertEquals(CredentialType.Unknown, credential.type)
                assertEquals(CardState.UNCHECKED, credential.card.state)
                assertTrue(credential.copies.single().raw.isNotEmpty())
                assertEquals("credential_quarantined", refused<BillfoldException.Verification> { wallet.takeCopy(credential.id) }.code)
            }
        }
    }

    @Test
    fun `what becomes of a status`() = test {
        TestIssuer.start("--status-ttl", "1").use { issuer ->
            val looking = BillfoldOptions(
                locale = "en", allowLoopbackHttp = true, policy = mapOf(CheckKind.STATUS to Requirement.REQUIRE),
            )
            wallet(folder, options = looking).use { wallet ->
                assertNull(received(wallet, issuer, null).statusFound)
                for (kind in listOf("token-jwt", "token-cwt", "bitstring")) {
                    val credential = received(wallet, issuer, kind)
                    assertTrue(credential.statusLists.isNotEmpty(), kind)
                    assertEquals(StatusValue.Valid, credential.statusFound?.value, kind)
                    issuer.status(1)
                    // Lists are kept for as long as they say.
                    delay(2100.milliseconds)
                    val revoked = wallet.recheck(credential.id)
                    assertEquals(StatusValue.Invalid, revoked.statusFound?.value, kind)
                    assertEquals(CardState.REVOKED, revoked.card.state, kind)
                    assertTrue(revoked.isQuarantined, kind)
                    assertFalse(revoked.card.stateText.isBlank())
                }
                val id = received(wallet, issuer, "token-jwt").id
                for ((value, status, state) in listOf(
                    Triple(2, StatusValue.Suspended, CardState.SUSPENDED),
                    Triple(0, StatusValue.Valid, CardState.VALID),
                )) {
                    issuer.status(value)
                    delay(2100.milliseconds)
                    val checked = wallet.recheck(id)
                    assertEquals(status, checked.statusFound?.value)
                    assertEquals(state, checked.card.state)
                    assertEquals(value != 0, checked.isQuarantined)
                }
            }
        }
    }

    private suspend fun received(wallet: Billfold, issuer: TestIssuer, status: String?): Credential {
        val done = wallet.openOffer(issuer.offer(status = status).link).accept() as Step.Done
        return wallet.credential(done.credentials.single())
    }
}
