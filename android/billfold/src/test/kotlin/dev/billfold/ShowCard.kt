package dev.billfold

// The example of android/README.md, compiled, and run by CardTest. What an app has around it:

internal class Page(
    val background: (argb: Int?, picture: ByteArray?) -> Unit,
    val picture: (ByteArray?, description: String?) -> Unit,
    val heading: (String, String, argb: Int) -> Unit,
    val stamp: (String) -> Unit,
    val line: (String, String) -> Unit,
)

// example:begin
internal suspend fun showCard(wallet: Billfold, id: String, page: Page) {
    val card = wallet.card(id)                                   // in the wallet's language, pictures fetched
    page.background(card.backgroundColor?.argb, card.backgroundImage?.bytes)
    val logo = card.logo ?: card.issuerLogo
    if (logo != null) page.picture(logo.bytes, logo.altText)     // PNG, JPEG, SVG: logo.type says which
    page.heading(card.title, card.issuerName, card.textColor.argb)
    if (card.state != CardState.VALID) page.stamp(card.stateText)
    for (claim in card.claims) when (val value = claim.value) {
        is ClaimValue.Image -> page.picture(value.image.bytes, claim.label)
        is ClaimValue.Group -> value.claims.forEach { page.line("${claim.label}: ${it.label}", it.text) }
        else -> page.line(claim.label, claim.text)               // or by its type: dates, numbers, lists
    }
    card.expiryText?.let { page.line("", it) }
}
// example:end
