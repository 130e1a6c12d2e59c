import Foundation
@testable import Billfold

/// A server that answers with octets as they are, a connection each, and remembers what it was asked.
final class RawServer: Sendable {
    let base: String
    private let socket: Int32
    private let asked = Locked<[String]>([])
    private let isStopped = Locked(false)
    private let ended = DispatchSemaphore(value: 0)
    private let answer: @Sendable (String) -> Data?

    /// The requests so far: head and body as text.
    var requests: [String] { asked.with { $0 } }

    /// - Parameter answer: what to send for a request; `nil` leaves the connection open and silent.
    init(_ answer: @escaping @Sendable (_ request: String) -> Data?) throws {
        #if canImport(Glibc)
        let stream = Int32(SOCK_STREAM.rawValue)
        #else
        let stream = SOCK_STREAM
        #endif
        let listener = Foundation.socket(AF_INET, stream, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let port: UInt16? = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                guard bind(listener, raw, length) == 0, listen(listener, 16) == 0,
                    getsockname(listener, raw, &length) == 0
                else { return nil }
                return raw.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { UInt16(bigEndian: $0.pointee.sin_port) }
            }
        }
        guard let port else { throw Trouble("no port to listen at: \(errno)") }
        base = "http://127.0.0.1:\(port)"
        self.socket = listener
        self.answer = answer
        Thread.detachNewThread { self.serve() }
    }

    /// Ends the listening; connections that are open end with the process.
    func stop() {
        isStopped.with { $0 = true }
        ended.wait()
    }

    /// The socket is closed by who listens at it: its number may be another's at once.
    private func serve() {
        while !isStopped.with({ $0 }) {
            var event = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            if poll(&event, 1, 20) <= 0 { continue }
            let connection = accept(socket, nil, nil)
            if connection >= 0 { Thread.detachNewThread { self.serve(connection) } }
        }
        close(socket)
        ended.signal()
    }

    private func serve(_ connection: Int32) {
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 65536)
        while !isComplete(text) {
            let count = recv(connection, &buffer, buffer.count, 0)
            if count <= 0 {
                close(connection)
                return
            }
            text += String(decoding: buffer[0..<count], as: UTF8.self)
        }
        asked.with { $0.append(text) }
        guard let data = answer(text) else { return }
        var octets = [UInt8](data)[...]
        while !octets.isEmpty {
            let sent = octets.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, noSignal) }
            if sent <= 0 { break }
            octets = octets.dropFirst(sent)
        }
        close(connection)
    }

    private func isComplete(_ text: String) -> Bool {
        // The first octet of a TLS handshake, which gets its answer in plain text.
        if text.hasPrefix("\u{16}") { return true }
        guard let end = text.range(of: "\r\n\r\n") else { return false }
        let head = text[..<end.lowerBound].lowercased()
        guard let field = head.range(of: "content-length: ") else { return true }
        let length = Int(head[field.upperBound...].prefix { $0.isNumber }) ?? 0
        return text[end.upperBound...].utf8.count >= length
    }

    private var noSignal: Int32 {
        #if canImport(Glibc)
        Int32(MSG_NOSIGNAL)
        #else
        0
        #endif
    }
}
