//! Credentials that are asked for by format and type, and the claims that are wanted in them.

use serde_json::{Map, Value, json};

use super::{Claims, Dialect, Types};
use crate::catalogue::{Configuration, Format};
use crate::claims::{self, Path};
use crate::formats::ldp;
use crate::issuer::Issuer;
use crate::refusal::Refusal;
use crate::subjects::LICENCE_DOCTYPE;

type Object = Map<String, Value>;

/// Members of requests and authorization details that say something about a type.
pub(crate) const MEMBERS: [&str; 7] =
    ["format", "types", "credential_definition", "credentialSubject", "doctype", "vct", "claims"];

impl Format {
    fn is_linked(self) -> bool {
        matches!(self, Self::JwtVcLd | Self::LdpVc)
    }
}

impl Dialect {
    /// The members that go with a format.
    fn members(&self, format: Format) -> &'static [&'static str] {
        match (format, self.types) {
            (Format::JwtVc, Types::Top) => &["format", "types", "credentialSubject"],
            (Format::JwtVc | Format::JwtVcLd | Format::LdpVc, _) => &["format", "credential_definition"],
            (Format::Mdoc, _) => &["format", "doctype", "claims"],
            (Format::SdJwtVc | Format::VcSdJwt | Format::Unknown, _) => &["format", "vct", "claims"],
        }
    }

    /// The name of the list of types of a W3C credential.
    fn list_of_types(&self) -> &'static str {
        match self.types {
            Types::Top => "types",
            Types::Definition => "type",
        }
    }
}

fn malformed(reason: impl AsRef<str>) -> Refusal {
    Refusal::new("invalid_credential_request", reason)
}

/// The configurations of the format and type that `object` names; there is one at least.
pub(crate) fn named<'a>(issuer: &'a Issuer, object: &Object) -> Result<Vec<&'a Configuration>, Refusal> {
    let dialect = &issuer.dialect;
    let text = object.get("format").and_then(Value::as_str).ok_or_else(|| malformed("format is not a string"))?;
    let format = Format::from_id(text).filter(|format| dialect.formats.contains(format)).ok_or_else(|| {
        Refusal::new(dialect.codes.unknown_format, format!("The format '{text}' is not supported here"))
    })?;
    let of_format = issuer.configurations.iter().filter(|configuration| configuration.format == format);
    let members = dialect.members(format);
    if let Some(name) = MEMBERS.iter().find(|name| object.contains_key(**name) && !members.contains(name)) {
        return Err(malformed(format!("{name} does not go with the format {text} here")));
    }
    let found: Vec<_> = match format {
        Format::JwtVc | Format::JwtVcLd | Format::LdpVc => {
            let (holder, name) = match members[1] {
                "types" => (object, "types"),
                _ => (definition(dialect, format, object)?, dialect.list_of_types()),
            };
            let types = strings(holder.get(name)).ok_or_else(|| malformed(format!("{name} is not a list of types")))?;
            let context = holder.get("@context");
            if format.is_linked() && !context.is_some_and(Value::is_array) {
                return Err(malformed("@context is missing or not a list"));
            }
            let has_types = |configuration: &&Configuration| {
                let own = ["VerifiableCredential", configuration.kind.type_name()];
                types.len() == own.len() && own.iter().all(|name| types.contains(name))
            };
            let has_context =
                |configuration: &&Configuration| context.is_none_or(|context| *context == ldp::contexts(configuration));
            of_format.filter(has_types).filter(has_context).collect()
        }
        Format::Mdoc => {
            let doctype = text_of(object, "doctype")?;
            of_format.filter(|_| doctype == LICENCE_DOCTYPE).collect()
        }
        Format::SdJwtVc | Format::VcSdJwt | Format::Unknown => {
            let vct = text_of(object, "vct")?;
            of_format.filter(|configuration| configuration.vct(&issuer.id) == vct).collect()
        }
    };
    if found.is_empty() {
        return Err(Refusal::new("unknown_credential_configuration", "No credential here is of this type"));
    }
    Ok(found)
}

fn text_of<'a>(object: &'a Object, name: &str) -> Result<&'a str, Refusal> {
    object.get(name).and_then(Value::as_str).ok_or_else(|| malformed(format!("{name} is missing or not a string")))
}

fn strings(list: Option<&Value>) -> Option<Vec<&str>> {
    list?.as_array()?.iter().map(Value::as_str).collect()
}

fn definition<'a>(dialect: &Dialect, format: Format, object: &'a Object) -> Result<&'a Object, Refusal> {
    let definition = object
        .get("credential_definition")
        .and_then(Value::as_object)
        .ok_or_else(|| malformed("credential_definition is missing or not an object"))?;
    for name in definition.keys() {
        let known = match name.as_str() {
            "@context" => format.is_linked(),
            "credentialSubject" => dialect.claims == Claims::Tree,
            other => other == dialect.list_of_types(),
        };
        if !known {
            return Err(malformed(format!("{name} has no place in credential_definition here")));
        }
    }
    Ok(definition)
}

/// The claims that `object` wants in a credential, if it says anything about them.
pub(crate) fn wanted(
    dialect: &Dialect,
    configuration: &Configuration,
    object: &Object,
) -> Result<Option<Vec<Path>>, String> {
    if dialect.claims != Claims::Tree {
        return object.get("claims").map(|claims| claims::read(configuration, claims)).transpose();
    }
    let (tree, mut path) = match configuration.format {
        Format::JwtVc | Format::JwtVcLd | Format::LdpVc => {
            if object.contains_key("claims") {
                return Err("claims does not go with this format here".to_owned());
            }
            let holder = object.get("credential_definition").and_then(Value::as_object).unwrap_or(object);
            (holder.get("credentialSubject"), vec![json!("credentialSubject")])
        }
        Format::SdJwtVc | Format::VcSdJwt | Format::Mdoc | Format::Unknown => (object.get("claims"), Vec::new()),
    };
    let Some(tree) = tree else { return Ok(None) };
    let mut found = Vec::new();
    climb(tree, &mut path, &mut found)?;
    if tree.as_object().is_none_or(Map::is_empty) {
        return Ok(None);
    }
    claims::read(configuration, &Value::Array(found)).map(Some)
}

/// Lists what is at the ends of objects within objects.
fn climb(node: &Value, path: &mut Path, found: &mut Vec<Value>) -> Result<(), String> {
    let mut below = |part: Value, node: &Value| {
        path.push(part);
        let result = climb(node, path, found);
        path.pop();
        result
    };
    match node {
        Value::Object(members) => {
            let is_leaf = |name: &String| ["mandatory", "value_type", "display"].contains(&name.as_str());
            if members.keys().all(is_leaf) {
                let mandatory = members.get("mandatory").cloned().unwrap_or(json!(false));
                found.push(json!({"path": path, "mandatory": mandatory}));
                return Ok(());
            }
            members.iter().try_for_each(|(name, node)| below(json!(name), node))
        }
        Value::Array(elements) => elements.iter().try_for_each(|node| below(Value::Null, node)),
        _ => Err(format!("the claim {} is described by something that is no object", json!(path))),
    }
}

/// The format and type of a configuration, as an offer or authorization details name it.
pub(crate) fn of(issuer: &Issuer, configuration: &Configuration) -> Value {
    let dialect = &issuer.dialect;
    let format = configuration.format;
    let mut object = json!({"format": format.id()});
    let types = json!(["VerifiableCredential", configuration.kind.type_name()]);
    match format {
        Format::JwtVc if dialect.types == Types::Top => object["types"] = types,
        Format::JwtVc | Format::JwtVcLd | Format::LdpVc => {
            let mut definition = json!({dialect.list_of_types(): types});
            if format.is_linked() {
                definition["@context"] = ldp::contexts(configuration);
            }
            object["credential_definition"] = definition;
        }
        Format::Mdoc => object["doctype"] = json!(LICENCE_DOCTYPE),
        Format::SdJwtVc | Format::VcSdJwt | Format::Unknown => object["vct"] = json!(configuration.vct(&issuer.id)),
    }
    object
}
