package dev.billfold

import java.time.Instant

// The example of android/README.md, compiled and run by HappyPathTest. What an app has around it:
// a screen that asks, the browser, a job for later.

internal class Screen(
    val askConsent: suspend (Offer) -> Boolean,
    val askCode: suspend (CodeHint) -> String,
    val signIn: suspend (String) -> String,
    val pollLater: (String, Instant) -> Unit,
    val show: (List<String>) -> Unit,
    val showError: (ErrorKind, Boolean) -> Unit,
)

// example:begin
internal suspend fun receive(wallet: Billfold, scanned: String, screen: Screen) {
    try {
        val issuance = wallet.openOffer(scanned)
        if (!screen.askConsent(issuance.offer)) return issuance.decline()
        var step = issuance.accept()
        while (step !is Step.Done) step = when (val now = step) {
            is Step.EnterCode -> enterCode(issuance, now.hint, screen)
            is Step.SignIn -> issuance.submitRedirect(screen.signIn(now.url))            // Custom Tabs
            is Step.Wait -> return screen.pollLater(issuance.id, now.until)              // WorkManager, then wallet.resume(id)
            is Step.Review, is Step.Interrupted, is Step.Done -> issuance.proceed()
        }
        screen.show(step.credentials)
    } catch (e: BillfoldException) {
        screen.showError(e.kind, e.isRetryable)
    }
}

/** A mistyped code is no reason to begin again. */
private suspend fun enterCode(issuance: Issuance, hint: CodeHint, screen: Screen): Step = try {
    issuance.submitCode(screen.askCode(hint))
} catch (e: BillfoldException) {
    if (e.advice == Advice.ASK_CODE_AGAIN) issuance.step() else throw e
}
// example:end
