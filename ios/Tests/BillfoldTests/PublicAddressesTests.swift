import Foundation
import XCTest
@testable import Billfold

/// Which addresses a wallet may be sent to by an issuer.
final class PublicAddressesTests: XCTestCase {
    private func isPublic(_ text: String) throws -> Bool {
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            return PublicAddresses.isPublic(withUnsafeBytes(of: four) { Array($0) })
        }
        var six = in6_addr()
        guard inet_pton(AF_INET6, text, &six) == 1 else { throw Trouble("no address: \(text)") }
        return PublicAddresses.isPublic(withUnsafeBytes(of: six) { Array($0) })
    }

    func testPublic() throws {
        for address in [
            "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1", "192.0.1.1",
            "198.17.0.1", "198.20.0.1", "223.255.255.255", "2606:4700::1111", "2a00::1", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1",
            "2002:0101:0101::1",
        ] {
            XCTAssertTrue(try isPublic(address), address)
        }
    }

    func testNotPublic() throws {
        for address in [
            "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.255", "169.254.169.254", "172.16.0.1",
            "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.7",
            "203.0.113.7", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
            "::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1::1", "2002:7f00:1::1", "2001::1", "2001:db8::1", "3fff::1",
            "fc00::1", "fd12::1", "fe80::1", "fec0::1", "ff02::1", "100::1",
        ] {
            XCTAssertFalse(try isPublic(address), address)
        }
    }
}
