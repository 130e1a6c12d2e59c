package dev.billfold

import com.sun.net.httpserver.HttpExchange
import com.sun.net.httpserver.HttpServer
import dev.billfold.TransportException.Kind
import dev.billfold.support.test
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.ServerSocket
import java.util.concurrent.Executors
import java.util.concurrent.atomic.AtomicInteger
import kotlin.concurrent.thread
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test

/** The default transport against servers that misbehave. */
class UrlConnectionTransportTest {
    private val loopback = InetAddress.getLoopbackAddress()
    private val threads = Executors.newCachedThreadPool()
    private val http = UrlConnectionTransport()
    private lateinit var server: HttpServer
    private lateinit var base: String

    @BeforeEach
    fun start() {
        server = HttpServer.create(InetSocketAddress(loopback, 0), 0)
        server.executor = threads
        server.start()
        base = "http://127.0.0.1:${server.address.port}"
    }

    @AfterEach
    fun stop() {
        server.stop(0)
        threads.shutdownNow()
    }

    private fun on(path: String, answer: HttpExchange.() -> Unit) = server.createContext(path) { it.use(answer) }

    private fun HttpExchange.use(answer: HttpExchange.() -> Unit) = try {
        answer()
    } finally {
        close()
    }

    private fun HttpExchange.answer(status: Int, body: ByteArray = ByteArray(0)) {
        sendResponseHeaders(status, if (body.isEmpty()) -1 else body.size.toLong())
        if (body.isNotEmpty()) responseBody.write(body)
    }

    private fun limits(bytes: Int = 1 shl 20, total: Duration = 10.seconds, public: Boolean = false) =
        HttpLimits(bytes, 5.seconds, total, public)

    private fun get(path: String) = HttpRequest("GET", base + path, emptyList(), ByteArray(0))

    private fun post(path: String, body: String = "a=b") =
        HttpRequest("POST", base + path, listOf(HttpHeader("Content-Type", "text/x")), body.toByteArray())

    private suspend fun failure(request: HttpRequest, limits: HttpLimits = limits()): TransportException = try {
        throw AssertionError("it gave ${http.send(request, limits)}")
    } catch (error: TransportException) {
        error
    }

    @Test
    fun `sends what it is given and gives what comes`() = test {
        on("/x") {
            assertEquals("POST", requestMethod)
            assertEquals(listOf("1", "2"), requestHeaders["X-Twice"]?.sorted())
            assertEquals("text/x", requestHeaders.getFirst("Content-Type"))
            val body = requestBody.readAllBytes()
            assertEquals("${body.size}", requestHeaders.getFirst("Content-Length"))
            responseHeaders.add("DPoP-Nonce", "n1")
            responseHeaders.add("DPoP-Nonce", "n2")
            answer(201, body.reversedArray())
        }
        val headers = listOf(HttpHeader("X-Twice", "1"), HttpHeader("X-Twice", "2"), HttpHeader("Content-Type", "text/x"))
        val response = http.send(HttpRequest("POST", "$base/x", headers, "abc".toByteArray()), limits())
        assertEquals(201, response.status)
        assertArrayEquals("cba".toByteArray(), response.body)
        val nonces = response.headers.filter { it.name.equals("DPoP-Nonce", ignoreCase = true) }.map { it.value }
        assertEquals(listOf("n1", "n2"), nonces.sorted())
    }

    @Test
    fun `an empty body is a body`() = test {
        on("/nonce") {
            assertEquals("0", requestHeaders.getFirst("Content-Length"))
            answer(200, "{}".toByteArray())
        }
        assertEquals(200, http.send(post("/nonce", ""), limits()).status)
    }

    @Test
    fun `answers of every status have their body`() = test {
        for (status in listOf(400, 403, 404, 500, 503)) {
            on("/$status") { answer(status, "why $status".toByteArray()) }
            assertEquals("why $status", String(http.send(post("/$status"), limits()).body))
            assertEquals("why $status", String(http.send(get("/$status"), limits()).body))
        }
    }

    @Test
    fun `a 401 arrives, on this JVM without its body where one was sent`() = test {
        on("/401") {
            responseHeaders.add("WWW-Authenticate", """Bearer error="invalid_token"""")
            answer(401, "why".toByteArray())
        }
        for ((request, body) in listOf(post("/401") to "", get("/401") to "why")) {
            val response = http.send(request, limits())
            assertEquals(401, response.status)
            assertEquals(body, String(response.body))
            val challenge = response.headers.single { it.name.equals("WWW-Authenticate", ignoreCase = true) }
            assertEquals("""Bearer error="invalid_token"""", challenge.value)
        }
    }

    @Test
    fun `redirects are answers`() = test {
        val followed = AtomicInteger()
        on("/there") {
            followed.incrementAndGet()
            answer(200)
        }
        for (status in listOf(301, 302, 303, 307, 308)) {
            on("/r$status") {
                responseHeaders.add("Location", "$base/there")
                answer(status)
            }
            assertEquals(status, http.send(get("/r$status"), limits()).status)
            assertEquals(status, http.send(post("/r$status"), limits()).status)
        }
        assertEquals(0, followed.get())
    }

    @Test
    fun `a body over the limit is not read on`() = test {
        on("/long") {
            sendResponseHeaders(200, 0)
            val block = ByteArray(8192)
            // Without end: only a transport that stops reading comes back.
            try {
                while (true) responseBody.write(block)
            } catch (_: java.io.IOException) {
                // It hung up.
            }
        }
        val error = failure(get("/long"), limits(bytes = 100_000))
        assertEquals(Kind.TOO_LARGE, error.kind)
        on("/exact") { answer(200, ByteArray(1000)) }
        assertEquals(1000, http.send(get("/exact"), limits(bytes = 1000)).body.size)
        assertEquals(Kind.TOO_LARGE, failure(get("/exact"), limits(bytes = 999)).kind)
    }

    /** A server that takes a request whole and hangs up; [inspect] sees every connection. */
    private fun hangingUp(inspect: (Int) -> Unit = {}): ServerSocket {
        val socket = ServerSocket(0, 50, loopback)
        val connections = AtomicInteger()
        thread(isDaemon = true) {
            while (!socket.isClosed) {
                val connection = try {
                    socket.accept()
                } catch (_: java.net.SocketException) {
                    return@thread
                }
                inspect(connections.incrementAndGet())
                val reader = connection.getInputStream().bufferedReader()
                while (!reader.readLine().isNullOrEmpty()) Unit
                connection.close()
            }
        }
        return socket
    }

    @Test
    fun `a POST whose answer is lost goes out once`() = test {
        val connections = AtomicInteger()
        hangingUp { connections.set(it) }.use { socket ->
            val url = "http://127.0.0.1:${socket.localPort}/token"
            val error = failure(HttpRequest("POST", url, emptyList(), ByteArray(0)))
            assertEquals(Kind.CONNECTION_LOST, error.kind)
            assertTrue(error.maybeSent)
            assertEquals(1, connections.get())
        }
    }

    @Test
    fun `nobody listens`() = test {
        val port = ServerSocket(0, 1, loopback).use { it.localPort }
        val error = failure(HttpRequest("POST", "http://127.0.0.1:$port/x?code=hush", emptyList(), ByteArray(0)))
        assertEquals(Kind.UNREACHABLE, error.kind)
        assertFalse(error.maybeSent)
        assertFalse("hush" in error.toString())
    }

    @Test
    fun `a name that is none`() = test {
        val error = failure(HttpRequest("GET", "http://nothing.invalid/", emptyList(), ByteArray(0)))
        assertEquals(Kind.UNREACHABLE, error.kind)
        assertFalse(error.maybeSent)
    }

    @Test
    fun `a server that says nothing`() = test {
        ServerSocket(0, 50, loopback).use { socket ->
            val began = TimeSource.Monotonic.markNow()
            val request = HttpRequest("GET", "http://127.0.0.1:${socket.localPort}/", emptyList(), ByteArray(0))
            val error = failure(request, limits(total = 300.milliseconds))
            assertEquals(Kind.TIMED_OUT, error.kind)
            assertTrue(error.maybeSent)
            assertTrue(began.elapsedNow() < 5.seconds)
        }
    }

    @Test
    fun `a server that drips`() = test {
        on("/drip") {
            sendResponseHeaders(200, 0)
            try {
                repeat(1000) {
                    responseBody.write(1)
                    responseBody.flush()
                    Thread.sleep(20)
                }
            } catch (_: Exception) {
                // It hung up, or the test is over.
            }
        }
        val began = TimeSource.Monotonic.markNow()
        assertEquals(Kind.TIMED_OUT, failure(get("/drip"), limits(total = 400.milliseconds)).kind)
        assertTrue(began.elapsedNow() < 5.seconds)
    }

    @Test
    fun `addresses that are not public`() = test {
        val asked = AtomicInteger()
        on("/x") {
            asked.incrementAndGet()
            answer(200)
        }
        for (url in listOf("$base/x", base.replace("127.0.0.1", "localhost") + "/x", "http://10.0.0.1/", "http://[::1]/")) {
            val error = failure(HttpRequest("GET", url, emptyList(), ByteArray(0)), limits(public = true))
            assertEquals(Kind.FORBIDDEN_ADDRESS, error.kind, url)
            assertFalse(error.maybeSent)
        }
        assertEquals(0, asked.get())
    }

    @Test
    fun `a server that can't do TLS`() = test {
        // Plain text where TLS is expected: the handshake fails before anything is sent.
        ServerSocket(0, 50, loopback).use { socket ->
            thread(isDaemon = true) {
                socket.accept().use {
                    it.getOutputStream().write("HTTP/1.1 400 Bad Request\r\n\r\n".toByteArray())
                    it.shutdownOutput()
                    it.getInputStream().readAllBytes()
                }
            }
            val url = "https://127.0.0.1:${socket.localPort}/x"
            val error = failure(HttpRequest("POST", url, emptyList(), ByteArray(0)))
            assertEquals(Kind.TLS, error.kind)
            assertFalse(error.maybeSent)
        }
    }

    @Test
    fun `texts hold no secrets`() {
        val request = HttpRequest("POST", "https://h/t?code=hush", listOf(HttpHeader("Authorization", "hush")), "hush".toByteArray())
        val response = HttpResponse(200, listOf(HttpHeader("Set-Cookie", "hush")), "hush".toByteArray())
        assertFalse("hush" in "$request $response")
        assertNull(TransportException(Kind.OTHER, true, "x").cause)
    }
}
