package dev.billfold

/**
 * What went wrong, where, and what to do about it.
 *
 * The subclass is the kind, for an app that shows one sentence a kind; [advice] is what to do next;
 * [code] is exact and stable. No text in here holds a token, code, key or claim.
 *
 * @property kind the kind of trouble, the same as the subclass.
 * @property code what exactly went wrong, such as `tx_code_refused`.
 * @property advice what the app should do.
 * @property isRetryable whether making the same call again can help. What was received is kept either way.
 * @property detail what was found, in a sentence for developers.
 * @property operation where in the protocol it happened, such as `token`.
 * @property endpoint the address that was asked, without its query.
 * @property status the HTTP status of the answer.
 * @property serverError the server's own `error`.
 * @property serverDescription the server's own `error_description`.
 * @property outcome whether the failed request may have had its effect.
 * @property session the issuance that it happened in, for [Billfold.resume].
 * @property transcript every request and answer so far, without secrets: what a bug report needs.
 */
public sealed class BillfoldException(details: Details) : Exception(details.text(), details.cause) {
    public val kind: ErrorKind = details.kind
    public val code: String = details.code
    public val advice: Advice = details.advice
    public val isRetryable: Boolean = details.isRetryable
    public val detail: String = details.detail
    public val operation: String? = details.operation
    public val endpoint: String? = details.endpoint
    public val status: Int? = details.status
    public val serverError: String? = details.serverError
    public val serverDescription: String? = details.serverDescription
    public val outcome: RequestOutcome = details.outcome
    public val session: String? = details.session
    public val transcript: String = details.transcript

    /** The link or the offer behind it is not usable. */
    public class Offer internal constructor(details: Details) : BillfoldException(details)

    /** The issuer's or the authorization server's metadata is not usable. */
    public class Metadata internal constructor(details: Details) : BillfoldException(details)

    /** A server could not be reached, or its answer did not arrive whole. */
    public class Network internal constructor(details: Details) : BillfoldException(details)

    /** A server said no, or said something that the protocol does not allow. */
    public class Issuer internal constructor(details: Details) : BillfoldException(details)

    /** The user or the issuer declined. */
    public class Denied internal constructor(details: Details) : BillfoldException(details)

    /** The call does not fit where the issuance stands. */
    public class WrongStep internal constructor(details: Details) : BillfoldException(details)

    /** The credential did not pass its checks. It is kept aside, see [Credential.isQuarantined]. */
    public class Verification internal constructor(details: Details) : BillfoldException(details)

    /** The app's keys failed. The [cause] is what they threw, where that is known. */
    public class Keys internal constructor(details: Details) : BillfoldException(details)

    /** The wallet's own storage failed. */
    public class Store internal constructor(details: Details) : BillfoldException(details)

    /**
     * Something that this wallet, or this version, does not do; with the code `internal` a fault of the
     * library, and with `closed` a call after [Billfold.close].
     */
    public class Unsupported internal constructor(details: Details) : BillfoldException(details)

    /** What an exception is made of. */
    internal class Details(
        val kind: ErrorKind,
        val code: String,
        val advice: Advice,
        val isRetryable: Boolean,
        val detail: String,
        val operation: String? = null,
        val endpoint: String? = null,
        val status: Int? = null,
        val serverError: String? = null,
        val serverDescription: String? = null,
        val outcome: RequestOutcome,
        val session: String? = null,
        val transcript: String = "",
        val cause: Throwable? = null,
    ) {
        fun text(): String = buildString {
            append(code).append(": ").append(detail)
            if (serverError != null) {
                append(" (the server said ").append(serverError)
                if (serverDescription != null) append(": ").append(serverDescription)
                append(')')
            }
            if (endpoint != null) {
                append(" [").append(endpoint)
                if (status != null) append(", status ").append(status)
                append(']')
            }
        }

        fun exception(): BillfoldException = when (kind) {
            ErrorKind.OFFER -> Offer(this)
            ErrorKind.METADATA -> Metadata(this)
            ErrorKind.NETWORK -> Network(this)
            ErrorKind.ISSUER -> Issuer(this)
            ErrorKind.DENIED -> Denied(this)
            ErrorKind.WRONG_STEP -> WrongStep(this)
            ErrorKind.VERIFICATION -> Verification(this)
            ErrorKind.KEYS -> Keys(this)
            ErrorKind.STORE -> Store(this)
            ErrorKind.UNSUPPORTED -> Unsupported(this)
        }
    }
}

/** What kind of trouble it is. */
public enum class ErrorKind {
    /** The link or the offer behind it is not usable. */
    OFFER,

    /** The issuer's or the authorization server's metadata is not usable. */
    METADATA,

    /** A server could not be reached, or its answer did not arrive whole. */
    NETWORK,

    /** A server said no, or said something that the protocol does not allow. */
    ISSUER,

    /** The user or the issuer declined. */
    DENIED,

    /** The call does not fit where the issuance stands. */
    WRONG_STEP,

    /** The credential did not pass its checks. */
    VERIFICATION,

    /** The app's keys failed. */
    KEYS,

    /** The wallet's own storage failed. */
    STORE,

    /** Something that this wallet, or this version, does not do. */
    UNSUPPORTED,
}

/** What the app should do about an error. */
public enum class Advice {
    /** Make the same call again, now or later; nothing is lost. */
    RETRY,

    /** Ask the user for the transaction code again. */
    ASK_CODE_AGAIN,

    /** Let the user sign in again. */
    SIGN_IN_AGAIN,

    /** Ask the issuer for a new offer. */
    GET_NEW_OFFER,

    /** Begin the issuance again from the same offer or issuer. */
    START_OVER,

    /** The credential is kept aside, not lost: check it again later with [Billfold.recheck]. */
    CHECK_AGAIN,

    /** Get the credential anew, with [Billfold.refresh]. */
    RENEW,

    /** Ask the user for the passphrase again. */
    ASK_PASSPHRASE_AGAIN,

    /** The program or its settings have to be corrected. */
    FIX_SETUP,

    /** The issuer has to correct something; show the transcript to its operator. */
    TELL_ISSUER,

    /** Nothing can be done. */
    GIVE_UP,
}

/** Whether a request had reached the server when it failed. */
public enum class RequestOutcome {
    /** No request was sent, or it surely did not arrive. */
    NOT_SENT,

    /** The server answered. */
    ANSWERED,

    /** It may have arrived and may have had its effect. */
    UNKNOWN,
}
