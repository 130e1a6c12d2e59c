//! A chain of documents, put together; and a credential, held against the result.

use serde_json::Value;

use super::read::{Claim, Document};
use crate::model::claim_path::{self, ClaimModel, PathError};
use crate::model::display::PathStep;
use crate::model::type_metadata::{SelectiveDisclosure, TypeClaim, TypeMetadata};

/// Puts a type's document over those that it extends, the nearest first. Tells what was not as it has to be.
pub(super) fn merge(document: Document, extended: Vec<Document>) -> (TypeMetadata, Vec<&'static str>) {
    let mut remarks = Vec::new();
    let mut merged = TypeMetadata {
        extends: extended.iter().map(|document| document.vct.clone()).collect(),
        ..TypeMetadata::default()
    };
    for document in extended.into_iter().rev().chain([document]) {
        if document.malformed {
            remark(&mut remarks, "parts of it are malformed and were left out");
        }
        if let Some((display, svg_templates)) = document.display {
            merged.display = display;
            merged.svg_templates = svg_templates;
        }
        for claim in document.claims {
            match merged.claims.iter_mut().find(|known| known.path == claim.path) {
                None => merged.claims.push(TypeClaim {
                    path: claim.path,
                    display: claim.display.unwrap_or_default(),
                    sd: claim.sd.unwrap_or_default(),
                    mandatory: claim.mandatory.unwrap_or_default(),
                    svg_id: claim.svg_id,
                }),
                Some(known) => {
                    if !override_claim(known, claim) {
                        remark(&mut remarks, "it loosens what the type that it extends demands of a claim");
                    }
                }
            }
        }
        merged.vct = document.vct;
        merged.name = document.name;
        merged.description = document.description;
    }
    (merged, remarks)
}

fn remark(remarks: &mut Vec<&'static str>, text: &'static str) {
    if !remarks.contains(&text) {
        remarks.push(text);
    }
}

/// Puts what an extending type says in the place of what was said; `false` if some of it may not be changed.
fn override_claim(known: &mut TypeClaim, claim: Claim) -> bool {
    let mut allowed = true;
    if let Some(display) = claim.display {
        known.display = display;
    }
    if claim.svg_id.is_some() {
        known.svg_id = claim.svg_id;
    }
    match claim.sd {
        Some(sd) if known.sd == SelectiveDisclosure::Allowed => known.sd = sd,
        Some(sd) => allowed &= sd == known.sd,
        None => {}
    }
    match claim.mandatory {
        Some(true) => known.mandatory = true,
        Some(false) => allowed &= !known.mandatory,
        None => {}
    }
    allowed
}

/// How many claims are looked at in all: a path may select as many as there are.
const MAX_SELECTED: usize = 50_000;

/// Holds a credential to what its type demands of claims (SD-JWT VC, section on claim metadata). The places of
/// claims that can be withheld are in order.
pub(super) fn validate(metadata: &TypeMetadata, claims: &Value, disclosable: &[Vec<PathStep>]) -> Vec<&'static str> {
    let mut remarks = Vec::new();
    let mut budget = MAX_SELECTED;
    for claim in &metadata.claims {
        let selected = match claim_path::select(claims, &claim.path, ClaimModel::Json) {
            Ok(selected) => selected,
            Err(PathError::Nothing) if claim.mandatory => {
                remark(&mut remarks, "a claim that its type makes mandatory is missing");
                continue;
            }
            Err(PathError::Nothing) => continue,
            Err(PathError::TooShort | PathError::Misfit) => {
                remark(&mut remarks, "a claim has not the form that its type describes");
                continue;
            }
        };
        let Some(rest) = budget.checked_sub(selected.len()) else {
            remark(&mut remarks, "it describes more claims than are looked at");
            break;
        };
        budget = rest;
        let can_be_withheld = |at: &Vec<PathStep>| disclosable.binary_search(at).is_ok();
        match claim.sd {
            SelectiveDisclosure::Always if !selected.iter().all(|(at, _)| can_be_withheld(at)) => {
                remark(&mut remarks, "a claim can't be withheld, which its type demands");
            }
            SelectiveDisclosure::Never if selected.iter().any(|(at, _)| can_be_withheld(at)) => {
                remark(&mut remarks, "a claim can be withheld, which its type forbids");
            }
            _ => {}
        }
    }
    remarks
}
