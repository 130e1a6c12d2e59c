package dev.billfold.internal

import dev.billfold.AcceptOptions
import dev.billfold.Card
import dev.billfold.CardClaim
import dev.billfold.Check
import dev.billfold.CheckOutcome
import dev.billfold.CodeHint
import dev.billfold.Credential
import dev.billfold.CredentialCopy
import dev.billfold.CredentialType
import dev.billfold.Display
import dev.billfold.Failure
import dev.billfold.Logo
import dev.billfold.Offer
import dev.billfold.OfferedCredential
import dev.billfold.PathStep
import dev.billfold.PendingIssuance
import dev.billfold.Report
import dev.billfold.RequestedClaim
import dev.billfold.Step
import dev.billfold.TxCode
import dev.billfold.ffi.AcceptOptions as FfiAcceptOptions
import dev.billfold.ffi.Card as FfiCard
import dev.billfold.ffi.Check as FfiCheck
import dev.billfold.ffi.CheckOutcome as FfiCheckOutcome
import dev.billfold.ffi.Credential as FfiCredential
import dev.billfold.ffi.CredentialType as FfiCredentialType
import dev.billfold.ffi.Display as FfiDisplay
import dev.billfold.ffi.Failure as FfiFailure
import dev.billfold.ffi.Logo as FfiLogo
import dev.billfold.ffi.OfferSummary as FfiOfferSummary
import dev.billfold.ffi.PathStep as FfiPathStep
import dev.billfold.ffi.PendingIssuance as FfiPendingIssuance
import dev.billfold.ffi.Report as FfiReport
import dev.billfold.ffi.RequestedClaim as FfiRequestedClaim
import dev.billfold.ffi.Step as FfiStep
import dev.billfold.ffi.TxCode as FfiTxCode

// Values from the other side of the border, as apps see them.

/** Lengths and counts as Kotlin counts; no sensible one is beyond an [Int]. */
private fun UInt.clamped(): Int = coerceAtMost(Int.MAX_VALUE.toUInt()).toInt()

internal fun AcceptOptions.toFfi() = FfiAcceptOptions(
    configurations = configurations,
    grant = grant?.toFfi(),
    request = requestBy.toFfi(),
    copies = copies?.toUInt(),
    encryption = encryption.toFfi(),
    profile = profile?.toFfi(),
    claims = claims.mapValues { (_, claims) -> claims.map { it.toFfi() } },
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
    type = when (val type = credentialType) {
        is FfiCredentialType.Vct -> CredentialType.Vct(type.vct)
        is FfiCredentialType.Types -> CredentialType.Types(type.types)
        is FfiCredentialType.Unknown -> CredentialType.Unknown
    },
    issuedAt = instant(issuedAt),
    expiresAt = expiresAt?.let { instant(it) },
    copies = copies.map { CredentialCopy(it.raw, it.keyHandle) },
    report = report.toPublic(),
    isQuarantined = quarantined,
    card = card.toPublic(),
)

private fun FfiCard.toPublic() = Card(
    title = title,
    issuerName = issuerName,
    description = description,
    logo = logo?.toPublic(),
    backgroundColor = backgroundColor,
    textColor = textColor,
    claims = claims.map { claim -> CardClaim(claim.path.map { it.toPublic() }, claim.label, claim.value) },
)

private fun FfiPathStep.toPublic(): PathStep = when (this) {
    is FfiPathStep.Key -> PathStep.Key(name)
    is FfiPathStep.Index -> PathStep.Index(index.coerceAtMost(Long.MAX_VALUE.toULong()).toLong())
    is FfiPathStep.All -> PathStep.All
}

private fun PathStep.toFfi(): FfiPathStep = when (this) {
    is PathStep.Key -> FfiPathStep.Key(name)
    is PathStep.Index -> FfiPathStep.Index(index.toULong())
    is PathStep.All -> FfiPathStep.All
}

private fun FfiReport.toPublic() = Report(checks.map { it.toPublic() }, verdict.toPublic())

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
