package dev.billfold

import dev.billfold.support.JavaKeys
import dev.billfold.support.MapSecrets
import dev.billfold.support.TestIssuer
import dev.billfold.support.test
import dev.billfold.support.wallet
import java.io.File
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** A cancelled coroutine stops waiting, and the step goes on to its end. */
class CancellationTest {
    @TempDir
    lateinit var folder: File

    @Test
    fun `a step that has spent a code is not torn off`() = test {
        TestIssuer.start().use { issuer ->
            val atToken = CompletableDeferred<Unit>()
            val goOn = CompletableDeferred<Unit>()
            val real = UrlConnectionTransport()
            val http = object : HttpTransport {
                override suspend fun send(request: HttpRequest, limits: HttpLimits): HttpResponse {
                    val response = real.send(request, limits)
                    if (request.url.endsWith("/token")) {
                        // The code is spent and the answer is on its way: now the screen is left.
                        atToken.complete(Unit)
                        goOn.await()
                    }
                    return response
                }
            }
            wallet(folder, JavaKeys(), MapSecrets(), http).use { wallet ->
                val issuance = wallet.openOffer(issuer.offer().link)
                coroutineScope {
                    val waiting = async(Dispatchers.Default) { issuance.accept() }
                    atToken.await()
                    waiting.cancel()
                    waiting.join()
                }
                goOn.complete(Unit)

                val resumed = wallet.resume(issuance.id)
                var step = resumed.step()
                while (step !is Step.Done) {
                    delay(50.milliseconds)
                    step = resumed.step()
                }
                assertEquals(1, step.credentials.size)
                assertEquals(1, issuer.tokenRequests())
                assertTrue(wallet.credential(step.credentials.single()).report.verdict.isUsable)
            }
        }
    }
}
