package dev.billfold.internal

import dev.billfold.CredentialPage
import dev.billfold.CredentialQuery
import dev.billfold.ImportedBackup
import dev.billfold.KeyChanged
import dev.billfold.TakenCopy
import dev.billfold.ffi.CredentialPage as FfiCredentialPage
import dev.billfold.ffi.CredentialQuery as FfiCredentialQuery
import dev.billfold.ffi.ImportedBackup as FfiImportedBackup
import dev.billfold.ffi.KeyChanged as FfiKeyChanged
import dev.billfold.ffi.TakenCopy as FfiTakenCopy

// What is asked of the stored credentials.

internal fun CredentialQuery.toFfi() = FfiCredentialQuery(
    formats = formats,
    types = types,
    issuers = issuers,
    expiresBefore = expiresBefore?.epochSecond,
    expiresAfter = expiresAfter?.epochSecond,
    quarantined = isQuarantined,
    after = after,
    limit = limit.toUInt(),
)

internal fun FfiCredentialPage.toPublic() = CredentialPage(credentials.map { it.toPublic() }, next, unreadable)

internal fun FfiTakenCopy.toPublic() = TakenCopy(copy.toPublic(), unused.clamped())

internal fun FfiImportedBackup.toPublic() = ImportedBackup(added, replaced, known, withoutKey)

internal fun FfiKeyChanged.toPublic() = KeyChanged(records.toLong(), unreadable.toLong())
