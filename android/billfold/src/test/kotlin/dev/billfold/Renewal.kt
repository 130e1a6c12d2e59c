package dev.billfold

// The example of android/README.md, compiled and run by RenewalTest.

// example:begin
internal suspend fun renew(wallet: Billfold, id: String, signIn: suspend (String) -> String) {
    val renewal = wallet.refresh(id)
    var step = renewal.proceed()                              // by itself, as far as the tokens reach
    if (step is Step.Review) step = renewal.accept()          // else the user has to agree again
    if (step is Step.SignIn) step = renewal.submitRedirect(signIn(step.url))
    check(step is Step.Done || step is Step.Wait)             // the same id, with new copies
}
// example:end
