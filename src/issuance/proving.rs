//! The proofs that a credential request carries: made anew for each request, with its nonce.

use super::Live;
use crate::dialect::write::Proofs;
use crate::error::{Error, ErrorCode, Operation, Result};
use crate::model::credential::HolderKey;
use crate::model::key_attestation::{AttackPotentialResistance, KeyAttestationsRequired};
use crate::model::metadata::ProofType;
use crate::model::secret::Secret;
use crate::platform::keys::SignRequest;
use crate::platform::provider::KeyAttestationRequest;
use crate::protocol::key_attestation::{self, Rules};
#[cfg(feature = "ldp-vc")]
use crate::protocol::proof::di_vp;
use crate::protocol::proof::jwt::{self, ProofClaims};
use crate::protocol::proof::{self, ProofForm, ProofPlan};
use crate::session::Stage;

impl Live<'_> {
    /// The proofs of a task, for all of its keys.
    pub(super) async fn proofs(&mut self, task: usize) -> Result<Proofs> {
        let Some(plan) = self.tasks()[task].plan else { return Ok(Proofs::None) };
        let nonce = self.take_nonce().await?;
        let nonce = nonce.as_ref();
        let keys = &self.tasks()[task].keys;
        Ok(match plan.form {
            ProofForm::Jwt => Proofs::Jwt(self.sign_proofs(task, plan, keys, nonce, None).await?),
            ProofForm::AttestedJwt => {
                // One of the attested keys proves that they are in this wallet's hands; there is a credential
                // for each of them all the same (OpenID4VCI appendix F.1).
                let attestation = self.key_attestation(task, plan, nonce).await?;
                Proofs::Jwt(self.sign_proofs(task, plan, &keys[..1], nonce, Some(&attestation)).await?)
            }
            ProofForm::Attestation => Proofs::Attestation(self.key_attestation(task, plan, nonce).await?),
            #[cfg(feature = "ldp-vc")]
            ProofForm::DiVp(suite) => Proofs::DiVp(self.sign_presentations(plan, suite, keys, nonce).await?),
        })
    }

    /// One `jwt` a key, all signed in one call.
    async fn sign_proofs(
        &self,
        task: usize,
        plan: ProofPlan,
        keys: &[HolderKey],
        nonce: Option<&Secret>,
        key_attestation: Option<&str>,
    ) -> Result<Vec<String>> {
        let Stage::Credentials { anonymous, .. } = &self.session.stage else { unreachable!("it has tasks") };
        let listed = self.proof_type(task, plan).map(|listed| listed.proof_signing_alg_values_supported.as_slice());
        let claims = ProofClaims {
            audience: &self.session.issuer.credential_issuer,
            client_id: (!anonymous).then_some(&self.wallet.client_id),
            nonce,
            issued_at: self.wallet.clock.now(),
            algorithm: proof::listed_name(plan.algorithm, listed.unwrap_or_default()),
            key_attestation,
        };
        let inputs: Vec<_> = keys.iter().map(|key| jwt::signing_input(plan, key, &claims)).collect::<Result<_>>()?;
        let payloads = inputs.iter().map(|input| input.clone().into_bytes()).collect();
        let signatures = self.sign(plan, keys, payloads).await?;
        inputs
            .iter()
            .zip(&signatures)
            .map(|(input, signature)| jwt::attach_signature(input, plan.algorithm, signature))
            .collect()
    }

    /// One presentation a key, all signed in one call.
    #[cfg(feature = "ldp-vc")]
    async fn sign_presentations(
        &self,
        plan: ProofPlan,
        suite: di_vp::Cryptosuite,
        keys: &[HolderKey],
        nonce: Option<&Secret>,
    ) -> Result<Vec<serde_json::Value>> {
        let claims = di_vp::PresentationClaims {
            domain: &self.session.issuer.credential_issuer,
            challenge: nonce,
            created: self.wallet.clock.now(),
        };
        let unsigned: Vec<_> =
            keys.iter().map(|key| di_vp::Unsigned::new(suite, plan.binding, &key.public_jwk, &claims)).collect();
        let payloads = unsigned.iter().map(di_vp::Unsigned::payload).collect();
        let signatures = self.sign(plan, keys, payloads).await?;
        unsigned.into_iter().zip(&signatures).map(|(unsigned, signature)| unsigned.signed(signature)).collect()
    }

    /// One signature a key, in one call.
    async fn sign(&self, plan: ProofPlan, keys: &[HolderKey], payloads: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>> {
        let requests = keys.iter().zip(payloads).map(|(key, payload)| SignRequest {
            handle: key.handle.clone(),
            algorithm: plan.algorithm,
            payload,
        });
        self.wallet.sign(requests.collect()).await
    }

    /// One attestation of all keys of a task, as the issuer wants it.
    async fn key_attestation(&self, task: usize, plan: ProofPlan, nonce: Option<&Secret>) -> Result<String> {
        let Some(provider) = &self.wallet.provider else {
            // It was there when the user agreed.
            let detail = "a key attestation is needed, and the wallet has no provider any more";
            return Err(Error::new(ErrorCode::SetupInvalid, detail).at(Operation::Proof));
        };
        let proof_type = self.proof_type(task, plan);
        let required = proof_type.and_then(|listed| listed.key_attestations_required.clone()).unwrap_or_default();
        let KeyAttestationsRequired { key_storage, user_authentication } = required;
        let texts =
            |levels: Vec<AttackPotentialResistance>| levels.iter().map(|level| level.as_str().to_owned()).collect();
        let request = KeyAttestationRequest {
            credential_issuer: self.session.issuer.credential_issuer.clone(),
            keys: self.tasks()[task].keys.clone(),
            nonce: nonce.map(|nonce| nonce.expose().to_owned()),
            key_storage: texts(key_storage),
            user_authentication: texts(user_authentication),
            signing_algorithms: proof_type
                .map(|listed| listed.proof_signing_alg_values_supported.clone())
                .unwrap_or_default(),
            inside_jwt_proof: plan.form == ProofForm::AttestedJwt,
        };
        let failed = |error| Error::from(error).at(Operation::Proof);
        let given = provider.key_attestation(request.clone()).await.map_err(failed)?;
        let rules = Rules { profile: self.session.profile, now: self.wallet.clock.now(), skew: self.wallet.skew };
        key_attestation::check(&given, &request, rules)?;
        Ok(given)
    }

    /// What the issuer lists of the proof that was agreed; nothing where the wallet only assumes it.
    fn proof_type(&self, task: usize, plan: ProofPlan) -> Option<&ProofType> {
        let configurations = &self.session.issuer.credential_configurations_supported;
        let configuration = configurations.get(&self.tasks()[task].configuration)?;
        configuration.proof_types_supported.get(plan.form.proof_type())
    }

    /// The nonce that was got ahead, or a fresh one; none if the issuer has no nonce endpoint.
    async fn take_nonce(&mut self) -> Result<Option<Secret>> {
        if let Stage::Credentials { nonce: Some(nonce), .. } = &self.session.stage {
            return Ok(Some(nonce.clone()));
        }
        self.nonce().await
    }
}
