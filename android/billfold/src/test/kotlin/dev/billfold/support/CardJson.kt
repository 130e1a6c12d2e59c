package dev.billfold.support

import dev.billfold.Card
import dev.billfold.CardClaim
import dev.billfold.CardColor
import dev.billfold.CardImage
import dev.billfold.ClaimValue
import dev.billfold.PathStep
import java.util.Base64
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.buildJsonObject

// A card as tests/fixtures/cards has it: the fields and names of the native library's own card.

fun Card.toJson(): JsonObject = JsonObject(
    mapOf(
        "title" to text(title),
        "issuer_name" to text(issuerName),
        "description" to text(description),
        "logo" to (logo?.toJson() ?: JsonNull),
        "issuer_logo" to (issuerLogo?.toJson() ?: JsonNull),
        "background_image" to (backgroundImage?.toJson() ?: JsonNull),
        "background_color" to (backgroundColor?.toJson() ?: JsonNull),
        "text_color" to textColor.toJson(),
        "claims" to JsonArray(claims.map { it.toJson() }),
        "claims_left_out" to JsonPrimitive(claimsLeftOut),
        "state" to text(state.name.lowercase()),
        "state_text" to text(stateText),
        "expires_at" to JsonPrimitive(expiresAt?.epochSecond),
        "expiry_text" to text(expiryText),
        "locale" to text(locale),
    ),
)

private fun CardImage.toJson(): JsonElement = buildJsonObject {
    put("uri", text(uri))
    put("alt_text", text(altText))
    // `JPEG_2000` is `jpeg2000`.
    put("media_type", text(type?.name?.lowercase()?.replace("_", "")))
    put("bytes", text(bytes?.let { Base64.getEncoder().encodeToString(it) }))
}

private fun CardColor.toJson(): JsonElement =
    JsonObject(mapOf("red" to red, "green" to green, "blue" to blue, "alpha" to alpha).mapValues { JsonPrimitive(it.value) })

private fun CardClaim.toJson(): JsonElement = buildJsonObject {
    put("path", JsonArray(path.map { it.toJson() }))
    put("label", text(label))
    put("value", value.toJson())
    put("text", text(text))
    put("disclosable", JsonPrimitive(isDisclosable))
    put("mandatory", JsonPrimitive(isMandatory))
}

private fun PathStep.toJson(): JsonElement = when (this) {
    is PathStep.Key -> text(name)
    is PathStep.Index -> JsonPrimitive(index)
    is PathStep.All -> JsonNull
}

private fun ClaimValue.toJson(): JsonElement = when (this) {
    is ClaimValue.Text -> of("text", text(text))
    is ClaimValue.Number -> of("number", text(text))
    is ClaimValue.Boolean -> of("boolean", JsonPrimitive(value))
    is ClaimValue.Date -> of("date", text(date))
    is ClaimValue.DateTime -> of("date_time", JsonPrimitive(at.epochSecond))
    is ClaimValue.Image -> of("image", image.toJson())
    is ClaimValue.List -> of("list", JsonArray(values.map { it.toJson() }))
    is ClaimValue.Group -> of("group", JsonArray(claims.map { it.toJson() }))
    is ClaimValue.Absent -> text("absent")
    is ClaimValue.Other -> text("other")
}

private fun of(type: String, value: JsonElement) = JsonObject(mapOf(type to value))

private fun text(text: String?): JsonElement = JsonPrimitive(text)
