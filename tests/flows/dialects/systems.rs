//! The issuers that there are.

use billfold_test_issuer::{Grant, MadeOffer, Options, Profile, SphereonRelease};

use super::holder::Visit;

/// One of the test issuer's profiles.
#[derive(Debug)]
pub(super) struct System {
    pub(super) name: &'static str,
    pub(super) profile: Profile,
    pub(super) release: SphereonRelease,
}

const fn system(name: &'static str, profile: Profile) -> System {
    System { name, profile, release: SphereonRelease::V0_20 }
}

pub(super) static SYSTEMS: &[System] = &[
    system("final", Profile::Final),
    system("haip", Profile::Haip),
    system("draft15", Profile::Draft15),
    system("draft14", Profile::Draft14),
    system("draft13", Profile::Draft13),
    system("draft12", Profile::Draft12),
    system("draft11", Profile::Draft11),
    system("identus", Profile::Identus),
    system("vercre", Profile::Vercre),
    system("credibil", Profile::Credibil),
    system("didroom", Profile::Didroom),
    system("sphereon 0.20", Profile::Sphereon),
    System { name: "sphereon 0.14", profile: Profile::Sphereon, release: SphereonRelease::V0_14 },
];

/// The system of this name.
pub(super) fn named(name: &str) -> &'static System {
    SYSTEMS.iter().find(|system| system.name == name).unwrap_or_else(|| panic!("{name} is no system"))
}

impl System {
    /// Whether it speaks OpenID4VCI 1.0 Final.
    pub(super) fn is_final(&self) -> bool {
        matches!(self.profile, Profile::Final | Profile::Haip)
    }

    /// Whether its routes and answers are its own, so that few options of the issuer mean anything to it.
    pub(super) fn is_by_name(&self) -> bool {
        !self.is_final() && !self.name.starts_with("draft")
    }

    /// Whether its credentials of a format come with certificates. Where they do not, nobody vouches for issuers, and
    /// a wallet that wants that takes none.
    pub(super) fn certifies(&self, format: &str) -> bool {
        let by_did = [Profile::Identus, Profile::Vercre, Profile::Credibil, Profile::Didroom];
        format != "ldp_vc" && !by_did.contains(&self.profile)
    }

    pub(super) fn options(&self) -> Options {
        // Under a path, to tell the places of metadata apart.
        let path = if self.is_by_name() { String::new() } else { "/tenant".to_owned() };
        Options { profile: self.profile, sphereon_release: self.release, path, ..Options::default() }
    }

    pub(super) async fn visit(&'static self) -> Visit {
        Visit::to(self, self.options()).await
    }
}

/// The first of the announced offers by value for a grant, without a code to type.
pub(super) fn plain_offer(visit: &Visit, grant: Grant) -> Option<MadeOffer> {
    let offers = visit.world.issuer.offers();
    offers.iter().find(|offer| offer.grant == grant && offer.tx_code.is_none() && offer.id.is_none()).cloned()
}

/// The grants that a system has.
pub(super) fn grants(visit: &Visit) -> Vec<Grant> {
    [Grant::PreAuthorized, Grant::Code].into_iter().filter(|grant| plain_offer(visit, *grant).is_some()).collect()
}
