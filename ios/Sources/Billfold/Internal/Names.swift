internal import BillfoldFFI

// Names on this side of the border and on the other, each spelled out, so that a new one fails to compile.

extension Advice {
    init(_ ffi: BillfoldFFI.Advice) {
        self = switch ffi {
        case .retry: .retry
        case .askCodeAgain: .askCodeAgain
        case .signInAgain: .signInAgain
        case .getNewOffer: .getNewOffer
        case .startOver: .startOver
        case .checkAgain: .checkAgain
        case .renew: .renew
        case .askPassphraseAgain: .askPassphraseAgain
        case .fixSetup: .fixSetup
        case .tellIssuer: .tellIssuer
        case .giveUp: .giveUp
        }
    }
}

extension RequestOutcome {
    init(_ ffi: BillfoldFFI.RequestOutcome) {
        self = switch ffi {
        case .notSent: .notSent
        case .answered: .answered
        case .unknown: .unknown
        }
    }
}

extension Algorithm {
    init(_ ffi: BillfoldFFI.Algorithm) {
        self = switch ffi {
        case .es256: .es256
        case .es384: .es384
        case .edDsa: .edDSA
        case .es256k: .es256k
        }
    }

    var ffi: BillfoldFFI.Algorithm {
        switch self {
        case .es256: .es256
        case .es384: .es384
        case .edDSA: .edDsa
        case .es256k: .es256k
        }
    }
}

extension Binding {
    var ffi: BillfoldFFI.Binding {
        switch self {
        case .auto: .auto
        case .jwk: .jwk
        case .didKey: .didKey
        case .didJwk: .didJwk
        case .didPrism: .didPrism
        case .x5c: .x5c
        }
    }
}

extension Dialects {
    var ffi: BillfoldFFI.Dialects {
        switch self {
        case .any: .any
        case .strict: .strict
        }
    }
}

extension Profile {
    var ffi: BillfoldFFI.Profile {
        switch self {
        case .base: .base
        case .haip: .haip
        }
    }
}

extension TypeMetadataUse {
    var ffi: BillfoldFFI.TypeMetadataUse {
        switch self {
        case .fetch: .fetch
        case .off: .off
        }
    }
}

extension Encryption {
    var ffi: BillfoldFFI.Encryption {
        switch self {
        case .auto: .auto
        case .always: .always
        case .never: .never
        }
    }
}

extension AttestationVersion {
    var ffi: BillfoldFFI.AttestationVersion {
        switch self {
        case .v07: .v07
        case .v08: .v08
        }
    }
}

extension SignedMetadata {
    var ffi: BillfoldFFI.SignedMetadata {
        switch self {
        case .ignore: .ignore
        case .prefer: .prefer
        case .require: .require
        }
    }
}

extension KeyPurpose {
    init(_ ffi: BillfoldFFI.KeyPurpose) {
        self = switch ffi {
        case .credential: .credential
        case .accessToken: .accessToken
        case .clientInstance: .clientInstance
        }
    }
}

extension CheckKind {
    init(_ ffi: BillfoldFFI.CheckKind) {
        self = switch ffi {
        case .signature: .signature
        case .issuerKey: .issuerKey
        case .issuerTrust: .issuerTrust
        case .holderBinding: .holderBinding
        case .type: .type
        case .validity: .validity
        case .digests: .digests
        case .status: .status
        case .issuer: .issuer
        case .other: .other
        }
    }

    var ffi: BillfoldFFI.CheckKind {
        switch self {
        case .signature: .signature
        case .issuerKey: .issuerKey
        case .issuerTrust: .issuerTrust
        case .holderBinding: .holderBinding
        case .type: .type
        case .validity: .validity
        case .digests: .digests
        case .status: .status
        case .issuer: .issuer
        case .other: .other
        }
    }
}

extension Requirement {
    var ffi: BillfoldFFI.Requirement {
        switch self {
        case .require: .require
        case .warn: .warn
        case .off: .off
        }
    }
}

extension Reason {
    init(_ ffi: BillfoldFFI.Reason) {
        self = switch ffi {
        case .unbound: .unbound
        case .notApplicable: .notApplicable
        case .switchedOff: .switchedOff
        case .noAnchors: .noAnchors
        case .unreachable: .unreachable
        case .unsupported: .unsupported
        case .dependsOnFailed: .dependsOnFailed
        case .other: .other
        }
    }
}

extension Verdict {
    init(_ ffi: BillfoldFFI.Verdict) {
        self = switch ffi {
        case .verified: .verified
        case .verifiedWithWarnings: .verifiedWithWarnings
        case .unverified: .unverified
        case .rejected: .rejected
        }
    }
}

extension GrantType {
    init(_ ffi: BillfoldFFI.GrantType) {
        self = switch ffi {
        case .authorizationCode: .authorizationCode
        case .preAuthorizedCode: .preAuthorizedCode
        }
    }

    var ffi: BillfoldFFI.GrantType {
        switch self {
        case .authorizationCode: .authorizationCode
        case .preAuthorizedCode: .preAuthorizedCode
        }
    }
}

extension InputMode {
    init(_ ffi: BillfoldFFI.InputMode) {
        self = switch ffi {
        case .numeric: .numeric
        case .text: .text
        }
    }
}

extension RequestBy {
    var ffi: BillfoldFFI.RequestBy {
        switch self {
        case .auto: .auto
        case .scope: .scope
        case .details: .details
        }
    }
}

extension LogLevel {
    init(_ ffi: BillfoldFFI.LogLevel) {
        self = switch ffi {
        case .error: .error
        case .warn: .warn
        case .info: .info
        case .debug: .debug
        case .trace: .trace
        }
    }

    var ffi: BillfoldFFI.LogLevel {
        switch self {
        case .error: .error
        case .warn: .warn
        case .info: .info
        case .debug: .debug
        case .trace: .trace
        }
    }
}

extension KeyError.Kind {
    var ffi: BillfoldFFI.KeyErrorKind {
        switch self {
        case .unknown: .unknown
        case .locked: .locked
        case .unsupported: .unsupported
        case .failed: .failed
        }
    }
}

extension ProviderError.Kind {
    var ffi: BillfoldFFI.ProviderErrorKind {
        switch self {
        case .unavailable: .unavailable
        case .refused: .refused
        case .unsupported: .unsupported
        }
    }
}

extension TransportError.Kind {
    var ffi: BillfoldFFI.TransportErrorKind {
        switch self {
        case .unreachable: .unreachable
        case .timedOut: .timedOut
        case .connectionLost: .connectionLost
        case .tls: .tls
        case .tooLarge: .tooLarge
        case .forbiddenAddress: .forbiddenAddress
        case .other: .other
        }
    }
}
