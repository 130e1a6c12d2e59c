package dev.billfold

import java.time.Instant

/**
 * Which credentials [Billfold.find] looks for. What is empty or `null` asks for nothing.
 *
 * @property formats in one of these formats, such as `dc+sd-jwt`.
 * @property types of one of these types: a `vct`, a `doctype`, or one of the types of a W3C credential.
 * @property issuers from one of these credential issuers.
 * @property expiresBefore that stop being valid before then. One that does not say when it stops is none of them.
 * @property expiresAfter that are still valid then, or do not say when they stop.
 * @property isQuarantined put aside, or not.
 * @property after those that came after this one: [CredentialPage.next] of the page before.
 * @property limit at most so many.
 */
public data class CredentialQuery(
    public val formats: List<String> = emptyList(),
    public val types: List<String> = emptyList(),
    public val issuers: List<String> = emptyList(),
    public val expiresBefore: Instant? = null,
    public val expiresAfter: Instant? = null,
    public val isQuarantined: Boolean? = null,
    public val after: String? = null,
    public val limit: Int = 50,
) {
    init {
        require(limit > 0) { "limit has to be above zero" }
    }
}

/**
 * A part of the credentials that a query asks for.
 *
 * @property credentials the credentials, in the order in which they came.
 * @property next what [CredentialQuery.after] has to be to go on; `null` on the last page.
 * @property unreadable the ids of those whose records can't be read; nobody knows whether they are among the ones
 *   asked for. They are kept, and can be forgotten.
 */
public data class CredentialPage(
    public val credentials: List<Credential>,
    public val next: String?,
    public val unreadable: List<String>,
)

/**
 * A copy of a credential that was taken to be shown.
 *
 * @property copy the copy, this use counted: for one that was never used before, [CredentialCopy.uses] is 1.
 * @property unused how many copies are left that were never used. With none left, the next one taken was shown
 *   before, and who sees both can tell that it is the same holder: time for [Billfold.refresh].
 */
public data class TakenCopy(
    public val copy: CredentialCopy,
    public val unused: Int,
)

/**
 * What [Billfold.importBackup] did, by the ids of credentials.
 *
 * @property added credentials that the wallet did not have.
 * @property replaced credentials that the wallet had, and could use or read less well than what the backup has.
 * @property known credentials that the wallet had. They stay as they are.
 * @property withoutKey those among the added and replaced ones whose keys are not on this device. They can be looked
 *   at, and [Billfold.refresh] gets them anew, with new keys.
 */
public data class ImportedBackup(
    public val added: List<String>,
    public val replaced: List<String>,
    public val known: List<String>,
    public val withoutKey: List<String>,
)

/**
 * What [Billfold.changeStoreKey] did.
 *
 * @property records how many records are sealed with the new key.
 * @property unreadable how many did not open with the old one. They are damaged, and stay as they are.
 */
public data class KeyChanged(
    public val records: Long,
    public val unreadable: Long,
)
