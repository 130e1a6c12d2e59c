import Foundation
import XCTest
@testable import Billfold

/// What can be done with credentials that a wallet has.
final class KeepingTests: WalletTestCase {
    private let passphrase = "correct horse battery staple"

    private func received(_ wallet: Billfold, _ format: String = TestIssuer.sdJwt, copies: Int? = nil) async throws -> String {
        let issuance = try await wallet.openOffer(try await issuer.offer(format: format).link)
        return try one(try await issuance.accept(AcceptOptions(copies: copies)))
    }

    func testCredentialsAreFoundPageByPage() async throws {
        let wallet = try await wallet()
        let none = try await wallet.find()
        XCTAssertEqual(none, CredentialPage(credentials: [], next: nil, unreadable: []))
        var ids: [String] = []
        for format in [TestIssuer.sdJwt, TestIssuer.jwtVc, TestIssuer.sdJwt] {
            ids.append(try await received(wallet, format))
        }
        let first = try await wallet.find(CredentialQuery(limit: 2))
        XCTAssertEqual(first.credentials.map(\.id), Array(ids.prefix(2)))
        XCTAssertEqual(first.next, ids[1])
        let rest = try await wallet.find(CredentialQuery(after: first.next, limit: 2))
        XCTAssertEqual(rest.credentials.map(\.id), [ids[2]])
        XCTAssertNil(rest.next)

        guard case .vct(let vct) = try await wallet.credential(ids[0]).type else { return XCTFail("no vct") }
        for (query, expected) in [
            (CredentialQuery(formats: [TestIssuer.jwtVc]), [ids[1]]), (CredentialQuery(types: [vct]), [ids[0], ids[2]]),
            (CredentialQuery(issuers: [issuer.base]), ids), (CredentialQuery(issuers: ["https://other.example"]), []),
            (CredentialQuery(isQuarantined: true), []), (CredentialQuery(expiresBefore: Date()), []),
            (CredentialQuery(expiresAfter: Date(), isQuarantined: false), ids),
            (CredentialQuery(expiresAfter: .distantFuture), []), (CredentialQuery(limit: -1), [ids[0]]),
        ] {
            let found = try await wallet.find(query)
            XCTAssertEqual(found.credentials.map(\.id), expected, "\(query)")
        }
        let error = try await refused(.unsupported) { try await wallet.find(CredentialQuery(issuers: ["?"])) }
        XCTAssertEqual(error.code, "setup_invalid")
    }

    func testCopiesAreTakenByTurns() async throws {
        let wallet = try await wallet()
        let id = try await received(wallet, copies: 2)
        var taken: [TakenCopy] = []
        for _ in 0..<3 { taken.append(try await wallet.takeCopy(id)) }
        XCTAssertEqual(taken.map(\.copy.uses), [1, 1, 2])
        XCTAssertEqual(taken.map(\.unused), [1, 0, 0])
        XCTAssertNotEqual(taken[0].copy.keyHandle, taken[1].copy.keyHandle)
        XCTAssertEqual(taken[0].copy.raw, taken[2].copy.raw)
        XCTAssertNotNil(taken[2].copy.lastUsedAt)
        let credential = try await wallet.credential(id)
        XCTAssertEqual(Set(credential.copies.map(\.uses)), [1, 2])
        let error = try await refused(.wrongStep) { try await wallet.takeCopy("none") }
        XCTAssertEqual(error.code, "credential_unknown")
    }

    func testABackupHasEverythingButKeys() async throws {
        let keys = SodiumKeys()
        let first = try await wallet("first", keys: keys)
        let id = try await received(first)
        let card = try await first.card(id)
        let backup = try await first.exportBackup(passphrase: passphrase)
        first.close()

        // Another device has other keys.
        let passphrase = self.passphrase
        let second = try await wallet("second")
        let wrong = try await refused(.store) { try await second.importBackup(backup, passphrase: "another") }
        XCTAssertEqual(wrong.code, "passphrase_wrong")
        XCTAssertEqual(wrong.advice, .askPassphraseAgain)
        let cut = try await refused(.store) {
            try await second.importBackup(backup.prefix(backup.count / 2), passphrase: passphrase)
        }
        XCTAssertEqual(cut.code, "backup_damaged")
        let imported = try await second.importBackup(backup, passphrase: passphrase)
        XCTAssertEqual(imported, ImportedBackup(added: [id], replaced: [], known: [], withoutKey: [id]))
        let same = try await second.card(id)
        XCTAssertEqual(same, card)
        let copy = try await second.credential(id).copies[0]
        XCTAssertTrue(copy.isKeyMissing)
        XCTAssertNil(copy.keyHandle)
        let missing = try await refused(.keys) { try await second.takeCopy(id) }
        XCTAssertEqual(missing.code, "key_missing")
        XCTAssertEqual(missing.advice, .renew)
        let again = try await second.importBackup(backup, passphrase: passphrase)
        XCTAssertEqual(again.known, [id])

        // The same device has them still.
        let third = try await wallet("third", keys: keys)
        let back = try await third.importBackup(backup, passphrase: passphrase)
        XCTAssertEqual(back, ImportedBackup(added: [id], replaced: [], known: [], withoutKey: []))
        let handle = try await third.takeCopy(id).copy.keyHandle
        XCTAssertTrue(keys.handles().contains(try XCTUnwrap(handle)))
    }

    func testTheKeyOfTheStoreChanges() async throws {
        let secrets = MapSecrets()
        let first = try await wallet(secrets: secrets)
        let id = try await received(first)
        let before = Set(secrets.kept.with { $0 }.values)
        let changed = try await first.changeStoreKey()
        XCTAssertGreaterThan(changed.records, 0)
        XCTAssertEqual(changed.unreadable, 0)
        XCTAssertTrue(before.isDisjoint(with: secrets.kept.with { $0 }.values))
        first.close()
        let second = try await reopen { try await self.wallet(secrets: secrets) }
        let kept = try await second.credentials()
        XCTAssertEqual(kept.map(\.id), [id])

        let own = try await wallet("own", store: MapStore())
        let error = try await refused(.unsupported) { try await own.changeStoreKey() }
        XCTAssertEqual(error.code, "setup_invalid")
    }
}
