package dev.billfold

import dev.billfold.support.MapSecrets
import dev.billfold.support.TestIssuer
import dev.billfold.support.test
import dev.billfold.support.toJson
import dev.billfold.support.wallet
import java.io.File
import java.time.Instant
import kotlinx.serialization.json.Json
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** Cards as an app draws them. */
class CardTest {
    @TempDir
    lateinit var folder: File

    @Test
    fun `the example draws a card`() = test {
        TestIssuer.start().use { issuer ->
            wallet(folder).use { wallet ->
                val offer = issuer.offer(format = "mso_mdoc")
                val id = (wallet.openOffer(offer.link).accept() as Step.Done).credentials.single()
                val drawn = mutableListOf<String>()
                var pictures = 0
                val page = Page(
                    background = { color, _ -> drawn += "background $color" },
                    picture = { bytes, description -> if (bytes != null && description != null) pictures += 1 },
                    heading = { title, issuerName, color -> drawn += "$title|$issuerName|$color" },
                    stamp = { drawn += "stamp $it" },
                    line = { label, text -> drawn += "$label=$text" },
                )
                showCard(wallet, id, page)
                val card = wallet.card(id)
                assertEquals("${card.title}|${card.issuerName}|${card.textColor.argb}", drawn[1])
                assertTrue(drawn.none { it.startsWith("stamp") }, drawn.toString())
                assertTrue(pictures >= 1, "a driving licence has a portrait")
                assertEquals("=${card.expiryText}", drawn.last())
                assertTrue(card.claims.any { it.value is ClaimValue.Date })
                // What prints itself shows no claim.
                val printed = "$card ${card.claims} ${card.claims.map { it.value }} ${listOf(card.logo, card.issuerLogo)}"
                card.claims.filter { it.text.length > 3 }.forEach { assertFalse(it.text in printed, it.label) }
            }
        }
    }

    @Test
    fun `cards of three issuers are what they are everywhere`() = test {
        for ((name, format, locales) in listOf(
            Triple("alpine", "dc+sd-jwt", listOf("de-CH-1996", "fr")),
            Triple("harbour", "mso_mdoc", listOf("nl-BE", "ar")),
            Triple("plain", "jwt_vc_json", listOf("pt-BR", "en")),
        )) {
            val secrets = MapSecrets()
            // What publishers say of types would go before what the issuer says.
            val options = BillfoldOptions(allowLoopbackHttp = true, locale = "en", typeMetadata = TypeMetadataUse.OFF)
            suspend fun compare(wallet: Billfold, id: String, issuer: TestIssuer) {
                for (locale in locales) {
                    val card = wallet.card(id, locale)
                    // The files have a name instead of the port, and their own time.
                    val day = card.expiresAt.toString().take(10)
                    val far = card.copy(
                        expiresAt = card.expiresAt?.let { Instant.parse("2999-01-01T00:00:00Z") },
                        expiryText = card.expiryText?.replace(day, "2999-01-01"),
                    )
                    val found = far.toJson().toString().replace(issuer.base, "https://$name.example")
                        .replace(issuer.base.substringAfter("://"), "$name.example")
                    val file = File(System.getProperty("billfold.root"), "tests/fixtures/cards/$name.$locale.json")
                    assertEquals(Json.parseToJsonElement(file.readText()), Json.parseToJsonElement(found), "$name $locale")
                }
            }
            TestIssuer.start("--display", name).use { issuer ->
                val id = wallet(File(folder, name), secrets = secrets, options = options).use { wallet ->
                    val done = wallet.openOffer(issuer.offer(format = format).link).accept() as Step.Done
                    compare(wallet, done.credentials.single(), issuer)
                    done.credentials.single()
                }
                // Without a network, by what was kept.
                issuer.close()
                wallet(File(folder, name), secrets = secrets, options = options).use { compare(it, id, issuer) }
            }
        }
    }

    @Test
    fun `in the language that is asked for`() = test {
        TestIssuer.start().use { issuer ->
            wallet(folder).use { wallet ->
                val id = (wallet.openOffer(issuer.offer().link).accept() as Step.Done).credentials.single()
                assertEquals(wallet.card(id, "en").title, wallet.card(id).title)
                assertFalse(wallet.card(id, "de").title == wallet.card(id).title)
            }
        }
    }

    @Test
    fun `colours are as Android has them`() {
        assertEquals(0xff12107c.toInt(), CardColor(0x12, 0x10, 0x7c).argb)
        assertEquals(0x0000ff00, CardColor(0, 255, 0, 0).argb)
        assertThrows(IllegalArgumentException::class.java) { CardColor(256, 0, 0) }
    }

    @Test
    fun `pictures are equal by their bytes`() {
        val image = CardImage("data:,secret", "logo", ImageType.PNG, byteArrayOf(1))
        assertEquals(image, CardImage("data:,secret", "logo", ImageType.PNG, byteArrayOf(1)))
        assertEquals(image.hashCode(), CardImage("data:,secret", "logo", ImageType.PNG, byteArrayOf(1)).hashCode())
        assertFalse(image == CardImage("data:,secret", "logo", ImageType.PNG, byteArrayOf(2)))
        assertEquals("CardImage(data:…, PNG, 1 bytes)", image.toString())
    }
}
