import Foundation

internal import BillfoldFFI

// What the app brings, as the native library wants it (the wallet provider has a file of its own). Everything
// thrown is caught here and becomes one of the errors that can cross.

/// The app's keys.
final class KeysToFFI: BillfoldFFI.HolderKeys {
    private let keys: any HolderKeys
    private let border: Border

    init(keys: any HolderKeys, border: Border) {
        self.keys = keys
        self.border = border
    }

    func algorithms() throws -> [BillfoldFFI.Algorithm] {
        keys.algorithms.map(\.ffi)
    }

    func create(
        algorithm: BillfoldFFI.Algorithm, purpose: BillfoldFFI.KeyPurpose, count: UInt32
    ) async throws -> [BillfoldFFI.HolderKey] {
        try await guarded {
            try await keys.create(algorithm: Algorithm(algorithm), purpose: KeyPurpose(purpose), count: Int(count))
                .map(\.ffi)
        }
    }

    func sign(requests: [BillfoldFFI.SignRequest]) async throws -> [Data] {
        try await guarded {
            try await keys.sign(requests.map {
                SignRequest(handle: $0.handle, algorithm: Algorithm($0.algorithm), payload: $0.payload)
            })
        }
    }

    func delete(handles: [String]) async throws {
        try await guarded { try await keys.delete(handles) }
    }

    func find(handles: [String]) async throws -> [BillfoldFFI.HolderKey?] {
        try await guarded { try await keys.find(handles).map { $0?.ffi } }
    }

    private func guarded<T>(_ body: () async throws -> T) async throws -> T {
        do {
            return try await body()
        } catch {
            let (kind, detail) = if let error = error as? KeyError {
                (error.kind.ffi, error.detail)
            } else {
                (BillfoldFFI.KeyErrorKind.failed, "the app's key store threw \(name(of: error))")
            }
            border.remember(detail, error)
            throw BillfoldFFI.KeyError.Failed(kind: kind, detail: detail)
        }
    }
}

extension HolderKey {
    fileprivate var ffi: BillfoldFFI.HolderKey {
        BillfoldFFI.HolderKey(
            handle: handle, algorithm: algorithm.ffi, publicKey: publicKey, certificates: certificates
        )
    }
}

/// The app's transport.
final class TransportToFFI: BillfoldFFI.HttpTransport {
    private let http: any HttpTransport
    private let border: Border

    init(http: any HttpTransport, border: Border) {
        self.http = http
        self.border = border
    }

    func send(request: BillfoldFFI.HttpRequest, limits: BillfoldFFI.HttpLimits) async throws -> BillfoldFFI.HttpResponse {
        do {
            guard let url = URL(ffi: request.url) else {
                throw TransportError(.other, maybeSent: false, "the platform can't read the address")
            }
            let response = try await http.send(
                HttpRequest(
                    method: request.method, url: url,
                    headers: request.headers.map { HttpHeader($0.name, $0.value) }, body: request.body
                ),
                limits: HttpLimits(
                    maxBodyBytes: Int(clamping: limits.maxBodyBytes),
                    connectTimeout: Double(limits.connectTimeoutMs) / 1000,
                    totalTimeout: Double(limits.totalTimeoutMs) / 1000,
                    publicAddressesOnly: limits.publicAddressesOnly
                )
            )
            return BillfoldFFI.HttpResponse(
                status: UInt16(clamping: response.status),
                headers: response.headers.map { BillfoldFFI.HttpHeader(name: $0.name, value: $0.value) },
                body: response.body
            )
        } catch {
            let (kind, maybeSent, detail) = if let error = error as? TransportError {
                (error.kind.ffi, error.maybeSent, error.detail)
            } else {
                (BillfoldFFI.TransportErrorKind.other, true, "the app's HTTP transport threw \(name(of: error))")
            }
            border.remember(detail, error)
            throw BillfoldFFI.TransportError.Failed(kind: kind, maybeSent: maybeSent, detail: detail)
        }
    }
}

/// The app's secrets.
final class SecretsToFFI: BillfoldFFI.SecretStore {
    private let secrets: any SecretStore
    private let border: Border

    init(secrets: any SecretStore, border: Border) {
        self.secrets = secrets
        self.border = border
    }

    func put(name: String, secret: Data) async throws {
        try await guarded { try await secrets.put(name, secret: secret) }
    }

    func get(name: String) async throws -> Data? {
        try await guarded { try await secrets.get(name) }
    }

    func remove(name: String) async throws {
        try await guarded { try await secrets.remove(name) }
    }

    private func guarded<T>(_ body: () async throws -> T) async throws -> T {
        do {
            return try await body()
        } catch {
            let detail = (error as? SecretError)?.detail
                ?? "the app's secret store threw \(name(of: error))"
            border.remember(detail, error)
            throw BillfoldFFI.SecretError.Failed(detail: detail)
        }
    }
}

/// The app's log.
final class LogToFFI: BillfoldFFI.LogSink {
    private let sink: LogSink

    init(sink: @escaping LogSink) {
        self.sink = sink
    }

    func log(level: BillfoldFFI.LogLevel, target: String, text: String) {
        sink(LogLevel(level), target, text)
    }
}
