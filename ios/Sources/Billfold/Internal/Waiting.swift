/// Somebody who waits for one result, and takes the first that comes.
final class Waiting<T: Sendable>: Sendable {
    private enum State {
        case early
        case waiting(CheckedContinuation<T, any Error>)
        case ended(Result<T, any Error>?)
    }

    private let state = Locked(State.early)

    /// Whether there is somebody to work for: not when the end was quicker.
    @discardableResult
    func begin(_ continuation: CheckedContinuation<T, any Error>) -> Bool {
        let early: Result<T, any Error>? = state.with { state in
            if case .ended(let result) = state { return result }
            state = .waiting(continuation)
            return nil
        }
        if let early { continuation.resume(with: early) }
        return early == nil
    }

    func end(_ result: Result<T, any Error>) {
        let continuation: CheckedContinuation<T, any Error>? = state.with { state in
            switch state {
            case .early:
                // Cancelled before it began to wait.
                state = .ended(result)
                return nil
            case .waiting(let continuation):
                state = .ended(nil)
                return continuation
            case .ended:
                return nil
            }
        }
        continuation?.resume(with: result)
    }
}
