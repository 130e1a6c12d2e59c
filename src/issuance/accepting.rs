//! The user said yes: what exactly will be asked for, and how. All that can be known to be
//! impossible is found out here, before any request is sent and any code spent.

use std::collections::{BTreeMap, BTreeSet};

use super::Live;
use crate::dialect::{Dialects, StateEcho};
use crate::error::{Error, ErrorCode, Operation, Result};
use crate::format;
use crate::model::claim_path::{self, ClaimModel};
use crate::model::ids::ConfigurationId;
use crate::model::metadata::CredentialConfiguration;
use crate::model::offer::GrantType;
use crate::model::profile::Profile;
use crate::model::secret::Secret;
use crate::protocol::authorization::{self, RequestBy, RequestedClaim};
use crate::protocol::encryption::{self, Encryption};
use crate::protocol::haip;
use crate::protocol::proof::{self, Means, ProofPlan};
use crate::protocol::token::TokenGrant;
use crate::session::{Choice, Event, LeftOut, Session, Stage};

/// Wishes for an issuance. The default takes all that is offered, one copy each.
#[derive(Clone, Debug, Default)]
pub struct AcceptOptions {
    /// Only some of what is offered.
    pub configurations: Option<Vec<ConfigurationId>>,
    /// Which grant, where the offer leaves a choice. Default: the pre-authorized code, which saves
    /// the user a sign-in.
    pub grant: Option<GrantType>,
    /// How an authorization request says what it wants.
    pub request: RequestBy,
    /// How many copies of each credential, each with its own key. At most the issuer's batch size.
    pub copies: Option<u32>,
    /// Whether credential requests and answers are encrypted. Default: where the issuer requires it.
    pub encryption: Encryption,
    /// The rules to hold this issuance to. Default: the wallet's, or those of an earlier yes if they are
    /// stricter.
    pub profile: Option<Profile>,
    /// Also what is in a format that this version does not verify. Such a credential is kept as it came, in
    /// quarantine: for an app that knows the format, and for later versions.
    pub unverified_formats: bool,
    /// Parameters to add to the authorization request, for servers with ways of their own, such as a user's name
    /// that they want beforehand. [`ErrorCode::SetupInvalid`] for one that OAuth or OpenID4VCI gives a meaning to.
    pub authorization_parameters: Vec<(String, String)>,
    /// Which claims of a configuration are wanted. Default: all that the issuer gives. One that the
    /// issuer does not know the name of may be ignored or refused, as the issuer likes.
    pub claims: BTreeMap<ConfigurationId, Vec<RequestedClaim>>,
}

/// What was said about claims, if it makes sense (OpenID4VCI appendix B.3).
fn requested_claims(
    wanted: &BTreeMap<ConfigurationId, Vec<RequestedClaim>>,
    chosen: &[ConfigurationId],
) -> Result<BTreeMap<ConfigurationId, Vec<RequestedClaim>>> {
    let fail = |detail: String| Err(Error::new(ErrorCode::SetupInvalid, detail).at(Operation::Authorization));
    for (id, claims) in wanted {
        if !chosen.contains(id) {
            return fail(format!("claims of `{id}` were asked for, and `{id}` was not"));
        }
        if claims.is_empty() || claims.iter().any(|claim| claim.path.is_empty()) {
            return fail(format!("an empty list of claims, or an empty path, was asked for of `{id}`"));
        }
        // For an mdoc this is a little too strict: numbers may be keys of its maps.
        let paths: Vec<_> = claims.iter().map(|claim| claim.path.as_slice()).collect();
        if claim_path::contradict(&paths, ClaimModel::Json) {
            return fail(format!("the claims that were asked for of `{id}` contradict each other"));
        }
    }
    Ok(wanted.clone())
}

/// The parameters of authorization requests that this library makes itself.
const OWN_PARAMETERS: [&str; 18] = [
    "response_type",
    "response_mode",
    "client_id",
    "client_assertion",
    "client_assertion_type",
    "client_secret",
    "redirect_uri",
    "state",
    "nonce",
    "scope",
    "resource",
    "code_challenge",
    "code_challenge_method",
    "authorization_details",
    "issuer_state",
    "dpop_jkt",
    "request",
    "request_uri",
];

/// What the app adds to the authorization request, if nothing else is meant by it.
fn added_parameters(wanted: &[(String, String)]) -> Result<Vec<(String, Secret)>> {
    let mut names = BTreeSet::new();
    let taken = |name: &String| OWN_PARAMETERS.contains(&name.as_str());
    if let Some((name, _)) = wanted.iter().find(|(name, _)| name.is_empty() || taken(name) || !names.insert(name)) {
        let detail = format!("`{name}` can't be added to the authorization request");
        return Err(Error::new(ErrorCode::SetupInvalid, detail).at(Operation::Authorization));
    }
    Ok(wanted.iter().map(|(name, value)| (name.clone(), Secret::from(value.as_str()))).collect())
}

/// The grants of the offer that can be used with this server, the preferred first; without grants in the offer,
/// what the server's metadata allows (OpenID4VCI section 4.1.1). One that the offer wants to be used with
/// another server is not among them.
pub(super) fn usable_grants(session: &Session) -> Vec<GrantType> {
    let Session { offer, server, .. } = session;
    let grants = &offer.grants;
    let can_sign_in = server.authorization_endpoint.is_some();
    let unnamed = grants.pre_authorized_code.is_none() && grants.authorization_code.is_none();
    let lists = |grant: GrantType| server.grant_types_supported.iter().any(|listed| listed == grant.as_str());
    let named = |grant| grants.server_of(grant);
    let here = |grant| named(grant).is_none_or(|named| *named == server.issuer);
    let (pre_authorized, code) = (GrantType::PreAuthorizedCode, GrantType::AuthorizationCode);
    let mut usable = Vec::new();
    if grants.pre_authorized_code.is_some() && here(pre_authorized) {
        usable.push(pre_authorized);
    }
    if can_sign_in && here(code) && (grants.authorization_code.is_some() || (unnamed && lists(code))) {
        usable.push(code);
    }
    // The server was named for the other grant, and does not say that it knows this one.
    if named(pre_authorized).is_none() && named(code).is_some() && !lists(pre_authorized) {
        usable.reverse();
    }
    usable
}

impl Live<'_> {
    /// The rules for what is accepted now, where that is possible.
    pub(super) fn profile_of(&self, options: &AcceptOptions) -> Result<Profile> {
        if matches!(self.session.stage, Stage::Review | Stage::SignIn { .. }) {
            // Who agreed by the stricter rules does not come down from them by doing it again.
            let own = if self.session.profile.is_haip() { Profile::Haip } else { self.wallet.profile };
            Ok(options.profile.unwrap_or(own))
        } else {
            Err(self.misfit("accept"))
        }
    }

    /// Decides how the issuance goes on after the user's yes, and lets it begin.
    pub(super) async fn accept(&mut self, options: &AcceptOptions) -> Result<()> {
        self.session.profile = self.profile_of(options)?;
        let choice = self.choose(options)?;
        let before = self.session.client.clone();
        self.prepare_client(choice.grant).await?;
        let event = match self.first_event(choice) {
            Ok(event) => event,
            Err(error) => {
                self.delete_client_keys_but_for(&before).await;
                return Err(error);
            }
        };
        self.record(event).await?;
        // Of an earlier yes, what this one has no use for.
        let now = std::mem::replace(&mut self.session.client, before);
        self.delete_client_keys_but_for(&now).await;
        Ok(())
    }

    fn first_event(&self, choice: Choice) -> Result<Event> {
        Ok(match choice.grant {
            GrantType::AuthorizationCode => {
                let pending = self.begin_authorization(&choice)?;
                Event::SignInBegan { choice, pending }
            }
            GrantType::PreAuthorizedCode => {
                let grant = self.session.offer.grants.pre_authorized_code.as_ref();
                let grant = grant.expect("the grant was chosen because the offer has it");
                if grant.tx_code.is_some() {
                    Event::CodeWanted { choice }
                } else {
                    let grant = self.pre_authorized_grant(&choice, None);
                    Event::GrantReady { choice, grant }
                }
            }
        })
    }

    /// What a token is asked for with after an offer's own code.
    pub(super) fn pre_authorized_grant(&self, choice: &Choice, tx_code: Option<Secret>) -> TokenGrant {
        let Session { offer, issuer, server, quirks, .. } = &self.session;
        let offered = offer.grants.pre_authorized_code.as_ref();
        let offered = offered.expect("the grant was chosen because the offer has it");
        let part = choice.configurations.len() < offer.credential_configuration_ids.len();
        let part = part && !self.session.profile.is_haip();
        let details = (part || !choice.claims.is_empty()) && authorization::takes_details(server) == Some(true);
        TokenGrant::PreAuthorizedCode {
            pre_authorized_code: offered.pre_authorized_code.clone(),
            tx_code,
            pin: self.session.quirks.pin,
            authorization_details: details
                .then(|| authorization::details(issuer, quirks, &choice.configurations, &choice.claims)),
        }
    }

    /// A fresh authorization request for what was chosen.
    pub(super) fn begin_authorization(&self, choice: &Choice) -> Result<authorization::PendingAuthorization> {
        let redirect_uri = self.wallet.redirect_uri.as_deref().ok_or_else(|| {
            Error::new(ErrorCode::SetupInvalid, "signing in needs a redirect URI: give the wallet one")
                .at(Operation::Authorization)
        })?;
        let offered = self.session.offer.grants.authorization_code.as_ref();
        let mut pending = authorization::begin(
            &self.session.issuer,
            &self.session.server,
            &self.session.quirks,
            &choice.configurations,
            &choice.claims,
            choice.request_by,
            redirect_uri,
        )?;
        pending.issuer_state = offered.and_then(|grant| grant.issuer_state.clone());
        pending.dpop_jkt = self.session.client.dpop_key.as_ref().map(|key| key.public_jwk.thumbprint());
        pending.iss_required = self.session.profile.is_haip();
        if self.dialects() == Dialects::Strict {
            pending.state_echo = StateEcho::Required;
        }
        pending.added.clone_from(&choice.added);
        Ok(pending)
    }

    pub(super) fn choose(&self, options: &AcceptOptions) -> Result<Choice> {
        let session = &self.session;
        let fail = |code, detail: String| Err(Error::new(code, detail).at(Operation::Offer));
        session.provenance.check(session.profile)?;
        let grants = usable_grants(session);
        let grant = match options.grant {
            Some(wanted) if grants.contains(&wanted) => wanted,
            None if !grants.is_empty() => grants[0],
            _ => {
                return fail(
                    ErrorCode::GrantUnavailable,
                    "the offer and its authorization server have no such grant in common".to_owned(),
                );
            }
        };
        let copies = options.copies.unwrap_or(1);
        if copies == 0 || copies > session.issuer.batch_size {
            return fail(
                ErrorCode::SetupInvalid,
                format!("{copies} copies were asked for; the issuer gives 1 to {}", session.issuer.batch_size),
            );
        }
        encryption::plan(&session.issuer, options.encryption, self.encryption_form())?;
        let haip = session.profile.is_haip();
        if haip {
            haip::check_servers(&session.issuer, &session.server, session.quirks.well_known, grant)?;
            if !options.claims.is_empty() || options.request == RequestBy::Details {
                return fail(ErrorCode::ProfileViolated, "HAIP asks for credentials by scope only".to_owned());
            }
        }
        let request_by = if haip { RequestBy::Scope } else { options.request };
        let offered = &session.offer.credential_configuration_ids;
        let chosen = options.configurations.as_ref().unwrap_or(offered);
        if let Some(foreign) = chosen.iter().find(|id| !offered.contains(id)) {
            return fail(ErrorCode::UnknownConfiguration, format!("`{foreign}` is not part of the offer"));
        }
        let claims = requested_claims(&options.claims, chosen)?;
        let added = added_parameters(&options.authorization_parameters)?;
        let (mut configurations, mut plans, mut left_out) = (Vec::new(), BTreeMap::new(), Vec::new());
        let mut first_problem = None;
        let mut seen = BTreeSet::new();
        for id in chosen.iter().filter(|id| seen.insert(*id)) {
            match self.plan(id, options.unverified_formats) {
                Ok(plan) => {
                    configurations.push(id.clone());
                    plans.insert(id.clone(), plan);
                }
                Err(error) => {
                    left_out.push(LeftOut {
                        configuration: id.clone(),
                        code: error.code(),
                        detail: error.detail().to_owned(),
                    });
                    first_problem.get_or_insert(error);
                }
            }
        }
        match first_problem {
            Some(error) if configurations.is_empty() => Err(error),
            None if configurations.is_empty() => {
                fail(ErrorCode::UnknownConfiguration, "choose at least one configuration".to_owned())
            }
            _ => Ok(Choice {
                configurations,
                grant,
                request_by,
                copies,
                claims,
                added,
                encryption: options.encryption,
                plans,
                left_out,
            }),
        }
    }

    /// How the proofs for a configuration will be made, or why it can't be asked for.
    fn plan(&self, id: &ConfigurationId, unverified: bool) -> Result<Option<ProofPlan>> {
        let issuer = &self.session.issuer;
        let Some(configuration) = issuer.credential_configurations_supported.get(id) else {
            let problem = issuer.unreadable.get(id);
            return Err(match problem {
                Some(problem) => Error::new(
                    ErrorCode::MetadataMalformed,
                    format!("the issuer's description of `{id}` can't be read: {problem}"),
                ),
                None => Error::new(ErrorCode::UnknownConfiguration, format!("the issuer has no configuration `{id}`")),
            }
            .at(Operation::IssuerMetadata));
        };
        if self.session.profile.is_haip() {
            haip::check_configuration(id, configuration)?;
        }
        if !unverified {
            self.known_format(id, configuration)?;
        }
        let found_out = self.dialects() == Dialects::Any && self.session.quirks.assume_proof;
        self.plan_proof(configuration, self.wallet.assume_jwt_proofs || found_out)
    }

    /// The proof for a configuration; one where no proof types are listed only if that is assumed.
    pub(super) fn plan_proof(
        &self,
        configuration: &CredentialConfiguration,
        assume_jwt: bool,
    ) -> Result<Option<ProofPlan>> {
        let means = Means {
            algorithms: &self.wallet.keys.algorithms(),
            binding: self.wallet.binding,
            key_attestation: self.wallet.capabilities.key_attestation,
            assume_jwt,
            profile: self.session.profile,
        };
        proof::plan(configuration, &means)
    }

    fn known_format(&self, id: &ConfigurationId, configuration: &CredentialConfiguration) -> Result<()> {
        if format::find(&configuration.format).is_some() {
            return Ok(());
        }
        Err(Error::new(
            ErrorCode::FormatUnsupported,
            format!("`{id}` has the format {}, which this version does not know", configuration.format),
        )
        .at(Operation::IssuerMetadata)
        .in_session(&self.session.id))
    }
}
