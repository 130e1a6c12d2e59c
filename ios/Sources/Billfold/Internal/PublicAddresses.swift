import Foundation

/// Which addresses belong to the public internet, and which are private, shared, loopback, link-local,
/// multicast, documentation or reserved ones (RFC 6890), or IPv6 that carries such an IPv4 address.
enum PublicAddresses {
    /// Refuses a host with any address that is not public. Blocks while the name is looked up.
    static func require(host: String) throws {
        let host = host.trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, nil, &list) == 0, let first = list else {
            throw TransportError(.unreachable, maybeSent: false, "the name did not resolve")
        }
        defer { freeaddrinfo(first) }
        for entry in sequence(first: first, next: { $0.pointee.ai_next }) {
            guard let address = octets(of: entry.pointee), isPublic(address) else {
                throw TransportError(
                    .forbiddenAddress, maybeSent: false, "the name leads to an address that is not public"
                )
            }
        }
    }

    /// An IPv4 or IPv6 address by its octets.
    static func isPublic(_ address: [UInt8]) -> Bool {
        switch address.count {
        case 4: isPublicV4(address)
        case 16: isPublicV6(address)
        default: false
        }
    }

    private static func octets(of entry: addrinfo) -> [UInt8]? {
        guard let address = entry.ai_addr else { return nil }
        switch entry.ai_family {
        case AF_INET:
            return address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                withUnsafeBytes(of: $0.pointee.sin_addr) { Array($0) }
            }
        case AF_INET6:
            return address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                withUnsafeBytes(of: $0.pointee.sin6_addr) { Array($0) }
            }
        default:
            return nil
        }
    }

    private static func isPublicV4(_ b: [UInt8]) -> Bool {
        switch (b[0], b[1], b[2]) {
        case (0, _, _), (10, _, _), (127, _, _): false
        case (100, 64...127, _): false
        case (169, 254, _): false
        case (172, 16...31, _): false
        case (192, 168, _), (192, 0, 0), (192, 0, 2), (192, 88, 99): false
        case (198, 18...19, _), (198, 51, 100): false
        case (203, 0, 113): false
        default: b[0] < 224
        }
    }

    private static func isPublicV6(_ b: [UInt8]) -> Bool {
        let words = stride(from: 0, to: 16, by: 2).map { UInt16(b[$0]) << 8 | UInt16(b[$0 + 1]) }
        // IPv4 written as IPv6, what NAT64 makes of names that have IPv4 only, and 6to4.
        if words[0..<5].allSatisfy({ $0 == 0 }) && words[5] == 0xffff { return isPublicV4(Array(b[12...])) }
        if words[0] == 0x64 && words[1] == 0xff9b && words[2..<6].allSatisfy({ $0 == 0 }) {
            return isPublicV4(Array(b[12...]))
        }
        if words[0] == 0x2002 { return isPublicV4(Array(b[2..<6])) }
        // Protocol assignments, and documentation.
        if words[0] == 0x2001 && (words[1] <= 0x1ff || words[1] == 0xdb8) { return false }
        if words[0] == 0x3fff && words[1] <= 0xfff { return false }
        // Only 2000::/3 is given out as global unicast.
        return words[0] & 0xe000 == 0x2000
    }
}
