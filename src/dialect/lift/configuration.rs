//! One entry of the catalogue.

use serde_json::{Map, Value, json};

use super::super::tolerance::{Tolerance, Tolerated};
use super::super::{Spelling, TypesPlace};
use super::claims::{self, Tree};
use super::{is_there, single_display, single_text};
use crate::model::format::Format;
use crate::model::ids::ConfigurationId;
use crate::model::jwk::Algorithm;

const DEFINITION: &str = "credential_definition";
/// What the examples of drafts 12 to 14 have, and whoever copied them.
const MISSPELT_DEFINITION: &str = "credentials_definition";
const METADATA: &str = "credential_metadata";
const CONTEXT: &str = "@context";
const SUBJECT: &str = "credentialSubject";
const PROOF_TYPES: &str = "proof_types_supported";
const ALGORITHMS: &str = "proof_signing_alg_values_supported";
const BINDING: &str = "cryptographic_binding_methods_supported";
const SUITES: &str = "cryptographic_suites_supported";
const SIGNING: &str = "credential_signing_alg_values_supported";

/// A configuration in the words of 1.0.
pub(crate) struct LiftedConfiguration {
    pub(crate) entry: Value,
    /// How the issuer spells it, where it is not as in 1.0.
    pub(crate) spelling: Option<Spelling>,
    pub(crate) tolerated: Tolerated,
}

/// What an entry leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defaults {
    /// Nothing that would be known: no proof types are none.
    None,
    /// Proofs of the type `jwt`, where keys are bound to: draft 12 says so, and draft 11 knew no other.
    JwtProofs,
}

/// Lifts what an offer describes in line.
pub(crate) fn lift(entry: &Value) -> LiftedConfiguration {
    lift_with(entry, Defaults::JwtProofs)
}

/// Lifts an entry of a catalogue.
pub(super) fn lift_with(entry: &Value, defaults: Defaults) -> LiftedConfiguration {
    let mut lifted = Lifting { spelling: Spelling::default(), tolerated: Tolerated::new() };
    let Some(members) = entry.as_object() else {
        return LiftedConfiguration { entry: entry.clone(), spelling: None, tolerated: lifted.tolerated };
    };
    let mut members = members.clone();
    lifted.format(&mut members);
    let format = members.get("format").and_then(Value::as_str).map(|name| Format::from(name.to_owned()));
    if let Some(format) = &format {
        lifted.types(&mut members, format);
    }
    lifted.proof_types(&mut members, defaults);
    lifted.words(&mut members);
    if let Some(format) = &format {
        lifted.claims(&mut members, format);
    }
    single_display(&mut members, &mut lifted.tolerated);
    if let Some(shown) = members.get_mut(METADATA).and_then(Value::as_object_mut) {
        single_display(shown, &mut lifted.tolerated);
    }
    let spelling = (lifted.spelling != Spelling::default()).then_some(lifted.spelling);
    LiftedConfiguration { entry: Value::Object(members), spelling, tolerated: lifted.tolerated }
}

struct Lifting {
    spelling: Spelling,
    tolerated: Tolerated,
}

impl Lifting {
    /// The format under its own name.
    fn format(&mut self, members: &mut Map<String, Value>) {
        let Some(name) = members.get("format").and_then(Value::as_str) else { return };
        let Some(known) = known_format(name).filter(|known| *known != name) else { return };
        self.spelling.format = Some(name.to_owned());
        self.tolerated.insert(Tolerance::FormatSpelling);
        members.insert("format".to_owned(), json!(known));
    }

    /// The type of the credential where the format has it.
    fn types(&mut self, members: &mut Map<String, Value>, format: &Format) {
        if !is_there(members, DEFINITION)
            && let Some(definition) = members.remove(MISSPELT_DEFINITION)
        {
            members.insert(DEFINITION.to_owned(), definition);
            self.tolerated.insert(Tolerance::TypesOnTop);
        }
        match format {
            Format::JwtVcJson => self.definition(members, &["types", "type"]),
            Format::JwtVcJsonLd | Format::LdpVc => self.definition(members, &["types", "type", CONTEXT]),
            Format::SdJwtVc | Format::VcSdJwt => self.vct(members),
            Format::MsoMdoc | Format::Other(_) => {}
        }
    }

    /// `credential_definition` with what stands on top of the entry, or under another name in it. What it has
    /// already is not overwritten.
    fn definition(&mut self, members: &mut Map<String, Value>, on_top: &[&str]) {
        let mut definition = match members.get(DEFINITION) {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(definition)) => definition.clone(),
            Some(_) => return,
        };
        for name in on_top {
            let as_name = if *name == "types" { "type" } else { name };
            if !is_there(&definition, name)
                && !is_there(&definition, as_name)
                && let Some(value) = members.get(*name).filter(|value| is_list_of_types(value))
            {
                definition.insert((*name).to_owned(), value.clone());
                members.remove(*name);
                self.tolerated.insert(Tolerance::TypesOnTop);
            }
        }
        if !is_there(&definition, "type")
            && let Some(types) = definition.remove("types").filter(is_list_of_types)
        {
            definition.insert("type".to_owned(), types);
            self.spelling.types = TypesPlace::Types;
            self.tolerated.insert(Tolerance::TypesOnTop);
        }
        for name in ["type", CONTEXT] {
            single_text(&mut definition, name, &mut self.tolerated);
        }
        if !definition.is_empty() {
            members.insert(DEFINITION.to_owned(), Value::Object(definition));
        }
    }

    /// `vct`, which the first drafts of SD-JWT VC had in `credential_definition`, one of them as its `type`. A list
    /// of types there is that of a W3C credential, which is another thing.
    fn vct(&mut self, members: &mut Map<String, Value>) {
        if is_there(members, "vct") {
            return;
        }
        let Some(definition) = members.get(DEFINITION).and_then(Value::as_object) else { return };
        let text =
            |name: &str| definition.get(name).filter(|value| value.as_str().is_some_and(|text| !text.is_empty()));
        if let Some(vct) = text("vct").or_else(|| text("type")).cloned() {
            members.insert("vct".to_owned(), vct);
            self.tolerated.insert(Tolerance::TypesOnTop);
        }
    }

    /// Proof types as a map, with their algorithms. Where the issuer names none, the wallet is free to choose.
    fn proof_types(&mut self, members: &mut Map<String, Value>, defaults: Defaults) {
        single_text(members, PROOF_TYPES, &mut self.tolerated);
        let any = || json!({ ALGORITHMS: Algorithm::ALL });
        let assumed = defaults == Defaults::JwtProofs && binds(members);
        match members.get_mut(PROOF_TYPES) {
            Some(Value::Array(names)) => {
                let types: Map<String, Value> =
                    names.iter().filter_map(Value::as_str).map(|name| (name.to_owned(), any())).collect();
                members.insert(PROOF_TYPES.to_owned(), Value::Object(types));
                self.tolerated.insert(Tolerance::ProofTypesList);
            }
            Some(Value::Object(types)) => {
                for (name, value) in types {
                    match value {
                        Value::Array(algorithms)
                            if algorithms.iter().all(Value::is_string) && !algorithms.is_empty() =>
                        {
                            *value = json!({ ALGORITHMS: algorithms });
                            self.tolerated.insert(Tolerance::ProofTypesList);
                        }
                        Value::Object(listed) if name == "jwt" && !is_there(listed, ALGORITHMS) => {
                            listed.insert(ALGORITHMS.to_owned(), json!(Algorithm::ALL));
                            self.tolerated.insert(Tolerance::ProofTypesList);
                        }
                        Value::Object(listed) => single_text(listed, ALGORITHMS, &mut self.tolerated),
                        _ => {}
                    }
                }
            }
            None | Some(Value::Null) if assumed => {
                members.insert(PROOF_TYPES.to_owned(), json!({ "jwt": any() }));
            }
            _ => {}
        }
    }

    /// What has another name by now, and what is of another type than it should be.
    fn words(&mut self, members: &mut Map<String, Value>) {
        single_text(members, BINDING, &mut self.tolerated);
        if let Some(Value::Array(methods)) = members.get_mut(BINDING) {
            let lists = |methods: &[Value], name: &str| methods.iter().any(|method| method == name);
            if lists(methods, "mso") {
                methods.retain(|method| method != "mso" && method != "cose_key");
                methods.push(json!("cose_key"));
                self.tolerated.insert(Tolerance::OlderSpelling);
            }
            // Any DID method (draft 11 section 10.2.3.1): the wallet's own are among them.
            if lists(methods, "did") {
                for own in ["did:key", "did:jwk"] {
                    if !lists(methods, own) {
                        methods.push(json!(own));
                    }
                }
                self.tolerated.insert(Tolerance::OlderSpelling);
            }
        }
        if !is_there(members, SIGNING)
            && let Some(suites) = members.remove(SUITES).filter(|suites| !suites.is_null())
        {
            members.insert(SIGNING.to_owned(), suites);
            self.tolerated.insert(Tolerance::OlderSpelling);
        }
        if let Some(number) = members.get("scope").and_then(Value::as_number).map(ToString::to_string) {
            members.insert("scope".to_owned(), json!(number));
            self.tolerated.insert(Tolerance::ValueType);
        }
    }

    /// Claims as a list, in `credential_metadata`.
    fn claims(&mut self, members: &mut Map<String, Value>, format: &Format) {
        let listed = |claims: Option<&Value>| claims.is_some_and(Value::is_array);
        if listed(members.get("claims")) || listed(members.get(METADATA).and_then(|shown| shown.get("claims"))) {
            return;
        }
        let definition = members.get(DEFINITION);
        let in_definition = |name: &str| definition.and_then(|definition| definition.get(name));
        let claims = if let Some(list) = in_definition("claims").filter(|claims| claims.is_array()) {
            self.tolerated.insert(Tolerance::OlderSpelling);
            list.clone()
        } else {
            let tree = |claims: Option<&'_ Value>| claims.is_some_and(Value::is_object);
            let subject =
                [in_definition(SUBJECT), members.get(SUBJECT)].into_iter().find(|claims| tree(*claims)).flatten();
            let plain =
                [members.get("claims"), in_definition("claims")].into_iter().find(|claims| tree(*claims)).flatten();
            let is_mdoc = *format == Format::MsoMdoc;
            let is_w3c = matches!(format, Format::JwtVcJson | Format::JwtVcJsonLd | Format::LdpVc);
            let tree = match (subject, plain) {
                (Some(claims), _) if !is_mdoc => Tree { root: &[SUBJECT], claims, groups: 0 },
                // Of W3C credentials, claims are those of the subject.
                (_, Some(claims)) if is_w3c && claims.get(SUBJECT).is_none() => {
                    Tree { root: &[SUBJECT], claims, groups: 0 }
                }
                (_, Some(claims)) => Tree { root: &[], claims, groups: usize::from(is_mdoc) },
                _ => return,
            };
            let order = members.get("order").or_else(|| in_definition("order"));
            self.tolerated.insert(Tolerance::ClaimsTree);
            claims::list(&tree, order, &mut self.tolerated)
        };
        members.remove("claims");
        let shown = members.entry(METADATA).or_insert_with(|| Value::Object(Map::new()));
        if shown.is_null() {
            *shown = Value::Object(Map::new());
        }
        if let Some(shown) = shown.as_object_mut() {
            shown.insert("claims".to_owned(), claims);
        }
    }
}

/// The format that a spelling means. Names differ in case and in what joins their words, and `jwt_vc` is what drafts
/// up to 10 called it.
fn known_format(name: &str) -> Option<&'static str> {
    const KNOWN: [&str; 6] = ["dc+sd-jwt", "vc+sd-jwt", "jwt_vc_json", "jwt_vc_json-ld", "ldp_vc", "mso_mdoc"];
    let fold = |name: &str| name.to_ascii_lowercase().replace('_', "-");
    let folded = fold(name);
    if folded == "jwt-vc" {
        return Some("jwt_vc_json");
    }
    KNOWN.into_iter().find(|known| fold(known) == folded)
}

/// Types or contexts: one text, or several. What else is in a list is for the reader to judge.
fn is_list_of_types(value: &Value) -> bool {
    value.is_array() || value.as_str().is_some_and(|text| !text.is_empty())
}

/// Whether an entry says that its credentials are bound to keys.
fn binds(members: &Map<String, Value>) -> bool {
    match members.get(BINDING) {
        Some(Value::Array(methods)) => !methods.is_empty(),
        Some(Value::String(method)) => !method.is_empty(),
        _ => false,
    }
}

/// A name for a configuration that has none: its types, or what else its format has for one, and the format. The
/// same description gives the same name.
pub(crate) fn made_up_id(entry: &Value) -> Option<ConfigurationId> {
    const BASE: &str = "VerifiableCredential";
    let definition = entry.get(DEFINITION).or_else(|| entry.get(MISSPELT_DEFINITION)).unwrap_or(entry);
    let named = |value: &Value| match value {
        Value::String(name) => Some(name.clone()),
        Value::Array(names) => {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).filter(|name| !name.is_empty()).collect();
            let own: Vec<&str> = names.iter().copied().filter(|name| *name != BASE).collect();
            Some(if own.is_empty() { names.first()?.to_string() } else { own.join("+") })
        }
        _ => None,
    };
    let kind = ["types", "type", "vct", "doctype"].into_iter().find_map(|name| {
        let found = [definition.get(name), entry.get(name)].into_iter().flatten();
        found.filter_map(named).find(|name| !name.is_empty())
    })?;
    let format = entry.get("format").and_then(Value::as_str).filter(|format| !format.is_empty())?;
    Some(ConfigurationId::new(format!("{kind}_{format}")))
}

#[cfg(test)]
#[path = "configuration_tests.rs"]
mod tests;
