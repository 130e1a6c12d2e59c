//! Making credentials: one file a format.

pub(crate) mod jose;
mod jwt_vc;
pub(crate) mod ldp;
mod mdoc;
mod sd_jwt;

use serde_json::{Map, Value, json};
use x509_cert::der::DateTime;

use crate::catalogue::{Configuration, Format};
use crate::certs::Flaw;
use crate::encoding::{b64_standard, random_bytes};
use crate::faults::{Fault, Spoil};
use crate::issuer::Issuer;
use crate::keys::{PrivateKey, PublicKey};
use crate::proof::Holder;
use crate::signers::{Signer, Trouble};
use crate::status::{self, Place};
use crate::wishes::Wishes;

/// Seconds that a credential is valid.
const VALIDITY: i64 = 365 * 24 * 3600;
/// Seconds by which an expired credential missed its end.
const HOUR: i64 = 3600;
/// Characters of a claim that is too large.
const HUGE: usize = 1 << 20;

/// Faults that change a credential, besides the spoils.
const FAULTS: [Fault; 11] = [
    Fault::BadSignature,
    Fault::BadDigest,
    Fault::WrongType,
    Fault::WrongKey,
    Fault::NoKey,
    Fault::ExpiredCredential,
    Fault::FutureCredential,
    Fault::WrongCredentialIssuer,
    Fault::AlgNone,
    Fault::UntrustedChain,
    Fault::TypeMetadataIntegrity,
];

/// The faults of one response, drawn once for all credentials in it.
#[derive(Default)]
pub(crate) struct Mistakes(Vec<Fault>);

impl Mistakes {
    pub(crate) fn draw(issuer: &Issuer) -> Self {
        let spoils = issuer.faults.active().into_iter().filter(|fault| matches!(fault, Fault::Spoil(_)));
        // Those about lists strike when the list is asked for.
        let here = spoils.filter(|fault| !matches!(fault, Fault::Spoil(spoil) if spoil.is_about_lists()));
        let mut mistakes: Vec<Fault> = here.chain(FAULTS).filter(|fault| issuer.faults.strikes(*fault)).collect();
        let lists = issuer.faults.active().into_iter();
        mistakes.extend(lists.filter(|fault| matches!(fault, Fault::Spoil(spoil) if spoil.is_about_lists())));
        Self(mistakes)
    }

    /// What may be wrong about the signature of a status list.
    pub(crate) fn of_list(foreign: bool) -> Self {
        Self(if foreign { vec![Fault::BadSignature] } else { Vec::new() })
    }

    fn has(&self, fault: Fault) -> bool {
        self.0.contains(&fault)
    }

    fn spoils(&self, spoil: Spoil) -> bool {
        self.has(Fault::Spoil(spoil))
    }

    fn need_status(&self) -> bool {
        self.0.iter().any(|fault| matches!(fault, Fault::Spoil(spoil) if spoil.needs_status()))
    }

    fn trouble(&self) -> Option<Trouble> {
        [
            (Fault::UntrustedChain, Trouble::Untrusted),
            (Fault::Spoil(Spoil::MissingChain), Trouble::Missing),
            (Fault::Spoil(Spoil::DisorderedChain), Trouble::Flawed(Flaw::Disordered)),
            (Fault::Spoil(Spoil::ExpiredChain), Trouble::Flawed(Flaw::Expired)),
        ]
        .into_iter()
        .find(|(fault, _)| self.has(*fault))
        .map(|(_, trouble)| trouble)
    }
}

struct Times {
    issued: i64,
    from: i64,
    until: i64,
}

/// One credential that is to be made.
struct Order<'a> {
    issuer: &'a Issuer,
    configuration: &'a Configuration,
    holder: Option<&'a Holder>,
    times: Times,
    signer: Signer,
    status: Option<Place>,
    mistakes: &'a Mistakes,
}

impl Order<'_> {
    /// The holder's public key as a JWK.
    fn holder_jwk(&self) -> Option<Value> {
        let mut jwk = PublicKey::to_jwk(&self.holder?.key);
        if self.mistakes.spoils(Spoil::WrongCurve) {
            jwk["crv"] = json!(if jwk["crv"] == "P-384" { "P-256" } else { "P-384" });
        }
        Some(jwk)
    }

    /// The `cnf` claim: by name if the key came by name.
    fn confirmation(&self) -> Option<Value> {
        let holder = self.holder?;
        Some(match &holder.kid {
            Some(kid) => json!({"kid": kid}),
            None => json!({"jwk": self.holder_jwk()?}),
        })
    }

    /// The type for the W3C formats.
    fn type_name(&self) -> &'static str {
        if self.mistakes.has(Fault::WrongType) {
            "SomethingElseCredential"
        } else {
            self.configuration.kind.type_name()
        }
    }

    /// Claims of the subject that are there only because a fault is on.
    fn add_odd_claims(&self, subject: &mut Map<String, Value>) {
        if self.mistakes.spoils(Spoil::HugeClaim) {
            subject.insert("remarks".into(), json!("x".repeat(HUGE)));
        }
        if self.mistakes.spoils(Spoil::LyingImage) {
            subject.insert("portrait".into(), json!(format!("data:image/png;base64,{}", b64_standard(NO_PICTURE))));
        }
    }
}

/// What stands where a picture should be.
const NO_PICTURE: &str = "<html><script>alert(1)</script></html>";

/// Makes one credential about `subject`, bound to the holder's key if there is one.
pub(crate) fn make(
    issuer: &Issuer,
    configuration: &Configuration,
    subject: Map<String, Value>,
    holder: Option<&Holder>,
    wishes: &Wishes,
    mistakes: &Mistakes,
) -> Value {
    let now = issuer.now();
    let times = if mistakes.has(Fault::ExpiredCredential) {
        Times { issued: now - 2 * HOUR, from: now - 2 * HOUR, until: now - HOUR }
    } else if mistakes.has(Fault::FutureCredential) {
        Times { issued: now, from: now + 24 * HOUR, until: now + VALIDITY }
    } else {
        Times { issued: now, from: now, until: now + VALIDITY }
    };
    let stranger = holder.filter(|_| mistakes.has(Fault::WrongKey)).map(Holder::stranger);
    let status = wishes
        .status
        .or_else(|| mistakes.need_status().then(|| status::usual(configuration.format)))
        .map(|kind| Place::take(issuer, configuration, kind));
    if let Some(place) = &status {
        for (spoil, value) in [(Spoil::Revoked, status::INVALID), (Spoil::Suspended, status::SUSPENDED)] {
            if mistakes.spoils(spoil) {
                issuer.book().statuses.set(place.index, value);
            }
        }
    }
    let order = Order {
        issuer,
        configuration,
        holder: if mistakes.has(Fault::NoKey) { None } else { stranger.as_ref().or(holder) },
        times,
        signer: issuer.signers.pick(configuration, mistakes.has(Fault::WrongCredentialIssuer), mistakes.trouble()),
        status,
        mistakes,
    };
    match configuration.format {
        Format::SdJwtVc | Format::VcSdJwt => json!(sd_jwt::make(&order, subject)),
        Format::JwtVc | Format::JwtVcLd => json!(jwt_vc::make(&order, subject)),
        Format::Mdoc => json!(mdoc::make(&order, &subject)),
        Format::LdpVc => ldp::make(&order, subject),
        Format::Unknown => json!({"claims": subject, "holder": order.holder_jwk(), "until": date(order.times.until)}),
    }
}

fn uuid() -> String {
    let mut bytes = random_bytes::<16>();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// A time as RFC 3339 has it.
pub(crate) fn date(seconds: i64) -> String {
    let since_epoch = std::time::Duration::from_secs(seconds.unsigned_abs());
    DateTime::from_unix_duration(since_epoch).map(|date| date.to_string()).expect("a date of our time")
}

/// Turns one bit.
fn turn_bit(bytes: &mut [u8]) {
    if let Some(byte) = bytes.last_mut() {
        *byte ^= 1;
    }
}

impl Holder {
    /// Someone else of the same kind, for the fault `wrong-key`.
    fn stranger(&self) -> Self {
        let key = PrivateKey::p256().public();
        let kid = self.kid.as_ref().map(|kid| {
            if kid.starts_with("did:jwk:") {
                format!("{}#0", key.did_jwk())
            } else {
                let did = key.did_key();
                format!("{did}#{}", did.trim_start_matches("did:key:"))
            }
        });
        Self { key, kid }
    }

    fn did(&self) -> Option<&str> {
        self.kid.as_ref().and_then(|kid| kid.split('#').next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_rfc_3339() {
        assert_eq!(date(1_700_000_000), "2023-11-14T22:13:20Z");
    }
}
