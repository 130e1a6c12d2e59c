import Foundation

internal import BillfoldFFI

/// The way into the native library and back: what comes out as an error is a ``BillfoldError``.
final class Border: Sendable {
    private static let kept = 16

    /// What the app's own code threw lately. Only its sentence crosses, so it is found again by that.
    private let thrown = Locked<[(sentence: String, error: any Error)]>([])

    func remember(_ sentence: String, _ error: any Error) {
        thrown.with { thrown in
            if thrown.count == Border.kept { thrown.removeFirst() }
            thrown.append((sentence, error))
        }
    }

    private func recall(_ detail: String) -> (any Error)? {
        thrown.with { thrown in
            guard let at = thrown.lastIndex(where: { !$0.sentence.isEmpty && detail.contains($0.sentence) }) else {
                return nil
            }
            return thrown.remove(at: at).error
        }
    }

    /// Runs the body to its end, whatever becomes of the caller: one that is cancelled stops waiting.
    func cross<T: Sendable>(_ body: @escaping @Sendable () async throws -> T) async throws -> T {
        try Task.checkCancellation()
        let waiting = Waiting<T>()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                guard waiting.begin(continuation) else { return }
                // Not a child of the caller's task, so that cancellation does not reach it.
                Task {
                    do {
                        waiting.end(.success(try await body()))
                    } catch {
                        waiting.end(.failure(self.translate(error)))
                    }
                }
            }
        } onCancel: {
            waiting.end(.failure(CancellationError()))
        }
    }

    private func translate(_ error: any Error) -> any Error {
        switch error {
        case let error as BillfoldError: error
        case let error as WalletError: translate(error)
        default: BillfoldError(internal: "the native library failed (\(name(of: error)))", underlyingError: error)
        }
    }

    private func translate(_ error: WalletError) -> BillfoldError {
        switch error {
        case .Offer(let details): make(.offer, details)
        case .Metadata(let details): make(.metadata, details)
        case .Network(let details): make(.network, details)
        case .Issuer(let details): make(.issuer, details)
        case .Denied(let details): make(.denied, details)
        case .WrongStep(let details): make(.wrongStep, details)
        case .Verification(let details): make(.verification, details)
        case .Keys(let details): make(.keys, details)
        case .Store(let details): make(.store, details)
        case .Unsupported(let details): make(.unsupported, details)
        }
    }

    private func make(_ kind: ErrorKind, _ details: ErrorDetails) -> BillfoldError {
        BillfoldError(
            kind: kind,
            code: details.code,
            advice: Advice(details.advice),
            isRetryable: details.isRetryable,
            detail: details.detail,
            operation: details.operation,
            endpoint: details.endpoint.flatMap { URL(string: $0) },
            status: details.status.map(Int.init),
            serverError: details.serverError,
            serverDescription: details.serverDescription,
            outcome: RequestOutcome(details.outcome),
            session: details.session,
            transcript: details.transcript,
            underlyingError: recall(details.detail)
        )
    }
}

extension BillfoldError {
    /// Made on this side of the border; no request was sent.
    private init(
        kind: ErrorKind = .unsupported, code: String, advice: Advice, detail: String,
        outcome: RequestOutcome = .notSent, session: String? = nil, underlyingError: (any Error)? = nil
    ) {
        self.init(
            kind: kind, code: code, advice: advice, isRetryable: false, detail: detail, operation: nil, endpoint: nil,
            status: nil, serverError: nil, serverDescription: nil, outcome: outcome, session: session, transcript: "",
            underlyingError: underlyingError
        )
    }

    static var closed: BillfoldError {
        BillfoldError(
            code: "closed", advice: .fixSetup, detail: "the wallet was closed before this call"
        )
    }

    init(setup detail: String) {
        self.init(code: "setup_invalid", advice: .fixSetup, detail: detail)
    }

    init(internal detail: String, session: String? = nil, underlyingError: (any Error)? = nil) {
        self.init(
            code: "internal", advice: .giveUp, detail: detail, outcome: .unknown, session: session,
            underlyingError: underlyingError
        )
    }
}

/// The text of an unexpected error may quote anything, so its type alone is named.
func name(of error: any Error) -> String {
    String(reflecting: type(of: error))
}
