package dev.billfold.support

import dev.billfold.CredentialStore
import dev.billfold.StoreChange
import dev.billfold.StoreException
import dev.billfold.StoreExpectation
import dev.billfold.StoreRecord
import dev.billfold.StoreTable

/** Records on this side of the border. */
class MapStore : CredentialStore {
    /** What is kept: maps that remember the order of first writes. Replaced as a whole by a commit. */
    var kept: Map<StoreTable, Map<String, StoreRecord>> = emptyMap()
        private set

    override suspend fun commit(changes: List<StoreChange>): Unit = synchronized(this) {
        val changed = kept.mapValuesTo(mutableMapOf()) { LinkedHashMap(it.value) }
        for (change in changes) {
            val table = changed.getOrPut(change.table) { LinkedHashMap() }
            when (change) {
                is StoreChange.Put -> {
                    val found = table[change.id]?.revision
                    val fits = when (val expected = change.expected) {
                        StoreExpectation.Anything -> true
                        StoreExpectation.Nothing -> found == null
                        is StoreExpectation.Revision -> found == expected.revision
                    }
                    if (!fits) throw StoreException(StoreException.Kind.CONFLICT, "another revision is there")
                    table[change.id] = StoreRecord(change.id, (found ?: 0) + 1, change.content)
                }
                is StoreChange.Remove -> table.remove(change.id)
            }
        }
        kept = changed
    }

    override suspend fun get(table: StoreTable, id: String): StoreRecord? = kept[table]?.get(id)

    override suspend fun list(table: StoreTable): List<StoreRecord> = kept[table]?.values.orEmpty().toList()

    override suspend fun page(table: StoreTable, after: String?, limit: Int): List<StoreRecord> {
        val all = list(table)
        val first = if (after == null) 0 else all.indexOfFirst { it.id == after } + 1
        if (after != null && first == 0) throw StoreException(StoreException.Kind.CONFLICT, "nothing is there to go on after")
        return all.drop(first).take(limit)
    }
}
