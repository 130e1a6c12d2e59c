package dev.billfold.internal

import dev.billfold.Advice
import dev.billfold.BillfoldException
import dev.billfold.ErrorKind
import dev.billfold.RequestOutcome
import dev.billfold.Step
import dev.billfold.ffi.InternalException
import dev.billfold.ffi.WalletException
import java.time.Instant
import dev.billfold.ffi.ErrorDetails as FfiErrorDetails
import dev.billfold.ffi.Step as FfiStep

/** The way into the native library and back: what comes out as an exception is a [BillfoldException]. */
internal class Border {
    /** What the app's own code threw lately. Only its sentence crosses, so it is found again by that. */
    private val thrown = ArrayDeque<Pair<String, Throwable>>()

    fun remember(sentence: String, cause: Throwable) = synchronized(thrown) {
        if (thrown.size == KEPT) thrown.removeFirst()
        thrown.addLast(sentence to cause)
    }

    private fun recall(detail: String): Throwable? = synchronized(thrown) {
        val at = thrown.indexOfLast { (sentence, _) -> sentence.isNotEmpty() && sentence in detail }
        if (at < 0) null else thrown.removeAt(at).second
    }

    suspend fun <T> cross(block: suspend () -> T): T = try {
        block()
    } catch (error: WalletException) {
        throw translate(error)
    } catch (error: InternalException) {
        throw internal("the native library failed", error)
    } catch (error: LinkageError) {
        throw BillfoldException.Details(
            kind = ErrorKind.UNSUPPORTED,
            code = "library_missing",
            advice = Advice.FIX_SETUP,
            isRetryable = false,
            detail = "the native library did not load (on a JVM, name its folder in the system property " +
                "jna.library.path): ${(error.message ?: error.cause?.message).orEmpty().lineSequence().first()}",
            outcome = RequestOutcome.NOT_SENT,
            cause = error,
        ).exception()
    } catch (error: IllegalStateException) {
        // What the generated objects throw after they were closed; a cancellation passes.
        if (error is kotlinx.coroutines.CancellationException) throw error
        throw closed(error)
    }

    fun closed(cause: Throwable? = null): BillfoldException = BillfoldException.Details(
        kind = ErrorKind.UNSUPPORTED,
        code = "closed",
        advice = Advice.FIX_SETUP,
        isRetryable = false,
        detail = "the wallet or the issuance was closed before this call",
        outcome = RequestOutcome.NOT_SENT,
        cause = cause,
    ).exception()

    private fun internal(detail: String, cause: Throwable?, session: String? = null) = BillfoldException.Details(
        kind = ErrorKind.UNSUPPORTED,
        code = "internal",
        advice = Advice.GIVE_UP,
        isRetryable = false,
        detail = detail,
        outcome = RequestOutcome.UNKNOWN,
        session = session,
        cause = cause,
    ).exception()

    fun step(step: FfiStep, session: String): Step = step.toPublic()
        ?: throw internal("the native library is newer than this one and is in a step that it does not know", null, session)

    private fun translate(error: WalletException): BillfoldException = when (error) {
        is WalletException.Offer -> make(ErrorKind.OFFER, error.details)
        is WalletException.Metadata -> make(ErrorKind.METADATA, error.details)
        is WalletException.Network -> make(ErrorKind.NETWORK, error.details)
        is WalletException.Issuer -> make(ErrorKind.ISSUER, error.details)
        is WalletException.Denied -> make(ErrorKind.DENIED, error.details)
        is WalletException.WrongStep -> make(ErrorKind.WRONG_STEP, error.details)
        is WalletException.Verification -> make(ErrorKind.VERIFICATION, error.details)
        is WalletException.Keys -> make(ErrorKind.KEYS, error.details)
        is WalletException.Store -> make(ErrorKind.STORE, error.details)
        is WalletException.Unsupported -> make(ErrorKind.UNSUPPORTED, error.details)
    }

    private fun make(kind: ErrorKind, details: FfiErrorDetails) = BillfoldException.Details(
        kind = kind,
        code = details.code,
        advice = details.advice.toPublic(),
        isRetryable = details.isRetryable,
        detail = details.detail,
        operation = details.operation,
        endpoint = details.endpoint,
        status = details.status?.toInt(),
        serverError = details.serverError,
        serverDescription = details.serverDescription,
        outcome = details.outcome.toPublic(),
        session = details.session,
        transcript = details.transcript,
        cause = recall(details.detail),
    ).exception()

    private companion object {
        private const val KEPT = 16
    }
}

/** Seconds since 1970 as an [Instant]; what is beyond its range becomes its end. */
internal fun instant(seconds: Long): Instant =
    Instant.ofEpochSecond(seconds.coerceIn(Instant.MIN.epochSecond, Instant.MAX.epochSecond))
