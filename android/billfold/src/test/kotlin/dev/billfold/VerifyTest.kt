package dev.billfold

import dev.billfold.support.TestIssuer
import dev.billfold.support.refused
import dev.billfold.support.test
import dev.billfold.support.wallet
import java.io.File
import java.security.KeyPairGenerator
import java.security.Signature
import java.security.cert.CertificateFactory
import java.util.Base64
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** Credentials that no wallet holds. */
class VerifyTest {
    @TempDir
    lateinit var folder: File

    @Test
    fun `what it builds on is what the caller says`() = test {
        TestIssuer.start().use { issuer ->
            val credential = wallet(folder).use { wallet ->
                wallet.credential((wallet.openOffer(issuer.offer().link).accept() as Step.Done).credentials.single())
            }
            val raw = credential.copies.single().raw.toByteArray()
            val der = CertificateFactory.getInstance("X.509").generateCertificates(issuer.trust.byteInputStream())
                .map { it.encoded }
            val found = Billfold.verify(credential.format, raw, VerifyOptions(trustAnchorsDer = der))
            assertEquals(Verdict.VERIFIED, found.report.verdict, found.report.toString())
            assertEquals(CheckOutcome.Passed, found.report[CheckKind.ISSUER_TRUST]?.outcome)
            assertEquals(credential.type, found.type)
            assertEquals(credential.expiresAt, found.expiresAt)
            assertTrue(checkNotNull(found.claims).startsWith("{"))
            assertFalse(checkNotNull(found.claims) in found.toString())
            val withheld = credential.card.claims.filter { it.isDisclosable }.map { it.path }
            assertTrue(found.disclosable.containsAll(withheld), "${found.disclosable}")

            val late = checkNotNull(credential.expiresAt).plusSeconds(61)
            suspend fun failed(options: VerifyOptions, bytes: ByteArray = raw) =
                Billfold.verify(credential.format, bytes, options).report.failed
            assertEquals(emptyList<CheckKind>(), failed(VerifyOptions(trustAnchors = listOf(issuer.trust))))
            assertEquals(listOf(CheckKind.VALIDITY), failed(VerifyOptions(at = late)))
            assertEquals(listOf(CheckKind.TYPE), failed(VerifyOptions(type = CredentialType.Vct("another"))))
            assertEquals(listOf(CheckKind.HOLDER_BINDING), failed(VerifyOptions(holderKeys = listOf(STRANGER))))
            assertTrue(CheckKind.SIGNATURE in failed(VerifyOptions(issuerKeys = STRANGER)))
            val lenient = VerifyOptions(
                trustAnchors = listOf(issuer.trust),
                type = CredentialType.Vct("another"),
                policy = mapOf(CheckKind.TYPE to Requirement.WARN),
            )
            assertEquals(Verdict.VERIFIED_WITH_WARNINGS, Billfold.verify(credential.format, raw, lenient).report.verdict)
        }
    }

    @Test
    fun `what can't be read`() = test {
        val found = Billfold.verify("dc+sd-jwt", "nothing".toByteArray())
        assertEquals(Verdict.REJECTED, found.report.verdict)
        assertNull(found.claims)
        assertEquals("format_unsupported", refused<BillfoldException.Unsupported> { Billfold.verify("ac_vp", ByteArray(3)) }.code)
        for (wrong in listOf(
            VerifyOptions(issuerKeys = "no JSON"),
            VerifyOptions(holderKeys = listOf("{}")),
            VerifyOptions(trustAnchors = listOf("no certificate")),
            VerifyOptions(trustAnchorsDer = listOf(byteArrayOf(0x30, 0))),
            VerifyOptions(policy = mapOf(CheckKind.OTHER to Requirement.OFF)),
        )) {
            val error = refused<BillfoldException.Unsupported> { Billfold.verify("dc+sd-jwt", ByteArray(3), wrong) }
            assertEquals("setup_invalid", error.code)
        }
    }

    @Test
    fun `DIDs of the app's own methods`() = test {
        val pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair()
        val public = pair.public.encoded.takeLast(32).toByteArray()
        val document = """{"id":"did:own:1","assertionMethod":["did:own:1#k"],"verificationMethod":[{"id":"did:own:1#k","type":"JsonWebKey2020",
            "controller":"did:own:1","publicKeyJwk":{"kty":"OKP","crv":"Ed25519","x":"${base64(public)}"}}]}"""
        val asked = mutableListOf<String>()
        val resolver = object : DidResolver {
            override val methods = listOf("own", "odd")

            override suspend fun resolve(did: String): String {
                asked += did
                return when (did) {
                    "did:own:1" -> document
                    "did:own:gone" -> throw DidResolverException(DidResolverException.Kind.NOT_FOUND, "it was given back")
                    else -> error("password1")
                }
            }
        }
        fun credential(did: String): ByteArray {
            val header = """{"alg":"EdDSA","typ":"JWT","kid":"$did#k"}"""
            val payload = """{"iss":"$did","nbf":1,"vc":{"@context":["https://www.w3.org/2018/credentials/v1"],
                "type":["VerifiableCredential","Note"],"credentialSubject":{"text":"hello"}}}"""
            val signed = "${base64(header.toByteArray())}.${base64(payload.toByteArray())}"
            val signature = Signature.getInstance("Ed25519").run {
                initSign(pair.private)
                update(signed.toByteArray())
                sign()
            }
            return "$signed.${base64(signature)}".toByteArray()
        }
        suspend fun verified(did: String) = Billfold.verify("jwt_vc_json", credential(did), resolver = resolver).report
        val good = verified("did:own:1")
        assertEquals(Verdict.VERIFIED, good.verdict, good.toString())
        val gone = verified("did:own:gone")
        assertEquals(Verdict.REJECTED, gone.verdict, gone.toString())
        assertTrue(gone.checks.any { "it was given back" in it.detail }, gone.toString())
        val late = verified("did:odd:1")
        assertEquals(Verdict.UNVERIFIED, late.verdict, late.toString())
        assertFalse("password1" in late.toString())
        assertEquals(Verdict.UNVERIFIED, verified("did:foreign:1").verdict)
        assertEquals(listOf("did:own:1", "did:own:gone", "did:odd:1"), asked)

        val nameless = object : DidResolver by resolver {
            override val methods: List<String> get() = error("not now")
        }
        val error = refused<BillfoldException.Unsupported> { wallet(File(folder, "nameless"), resolver = nameless) }
        assertEquals("setup_invalid", error.code)
        assertEquals("not now", error.cause?.message)
        wallet(folder, resolver = resolver).close()
    }

    private fun base64(bytes: ByteArray): String = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes)

    @Test
    fun `offers in pictures`() = test {
        TestIssuer.start().use { issuer ->
            val link = issuer.offer().link
            val png = QrCode.png(link)
            assertEquals(link, QrCode.read(png))
            assertNotNull(javax.imageio.ImageIO.read(png.inputStream()))
            assertTrue(QrCode.svg(link).startsWith("<svg "))
            assertEquals("qr_unreadable", refused<BillfoldException.Offer> { QrCode.read(png.copyOf(40)) }.code)
            assertEquals("qr_too_large", refused<BillfoldException.Offer> { QrCode.svg("x".repeat(3000)) }.code)
        }
    }

    private companion object {
        /** The generator of P-256: a legal public key of nobody. */
        const val STRANGER = """{"kty":"EC","crv":"P-256",
            "x":"axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY","y":"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"}"""
    }
}
