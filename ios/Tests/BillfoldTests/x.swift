import XCTest
@testable import Billfold
final class X: XCTestCase { func testX() { XCTAssertFalse(Billfold.version.isEmpty) } }
