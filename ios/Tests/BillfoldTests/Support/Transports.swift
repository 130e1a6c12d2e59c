import Foundation
@testable import Billfold

/// A transport made of a function.
struct MadeTransport: HttpTransport {
    let answer: @Sendable (HttpRequest, HttpLimits) async throws -> HttpResponse

    init(_ answer: @escaping @Sendable (HttpRequest, HttpLimits) async throws -> HttpResponse) {
        self.answer = answer
    }

    func send(_ request: HttpRequest, limits: HttpLimits) async throws -> HttpResponse {
        try await answer(request, limits)
    }
}

/// A door that stays shut until it is opened, and then open.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Locked(State())

    func open() {
        let waiting = state.with { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        waiting.forEach { $0.resume() }
    }

    func pass() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.with { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}
