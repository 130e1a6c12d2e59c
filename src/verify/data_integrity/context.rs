//! JSON-LD contexts (JSON-LD 1.1 API section 4), as much of them as credentials use.
//!
//! What this does not know (`@import`, `@base`, `@reverse`, `@nest`, maps by index, id or type) is refused where it
//! would matter, never passed over: a member that is passed over is one that nobody signed.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::contexts::Contexts;
use super::json_ld::JsonLdError;
use super::rdf;

/// How many contexts may be loaded by one another.
const MAX_REMOTE_DEPTH: usize = 8;
/// How many terms may be set up in all: real credentials stay below a few thousand.
const MAX_TERMS: usize = 150_000;

/// What a term stands for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct TermDefinition<'a> {
    /// An IRI or a keyword; none for a term that is switched off.
    pub(super) iri: Option<Rc<str>>,
    prefix: bool,
    set: bool,
    /// `@id`, `@vocab`, `@json`, `@none` or a datatype.
    pub(super) coercion: Option<Rc<str>>,
    pub(super) container: Container,
    pub(super) context: Option<&'a Value>,
    pub(super) language: Language,
    /// Whether its texts have a direction; `Some(false)` for explicitly none.
    pub(super) direction: Option<bool>,
    /// What of its definition is not known here.
    pub(super) unknown: Option<&'static str>,
}

/// The language of a term's texts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Language {
    /// That of the context.
    #[default]
    Inherited,
    /// None.
    None,
    /// This one.
    Tag(Rc<str>),
}

/// How a term's values are grouped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Container {
    /// Not at all, or `@set`.
    #[default]
    None,
    /// `@list`.
    List,
    /// `@graph`.
    Graph,
    /// `@language`.
    Language,
}

/// A context in force.
#[derive(Clone, Debug, Default)]
pub(super) struct Context<'a> {
    /// Each term with whether it may not be redefined.
    terms: HashMap<Rc<str>, (Rc<TermDefinition<'a>>, bool)>,
    vocabulary: Option<Rc<str>>,
    pub(super) language: Option<Rc<str>>,
    pub(super) direction: bool,
    /// What to go back to inside of the next node.
    pub(super) previous: Option<Rc<Context<'a>>>,
}

impl<'a> Context<'a> {
    pub(super) fn term(&self, name: &str) -> Option<&Rc<TermDefinition<'a>>> {
        self.terms.get(name).map(|(definition, _)| definition)
    }

    /// Section 5.2, IRI expansion, with no base: what stays relative comes back as it is. `None` for what the
    /// context or the syntax switches off.
    pub(super) fn expand_iri(&self, value: &str, vocab: bool) -> Option<Rc<str>> {
        if looks_like_keyword(value) {
            return is_keyword(value).then(|| value.into());
        }
        if let Some(term) = self.term(value) {
            match &term.iri {
                Some(iri) if vocab || is_keyword(iri) => return Some(Rc::clone(iri)),
                None if vocab => return None,
                _ => {}
            }
        }
        if let Some((prefix, suffix)) = split_compact(value) {
            if prefix == "_" || suffix.starts_with("//") {
                return Some(value.into());
            }
            if let Some(term) = self.term(prefix)
                && let Some(iri) = term.iri.as_ref().filter(|_| term.prefix)
            {
                return Some(format!("{iri}{suffix}").into());
            }
            if rdf::is_iri(value) {
                return Some(value.into());
            }
        }
        match &self.vocabulary {
            Some(vocabulary) if vocab => Some(format!("{vocabulary}{value}").into()),
            _ => Some(value.into()),
        }
    }
}

/// Splits at the first colon that is not the first character.
fn split_compact(value: &str) -> Option<(&str, &str)> {
    let at = value.char_indices().skip(1).find(|(_, c)| *c == ':')?.0;
    Some((&value[..at], &value[at + 1..]))
}

/// Whether a text has the form that is kept for keywords.
pub(super) fn looks_like_keyword(value: &str) -> bool {
    value.strip_prefix('@').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphabetic()))
}

fn is_keyword(value: &str) -> bool {
    const KEYWORDS: [&str; 23] = [
        "@base",
        "@container",
        "@context",
        "@direction",
        "@graph",
        "@id",
        "@import",
        "@included",
        "@index",
        "@json",
        "@language",
        "@list",
        "@nest",
        "@none",
        "@prefix",
        "@propagate",
        "@protected",
        "@reverse",
        "@set",
        "@type",
        "@value",
        "@version",
        "@vocab",
    ];
    KEYWORDS.contains(&value)
}

/// Whether something is an absolute IRI or the name of a blank node.
fn is_node_name(value: &str) -> bool {
    value.starts_with("_:") || rdf::is_iri(value)
}

/// Makes contexts out of JSON.
pub(super) struct Processor<'a> {
    contexts: &'a Contexts,
    terms_left: usize,
}

/// How a context comes into force.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    /// Whether protected terms may be redefined: by the context of a property.
    pub(super) over_protected: bool,
    /// Whether it stays in force inside of further nodes.
    pub(super) propagate: bool,
}

impl Entry {
    /// A context in a document.
    pub(super) const LOCAL: Self = Self { over_protected: false, propagate: true };
    /// The context of a property.
    pub(super) const PROPERTY: Self = Self { over_protected: true, propagate: true };
    /// The context of a type.
    pub(super) const TYPE: Self = Self { over_protected: false, propagate: false };
}

/// A context that is being read.
struct Scope<'a, 'b> {
    local: &'a Map<String, Value>,
    /// Terms that are done (true) or under way (false).
    defined: &'b mut HashMap<&'a str, bool>,
    protected: bool,
    over_protected: bool,
}

impl<'a> Processor<'a> {
    pub(super) fn new(contexts: &'a Contexts) -> Self {
        Self { contexts, terms_left: MAX_TERMS }
    }

    fn spend(&mut self, terms: usize) -> Result<(), JsonLdError> {
        self.terms_left = self.terms_left.checked_sub(terms).ok_or(JsonLdError::TooLarge)?;
        Ok(())
    }

    /// Section 4.1.2, context processing.
    pub(super) fn process(
        &mut self,
        active: &Rc<Context<'a>>,
        local: &'a Value,
        entry: Entry,
    ) -> Result<Rc<Context<'a>>, JsonLdError> {
        self.process_at(active, local, entry, 0)
    }

    fn process_at(
        &mut self,
        active: &Rc<Context<'a>>,
        local: &'a Value,
        entry: Entry,
        depth: usize,
    ) -> Result<Rc<Context<'a>>, JsonLdError> {
        let propagate = match local.get("@propagate") {
            Some(Value::Bool(propagate)) => *propagate,
            Some(_) => return Err(JsonLdError::Context("`@propagate` is not true or false")),
            None => entry.propagate,
        };
        self.spend(active.terms.len() + 1)?;
        let mut result = Context::clone(active);
        if !propagate && result.previous.is_none() {
            result.previous = Some(Rc::clone(active));
        }
        let locals = match local {
            Value::Array(locals) => locals.as_slice(),
            single => std::slice::from_ref(single),
        };
        for local in locals {
            match local {
                Value::Null => {
                    if !entry.over_protected && result.terms.values().any(|(_, protected)| *protected) {
                        return Err(JsonLdError::Context("it throws protected terms away"));
                    }
                    result = Context { previous: (!propagate).then(|| Rc::new(result)), ..Context::default() };
                }
                Value::String(address) => {
                    if depth >= MAX_REMOTE_DEPTH {
                        return Err(JsonLdError::Context("contexts load each other without an end"));
                    }
                    let loaded = self.contexts.get(address)?;
                    result = Rc::unwrap_or_clone(self.process_at(&Rc::new(result), loaded, Entry::LOCAL, depth + 1)?);
                }
                Value::Object(local) => self.read(&mut result, local, entry.over_protected, depth > 0)?,
                _ => return Err(JsonLdError::Context("an entry of `@context` is neither an address nor an object")),
            }
        }
        Ok(Rc::new(result))
    }

    fn read(
        &mut self,
        result: &mut Context<'a>,
        local: &'a Map<String, Value>,
        over_protected: bool,
        remote: bool,
    ) -> Result<(), JsonLdError> {
        let mut protected = false;
        for (name, value) in local {
            match (name.as_str(), value) {
                ("@version", value) if value.as_f64() == Some(1.1) => {}
                ("@version", _) => return Err(JsonLdError::Context("`@version` is not 1.1")),
                ("@import", _) => return Err(JsonLdError::Unsupported("`@import`")),
                ("@base", Value::Null) => {}
                ("@base", _) if remote => {}
                ("@base", _) => return Err(JsonLdError::Unsupported("`@base`")),
                ("@language", Value::Null) => result.language = None,
                ("@language", Value::String(language)) => result.language = Some(language_tag(language)?),
                ("@direction", value) => result.direction = direction(value)?,
                ("@protected", Value::Bool(is)) => protected = *is,
                ("@language" | "@protected", _) => {
                    return Err(JsonLdError::Context("a keyword of a context has a value that it can't have"));
                }
                _ => {}
            }
        }
        match local.get("@vocab") {
            None => {}
            Some(Value::Null) => result.vocabulary = None,
            Some(Value::String(text)) => {
                let iri = result.expand_iri(text, true).filter(|iri| rdf::is_iri(iri));
                result.vocabulary = Some(iri.ok_or(JsonLdError::Unsupported("`@vocab` that is no absolute IRI"))?);
            }
            Some(_) => return Err(JsonLdError::Context("`@vocab` is not text")),
        }
        self.spend(local.len())?;
        let mut defined = HashMap::new();
        let mut scope = Scope { local, defined: &mut defined, protected, over_protected };
        for term in local.keys() {
            let keyword = matches!(
                term.as_str(),
                "@base" | "@direction" | "@import" | "@language" | "@propagate" | "@protected" | "@version" | "@vocab"
            );
            if !keyword {
                define(result, &mut scope, term, 0)?;
            }
        }
        Ok(())
    }
}

/// Section 5.2 while a context is being read: terms that it needs are defined first.
fn expand_iri<'a>(
    result: &mut Context<'a>,
    scope: &mut Scope<'a, '_>,
    value: &str,
    depth: usize,
) -> Result<Option<Rc<str>>, JsonLdError> {
    if looks_like_keyword(value) {
        return Ok(is_keyword(value).then(|| value.into()));
    }
    let prefix = split_compact(value).map(|(prefix, _)| prefix);
    for name in [Some(value), prefix].into_iter().flatten() {
        if let Some((term, _)) = scope.local.get_key_value(name)
            && scope.defined.get(term.as_str()) != Some(&true)
        {
            define(result, scope, term, depth + 1)?;
        }
    }
    Ok(result.expand_iri(value, true))
}

/// A term's definition that says nothing but what it stands for.
static NOTHING: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

/// Section 4.2.2, create term definition.
fn define<'a>(
    result: &mut Context<'a>,
    scope: &mut Scope<'a, '_>,
    term: &'a str,
    depth: usize,
) -> Result<(), JsonLdError> {
    match scope.defined.get(term) {
        Some(true) => return Ok(()),
        Some(false) => return Err(JsonLdError::Context("terms are defined by each other in a circle")),
        None => {}
    }
    // A chain of terms that are defined by one another.
    if depth > 64 {
        return Err(JsonLdError::TooLarge);
    }
    if term.is_empty() {
        return Err(JsonLdError::Context("a term is empty"));
    }
    scope.defined.insert(term, false);
    let value = &scope.local[term];
    if term == "@type" {
        let allowed = value.as_object().is_some_and(|value| {
            value.iter().all(|(name, value)| match name.as_str() {
                "@container" => value == "@set",
                "@protected" => value.is_boolean(),
                _ => false,
            })
        });
        scope.defined.insert(term, true);
        let set = value.get("@container").is_some();
        let protected = value.get("@protected").and_then(Value::as_bool).unwrap_or(scope.protected);
        let definition = Rc::new(TermDefinition { set, ..TermDefinition::default() });
        return match result.terms.get(term) {
            _ if !allowed => Err(JsonLdError::Context("a keyword is redefined")),
            Some((before, true)) if !scope.over_protected => {
                if *before == definition {
                    Ok(())
                } else {
                    Err(JsonLdError::Context("a protected term is redefined"))
                }
            }
            _ => {
                result.terms.insert(term.into(), (definition, protected));
                Ok(())
            }
        };
    }
    if is_keyword(term) {
        return Err(JsonLdError::Context("a keyword is redefined"));
    }
    if looks_like_keyword(term) {
        return Ok(());
    }
    let before = result.terms.remove(term);
    let (id, value, simple) = match value {
        Value::Null => (Some(&Value::Null), &*NOTHING, false),
        Value::String(_) => (Some(value), &*NOTHING, true),
        Value::Object(value) => (value.get("@id"), value, false),
        _ => return Err(JsonLdError::Context("a term's definition is neither text nor an object")),
    };
    let mut definition = TermDefinition::default();
    let protected = match value.get("@protected") {
        None => scope.protected,
        Some(Value::Bool(protected)) => *protected,
        Some(_) => return Err(JsonLdError::Context("`@protected` is not true or false")),
    };
    if let Some(coercion) = value.get("@type") {
        let coercion = coercion.as_str().ok_or(JsonLdError::Context("a term's `@type` is not text"))?;
        let iri = expand_iri(result, scope, coercion, depth)?
            .filter(|iri| matches!(&**iri, "@id" | "@vocab" | "@json" | "@none") || rdf::is_iri(iri));
        definition.coercion = Some(iri.ok_or(JsonLdError::Context("a term's `@type` is no type"))?);
    }
    let reverse = value.get("@reverse");
    let id = if reverse.is_some() { reverse } else { id };
    if reverse.is_some() {
        definition.unknown = Some("`@reverse`");
    }
    match id {
        Some(Value::Null) => {}
        Some(Value::String(id)) if id != term => {
            if looks_like_keyword(id) && !is_keyword(id) {
                return Ok(());
            }
            let iri = expand_iri(result, scope, id, depth)?
                .filter(|iri| (is_keyword(iri) && &**iri != "@context") || is_node_name(iri))
                .ok_or(JsonLdError::Context("a term stands for something that is no IRI"))?;
            let inner_colon = term.char_indices().any(|(at, c)| c == ':' && at > 0 && at + 1 < term.len());
            if inner_colon || term.contains('/') {
                scope.defined.insert(term, true);
                if expand_iri(result, scope, term, depth)?.as_deref() != Some(&*iri) {
                    return Err(JsonLdError::Context("a term that is an IRI stands for another one"));
                }
            } else if simple {
                definition.prefix = iri.ends_with([':', '/', '?', '#', '[', ']', '@']) || iri.starts_with("_:");
            }
            definition.iri = Some(iri);
        }
        Some(Value::String(_)) | None => {
            definition.iri = Some(own_iri(result, scope, term, depth)?);
        }
        Some(_) => return Err(JsonLdError::Context("a term's `@id` is not text")),
    }
    read_container(&mut definition, value)?;
    definition.context = value.get("@context");
    match value.get("@language") {
        None => {}
        Some(_) if definition.coercion.is_some() => {}
        Some(Value::Null) => definition.language = Language::None,
        Some(Value::String(language)) => definition.language = Language::Tag(language_tag(language)?),
        Some(_) => return Err(JsonLdError::Context("a term's `@language` is not text")),
    }
    if let Some(value) = value.get("@direction").filter(|_| definition.coercion.is_none()) {
        definition.direction = Some(direction(value)?);
    }
    match value.get("@prefix") {
        None => {}
        Some(Value::Bool(prefix)) if !term.contains([':', '/']) => definition.prefix = *prefix,
        Some(_) => return Err(JsonLdError::Context("a term has a `@prefix` that it can't have")),
    }
    if definition.prefix && definition.iri.as_deref().is_some_and(is_keyword) {
        return Err(JsonLdError::Context("a keyword is used as a prefix"));
    }
    for name in value.keys() {
        match name.as_str() {
            "@id" | "@reverse" | "@container" | "@context" | "@direction" | "@language" | "@prefix" | "@protected"
            | "@type" => {}
            "@nest" => definition.unknown = Some("`@nest`"),
            "@index" => definition.unknown = Some("`@index`"),
            _ => return Err(JsonLdError::Context("a term's definition has a member that is not known")),
        }
    }
    let mut protected = protected;
    let mut definition = Rc::new(definition);
    if let Some((before, true)) = before.filter(|_| !scope.over_protected) {
        if before != definition {
            return Err(JsonLdError::Context("a protected term is redefined"));
        }
        definition = before;
        protected = true;
    }
    result.terms.insert(term.into(), (definition, protected));
    scope.defined.insert(term, true);
    Ok(())
}

/// What a term stands for that is not told it.
fn own_iri<'a>(
    result: &mut Context<'a>,
    scope: &mut Scope<'a, '_>,
    term: &'a str,
    depth: usize,
) -> Result<Rc<str>, JsonLdError> {
    if let Some((prefix, suffix)) = split_compact(term) {
        if let Some((name, _)) = scope.local.get_key_value(prefix) {
            define(result, scope, name, depth + 1)?;
        }
        let iri = match result.term(prefix).and_then(|prefix| prefix.iri.as_ref()) {
            Some(iri) => format!("{iri}{suffix}").into(),
            None => Rc::from(term),
        };
        return if is_node_name(&iri) { Ok(iri) } else { Err(JsonLdError::Context("a term stands for no IRI")) };
    }
    match &result.vocabulary {
        Some(vocabulary) => Ok(format!("{vocabulary}{term}").into()),
        None => Err(JsonLdError::Context("a term stands for no IRI")),
    }
}

fn read_container(definition: &mut TermDefinition<'_>, value: &Map<String, Value>) -> Result<(), JsonLdError> {
    let Some(container) = value.get("@container") else { return Ok(()) };
    let names = match container {
        Value::Null => return Ok(()),
        Value::Array(names) => names.as_slice(),
        single => std::slice::from_ref(single),
    };
    for name in names {
        let container = match name.as_str() {
            Some("@set") => {
                definition.set = true;
                continue;
            }
            Some("@list") => Container::List,
            Some("@graph") => Container::Graph,
            Some("@language") => Container::Language,
            Some("@index" | "@id" | "@type") => {
                definition.unknown = Some("a container by `@index`, `@id` or `@type`");
                continue;
            }
            _ => return Err(JsonLdError::Context("a term has a container that is not known")),
        };
        if definition.container != Container::None {
            return Err(JsonLdError::Context("a term has containers that do not go together"));
        }
        definition.container = container;
    }
    if definition.container == Container::List && names.len() > 1 {
        return Err(JsonLdError::Context("a term has containers that do not go together"));
    }
    Ok(())
}

fn direction(value: &Value) -> Result<bool, JsonLdError> {
    match value.as_str() {
        Some("ltr" | "rtl") => Ok(true),
        None if value.is_null() => Ok(false),
        _ => Err(JsonLdError::Context("`@direction` is neither `ltr` nor `rtl`")),
    }
}

/// A language tag that a line of a dataset can hold (RFC 5646 section 2.2.9, well-formed in its coarse shape).
pub(super) fn language_tag(text: &str) -> Result<Rc<str>, JsonLdError> {
    let mut parts = text.split('-');
    let fits = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let first = parts.next().is_some_and(|part| fits(part) && part.bytes().all(|b| b.is_ascii_alphabetic()));
    if first && parts.all(fits) { Ok(text.into()) } else { Err(JsonLdError::Unsigned("a language that is none")) }
}
