import Foundation

internal import BillfoldFFI

/// One issuance, from the offer to the stored credential.
///
/// Every function goes as far as it can and gives the next ``Step``. A call that does not fit the step
/// throws ``BillfoldError`` of the kind ``ErrorKind/wrongStep`` and changes nothing. The issuance is stored
/// all the time, so this object can be dropped and had again by ``Billfold/resume(_:)``; see ``Billfold``
/// about cancellation.
public final class Issuance: Sendable {
    /// Its name in the store, for ``Billfold/resume(_:)``. Says nothing about its content.
    public let id: String

    /// What is offered, by whom, and what it takes.
    public let offer: Offer

    private let ffi: Locked<BillfoldFFI.Issuance?>
    private let border: Border

    init(_ ffi: BillfoldFFI.Issuance, border: Border) {
        id = ffi.id()
        offer = Offer(ffi.offer())
        self.ffi = Locked(ffi)
        self.border = border
    }

    deinit {
        // A task that has just ended may still keep the box, for a moment: not the native object in it.
        close()
    }

    /// Where it stands.
    ///
    /// - Throws: ``BillfoldError``
    public func step() async throws -> Step {
        try await next { try await $0.step() }
    }

    /// The user said yes.
    ///
    /// - Parameter options: what to take of the offer, and how; everything when `nil`.
    /// - Throws: ``BillfoldError``
    public func accept(_ options: AcceptOptions? = nil) async throws -> Step {
        let options = options?.ffi
        return try await next { try await $0.accept(options: options) }
    }

    /// The user typed the transaction code. A refused one throws an error with the advice
    /// ``Advice/askCodeAgain``, and the step stays ``Step/enterCode(_:)`` while more may be tried.
    ///
    /// - Throws: ``BillfoldError``
    public func submitCode(_ code: String) async throws -> Step {
        try await next { try await $0.submitCode(txCode: code) }
    }

    /// The browser came back.
    ///
    /// - Parameter redirectURL: the whole address that it was sent to.
    /// - Throws: ``BillfoldError``
    public func submitRedirect(_ redirectURL: URL) async throws -> Step {
        try await next { try await $0.submitRedirect(redirectUrl: redirectURL.absoluteString) }
    }

    /// Asks the issuer whether a credential is ready that it needed time for.
    ///
    /// - Throws: ``BillfoldError``
    public func poll() async throws -> Step {
        try await next { try await $0.poll() }
    }

    /// Goes on after an error that can be retried, or after ``Billfold/resume(_:)``. Where it waits for
    /// somebody, it only gives the step.
    ///
    /// - Throws: ``BillfoldError``
    public func proceed() async throws -> Step {
        try await next { try await $0.proceed() }
    }

    /// The user said no at ``Step/review``. Nothing was spent; the offer can be opened again.
    ///
    /// - Throws: ``BillfoldError``
    public func decline() async throws {
        try await call { try await $0.decline() }
    }

    /// Gives up at a later step. Keys that were made for it are deleted.
    ///
    /// - Throws: ``BillfoldError``
    public func cancel() async throws {
        try await call { try await $0.cancel() }
    }

    /// In what the issuer departs from OpenID4VCI 1.0, as far as it showed; empty from one that is by the book. For
    /// integrators, who may want to know before the issuer mends its ways.
    ///
    /// - Throws: ``BillfoldError``
    public func tolerated() async throws -> [Tolerance] {
        try await call { try await $0.tolerated().map(Tolerance.init) }
    }

    /// How the issuer is spoken to, and why: for integrators.
    ///
    /// - Throws: ``BillfoldError``
    public func dialect() async throws -> DialectReport {
        try await call { DialectReport(try await $0.dialect()) }
    }

    /// Every request and answer so far, one a line, without anything secret: what a bug report needs.
    ///
    /// - Throws: ``BillfoldError``
    public func transcript() async throws -> String {
        try await call { try await $0.transcript() }
    }

    /// Part of ``Billfold/close()``: the native object goes when the calls that run on it have ended.
    func close() {
        ffi.with { $0 = nil }
    }

    private func next(_ body: @escaping @Sendable (BillfoldFFI.Issuance) async throws -> BillfoldFFI.Step) async throws -> Step {
        let id = self.id
        return try await call { issuance in
            let step = try await body(issuance)
            guard let known = Step(step) else {
                throw BillfoldError(
                    internal: "the native library is newer than this one and is in a step that it does not know",
                    session: id
                )
            }
            return known
        }
    }

    private func call<T: Sendable>(_ body: @escaping @Sendable (BillfoldFFI.Issuance) async throws -> T) async throws -> T {
        // Whoever waits keeps the object, the task itself must not; see `deinit`.
        defer { withExtendedLifetime(self) {} }
        let ffi = self.ffi
        return try await border.cross {
            guard let issuance = ffi.with({ $0 }) else { throw BillfoldError.closed }
            return try await body(issuance)
        }
    }
}

extension Issuance: CustomStringConvertible {
    /// Names the issuance by its id.
    public var description: String { "Issuance(\(id))" }
}

/// What to take of an offer, and how.
public struct AcceptOptions: Sendable, Hashable {
    /// Which of the offered configurations; all when `nil`.
    public var configurations: [String]?

    /// By which grant; the one with the least work for the user when `nil`.
    public var grant: GrantType?

    /// How the authorization request names what is wanted.
    public var requestBy: RequestBy

    /// How many copies of each credential, each with a key of its own; one when `nil`. At most the
    /// issuer's batch size.
    public var copies: Int?

    /// Whether credential requests and answers are encrypted.
    public var encryption: Encryption

    /// The rules to hold this issuance to; the wallet's own when `nil`.
    public var profile: Profile?

    /// Which claims of a configuration are wanted, by the configuration's id; all that the issuer gives of what is
    /// not in here.
    public var claims: [String: [RequestedClaim]]

    /// Whether to take credentials of formats that can't be verified, too. They are kept as they came, and put aside:
    /// for an app that knows such a format.
    public var unverifiedFormats: Bool

    /// Parameters to add to the authorization request, for servers with ways of their own, such as a user's name that
    /// they want beforehand. One that OAuth or OpenID4VCI gives a meaning to is refused.
    public var authorizationParameters: [String: String]

    /// Every option, each with its default.
    public init(
        configurations: [String]? = nil,
        grant: GrantType? = nil,
        requestBy: RequestBy = .auto,
        copies: Int? = nil,
        encryption: Encryption = .auto,
        profile: Profile? = nil,
        claims: [String: [RequestedClaim]] = [:],
        unverifiedFormats: Bool = false,
        authorizationParameters: [String: String] = [:]
    ) {
        self.configurations = configurations
        self.grant = grant
        self.requestBy = requestBy
        self.copies = copies
        self.encryption = encryption
        self.profile = profile
        self.claims = claims
        self.unverifiedFormats = unverifiedFormats
        self.authorizationParameters = authorizationParameters
    }
}

/// Whether credential requests and answers are encrypted, beyond TLS.
public enum Encryption: Sendable, Hashable, CaseIterable {
    /// What the issuer requires.
    case auto
    /// Both directions, or not at all: an error from an issuer that does not offer both.
    case always
    /// Nothing: an error from an issuer that wants it.
    case never
}

/// A claim that is wanted.
public struct RequestedClaim: Sendable, Hashable {
    /// Where it is in the credential.
    public let path: [PathStep]

    /// Whether the credential is of no use without it: then the issuer does not issue it without.
    public let isMandatory: Bool

    /// By its path.
    public init(path: [PathStep], isMandatory: Bool = false) {
        self.path = path
        self.isMandatory = isMandatory
    }

    /// By the names of objects' members, from the outermost.
    public init(_ names: String..., isMandatory: Bool = false) {
        self.init(path: names.map(PathStep.key), isMandatory: isMandatory)
    }
}

/// How the authorization request names what is wanted.
public enum RequestBy: Sendable, Hashable, CaseIterable {
    /// As the servers' metadata suggests.
    case auto
    /// By `scope`.
    case scope
    /// By `authorization_details`.
    case details
}

/// An issuance that has not ended.
public struct PendingIssuance: Sendable, Hashable, Identifiable {
    /// What ``Billfold/resume(_:)`` takes.
    public let id: String

    /// The credential issuer identifier.
    public let credentialIssuer: String

    /// The name to show.
    public let issuerName: String

    /// The names of what is being issued.
    public let titles: [String]

    /// Where it stands.
    public let step: Step

    /// When it last moved.
    public let updatedAt: Date
}
