package dev.billfold.internal

import dev.billfold.Card
import dev.billfold.CardClaim
import dev.billfold.CardImage
import dev.billfold.CardState
import dev.billfold.ClaimValue
import dev.billfold.CardColor
import dev.billfold.ImageType
import dev.billfold.ffi.Card as FfiCard
import dev.billfold.ffi.CardClaim as FfiCardClaim
import dev.billfold.ffi.CardImage as FfiCardImage
import dev.billfold.ffi.CardState as FfiCardState
import dev.billfold.ffi.ClaimValue as FfiClaimValue
import dev.billfold.ffi.Color as FfiColor
import dev.billfold.ffi.ImageType as FfiImageType

// Cards from the other side of the border, as apps see them.

internal fun FfiCard.toPublic() = Card(
    title = title,
    issuerName = issuerName,
    description = description,
    logo = logo?.toPublic(),
    issuerLogo = issuerLogo?.toPublic(),
    backgroundImage = backgroundImage?.toPublic(),
    backgroundColor = backgroundColor?.toPublic(),
    textColor = textColor.toPublic(),
    claims = claims.map { it.toPublic() },
    claimsLeftOut = claimsLeftOut.clamped(),
    state = state.toPublic(),
    stateText = stateText,
    expiresAt = expiresAt?.let { instant(it) },
    expiryText = expiryText,
    locale = locale,
)

private fun FfiCardImage.toPublic() = CardImage(uri, altText, mediaType?.toPublic(), bytes)

private fun FfiColor.toPublic() = CardColor(red.toInt(), green.toInt(), blue.toInt(), alpha.toInt())

private fun FfiCardClaim.toPublic(): CardClaim = CardClaim(
    path = path.map { it.toPublic() },
    label = label,
    value = value.toPublic(),
    text = text,
    isDisclosable = disclosable,
    isMandatory = mandatory,
)

private fun FfiClaimValue.toPublic(): ClaimValue = when (this) {
    is FfiClaimValue.Text -> ClaimValue.Text(text)
    is FfiClaimValue.Number -> ClaimValue.Number(text)
    is FfiClaimValue.Boolean -> ClaimValue.Boolean(value)
    is FfiClaimValue.Date -> ClaimValue.Date(date)
    is FfiClaimValue.DateTime -> ClaimValue.DateTime(instant(at))
    is FfiClaimValue.Image -> ClaimValue.Image(image.toPublic())
    is FfiClaimValue.Values -> ClaimValue.List(values.map { it.toPublic() })
    is FfiClaimValue.Group -> ClaimValue.Group(claims.map { it.toPublic() })
    is FfiClaimValue.Absent -> ClaimValue.Absent
    is FfiClaimValue.Other -> ClaimValue.Other
}

private fun FfiCardState.toPublic(): CardState = when (this) {
    FfiCardState.VALID -> CardState.VALID
    FfiCardState.NOT_YET_VALID -> CardState.NOT_YET_VALID
    FfiCardState.EXPIRED -> CardState.EXPIRED
    FfiCardState.REVOKED -> CardState.REVOKED
    FfiCardState.SUSPENDED -> CardState.SUSPENDED
    FfiCardState.QUARANTINED -> CardState.QUARANTINED
    FfiCardState.UNCHECKED -> CardState.UNCHECKED
    FfiCardState.OTHER -> CardState.OTHER
}

private fun FfiImageType.toPublic(): ImageType = when (this) {
    FfiImageType.PNG -> ImageType.PNG
    FfiImageType.JPEG -> ImageType.JPEG
    FfiImageType.GIF -> ImageType.GIF
    FfiImageType.WEBP -> ImageType.WEBP
    FfiImageType.JPEG2000 -> ImageType.JPEG_2000
    FfiImageType.SVG -> ImageType.SVG
    FfiImageType.OTHER -> ImageType.OTHER
}
