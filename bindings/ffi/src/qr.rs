//! Offers as pictures, and back.

use billfold::qr;

use crate::error::WalletError;

/// The text of the QR code in a PNG picture, such as a screenshot.
#[uniffi::export]
pub fn read_qr_png(picture: Vec<u8>) -> Result<String, WalletError> {
    Ok(qr::read_png(&picture)?)
}

/// An SVG picture of a text.
#[uniffi::export]
pub fn draw_qr_svg(text: String) -> Result<String, WalletError> {
    Ok(qr::svg(&text)?)
}

/// A PNG picture of a text.
#[uniffi::export]
pub fn draw_qr_png(text: String) -> Result<Vec<u8>, WalletError> {
    Ok(qr::png(&text)?)
}
