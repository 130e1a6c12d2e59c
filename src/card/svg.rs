//! SVG pictures that do nothing but be looked at.
//!
//! They are not repaired: one that holds something of the forbidden is no picture at all. Allowed is what
//! [`ELEMENTS`] lists, without event handlers, and with references only to its own parts or to small pictures
//! made of pixels in `data:` addresses.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use roxmltree::{Document, Node, NodeId, NodeType, ParsingOptions};

use super::image;

const SVG: &str = "http://www.w3.org/2000/svg";

/// The most elements, attributes and texts that a picture may have.
const MOST_NODES: u32 = 20_000;
/// How deep they may be nested.
const DEEPEST: usize = 64;
/// The most elements there may be to draw once every reference is followed.
const MOST_DRAWN: u64 = 50_000;

/// The most pixels of all pictures in it together: as many as one picture may have.
const MOST_PIXELS: u64 = image::MAX_SIDE as u64 * image::MAX_SIDE as u64;

/// What a still picture is made of. There are no scripts, links, foreign objects and animations among them.
const ELEMENTS: [&str; 62] = [
    "circle",
    "clipPath",
    "defs",
    "desc",
    "ellipse",
    "feBlend",
    "feColorMatrix",
    "feComponentTransfer",
    "feComposite",
    "feConvolveMatrix",
    "feDiffuseLighting",
    "feDisplacementMap",
    "feDistantLight",
    "feDropShadow",
    "feFlood",
    "feFuncA",
    "feFuncB",
    "feFuncG",
    "feFuncR",
    "feGaussianBlur",
    "feImage",
    "feMerge",
    "feMergeNode",
    "feMorphology",
    "feOffset",
    "fePointLight",
    "feSpecularLighting",
    "feSpotLight",
    "feTile",
    "feTurbulence",
    "filter",
    "font",
    "font-face",
    "g",
    "glyph",
    "hkern",
    "image",
    "line",
    "linearGradient",
    "marker",
    "mask",
    "metadata",
    "missing-glyph",
    "mpath",
    "path",
    "pattern",
    "polygon",
    "polyline",
    "radialGradient",
    "rect",
    "stop",
    "style",
    "svg",
    "switch",
    "symbol",
    "text",
    "textPath",
    "title",
    "tspan",
    "use",
    "view",
    "vkern",
];

/// What runs or loads something by whatever vocabulary.
const ACTIVE: [&str; 12] = [
    "script",
    "foreignobject",
    "iframe",
    "frame",
    "object",
    "embed",
    "applet",
    "handler",
    "listener",
    "html",
    "body",
    "link",
];

/// The picture if it is one, from its root element on: what stands before that says how to read it, and is left
/// out. It is UTF-8.
pub(super) fn harmless(bytes: &[u8]) -> Option<&[u8]> {
    let text = std::str::from_utf8(bytes).ok()?;
    let text = without_prolog(text.strip_prefix('\u{feff}').unwrap_or(text))?;
    if !text.starts_with("<svg") && !text.get(..40).unwrap_or(text).contains(":svg") {
        return None;
    }
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).ok()?;
    let root = document.root_element();
    (root.has_tag_name((SVG, "svg")) && Picture::of(&document).is_harmless()).then_some(text.as_bytes())
}

/// Skips the XML declaration, comments and a document type that declares nothing.
fn without_prolog(text: &str) -> Option<&str> {
    let mut rest = text.trim_start();
    loop {
        rest = if let Some(comment) = rest.strip_prefix("<!--") {
            comment.split_once("-->")?.1
        } else if let Some(declaration) = rest.strip_prefix("<?xml ") {
            declaration.split_once("?>")?.1
        } else if rest.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("<!DOCTYPE")) {
            let (declared, after) = rest.split_once('>')?;
            if declared.contains('[') {
                return None;
            }
            after
        } else {
            return Some(rest);
        }
        .trim_start();
    }
}

/// A picture that is looked through.
struct Picture<'a> {
    document: &'a Document<'a>,
    /// Several may have one name: which of them is meant is for who draws it to say.
    ids: HashMap<&'a str, Vec<Node<'a, 'a>>>,
}

impl<'a> Picture<'a> {
    fn of(document: &'a Document<'a>) -> Self {
        let mut ids: HashMap<_, Vec<_>> = HashMap::new();
        for node in document.descendants() {
            if let Some(id) = node.attribute("id") {
                ids.entry(id).or_default().push(node);
            }
        }
        Self { document, ids }
    }

    /// What a reference may mean; it may be written with escapes, as in an address.
    fn targets(&self, id: &str) -> impl Iterator<Item = Node<'a, 'a>> {
        let id = percent_decode_str(id).decode_utf8_lossy();
        self.ids.get(id.as_ref()).into_iter().flatten().copied()
    }

    fn is_harmless(&self) -> bool {
        let mut depth = 0_usize;
        let mut node = self.document.root_element();
        // In the order of the text, without recursion: how deep it goes is not known yet.
        loop {
            if !is_harmless(node) || depth > DEEPEST {
                return false;
            }
            if let Some(child) = node.first_child() {
                (node, depth) = (child, depth + 1);
                continue;
            }
            loop {
                if let Some(next) = node.next_sibling() {
                    node = next;
                    break;
                }
                match node.parent() {
                    Some(parent) => (node, depth) = (parent, depth.saturating_sub(1)),
                    None => return self.draws_little(),
                }
            }
        }
    }

    /// Whether following all references comes to an end soon.
    fn draws_little(&self) -> bool {
        let mut known = HashMap::new();
        let drawn = self.drawn(self.document.root_element(), &mut known, 0);
        // Which elements a style sheet means is not worked out: its patterns and masks could be nested in each
        // other, the elements of one drawn for each of those of the next.
        let styles = self.document.descendants().filter(|node| node.has_tag_name((SVG, "style")));
        let styles: String = styles.map(style_of).collect();
        let nested = local_urls(&styles)
            .flat_map(|id| self.targets(id))
            .filter(|target| !matches!(target.tag_name().name(), "linearGradient" | "radialGradient"))
            .fold(1_u64, |product, target| {
                product.saturating_mul(
                    target.descendants().filter(Node::is_element).count().saturating_sub(1).max(1) as u64
                )
            });
        drawn.is_some_and(|drawn| drawn.saturating_mul(nested) <= MOST_DRAWN) && self.pixels() <= MOST_PIXELS
    }

    /// How large the pictures in it are together, once unpacked.
    fn pixels(&self) -> u64 {
        let attributes = self.document.descendants().flat_map(|node| node.attributes());
        let inside = attributes.filter(|attribute| matches!(attribute.name(), "href" | "src"));
        inside.filter_map(|attribute| image::raster_pixels(attribute.value().trim())).sum()
    }

    /// How many elements are drawn for one; nothing if it refers to itself.
    fn drawn(&self, node: Node<'a, 'a>, known: &mut HashMap<NodeId, Option<u64>>, depth: usize) -> Option<u64> {
        if let Some(known) = known.get(&node.id()) {
            return *known;
        }
        if depth > DEEPEST * 4 {
            return None;
        }
        // Until it is known, coming here again is a circle.
        known.insert(node.id(), None);
        let mut sum = 1_u64;
        for child in node.children().filter(Node::is_element) {
            sum = sum.saturating_add(self.drawn(child, known, depth + 1)?);
        }
        for attribute in node.attributes() {
            let whole = attribute.value().trim().strip_prefix('#').filter(|_| attribute.name() == "href");
            for id in whole.into_iter().chain(local_urls(attribute.value())) {
                for target in self.targets(id) {
                    sum = sum.saturating_add(self.drawn(target, known, depth + 1)?);
                }
            }
        }
        known.insert(node.id(), Some(sum));
        Some(sum)
    }
}

/// A style sheet: comments may stand between its parts.
fn style_of(node: Node<'_, '_>) -> String {
    node.descendants().filter(Node::is_text).filter_map(|text| text.text()).collect()
}

/// The ids in `url(#id)`.
fn local_urls(text: &str) -> impl Iterator<Item = &str> {
    // Case matters for ids, and not for `url`.
    text.split('(').zip(text.split('(').skip(1)).filter_map(|(function, rest)| {
        let is_url = function.len().checked_sub(3).and_then(|at| function.get(at..))?.eq_ignore_ascii_case("url");
        let rest = rest.trim_start_matches([' ', '\t', '\n', '\r', '\'', '"']).strip_prefix('#').filter(|_| is_url)?;
        Some(rest.split([')', '\'', '"']).next().unwrap_or_default().trim())
    })
}

fn is_harmless(node: Node<'_, '_>) -> bool {
    match node.node_type() {
        NodeType::Root | NodeType::Comment | NodeType::Text => return true,
        // A style sheet from elsewhere, or nobody knows what.
        NodeType::PI => return false,
        NodeType::Element => {}
    }
    let name = node.tag_name();
    let known = match name.namespace() {
        Some(SVG) => ELEMENTS.contains(&name.name()),
        // What drawing programs write down for themselves. No other vocabulary of the web belongs in here.
        Some(other) => {
            let of_the_web = other.starts_with("http://www.w3.org/") && !other.contains("22-rdf-syntax-ns");
            !of_the_web && !other.contains("mozilla.org")
        }
        None => true,
    };
    let styled = !name.name().eq_ignore_ascii_case("style") || is_harmless_style(&style_of(node));
    known
        && styled
        && !ACTIVE.contains(&name.name().to_ascii_lowercase().as_str())
        && node.attributes().all(|attribute| {
            let (attribute, value) = (attribute.name().to_ascii_lowercase(), attribute.value());
            match attribute.as_str() {
                "href" | "src" => {
                    let inside = matches!(name.name(), "image" | "feImage") && image::is_small_raster(value.trim());
                    value.trim_start().starts_with('#') || inside
                }
                // It would give every reference another meaning.
                "base" => false,
                name if name.starts_with("on") => false,
                _ => is_harmless_style(value),
            }
        })
}

/// Whether CSS, or a value that may be CSS, loads and runs nothing. Escapes could hide anything, so there
/// are none.
fn is_harmless_style(text: &str) -> bool {
    const FORBIDDEN: [&str; 9] = [
        "@import",
        "image-set(",
        "image(",
        "src(",
        "expression(",
        "javascript:",
        "vbscript:",
        "behavior:",
        "-moz-binding",
    ];
    if text.contains('\\') {
        return false;
    }
    let text = text.to_ascii_lowercase();
    let urls = text.split("url(").skip(1).all(|rest| {
        let rest = rest.trim_start_matches([' ', '\t', '\n', '\r', '\'', '"']);
        rest.starts_with('#')
    });
    urls && !FORBIDDEN.iter().any(|forbidden| text.contains(forbidden))
}

#[cfg(test)]
#[expect(clippy::needless_raw_string_hashes, clippy::format_collect, reason = "the cases of a table look alike")]
#[path = "svg_tests.rs"]
mod tests;
