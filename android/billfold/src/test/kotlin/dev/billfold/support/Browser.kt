package dev.billfold.support

import java.net.URI
import java.net.URLEncoder
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpRequest.BodyPublishers
import java.net.http.HttpResponse.BodyHandlers
import kotlin.text.Charsets.UTF_8

/** The user in the browser: reads the sign-in page and sends its form. */
class Browser(private val issuer: TestIssuer) {
    private val http = HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NEVER).build()

    /** Signs in, and gives the address that the browser is sent to. */
    fun signIn(url: String, decision: String = "allow"): String {
        val page = http.send(HttpRequest.newBuilder(URI(url)).GET().build(), BodyHandlers.ofString())
        check(page.statusCode() == 200) { "the sign-in page answered ${page.statusCode()}: ${page.body()}" }
        val action = find(page.body(), """<form method="post" action="([^"]*)"""")
        val request = find(page.body(), """name="request" value="([^"]*)"""")
        val form = mapOf(
            "request" to request,
            "username" to issuer.user,
            "password" to issuer.password,
            "decision" to decision,
        )
        val answer = http.send(
            HttpRequest.newBuilder(URI(url).resolve(action))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(BodyPublishers.ofString(form.map { (name, value) -> "$name=${encode(value)}" }.joinToString("&")))
                .build(),
            BodyHandlers.ofString(),
        )
        return answer.headers().firstValue("Location").orElseGet { error("no redirect: ${answer.body()}") }
    }

    private fun encode(text: String) = URLEncoder.encode(text, UTF_8)

    private fun find(page: String, pattern: String): String =
        Regex(pattern).find(page)?.groupValues?.get(1) ?: error("the page has no $pattern: $page")
}
