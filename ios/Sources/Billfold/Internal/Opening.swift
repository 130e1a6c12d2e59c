internal import BillfoldFFI

/// The native wallet, opened once, at the first use. One that failed is tried again at the next.
///
/// The native wallet holds its folder until the last reference to it is gone. So this object alone keeps it,
/// and no task that has ended: those go at a time of their own.
final class Opening: Sendable {
    private enum State {
        case untouched
        case running(Task<Void, any Error>)
        case opened(Wallet)
        case closed
    }

    private enum Next {
        case use(Wallet)
        case wait(Task<Void, any Error>)
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
        while true {
            switch try next() {
            case .use(let wallet): return wallet
            case .wait(let task): try await task.value
            }
        }
    }

    func close() {
        state.with { $0 = .closed }
    }

    private func next() throws -> Next {
        try state.with { state in
            switch state {
            case .closed: throw BillfoldError.closed
            case .opened(let wallet): return .use(wallet)
            case .running(let task): return .wait(task)
            case .untouched:
                let task = Task { try await self.run() }
                state = .running(task)
                return .wait(task)
            }
        }
    }

    private func run() async throws {
        do {
            let wallet = try await open()
            state.with { if case .running = $0 { $0 = .opened(wallet) } }
        } catch {
            state.with { if case .running = $0 { $0 = .untouched } }
            throw error
        }
    }
}
