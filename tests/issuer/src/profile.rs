//! The dialects that this issuer can speak.

use std::fmt;
use std::str::FromStr;

use crate::options::{
    AttestationProof, ClientAuth, Dpop, Encryption, IssuerKey, KeyAttestation, Options, Par, Scopes, SignedMetadata,
};
use crate::systems;

/// What kind of issuer to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// `OpenID4VCI` 1.0 Final, strict.
    #[default]
    Final,
    /// The `OpenID4VC` High Assurance Interoperability Profile 1.0: [`Options::haip`], whatever
    /// else was chosen.
    Haip,
    /// Draft 11 of `OpenID4VCI`, strict; so are the others.
    Draft11,
    /// Draft 12.
    Draft12,
    /// Draft 13, the first Implementer's Draft.
    Draft13,
    /// Draft 14.
    Draft14,
    /// Draft 15.
    Draft15,
    /// The Identus Cloud Agent with Keycloak as its authorization server.
    Identus,
    /// The issuer of vercre, with its sample server.
    Vercre,
    /// Sphereon's issuer server, in the release that the options say.
    Sphereon,
    /// `DIDroom`'s credential issuer and authorization server.
    Didroom,
    /// credibil's issuer, which vercre's became.
    Credibil,
}

impl Profile {
    /// Every profile that can be served.
    pub const ALL: &[Self] = &[
        Self::Final,
        Self::Haip,
        Self::Draft15,
        Self::Draft14,
        Self::Draft13,
        Self::Draft12,
        Self::Draft11,
        Self::Identus,
        Self::Vercre,
        Self::Sphereon,
        Self::Didroom,
        Self::Credibil,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Final => "final",
            Self::Haip => "haip",
            Self::Draft11 => "draft11",
            Self::Draft12 => "draft12",
            Self::Draft13 => "draft13",
            Self::Draft14 => "draft14",
            Self::Draft15 => "draft15",
            Self::Identus => "identus",
            Self::Vercre => "vercre",
            Self::Sphereon => "sphereon",
            Self::Didroom => "didroom",
            Self::Credibil => "credibil",
        }
    }
}

impl Profile {
    /// Whether credentials come with certificates.
    pub(crate) fn has_certificates(self) -> bool {
        !matches!(self, Self::Identus | Self::Vercre | Self::Credibil | Self::Didroom)
    }

    /// The options as this profile wants them.
    pub(crate) fn apply(self, options: Options) -> Options {
        match self {
            Self::Final | Self::Draft11 | Self::Draft12 | Self::Draft13 | Self::Draft14 | Self::Draft15 => options,
            Self::Haip => options.into_haip(),
            Self::Identus | Self::Vercre | Self::Sphereon | Self::Didroom | Self::Credibil => systems::shape(options),
        }
    }
}

impl Options {
    /// What the High Assurance Interoperability Profile 1.0 asks of an issuer, to be changed where a
    /// test wants an issuer that breaks a rule.
    pub fn haip() -> Self {
        Self::default().into_haip()
    }

    fn into_haip(self) -> Self {
        Self {
            par: Par::Required,
            authorization_details: false,
            scopes: Scopes::All,
            pre_authorized: false,
            dpop: Dpop::Required,
            dpop_nonces: true,
            client_auth: ClientAuth::Attestation,
            challenge_endpoint: true,
            iss_parameter: true,
            credential_identifiers: false,
            nonce_endpoint: true,
            notification_endpoint: true,
            refresh_tokens: true,
            batch_size: 5,
            key_attestation: match self.key_attestation {
                KeyAttestation::Off => KeyAttestation::Required,
                chosen => chosen,
            },
            attestation_proof: match self.attestation_proof {
                AttestationProof::Off => AttestationProof::Also,
                chosen => chosen,
            },
            signed_metadata: match self.signed_metadata {
                SignedMetadata::Off => SignedMetadata::Offered,
                chosen => chosen,
            },
            encryption: match self.encryption {
                Encryption::Off => Encryption::Offered,
                chosen => chosen,
            },
            issuer_key: IssuerKey::X5c,
            ..self
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(profile) = Self::ALL.iter().find(|profile| profile.name() == text) {
            return Ok(*profile);
        }
        let known: Vec<_> = Self::ALL.iter().map(|profile| profile.name()).collect();
        Err(format!("'{text}' is not a profile; available: {}", known.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known() {
        for profile in Profile::ALL {
            assert_eq!(profile.name().parse(), Ok(*profile));
        }
        let unknown = "fynal".parse::<Profile>().expect_err("unknown");
        assert!(unknown.contains("is not a profile; available: final, haip"), "{unknown}");
    }
}
