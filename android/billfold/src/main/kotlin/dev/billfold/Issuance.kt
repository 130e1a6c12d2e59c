package dev.billfold

import dev.billfold.internal.Border
import dev.billfold.internal.toFfi
import dev.billfold.internal.toPublic
import java.time.Instant
import dev.billfold.ffi.Issuance as FfiIssuance
import dev.billfold.ffi.Step as FfiStep

/**
 * One issuance, from the offer to the stored credential.
 *
 * Every function goes as far as it can and gives the next [Step]. A call that does not fit the step
 * throws [BillfoldException.WrongStep] and changes nothing. The issuance is stored all the time, so
 * this object can be dropped and had again by [Billfold.resume]; see [Billfold] about cancellation.
 */
public class Issuance internal constructor(
    private val ffi: FfiIssuance,
    private val border: Border,
) : AutoCloseable {
    /** Its name in the store, for [Billfold.resume]. Says nothing about its content. */
    public val id: String = ffi.id()

    /** What is offered, by whom, and what it takes. */
    public val offer: Offer = ffi.offer().toPublic()

    /**
     * Where it stands.
     *
     * @throws BillfoldException
     */
    public suspend fun step(): Step = next { step() }

    /**
     * The user said yes.
     *
     * @param options what to take of the offer, and how; everything when `null`.
     * @throws BillfoldException
     */
    public suspend fun accept(options: AcceptOptions? = null): Step = next { accept(options?.toFfi()) }

    /**
     * The user typed the transaction code. A refused one throws [BillfoldException.Issuer] with
     * [Advice.ASK_CODE_AGAIN], and the step stays [Step.EnterCode] while more may be tried.
     *
     * @throws BillfoldException
     */
    public suspend fun submitCode(code: String): Step = next { submitCode(code) }

    /**
     * The browser came back.
     *
     * @param redirectUrl the whole address that it was sent to.
     * @throws BillfoldException
     */
    public suspend fun submitRedirect(redirectUrl: String): Step = next { submitRedirect(redirectUrl) }

    /**
     * Asks the issuer whether a credential is ready that it needed time for.
     *
     * @throws BillfoldException
     */
    public suspend fun poll(): Step = next { poll() }

    /**
     * Goes on after an error that can be retried, or after [Billfold.resume]. Where it waits for
     * somebody, it only gives the step.
     *
     * @throws BillfoldException
     */
    public suspend fun proceed(): Step = next { proceed() }

    /**
     * The user said no at [Step.Review]. Nothing was spent; the offer can be opened again.
     *
     * @throws BillfoldException
     */
    public suspend fun decline(): Unit = border.cross { ffi.decline() }

    /**
     * Gives up at a later step. Keys that were made for it are deleted.
     *
     * @throws BillfoldException
     */
    public suspend fun cancel(): Unit = border.cross { ffi.cancel() }

    /**
     * In what the issuer departs from OpenID4VCI 1.0, as far as it showed; empty from one that is by the book. For
     * integrators, who may want to know before the issuer mends its ways.
     *
     * @throws BillfoldException
     */
    public suspend fun tolerated(): List<Tolerance> = border.cross { ffi.tolerated() }.map { it.toPublic() }

    /**
     * How the issuer is spoken to, and why: for integrators.
     *
     * @throws BillfoldException
     */
    public suspend fun dialect(): DialectReport = border.cross { ffi.dialect() }.toPublic()

    /**
     * Every request and answer so far, one a line, without anything secret: what a bug report needs.
     *
     * @throws BillfoldException
     */
    public suspend fun transcript(): String = border.cross { ffi.transcript() }

    /** Lets go of native memory now and not when the object is collected. Nothing stored is lost. */
    override fun close(): Unit = ffi.close()

    /** Names the issuance by its id. */
    override fun toString(): String = "Issuance($id)"

    private suspend fun next(block: suspend FfiIssuance.() -> FfiStep): Step =
        border.cross { border.step(ffi.block(), id) }
}

/** Where an issuance stands, and what has to come next. */
public sealed interface Step {
    /** The user looks at the offer; [Issuance.accept] or [Issuance.decline] next. */
    public data object Review : Step

    /**
     * The user types the transaction code; [Issuance.submitCode] next.
     *
     * @property hint what to tell the user.
     */
    public data class EnterCode(public val hint: CodeHint) : Step

    /**
     * The user signs in; [Issuance.submitRedirect] next.
     *
     * @property url what to open in the system browser (a Custom Tab, never a web view).
     */
    public data class SignIn(public val url: String) : Step

    /**
     * The issuer needs time; [Issuance.poll] then.
     *
     * @property until when to ask again, not before.
     */
    public data class Wait(public val until: Instant) : Step

    /** A request failed, or the process ended on the way; [Issuance.proceed] next. */
    public data object Interrupted : Step

    /**
     * At least one credential is verified, stored and usable.
     *
     * @property credentials the ids of these.
     * @property failures what else was asked for and did not come out well.
     */
    public data class Done(public val credentials: List<String>, public val failures: List<Failure>) : Step
}

/**
 * What to tell a user who has to type a transaction code.
 *
 * @property inputMode which keyboard to show.
 * @property length how many characters it has; a hint for the input field, not a rule.
 * @property description where the user finds the code, in the issuer's words.
 * @property wasRefused whether a code was refused already.
 * @property attemptsLeft how many more times the wallet lets the user try.
 */
public data class CodeHint(
    public val inputMode: InputMode,
    public val length: Int?,
    public val description: String?,
    public val wasRefused: Boolean,
    public val attemptsLeft: Int,
)

/** The characters of a transaction code. */
public enum class InputMode {
    /** Digits. They stay text: leading zeros count. */
    NUMERIC,

    /** Any characters. */
    TEXT,
}

/**
 * A credential that did not become usable.
 *
 * @property configuration what was asked for.
 * @property code the stable error code, as in [BillfoldException.code].
 * @property detail a sentence for developers.
 * @property quarantined the id of the credential that was put aside, if one came.
 */
public data class Failure(
    public val configuration: String,
    public val code: String,
    public val detail: String,
    public val quarantined: String?,
)

/**
 * What to take of an offer, and how.
 *
 * @property configurations which of the offered configurations; all when `null`.
 * @property grant by which grant; the one with the least work for the user when `null`.
 * @property requestBy how the authorization request names what is wanted.
 * @property copies how many copies of each credential, each with a key of its own; one when `null`. At most
 *   the issuer's batch size.
 * @property encryption whether credential requests and answers are encrypted.
 * @property profile the rules to hold this issuance to; the wallet's own when `null`.
 * @property claims which claims of a configuration are wanted, by the configuration's id; all that the issuer
 *   gives of what is not in here.
 * @property unverifiedFormats whether to take credentials of formats that can't be verified, too. They are kept as
 *   they came, and put aside: for an app that knows such a format.
 * @property authorizationParameters parameters to add to the authorization request, for servers with ways of their own,
 *   such as a user's name that they want beforehand. One that OAuth or OpenID4VCI gives a meaning to is refused.
 */
public class AcceptOptions(
    public val configurations: List<String>? = null,
    public val grant: GrantType? = null,
    public val requestBy: RequestBy = RequestBy.AUTO,
    public val copies: Int? = null,
    public val encryption: Encryption = Encryption.AUTO,
    public val profile: Profile? = null,
    public val claims: Map<String, List<RequestedClaim>> = emptyMap(),
    public val unverifiedFormats: Boolean = false,
    public val authorizationParameters: Map<String, String> = emptyMap(),
) {
    init {
        require(copies == null || copies > 0) { "copies has to be above zero" }
    }
}

/** Whether credential requests and answers are encrypted, beyond TLS. */
public enum class Encryption {
    /** What the issuer requires. */
    AUTO,

    /** Both directions, or not at all: an error from an issuer that does not offer both. */
    ALWAYS,

    /** Nothing: an error from an issuer that wants it. */
    NEVER,
}

/**
 * A claim that is wanted.
 *
 * @property path where it is in the credential.
 * @property isMandatory whether the credential is of no use without it: then the issuer does not issue it without.
 */
public class RequestedClaim(
    public val path: List<PathStep>,
    public val isMandatory: Boolean = false,
) {
    /** By the names of objects' members, from the outermost. */
    public constructor(vararg names: String, isMandatory: Boolean = false) :
        this(names.map { PathStep.Key(it) }, isMandatory)
}

/** How the authorization request names what is wanted. */
public enum class RequestBy {
    /** As the servers' metadata suggests. */
    AUTO,

    /** By `scope`. */
    SCOPE,

    /** By `authorization_details`. */
    DETAILS,
}

/**
 * An issuance that has not ended.
 *
 * @property id what [Billfold.resume] takes.
 * @property credentialIssuer the credential issuer identifier.
 * @property issuerName the name to show.
 * @property titles the names of what is being issued.
 * @property step where it stands.
 * @property updatedAt when it last moved.
 */
public data class PendingIssuance(
    public val id: String,
    public val credentialIssuer: String,
    public val issuerName: String,
    public val titles: List<String>,
    public val step: Step,
    public val updatedAt: Instant,
)
