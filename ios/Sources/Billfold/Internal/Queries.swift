import Foundation

internal import BillfoldFFI

// What is asked of the stored credentials.

extension CredentialQuery {
    var ffi: BillfoldFFI.CredentialQuery {
        BillfoldFFI.CredentialQuery(
            formats: formats,
            types: types,
            issuers: issuers,
            expiresBefore: expiresBefore.map(timestamp),
            expiresAfter: expiresAfter.map(timestamp),
            quarantined: isQuarantined,
            after: after,
            limit: UInt32(clamping: limit)
        )
    }
}

/// Whole seconds since 1970, as far as they can be counted.
func timestamp(_ date: Date) -> Int64 {
    let seconds = date.timeIntervalSince1970.rounded(.down)
    return Int64(exactly: seconds) ?? (seconds < 0 ? Int64.min : Int64.max)
}

extension CredentialPage {
    init(_ ffi: BillfoldFFI.CredentialPage) {
        self.init(credentials: ffi.credentials.map(Credential.init), next: ffi.next, unreadable: ffi.unreadable)
    }
}

extension TakenCopy {
    init(_ ffi: BillfoldFFI.TakenCopy) {
        self.init(copy: CredentialCopy(ffi.copy), unused: Int(ffi.unused))
    }
}

extension ImportedBackup {
    init(_ ffi: BillfoldFFI.ImportedBackup) {
        self.init(added: ffi.added, replaced: ffi.replaced, known: ffi.known, withoutKey: ffi.withoutKey)
    }
}

extension KeyChanged {
    init(_ ffi: BillfoldFFI.KeyChanged) {
        self.init(records: Int(clamping: ffi.records), unreadable: Int(clamping: ffi.unreadable))
    }
}
