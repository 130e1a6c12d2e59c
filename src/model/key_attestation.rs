//! What issuers ask of key attestations (OpenID4VCI sections 12.2.4 and appendix D.2).

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How well keys, or the user's authentication, withstand an attacker (OpenID4VCI appendix D.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AttackPotentialResistance {
    /// `iso_18045_high`: against an attack potential that is high by ISO 18045 (`VAN.5`).
    High,
    /// `iso_18045_moderate` (`VAN.4`).
    Moderate,
    /// `iso_18045_enhanced-basic` (`VAN.3`).
    EnhancedBasic,
    /// `iso_18045_basic` (`VAN.2`).
    Basic,
    /// A value of somebody else's, usually a URL.
    Other(String),
}

impl AttackPotentialResistance {
    const KNOWN: [Self; 4] = [Self::High, Self::Moderate, Self::EnhancedBasic, Self::Basic];

    /// The value in JSON.
    pub fn as_str(&self) -> &str {
        match self {
            Self::High => "iso_18045_high",
            Self::Moderate => "iso_18045_moderate",
            Self::EnhancedBasic => "iso_18045_enhanced-basic",
            Self::Basic => "iso_18045_basic",
            Self::Other(value) => value,
        }
    }
}

impl From<String> for AttackPotentialResistance {
    /// Values are case-sensitive.
    fn from(value: String) -> Self {
        Self::KNOWN.into_iter().find(|known| known.as_str() == value).unwrap_or(Self::Other(value))
    }
}

impl Serialize for AttackPotentialResistance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for AttackPotentialResistance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

/// What a key attestation has to say, where an issuer requires one (`key_attestations_required`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyAttestationsRequired {
    /// How keys may be stored: any of these. Empty: the issuer does not care.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key_storage: Vec<AttackPotentialResistance>,
    /// How the user may have to authenticate before a key signs: any of these. Empty: the issuer
    /// does not care.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub user_authentication: Vec<AttackPotentialResistance>,
}

/// Stored sessions once had a flag here, whether attestations are required: `false` is still what none looks
/// like, and of `true` nothing more is known.
pub(super) mod stored {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::KeyAttestationsRequired;

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        Flag(bool),
        Whole(KeyAttestationsRequired),
    }

    #[expect(clippy::ref_option, reason = "serde asks for it")]
    pub(in super::super) fn serialize<S: Serializer>(
        value: &Option<KeyAttestationsRequired>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            None => false.serialize(serializer),
            Some(whole) => whole.serialize(serializer),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<KeyAttestationsRequired>, D::Error> {
        Ok(match Stored::deserialize(deserializer)? {
            Stored::Flag(required) => required.then(KeyAttestationsRequired::default),
            Stored::Whole(whole) => Some(whole),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::metadata::ProofType;

    // covers: KATT-05
    #[test]
    fn levels_are_read_case_sensitive_and_others_are_kept() {
        for (text, level) in [
            ("iso_18045_high", AttackPotentialResistance::High),
            ("iso_18045_moderate", AttackPotentialResistance::Moderate),
            ("iso_18045_enhanced-basic", AttackPotentialResistance::EnhancedBasic),
            ("iso_18045_basic", AttackPotentialResistance::Basic),
            ("ISO_18045_HIGH", AttackPotentialResistance::Other("ISO_18045_HIGH".to_owned())),
            ("https://levels.example/gold", AttackPotentialResistance::Other("https://levels.example/gold".to_owned())),
        ] {
            let read: AttackPotentialResistance = serde_json::from_value(json!(text)).expect("a level");
            assert_eq!(read, level);
            assert_eq!(serde_json::to_value(&level).expect("json"), text);
        }
    }

    #[test]
    fn sessions_with_the_old_flag_load() {
        let read = |stored: Value| {
            let stored =
                json!({ "proof_signing_alg_values_supported": ["ES256"], "key_attestations_required": stored });
            let read: ProofType = serde_json::from_value(stored.clone()).expect("it loads");
            (read.key_attestations_required.clone(), serde_json::to_value(&read).expect("json") == stored)
        };
        assert_eq!(read(json!(false)), (None, true));
        assert_eq!(read(json!(true)), (Some(KeyAttestationsRequired::default()), false));
        assert_eq!(read(json!({})), (Some(KeyAttestationsRequired::default()), true));
        let levels = KeyAttestationsRequired {
            key_storage: vec![AttackPotentialResistance::High],
            user_authentication: Vec::new(),
        };
        assert_eq!(read(json!({ "key_storage": ["iso_18045_high"] })), (Some(levels), true));
    }
}
