//! What `--help` prints.

/// The help text.
pub(crate) const HELP: &str = "\
billfold's wallet in a shell: receives credentials over OpenID4VCI.

USAGE
  wallet [GLOBAL] COMMAND          (cargo run --example wallet -- [GLOBAL] COMMAND)

RECEIVE
  accept [OFFER]          take what an offer offers. OFFER is a link, `-` for a link on
                          standard input, or a PNG with the link's QR code.
                          Without OFFER: a demonstration with an issuer of its own (needs --dev)
  start ISSUER --configuration ID   begin without an offer
  resume REDIRECT_URL|SESSION       go on with an issuance, also in a new process
    --tx-code CODE                  the transaction code, if the issuer gave one
    --configuration ID              only this one of the offered (repeatable)
    --grant code|pre-authorized     which grant, if there is a choice
    --request auto|scope|details    how the code grant asks for the credential
    --encrypt auto|always|never     whether requests and answers are encrypted (auto: as the
                                    issuer requires)
    --claim ID=PATH                 only this claim of a configuration (repeatable), as in
                                    ID=address.city; * stands for all elements of an array
    --copies N                      how many copies, each with a key of its own
    --authorization-parameter NAME=VALUE
                                    one more parameter for the sign-in, which some servers want
                                    (repeatable), as in subject_id=erika
    --no-wait                       stop where a person or time is needed, with exit 3
  pending                 issuances that have not ended
  poll [SESSION]          ask for credentials that were not ready
  flush                   tell issuers what they are still to be told
  inspect OFFER           what an offer offers and what `accept` with the same options would use,
                          without taking it; with --verbose also how this issuer is spoken to:
                          what was seen of its dialect, and what follows from it
  qr OFFER [--out FILE]   the offer as a QR code, here or in a FILE.svg or FILE.png

KEEP
  list                    stored credentials
  show ID [--html FILE]   card and report of one, also as a page; the start of an ID is enough
  export ID               one exactly as it was received
  recheck ID              check one again
  refresh ID              get it anew from its issuer, in the place of the old one
    --request, --authorization-parameter, --no-wait
                                    as above, if the user has to sign in again
  forget ID               delete one with its keys
  backup FILE             all of them in a new file, sealed with a passphrase, without keys
  restore FILE            those that are not here yet; `refresh` gets new keys for them
                          (the passphrase is in BILLFOLD_PASSPHRASE, or a line of standard input)

CHECK
  verify FILE|- --format FORMAT     check a credential from anywhere: dc+sd-jwt, vc+sd-jwt,
                          jwt_vc_json, jwt_vc_json-ld, ldp_vc or mso_mdoc (CBOR or base64url).
                          Ends with 0 if it may be used, also with warnings, and with 1 if not
    --issuer-key JWK                the issuer's keys: a JWK or JWK Set, or a file with one
    --holder-key JWK                the key that it has to be bound to
    --at TIME                       check for this time: RFC 3339, a day, or seconds since 1970
    --type TYPE                     the type that it has to have; of W3C credentials all, by commas
    --online                        fetch what it refers to: issuers' keys, status lists
    --trust, --policy, --profile, --did-resolver
                                    as below; status=require makes an unknown status fail

GLOBAL
  --store DIR             where everything is kept (default: a folder for your user)
  --json                  one JSON object a line on standard output, nothing else
  --dev                   allow http on this machine's own addresses
  --client-id ID          the name the wallet is known by (default billfold-wallet)
  --redirect-uri URI      where sign-ins return to (default: a free port of this machine)
  --key es256|es384|eddsa|es256k         the only algorithm for new keys
  --binding auto|jwk|did:key|did:jwk|did:prism|x5c
                          how keys are named in proofs (did:prism: keys for es256k only;
                          x5c: by certificates that the attester below issues)
  --assume-jwt-proofs     send proofs to issuers that do not say which ones they take
  --trust FILE.pem        accept only issuers below these certificates
  --policy KIND=require|warn|off         what becomes of a check (repeatable)
  --did-resolver URL      who resolves issuers' DIDs that the wallet can't: GET URL/DID gives
                          the DID document, as universal resolvers do
  --ca FILE.pem           one more root certificate for TLS
  --signed-metadata ignore|prefer|require     what to do about metadata that issuers sign
  --metadata-trust FILE.pem              who may sign it (default: as --trust)
  --profile base|haip     rules to hold issuers to
  --strict                OpenID4VCI 1.0 only: no drafts, no departures (haip implies it)
  --client-auth none|private_key_jwt|attestation
                          how the wallet can authenticate itself, where a server wants that:
    --client-key FILE               by its own private key, a JWK or PEM
    --attester-key FILE, --attester-cert FILE.pem
                                    by attestations made on the spot with this private key;
                                    they vouch for the keys of credentials too
    --attester-issuer URI           as whom the attester speaks
    --attestation-version 7|8       the draft that servers follow (default 7)
  --locale TAG            the language of cards, as de-CH (default: that of your surroundings)
  --browser COMMAND       run this with the sign-in address as its last word
  --timeout SECONDS       how long to wait for a sign-in or a late credential (default 300)
  --verbose               what was said on the wire, without secrets, on standard error, and in
                          what the issuer departs from OpenID4VCI 1.0
  --help, --version

EXIT
  0 done   1 failed, or a credential was put aside   2 wrong usage   3 more to do
";
