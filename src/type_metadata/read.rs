//! A type metadata document as it comes.

use serde_json::{Map, Value};

use crate::dialect::read::claim_path;
use crate::json;
use crate::model::display::{Display, Logo, PathStep, plain_text};
use crate::model::type_metadata::{SelectiveDisclosure, SvgTemplate};

/// How many entries of a list are looked at: languages, templates.
const MAX_DISPLAYS: usize = 64;
/// How many claims of one document are looked at.
const MAX_CLAIMS: usize = 512;

/// One document, before what it extends is put under it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Document {
    pub(super) vct: String,
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    /// The type that it extends, and the integrity metadata of that one's document.
    pub(super) extends: Option<(String, Option<String>)>,
    /// None if it says nothing, which is not the same as saying that there is none.
    pub(super) display: Option<(Vec<Display>, Vec<SvgTemplate>)>,
    pub(super) claims: Vec<Claim>,
    /// Whether something in it was not as it has to be, and was left out.
    pub(super) malformed: bool,
}

/// What one document says about a claim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) path: Vec<PathStep>,
    pub(super) display: Option<Vec<Display>>,
    pub(super) sd: Option<SelectiveDisclosure>,
    pub(super) mandatory: Option<bool>,
    pub(super) svg_id: Option<String>,
}

/// Reads a document. What is only for show and can't be read is left out.
pub(super) fn document(octets: &[u8]) -> Result<Document, String> {
    let members = json::parse_object(octets).map_err(|error| format!("it is not a JSON object: {error}"))?;
    let Some(Value::String(vct)) = members.get("vct") else {
        return Err("its `vct` is missing or not text".to_owned());
    };
    let extends = match (members.get("extends"), members.get("extends#integrity")) {
        (None, _) => None,
        (Some(Value::String(extends)), None) => Some((extends.clone(), None)),
        (Some(Value::String(extends)), Some(Value::String(integrity))) => {
            Some((extends.clone(), Some(integrity.clone())))
        }
        _ => return Err("its `extends` or `extends#integrity` is not text".to_owned()),
    };
    let mut malformed = false;
    let display = list(&members, "display", MAX_DISPLAYS, &mut malformed).map(|entries| {
        let entries: Vec<_> = entries.iter().filter(|entry| entry.is_object()).collect();
        let templates = entries.iter().flat_map(|entry| templates(entry)).collect();
        (entries.into_iter().map(display).collect(), templates)
    });
    let entries = list(&members, "claims", MAX_CLAIMS, &mut malformed).unwrap_or_default();
    let mut claims: Vec<Claim> = Vec::with_capacity(entries.len());
    for entry in entries {
        match claim(entry) {
            Some(claim) if claims.iter().all(|other| other.path != claim.path) => claims.push(claim),
            _ => malformed = true,
        }
    }
    let text = |name| members.get(name).and_then(Value::as_str).map(plain_text);
    let (name, description) = (text("name"), text("description"));
    Ok(Document { vct: vct.clone(), name, description, extends, display, claims, malformed })
}

fn list<'a>(members: &'a Map<String, Value>, name: &str, most: usize, malformed: &mut bool) -> Option<&'a [Value]> {
    match members.get(name) {
        None => None,
        Some(Value::Array(entries)) => {
            *malformed |= entries.len() > most;
            Some(&entries[..entries.len().min(most)])
        }
        Some(_) => {
            *malformed = true;
            None
        }
    }
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).map(plain_text).filter(|text| !text.is_empty())
}

/// The language tag: `locale`, and `lang` in texts before -12.
fn locale(entry: &Value) -> Option<String> {
    text(entry, "locale").or_else(|| text(entry, "lang"))
}

fn display(entry: &Value) -> Display {
    let simple = entry.get("rendering").and_then(|rendering| rendering.get("simple")).unwrap_or(&Value::Null);
    let picture = |name: &str| {
        let picture = simple.get(name)?;
        let integrity = picture.get("uri#integrity").and_then(Value::as_str).map(str::to_owned);
        let uri = picture.get("uri")?.as_str()?.to_owned();
        Some(Logo { uri, alt_text: text(picture, "alt_text"), integrity })
    };
    Display {
        name: text(entry, "name"),
        locale: locale(entry),
        logo: picture("logo"),
        description: text(entry, "description"),
        background_color: text(simple, "background_color"),
        background_image: picture("background_image"),
        text_color: text(simple, "text_color"),
    }
}

fn templates(entry: &Value) -> Vec<SvgTemplate> {
    let Some(Value::Array(listed)) = entry.get("rendering").and_then(|rendering| rendering.get("svg_templates")) else {
        return Vec::new();
    };
    let read = |template: &Value| {
        let property = |name| template.get("properties").and_then(|properties| text(properties, name));
        Some(SvgTemplate {
            locale: locale(entry),
            uri: template.get("uri")?.as_str()?.to_owned(),
            integrity: template.get("uri#integrity").and_then(Value::as_str).map(str::to_owned),
            orientation: property("orientation"),
            color_scheme: property("color_scheme"),
            contrast: property("contrast"),
        })
    };
    listed.iter().take(MAX_DISPLAYS).filter_map(read).collect()
}

/// One entry of `claims`; none of what is not one.
fn claim(entry: &Value) -> Option<Claim> {
    let path = claim_path(entry.get("path")?)?;
    let display = match entry.get("display") {
        None => None,
        Some(Value::Array(labels)) => {
            let label = |entry: &Value| Display {
                name: text(entry, "label"),
                locale: locale(entry),
                description: text(entry, "description"),
                ..Display::default()
            };
            Some(labels.iter().take(MAX_DISPLAYS).filter(|entry| entry.is_object()).map(label).collect())
        }
        Some(_) => return None,
    };
    let sd = match entry.get("sd") {
        None => None,
        Some(sd) => Some(match sd.as_str()? {
            "always" => SelectiveDisclosure::Always,
            "allowed" => SelectiveDisclosure::Allowed,
            "never" => SelectiveDisclosure::Never,
            _ => return None,
        }),
    };
    let mandatory = match entry.get("mandatory") {
        None => None,
        Some(mandatory) => Some(mandatory.as_bool()?),
    };
    let svg_id = match entry.get("svg_id") {
        None => None,
        Some(id) => Some(id.as_str()?.to_owned()),
    };
    Some(Claim { path, display, sd, mandatory, svg_id })
}
