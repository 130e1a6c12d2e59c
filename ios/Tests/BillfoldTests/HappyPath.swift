import Billfold
import Foundation

// The example of ios/README.md, compiled here and run by HappyPathTests. What an app has around it: a screen
// that asks, the browser, a job for later.

struct Screen: Sendable {
    let askConsent: @Sendable (Offer) async -> Bool
    let askCode: @Sendable (CodeHint) async -> String
    let signIn: @Sendable (URL) async throws -> URL
    let pollLater: @Sendable (String, Date) -> Void
    let show: @Sendable ([String]) -> Void
    let showError: @Sendable (ErrorKind, Bool) -> Void
}

// example:begin
func receive(_ wallet: Billfold, _ scanned: String, _ screen: Screen) async throws {
    do {
        let issuance = try await wallet.openOffer(scanned)
        guard await screen.askConsent(issuance.offer) else { return try await issuance.decline() }
        var step = try await issuance.accept()
        while true {
            switch step {
            case .enterCode(let hint): step = try await enterCode(issuance, hint, screen)
            case .signIn(let url): step = try await issuance.submitRedirect(screen.signIn(url))  // ASWebAuthenticationSession
            case .wait(let until): return screen.pollLater(issuance.id, until)  // BGTaskScheduler, then wallet.resume(id)
            case .done(let credentials, _): return screen.show(credentials)
            case .review, .interrupted: step = try await issuance.proceed()
            }
        }
    } catch let error as BillfoldError {
        screen.showError(error.kind, error.isRetryable)
    }
}

/// A mistyped code is no reason to begin again.
func enterCode(_ issuance: Issuance, _ hint: CodeHint, _ screen: Screen) async throws -> Step {
    do {
        return try await issuance.submitCode(screen.askCode(hint))
    } catch let error as BillfoldError where error.advice == .askCodeAgain {
        return try await issuance.step()
    }
}
// example:end
