package dev.billfold.internal

import dev.billfold.CheckKind
import dev.billfold.CredentialChange
import dev.billfold.Requirement
import dev.billfold.Verification
import dev.billfold.VerifyOptions
import kotlin.time.Duration
import dev.billfold.ffi.CredentialChange as FfiCredentialChange
import dev.billfold.ffi.PolicyRule as FfiPolicyRule
import dev.billfold.ffi.Verification as FfiVerification
import dev.billfold.ffi.VerifyOptions as FfiVerifyOptions

// What is verified, and what changes.

internal fun VerifyOptions.toFfi() = FfiVerifyOptions(
    issuerKeys = issuerKeys,
    trustAnchors = anchors(trustAnchors, trustAnchorsDer),
    holderKeys = holderKeys,
    credentialType = type?.toFfi(),
    profile = profile.toFfi(),
    policy = policy.toFfi(),
    at = at?.epochSecond,
    clockSkewSeconds = clockSkew?.toFfi(),
    allowLoopbackHttp = allowLoopbackHttp,
    jsonLdContexts = jsonLdContexts,
)

internal fun anchors(pem: List<String>, der: List<ByteArray>): List<ByteArray> = pem.map { it.toByteArray() } + der

internal fun Map<CheckKind, Requirement>.toFfi(): List<FfiPolicyRule> =
    map { (kind, requirement) -> FfiPolicyRule(kind.toFfi(), requirement.toFfi()) }

/** Whole seconds, as many as can be counted. */
internal fun Duration.toFfi(): UInt = inWholeSeconds.coerceIn(0, UInt.MAX_VALUE.toLong()).toUInt()

internal fun FfiVerification.toPublic() = Verification(
    report = report.toPublic(),
    type = credentialType.toPublic(),
    claims = claims,
    disclosable = disclosable.map { path -> path.map { it.toPublic() } },
    validFrom = validFrom?.let { instant(it) },
    expiresAt = expiresAt?.let { instant(it) },
    statusLists = statusLists,
    statusFound = statusFound?.toPublic(),
)

internal fun FfiCredentialChange.toPublic(): CredentialChange = when (this) {
    is FfiCredentialChange.Added -> CredentialChange.Added(id)
    is FfiCredentialChange.Changed -> CredentialChange.Changed(id)
    is FfiCredentialChange.Removed -> CredentialChange.Removed(id)
    is FfiCredentialChange.Missed -> CredentialChange.Missed
}
