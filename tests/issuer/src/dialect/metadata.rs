//! Issuer metadata: from the shape of 1.0 into the one of a dialect.

use serde_json::{Map, Value, json};

use super::{Catalogue, Claims, Dialect, DisplayPlace, ListedProofTypes, MdocAlgs, Servers, Types};
use crate::catalogue::{Configuration, Flavor, Format, PROOF_ALGS, curve_of};
use crate::issuer::Issuer;
use crate::subjects::subject_claims;

type Object = Map<String, Value>;

/// The document as the issuer's dialect has it.
pub(crate) fn reshape(issuer: &Issuer, mut document: Value) -> Value {
    let dialect = &issuer.dialect;
    let object = document.as_object_mut().expect("made as an object");
    if let Some(display) = object.get_mut("display") {
        rename_logos(dialect, display);
    }
    if dialect.servers == Servers::One
        && let Some(servers) = object.remove("authorization_servers")
    {
        object.insert("authorization_server".into(), servers[0].clone());
    }
    if dialect.identifiers_flag {
        object.insert("credential_identifiers_supported".into(), json!(issuer.options.credential_identifiers));
    }
    let Some(Value::Object(mut entries)) = object.remove("credential_configurations_supported") else {
        unreachable!("made as an object");
    };
    for configuration in &issuer.configurations {
        let entry = entries.get_mut(&configuration.id).and_then(Value::as_object_mut).expect("each has its entry");
        reshape_entry(issuer, configuration, entry);
    }
    match dialect.catalogue {
        Catalogue::Configurations => object.insert("credential_configurations_supported".into(), entries.into()),
        Catalogue::Map => object.insert("credentials_supported".into(), entries.into()),
        Catalogue::Array => {
            let with_id = entries.into_iter().map(|(id, mut entry)| {
                entry["id"] = json!(id);
                entry
            });
            object.insert("credentials_supported".into(), with_id.collect())
        }
    };
    document
}

fn reshape_entry(issuer: &Issuer, configuration: &Configuration, entry: &mut Object) {
    let dialect = &issuer.dialect;
    let mut metadata = match entry.remove("credential_metadata") {
        Some(Value::Object(metadata)) => metadata,
        _ => Object::new(),
    };
    if let Some(display) = metadata.get_mut("display") {
        rename_logos(dialect, display);
    }
    if dialect.display == DisplayPlace::Entry {
        entry.extend(metadata.remove("display").map(|display| ("display".to_owned(), display)));
    }
    match dialect.claims {
        Claims::MetadataPaths => {}
        Claims::Paths => entry.extend(metadata.remove("claims").map(|claims| ("claims".to_owned(), claims))),
        Claims::Tree => {
            if let Some(Value::Array(claims)) = metadata.remove("claims") {
                plant(dialect, configuration, entry, &claims);
            }
        }
    }
    if !metadata.is_empty() {
        entry.insert("credential_metadata".into(), metadata.into());
    }
    if dialect.types == Types::Top
        && let Some(Value::Object(mut definition)) = entry.remove("credential_definition")
    {
        entry.extend(definition.remove("type").map(|types| ("types".to_owned(), types)));
        entry.extend(definition);
    }
    if !dialect.scopes_listed {
        entry.remove("scope");
    }
    name_algs(issuer, configuration, entry);
    list_proof_types(dialect, entry);
}

/// The algorithms that credentials are signed with. The older name of the list means those of the
/// holder's key as well: which credentials can be bound to.
fn name_algs(issuer: &Issuer, configuration: &Configuration, entry: &mut Object) {
    let dialect = &issuer.dialect;
    let mut algs = entry.remove("credential_signing_alg_values_supported").expect("every entry has it");
    if configuration.format == Format::Mdoc && dialect.mdoc_algs == MdocAlgs::Names {
        algs = json!([curve_of(configuration.issuer_key, issuer.options.signer).alg()]);
    }
    let suites = dialect.signing_algs == "cryptographic_suites_supported";
    if suites && !matches!(configuration.flavor, Flavor::Suite(_)) {
        algs = json!(PROOF_ALGS);
    }
    entry.insert(dialect.signing_algs.into(), algs);
}

fn list_proof_types(dialect: &Dialect, entry: &mut Object) {
    let name = "proof_types_supported";
    let Some(Value::Object(types)) = entry.get_mut(name) else { return };
    match dialect.listed_proof_types {
        ListedProofTypes::Map => {}
        ListedProofTypes::None => {
            entry.remove(name);
        }
        ListedProofTypes::Array => {
            let names = types.keys().map(|kind| json!(kind)).collect();
            entry.insert(name.into(), names);
        }
    }
}

fn rename_logos(dialect: &Dialect, display: &mut Value) {
    if dialect.logo == "uri" {
        return;
    }
    for entry in display.as_array_mut().into_iter().flatten() {
        // Backgrounds came later than this name.
        entry.as_object_mut().map(|entry| entry.remove("background_image"));
        if let Some(logo) = entry.get_mut("logo").and_then(Value::as_object_mut) {
            let uri = logo.remove("uri").expect("every logo has it");
            logo.insert(dialect.logo.into(), uri);
        }
    }
}

/// Puts the claims into an entry as objects within objects, and the order that they have.
fn plant(dialect: &Dialect, configuration: &Configuration, entry: &mut Object, claims: &[Value]) {
    let prefix = configuration.format.claims_prefix().len();
    let subject = Value::Object(subject_claims(configuration.kind));
    let (mut tree, mut order) = (json!({}), Vec::new());
    for claim in claims {
        let path = &claim["path"].as_array().expect("every claim has a path")[prefix..];
        let mut leaf = claim.clone();
        let object = leaf.as_object_mut().expect("made as an object");
        object.remove("path");
        object.extend(value_type(&subject, path).map(|kind| ("value_type".to_owned(), json!(kind))));
        // By label at first, by name later, with the namespace before it in an mdoc.
        let name = if dialect.types == Types::Top {
            leaf["display"][0]["name"].as_str().map(str::to_owned)
        } else {
            let words: Vec<_> = path.iter().filter_map(Value::as_str).collect();
            let whole = configuration.format == Format::Mdoc;
            Some(if whole { words.join("~") } else { words[0].to_owned() })
        };
        order.extend(name.filter(|name| !order.contains(name)));
        insert(&mut tree, path, leaf);
    }
    let place = match configuration.format {
        Format::JwtVc | Format::JwtVcLd | Format::LdpVc => {
            entry["credential_definition"].as_object_mut().map(|definition| (definition, "credentialSubject"))
        }
        Format::SdJwtVc | Format::VcSdJwt | Format::Mdoc | Format::Unknown => None,
    };
    match place {
        Some((definition, name)) => definition.insert(name.into(), tree),
        None => entry.insert("claims".into(), tree),
    };
    entry.insert("order".into(), json!(order));
}

fn insert(node: &mut Value, path: &[Value], leaf: Value) {
    match path {
        [] => *node = leaf,
        [Value::String(name), rest @ ..] => {
            if !node.is_object() {
                *node = json!({});
            }
            insert(&mut node[name.as_str()], rest, leaf);
        }
        [_, rest @ ..] => {
            *node = json!([null]);
            insert(&mut node[0], rest, leaf);
        }
    }
}

/// `value_type` of the claim at a path, for the types that there is a name for.
fn value_type(subject: &Value, path: &[Value]) -> Option<&'static str> {
    let value = path.iter().try_fold(subject, |value, part| match part {
        Value::String(name) => value.get(name),
        _ => value.get(0),
    })?;
    match value {
        Value::String(_) if path.last().is_some_and(|name| name == "portrait") => Some("image/jpeg"),
        Value::String(_) => Some("string"),
        Value::Number(_) => Some("number"),
        _ => None,
    }
}
