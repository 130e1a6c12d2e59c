import Foundation
import XCTest

/// The public declarations are the committed ones of `bindings/api`. A change there is a change for every
/// app: look at it, then `BILLFOLD_API_UPDATE=1 cargo xtask test swift` writes the file anew.
///
/// They are read from the sources, so that what only Apple's systems compile is among them.
final class APITests: XCTestCase {
    func testThePublicDeclarationsAreTheCommittedOnes() throws {
        let found = try declarations().map(\.text).joined(separator: "\n") + "\n"
        let file = Tree.root.appendingPathComponent("bindings/api/swift.txt")
        if ProcessInfo.processInfo.environment["BILLFOLD_API_UPDATE"] == "1" {
            try found.write(to: file, atomically: true, encoding: .utf8)
        }
        let committed = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        XCTAssertEqual(found, committed, "bindings/api/swift.txt no longer fits; APITests says how to write it anew")
        // What has to be there whatever the reader below makes of the sources.
        for part in [
            "public final class Billfold: Sendable\n", "    func sign(_ requests: [SignRequest]) async throws -> [Data]\n",
            "    case done(credentials: [String], failures: [Failure])\n", "public final class SecureEnclaveKeys: HolderKeys\n",
            "extension HttpHeader: CustomStringConvertible", "        case forbiddenAddress\n",
        ] {
            XCTAssertTrue(found.contains(part), part)
        }
        XCTAssertTrue(found.contains("extension WalletProvider\n    public func clientAttestation("))
        for part in ["private", "Locked", "internal ", "Border", "FFI"] {
            XCTAssertFalse(found.contains(part), part)
        }
    }

    func testEveryPublicDeclarationIsExplained() throws {
        let bare = try declarations().filter { !$0.isExplained && !$0.text.hasPrefix("extension ") }.map(\.text)
        XCTAssertEqual(bare, [])
    }

    private struct Declaration {
        let text: String
        let isExplained: Bool
    }

    private enum Scope {
        case enumeration, other, requirements, hidden
    }

    private func declarations() throws -> [Declaration] {
        try Tree.sources("ios/Sources/Billfold")
            .filter { !$0.path.contains("/Internal/") }
            .flatMap { try read(String(contentsOf: $0, encoding: .utf8)) }
    }

    /// Reads what the project's own layout allows: one declaration begins a line, and a body's closing brace
    /// stands where its declaration began.
    private func read(_ source: String) -> [Declaration] {
        var found: [Declaration] = []
        var scopes: [Scope] = []
        var isExplained = false
        var pending = ""
        for line in source.components(separatedBy: "\n") {
            let text = line.trimmingCharacters(in: .whitespaces)
            if text.hasPrefix("///") {
                isExplained = true
                continue
            }
            if text.isEmpty || text.hasPrefix("//") || text.hasPrefix("#") || text.hasPrefix("@") { continue }
            pending += pending.isEmpty ? text : " " + text
            let bare = pending.replacingOccurrences(of: "\"[^\"]*\"", with: "\"\"", options: .regularExpression)
            if balance(bare, "(", ")") > 0 { continue }

            let depth = scopes.count
            let opened = balance(bare, "{", "}")
            let signature = self.signature(pending, keepsBody: scopes.last == .requirements)
            let isPublic = scopes.last != .hidden
                && (pending.hasPrefix("public ")
                    || pending.hasPrefix("extension ")
                    || scopes.last == .enumeration && pending.hasPrefix("case ")
                    || scopes.last == .requirements && (pending.hasPrefix("func ") || pending.hasPrefix("var ")))
            if isPublic {
                found.append(
                    Declaration(text: String(repeating: "    ", count: depth) + signature, isExplained: isExplained)
                )
            }
            if opened > 0 {
                scopes.append(isPublic ? scope(signature) : .hidden)
                scopes += Array(repeating: .hidden, count: opened - 1)
            } else if opened < 0 {
                scopes.removeLast(min(-opened, scopes.count))
            }
            pending = ""
            isExplained = false
        }
        return found
    }

    private func scope(_ signature: String) -> Scope {
        if signature.hasPrefix("public enum ") { return .enumeration }
        if signature.hasPrefix("public protocol ") { return .requirements }
        let isType = ["extension ", "public struct ", "public final class ", "public class ", "public actor "]
            .contains { signature.hasPrefix($0) }
        return isType ? .other : .hidden
    }

    /// The declaration without its body. Braces inside parentheses belong to a default value.
    private func signature(_ text: String, keepsBody: Bool) -> String {
        if keepsBody { return text }
        var depth = 0
        for (index, character) in zip(text.indices, text) {
            switch character {
            case "(": depth += 1
            case ")": depth -= 1
            case "{" where depth == 0: return text[..<index].trimmingCharacters(in: .whitespaces)
            default: break
            }
        }
        return text
    }

    private func balance(_ text: String, _ open: Character, _ close: Character) -> Int {
        text.reduce(0) { $0 + ($1 == open ? 1 : $1 == close ? -1 : 0) }
    }
}
