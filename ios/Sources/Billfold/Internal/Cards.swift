import Foundation

internal import BillfoldFFI

// Cards from the other side of the border, as apps see them.

extension Card {
    init(_ ffi: BillfoldFFI.Card) {
        self.init(
            title: ffi.title,
            issuerName: ffi.issuerName,
            summary: ffi.description,
            logo: ffi.logo.map(CardImage.init),
            issuerLogo: ffi.issuerLogo.map(CardImage.init),
            backgroundImage: ffi.backgroundImage.map(CardImage.init),
            backgroundColor: ffi.backgroundColor.map(CardColor.init),
            textColor: CardColor(ffi.textColor),
            claims: ffi.claims.map(CardClaim.init),
            claimsLeftOut: Int(ffi.claimsLeftOut),
            state: CardState(ffi.state),
            stateText: ffi.stateText,
            expiresAt: ffi.expiresAt.map(date),
            expiryText: ffi.expiryText,
            locale: ffi.locale
        )
    }
}

extension CardImage {
    init(_ ffi: BillfoldFFI.CardImage) {
        self.init(uri: ffi.uri, altText: ffi.altText, type: ffi.mediaType.map(ImageType.init), bytes: ffi.bytes)
    }
}

extension CardColor {
    init(_ ffi: BillfoldFFI.Color) {
        self.init(red: ffi.red, green: ffi.green, blue: ffi.blue, alpha: ffi.alpha)
    }
}

extension CardClaim {
    init(_ ffi: BillfoldFFI.CardClaim) {
        self.init(
            path: ffi.path.map(PathStep.init),
            label: ffi.label,
            value: ClaimValue(ffi.value),
            text: ffi.text,
            isDisclosable: ffi.disclosable,
            isMandatory: ffi.mandatory
        )
    }
}

extension ClaimValue {
    init(_ ffi: BillfoldFFI.ClaimValue) {
        switch ffi {
        case .text(let text): self = .text(text)
        case .number(let text): self = .number(text)
        case .boolean(let value): self = .boolean(value)
        case .date(let date): self = .date(date)
        case .dateTime(let at): self = .dateTime(moment(at))
        case .image(let image): self = .image(CardImage(image))
        case .values(let values): self = .list(values.map(ClaimValue.init))
        case .group(let claims): self = .group(claims.map(CardClaim.init))
        case .absent: self = .absent
        case .other: self = .other
        }
    }
}

/// `date` is a case in there.
private func moment(_ seconds: Int64) -> Date {
    date(seconds)
}

extension CardState {
    init(_ ffi: BillfoldFFI.CardState) {
        self = switch ffi {
        case .valid: .valid
        case .notYetValid: .notYetValid
        case .expired: .expired
        case .revoked: .revoked
        case .suspended: .suspended
        case .quarantined: .quarantined
        case .unchecked: .unchecked
        case .other: .other
        }
    }
}

extension ImageType {
    init(_ ffi: BillfoldFFI.ImageType) {
        self = switch ffi {
        case .png: .png
        case .jpeg: .jpeg
        case .gif: .gif
        case .webp: .webp
        case .jpeg2000: .jpeg2000
        case .svg: .svg
        case .other: .other
        }
    }
}
