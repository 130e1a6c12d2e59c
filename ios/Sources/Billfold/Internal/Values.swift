import Foundation

internal import BillfoldFFI

// Values from the other side of the border, as apps see them.

extension AcceptOptions {
    var ffi: BillfoldFFI.AcceptOptions {
        BillfoldFFI.AcceptOptions(
            configurations: configurations,
            grant: grant?.ffi,
            request: requestBy.ffi,
            // Below zero counts as zero, which the library refuses.
            copies: copies.map { UInt32(clamping: $0) },
            encryption: encryption.ffi,
            profile: profile?.ffi,
            claims: claims.mapValues { $0.map(\.ffi) },
            unverifiedFormats: unverifiedFormats,
            authorizationParameters: authorizationParameters
        )
    }
}

extension RequestedClaim {
    var ffi: BillfoldFFI.RequestedClaim {
        BillfoldFFI.RequestedClaim(path: path.map(\.ffi), mandatory: isMandatory)
    }
}

extension Offer {
    init(_ ffi: BillfoldFFI.OfferSummary) {
        self.init(
            credentialIssuer: ffi.credentialIssuer,
            issuerName: ffi.issuerName,
            issuerDisplay: ffi.issuerDisplay.map(Display.init),
            credentials: ffi.credentials.map {
                OfferedCredential(
                    configuration: $0.configuration, format: $0.format, display: $0.display.map(Display.init), title: $0.title
                )
            },
            grants: ffi.grants.map(GrantType.init),
            txCode: ffi.txCode.map(TxCode.init),
            metadataSignedBy: ffi.metadataSignedBy
        )
    }
}

extension TxCode {
    init(_ ffi: BillfoldFFI.TxCode) {
        self.init(inputMode: InputMode(ffi.inputMode), length: ffi.length.map(Int.init), description: ffi.description)
    }
}

extension Display {
    init(_ ffi: BillfoldFFI.Display) {
        self.init(
            name: ffi.name,
            locale: ffi.locale,
            logo: ffi.logo.map(Logo.init),
            description: ffi.description,
            backgroundColor: ffi.backgroundColor,
            backgroundImage: ffi.backgroundImage.map(Logo.init),
            textColor: ffi.textColor
        )
    }
}

extension Logo {
    init(_ ffi: BillfoldFFI.Logo) {
        self.init(uri: ffi.uri, altText: ffi.altText)
    }
}

extension URL {
    /// An address from the native library, which has read it as one. What RFC 3986 does not allow there is
    /// percent-encoded; what is encoded already stays as it is. Foundation would encode that a second time
    /// (`%2F` to `%252F`) as soon as it finds one character to encode.
    init?(ffi text: String) {
        // The brackets of an IPv6 address are the only ones that may stay.
        let authority = text.range(of: "://").map { scheme in
            text[scheme.upperBound...].firstIndex { "/?#".contains($0) } ?? text.endIndex
        }
        let split = authority ?? text.startIndex
        let allowed = CharacterSet(charactersIn: "%:/?#@!$&'()*+,;=-._~")
            .union(CharacterSet(charactersIn: "0"..."9"))
            .union(CharacterSet(charactersIn: "A"..."Z"))
            .union(CharacterSet(charactersIn: "a"..."z"))
        guard let rest = String(text[split...]).addingPercentEncoding(withAllowedCharacters: allowed),
            let url = URL(string: text[..<split] + rest)
        else { return nil }
        self = url
    }
}

extension Step {
    /// `nil` for a step of a newer native library.
    init?(_ ffi: BillfoldFFI.Step) {
        switch ffi {
        case .review: self = .review
        case .enterCode(let hint): self = .enterCode(CodeHint(hint))
        case .signIn(let url):
            guard let url = URL(ffi: url) else { return nil }
            self = .signIn(url)
        case .wait(let until): self = .wait(until: date(until))
        case .interrupted: self = .interrupted
        case .done(let credentials, let failures):
            self = .done(credentials: credentials, failures: failures.map(Failure.init))
        case .other: return nil
        }
    }
}

extension CodeHint {
    init(_ ffi: BillfoldFFI.CodeHint) {
        self.init(
            inputMode: InputMode(ffi.txCode.inputMode),
            length: ffi.txCode.length.map(Int.init),
            description: ffi.txCode.description,
            wasRefused: ffi.refused,
            attemptsLeft: Int(ffi.attemptsLeft)
        )
    }
}

extension Failure {
    init(_ ffi: BillfoldFFI.Failure) {
        self.init(configuration: ffi.configuration, code: ffi.code, detail: ffi.detail, quarantined: ffi.quarantined)
    }
}

extension Tolerance {
    init(_ ffi: BillfoldFFI.Tolerance) {
        self.init(name: ffi.name, sentence: ffi.sentence)
    }
}

extension DialectReport {
    init(_ ffi: BillfoldFFI.DialectReport) {
        self.init(
            looksLike: ffi.looksLike,
            seen: ffi.seen,
            concluded: ffi.concluded.map { Conclusion(behaviour: $0.behaviour, conclusion: $0.conclusion) },
            request: ffi.request,
            tolerated: ffi.tolerated.map(Tolerance.init)
        )
    }
}

extension PendingIssuance {
    init(_ ffi: BillfoldFFI.PendingIssuance) {
        self.init(
            id: ffi.id,
            credentialIssuer: ffi.credentialIssuer,
            issuerName: ffi.issuerName,
            titles: ffi.titles,
            // In a list, a step of a newer library is one that somebody has to take up again.
            step: Step(ffi.step) ?? .interrupted,
            updatedAt: date(ffi.updatedAt)
        )
    }
}

extension Credential {
    init(_ ffi: BillfoldFFI.Credential) {
        self.init(
            id: ffi.id,
            credentialIssuer: ffi.credentialIssuer,
            configuration: ffi.configuration,
            format: ffi.format,
            type: CredentialType(ffi.credentialType),
            issuedAt: date(ffi.issuedAt),
            validFrom: ffi.validFrom.map(date),
            expiresAt: ffi.expiresAt.map(date),
            statusLists: ffi.statusLists,
            statusFound: ffi.statusFound.map(StatusFound.init),
            copies: ffi.copies.map(CredentialCopy.init),
            report: Report(ffi.report),
            isQuarantined: ffi.quarantined,
            card: Card(ffi.card)
        )
    }
}

extension CredentialType {
    init(_ ffi: BillfoldFFI.CredentialType) {
        self = switch ffi {
        case .vct(let vct): .vct(vct)
        case .types(let types): .types(types)
        case .doctype(let doctype): .doctype(doctype)
        case .unknown: .unknown
        }
    }

    var ffi: BillfoldFFI.CredentialType {
        switch self {
        case .vct(let vct): .vct(vct: vct)
        case .types(let types): .types(types: types)
        case .doctype(let doctype): .doctype(doctype: doctype)
        case .unknown: .unknown
        }
    }
}

extension CredentialCopy {
    init(_ ffi: BillfoldFFI.CredentialCopy) {
        self.init(
            raw: ffi.raw, keyHandle: ffi.keyHandle, isKeyMissing: ffi.keyMissing, uses: Int(ffi.uses),
            lastUsedAt: ffi.lastUsedAt.map(date)
        )
    }
}

extension PathStep {
    init(_ ffi: BillfoldFFI.PathStep) {
        self = switch ffi {
        case .key(let name): .key(name)
        case .index(let index): .index(Int(clamping: index))
        case .all: .all
        }
    }

    var ffi: BillfoldFFI.PathStep {
        switch self {
        case .key(let name): .key(name: name)
        // Below zero there is nothing to be found, as with the largest.
        case .index(let index): .index(index: UInt64(exactly: index) ?? .max)
        case .all: .all
        }
    }
}

extension Report {
    init(_ ffi: BillfoldFFI.Report) {
        self.init(
            checks: ffi.checks.map {
                Check(kind: CheckKind($0.kind), outcome: CheckOutcome($0.outcome), detail: $0.detail)
            },
            verdict: Verdict(ffi.verdict)
        )
    }
}

extension CheckOutcome {
    init(_ ffi: BillfoldFFI.CheckOutcome) {
        self = switch ffi {
        case .passed: .passed
        case .failed: .failed
        case .unknown(let reason): .unknown(Reason(reason))
        case .skipped(let reason): .skipped(Reason(reason))
        }
    }
}

/// Seconds since 1970 as a date; what is beyond the calendar's range becomes its end.
func date(_ seconds: Int64) -> Date {
    let seconds = Double(seconds)
    return min(max(Date(timeIntervalSince1970: seconds), .distantPast), .distantFuture)
}
