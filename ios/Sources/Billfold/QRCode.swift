import Foundation

internal import BillfoldFFI

/// Offers as QR codes in pictures. (For the camera, the platform's own scanner does better.)
public enum QRCode {
    /// The text of the QR code in a picture, such as a screenshot: what ``Billfold/openOffer(_:)`` takes.
    ///
    /// - Parameter png: a PNG file.
    /// - Throws: ``BillfoldError`` with the code `qr_unreadable` if there is none to be read.
    public static func read(_ png: Data) async throws -> String {
        try await Border().cross { try BillfoldFFI.readQrPng(picture: png) }
    }

    /// A picture of a text that scales to any size.
    ///
    /// - Throws: ``BillfoldError`` with the code `qr_too_large` if no QR code has room for it.
    public static func svg(_ text: String) async throws -> String {
        try await Border().cross { try BillfoldFFI.drawQrSvg(text: text) }
    }

    /// A PNG picture of a text, black on white, 8 pixels a module.
    ///
    /// - Throws: ``BillfoldError`` with the code `qr_too_large` if no QR code has room for it.
    public static func png(_ text: String) async throws -> Data {
        try await Border().cross { try BillfoldFFI.drawQrPng(text: text) }
    }
}
