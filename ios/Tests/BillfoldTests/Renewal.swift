import Billfold
import Foundation

// The example of ios/README.md, compiled here and run by RenewalTests.

// example:begin
func renew(_ wallet: Billfold, _ id: String, _ signIn: (URL) async throws -> URL) async throws -> Step {
    let renewal = try await wallet.refresh(id)
    var step = try await renewal.proceed()  // by itself, as far as the tokens reach
    if step == .review { step = try await renewal.accept() }  // else the user has to agree again
    if case .signIn(let url) = step { step = try await renewal.submitRedirect(signIn(url)) }
    return step  // .done: the same id, with new copies
}
// example:end
