//! Values of JSON-LD as literals of RDF (JSON-LD 1.1 API section 8.2.2).

use std::rc::Rc;

use serde_json::{Map, Number, Value};

use super::context::{Context, language_tag, looks_like_keyword};
use super::jcs;
use super::json_ld::{JsonLdError, undefined, undefined_type};
use super::rdf::{self, Literal, Term};

const XSD_BOOLEAN: &str = "http://www.w3.org/2001/XMLSchema#boolean";
const XSD_INTEGER: &str = "http://www.w3.org/2001/XMLSchema#integer";
const XSD_DOUBLE: &str = "http://www.w3.org/2001/XMLSchema#double";

/// A value object (`@value`).
pub(super) fn value_object(active: &Context<'_>, object: &Map<String, Value>) -> Result<Term, JsonLdError> {
    let (mut value, mut kind, mut language) = (None, None, None);
    for (name, member) in object {
        if name == "@context" {
            continue;
        }
        let place = match active.expand_iri(name, true).as_deref() {
            Some("@value") => &mut value,
            Some("@type") => &mut kind,
            Some("@language") => &mut language,
            Some("@direction") if member.is_null() => continue,
            Some("@direction") => return Err(JsonLdError::Unsigned("a direction of text")),
            Some("@index") => return Err(JsonLdError::Unsigned("an index")),
            Some(keyword) if looks_like_keyword(keyword) => {
                return Err(JsonLdError::Invalid("a value has a member that it can't have"));
            }
            _ => return Err(undefined(name)),
        };
        if place.replace(member).is_some() {
            return Err(JsonLdError::Invalid("two members are the same keyword"));
        }
    }
    let kind = match kind {
        None | Some(Value::Null) => None,
        Some(Value::String(kind)) => Some(active.expand_iri(kind, true).ok_or_else(|| undefined_type(kind))?),
        Some(_) => return Err(JsonLdError::Invalid("the type of a value is not text")),
    };
    let value = value.unwrap_or(&Value::Null);
    if kind.as_deref() == Some("@json") {
        return Ok(literal(jcs::canonical(value), rdf::JSON));
    }
    let language = match language {
        None | Some(Value::Null) => None,
        Some(Value::String(tag)) => Some(language_tag(tag)?),
        Some(_) => return Err(JsonLdError::Invalid("a language is not text")),
    };
    match (value, kind, language) {
        (Value::Null, ..) => Err(JsonLdError::Unsigned("a value that is `null`")),
        (_, Some(_), Some(_)) => Err(JsonLdError::Invalid("a value has both a type and a language")),
        (Value::String(text), None, language) => Ok(text_in(text, language)),
        (_, None, Some(_)) => Err(JsonLdError::Invalid("a value in a language is not text")),
        (value, kind, None) => match kind {
            Some(kind) if !rdf::is_iri(&kind) => Err(undefined_type(&kind)),
            kind => plain(value, kind.as_deref()),
        },
    }
}

pub(super) fn literal(text: String, datatype: &str) -> Term {
    Term::Literal(Rc::new(Literal { text, datatype: datatype.into(), language: None }))
}

pub(super) fn text_in(text: &str, language: Option<Rc<str>>) -> Term {
    match language {
        None => literal(text.to_owned(), rdf::STRING),
        Some(language) => Term::Literal(Rc::new(Literal {
            text: text.to_owned(),
            datatype: rdf::LANG_STRING.into(),
            language: Some(language.to_string()),
        })),
    }
}

/// A scalar with its datatype, or the one that goes with what it is in JSON.
pub(super) fn plain(value: &Value, datatype: Option<&str>) -> Result<Term, JsonLdError> {
    let datatype = datatype.filter(|datatype| !datatype.starts_with('@'));
    match value {
        Value::Bool(truth) => Ok(literal(truth.to_string(), datatype.unwrap_or(XSD_BOOLEAN))),
        Value::Number(number) => {
            let (text, natural) = number_text(number, datatype == Some(XSD_DOUBLE))?;
            Ok(literal(text, datatype.unwrap_or(natural)))
        }
        Value::String(text) => Ok(literal(text.clone(), datatype.unwrap_or(rdf::STRING))),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(JsonLdError::Invalid("a value is no scalar")),
    }
}

/// A number as XML Schema writes it, with its type.
fn number_text(number: &Number, as_double: bool) -> Result<(String, &'static str), JsonLdError> {
    if !as_double && (number.is_i64() || number.is_u64()) {
        return Ok((number.to_string(), XSD_INTEGER));
    }
    let value = number.as_f64().ok_or(JsonLdError::TooLarge)?;
    if !as_double && value.fract() == 0.0 && value.abs() < 1e21 {
        // There is no negative zero among integers.
        return Ok((format!("{:.0}", value + 0.0), XSD_INTEGER));
    }
    // `%1.15E`, without the zeros at the end of the fraction.
    let scientific = format!("{value:.15E}");
    let (mantissa, exponent) = scientific.split_once('E').ok_or(JsonLdError::TooLarge)?;
    let mantissa = mantissa.trim_end_matches('0');
    let zero = if mantissa.ends_with('.') { "0" } else { "" };
    Ok((format!("{mantissa}{zero}E{exponent}"), XSD_DOUBLE))
}
