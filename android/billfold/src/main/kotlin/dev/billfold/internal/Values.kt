package dev.billfold.internal

import dev.billfold.AcceptOptions
import dev.billfold.Check
import dev.billfold.CheckOutcome
import dev.billfold.CodeHint
import dev.billfold.Conclusion
import dev.billfold.Credential
import dev.billfold.CredentialCopy
import dev.billfold.CredentialType
import dev.billfold.DialectReport
import dev.billfold.Display
import dev.billfold.Failure
import dev.billfold.Logo
import dev.billfold.Offer
import dev.billfold.OfferedCredential
import dev.billfold.PathStep
import dev.billfold.PendingIssuance
import dev.billfold.Report
import dev.billfold.RequestedClaim
import dev.billfold.StatusFound
import dev.billfold.StatusValue
import dev.billfold.Step
import dev.billfold.Tolerance
import dev.billfold.TxCode
import dev.billfold.ffi.AcceptOptions as FfiAcceptOptions
import dev.billfold.ffi.Check as FfiCheck
import dev.billfold.ffi.CheckOutcome as FfiCheckOutcome
import dev.billfold.ffi.Credential as FfiCredential
import dev.billfold.ffi.CredentialCopy as FfiCredentialCopy
import dev.billfold.ffi.CredentialType as FfiCredentialType
import dev.billfold.ffi.DialectReport as FfiDialectReport
import dev.billfold.ffi.Display as FfiDisplay
import dev.billfold.ffi.Failure as FfiFailure
import dev.billfold.ffi.Logo as FfiLogo
import dev.billfold.ffi.OfferSummary as FfiOfferSummary
import dev.billfold.ffi.PathStep as FfiPathStep
import dev.billfold.ffi.PendingIssuance as FfiPendingIssuance
import dev.billfold.ffi.Report as FfiReport
import dev.billfold.ffi.RequestedClaim as FfiRequestedClaim
import dev.billfold.ffi.StatusFound as FfiStatusFound
import dev.billfold.ffi.StatusValue as FfiStatusValue
import dev.billfold.ffi.Step as FfiStep
import dev.billfold.ffi.Tolerance as FfiTolerance
import dev.billfold.ffi.TxCode as FfiTxCode

// Values from the other side of the border, as apps see them.

/** Lengths and counts as Kotlin counts; no sensible one is beyond an [Int]. */
internal fun UInt.clamped(): Int = coerceAtMost(Int.MAX_VALUE.toUInt()).toInt()

internal fun AcceptOptions.toFfi() = FfiAcceptOptions(
    configurations = configurations,
    grant = grant?.toFfi(),
    request = requestBy.toFfi(),
    copies = copies?.toUInt(),
    encryption = encryption.toFfi(),
    profile = profile?.toFfi(),
    claims = claims.mapValues { (_, claims) -> claims.map { it.toFfi() } },
    unverifiedFormats = unverifiedFormats,
    authorizationParameters = authorizationParameters,
)

private fun RequestedClaim.toFfi() = FfiRequestedClaim(path.map { it.toFfi() }, isMandatory)

internal fun FfiOfferSummary.toPublic() = Offer(
    credentialIssuer = credentialIssuer,
    issuerName = issuerName,
    issuerDisplay = issuerDisplay?.toPublic(),
    credentials = credentials.map { OfferedCredential(it.configuration, it.format, it.display?.toPublic(), it.title) },
    grants = grants.map { it.toPublic() },
    txCode = txCode?.toPublic(),
    metadataSignedBy = metadataSignedBy,
)

private fun FfiTxCode.toPublic() = TxCode(inputMode.toPublic(), length?.clamped(), description)

private fun FfiDisplay.toPublic() = Display(
    name = name,
    locale = locale,
    logo = logo?.toPublic(),
    description = description,
    backgroundColor = backgroundColor,
    backgroundImage = backgroundImage?.toPublic(),
    textColor = textColor,
)

private fun FfiLogo.toPublic() = Logo(uri, altText)

/** `null` for a step of a newer native library. */
internal fun FfiStep.toPublic(): Step? = when (this) {
    is FfiStep.Review -> Step.Review
    is FfiStep.EnterCode -> Step.EnterCode(
        CodeHint(
            inputMode = hint.txCode.inputMode.toPublic(),
            length = hint.txCode.length?.clamped(),
            description = hint.txCode.description,
            wasRefused = hint.refused,
            attemptsLeft = hint.attemptsLeft.clamped(),
        ),
    )
    is FfiStep.SignIn -> Step.SignIn(url)
    is FfiStep.Wait -> Step.Wait(instant(until))
    is FfiStep.Interrupted -> Step.Interrupted
    is FfiStep.Done -> Step.Done(credentials, failures.map { it.toPublic() })
    is FfiStep.Other -> null
}

private fun FfiFailure.toPublic() = Failure(configuration, code, detail, quarantined)

internal fun FfiTolerance.toPublic() = Tolerance(name, sentence)

internal fun FfiDialectReport.toPublic() = DialectReport(
    looksLike = looksLike,
    seen = seen,
    concluded = concluded.map { Conclusion(it.behaviour, it.conclusion) },
    request = request,
    tolerated = tolerated.map { it.toPublic() },
)

internal fun FfiPendingIssuance.toPublic() = PendingIssuance(
    id = id,
    credentialIssuer = credentialIssuer,
    issuerName = issuerName,
    titles = titles,
    // In a list, a step of a newer library is one that somebody has to take up again.
    step = step.toPublic() ?: Step.Interrupted,
    updatedAt = instant(updatedAt),
)

internal fun FfiCredential.toPublic() = Credential(
    id = id,
    credentialIssuer = credentialIssuer,
    configuration = configuration,
    format = format,
    type = credentialType.toPublic(),
    issuedAt = instant(issuedAt),
    validFrom = validFrom?.let { instant(it) },
    expiresAt = expiresAt?.let { instant(it) },
    statusLists = statusLists,
    statusFound = statusFound?.toPublic(),
    copies = copies.map { it.toPublic() },
    report = report.toPublic(),
    isQuarantined = quarantined,
    card = card.toPublic(),
)

internal fun FfiCredentialType.toPublic(): CredentialType = when (this) {
    is FfiCredentialType.Vct -> CredentialType.Vct(vct)
    is FfiCredentialType.Types -> CredentialType.Types(types)
    is FfiCredentialType.Doctype -> CredentialType.Doctype(doctype)
    is FfiCredentialType.Unknown -> CredentialType.Unknown
}

internal fun CredentialType.toFfi(): FfiCredentialType = when (this) {
    is CredentialType.Vct -> FfiCredentialType.Vct(vct)
    is CredentialType.Types -> FfiCredentialType.Types(types)
    is CredentialType.Doctype -> FfiCredentialType.Doctype(doctype)
    is CredentialType.Unknown -> FfiCredentialType.Unknown
}

internal fun FfiCredentialCopy.toPublic() =
    CredentialCopy(raw, keyHandle, keyMissing, uses.clamped(), lastUsedAt?.let { instant(it) })

internal fun FfiStatusFound.toPublic() = StatusFound(
    value = when (val value = value) {
        is FfiStatusValue.Valid -> StatusValue.Valid
        is FfiStatusValue.Invalid -> StatusValue.Invalid
        is FfiStatusValue.Suspended -> StatusValue.Suspended
        is FfiStatusValue.Other -> StatusValue.Other(value.value.toInt())
    },
    checkedAt = instant(checkedAt),
)

internal fun FfiPathStep.toPublic(): PathStep = when (this) {
    is FfiPathStep.Key -> PathStep.Key(name)
    is FfiPathStep.Index -> PathStep.Index(index.coerceAtMost(Long.MAX_VALUE.toULong()).toLong())
    is FfiPathStep.All -> PathStep.All
}

private fun PathStep.toFfi(): FfiPathStep = when (this) {
    is PathStep.Key -> FfiPathStep.Key(name)
    is PathStep.Index -> FfiPathStep.Index(index.toULong())
    is PathStep.All -> FfiPathStep.All
}

internal fun FfiReport.toPublic() = Report(checks.map { it.toPublic() }, verdict.toPublic())

private fun FfiCheck.toPublic() = Check(
    kind = kind.toPublic(),
    outcome = when (val outcome = outcome) {
        is FfiCheckOutcome.Passed -> CheckOutcome.Passed
        is FfiCheckOutcome.Failed -> CheckOutcome.Failed
        is FfiCheckOutcome.Unknown -> CheckOutcome.Unknown(outcome.reason.toPublic())
        is FfiCheckOutcome.Skipped -> CheckOutcome.Skipped(outcome.reason.toPublic())
    },
    detail = detail,
)
