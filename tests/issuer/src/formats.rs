//! Making credentials: SD-JWT VC and JWT VC.

use serde_json::{Map, Value, json};
use x509_cert::der::DateTime;

use crate::catalogue::{Configuration, Format, Kind};
use crate::encoding::{b64, b64_json, random_bytes, random_text, sha256_b64};
use crate::faults::Fault;
use crate::issuer::Issuer;
use crate::keys::{PrivateKey, PublicKey};
use crate::proof::Holder;
use crate::signers::Signer;

/// Seconds that a credential is valid.
const VALIDITY: i64 = 365 * 24 * 3600;
/// Seconds by which an expired credential missed its end.
const HOUR: i64 = 3600;

/// Faults that change a credential.
const FAULTS: [Fault; 10] = [
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
];

/// The faults of one response, drawn once for all credentials in it.
pub(crate) struct Mistakes(Vec<Fault>);

impl Mistakes {
    pub(crate) fn draw(issuer: &Issuer) -> Self {
        Self(FAULTS.into_iter().filter(|fault| issuer.faults.strikes(*fault)).collect())
    }

    fn has(&self, fault: Fault) -> bool {
        self.0.contains(&fault)
    }
}

struct Times {
    issued: i64,
    from: i64,
    until: i64,
}

/// Makes one credential about `subject`, bound to the holder's key if there is one.
pub(crate) fn make(
    issuer: &Issuer,
    configuration: &Configuration,
    subject: Map<String, Value>,
    holder: Option<&Holder>,
    mistakes: &Mistakes,
) -> String {
    let now = issuer.now();
    let times = if mistakes.has(Fault::ExpiredCredential) {
        Times { issued: now - 2 * HOUR, from: now - 2 * HOUR, until: now - HOUR }
    } else if mistakes.has(Fault::FutureCredential) {
        Times { issued: now, from: now + 24 * HOUR, until: now + VALIDITY }
    } else {
        Times { issued: now, from: now, until: now + VALIDITY }
    };
    let stranger = holder.filter(|_| mistakes.has(Fault::WrongKey)).map(Holder::stranger);
    let holder = if mistakes.has(Fault::NoKey) { None } else { stranger.as_ref().or(holder) };
    let other = mistakes.has(Fault::WrongCredentialIssuer).then(|| issuer.other_id());
    let signer = issuer.signers.pick(
        configuration.issuer_key,
        &issuer.id,
        other.as_deref(),
        mistakes.has(Fault::UntrustedChain),
    );
    match configuration.format {
        Format::SdJwtVc => sd_jwt_vc(issuer, configuration, subject, holder, mistakes, &signer, &times),
        Format::JwtVc => jwt_vc(configuration, subject, holder, mistakes, &signer, &times),
    }
}

fn sd_jwt_vc(
    issuer: &Issuer,
    configuration: &Configuration,
    subject: Map<String, Value>,
    holder: Option<&Holder>,
    mistakes: &Mistakes,
    signer: &Signer<'_>,
    times: &Times,
) -> String {
    let mut disclosures = Disclosures::default();
    let mut claims = hide(configuration.kind, subject, &mut disclosures);
    let vct = if mistakes.has(Fault::WrongType) {
        format!("{}/vct/something-else", issuer.id)
    } else {
        configuration.vct(&issuer.id)
    };
    claims.insert("iss".into(), json!(signer.iss));
    claims.insert("vct".into(), json!(vct));
    claims.insert("iat".into(), json!(times.issued));
    claims.insert("nbf".into(), json!(times.from));
    claims.insert("exp".into(), json!(times.until));
    claims.insert("_sd_alg".into(), json!("sha-256"));
    if let Some(holder) = holder {
        claims.insert("cnf".into(), holder.confirmation());
        if let Some(did) = holder.did() {
            claims.insert("sub".into(), json!(did));
        }
    }
    let jwt = sign("dc+sd-jwt", &Value::Object(claims), signer, mistakes);
    if mistakes.has(Fault::BadDigest) {
        disclosures.spoil_first();
    }
    let mut credential = jwt;
    for disclosure in &disclosures.0 {
        credential.push('~');
        credential.push_str(disclosure);
    }
    credential.push('~');
    credential
}

/// Puts some claims behind digests: top-level ones, parts of an object, and an array element.
fn hide(kind: Kind, mut claims: Map<String, Value>, disclosures: &mut Disclosures) -> Map<String, Value> {
    let hidden: &[&str] = match kind {
        Kind::Degree => &["given_name", "family_name", "birthdate"],
        Kind::Student => &["given_name", "family_name"],
    };
    disclosures.hide_members(&mut claims, hidden);
    if let Some(Value::Object(address)) = claims.get_mut("address") {
        disclosures.hide_members(address, &["street_address", "locality"]);
    }
    if let Some(Value::Array(nationalities)) = claims.get_mut("nationalities") {
        disclosures.hide_element(nationalities, 0);
    }
    // One more digest with nothing behind it, so that their number tells nothing.
    if let Some(Value::Array(digests)) = claims.get_mut("_sd") {
        digests.push(json!(b64(random_bytes::<32>())));
        sort(digests);
    }
    claims
}

#[derive(Default)]
struct Disclosures(Vec<String>);

impl Disclosures {
    fn add(&mut self, content: &Value) -> Value {
        let disclosure = b64_json(content);
        let digest = sha256_b64(&disclosure);
        self.0.push(disclosure);
        json!(digest)
    }

    fn hide_members(&mut self, object: &mut Map<String, Value>, names: &[&str]) {
        let mut digests = Vec::new();
        for name in names {
            if let Some(value) = object.remove(*name) {
                digests.push(self.add(&json!([random_text(), name, value])));
            }
        }
        sort(&mut digests);
        object.insert("_sd".into(), Value::Array(digests));
    }

    fn hide_element(&mut self, array: &mut [Value], index: usize) {
        let digest = self.add(&json!([random_text(), array[index]]));
        array[index] = json!({"...": digest});
    }

    /// Replaces the first disclosure, whose digest then fits nothing.
    fn spoil_first(&mut self) {
        if let Some(first) = self.0.first_mut() {
            *first = b64_json(&json!([random_text(), "given_name", "Mallory"]));
        }
    }
}

fn sort(digests: &mut [Value]) {
    digests.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
}

fn jwt_vc(
    configuration: &Configuration,
    mut subject: Map<String, Value>,
    holder: Option<&Holder>,
    mistakes: &Mistakes,
    signer: &Signer<'_>,
    times: &Times,
) -> String {
    let did = holder.and_then(Holder::did);
    if let Some(did) = did {
        subject.insert("id".into(), json!(did));
    }
    let kind = if mistakes.has(Fault::WrongType) { "SomethingElseCredential" } else { configuration.kind.type_name() };
    let mut claims = json!({
        "iss": signer.iss,
        "nbf": times.from,
        "iat": times.issued,
        "exp": times.until,
        "jti": format!("urn:uuid:{}", uuid()),
        "vc": {
            "@context": ["https://www.w3.org/2018/credentials/v1"],
            "type": ["VerifiableCredential", kind],
            "issuer": signer.iss,
            "issuanceDate": date(times.from),
            "expirationDate": date(times.until),
            "credentialSubject": subject,
        },
    });
    if let Some(did) = did {
        claims["sub"] = json!(did);
    } else if let Some(holder) = holder {
        claims["cnf"] = holder.confirmation();
    }
    sign("JWT", &claims, signer, mistakes)
}

fn sign(typ: &str, claims: &Value, signer: &Signer<'_>, mistakes: &Mistakes) -> String {
    let unsigned = mistakes.has(Fault::AlgNone);
    let alg = if unsigned { "none" } else { signer.key.public().alg() };
    let mut header = json!({"alg": alg, "typ": typ});
    if let Some(kid) = &signer.kid {
        header["kid"] = json!(kid);
    }
    if let Some(x5c) = signer.x5c {
        header["x5c"] = json!(x5c);
    }
    let input = format!("{}.{}", b64_json(&header), b64_json(claims));
    let signature = if unsigned {
        Vec::new()
    } else if mistakes.has(Fault::BadSignature) {
        // A well-formed signature by a key that has nothing to do with it.
        signer.key.another().sign(input.as_bytes())
    } else {
        signer.key.sign(input.as_bytes())
    };
    format!("{input}.{}", b64(signature))
}

fn uuid() -> String {
    let mut bytes = random_bytes::<16>();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn date(seconds: i64) -> String {
    let since_epoch = std::time::Duration::from_secs(seconds.unsigned_abs());
    DateTime::from_unix_duration(since_epoch).map(|date| date.to_string()).expect("a date of our time")
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

    /// The `cnf` claim: by name if the key came by name.
    fn confirmation(&self) -> Value {
        match &self.kid {
            Some(kid) => json!({"kid": kid}),
            None => json!({"jwk": PublicKey::to_jwk(&self.key)}),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::subject_claims;

    #[test]
    fn dates_are_rfc_3339() {
        assert_eq!(date(1_700_000_000), "2023-11-14T22:13:20Z");
    }

    #[test]
    fn every_digest_has_its_disclosure_but_the_decoy() {
        let mut disclosures = Disclosures::default();
        let claims = hide(Kind::Degree, subject_claims(Kind::Degree), &mut disclosures);
        let text = Value::Object(claims.clone()).to_string();
        assert_eq!(disclosures.0.len(), 6);
        for disclosure in &disclosures.0 {
            assert!(text.contains(&sha256_b64(disclosure)));
        }
        assert_eq!(claims["_sd"].as_array().map(Vec::len), Some(4));
        assert_eq!(claims["address"]["_sd"].as_array().map(Vec::len), Some(2));
        assert!(claims["nationalities"][0]["..."].is_string());
        assert!(!text.contains("Erika"));
    }
}
