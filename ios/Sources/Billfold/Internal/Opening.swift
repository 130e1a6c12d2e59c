internal import BillfoldFFI

/// The native wallet, opened once, at the first use. One that failed is tried again at the next.
final class Opening: Sendable {
    private enum State {
        case untouched
        case running(Task<Wallet, any Error>)
        case opened(Wallet)
        case closed
    }

    private let state = Locked(State.untouched)
    private let open: @Sendable () async throws -> Wallet

    init(_ open: @escaping @Sendable () async throws -> Wallet) {
        self.open = open
    }

    var isClosed: Bool {
        state.with { if case .closed = $0 { true } else { false } }
    }

    func wallet() async throws -> Wallet {
        let task: Task<Wallet, any Error> = try state.with { state in
            switch state {
            case .closed:
                throw BillfoldError.closed
            case .opened(let wallet):
                return Task { wallet }
            case .running(let task):
                return task
            case .untouched:
                let open = self.open
                let task = Task { try await open() }
                state = .running(task)
                return task
            }
        }
        let outcome = await task.result
        try state.with { state in
            switch (state, outcome) {
            case (.closed, _): throw BillfoldError.closed
            case (.running(task), .success(let wallet)): state = .opened(wallet)
            case (.running(task), .failure): state = .untouched
            default: break
            }
        }
        return try outcome.get()
    }

    func close() {
        state.with { $0 = .closed }
    }
}
