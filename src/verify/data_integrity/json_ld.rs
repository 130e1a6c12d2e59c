//! JSON-LD to RDF (JSON-LD 1.1 API sections 5 and 8), strictly: whatever would not become a statement is an error.
//!
//! JSON-LD passes over members that its contexts do not define, relative IRIs, values in places where none can
//! be, directions of texts and more. A signature says nothing about those, so that anybody could have put them there.
//! Only `null`, which says nothing, is passed over here too. What credentials have no use for (`@reverse`, `@nest`,
//! `@included`, `@index`, maps by id or type) is refused as unsupported.

use std::collections::HashMap;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::context::{Container, Context, Entry, Language, Processor, TermDefinition, language_tag};
use super::contexts::Contexts;
use super::jcs;
use super::names;
use super::rdf::{self, Quad, Term};
use super::value::{literal, plain, text_in, value_object};

/// How many statements a document may have.
const MAX_QUADS: usize = 50_000;
/// How many octets its statements may have together.
const MAX_TEXT: usize = 8 << 20;
/// How deep objects and arrays may nest.
const MAX_DEPTH: usize = crate::json::MAX_DEPTH + 2;

/// Why a document has no statements that could be signed. Names terms and types, never values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JsonLdError {
    /// A context that is not in the library and was not added by the app. None is ever fetched.
    #[error("the context {0} is not known")]
    UnknownContext(String),
    /// A context that contradicts JSON-LD or an earlier context.
    #[error("a context is wrong: {0}")]
    Context(&'static str),
    /// A member that no context defines.
    #[error("the member `{0}` is not defined by the contexts, so that no signature covers it")]
    UndefinedTerm(String),
    /// A type that no context defines.
    #[error("the type `{0}` is not defined by the contexts, so that no signature covers it")]
    UndefinedType(String),
    /// Something else that JSON-LD passes over.
    #[error("it has {0}, which no signature would cover")]
    Unsigned(&'static str),
    /// A part of JSON-LD that this version does not know.
    #[error("it uses {0} of JSON-LD, which is not supported")]
    Unsupported(&'static str),
    /// Something that JSON-LD forbids.
    #[error("it is not valid JSON-LD: {0}")]
    Invalid(&'static str),
    /// More than any credential needs.
    #[error("it is too large")]
    TooLarge,
}

/// The statements of a document.
pub(super) fn to_rdf<'a>(document: &'a Map<String, Value>, contexts: &'a Contexts) -> Result<Vec<Quad>, JsonLdError> {
    let mut expander = Expander {
        processor: Processor::new(contexts),
        quads: Vec::new(),
        text_left: MAX_TEXT,
        blanks: 0,
        names: HashMap::new(),
        graph: None,
        credential: None,
    };
    let scoped = expander.enter(&Rc::new(Context::default()), document, None)?;
    expander.node(&scoped, document, Place::Document, 0)?;
    Ok(expander.quads)
}

/// Where a node stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the root.
    Document,
    /// Right in a graph: only its own statements count.
    Graph,
    /// As the value of something, which counts by itself.
    Value,
}

struct Expander<'a> {
    processor: Processor<'a>,
    quads: Vec<Quad>,
    text_left: usize,
    blanks: u32,
    /// Blank nodes that the document names.
    names: HashMap<&'a str, u32>,
    graph: Option<Term>,
    /// The credential that the document is, if it is one.
    credential: Option<Term>,
}

type Active<'a> = Rc<Context<'a>>;

impl<'a> Expander<'a> {
    fn fresh(&mut self) -> Term {
        self.blanks += 1;
        Term::Blank(self.blanks)
    }

    fn spend(&mut self, octets: usize) -> Result<(), JsonLdError> {
        self.text_left = self.text_left.checked_sub(octets).ok_or(JsonLdError::TooLarge)?;
        Ok(())
    }

    fn emit(&mut self, subject: &Term, predicate: Rc<str>, object: Term) -> Result<(), JsonLdError> {
        if self.quads.len() >= MAX_QUADS {
            return Err(JsonLdError::TooLarge);
        }
        let length = |term: &Term| match term {
            Term::Iri(iri) => iri.len(),
            Term::Blank(_) => 8,
            Term::Literal(literal) => literal.text.len() + literal.datatype.len(),
        };
        self.spend(length(subject) + predicate.len() + length(&object) + self.graph.as_ref().map_or(0, length))?;
        let graph = self.graph.clone();
        self.quads.push(Quad { subject: subject.clone(), predicate, object, graph });
        Ok(())
    }

    /// The node that an expanded `@id` names.
    fn named(&mut self, iri: &str, text: &'a str) -> Result<Term, JsonLdError> {
        if iri.starts_with("_:") {
            let next = self.blanks + 1;
            let number = *self.names.entry(text).or_insert(next);
            self.blanks = self.blanks.max(number);
            return Ok(Term::Blank(number));
        }
        if rdf::is_iri(iri) {
            Ok(Term::Iri(iri.into()))
        } else {
            Err(JsonLdError::Unsigned("an id that is no absolute IRI"))
        }
    }

    fn id(&mut self, context: &Context<'a>, text: &'a str) -> Result<Term, JsonLdError> {
        let iri = context.expand_iri(text, false).ok_or(JsonLdError::Unsigned("an id that looks like a keyword"))?;
        self.named(&iri, text)
    }

    /// Says all that a node object says; gives the node.
    fn node(
        &mut self,
        scoped: &Scoped<'a>,
        object: &'a Map<String, Value>,
        place: Place,
        depth: usize,
    ) -> Result<Term, JsonLdError> {
        if depth > MAX_DEPTH {
            return Err(JsonLdError::TooLarge);
        }
        let active = &scoped.active;
        let mut subject = None;
        let mut seen: Vec<Rc<str>> = Vec::new();
        let mut types = Vec::new();
        let mut graph = None;
        let mut properties = Vec::new();
        let mut plain = true;
        for (name, value) in object {
            if name == "@context" {
                continue;
            }
            let iri = active.expand_iri(name, true).ok_or_else(|| undefined(name))?;
            plain &= !iri.starts_with('@') || names::is_plain(name, &iri);
            if iri.starts_with('@') && &*iri != "@type" {
                if seen.contains(&iri) {
                    return Err(JsonLdError::Invalid("two members are the same keyword"));
                }
                seen.push(Rc::clone(&iri));
            }
            match &*iri {
                "@id" => {
                    let text = value.as_str().ok_or(JsonLdError::Invalid("an id is not text"))?;
                    subject = Some(self.id(active, text)?);
                }
                "@type" => {
                    let texts = match value {
                        Value::Array(items) => items.as_slice(),
                        single => std::slice::from_ref(single),
                    };
                    for text in texts {
                        let text = text.as_str().ok_or(JsonLdError::Invalid("a type is not text"))?;
                        let iri = scoped.by_type.expand_iri(text, true).ok_or_else(|| undefined_type(text))?;
                        // A type that nobody defines comes back as it is.
                        types.push(self.named(&iri, text).map_err(|_| undefined_type(text))?);
                    }
                }
                "@graph" if place != Place::Document => graph = Some(value),
                "@graph" => return Err(JsonLdError::Unsupported("`@graph` around a document")),
                "@reverse" | "@included" | "@nest" | "@index" => {
                    return Err(JsonLdError::Unsupported("`@reverse`, `@included`, `@nest` or `@index`"));
                }
                keyword if keyword.starts_with('@') => {
                    return Err(JsonLdError::Invalid("a keyword stands where it can't"));
                }
                _ if iri.starts_with("_:") => return Err(JsonLdError::Unsigned("a property that is a blank node")),
                _ if rdf::is_iri(&iri) => {
                    names::check_property(name, &iri)?;
                    properties.push((name, iri, value));
                }
                _ => return Err(undefined(name)),
            }
        }
        if place != Place::Value && types.is_empty() && properties.is_empty() && graph.is_none() {
            return Err(JsonLdError::Unsigned("a node without anything said about it"));
        }
        let subject = subject.unwrap_or_else(|| self.fresh());
        let is_credential = types.iter().any(|kind| matches!(kind, Term::Iri(iri) if **iri == *names::CREDENTIAL));
        if is_credential && !plain {
            return Err(JsonLdError::Invalid("a credential has its id or its types under other names than their own"));
        }
        if place == Place::Document {
            self.credential = is_credential.then(|| subject.clone());
        } else if self.credential.as_ref() == Some(&subject) && !(types.is_empty() && properties.is_empty()) {
            return Err(JsonLdError::Invalid("something is said about the credential in another place"));
        }
        for kind in types {
            self.emit(&subject, rdf::TYPE.into(), kind)?;
        }
        for (name, iri, value) in properties {
            let term = active.term(name).cloned();
            let term = term.as_deref();
            if let Some(unknown) = term.and_then(|term| term.unknown) {
                return Err(JsonLdError::Unsupported(unknown));
            }
            let says = Says { subject: &subject, predicate: iri };
            self.values(active, &says, term, value, depth + 1)?;
        }
        if let Some(value) = graph {
            self.in_graph(active, &subject, value, depth + 1)?;
        }
        Ok(subject)
    }

    /// The contexts that a node is under: of its place, its property, its own, and of its types.
    fn enter(
        &mut self,
        active: &Active<'a>,
        object: &'a Map<String, Value>,
        property: Option<&TermDefinition<'a>>,
    ) -> Result<Scoped<'a>, JsonLdError> {
        let mut active = Rc::clone(active);
        if let Some(previous) = &active.previous {
            let is = |name: &str, keyword: &str| active.expand_iri(name, true).as_deref() == Some(keyword);
            let value = object.keys().any(|name| is(name, "@value"));
            let reference = object.len() == 1 && object.keys().all(|name| is(name, "@id"));
            if !value && !reference {
                active = Rc::clone(previous);
            }
        }
        if let Some(context) = property.and_then(|property| property.context) {
            active = self.processor.process(&active, context, Entry::PROPERTY)?;
        }
        if let Some(context) = object.get("@context") {
            active = self.processor.process(&active, context, Entry::LOCAL)?;
        }
        let by_type = Rc::clone(&active);
        for (name, value) in object {
            if active.expand_iri(name, true).as_deref() != Some("@type") {
                continue;
            }
            let mut types: Vec<&str> = match value {
                Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
                single => single.as_str().into_iter().collect(),
            };
            types.sort_unstable();
            for kind in types {
                if let Some(context) = by_type.term(kind).and_then(|term| term.context) {
                    active = self.processor.process(&active, context, Entry::TYPE)?;
                }
            }
        }
        Ok(Scoped { active, by_type })
    }

    /// All values of a property.
    fn values(
        &mut self,
        active: &Active<'a>,
        says: &Says<'_>,
        term: Option<&TermDefinition<'a>>,
        value: &'a Value,
        depth: usize,
    ) -> Result<(), JsonLdError> {
        if depth > MAX_DEPTH {
            return Err(JsonLdError::TooLarge);
        }
        let coercion = term.and_then(|term| term.coercion.as_deref());
        if coercion == Some("@json") {
            let literal = literal(jcs::canonical(value), rdf::JSON);
            return self.emit(says.subject, Rc::clone(&says.predicate), literal);
        }
        if let Some(holds) = names::holds(&says.predicate) {
            holds.check_form(value)?;
        }
        match (term.map(|term| term.container).unwrap_or_default(), value) {
            (Container::Language, Value::Object(map)) => self.language_map(active, says, term, map, depth),
            (Container::List, value) => {
                // A list object is one already.
                if let Value::Object(object) = value
                    && object.keys().any(|name| active.expand_iri(name, true).as_deref() == Some("@list"))
                {
                    return self.value(active, says, term, value, depth);
                }
                let list = self.list(active, term, value, depth)?;
                self.emit(says.subject, Rc::clone(&says.predicate), list)
            }
            (Container::Graph, value) => {
                for item in flat(value, depth)? {
                    let graph = self.fresh();
                    self.emit(says.subject, Rc::clone(&says.predicate), graph.clone())?;
                    self.graph_item(active, graph, term, item, depth)?;
                }
                Ok(())
            }
            (_, value) => {
                flat(value, depth)?.into_iter().try_for_each(|item| self.value(active, says, term, item, depth))
            }
        }
    }

    /// One value of a property, which is no array.
    fn value(
        &mut self,
        active: &Active<'a>,
        says: &Says<'_>,
        term: Option<&TermDefinition<'a>>,
        value: &'a Value,
        depth: usize,
    ) -> Result<(), JsonLdError> {
        let object = match value {
            Value::Object(object) => {
                let scoped = self.enter(active, object, term)?;
                if let Some(holds) = names::holds(&says.predicate) {
                    holds.check_object(&scoped.active, object)?;
                }
                if let Some(set) = only_member(&scoped.active, object, "@set")? {
                    let mut items = flat(set, depth)?.into_iter();
                    return items.try_for_each(|item| self.value(&scoped.active, says, term, item, depth + 1));
                }
                Some(self.entered(&scoped, object, term, depth)?)
            }
            other => self.object_of(active, term, other, depth)?,
        };
        match object {
            Some(object) => self.emit(says.subject, Rc::clone(&says.predicate), object),
            None => Ok(()),
        }
    }

    /// What a value is as the object of a statement; nothing for `null`.
    fn object_of(
        &mut self,
        active: &Active<'a>,
        term: Option<&TermDefinition<'a>>,
        value: &'a Value,
        depth: usize,
    ) -> Result<Option<Term>, JsonLdError> {
        match value {
            Value::Null => Ok(None),
            Value::Object(object) => {
                let scoped = self.enter(active, object, term)?;
                self.entered(&scoped, object, term, depth).map(Some)
            }
            Value::Array(_) => Err(JsonLdError::Unsupported("lists in lists")),
            scalar => {
                // The context of a property holds for its scalars too.
                let active = match term.and_then(|term| term.context) {
                    Some(context) => self.processor.process(active, context, Entry::PROPERTY)?,
                    None => Rc::clone(active),
                };
                self.scalar(&active, term, scalar).map(Some)
            }
        }
    }

    /// An object whose contexts are in force: a value, a list or a node.
    fn entered(
        &mut self,
        scoped: &Scoped<'a>,
        object: &'a Map<String, Value>,
        term: Option<&TermDefinition<'a>>,
        depth: usize,
    ) -> Result<Term, JsonLdError> {
        if depth > MAX_DEPTH {
            return Err(JsonLdError::TooLarge);
        }
        let active = &scoped.active;
        if object.keys().any(|name| active.expand_iri(name, true).as_deref() == Some("@value")) {
            return value_object(active, object);
        }
        match only_member(active, object, "@list")? {
            Some(list) => self.list(active, term, list, depth + 1),
            None => self.node(scoped, object, Place::Value, depth + 1),
        }
    }

    /// Section 5.3.2, value expansion, and 8.2.2, to RDF.
    fn scalar(
        &mut self,
        active: &Active<'a>,
        term: Option<&TermDefinition<'a>>,
        value: &'a Value,
    ) -> Result<Term, JsonLdError> {
        let coercion = term.and_then(|term| term.coercion.clone());
        match (coercion.as_deref(), value) {
            (Some("@id"), Value::String(text)) => self.id(active, text),
            (Some("@vocab"), Value::String(text)) => {
                // Not named in the error: it is somebody's claim.
                let unknown = || JsonLdError::Unsigned("a word that the contexts do not define");
                let iri = active.expand_iri(text, true).ok_or_else(unknown)?;
                self.named(&iri, text).map_err(|_| unknown())
            }
            (Some("@id" | "@vocab" | "@none"), value) if !value.is_string() => plain(value, None),
            (None | Some("@none"), Value::String(text)) => {
                let direction = term.and_then(|term| term.direction).unwrap_or(active.direction);
                let language = match term.map(|term| &term.language) {
                    None | Some(Language::Inherited) => active.language.clone(),
                    Some(Language::None) => None,
                    Some(Language::Tag(tag)) => Some(Rc::clone(tag)),
                };
                if coercion.is_none() && direction {
                    return Err(JsonLdError::Unsigned("a direction of text"));
                }
                Ok(text_in(text, language.filter(|_| coercion.is_none())))
            }
            (coercion, value) => plain(value, coercion),
        }
    }

    fn list(
        &mut self,
        active: &Active<'a>,
        term: Option<&TermDefinition<'a>>,
        value: &'a Value,
        depth: usize,
    ) -> Result<Term, JsonLdError> {
        let items = match value {
            Value::Array(items) => items.as_slice(),
            single => std::slice::from_ref(single),
        };
        let mut nodes = Vec::new();
        for item in items {
            nodes.extend(self.object_of(active, term, item, depth)?);
        }
        let mut rest = Term::Iri(rdf::NIL.into());
        for object in nodes.into_iter().rev() {
            let cell = self.fresh();
            self.emit(&cell, rdf::FIRST.into(), object)?;
            self.emit(&cell, rdf::REST.into(), rest)?;
            rest = cell;
        }
        Ok(rest)
    }

    fn language_map(
        &mut self,
        active: &Active<'a>,
        says: &Says<'_>,
        term: Option<&TermDefinition<'a>>,
        map: &'a Map<String, Value>,
        depth: usize,
    ) -> Result<(), JsonLdError> {
        if term.and_then(|term| term.direction).unwrap_or(active.direction) {
            return Err(JsonLdError::Unsigned("a direction of text"));
        }
        for (language, value) in map {
            let none = active.expand_iri(language, true).as_deref() == Some("@none");
            let language = if none { None } else { Some(language_tag(language)?) };
            for item in flat(value, depth)? {
                let text = item.as_str().ok_or(JsonLdError::Invalid("a text in a language is not text"))?;
                self.emit(says.subject, Rc::clone(&says.predicate), text_in(text, language.clone()))?;
            }
        }
        Ok(())
    }

    /// The nodes of an explicit `@graph`.
    fn in_graph(
        &mut self,
        active: &Active<'a>,
        name: &Term,
        value: &'a Value,
        depth: usize,
    ) -> Result<(), JsonLdError> {
        for item in flat(value, depth)? {
            self.graph_item(active, name.clone(), None, item, depth)?;
        }
        Ok(())
    }

    fn graph_item(
        &mut self,
        active: &Active<'a>,
        name: Term,
        term: Option<&TermDefinition<'a>>,
        item: &'a Value,
        depth: usize,
    ) -> Result<(), JsonLdError> {
        let Value::Object(object) = item else {
            return Err(JsonLdError::Unsigned("a value right in a graph"));
        };
        let scoped = self.enter(active, object, term)?;
        let outer = self.graph.replace(name);
        let result = self.node(&scoped, object, Place::Graph, depth + 1);
        self.graph = outer;
        result.map(drop)
    }
}

struct Scoped<'a> {
    active: Active<'a>,
    /// Without the contexts of types: types are looked up here.
    by_type: Active<'a>,
}

struct Says<'b> {
    subject: &'b Term,
    predicate: Rc<str>,
}

pub(super) fn undefined(name: &str) -> JsonLdError {
    JsonLdError::UndefinedTerm(excerpt(name))
}

pub(super) fn undefined_type(name: &str) -> JsonLdError {
    JsonLdError::UndefinedType(excerpt(name))
}

/// A name for a report: the sender's, so bounded and without controls.
pub(super) fn excerpt(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

/// The items of arrays in arrays, without `null`.
fn flat(value: &Value, depth: usize) -> Result<Vec<&Value>, JsonLdError> {
    fn collect<'v>(value: &'v Value, depth: usize, items: &mut Vec<&'v Value>) -> Result<(), JsonLdError> {
        match value {
            Value::Null => Ok(()),
            Value::Array(_) if depth > MAX_DEPTH => Err(JsonLdError::TooLarge),
            Value::Array(inner) => inner.iter().try_for_each(|item| collect(item, depth + 1, items)),
            single => {
                items.push(single);
                Ok(())
            }
        }
    }
    let mut items = Vec::new();
    collect(value, depth, &mut items)?;
    Ok(items)
}

/// The value of a keyword that has to be alone in its object, if it is there.
fn only_member<'a>(
    active: &Context<'a>,
    object: &'a Map<String, Value>,
    keyword: &str,
) -> Result<Option<&'a Value>, JsonLdError> {
    let is = |name: &str| active.expand_iri(name, true).as_deref() == Some(keyword);
    let Some((_, value)) = object.iter().find(|(name, _)| is(name)) else { return Ok(None) };
    if object.keys().all(|name| name == "@context" || is(name)) {
        Ok(Some(value))
    } else {
        Err(JsonLdError::Invalid("a set or list has other members"))
    }
}

#[cfg(test)]
#[path = "json_ld_tests.rs"]
mod tests;
