package dev.billfold.internal

import dev.billfold.Algorithm
import dev.billfold.HolderKey
import dev.billfold.HolderKeys
import dev.billfold.HttpHeader
import dev.billfold.HttpLimits
import dev.billfold.HttpRequest
import dev.billfold.HttpTransport
import dev.billfold.KeyException
import dev.billfold.LogSink
import dev.billfold.SecretException
import dev.billfold.SecretStore
import dev.billfold.SignRequest
import dev.billfold.TransportException
import java.security.PublicKey
import java.security.interfaces.ECPublicKey
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.CancellationException
import dev.billfold.ffi.Algorithm as FfiAlgorithm
import dev.billfold.ffi.HolderKey as FfiHolderKey
import dev.billfold.ffi.HolderKeys as FfiHolderKeys
import dev.billfold.ffi.HttpHeader as FfiHttpHeader
import dev.billfold.ffi.HttpLimits as FfiHttpLimits
import dev.billfold.ffi.HttpRequest as FfiHttpRequest
import dev.billfold.ffi.HttpResponse as FfiHttpResponse
import dev.billfold.ffi.HttpTransport as FfiHttpTransport
import dev.billfold.ffi.KeyErrorKind as FfiKeyErrorKind
import dev.billfold.ffi.KeyException as FfiKeyException
import dev.billfold.ffi.KeyPurpose as FfiKeyPurpose
import dev.billfold.ffi.LogLevel as FfiLogLevel
import dev.billfold.ffi.LogSink as FfiLogSink
import dev.billfold.ffi.SecretException as FfiSecretException
import dev.billfold.ffi.SecretStore as FfiSecretStore
import dev.billfold.ffi.SignRequest as FfiSignRequest
import dev.billfold.ffi.TransportErrorKind as FfiTransportErrorKind
import dev.billfold.ffi.TransportException as FfiTransportException

// What the app brings, as the native library wants it (the wallet provider has a file of its own). Everything
// thrown is caught here, errors too: one that got through would leave the native side waiting for ever.

/** The app's keys. */
internal class KeysToFfi(private val keys: HolderKeys, private val border: Border) : FfiHolderKeys {
    override fun algorithms(): List<FfiAlgorithm> = try {
        keys.algorithms.map { it.toFfi() }
    } catch (error: Throwable) {
        throw failure(error)
    }

    override suspend fun create(algorithm: FfiAlgorithm, purpose: FfiKeyPurpose, count: UInt): List<FfiHolderKey> =
        guarded {
            keys.create(algorithm.toPublic(), purpose.toPublic(), Math.toIntExact(count.toLong())).map { it.toFfi() }
        }

    override suspend fun sign(requests: List<FfiSignRequest>): List<ByteArray> = guarded {
        keys.sign(requests.map { SignRequest(it.handle, it.algorithm.toPublic(), it.payload) })
    }

    override suspend fun delete(handles: List<String>) = guarded { keys.delete(handles) }

    override suspend fun find(handles: List<String>): List<FfiHolderKey?> =
        guarded { keys.find(handles).map { it?.toFfi() } }

    private suspend fun <T> guarded(block: suspend () -> T): T = guarded(::failure, block)

    private fun failure(error: Throwable): FfiKeyException {
        val (kind, detail) = when (error) {
            is KeyException -> error.kind.toFfi() to error.message.orEmpty()
            else -> FfiKeyErrorKind.FAILED to unexpected("key store", error)
        }
        border.remember(detail, error)
        return FfiKeyException.Failed(kind, detail)
    }
}

private fun HolderKey.toFfi() =
    FfiHolderKey(handle, algorithm.toFfi(), publicOctets(algorithm, publicKey), certificates.map { it.encoded })

/** The uncompressed point, or what stands for it in EdDSA. */
private fun publicOctets(algorithm: Algorithm, key: PublicKey): ByteArray = when (algorithm) {
    Algorithm.EDDSA -> {
        // A SubjectPublicKeyInfo of fixed length, with the 32 octets at its end (RFC 8410).
        val encoded = key.encoded
        if (encoded == null || encoded.size != ED25519_SPKI) {
            throw KeyException(KeyException.Kind.FAILED, "the public key is not an Ed25519 key")
        }
        encoded.copyOfRange(encoded.size - COORDINATE, encoded.size)
    }
    Algorithm.ES256, Algorithm.ES384, Algorithm.ES256K -> {
        val length = if (algorithm == Algorithm.ES384) COORDINATE_P384 else COORDINATE
        val point = (key as? ECPublicKey)?.w
            ?: throw KeyException(KeyException.Kind.FAILED, "the public key is not an elliptic curve key")
        byteArrayOf(UNCOMPRESSED) + octets(point.affineX, length) + octets(point.affineY, length)
    }
}

private fun octets(number: java.math.BigInteger, length: Int): ByteArray {
    val bytes = number.toByteArray().dropWhile { it == 0.toByte() }.toByteArray()
    if (bytes.size > length) throw KeyException(KeyException.Kind.FAILED, "the public key is on another curve")
    return ByteArray(length - bytes.size) + bytes
}

private const val COORDINATE = 32
private const val COORDINATE_P384 = 48
private const val ED25519_SPKI = 44
private const val UNCOMPRESSED: Byte = 4

/** The app's transport. */
internal class TransportToFfi(private val http: HttpTransport, private val border: Border) : FfiHttpTransport {
    override suspend fun send(request: FfiHttpRequest, limits: FfiHttpLimits): FfiHttpResponse = try {
        val response = http.send(
            HttpRequest(request.method, request.url, request.headers.map { HttpHeader(it.name, it.value) }, request.body),
            HttpLimits(
                maxBodyBytes = limits.maxBodyBytes.coerceAtMost(Int.MAX_VALUE.toULong()).toInt(),
                connectTimeout = limits.connectTimeoutMs.toLong().milliseconds,
                totalTimeout = limits.totalTimeoutMs.toLong().milliseconds,
                publicAddressesOnly = limits.publicAddressesOnly,
            ),
        )
        FfiHttpResponse(
            response.status.coerceIn(0, UShort.MAX_VALUE.toInt()).toUShort(),
            response.headers.map { FfiHttpHeader(it.name, it.value) },
            response.body,
        )
    } catch (error: CancellationException) {
        throw error
    } catch (error: Throwable) {
        throw failure(error)
    }

    private fun failure(error: Throwable): FfiTransportException {
        val failure = when (error) {
            is TransportException ->
                FfiTransportException.Failed(error.kind.toFfi(), error.maybeSent, error.message.orEmpty())
            else ->
                FfiTransportException.Failed(FfiTransportErrorKind.OTHER, true, unexpected("HTTP transport", error))
        }
        border.remember(failure.detail, error)
        return failure
    }
}

/** The app's secrets. */
internal class SecretsToFfi(private val secrets: SecretStore, private val border: Border) : FfiSecretStore {
    override suspend fun put(name: String, secret: ByteArray) = guarded { secrets.put(name, secret) }

    override suspend fun get(name: String): ByteArray? = guarded { secrets.get(name) }

    override suspend fun remove(name: String) = guarded { secrets.remove(name) }

    private suspend fun <T> guarded(block: suspend () -> T): T = try {
        block()
    } catch (error: CancellationException) {
        throw error
    } catch (error: Throwable) {
        val detail = if (error is SecretException) error.message.orEmpty() else unexpected("secret store", error)
        border.remember(detail, error)
        throw FfiSecretException.Failed(detail)
    }
}

/** The app's log. */
internal class LogToFfi(private val sink: LogSink) : FfiLogSink {
    override fun log(level: FfiLogLevel, target: String, text: String) {
        try {
            sink.log(level.toPublic(), target, text)
        } catch (_: Throwable) {
            // There is nobody to tell, and a log that fails must not end an issuance.
        }
    }
}

/** What the app was asked for; what it throws becomes a [failure] that the native library knows. */
internal suspend fun <T> guarded(failure: (Throwable) -> Exception, block: suspend () -> T): T = try {
    block()
} catch (error: CancellationException) {
    throw error
} catch (error: Throwable) {
    throw failure(error)
}

/** The text of an unexpected exception may quote anything, so its class alone is named. */
internal fun unexpected(what: String, error: Throwable): String = "the app's $what threw ${error.javaClass.name}"
