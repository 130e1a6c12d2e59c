package dev.billfold

import dev.billfold.internal.isPublic
import java.io.ByteArrayOutputStream
import java.io.IOException
import java.io.InputStream
import java.net.HttpRetryException
import java.net.HttpURLConnection
import java.net.InetAddress
import java.net.Proxy
import java.net.SocketTimeoutException
import java.net.URL
import java.net.UnknownHostException
import javax.net.ssl.HttpsURLConnection
import javax.net.ssl.SSLException
import javax.net.ssl.SSLSocketFactory
import kotlin.time.Duration
import kotlin.time.TimeSource
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.async
import kotlinx.coroutines.withTimeoutOrNull

/**
 * The default [HttpTransport]: the platform's own [HttpURLConnection], with the platform's certificates,
 * proxies and, on Android, its network security configuration. That one forbids plain http, so for
 * development against a loopback issuer the app has to allow `localhost` there too.
 *
 * Every body is sent in fixed-length streaming mode, because otherwise the platform sends a POST again by
 * itself when a connection breaks, and a code that works once would go out twice. The price, on a desktop
 * JVM only: when a POST is answered with 401, the JVM lets go of the answer's body. Status and header
 * fields arrive, the server's own `error_description` does not. Android gives the body.
 *
 * Cookies are the process's: a [java.net.CookieHandler] that the app has set as the default sees these
 * requests as well.
 *
 * The check of [HttpLimits.publicAddressesOnly] looks the name up before the connection does; the
 * platform's cache of names makes both see the same addresses.
 *
 * @param proxy a proxy other than the platform's.
 * @param sslSocketFactory another one than the platform's, for certificate pinning. It must not accept
 *   what the platform would refuse.
 */
public class UrlConnectionTransport(
    private val proxy: Proxy? = null,
    private val sslSocketFactory: SSLSocketFactory? = null,
) : HttpTransport {
    // Sockets do not listen to cancellation: their threads are let go, and end by the timeouts.
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.IO)

    override suspend fun send(request: HttpRequest, limits: HttpLimits): HttpResponse {
        val exchange = Exchange(request, limits)
        val running = scope.async { exchange.run() }
        try {
            return withTimeoutOrNull(limits.totalTimeout) { running.await() } ?: throw exchange.timedOut()
        } finally {
            if (running.isActive) exchange.abandon(running)
        }
    }

    private inner class Exchange(private val request: HttpRequest, private val limits: HttpLimits) {
        private val began = TimeSource.Monotonic.markNow()

        @Volatile
        private var connection: HttpURLConnection? = null

        /** Set just before the first octet of the request can leave. */
        @Volatile
        private var maybeSent = false

        fun timedOut(cause: Throwable? = null) = TransportException(
            TransportException.Kind.TIMED_OUT,
            maybeSent,
            "no answer within ${limits.totalTimeout}",
            cause,
        )

        fun abandon(running: Job) {
            running.cancel()
            // Closing the socket wakes who reads from it. That may block, so it happens over there.
            scope.async { connection?.disconnect() }
        }

        fun run(): HttpResponse = try {
            exchange()
        } catch (error: TransportException) {
            throw error
        } catch (error: IOException) {
            throw failure(error)
        }

        private fun exchange(): HttpResponse {
            val url = URL(request.url)
            if (limits.publicAddressesOnly) refusePrivate(url.host)
            val connection = (if (proxy == null) url.openConnection() else url.openConnection(proxy)) as HttpURLConnection
            this.connection = connection
            prepare(connection)
            connection.connect()
            maybeSent = true
            if (connection.doOutput) connection.outputStream.use { it.write(request.body) }
            val status = connection.responseCode
            if (status < 0) throw TransportException(TransportException.Kind.OTHER, true, "the answer is not HTTP")
            return HttpResponse(status, headers(connection), body(connection, status))
        }

        private fun prepare(connection: HttpURLConnection) {
            if (connection is HttpsURLConnection && sslSocketFactory != null) {
                connection.sslSocketFactory = sslSocketFactory
            }
            connection.instanceFollowRedirects = false
            connection.useCaches = false
            connection.connectTimeout = milliseconds(limits.connectTimeout)
            connection.readTimeout = milliseconds(limits.totalTimeout)
            connection.requestMethod = request.method
            request.headers.forEach { connection.addRequestProperty(it.name, it.value) }
            if (request.method !in BODILESS) {
                connection.doOutput = true
                connection.setFixedLengthStreamingMode(request.body.size)
            }
        }

        private fun headers(connection: HttpURLConnection): List<HttpHeader> =
            connection.headerFields.flatMap { (name: String?, values) ->
                // The status line is the field without a name.
                if (name == null) emptyList() else values.map { HttpHeader(name, it) }
            }

        private fun body(connection: HttpURLConnection, status: Int): ByteArray {
            val stream = try {
                if (status >= FIRST_ERROR) connection.errorStream else connection.inputStream
            } catch (_: HttpRetryException) {
                // The JVM's 401: there is no body any more.
                null
            }
            return stream?.use { read(it) } ?: ByteArray(0)
        }

        private fun read(stream: InputStream): ByteArray {
            val body = ByteArrayOutputStream()
            val buffer = ByteArray(BUFFER)
            while (true) {
                val count = stream.read(buffer)
                if (count < 0) return body.toByteArray()
                if (body.size() + count > limits.maxBodyBytes) {
                    connection?.disconnect()
                    throw TransportException(
                        TransportException.Kind.TOO_LARGE,
                        true,
                        "the answer is longer than ${limits.maxBodyBytes} bytes",
                    )
                }
                body.write(buffer, 0, count)
                if (began.elapsedNow() > limits.totalTimeout) throw timedOut()
            }
        }

        /** The text of the platform's exceptions can quote an address with its query, so it stays out. */
        private fun failure(error: IOException): TransportException {
            val name = error.javaClass.simpleName
            return when (error) {
                is SocketTimeoutException -> timedOut(error)
                is UnknownHostException ->
                    TransportException(TransportException.Kind.UNREACHABLE, false, "the name did not resolve", error)
                is SSLException -> when {
                    maybeSent ->
                        TransportException(TransportException.Kind.CONNECTION_LOST, true, "the connection broke ($name)", error)
                    else ->
                        TransportException(TransportException.Kind.TLS, false, "no trusted connection ($name)", error)
                }
                else -> when {
                    maybeSent ->
                        TransportException(TransportException.Kind.CONNECTION_LOST, true, "the connection broke ($name)", error)
                    else ->
                        TransportException(TransportException.Kind.UNREACHABLE, false, "no connection ($name)", error)
                }
            }
        }

        private fun refusePrivate(host: String) {
            val addresses = InetAddress.getAllByName(host.removeSurrounding("[", "]"))
            if (addresses.any { !isPublic(it) }) {
                throw TransportException(
                    TransportException.Kind.FORBIDDEN_ADDRESS,
                    false,
                    "the name leads to an address that is not public",
                )
            }
        }
    }

    private companion object {
        val BODILESS = setOf("GET", "HEAD")
        private const val FIRST_ERROR = 400
        private const val BUFFER = 8192

        /** Zero would mean for ever. */
        fun milliseconds(time: Duration): Int = time.inWholeMilliseconds.coerceIn(1, Int.MAX_VALUE.toLong()).toInt()
    }
}
