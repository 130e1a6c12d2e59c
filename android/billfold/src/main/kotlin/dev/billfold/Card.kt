package dev.billfold

import java.time.Instant

/**
 * A credential as a person would see it, in one language and at one moment. All texts are without control and
 * bidirectional characters, and of bounded length.
 *
 * @property title the name of the credential.
 * @property issuerName the name of its issuer.
 * @property description a sentence about it.
 * @property logo the credential's own picture.
 * @property issuerLogo its issuer's picture.
 * @property backgroundImage a picture to put behind everything.
 * @property backgroundColor the colour behind everything; `null` if the issuer gives none that can be read: then
 *   draw the card on a light ground.
 * @property textColor the colour for texts, readable on the background.
 * @property claims the claims: those that the issuer described, in its order, then the others.
 * @property claimsLeftOut how many claims are not among them, because there are more than anyone could look at.
 * @property state whether it can be used.
 * @property stateText the same in words.
 * @property expiresAt when it stops being valid, if it says so.
 * @property expiryText the same in words; of one that is not valid yet, from when it is.
 * @property locale the language of title and colours as the issuer marked it (BCP 47).
 */
public data class Card(
    public val title: String,
    public val issuerName: String,
    public val description: String?,
    public val logo: CardImage?,
    public val issuerLogo: CardImage?,
    public val backgroundImage: CardImage?,
    public val backgroundColor: CardColor?,
    public val textColor: CardColor,
    public val claims: List<CardClaim>,
    public val claimsLeftOut: Int,
    public val state: CardState,
    public val stateText: String,
    public val expiresAt: Instant?,
    public val expiryText: String?,
    public val locale: String?,
) {
    /** Holds no claim. */
    override fun toString(): String = "Card($title, $issuerName, $state, ${claims.size} claims)"
}

/** Whether a credential can be used, in one word. */
public enum class CardState {
    /** It can. */
    VALID,

    /** Not before some day. */
    NOT_YET_VALID,

    /** Not any more. */
    EXPIRED,

    /** Its issuer took it back. */
    REVOKED,

    /** Its issuer took it back for a while. */
    SUSPENDED,

    /** It is put aside: a check failed. */
    QUARANTINED,

    /** It is put aside: a check could not be decided. [Billfold.recheck] tries again. */
    UNCHECKED,

    /** A state of a newer native library; [Card.stateText] says it. */
    OTHER,
}

/**
 * A picture of a card.
 *
 * @property uri `https:` or `data:` address, as the issuer gave it. There is no need to load it: see [bytes].
 * @property altText text in place of the picture, for screen readers too.
 * @property type what the bytes are, whatever anyone said about them; `null` without bytes.
 * @property bytes the picture; `null` if it was not fetched, can't be had, or was refused: too large, no picture,
 *   or one that does more than to be looked at.
 */
public class CardImage(
    public val uri: String,
    public val altText: String?,
    public val type: ImageType?,
    public val bytes: ByteArray?,
) {
    override fun equals(other: Any?): Boolean = other is CardImage && uri == other.uri && altText == other.altText &&
        type == other.type && bytes.contentEquals(other.bytes)

    override fun hashCode(): Int = listOf(uri, altText, type, bytes.contentHashCode()).hashCode()

    /** Holds neither the bytes nor a `data:` address: a portrait may be in there. */
    override fun toString(): String {
        val address = if (uri.startsWith("data:", ignoreCase = true)) "data:…" else uri
        return "CardImage($address, $type, ${bytes?.size ?: "no"} bytes)"
    }
}

/**
 * What kind of picture some bytes are, by the bytes themselves.
 *
 * @property mediaType such as `image/png`; `null` for [OTHER].
 */
public enum class ImageType(public val mediaType: String?) {
    /** PNG. */
    PNG("image/png"),

    /** JPEG. */
    JPEG("image/jpeg"),

    /** GIF. */
    GIF("image/gif"),

    /** WebP. */
    WEBP("image/webp"),

    /** JPEG 2000, as mobile driving licences may have it. Android does not draw it by itself. */
    JPEG_2000("image/jp2"),

    /** SVG without scripts and without references to anything outside of it. Android does not draw it by itself. */
    SVG("image/svg+xml"),

    /** A kind of a newer native library. */
    OTHER(null),
}

/**
 * A colour with its opacity, each part from 0 to 255.
 *
 * @property red red.
 * @property green green.
 * @property blue blue.
 * @property alpha opacity: 255 covers what is behind, 0 is not seen.
 */
public data class CardColor(
    public val red: Int,
    public val green: Int,
    public val blue: Int,
    public val alpha: Int = 255,
) {
    init {
        require(listOf(red, green, blue, alpha).all { it in 0..255 }) { "each part of a colour is from 0 to 255" }
    }

    /** As Android has colours: `android.graphics.Color`, and Compose's `Color(argb)`. */
    public val argb: Int get() = (alpha shl 24) or (red shl 16) or (green shl 8) or blue
}

/**
 * One line of a card.
 *
 * @property path where the claim is; in an mdoc its namespace and element.
 * @property label what to call it, in the user's language where the issuer gives that.
 * @property value its value by its type.
 * @property text its value as text, whatever its type.
 * @property isDisclosable whether the holder can withhold it when the credential is shown to somebody.
 * @property isMandatory whether the issuer says that it is always there.
 */
public data class CardClaim(
    public val path: List<PathStep>,
    public val label: String,
    public val value: ClaimValue,
    public val text: String,
    public val isDisclosable: Boolean,
    public val isMandatory: Boolean,
) {
    /** Holds no value. */
    override fun toString(): String = "CardClaim($label)"
}

/** The value of a claim by its type. */
public sealed class ClaimValue {
    /**
     * Text.
     *
     * @property text the text.
     */
    public data class Text(public val text: String) : ClaimValue()

    /**
     * A number.
     *
     * @property text as it is written.
     */
    public data class Number(public val text: String) : ClaimValue()

    /**
     * Yes or no.
     *
     * @property value which.
     */
    public data class Boolean(public val value: kotlin.Boolean) : ClaimValue()

    /**
     * A day.
     *
     * @property date as `2026-01-31`.
     */
    public data class Date(public val date: String) : ClaimValue()

    /**
     * A moment.
     *
     * @property at which.
     */
    public data class DateTime(public val at: Instant) : ClaimValue()

    /**
     * A picture that is part of the credential.
     *
     * @property image the picture.
     */
    public data class Image(public val image: CardImage) : ClaimValue()

    /**
     * Several values.
     *
     * @property values the values.
     */
    public data class List(public val values: kotlin.collections.List<ClaimValue>) : ClaimValue()

    /**
     * Claims within a claim.
     *
     * @property claims the claims.
     */
    public data class Group(public val claims: kotlin.collections.List<CardClaim>) : ClaimValue()

    /** The claim is there, without a value. */
    public object Absent : ClaimValue()

    /** Of a type of a newer native library; [CardClaim.text] shows it. */
    public object Other : ClaimValue()

    /** Holds no value. */
    final override fun toString(): String = javaClass.simpleName
}
