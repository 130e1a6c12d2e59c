package dev.billfold.internal

import dev.billfold.Advice
import dev.billfold.Algorithm
import dev.billfold.AttestationVersion
import dev.billfold.Binding
import dev.billfold.CheckKind
import dev.billfold.Dialects
import dev.billfold.Encryption
import dev.billfold.GrantType
import dev.billfold.InputMode
import dev.billfold.KeyException
import dev.billfold.KeyPurpose
import dev.billfold.LogLevel
import dev.billfold.Profile
import dev.billfold.ProviderException
import dev.billfold.Reason
import dev.billfold.RequestBy
import dev.billfold.RequestOutcome
import dev.billfold.Requirement
import dev.billfold.SignedMetadata
import dev.billfold.TransportException
import dev.billfold.TypeMetadataUse
import dev.billfold.Verdict
import dev.billfold.ffi.Advice as FfiAdvice
import dev.billfold.ffi.Algorithm as FfiAlgorithm
import dev.billfold.ffi.AttestationVersion as FfiAttestationVersion
import dev.billfold.ffi.Binding as FfiBinding
import dev.billfold.ffi.CheckKind as FfiCheckKind
import dev.billfold.ffi.Dialects as FfiDialects
import dev.billfold.ffi.Encryption as FfiEncryption
import dev.billfold.ffi.GrantType as FfiGrantType
import dev.billfold.ffi.InputMode as FfiInputMode
import dev.billfold.ffi.KeyErrorKind as FfiKeyErrorKind
import dev.billfold.ffi.KeyPurpose as FfiKeyPurpose
import dev.billfold.ffi.LogLevel as FfiLogLevel
import dev.billfold.ffi.Profile as FfiProfile
import dev.billfold.ffi.ProviderErrorKind as FfiProviderErrorKind
import dev.billfold.ffi.Reason as FfiReason
import dev.billfold.ffi.RequestBy as FfiRequestBy
import dev.billfold.ffi.RequestOutcome as FfiRequestOutcome
import dev.billfold.ffi.Requirement as FfiRequirement
import dev.billfold.ffi.SignedMetadata as FfiSignedMetadata
import dev.billfold.ffi.TransportErrorKind as FfiTransportErrorKind
import dev.billfold.ffi.TypeMetadataUse as FfiTypeMetadataUse
import dev.billfold.ffi.Verdict as FfiVerdict

// Names on this side of the border and on the other, each spelled out, so that a new one fails to compile.

internal fun FfiAdvice.toPublic(): Advice = when (this) {
    FfiAdvice.RETRY -> Advice.RETRY
    FfiAdvice.ASK_CODE_AGAIN -> Advice.ASK_CODE_AGAIN
    FfiAdvice.SIGN_IN_AGAIN -> Advice.SIGN_IN_AGAIN
    FfiAdvice.GET_NEW_OFFER -> Advice.GET_NEW_OFFER
    FfiAdvice.START_OVER -> Advice.START_OVER
    FfiAdvice.CHECK_AGAIN -> Advice.CHECK_AGAIN
    FfiAdvice.RENEW -> Advice.RENEW
    FfiAdvice.ASK_PASSPHRASE_AGAIN -> Advice.ASK_PASSPHRASE_AGAIN
    FfiAdvice.FIX_SETUP -> Advice.FIX_SETUP
    FfiAdvice.TELL_ISSUER -> Advice.TELL_ISSUER
    FfiAdvice.GIVE_UP -> Advice.GIVE_UP
}

internal fun FfiRequestOutcome.toPublic(): RequestOutcome = when (this) {
    FfiRequestOutcome.NOT_SENT -> RequestOutcome.NOT_SENT
    FfiRequestOutcome.ANSWERED -> RequestOutcome.ANSWERED
    FfiRequestOutcome.UNKNOWN -> RequestOutcome.UNKNOWN
}

internal fun FfiAlgorithm.toPublic(): Algorithm = when (this) {
    FfiAlgorithm.ES256 -> Algorithm.ES256
    FfiAlgorithm.ES384 -> Algorithm.ES384
    FfiAlgorithm.ED_DSA -> Algorithm.EDDSA
    FfiAlgorithm.ES256K -> Algorithm.ES256K
}

internal fun Algorithm.toFfi(): FfiAlgorithm = when (this) {
    Algorithm.ES256 -> FfiAlgorithm.ES256
    Algorithm.ES384 -> FfiAlgorithm.ES384
    Algorithm.EDDSA -> FfiAlgorithm.ED_DSA
    Algorithm.ES256K -> FfiAlgorithm.ES256K
}

internal fun Binding.toFfi(): FfiBinding = when (this) {
    Binding.AUTO -> FfiBinding.AUTO
    Binding.JWK -> FfiBinding.JWK
    Binding.DID_KEY -> FfiBinding.DID_KEY
    Binding.DID_JWK -> FfiBinding.DID_JWK
    Binding.DID_PRISM -> FfiBinding.DID_PRISM
    Binding.X5C -> FfiBinding.X5C
}

internal fun Dialects.toFfi(): FfiDialects = when (this) {
    Dialects.ANY -> FfiDialects.ANY
    Dialects.STRICT -> FfiDialects.STRICT
}

internal fun Profile.toFfi(): FfiProfile = when (this) {
    Profile.BASE -> FfiProfile.BASE
    Profile.HAIP -> FfiProfile.HAIP
}

internal fun Encryption.toFfi(): FfiEncryption = when (this) {
    Encryption.AUTO -> FfiEncryption.AUTO
    Encryption.ALWAYS -> FfiEncryption.ALWAYS
    Encryption.NEVER -> FfiEncryption.NEVER
}

internal fun AttestationVersion.toFfi(): FfiAttestationVersion = when (this) {
    AttestationVersion.V07 -> FfiAttestationVersion.V07
    AttestationVersion.V08 -> FfiAttestationVersion.V08
}

internal fun SignedMetadata.toFfi(): FfiSignedMetadata = when (this) {
    SignedMetadata.IGNORE -> FfiSignedMetadata.IGNORE
    SignedMetadata.PREFER -> FfiSignedMetadata.PREFER
    SignedMetadata.REQUIRE -> FfiSignedMetadata.REQUIRE
}

internal fun TypeMetadataUse.toFfi(): FfiTypeMetadataUse = when (this) {
    TypeMetadataUse.FETCH -> FfiTypeMetadataUse.FETCH
    TypeMetadataUse.OFF -> FfiTypeMetadataUse.OFF
}

internal fun FfiKeyPurpose.toPublic(): KeyPurpose = when (this) {
    FfiKeyPurpose.CREDENTIAL -> KeyPurpose.CREDENTIAL
    FfiKeyPurpose.ACCESS_TOKEN -> KeyPurpose.ACCESS_TOKEN
    FfiKeyPurpose.CLIENT_INSTANCE -> KeyPurpose.CLIENT_INSTANCE
}

internal fun FfiCheckKind.toPublic(): CheckKind = when (this) {
    FfiCheckKind.SIGNATURE -> CheckKind.SIGNATURE
    FfiCheckKind.ISSUER_KEY -> CheckKind.ISSUER_KEY
    FfiCheckKind.ISSUER_TRUST -> CheckKind.ISSUER_TRUST
    FfiCheckKind.HOLDER_BINDING -> CheckKind.HOLDER_BINDING
    FfiCheckKind.TYPE -> CheckKind.TYPE
    FfiCheckKind.VALIDITY -> CheckKind.VALIDITY
    FfiCheckKind.DIGESTS -> CheckKind.DIGESTS
    FfiCheckKind.STATUS -> CheckKind.STATUS
    FfiCheckKind.ISSUER -> CheckKind.ISSUER
    FfiCheckKind.OTHER -> CheckKind.OTHER
}

internal fun CheckKind.toFfi(): FfiCheckKind = when (this) {
    CheckKind.SIGNATURE -> FfiCheckKind.SIGNATURE
    CheckKind.ISSUER_KEY -> FfiCheckKind.ISSUER_KEY
    CheckKind.ISSUER_TRUST -> FfiCheckKind.ISSUER_TRUST
    CheckKind.HOLDER_BINDING -> FfiCheckKind.HOLDER_BINDING
    CheckKind.TYPE -> FfiCheckKind.TYPE
    CheckKind.VALIDITY -> FfiCheckKind.VALIDITY
    CheckKind.DIGESTS -> FfiCheckKind.DIGESTS
    CheckKind.STATUS -> FfiCheckKind.STATUS
    CheckKind.ISSUER -> FfiCheckKind.ISSUER
    CheckKind.OTHER -> FfiCheckKind.OTHER
}

internal fun Requirement.toFfi(): FfiRequirement = when (this) {
    Requirement.REQUIRE -> FfiRequirement.REQUIRE
    Requirement.WARN -> FfiRequirement.WARN
    Requirement.OFF -> FfiRequirement.OFF
}

internal fun FfiReason.toPublic(): Reason = when (this) {
    FfiReason.UNBOUND -> Reason.UNBOUND
    FfiReason.NOT_APPLICABLE -> Reason.NOT_APPLICABLE
    FfiReason.SWITCHED_OFF -> Reason.SWITCHED_OFF
    FfiReason.NO_ANCHORS -> Reason.NO_ANCHORS
    FfiReason.UNREACHABLE -> Reason.UNREACHABLE
    FfiReason.UNSUPPORTED -> Reason.UNSUPPORTED
    FfiReason.DEPENDS_ON_FAILED -> Reason.DEPENDS_ON_FAILED
    FfiReason.OTHER -> Reason.OTHER
}

internal fun FfiVerdict.toPublic(): Verdict = when (this) {
    FfiVerdict.VERIFIED -> Verdict.VERIFIED
    FfiVerdict.VERIFIED_WITH_WARNINGS -> Verdict.VERIFIED_WITH_WARNINGS
    FfiVerdict.UNVERIFIED -> Verdict.UNVERIFIED
    FfiVerdict.REJECTED -> Verdict.REJECTED
}

internal fun FfiGrantType.toPublic(): GrantType = when (this) {
    FfiGrantType.AUTHORIZATION_CODE -> GrantType.AUTHORIZATION_CODE
    FfiGrantType.PRE_AUTHORIZED_CODE -> GrantType.PRE_AUTHORIZED_CODE
}

internal fun GrantType.toFfi(): FfiGrantType = when (this) {
    GrantType.AUTHORIZATION_CODE -> FfiGrantType.AUTHORIZATION_CODE
    GrantType.PRE_AUTHORIZED_CODE -> FfiGrantType.PRE_AUTHORIZED_CODE
}

internal fun FfiInputMode.toPublic(): InputMode = when (this) {
    FfiInputMode.NUMERIC -> InputMode.NUMERIC
    FfiInputMode.TEXT -> InputMode.TEXT
}

internal fun RequestBy.toFfi(): FfiRequestBy = when (this) {
    RequestBy.AUTO -> FfiRequestBy.AUTO
    RequestBy.SCOPE -> FfiRequestBy.SCOPE
    RequestBy.DETAILS -> FfiRequestBy.DETAILS
}

internal fun FfiLogLevel.toPublic(): LogLevel = when (this) {
    FfiLogLevel.ERROR -> LogLevel.ERROR
    FfiLogLevel.WARN -> LogLevel.WARN
    FfiLogLevel.INFO -> LogLevel.INFO
    FfiLogLevel.DEBUG -> LogLevel.DEBUG
    FfiLogLevel.TRACE -> LogLevel.TRACE
}

internal fun LogLevel.toFfi(): FfiLogLevel = when (this) {
    LogLevel.ERROR -> FfiLogLevel.ERROR
    LogLevel.WARN -> FfiLogLevel.WARN
    LogLevel.INFO -> FfiLogLevel.INFO
    LogLevel.DEBUG -> FfiLogLevel.DEBUG
    LogLevel.TRACE -> FfiLogLevel.TRACE
}

internal fun KeyException.Kind.toFfi(): FfiKeyErrorKind = when (this) {
    KeyException.Kind.UNKNOWN -> FfiKeyErrorKind.UNKNOWN
    KeyException.Kind.LOCKED -> FfiKeyErrorKind.LOCKED
    KeyException.Kind.UNSUPPORTED -> FfiKeyErrorKind.UNSUPPORTED
    KeyException.Kind.FAILED -> FfiKeyErrorKind.FAILED
}

internal fun ProviderException.Kind.toFfi(): FfiProviderErrorKind = when (this) {
    ProviderException.Kind.UNAVAILABLE -> FfiProviderErrorKind.UNAVAILABLE
    ProviderException.Kind.REFUSED -> FfiProviderErrorKind.REFUSED
    ProviderException.Kind.UNSUPPORTED -> FfiProviderErrorKind.UNSUPPORTED
}

internal fun TransportException.Kind.toFfi(): FfiTransportErrorKind = when (this) {
    TransportException.Kind.UNREACHABLE -> FfiTransportErrorKind.UNREACHABLE
    TransportException.Kind.TIMED_OUT -> FfiTransportErrorKind.TIMED_OUT
    TransportException.Kind.CONNECTION_LOST -> FfiTransportErrorKind.CONNECTION_LOST
    TransportException.Kind.TLS -> FfiTransportErrorKind.TLS
    TransportException.Kind.TOO_LARGE -> FfiTransportErrorKind.TOO_LARGE
    TransportException.Kind.FORBIDDEN_ADDRESS -> FfiTransportErrorKind.FORBIDDEN_ADDRESS
    TransportException.Kind.OTHER -> FfiTransportErrorKind.OTHER
}
