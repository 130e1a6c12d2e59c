package dev.billfold

import dev.billfold.internal.Border
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import dev.billfold.ffi.drawQrPng as ffiDrawQrPng
import dev.billfold.ffi.drawQrSvg as ffiDrawQrSvg
import dev.billfold.ffi.readQrPng as ffiReadQrPng

/** Offers as QR codes in pictures. (For the camera, the platform's own scanner does better.) */
public object QrCode {
    /**
     * The text of the QR code in a picture, such as a screenshot: what [Billfold.openOffer] takes.
     *
     * @param png a PNG file.
     * @throws BillfoldException.Offer with the code `qr_unreadable` if there is none to be read.
     */
    public suspend fun read(png: ByteArray): String = drawn { ffiReadQrPng(png) }

    /**
     * A picture of a text that scales to any size.
     *
     * @throws BillfoldException.Offer with the code `qr_too_large` if no QR code has room for it.
     */
    public suspend fun svg(text: String): String = drawn { ffiDrawQrSvg(text) }

    /**
     * A PNG picture of a text, black on white, 8 pixels a module.
     *
     * @throws BillfoldException.Offer with the code `qr_too_large` if no QR code has room for it.
     */
    public suspend fun png(text: String): ByteArray = drawn { ffiDrawQrPng(text) }

    private suspend fun <T> drawn(block: () -> T): T = withContext(Dispatchers.Default) { Border().cross { block() } }
}
