//! RDF datasets as far as signatures need them: statements, and their canonical lines (N-Quads).

use std::fmt::Write as _;
use std::rc::Rc;

/// `rdf:type`.
pub(super) const TYPE: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";
/// `rdf:first`.
pub(super) const FIRST: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#first";
/// `rdf:rest`.
pub(super) const REST: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#rest";
/// `rdf:nil`.
pub(super) const NIL: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#nil";
/// `rdf:JSON`.
pub(super) const JSON: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#JSON";
/// `rdf:langString`.
pub(super) const LANG_STRING: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString";
/// `xsd:string`.
pub(super) const STRING: &str = "http://www.w3.org/2001/XMLSchema#string";

/// A node or a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Term {
    /// An IRI.
    Iri(Rc<str>),
    /// A node without a name, by the number that this run gave it.
    Blank(u32),
    /// A value.
    Literal(Rc<Literal>),
}

/// A value with its type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Literal {
    /// The value as text.
    pub(super) text: String,
    /// The datatype's IRI.
    pub(super) datatype: Rc<str>,
    /// The language, if it is text in one.
    pub(super) language: Option<String>,
}

/// A statement in a graph.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Quad {
    /// What it is about: never a literal.
    pub(super) subject: Term,
    /// What is said: an IRI.
    pub(super) predicate: Rc<str>,
    /// The value.
    pub(super) object: Term,
    /// The graph that it stands in; none for the default graph.
    pub(super) graph: Option<Term>,
}

impl Quad {
    /// The terms that may be blank.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (Position, &Term)> {
        [(Position::Subject, &self.subject), (Position::Object, &self.object)]
            .into_iter()
            .chain(self.graph.as_ref().map(|graph| (Position::Graph, graph)))
    }

    /// The canonical line, with blank nodes named by `name`.
    pub(super) fn line(&self, mut name: impl FnMut(u32) -> String) -> String {
        let mut line = String::new();
        let mut write = |line: &mut String, term: &Term| match term {
            Term::Iri(iri) => {
                let _ = write!(line, "<{iri}> ");
            }
            Term::Blank(node) => {
                let _ = write!(line, "_:{} ", name(*node));
            }
            Term::Literal(literal) => {
                literal.write(line);
                line.push(' ');
            }
        };
        write(&mut line, &self.subject);
        let _ = write!(line, "<{}> ", self.predicate);
        write(&mut line, &self.object);
        if let Some(graph) = &self.graph {
            write(&mut line, graph);
        }
        line.push_str(".\n");
        line
    }
}

/// Writes all language tags in small letters; whether that changed any.
pub(super) fn with_small_languages(quads: &mut [Quad]) -> bool {
    let mut changed = false;
    for quad in quads {
        let Term::Literal(literal) = &mut quad.object else { continue };
        if literal.language.as_ref().is_some_and(|tag| tag.bytes().any(|letter| letter.is_ascii_uppercase())) {
            let literal = Rc::make_mut(literal);
            literal.language = literal.language.as_ref().map(|tag| tag.to_ascii_lowercase());
            changed = true;
        }
    }
    changed
}

/// Where in a statement a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    Subject,
    Object,
    Graph,
}

impl Literal {
    fn write(&self, line: &mut String) {
        line.push_str(&quoted(&self.text));
        if let Some(language) = &self.language {
            let _ = write!(line, "@{language}");
        } else if &*self.datatype != STRING {
            let _ = write!(line, "^^<{}>", self.datatype);
        }
    }
}

/// A text in quotes, escaped as RDFC-1.0 section 5 has it.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '\u{8}' => quoted.push_str("\\b"),
            '\t' => quoted.push_str("\\t"),
            '\n' => quoted.push_str("\\n"),
            '\u{c}' => quoted.push_str("\\f"),
            '\r' => quoted.push_str("\\r"),
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\0'..='\u{1f}' | '\u{7f}' => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(character));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether a text is an absolute IRI as far as a line can hold it: a scheme, and none of the characters that
/// would end it or that no IRI has.
pub(super) fn is_iri(text: &str) -> bool {
    let Some((scheme, _)) = text.split_once(':') else { return false };
    let mut letters = scheme.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '-' | '.'))
        && !text
            .chars()
            .any(|c| c <= ' ' || c == '\u{7f}' || matches!(c, '<' | '>' | '"' | '{' | '}' | '|' | '\\' | '^' | '`'))
}
