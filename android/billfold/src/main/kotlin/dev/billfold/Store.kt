package dev.billfold

import dev.billfold.internal.Border
import dev.billfold.internal.StoreToFfi
import dev.billfold.ffi.StoreException as FfiStoreException
import dev.billfold.ffi.StoreFactory as FfiStoreFactory
import dev.billfold.ffi.checkStore as ffiCheckStore

/**
 * Keeps records, where the app wants them to be and not in the encrypted database that billfold brings along.
 * Their contents are sealed before they get here; ids are random names, or say what can be fetched again.
 *
 * Throw [StoreException]; of anything else that is thrown only the class name is passed on. Calls come from any
 * thread and side by side. [checkStore] tells whether an implementation does what is said here.
 */
public interface CredentialStore {
    /**
     * Applies all changes in their order, each seeing those before it, or none of them. Once it returns, they
     * survive a crash.
     *
     * @throws StoreException
     */
    public suspend fun commit(changes: List<StoreChange>)

    /**
     * The record of that id.
     *
     * @throws StoreException
     */
    public suspend fun get(table: StoreTable, id: String): StoreRecord?

    /**
     * All records of a table, in the order in which they were first written.
     *
     * @throws StoreException
     */
    public suspend fun list(table: StoreTable): List<StoreRecord>

    /**
     * The records that follow the one called [after], in the same order, at most [limit]; without [after] the
     * first ones. A page that is not full may be followed by another one, an empty one is the end.
     *
     * @throws StoreException of the kind [StoreException.Kind.CONFLICT] where there is no record called [after].
     */
    public suspend fun page(table: StoreTable, after: String?, limit: Int): List<StoreRecord>
}

/** The drawers of a store. */
public enum class StoreTable {
    /** Issuances that have not ended. */
    SESSIONS,

    /** Credentials. */
    CREDENTIALS,

    /** What issuers are still to be told. */
    OUTBOX,

    /** What credentials can be renewed with. */
    AUTHORIZATIONS,

    /** What can be fetched again. It may be emptied at any time. */
    CACHE,
}

/**
 * A record.
 *
 * @property id its name within its table: any text.
 * @property revision counts its writes, from 1.
 * @property content its content, sealed.
 */
public class StoreRecord(
    public val id: String,
    public val revision: Long,
    public val content: ByteArray,
)

/** One change of a commit. */
public sealed class StoreChange {
    /** Where. */
    public abstract val table: StoreTable

    /** Under which id. */
    public abstract val id: String

    /**
     * Writes a record.
     *
     * @property content which content: sealed octets.
     * @property expected over what; where something else is there, the commit is a
     *   [StoreException.Kind.CONFLICT].
     */
    public class Put(
        override val table: StoreTable,
        override val id: String,
        public val content: ByteArray,
        public val expected: StoreExpectation,
    ) : StoreChange()

    /** Removes a record. One that is not there is no error. */
    public class Remove(
        override val table: StoreTable,
        override val id: String,
    ) : StoreChange()
}

/** What a write expects to find. */
public sealed class StoreExpectation {
    /** Whatever is there. */
    public object Anything : StoreExpectation()

    /** Nothing under this id. */
    public object Nothing : StoreExpectation()

    /**
     * Exactly this revision.
     *
     * @property revision which one.
     */
    public class Revision(public val revision: Long) : StoreExpectation()
}

/**
 * A store operation that failed; nothing was changed.
 *
 * @property kind what went wrong.
 * @property record the id of the record that can't be read, where it is about one.
 * @param message a sentence for developers, without contents.
 */
public class StoreException(
    public val kind: Kind,
    message: String,
    public val record: String? = null,
    cause: Throwable? = null,
) : Exception(message, cause) {
    /** What went wrong in a store. */
    public enum class Kind {
        /** Somebody else has it open. */
        LOCKED,

        /** It was written by a newer version. */
        TOO_NEW,

        /** A record can't be read. */
        DAMAGED,

        /** A write found something else than it expected, or there is nothing to go on after. */
        CONFLICT,

        /** Anything else: the disk, the database. */
        FAILED,
    }
}

/**
 * Runs a conformance suite over stores that are made for it, for the tests of an app that brings its own.
 *
 * @param make gives a new store with nothing in it, each time.
 * @throws AssertionError on the first thing that a store does otherwise than [CredentialStore] says.
 */
public suspend fun checkStore(make: () -> CredentialStore) {
    val border = Border()
    val factory = object : FfiStoreFactory {
        override fun make() = StoreToFfi(make.invoke(), border)
    }
    try {
        border.cross { ffiCheckStore(factory) }
    } catch (error: FfiStoreException.Failed) {
        throw AssertionError(error.detail, error)
    }
}
