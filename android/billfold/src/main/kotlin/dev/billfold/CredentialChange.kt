package dev.billfold

/** What became of a credential, as [Billfold.changes] tells it. */
public sealed interface CredentialChange {
    /**
     * It was stored: issued, put aside, or imported.
     *
     * @property id its [Credential.id].
     */
    public data class Added(public val id: String) : CredentialChange

    /**
     * It is another than before: renewed, checked again, or a copy of it was used.
     *
     * @property id its [Credential.id].
     */
    public data class Changed(public val id: String) : CredentialChange

    /**
     * It was forgotten.
     *
     * @property id the [Credential.id] that it had.
     */
    public data class Removed(public val id: String) : CredentialChange

    /** Nothing is known of what was before: read all credentials. What comes after is whole. */
    public data object Missed : CredentialChange
}
