//! What does not exist in a system, and why.

use billfold_test_issuer::{By, Grant};

pub(super) const FORMATS: &[&str] = &["dc+sd-jwt", "vc+sd-jwt", "mso_mdoc", "jwt_vc_json", "jwt_vc_json-ld", "ldp_vc"];

/// Something that certain systems have not. `None` stands for all of a kind.
pub(super) struct Absence {
    pub(super) systems: &'static [&'static str],
    grant: Option<Grant>,
    formats: Option<&'static [&'static str]>,
    by: Option<By>,
    pub(super) because: &'static str,
}

const fn no_grant(systems: &'static [&'static str], grant: Grant, because: &'static str) -> Absence {
    Absence { systems, grant: Some(grant), formats: None, by: None, because }
}

const fn no_formats(
    systems: &'static [&'static str],
    formats: &'static [&'static str],
    because: &'static str,
) -> Absence {
    Absence { systems, grant: None, formats: Some(formats), by: None, because }
}

const fn no_reference(systems: &'static [&'static str], because: &'static str) -> Absence {
    Absence { systems, grant: None, formats: None, by: Some(By::Reference), because }
}

pub(super) const ABSENCES: &[Absence] = &[
    no_grant(&["haip"], Grant::PreAuthorized, "the issuer of this profile has the code grant only"),
    no_formats(&["draft15"], &["vc+sd-jwt"], "the format's identifier is `dc+sd-jwt` from draft 15 on"),
    no_formats(&["draft14", "draft13"], &["dc+sd-jwt"], "the format's identifier is `vc+sd-jwt` up to draft 14"),
    no_formats(&["draft12", "draft11"], &["dc+sd-jwt", "vc+sd-jwt"], "SD-JWT VCs came with draft 13"),
    no_grant(&["identus"], Grant::PreAuthorized, "the agent's offers have the code grant only"),
    no_reference(&["identus"], "the agent's offers are by value"),
    no_formats(
        &["identus"],
        &["dc+sd-jwt", "vc+sd-jwt", "mso_mdoc", "jwt_vc_json-ld", "ldp_vc"],
        "the agent issues `jwt_vc_json` only",
    ),
    no_formats(
        &["vercre"],
        &["dc+sd-jwt", "vc+sd-jwt", "jwt_vc_json-ld", "ldp_vc"],
        "the library lists these formats and writes none of them",
    ),
    no_formats(&["vercre"], &["mso_mdoc"], "the library's mdocs have no COSE structure and are bound to the issuer"),
    no_formats(
        &["credibil"],
        &["vc+sd-jwt", "jwt_vc_json-ld", "ldp_vc"],
        "the library lists these formats and writes none of them",
    ),
    no_formats(&["credibil"], &["mso_mdoc"], "the library's mdocs name their key by a DID, without a certificate"),
    no_grant(&["didroom"], Grant::PreAuthorized, "the authorization server has the code grant only"),
    no_reference(&["didroom"], "the issuer's offers are by value"),
    no_formats(
        &["didroom"],
        &["vc+sd-jwt", "mso_mdoc", "jwt_vc_json", "jwt_vc_json-ld"],
        "the issuer has scripts for `dc+sd-jwt` and `ldp_vc` only",
    ),
    no_grant(
        &["sphereon 0.20", "sphereon 0.14"],
        Grant::Code,
        "the token endpoint takes pre-authorized codes only; an authorization server is for others to run",
    ),
    no_formats(&["sphereon 0.20"], &["vc+sd-jwt"], "the format's identifier is `dc+sd-jwt` in this release"),
    no_formats(&["sphereon 0.14"], &["dc+sd-jwt"], "the format's identifier is `vc+sd-jwt` in this release"),
    no_formats(&["sphereon 0.20", "sphereon 0.14"], &["jwt_vc_json-ld"], "the signer's callback makes none"),
];

/// Why there is no such offer in a system, if there is none.
pub(super) fn absent(system: &str, grant: Grant, format: &str, by: By) -> Option<&'static Absence> {
    ABSENCES.iter().find(|absence| {
        absence.systems.contains(&system)
            && absence.grant.is_none_or(|absent| absent == grant)
            && absence.formats.is_none_or(|formats| formats.contains(&format))
            && absence.by.is_none_or(|absent| absent == by)
    })
}
