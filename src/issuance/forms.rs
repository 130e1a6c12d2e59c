//! Which form a credential request has, and what is tried after an issuer refused it.

use super::Live;
use super::discovery;
use crate::dialect::form::{MOST_FORMS, ProofMember, RequestForm, SelectorForm};
use crate::dialect::memory::Remembered;
use crate::dialect::{Basis, Dialects, Tolerance, write};
use crate::error::{Error, ErrorCode, RequestOutcome};
use crate::model::metadata::CredentialConfiguration;
use crate::protocol::proof::{ProofForm, ProofPlan};

impl Live<'_> {
    /// Whose ways of speaking are put up with in this issuance.
    pub(super) fn dialects(&self) -> Dialects {
        self.channel().dialects()
    }

    /// The form of a task's first request.
    pub(super) fn first_form(&self, task: usize) -> RequestForm {
        if self.dialects() == Dialects::Strict {
            return RequestForm::FINAL;
        }
        let quirks = &self.session.quirks;
        let form = match quirks.basis {
            // Only issuers of the older kind have nonces in their answers.
            Basis::Nothing if self.brings_nonces() => RequestForm::OLD,
            _ => quirks.request,
        };
        if self.can_have(task, form) {
            return form;
        }
        let with_proofs = RequestForm { proof: ProofMember::Proofs, ..form };
        if self.can_have(task, with_proofs) { with_proofs } else { RequestForm::FINAL }
    }

    /// Whether the issuer's nonces come with its answers.
    fn brings_nonces(&self) -> bool {
        self.session.issuer.nonce_endpoint.is_none() && self.kept_nonce().is_some()
    }

    /// The form to try next, if an issuer refused those for their form. What it says about a proof, a nonce or
    /// the user is no such refusal, and of issuers that are of 1.0 beyond doubt no other form is tried.
    pub(super) fn next_form(
        &self,
        task: usize,
        tried: &[RequestForm],
        spent: usize,
        error: &Error,
    ) -> Option<RequestForm> {
        if !is_about_form(error) || self.dialects() == Dialects::Strict || self.session.quirks.is_final() {
            return None;
        }
        if tried.len() + spent >= MOST_FORMS {
            return None;
        }
        let named = self.tasks()[task].identifier.is_some();
        // Nonces in answers contradict metadata that looks newer.
        let basis = if self.brings_nonces() { Basis::Nothing } else { self.session.quirks.basis };
        RequestForm::next(tried, basis, |form| {
            // A dataset takes the selector's place: what is left to try is the other member for the proof.
            let same = |other: &RequestForm| other.proof == form.proof;
            self.can_have(task, form) && !(named && tried.iter().any(same))
        })
    }

    /// A proof for a request that was refused without one, if the issuer may have forgotten to say that it wants
    /// one: it binds to keys, and lists no proof types.
    pub(super) fn assumed_proof(&self, task: usize, error: &Error) -> Option<ProofPlan> {
        let wanted = &self.tasks()[task];
        let silent = wanted.plan.is_none() && self.dialects() == Dialects::Any && !self.session.quirks.is_final();
        if !silent || !(is_about_form(error) || error.code() == ErrorCode::ProofRefused) {
            return None;
        }
        self.plan_proof(self.configuration(task)?, true).ok().flatten()
    }

    /// Whether a task's request can have a form.
    fn can_have(&self, task: usize, form: RequestForm) -> bool {
        let wanted = &self.tasks()[task];
        let single = match wanted.plan.map(|plan| plan.form) {
            None => true,
            Some(ProofForm::Jwt) => wanted.keys.len() == 1,
            Some(form) => form == ProofForm::AttestedJwt,
        };
        let typed = self.configuration(task).is_some_and(write::has_type);
        (form.proof == ProofMember::Proofs || single)
            && (form.selector == SelectorForm::Configuration || wanted.identifier.is_some() || typed)
    }

    pub(super) fn configuration(&self, task: usize) -> Option<&CredentialConfiguration> {
        let configurations = &self.session.issuer.credential_configurations_supported;
        configurations.get(&self.tasks()[task].configuration)
    }

    /// Notes what a request in this form puts up with.
    pub(super) fn note_form(&mut self, task: usize, form: RequestForm) {
        let wanted = &self.tasks()[task];
        let (named, proves) = (wanted.identifier.is_some(), wanted.plan.is_some());
        let selector = match form.selector {
            SelectorForm::Format => Some(Tolerance::RequestByFormat),
            SelectorForm::Both => Some(Tolerance::RequestByBoth),
            SelectorForm::Configuration => None,
        };
        let proof = (form.proof == ProofMember::Proof && proves).then_some(Tolerance::SingleProof);
        let tolerated = &mut self.session.tolerated;
        tolerated.extend(selector.filter(|_| !named).into_iter().chain(proof));
    }

    /// The issuer took this form: it is the first one from now on. `late`: it had refused another one before.
    pub(super) fn form_taken(&mut self, task: usize, form: RequestForm, late: bool) {
        if late {
            self.session.quirks.request = form;
            self.session.quirks.basis = Basis::Experience;
            self.session.tolerated.insert(Tolerance::OtherForm);
            let proved = self.tasks()[task].plan.is_some();
            let listed = self.configuration(task).is_some_and(|listed| !listed.proof_types_supported.is_empty());
            self.session.quirks.assume_proof |= proved && !listed && !self.wallet.assume_jwt_proofs;
        }
        if self.session.quirks.assume_proof {
            self.session.tolerated.insert(Tolerance::AssumedProof);
        }
    }

    /// Remembers what worked with the issuer, once its answer is written down.
    pub(super) async fn remember_issuer(&self) {
        if self.dialects() == Dialects::Strict {
            return;
        }
        let (issuer, server, quirks) = (&self.session.issuer, &self.session.server, &self.session.quirks);
        let now = Remembered {
            well_known: quirks.well_known,
            server: (server.issuer != issuer.credential_issuer).then(|| server.issuer.clone()),
            server_place: quirks.server_place,
            request: (quirks.basis == Basis::Experience).then_some(quirks.request),
            assume_proof: quirks.assume_proof,
            push: quirks.push,
        };
        discovery::remember(self.wallet, &self.session.offer.credential_issuer, &now).await;
    }
}

/// Whether an issuer refused a request for its form.
pub(super) fn is_about_form(error: &Error) -> bool {
    let said = error.server_error().map(|said| said.error.as_str());
    error.outcome() == RequestOutcome::Answered
        && error.http_status().is_some_and(|status| RequestForm::is_refused(status, said))
}
