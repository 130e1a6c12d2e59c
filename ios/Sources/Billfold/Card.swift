import Foundation

/// A credential as a person would see it, in one language and at one moment. All texts are without control and
/// bidirectional characters, and of bounded length.
public struct Card: Sendable, Hashable {
    /// The name of the credential.
    public let title: String

    /// The name of its issuer.
    public let issuerName: String

    /// A sentence about it.
    public let summary: String?

    /// The credential's own picture.
    public let logo: CardImage?

    /// Its issuer's picture.
    public let issuerLogo: CardImage?

    /// A picture to put behind everything.
    public let backgroundImage: CardImage?

    /// The colour behind everything; `nil` if the issuer gives none that can be read: then draw the card on a light
    /// ground.
    public let backgroundColor: CardColor?

    /// The colour for texts, readable on the background.
    public let textColor: CardColor

    /// The claims: those that the issuer described, in its order, then the others.
    public let claims: [CardClaim]

    /// How many claims are not among them, because there are more than anyone could look at.
    public let claimsLeftOut: Int

    /// Whether it can be used.
    public let state: CardState

    /// The same in words.
    public let stateText: String

    /// When it stops being valid, if it says so.
    public let expiresAt: Date?

    /// The same in words; of one that is not valid yet, from when it is.
    public let expiryText: String?

    /// The language of title and colours as the issuer marked it (BCP 47).
    public let locale: String?
}

extension Card: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Holds no claim.
    public var description: String { "Card(\(title), \(issuerName), \(state), \(claims.count) claims)" }

    /// As ``description``.
    public var debugDescription: String { description }

    /// Shows nothing, so that `dump` and test failures print no claim.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// Whether a credential can be used, in one word.
public enum CardState: Sendable, Hashable, CaseIterable {
    /// It can.
    case valid
    /// Not before some day.
    case notYetValid
    /// Not any more.
    case expired
    /// Its issuer took it back.
    case revoked
    /// Its issuer took it back for a while.
    case suspended
    /// It is put aside: a check failed.
    case quarantined
    /// It is put aside: a check could not be decided. ``Billfold/recheck(_:)`` tries again.
    case unchecked
    /// A state of a newer native library; ``Card/stateText`` says it.
    case other
}

/// A picture of a card.
public struct CardImage: Sendable, Hashable {
    /// `https:` or `data:` address, as the issuer gave it. There is no need to load it: see ``bytes``.
    public let uri: String

    /// Text in place of the picture, for screen readers too.
    public let altText: String?

    /// What the bytes are, whatever anyone said about them; `nil` without bytes.
    public let type: ImageType?

    /// The picture; `nil` if it was not fetched, can't be had, or was refused: too large, no picture, or one that
    /// does more than to be looked at.
    public let bytes: Data?
}

extension CardImage: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Holds neither the bytes nor a `data:` address: a portrait may be in there.
    public var description: String {
        let address = uri.lowercased().hasPrefix("data:") ? "data:…" : uri
        let kind = type.map { "\($0)" } ?? "no picture"
        return "CardImage(\(address), \(kind), \(bytes?.count ?? 0) bytes)"
    }

    /// As ``description``.
    public var debugDescription: String { description }

    /// Shows nothing, so that `dump` and test failures print no picture.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// What kind of picture some bytes are, by the bytes themselves.
public enum ImageType: Sendable, Hashable, CaseIterable {
    /// PNG.
    case png
    /// JPEG.
    case jpeg
    /// GIF.
    case gif
    /// WebP.
    case webp
    /// JPEG 2000, as mobile driving licences may have it.
    case jpeg2000
    /// SVG without scripts and without references to anything outside of it. The system draws it in a web view only.
    case svg
    /// A kind of a newer native library.
    case other

    /// Such as `image/png`; `nil` for ``other``.
    public var mediaType: String? {
        switch self {
        case .png: "image/png"
        case .jpeg: "image/jpeg"
        case .gif: "image/gif"
        case .webp: "image/webp"
        case .jpeg2000: "image/jp2"
        case .svg: "image/svg+xml"
        case .other: nil
        }
    }
}

/// A colour with its opacity, each part from 0 to 255.
public struct CardColor: Sendable, Hashable {
    /// Red.
    public let red: UInt8

    /// Green.
    public let green: UInt8

    /// Blue.
    public let blue: UInt8

    /// Opacity: 255 covers what is behind, 0 is not seen.
    public let alpha: UInt8

    /// Each part from 0 to 1, in sRGB, as SwiftUI's and UIKit's colours take them.
    public var components: (red: Double, green: Double, blue: Double, alpha: Double) {
        (Double(red) / 255, Double(green) / 255, Double(blue) / 255, Double(alpha) / 255)
    }
}

/// One line of a card.
public struct CardClaim: Sendable, Hashable {
    /// Where the claim is; in an mdoc its namespace and element.
    public let path: [PathStep]

    /// What to call it, in the user's language where the issuer gives that.
    public let label: String

    /// Its value by its type.
    public let value: ClaimValue

    /// Its value as text, whatever its type.
    public let text: String

    /// Whether the holder can withhold it when the credential is shown to somebody.
    public let isDisclosable: Bool

    /// Whether the issuer says that it is always there.
    public let isMandatory: Bool
}

extension CardClaim: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Holds no value.
    public var description: String { "CardClaim(\(label))" }

    /// As ``description``.
    public var debugDescription: String { description }

    /// Shows nothing, so that `dump` and test failures print no claim.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// The value of a claim by its type.
public enum ClaimValue: Sendable, Hashable {
    /// Text.
    case text(String)
    /// A number as it is written.
    case number(String)
    /// Yes or no.
    case boolean(Bool)
    /// A day, as `2026-01-31`.
    case date(String)
    /// A moment.
    case dateTime(Date)
    /// A picture that is part of the credential.
    case image(CardImage)
    /// Several values.
    case list([ClaimValue])
    /// Claims within a claim.
    case group([CardClaim])
    /// The claim is there, without a value.
    case absent
    /// Of a type of a newer native library; ``CardClaim/text`` shows it.
    case other
}

extension ClaimValue: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The type; holds no value.
    public var description: String {
        switch self {
        case .text: "text"
        case .number: "number"
        case .boolean: "boolean"
        case .date: "date"
        case .dateTime: "dateTime"
        case .image: "image"
        case .list: "list"
        case .group: "group"
        case .absent: "absent"
        case .other: "other"
        }
    }

    /// As ``description``.
    public var debugDescription: String { description }

    /// Shows nothing, so that `dump` and test failures print no claim.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
