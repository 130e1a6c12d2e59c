//! RDF Dataset Canonicalization (RDFC-1.0), with a limit on the work.
//!
//! Nodes without names get names that depend on the statements alone. Where several nodes look alike, all their
//! orders are tried, which somebody with bad intentions can make take for ever; real credentials need a handful
//! of steps.

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest as _, Sha256, Sha384};

use super::rdf::{Position, Quad, Term};

/// How many statements may be looked at while nodes that look alike are told apart.
const MAX_STEPS: usize = 40_000;
/// How many nodes that look alike may hang on each other.
const MAX_DEPTH: usize = 64;

/// The hash that canonical names are made with, and that is signed afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Hash {
    Sha256,
    Sha384,
}

impl Hash {
    /// The digest of some octets.
    pub(super) fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha384 => Sha384::digest(bytes).to_vec(),
        }
    }

    fn hex(self, text: &str) -> String {
        hex::encode(self.digest(text.as_bytes()))
    }
}

/// The graph is made to take longer than any credential needs.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("its statements take too long to be put in order")]
pub(super) struct TooComplex;

/// The canonical form: sorted lines.
pub(super) fn canonical(quads: &[Quad], hash: Hash) -> Result<String, TooComplex> {
    let mut state = State::new(quads, hash);
    state.name_all()?;
    let mut lines: Vec<String> = quads
        .iter()
        .map(|quad| quad.line(|node| state.canonical.names.get(&node).expect("all nodes are named by now").clone()))
        .collect();
    lines.sort_unstable();
    lines.dedup();
    Ok(lines.concat())
}

/// Gives names in the order in which nodes come up.
#[derive(Clone)]
struct Issuer {
    prefix: &'static str,
    names: HashMap<u32, String>,
    order: Vec<u32>,
}

impl Issuer {
    fn new(prefix: &'static str) -> Self {
        Self { prefix, names: HashMap::new(), order: Vec::new() }
    }

    fn issue(&mut self, node: u32) -> String {
        if let Some(name) = self.names.get(&node) {
            return name.clone();
        }
        let name = format!("{}{}", self.prefix, self.order.len());
        self.names.insert(node, name.clone());
        self.order.push(node);
        name
    }
}

struct State<'a> {
    hash: Hash,
    /// The statements that each blank node stands in.
    quads_of: BTreeMap<u32, Vec<&'a Quad>>,
    first_degree: HashMap<u32, String>,
    canonical: Issuer,
    steps_left: usize,
}

impl<'a> State<'a> {
    fn new(quads: &'a [Quad], hash: Hash) -> Self {
        let mut quads_of: BTreeMap<u32, Vec<&Quad>> = BTreeMap::new();
        for quad in quads {
            for (_, term) in quad.nodes() {
                let Term::Blank(node) = term else { continue };
                let list = quads_of.entry(*node).or_default();
                // A statement of a node about itself counts once.
                if list.last().is_none_or(|last| !std::ptr::eq(*last, quad)) {
                    list.push(quad);
                }
            }
        }
        Self { hash, quads_of, first_degree: HashMap::new(), canonical: Issuer::new("c14n"), steps_left: MAX_STEPS }
    }

    /// RDFC-1.0 section 4.4.
    fn name_all(&mut self) -> Result<(), TooComplex> {
        let mut alike: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for node in self.quads_of.keys().copied().collect::<Vec<_>>() {
            let hash = self.hash_first_degree(node);
            alike.entry(hash.clone()).or_default().push(node);
            self.first_degree.insert(node, hash);
        }
        alike.retain(|_, nodes| {
            let single = nodes.len() == 1;
            if single {
                self.canonical.issue(nodes[0]);
            }
            !single
        });
        for nodes in alike.into_values() {
            let mut results = Vec::new();
            for node in nodes {
                if self.canonical.names.contains_key(&node) {
                    continue;
                }
                let mut issuer = Issuer::new("b");
                issuer.issue(node);
                results.push(self.hash_n_degree(node, &issuer, 0)?);
            }
            results.sort_by(|a, b| a.0.cmp(&b.0));
            for (_, issuer) in results {
                for node in issuer.order {
                    self.canonical.issue(node);
                }
            }
        }
        Ok(())
    }

    /// Section 4.6.
    fn hash_first_degree(&self, node: u32) -> String {
        let mut lines: Vec<String> = self.quads_of[&node]
            .iter()
            .map(|quad| quad.line(|other| if other == node { "a".to_owned() } else { "z".to_owned() }))
            .collect();
        lines.sort_unstable();
        self.hash.hex(&lines.concat())
    }

    /// Section 4.7.
    fn hash_related(&self, related: u32, quad: &Quad, issuer: &Issuer, position: Position) -> String {
        let mut input = match position {
            Position::Subject => "s".to_owned(),
            Position::Object => "o".to_owned(),
            Position::Graph => "g".to_owned(),
        };
        if position != Position::Graph {
            input.push('<');
            input.push_str(&quad.predicate);
            input.push('>');
        }
        match self.canonical.names.get(&related).or_else(|| issuer.names.get(&related)) {
            Some(name) => {
                input.push_str("_:");
                input.push_str(name);
            }
            None => input.push_str(&self.first_degree[&related]),
        }
        self.hash.hex(&input)
    }

    fn spend(&mut self, steps: usize) -> Result<(), TooComplex> {
        self.steps_left = self.steps_left.checked_sub(steps).ok_or(TooComplex)?;
        Ok(())
    }

    /// Section 4.8.
    fn hash_n_degree(&mut self, node: u32, issuer: &Issuer, depth: usize) -> Result<(String, Issuer), TooComplex> {
        if depth >= MAX_DEPTH {
            return Err(TooComplex);
        }
        self.spend(self.quads_of[&node].len() + issuer.order.len())?;
        let mut related: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for quad in &self.quads_of[&node] {
            for (position, term) in quad.nodes() {
                if let Term::Blank(other) = term
                    && *other != node
                {
                    let hash = self.hash_related(*other, quad, issuer, position);
                    related.entry(hash).or_default().push(*other);
                }
            }
        }
        let mut issuer = issuer.clone();
        let mut data = String::new();
        for (hash, nodes) in related {
            data.push_str(&hash);
            let mut chosen: Option<(String, Issuer)> = None;
            let mut nodes = nodes;
            nodes.sort_unstable();
            let mut more = true;
            while more {
                self.spend(nodes.len() + issuer.order.len() + 1)?;
                if let Some(found) = self.try_order(&nodes, &issuer, chosen.as_ref().map(|(path, _)| path), depth)? {
                    chosen = Some(found);
                }
                more = next_permutation(&mut nodes);
            }
            let (path, by) = chosen.ok_or(TooComplex)?;
            data.push_str(&path);
            issuer = by;
        }
        Ok((self.hash.hex(&data), issuer))
    }

    /// One order of nodes that look alike: its path and names, unless an earlier path is smaller.
    fn try_order(
        &mut self,
        order: &[u32],
        issuer: &Issuer,
        best: Option<&String>,
        depth: usize,
    ) -> Result<Option<(String, Issuer)>, TooComplex> {
        let mut copy = issuer.clone();
        let mut path = String::new();
        let mut recursion = Vec::new();
        let worse = |path: &String| best.is_some_and(|best| path.len() >= best.len() && path > best);
        for node in order {
            if let Some(name) = self.canonical.names.get(node) {
                path.push_str("_:");
                path.push_str(name);
            } else {
                if !copy.names.contains_key(node) {
                    recursion.push(*node);
                }
                path.push_str("_:");
                path.push_str(&copy.issue(*node));
            }
            if worse(&path) {
                return Ok(None);
            }
        }
        for node in recursion {
            let (hash, by) = self.hash_n_degree(node, &copy, depth + 1)?;
            path.push_str("_:");
            path.push_str(&copy.issue(node));
            path.push('<');
            path.push_str(&hash);
            path.push('>');
            copy = by;
            if worse(&path) {
                return Ok(None);
            }
        }
        if best.is_some_and(|best| path >= *best) {
            return Ok(None);
        }
        Ok(Some((path, copy)))
    }
}

/// The next order by size; false after the last.
fn next_permutation(items: &mut [u32]) -> bool {
    let Some(pivot) = items.windows(2).rposition(|pair| pair[0] < pair[1]) else { return false };
    let successor = items.iter().rposition(|item| *item > items[pivot]).expect("the one after the pivot is larger");
    items.swap(pivot, successor);
    items[pivot + 1..].reverse();
    true
}

#[cfg(test)]
#[path = "rdfc_tests.rs"]
pub(super) mod tests;
