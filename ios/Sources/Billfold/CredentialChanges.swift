internal import BillfoldFFI

/// What became of a credential, as ``Billfold/changes()`` tells it.
public enum CredentialChange: Sendable, Hashable {
    /// It was stored: issued, put aside, or imported.
    case added(String)
    /// It is another than before: renewed, checked again, or a copy of it was used.
    case changed(String)
    /// It was forgotten.
    case removed(String)
    /// There were more changes than the listener took: read all credentials. What comes after is whole.
    case missed
}

/// The changes from when ``Billfold/changes()`` was called, each after it was written down.
///
/// It ends when the wallet is closed or dropped, or when the task that waits for the next one is cancelled. One task
/// listens; for a second one, ask the wallet once more.
public struct CredentialChanges: AsyncSequence, Sendable {
    /// A change.
    public typealias Element = CredentialChange

    private let listening: Listening

    init(_ ffi: BillfoldFFI.Changes) {
        listening = Listening(ffi)
    }

    /// Goes on where the last one stopped.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(listening: listening)
    }

    /// Waits for the changes.
    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let listening: Listening

        /// The next change; `nil` at the end.
        public mutating func next() async -> CredentialChange? {
            await listening.next()
        }
    }
}

/// The native listener, ended when nobody listens any more.
private final class Listening: Sendable {
    private let ffi: BillfoldFFI.Changes

    init(_ ffi: BillfoldFFI.Changes) {
        self.ffi = ffi
    }

    deinit {
        ffi.end()
    }

    func next() async -> CredentialChange? {
        let ffi = self.ffi
        // The native future knows nothing of tasks: who is cancelled ends what it waits for.
        return await withTaskCancellationHandler {
            await ffi.next().map(CredentialChange.init)
        } onCancel: {
            ffi.end()
        }
    }
}

extension CredentialChange {
    fileprivate init(_ ffi: BillfoldFFI.CredentialChange) {
        self = switch ffi {
        case .added(let id): .added(id)
        case .changed(let id): .changed(id)
        case .removed(let id): .removed(id)
        case .missed: .missed
        }
    }
}
