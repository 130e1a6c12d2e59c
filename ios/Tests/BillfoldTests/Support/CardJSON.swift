import Foundation
@testable import Billfold

// A card as tests/fixtures/cards has it: the fields and names of the native library's own card.

extension Card {
    /// With another time, for one that changes from run to run.
    func json(expiresAt: Date?, expiryText: String?) -> [String: Any] {
        [
            "title": title,
            "issuer_name": issuerName,
            "description": orNull(summary),
            "logo": orNull(logo?.json),
            "issuer_logo": orNull(issuerLogo?.json),
            "background_image": orNull(backgroundImage?.json),
            "background_color": orNull(backgroundColor?.json),
            "text_color": textColor.json,
            "claims": claims.map(\.json),
            "claims_left_out": claimsLeftOut,
            "state": snake("\(state)"),
            "state_text": stateText,
            "expires_at": orNull(expiresAt.map { Int($0.timeIntervalSince1970) }),
            "expiry_text": orNull(expiryText),
            "locale": orNull(locale),
        ]
    }
}

extension CardImage {
    fileprivate var json: [String: Any] {
        [
            "uri": uri, "alt_text": orNull(altText), "media_type": orNull(type.map { "\($0)" }),
            "bytes": orNull(bytes?.base64EncodedString()),
        ]
    }
}

extension CardColor {
    fileprivate var json: [String: Any] {
        ["red": Int(red), "green": Int(green), "blue": Int(blue), "alpha": Int(alpha)]
    }
}

extension CardClaim {
    fileprivate var json: [String: Any] {
        [
            "path": path.map(\.json), "label": label, "value": value.json, "text": text,
            "disclosable": isDisclosable, "mandatory": isMandatory,
        ]
    }
}

extension PathStep {
    fileprivate var json: Any {
        switch self {
        case .key(let name): name
        case .index(let index): index
        case .all: NSNull()
        }
    }
}

extension ClaimValue {
    fileprivate var json: Any {
        switch self {
        case .text(let text): ["text": text]
        case .number(let text): ["number": text]
        case .boolean(let value): ["boolean": value]
        case .date(let date): ["date": date]
        case .dateTime(let at): ["date_time": Int(at.timeIntervalSince1970)]
        case .image(let image): ["image": image.json]
        case .list(let values): ["list": values.map(\.json)]
        case .group(let claims): ["group": claims.map(\.json)]
        case .absent: "absent"
        case .other: "other"
        }
    }
}

private func orNull(_ value: Any?) -> Any {
    value ?? NSNull()
}

/// `notYetValid` as `not_yet_valid`.
private func snake(_ name: String) -> String {
    name.reduce(into: "") { $0 += $1.isUppercase ? "_\($1.lowercased())" : String($1) }
}
