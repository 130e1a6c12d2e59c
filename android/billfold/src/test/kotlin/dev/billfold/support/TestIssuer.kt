package dev.billfold.support

import java.io.BufferedReader
import java.io.File
import java.net.URI
import java.net.URLDecoder
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse.BodyHandlers
import java.util.concurrent.TimeUnit
import kotlinx.coroutines.delay
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.put

/** The project's test issuer, as the program that it is, on a free port. It ends with its standard input. */
class TestIssuer private constructor(private val process: Process, announcement: JsonObject) : AutoCloseable {
    val base: String = announcement.text("base")
    val user: String = announcement.getValue("login").jsonObject.text("user")
    val password: String = announcement.getValue("login").jsonObject.text("password")

    /** The root that its credentials lead back to, PEM. */
    val trust: String = announcement.text("trust")

    /** A new offer. */
    fun offer(
        grant: String = PRE_AUTHORIZED,
        format: String = SD_JWT,
        by: String = "value",
        txCode: Boolean = false,
        configurations: List<String>? = null,
        status: String? = null,
    ): Offer {
        val made = post(
            "/test/offer",
            buildJsonObject {
                put("grant", grant)
                put("format", format)
                put("by", by)
                if (txCode) put("tx_code", Json.parseToJsonElement("""{"input_mode":"numeric","length":4}"""))
                if (status != null) put("status", status)
                if (configurations != null) put("configurations", JsonArray(configurations.map { JsonPrimitive(it) }))
            },
        )
        val args = made["args"]?.jsonArray.orEmpty().map { it.jsonPrimitive.content }
        return Offer(made.text("link"), made["tx_code"]?.jsonPrimitive?.content, args)
    }

    /** The user signs in; gives the address that the browser is sent to. Knows the pages of every system. */
    fun signIn(url: String): String {
        val words = listOf(binary().path, "sign-in", "--no-open", "--user", user, "--password", password, url)
        val program = ProcessBuilder(words).redirectError(ProcessBuilder.Redirect.INHERIT).start()
        val redirect = program.inputStream.bufferedReader().readText().trim()
        check(program.waitFor() == 0) { "the user could not sign in: $redirect" }
        return redirect
    }

    /** The values in an offer that nobody else may learn. */
    fun secretsOf(link: String): List<String> =
        Regex("""pre-authorized_code":"([^"]+)"""").findAll(URLDecoder.decode(link, Charsets.UTF_8)).map { it.groupValues[1] }.toList()

    /** Makes the issuer do something wrong from now on. */
    fun fault(name: String, times: Int? = null) {
        post("/test/fault", buildJsonObject { put("name", name); if (times != null) put("times", times) })
    }

    /** Sets the status of everything that has one. */
    fun status(value: Int) {
        for (index in get("/test/status").keys) {
            post("/test/status", buildJsonObject { put("index", index.toLong()); put("value", value) })
        }
    }

    /** The paths of the requests so far, in their order. */
    fun requested(): List<String> = get("/test/log").getValue("requests").jsonArray.map { it.jsonObject.text("path") }

    /** The requests to an endpoint so far, as the issuer saw them. */
    fun requests(endpoint: String): List<JsonObject> =
        get("/test/log").getValue("requests").jsonArray.map { it.jsonObject }.filter { it.text("path").endsWith(endpoint) }

    /** The events that it was told of, as soon as there are any. */
    suspend fun notifications(): List<String> {
        repeat(100) {
            val told = get("/test/log").getValue("notifications").jsonArray.map { it.jsonObject.text("event") }
            if (told.isNotEmpty()) return told
            delay(100)
        }
        return emptyList()
    }

    /** Forgets what it was asked so far. */
    fun resetLog() {
        post("/test/log/reset", buildJsonObject {})
    }

    /** A client attestation of the attester that it trusts. */
    fun attestClient(clientId: String, jwk: String): String = post(
        "/test/attester/client",
        buildJsonObject {
            put("client_id", clientId)
            put("jwk", Json.parseToJsonElement(jwk))
        },
    ).text("attestation")

    /** A key attestation of the attester that it trusts. */
    fun attestKeys(
        jwks: List<String>,
        nonce: String?,
        keyStorage: List<String> = emptyList(),
        userAuthentication: List<String> = emptyList(),
    ): String = post(
        "/test/attester/keys",
        buildJsonObject {
            put("keys", JsonArray(jwks.map { Json.parseToJsonElement(it) }))
            if (nonce != null) put("nonce", nonce)
            put("key_storage", JsonArray(keyStorage.map { JsonPrimitive(it) }))
            put("user_authentication", JsonArray(userAuthentication.map { JsonPrimitive(it) }))
        },
    ).text("attestation")

    /** How often the token endpoint was asked. */
    fun tokenRequests(): Int = requested().count { it.endsWith("/token") }

    override fun close() {
        process.outputStream.close()
        if (!process.waitFor(10, TimeUnit.SECONDS)) process.destroyForcibly()
    }

    private fun get(path: String): JsonObject = send(HttpRequest.newBuilder(URI(base + path)).GET())

    private fun post(path: String, body: JsonElement): JsonObject = send(
        HttpRequest.newBuilder(URI(base + path))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body.toString())),
    )

    private fun send(request: HttpRequest.Builder): JsonObject {
        val response = http.send(request.build(), BodyHandlers.ofString())
        check(response.statusCode() == 200) { "the test issuer answered ${response.statusCode()}: ${response.body()}" }
        return Json.parseToJsonElement(response.body()).jsonObject
    }

    /** An offer: its link, the code that goes with it, and what its issuer makes every wallet know beforehand. */
    class Offer(val link: String, val txCode: String?, private val args: List<String>) {
        /** The value of an option, such as `client-id`. */
        fun arg(option: String): String = args[args.indexOf("--$option").also { check(it >= 0) { "no $option in $args" } } + 1]
    }

    companion object {
        const val PRE_AUTHORIZED = "pre-authorized"
        const val CODE = "code"
        const val SD_JWT = "dc+sd-jwt"
        const val JWT_VC = "jwt_vc_json"

        private val http: HttpClient = HttpClient.newHttpClient()

        fun start(vararg arguments: String): TestIssuer {
            val process = ProcessBuilder(listOf(binary().path) + arguments)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start()
            val line = process.inputStream.bufferedReader().use(process)
            return TestIssuer(process, Json.parseToJsonElement(line).jsonObject)
        }

        private fun binary(): File {
            val binary = File(System.getenv("BILLFOLD_TEST_ISSUER") ?: System.getProperty("billfold.issuer"))
            check(binary.canExecute()) {
                "there is no test issuer at $binary; build it with `cargo build -p billfold-test-issuer`, " +
                    "or run these tests by `cargo xtask test kotlin`"
            }
            return binary
        }

        /** The reader stays open: a closed pipe would end the issuer's logging. */
        private fun BufferedReader.use(process: Process): String =
            readLine() ?: error("the test issuer ended with ${process.waitFor()} before it said anything")

        fun JsonObject.text(name: String): String = getValue(name).jsonPrimitive.content
    }
}
