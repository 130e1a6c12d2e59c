//! The lines of a card: what was claimed, put in order, labelled and typed.
//!
//! However much an issuer claims, a card stays something that an app can hold and a person can look at: see
//! the limits below. The credential itself is kept as it was received.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::image::CardImage;
use super::words::Language;
use super::{CardClaim, ClaimValue, shown};
use crate::model::display::{self, Display, PathStep, plain_text};
use crate::model::time::Timestamp;

/// The longest label, in characters.
const LONGEST_LABEL: usize = 120;
/// The longest text of a value, in characters.
const LONGEST_TEXT: usize = 1000;
/// The most claims and elements of lists, on all levels together.
const MOST: usize = 1000;
/// The most of them within one list or group.
const MOST_PARTS: usize = 100;
/// How many levels of lists and groups there are. What is deeper is shown as its JSON.
const DEEPEST: usize = 8;
/// How many descriptions of claims are looked at.
const MOST_DESCRIBED: usize = 1000;
/// How many elements of a list are looked at to see whether a description fits.
const LOOKED_AT: usize = 16;

/// The first bytes of JPEG, PNG and JPEG 2000, as base64 of either alphabet.
const PICTURES: [&str; 6] = ["/9j/", "_9j_", "iVBORw0KGgo", "AAAADGpQICA", "/0//UQ", "_0__UQ"];

/// What somebody says about a claim.
pub(super) struct Described<'a> {
    pub(super) path: &'a [PathStep],
    pub(super) display: &'a [Display],
    pub(super) mandatory: bool,
}

/// Where claims stand that a card shows.
pub(super) struct Place<'a> {
    pub(super) path: Vec<PathStep>,
    pub(super) members: &'a Map<String, Value>,
    /// Names that are shown only if the issuer describes them; none: all are.
    pub(super) hidden: fn(&str) -> bool,
}

/// The descriptions as a tree, by the steps of their paths. What goes before in precedence was put in first.
#[derive(Default)]
struct Descriptions<'a> {
    /// Labels in the order of precedence.
    labels: Vec<&'a [Display]>,
    mandatory: bool,
    described: bool,
    /// When the first description of this or of something in it came.
    order: usize,
    parts: BTreeMap<&'a PathStep, Descriptions<'a>>,
}

impl<'a> Descriptions<'a> {
    fn of(described: impl IntoIterator<Item = Described<'a>>) -> Self {
        let mut root = Self::default();
        for (order, one) in described.into_iter().take(MOST_DESCRIBED).enumerate() {
            let mut at = &mut root;
            for step in one.path {
                at = at.parts.entry(step).or_insert_with(|| Self { order, ..Self::default() });
            }
            at.labels.push(one.display);
            if !at.described {
                (at.described, at.mandatory) = (true, one.mandatory);
            }
        }
        root
    }

    fn part(&self, step: &PathStep) -> Option<&Self> {
        self.parts.get(step).or_else(|| match step {
            PathStep::Index(_) => self.parts.get(&PathStep::All),
            _ => None,
        })
    }

    fn at(&self, path: &[PathStep]) -> Option<&Self> {
        path.iter().try_fold(self, |at, step| at.part(step))
    }

    /// Whether something here was described that the value has, or could have. What is made otherwise than
    /// described is not what was meant.
    fn fits(&self, value: &Value) -> bool {
        self.described
            || self.parts.iter().any(|(step, part)| match (step, value) {
                (PathStep::Key(name), Value::Object(members)) => {
                    members.get(name).is_some_and(|value| part.fits(value))
                }
                // A map of an mdoc may have numbers for keys.
                (PathStep::Index(at), Value::Object(members)) => {
                    members.get(&at.to_string()).is_some_and(|value| part.fits(value))
                }
                (PathStep::Index(at), Value::Array(items)) => {
                    usize::try_from(*at).ok().and_then(|at| items.get(at)).is_some_and(|value| part.fits(value))
                }
                (PathStep::All, Value::Array(items)) => items.iter().take(LOOKED_AT).any(|value| part.fits(value)),
                _ => false,
            })
    }

    /// Takes what is described out of a value, and gives what is left of it.
    fn split<'d, 'v>(
        &'d self,
        path: Vec<PathStep>,
        value: &'v Value,
        found: &mut Vec<(&'d Self, Vec<PathStep>, &'v Value)>,
    ) -> Option<Value> {
        // Only the parts of objects can stand alone; those of a list belong together.
        let members = value.as_object().filter(|_| !self.described);
        let Some(members) = members else {
            found.push((self, path, value));
            return None;
        };
        let mut left = Map::new();
        for (name, value) in members {
            let step = PathStep::Key(name.clone());
            let part = self.part(&step).or_else(|| self.numbered(name)).filter(|part| part.fits(value));
            let rest = match part {
                Some(part) => part.split([path.as_slice(), &[step]].concat(), value, found),
                None => Some(value.clone()),
            };
            left.extend(rest.map(|rest| (name.clone(), rest)));
        }
        (!left.is_empty()).then_some(Value::Object(left))
    }

    /// The part that is described by a number, of a map whose keys are numbers.
    fn numbered(&self, name: &str) -> Option<&Self> {
        self.parts.get(&PathStep::Index(name.parse().ok()?))
    }

    /// The issuer's label, in the language that suits best.
    fn label(&self, locale: Option<&str>) -> Option<String> {
        let named = |labels: &&[Display]| {
            let label = display::choose(labels, locale)?.name.as_deref()?;
            Some(shown(label, LONGEST_LABEL)).filter(|label| !label.is_empty())
        };
        let own = self.labels.iter().find_map(named);
        // Who describes the elements of a list says what the list is made of.
        own.or_else(|| self.parts.get(&PathStep::All).and_then(|part| part.labels.iter().find_map(named)))
    }
}

/// The lines of a card in the making.
pub(super) struct Lines<'a> {
    descriptions: Descriptions<'a>,
    /// The paths of what the holder can withhold.
    disclosable: BTreeSet<&'a [PathStep]>,
    locale: Option<&'a str>,
    language: Language,
    room: usize,
    left_out: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(
        described: impl IntoIterator<Item = Described<'a>>,
        disclosable: &'a [Vec<PathStep>],
        locale: Option<&'a str>,
    ) -> Self {
        Self {
            descriptions: Descriptions::of(described),
            disclosable: disclosable.iter().map(Vec::as_slice).collect(),
            locale,
            language: Language::of(locale),
            room: MOST,
            left_out: 0,
        }
    }

    /// All lines: what was described in the order of the descriptions, then the rest; and how many there would
    /// be more.
    ///
    /// A part of a claim that is described is a line of its own, unless the claim is described, too: then it
    /// stands in the claim's group. What is left of a claim whose parts have lines of their own is among the rest.
    pub(super) fn read(mut self, places: &[Place<'_>]) -> (Vec<CardClaim>, u32) {
        let descriptions = std::mem::take(&mut self.descriptions);
        let (mut found, mut rest) = (Vec::new(), Vec::new());
        for place in places {
            let about = descriptions.at(&place.path);
            for (name, value) in place.members {
                let step = PathStep::Key(name.clone());
                let path = [place.path.as_slice(), &[step]].concat();
                let about = about.and_then(|about| about.part(&path[place.path.len()]));
                let hidden = (place.hidden)(name);
                match about.filter(|about| about.fits(value)) {
                    Some(about) => {
                        let left = about.split(path.clone(), value, &mut found);
                        rest.extend(left.filter(|_| !hidden).map(|left| (path, Cow::Owned(left))));
                    }
                    None if hidden => {}
                    None => rest.push((path, Cow::Borrowed(value))),
                }
            }
        }
        found.sort_by_key(|(about, ..)| about.order);
        let mut lines = Vec::new();
        for (about, path, value) in found {
            if self.takes_room() {
                let withheld = self.is_withheld(&path);
                lines.push(self.line(path, value, Some(about), withheld, 0));
            }
        }
        for (path, value) in rest {
            if self.takes_room() {
                let withheld = self.is_withheld(&path);
                lines.push(self.line(path, &value, None, withheld, 0));
            }
        }
        (lines, u32::try_from(self.left_out).unwrap_or(u32::MAX))
    }

    fn takes_room(&mut self) -> bool {
        if self.room == 0 {
            self.left_out += 1;
            return false;
        }
        self.room -= 1;
        true
    }

    /// Whether a claim, or what it is part of, can be withheld.
    fn is_withheld(&self, path: &[PathStep]) -> bool {
        (1..=path.len()).any(|length| self.disclosable.contains(&path[..length]))
    }

    /// Whether each element of a list can be withheld, so that nothing need be seen of it.
    fn is_withheld_by_elements(&self, path: &[PathStep], value: &Value) -> bool {
        let Value::Array(items) = value else { return false };
        let withheld = |at| self.disclosable.contains([path, &[PathStep::Index(at)]].concat().as_slice());
        !items.is_empty() && items.len() <= self.disclosable.len() && (0..items.len() as u64).all(withheld)
    }

    fn line(
        &mut self,
        path: Vec<PathStep>,
        value: &Value,
        about: Option<&Descriptions<'_>>,
        withheld: bool,
        depth: usize,
    ) -> CardClaim {
        let label = about.and_then(|about| about.label(self.locale)).unwrap_or_else(|| self.own_label(path.last()));
        let disclosable =
            withheld || self.disclosable.contains(path.as_slice()) || self.is_withheld_by_elements(&path, value);
        let value = self.value(&path, value, about, disclosable, depth);
        let text = text(&value, self.language);
        CardClaim { path, label, value, text, disclosable, mandatory: about.is_some_and(|about| about.mandatory) }
    }

    fn own_label(&self, step: Option<&PathStep>) -> String {
        match step {
            Some(PathStep::Key(name)) => self.language.claim(name).unwrap_or_else(|| words(name)),
            Some(PathStep::Index(at)) => at.saturating_add(1).to_string(),
            _ => String::new(),
        }
    }

    fn value(
        &mut self,
        path: &[PathStep],
        value: &Value,
        about: Option<&Descriptions<'_>>,
        withheld: bool,
        depth: usize,
    ) -> ClaimValue {
        match value {
            Value::Null => ClaimValue::Absent,
            Value::Bool(value) => ClaimValue::Boolean(*value),
            Value::Number(number) => ClaimValue::Number(shown(&number.to_string(), LONGEST_TEXT)),
            Value::String(text) => typed(text),
            Value::Array(_) | Value::Object(_) if depth == DEEPEST => {
                ClaimValue::Text(shown(&value.to_string(), LONGEST_TEXT))
            }
            Value::Array(items) => {
                let mut list = Vec::new();
                for (at, item) in (0_u64..).zip(items) {
                    if list.len() == MOST_PARTS {
                        self.left_out += items.len() - MOST_PARTS;
                        break;
                    }
                    if !self.takes_room() {
                        continue;
                    }
                    let step = PathStep::Index(at);
                    let about = about.and_then(|about| about.part(&step));
                    let path = [path, &[step]].concat();
                    let withheld = withheld || self.disclosable.contains(path.as_slice());
                    list.push(self.value(&path, item, about, withheld, depth + 1));
                }
                ClaimValue::List(list)
            }
            Value::Object(members) => {
                let mut found: Vec<_> = members
                    .iter()
                    .map(|(name, value)| {
                        let step = PathStep::Key(name.clone());
                        let part = about.and_then(|about| about.part(&step).or_else(|| about.numbered(name)));
                        (part.filter(|part| part.fits(value)), step, value)
                    })
                    .collect();
                found.sort_by_key(|(about, ..)| about.map_or(usize::MAX, |about| about.order));
                let mut group = Vec::new();
                for (about, step, value) in found {
                    if group.len() == MOST_PARTS {
                        self.left_out += members.len() - MOST_PARTS;
                        break;
                    }
                    if self.takes_room() {
                        let path = [path, &[step]].concat();
                        group.push(self.line(path, value, about, withheld, depth + 1));
                    }
                }
                ClaimValue::Group(group)
            }
        }
    }
}

/// A text by what it is: a day, a moment, a picture, or just text.
fn typed(text: &str) -> ClaimValue {
    if is_day(text) {
        return ClaimValue::Date(text.to_owned());
    }
    if let Some(at) = moment(text) {
        return ClaimValue::DateTime(at);
    }
    if let Some(image) = CardImage::in_claim(text) {
        return ClaimValue::Image(image);
    }
    if text.len() > 64
        && PICTURES.iter().any(|start| text.starts_with(start))
        && let Some(image) = CardImage::of_base64(text)
    {
        return ClaimValue::Image(image);
    }
    ClaimValue::Text(shown(text, LONGEST_TEXT))
}

/// Whether the whole text has that shape, where `0` stands for a digit.
fn has_shape(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text.bytes().zip(shape.bytes()).all(|(byte, wanted)| match wanted {
            b'0' => byte.is_ascii_digit(),
            wanted => byte.eq_ignore_ascii_case(&wanted),
        })
}

/// A full-date of RFC 3339 that the calendar has.
fn is_day(text: &str) -> bool {
    has_shape(text, "0000-00-00") && text.parse::<jiff::civil::Date>().is_ok()
}

/// A date-time of RFC 3339.
fn moment(text: &str) -> Option<Timestamp> {
    let (time, rest) = text.split_at_checked(19)?;
    let offset = rest.strip_prefix('.').map_or(rest, |rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    let fraction = rest.len() - offset.len();
    let written = has_shape(time, "0000-00-00T00:00:00")
        && fraction != 1
        && (offset.eq_ignore_ascii_case("z") || has_shape(offset, "+00:00") || has_shape(offset, "-00:00"));
    if written { Timestamp::parse_rfc3339(text) } else { None }
}

/// A value in one line.
fn text(value: &ClaimValue, language: Language) -> String {
    let joined = |parts: &mut dyn Iterator<Item = String>| {
        let mut text = String::new();
        for part in parts.filter(|part| !part.is_empty()) {
            if !text.is_empty() {
                text.push_str(", ");
            }
            text.push_str(&part);
            if text.len() > LONGEST_TEXT * 4 {
                break;
            }
        }
        shown(&text, LONGEST_TEXT)
    };
    match value {
        ClaimValue::Text(text) | ClaimValue::Number(text) | ClaimValue::Date(text) => text.clone(),
        ClaimValue::Boolean(value) => language.boolean(*value).to_owned(),
        ClaimValue::DateTime(at) => at.to_string(),
        ClaimValue::Image(_) => language.picture().to_owned(),
        ClaimValue::List(items) => joined(&mut items.iter().map(|item| text(item, language))),
        ClaimValue::Group(claims) => joined(&mut claims.iter().map(|claim| format!("{}: {}", claim.label, claim.text))),
        ClaimValue::Absent => String::new(),
    }
}

/// `given_name` and `givenName` as "Given name".
fn words(name: &str) -> String {
    let mut text = String::new();
    let mut previous = ' ';
    for c in
        plain_text(&name.chars().take(LONGEST_LABEL * 2).collect::<String>()).trim_start_matches(['_', '-']).chars()
    {
        let c = if matches!(c, '_' | '-') { ' ' } else { c };
        if c.is_uppercase() && previous.is_lowercase() {
            text.push(' ');
            text.extend(c.to_lowercase());
        } else if text.is_empty() {
            text.extend(c.to_uppercase());
        } else {
            text.push(c);
        }
        previous = c;
    }
    shown(&text, LONGEST_LABEL)
}

#[cfg(test)]
#[path = "claims_tests.rs"]
mod tests;
