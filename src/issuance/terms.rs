//! What an issuance will be like, found out before anybody says yes.

use super::accepting::AcceptOptions;
use super::{Failure, Issuance};
use crate::error::Result;
use crate::model::ids::ConfigurationId;
use crate::model::jwk::Algorithm;
use crate::model::offer::GrantType;
use crate::model::profile::Profile;
use crate::protocol::client_auth::ClientAuthentication;
use crate::protocol::encryption;
use crate::protocol::proof::ProofForm;

/// What [`Issuance::accept_with`] would use, as far as metadata tells.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Terms {
    /// The rules.
    pub profile: Profile,
    /// The grant.
    pub grant: GrantType,
    /// How the wallet authenticates to the authorization server.
    pub client_authentication: ClientAuthentication,
    /// With what the key signs that tokens are bound to (DPoP, RFC 9449); none where they are not.
    pub dpop: Option<Algorithm>,
    /// Whether credential requests are encrypted.
    pub encrypts_requests: bool,
    /// Whether the answers to them are.
    pub encrypts_answers: bool,
    /// How many copies of a credential can be had at once.
    pub batch_size: u32,
    /// What is asked for, and how.
    pub credentials: Vec<CredentialTerms>,
    /// What is left out because this wallet can't ask for it.
    pub left_out: Vec<Failure>,
}

/// How one credential is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CredentialTerms {
    /// Its configuration.
    pub configuration: ConfigurationId,
    /// The proof of its keys; none where it is bound to none.
    pub proof: Option<ProofTerms>,
}

/// How the possession of keys is proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProofTerms {
    /// The proof type (OpenID4VCI appendix F).
    pub proof_type: &'static str,
    /// With what the credential's keys sign.
    pub algorithm: Algorithm,
    /// Whether the wallet provider has to attest the keys.
    pub key_attestation: bool,
}

impl Issuance {
    /// What [`accept_with`](Self::accept_with) would use with these wishes, for those who want to know
    /// beforehand: nothing is sent, made or kept. Its errors are those that `accept_with` would begin with,
    /// such as [`ErrorCode::ProfileViolated`](crate::ErrorCode::ProfileViolated).
    pub async fn terms(&self, options: &AcceptOptions) -> Result<Terms> {
        self.call(async |live| {
            let profile = live.profile_of(options)?;
            live.session.profile = profile;
            let choice = live.choose(options)?;
            let client = live.agree_on_client(choice.grant)?;
            let encryption = encryption::plan(&live.session.issuer, options.encryption, live.encryption_form())?;
            let credentials = choice.configurations.into_iter().map(|configuration| {
                let plan = choice.plans.get(&configuration).copied().flatten();
                let proof = plan.map(|plan| ProofTerms {
                    proof_type: plan.form.proof_type(),
                    algorithm: plan.algorithm,
                    key_attestation: matches!(plan.form, ProofForm::AttestedJwt | ProofForm::Attestation),
                });
                CredentialTerms { configuration, proof }
            });
            let left_out = choice.left_out.into_iter().map(|left| Failure {
                configuration: left.configuration,
                code: left.code,
                detail: left.detail,
                quarantined: None,
            });
            Ok(Terms {
                profile,
                grant: choice.grant,
                client_authentication: client.authentication,
                dpop: client.dpop,
                encrypts_requests: encryption.encrypts(),
                encrypts_answers: encryption.encrypts_answers(),
                batch_size: live.session.issuer.batch_size,
                credentials: credentials.collect(),
                left_out: left_out.collect(),
            })
        })
        .await
    }
}
