import Foundation
import XCTest
@testable import Billfold

/// Cards as an app draws them.
final class CardTests: WalletTestCase {
    func testTheExampleDrawsACard() async throws {
        let wallet = try await wallet()
        let id = try one(try await wallet.openOffer(try await issuer.offer(format: "mso_mdoc").link).accept())
        var drawn: [String] = []
        var pictures = 0
        let page = Page(
            background: { color, _ in drawn.append("background \(String(describing: color))") },
            picture: { bytes, description in if bytes != nil && description != nil { pictures += 1 } },
            heading: { title, issuerName, color in drawn.append("\(title)|\(issuerName)|\(color.red)") },
            stamp: { drawn.append("stamp \($0)") },
            line: { label, text in drawn.append("\(label)=\(text)") }
        )
        try await showCard(wallet, id, page)
        let card = try await wallet.card(id)
        XCTAssertEqual(drawn[1], "\(card.title)|\(card.issuerName)|\(card.textColor.red)")
        XCTAssertFalse(drawn.contains { $0.hasPrefix("stamp") }, "\(drawn)")
        XCTAssertGreaterThanOrEqual(pictures, 1, "a driving licence has a portrait")
        XCTAssertEqual(drawn.last, "=\(card.expiryText ?? "")")
        XCTAssertTrue(card.claims.contains { if case .date = $0.value { true } else { false } })
        // What prints itself shows no claim.
        var printed = "\(card) \(card.claims) \(card.claims.map(\.value))"
        dump(card, to: &printed)
        debugPrint(card, card.claims.map(\.value), to: &printed)
        for claim in card.claims where claim.text.count > 3 {
            XCTAssertFalse(printed.contains(claim.text), claim.label)
        }
    }

    func testCardsOfThreeIssuersAreWhatTheyAreEverywhere() async throws {
        for (name, format, locales) in [
            ("alpine", "dc+sd-jwt", ["de-CH-1996", "fr"]), ("harbour", "mso_mdoc", ["nl-BE", "ar"]),
            ("plain", "jwt_vc_json", ["pt-BR", "en"]),
        ] {
            let issuer = try issuer("--display", name)
            // What publishers say of types would go before what the issuer says.
            let wallet = try await wallet(
                name, options: BillfoldOptions(locale: "en", allowLoopbackHttp: true, typeMetadata: .off)
            )
            let id = try one(try await wallet.openOffer(try await issuer.offer(format: format).link).accept())
            for online in [true, false] {
                // The second time by what was kept.
                if !online { issuer.stop() }
                for locale in locales {
                    let card = try await wallet.card(id, locale: locale)
                    let found = try recorded(card, base: issuer.base, name: name)
                    let file = try Tree.text("tests/fixtures/cards/\(name).\(locale).json")
                    let expected = try TestIssuer.object(Data(file.utf8))
                    XCTAssertEqual(found as NSDictionary, expected as NSDictionary, "\(name) \(locale) \(online)")
                }
            }
        }
    }

    /// The card as the files have it: of an issuer with a name instead of a port, and with their own time.
    private func recorded(_ card: Card, base: String, name: String) throws -> [String: Any] {
        let day = DateFormatter()
        day.locale = Locale(identifier: "en_US_POSIX")
        day.timeZone = TimeZone(identifier: "UTC")
        day.dateFormat = "yyyy-MM-dd"
        let far = try XCTUnwrap(day.date(from: "2999-01-01"))
        let text = card.expiresAt.flatMap { expiry in
            card.expiryText?.replacingOccurrences(of: day.string(from: expiry), with: "2999-01-01")
        }
        let json = card.json(expiresAt: card.expiresAt.map { _ in far }, expiryText: text)
        let data = try JSONSerialization.data(withJSONObject: json, options: .withoutEscapingSlashes)
        let normal = String(decoding: data, as: UTF8.self)
            .replacingOccurrences(of: base, with: "https://\(name).example")
            .replacingOccurrences(of: base.replacingOccurrences(of: "http://", with: ""), with: "\(name).example")
        return try TestIssuer.object(Data(normal.utf8))
    }

    func testInTheLanguageThatIsAskedFor() async throws {
        let wallet = try await wallet()
        let id = try one(try await wallet.openOffer(try await issuer.offer().link).accept())
        let own = try await wallet.card(id)
        let english = try await wallet.card(id, locale: "en")
        let german = try await wallet.card(id, locale: "de")
        XCTAssertEqual(own.title, english.title)
        XCTAssertNotEqual(own.title, german.title)
    }

    func testColoursHaveComponents() {
        let (red, green, blue, alpha) = CardColor(red: 255, green: 0, blue: 51, alpha: 255).components
        XCTAssertEqual([red, green, blue, alpha], [1, 0, 0.2, 1])
    }

    func testPicturesPrintNoAddressOfData() {
        let image = CardImage(uri: "data:,secret", altText: nil, type: .png, bytes: Data([1]))
        XCTAssertEqual("\(image)", "CardImage(data:…, png, 1 bytes)")
    }
}
