//! W3C Bitstring Status Lists, and their forerunners `StatusList2021` and `RevocationList2020`: the list is a
//! credential.

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::list::{Order, Packed};
use super::{MAX_OCTETS, Times, Trouble};
use crate::inflate;
use crate::model::time::Timestamp;

/// For how many seconds a list is kept that does not say for how long (Bitstring Status List section 2.2).
const DEFAULT_TTL: f64 = 300.0;

/// The subject of a status list credential.
#[derive(Debug)]
pub(super) struct BitstringList {
    /// The credential's own address, if it has one.
    pub(super) id: Option<String>,
    /// Who signed it.
    pub(super) issuer: Option<String>,
    /// When it begins, when it ends, and for how many seconds it may be kept.
    pub(super) times: Times,
    /// What its bits tell.
    pub(super) purposes: Vec<String>,
    /// The list.
    pub(super) list: Packed,
}

impl BitstringList {
    /// Reads a credential, and the claims of the JWT that it came in.
    pub(super) fn of_credential(
        credential: &Map<String, Value>,
        payload: Option<&Map<String, Value>>,
    ) -> Result<Self, Trouble> {
        let generation = generation(credential)?;
        let subject = credential.get("credentialSubject").and_then(Value::as_object);
        let subject = subject.ok_or_else(|| broken("it has no `credentialSubject`"))?;
        let purposes = match subject.get("statusPurpose") {
            Some(Value::String(purpose)) => vec![purpose.clone()],
            Some(Value::Array(purposes)) => purposes.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            None if generation == Generation::RevocationList2020 => vec!["revocation".to_owned()],
            _ => return Err(broken("it does not say what it tells (`statusPurpose`)")),
        };
        let encoded = subject.get("encodedList").and_then(Value::as_str);
        let encoded = encoded.ok_or_else(|| broken("`encodedList` is missing or not text"))?;
        let mut times = Times { ttl: Some(DEFAULT_TTL), ..Times::default() };
        if let Some(ttl) = subject.get("ttl").and_then(Value::as_f64) {
            // Counted in milliseconds here.
            times.ttl = Some(ttl / 1000.0);
        }
        for (name, starts) in
            [("validFrom", true), ("issuanceDate", true), ("validUntil", false), ("expirationDate", false)]
        {
            let Some(value) = credential.get(name) else { continue };
            let at = value.as_str().and_then(Timestamp::parse_w3c);
            let at = at.ok_or_else(|| broken(&format!("`{name}` is not a date")))?;
            #[allow(clippy::cast_precision_loss)] // no date is that far away
            times.add(at.seconds() as f64, starts);
        }
        for (name, starts) in [("nbf", true), ("iat", true), ("exp", false)] {
            let Some(value) = payload.and_then(|payload| payload.get(name)) else { continue };
            let at = value.as_f64().ok_or_else(|| broken(&format!("`{name}` is not a number")))?;
            times.add(at, starts);
        }
        let text = |name: &str| credential.get(name).and_then(Value::as_str);
        let issuer = credential.get("issuer").and_then(|issuer| issuer.as_str().or_else(|| issuer.get("id")?.as_str()));
        // The credential's own word first: whoever it names has to have the key.
        let issuer = issuer.or_else(|| payload.and_then(|payload| payload.get("iss")).and_then(Value::as_str));
        Ok(Self {
            id: text("id").map(str::to_owned),
            issuer: issuer.map(str::to_owned),
            times,
            purposes,
            list: Packed { octets: decode(encoded, generation)?, order: Order::MostSignificantFirst },
        })
    }

    /// The value at a place.
    pub(super) fn value(&self, purpose: &str, index: u64, size: u8) -> Result<u8, Trouble> {
        if !self.purposes.iter().any(|own| own == purpose) {
            return Err(broken("it tells something else than the credential says (`statusPurpose`)"));
        }
        self.list.value(index, size).ok_or_else(|| broken("it has no such place"))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Generation {
    Bitstring,
    StatusList2021,
    RevocationList2020,
}

fn generation(credential: &Map<String, Value>) -> Result<Generation, Trouble> {
    let types: Vec<&str> = match credential.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    for (name, generation) in [
        ("BitstringStatusListCredential", Generation::Bitstring),
        ("StatusList2021Credential", Generation::StatusList2021),
        ("RevocationList2020Credential", Generation::RevocationList2020),
    ] {
        if types.contains(&name) {
            return Ok(generation);
        }
    }
    Err(broken("it is a credential of another type"))
}

/// Decodes `encodedList`. The standard has one form; for its forerunners issuers used either alphabet of base64,
/// with padding or without, and both formats of compression.
pub(super) fn decode(encoded: &str, generation: Generation) -> Result<Vec<u8>, Trouble> {
    let compressed = match (generation, encoded.strip_prefix('u')) {
        (Generation::Bitstring, Some(text)) => URL_SAFE_NO_PAD.decode(text).ok(),
        (Generation::Bitstring, None) => None,
        _ => {
            let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
            [URL_SAFE, STANDARD].iter().find_map(|alphabet| GeneralPurpose::new(alphabet, config).decode(encoded).ok())
        }
    };
    let compressed = compressed.ok_or_else(|| broken("`encodedList` is not encoded as it should be"))?;
    let inflated = match generation {
        Generation::Bitstring => inflate::gzip(&compressed, MAX_OCTETS),
        _ if compressed.starts_with(&[0x1f, 0x8b]) => inflate::gzip(&compressed, MAX_OCTETS),
        _ => inflate::zlib(&compressed, MAX_OCTETS),
    };
    inflated.map_err(|error| broken(&error.to_string()))
}

fn broken(why: &str) -> Trouble {
    Trouble::failed(format!("the status list: {why}"))
}
