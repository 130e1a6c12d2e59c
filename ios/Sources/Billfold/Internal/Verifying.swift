import Foundation

internal import BillfoldFFI

// What is verified, as the native library wants it, and what comes of that.

extension VerifyOptions {
    var ffi: BillfoldFFI.VerifyOptions {
        BillfoldFFI.VerifyOptions(
            issuerKeys: issuerKeys,
            trustAnchors: anchors(trustAnchors, trustAnchorsDER),
            holderKeys: holderKeys,
            credentialType: type?.ffi,
            profile: profile.ffi,
            policy: policy.ffi,
            at: at.map(timestamp),
            clockSkewSeconds: clockSkew.map(seconds),
            allowLoopbackHttp: allowLoopbackHttp,
            jsonLdContexts: jsonLDContexts
        )
    }
}

extension [CheckKind: Requirement] {
    var ffi: [BillfoldFFI.PolicyRule] {
        map { BillfoldFFI.PolicyRule(kind: $0.key.ffi, requirement: $0.value.ffi) }
    }
}

func anchors(_ pem: [String], _ der: [Data]) -> [Data] {
    pem.map { Data($0.utf8) } + der
}

/// Whole seconds, as many as can be counted.
func seconds(_ interval: TimeInterval) -> UInt32 {
    UInt32(exactly: Swift.max(0, interval).rounded()) ?? UInt32.max
}

extension Verification {
    init(_ ffi: BillfoldFFI.Verification) {
        self.init(
            report: Report(ffi.report),
            type: CredentialType(ffi.credentialType),
            claims: ffi.claims,
            disclosable: ffi.disclosable.map { $0.map(PathStep.init) },
            validFrom: ffi.validFrom.map(date),
            expiresAt: ffi.expiresAt.map(date),
            statusLists: ffi.statusLists,
            statusFound: ffi.statusFound.map(StatusFound.init)
        )
    }
}

extension StatusFound {
    init(_ ffi: BillfoldFFI.StatusFound) {
        let value: StatusValue = switch ffi.value {
        case .valid: .valid
        case .invalid: .invalid
        case .suspended: .suspended
        case .other(let value): .other(value)
        }
        self.init(value: value, checkedAt: date(ffi.checkedAt))
    }
}
