import Billfold
import Foundation

// The example of ios/README.md, compiled here and run by CardTests. What an app has around it:

struct Page {
    let background: (CardColor?, Data?) -> Void
    let picture: (Data?, String?) -> Void
    let heading: (String, String, CardColor) -> Void
    let stamp: (String) -> Void
    let line: (String, String) -> Void
}

// example:begin
func showCard(_ wallet: Billfold, _ id: String, _ page: Page) async throws {
    let card = try await wallet.card(id)  // in the wallet's language, pictures fetched
    page.background(card.backgroundColor, card.backgroundImage?.bytes)  // color.components: red, green, blue, alpha
    let logo = card.logo ?? card.issuerLogo
    if let logo { page.picture(logo.bytes, logo.altText) }  // PNG, JPEG, SVG: logo.type says which
    page.heading(card.title, card.issuerName, card.textColor)
    if card.state != .valid { page.stamp(card.stateText) }
    for claim in card.claims {
        switch claim.value {
        case .image(let image): page.picture(image.bytes, claim.label)
        case .group(let claims): claims.forEach { page.line("\(claim.label): \($0.label)", $0.text) }
        default: page.line(claim.label, claim.text)  // or by its type: dates, numbers, lists
        }
    }
    if let expiry = card.expiryText { page.line("", expiry) }
}
// example:end
