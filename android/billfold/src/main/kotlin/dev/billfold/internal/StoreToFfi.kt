package dev.billfold.internal

import dev.billfold.CredentialStore
import dev.billfold.StoreChange
import dev.billfold.StoreException
import dev.billfold.StoreExpectation
import dev.billfold.StoreRecord
import dev.billfold.StoreTable
import dev.billfold.ffi.CredentialStore as FfiCredentialStore
import dev.billfold.ffi.StoreChange as FfiStoreChange
import dev.billfold.ffi.StoreErrorKind as FfiStoreErrorKind
import dev.billfold.ffi.StoreException as FfiStoreException
import dev.billfold.ffi.StoreExpectation as FfiStoreExpectation
import dev.billfold.ffi.StoreRecord as FfiStoreRecord
import dev.billfold.ffi.StoreTable as FfiStoreTable

/** The app's store. */
internal class StoreToFfi(private val store: CredentialStore, private val border: Border) : FfiCredentialStore {
    override suspend fun commit(changes: List<FfiStoreChange>) = guarded { store.commit(changes.map { it.toPublic() }) }

    override suspend fun get(table: FfiStoreTable, id: String): FfiStoreRecord? =
        guarded { store.get(table.toPublic(), id)?.toFfi() }

    override suspend fun list(table: FfiStoreTable): List<FfiStoreRecord> =
        guarded { store.list(table.toPublic()).map { it.toFfi() } }

    override suspend fun page(table: FfiStoreTable, after: String?, limit: UInt): List<FfiStoreRecord> = guarded {
        store.page(table.toPublic(), after, limit.coerceAtMost(Int.MAX_VALUE.toUInt()).toInt()).map { it.toFfi() }
    }

    private suspend fun <T> guarded(block: suspend () -> T): T = guarded(::failure, block)

    private fun failure(error: Throwable): FfiStoreException {
        val failure = when (error) {
            is StoreException -> FfiStoreException.Failed(error.kind.toFfi(), error.message.orEmpty(), error.record)
            else -> FfiStoreException.Failed(FfiStoreErrorKind.FAILED, unexpected("store", error), null)
        }
        border.remember(failure.detail, error)
        return failure
    }
}

private fun FfiStoreTable.toPublic(): StoreTable = when (this) {
    FfiStoreTable.SESSIONS -> StoreTable.SESSIONS
    FfiStoreTable.CREDENTIALS -> StoreTable.CREDENTIALS
    FfiStoreTable.OUTBOX -> StoreTable.OUTBOX
    FfiStoreTable.AUTHORIZATIONS -> StoreTable.AUTHORIZATIONS
    FfiStoreTable.CACHE -> StoreTable.CACHE
}

private fun FfiStoreChange.toPublic(): StoreChange = when (this) {
    is FfiStoreChange.Put -> StoreChange.Put(table.toPublic(), id, content, expected.toPublic())
    is FfiStoreChange.Remove -> StoreChange.Remove(table.toPublic(), id)
}

private fun FfiStoreExpectation.toPublic(): StoreExpectation = when (this) {
    is FfiStoreExpectation.Anything -> StoreExpectation.Anything
    is FfiStoreExpectation.Nothing -> StoreExpectation.Nothing
    // One over what a `Long` can count becomes one that is never there.
    is FfiStoreExpectation.Revision -> StoreExpectation.Revision(revision.toLong())
}

private fun StoreRecord.toFfi() = FfiStoreRecord(id, revision.toULong(), content)

private fun StoreException.Kind.toFfi(): FfiStoreErrorKind = when (this) {
    StoreException.Kind.LOCKED -> FfiStoreErrorKind.LOCKED
    StoreException.Kind.TOO_NEW -> FfiStoreErrorKind.TOO_NEW
    StoreException.Kind.DAMAGED -> FfiStoreErrorKind.DAMAGED
    StoreException.Kind.CONFLICT -> FfiStoreErrorKind.CONFLICT
    StoreException.Kind.FAILED -> FfiStoreErrorKind.FAILED
}
