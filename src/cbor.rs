//! CBOR from strangers (RFC 8949): depth bounded, no key twice, and nothing copied, so that what is hashed
//! or signed is what was received.
//!
//! Encodings need not be deterministic. Arrays and maps of indefinite length are read, as several
//! libraries write no others; strings in chunks are not: nobody sends them, and they could not be
//! handed out as received.

use std::collections::HashSet;

/// How deep arrays, maps and tags may nest.
pub(crate) const MAX_DEPTH: usize = crate::json::MAX_DEPTH;
/// Keys of a map that are compared one by one; of more, a set is made.
const FEW_KEYS: usize = 16;

/// Why octets are not CBOR that we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CborError {
    /// An item ends where more of it should be.
    #[error("the CBOR is cut off")]
    Cut,
    /// Something stands behind the item.
    #[error("something follows the CBOR")]
    Trailing,
    /// It breaks a rule of the encoding.
    #[error("the CBOR is malformed")]
    Malformed,
    /// Text that is not UTF-8.
    #[error("a text in the CBOR is not UTF-8")]
    Text,
    /// A byte or text string of indefinite length.
    #[error("the CBOR has a string in chunks, which is not supported")]
    Chunked,
    /// More than [`MAX_DEPTH`].
    #[error("the CBOR is nested too deep")]
    Deep,
    /// A map has a key twice.
    #[error("a map in the CBOR has a key twice")]
    Doubled,
}

/// One item, all of which is well-formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Item<'a> {
    encoded: &'a [u8],
}

/// What an item is.
#[derive(Clone, Debug)]
pub(crate) enum Kind<'a> {
    /// A number from 0.
    Unsigned(u64),
    /// The number -1 - n.
    Negative(u64),
    /// A byte string.
    Bytes(&'a [u8]),
    /// A text string.
    Text(&'a str),
    /// An array.
    Array(Items<'a>),
    /// A map.
    Map(Entries<'a>),
    /// A tag and what it is on.
    Tag(u64, Item<'a>),
    /// True or false.
    Bool(bool),
    /// The simple value null.
    Null,
    /// The simple value undefined.
    Undefined,
    /// Another simple value.
    Simple(u8),
    /// A number of floating point, of any width.
    Float(f64),
}

impl<'a> Item<'a> {
    /// Reads one item and nothing behind it.
    pub(crate) fn parse(encoded: &'a [u8]) -> Result<Self, CborError> {
        Self::parse_within(encoded, MAX_DEPTH)
    }

    /// The same with less depth, for what is embedded in another item.
    pub(crate) fn parse_within(encoded: &'a [u8], depth: usize) -> Result<Self, CborError> {
        let mut reader = Reader(encoded);
        reader.check(depth)?;
        if reader.0.is_empty() { Ok(Self { encoded }) } else { Err(CborError::Trailing) }
    }

    /// The octets as received.
    pub(crate) fn encoded(&self) -> &'a [u8] {
        self.encoded
    }

    /// What it is.
    pub(crate) fn kind(&self) -> Kind<'a> {
        self.read().expect("it was checked when it was parsed")
    }

    /// The number, if it is one from 0.
    pub(crate) fn as_u64(&self) -> Option<u64> {
        match self.kind() {
            Kind::Unsigned(number) => Some(number),
            _ => None,
        }
    }

    /// The whole number, if it is one of 64 bits.
    pub(crate) fn as_i64(&self) -> Option<i64> {
        match self.kind() {
            Kind::Unsigned(number) => i64::try_from(number).ok(),
            Kind::Negative(number) => i64::try_from(number).ok().map(|number| -1 - number),
            _ => None,
        }
    }

    /// The octets, if it is a byte string.
    pub(crate) fn as_bytes(&self) -> Option<&'a [u8]> {
        match self.kind() {
            Kind::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub(crate) fn as_text(&self) -> Option<&'a str> {
        match self.kind() {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items, if it is an array.
    pub(crate) fn as_array(&self) -> Option<Items<'a>> {
        match self.kind() {
            Kind::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The entries, if it is a map.
    pub(crate) fn as_map(&self) -> Option<Entries<'a>> {
        match self.kind() {
            Kind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// What a tag is on, if this is that tag.
    pub(crate) fn tagged(&self, tag: u64) -> Option<Self> {
        match self.kind() {
            Kind::Tag(found, inner) if found == tag => Some(inner),
            _ => None,
        }
    }

    /// The octets of encoded CBOR in a byte string of tag 24.
    pub(crate) fn embedded(&self) -> Option<&'a [u8]> {
        self.tagged(24)?.as_bytes()
    }

    /// What a map has under a text.
    pub(crate) fn get(&self, name: &str) -> Option<Self> {
        self.as_map()?.find_map(|(key, value)| (key.as_text() == Some(name)).then_some(value))
    }

    /// What a map has under a whole number.
    pub(crate) fn get_label(&self, label: i64) -> Option<Self> {
        self.as_map()?.find_map(|(key, value)| (key.as_i64() == Some(label)).then_some(value))
    }

    fn read(&self) -> Result<Kind<'a>, CborError> {
        let mut reader = Reader(self.encoded);
        let (major, info, argument) = reader.head()?;
        Ok(match major {
            0 => Kind::Unsigned(argument.ok_or(CborError::Malformed)?),
            1 => Kind::Negative(argument.ok_or(CborError::Malformed)?),
            2 => Kind::Bytes(reader.take(argument.ok_or(CborError::Chunked)?)?),
            3 => Kind::Text(reader.text(argument)?),
            4 => Kind::Array(Items { reader, left: argument }),
            5 => {
                Kind::Map(Entries { items: Items { reader, left: argument.map(|entries| entries.saturating_mul(2)) } })
            }
            6 => Kind::Tag(argument.ok_or(CborError::Malformed)?, Item { encoded: reader.0 }),
            _ => simple(info, argument.ok_or(CborError::Malformed)?)?,
        })
    }

    /// A key of a map so that equal keys are equal, whatever their widths.
    fn key(&self) -> Key<'a> {
        match self.kind() {
            Kind::Unsigned(number) => Key::Unsigned(number),
            Kind::Negative(number) => Key::Negative(number),
            Kind::Bytes(bytes) => Key::Bytes(bytes),
            Kind::Text(text) => Key::Text(text),
            _ => Key::Other(self.encoded),
        }
    }
}

#[derive(PartialEq, Eq, Hash)]
enum Key<'a> {
    Unsigned(u64),
    Negative(u64),
    Bytes(&'a [u8]),
    Text(&'a str),
    Other(&'a [u8]),
}

/// The items of an array.
#[derive(Clone, Debug)]
pub(crate) struct Items<'a> {
    reader: Reader<'a>,
    /// None until a break.
    left: Option<u64>,
}

impl<'a> Iterator for Items<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        match &mut self.left {
            Some(left) => *left = left.checked_sub(1)?,
            None if self.reader.at_break() => return None,
            None => {}
        }
        self.reader.item(MAX_DEPTH).ok()
    }
}

/// The keys and values of a map, as they stand there.
#[derive(Clone, Debug)]
pub(crate) struct Entries<'a> {
    items: Items<'a>,
}

impl<'a> Iterator for Entries<'a> {
    type Item = (Item<'a>, Item<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        Some((self.items.next()?, self.items.next()?))
    }
}

#[derive(Clone, Debug)]
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: u64) -> Result<&'a [u8], CborError> {
        let length = usize::try_from(length).map_err(|_| CborError::Cut)?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or(CborError::Cut)?;
        self.0 = rest;
        Ok(taken)
    }

    /// The major type, the additional information and the argument; no argument for indefinite lengths.
    fn head(&mut self) -> Result<(u8, u8, Option<u64>), CborError> {
        let first = self.take(1)?[0];
        let (major, info) = (first >> 5, first & 0x1f);
        let argument = match info {
            0..24 => Some(u64::from(info)),
            24..28 => {
                let bytes = self.take(1 << (info - 24))?;
                Some(bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
            }
            31 if (2..=5).contains(&major) => None,
            _ => return Err(CborError::Malformed),
        };
        Ok((major, info, argument))
    }

    fn text(&mut self, length: Option<u64>) -> Result<&'a str, CborError> {
        let bytes = self.take(length.ok_or(CborError::Chunked)?)?;
        std::str::from_utf8(bytes).map_err(|_| CborError::Text)
    }

    fn at_break(&self) -> bool {
        self.0.first() == Some(&0xff)
    }

    /// Passes over the next item, which was checked before.
    fn item(&mut self, depth: usize) -> Result<Item<'a>, CborError> {
        let before = self.0;
        self.skip(depth)?;
        Ok(Item { encoded: &before[..before.len() - self.0.len()] })
    }

    /// The next item, looked at as a whole.
    fn checked_item(&mut self, depth: usize) -> Result<Item<'a>, CborError> {
        let before = self.0;
        self.check(depth)?;
        Ok(Item { encoded: &before[..before.len() - self.0.len()] })
    }

    fn skip(&mut self, depth: usize) -> Result<(), CborError> {
        let depth = depth.checked_sub(1).ok_or(CborError::Deep)?;
        let (major, _, argument) = self.head()?;
        let inside = match (major, argument) {
            (2 | 3, Some(length)) => {
                self.take(length)?;
                0
            }
            (4, Some(items)) => items,
            (5, Some(entries)) => entries.saturating_mul(2),
            (6, _) => 1,
            (_, Some(_)) => 0,
            (_, None) => {
                while !self.at_break() {
                    self.skip(depth)?;
                }
                self.take(1)?;
                0
            }
        };
        (0..inside).try_for_each(|_| self.skip(depth))
    }

    fn check(&mut self, depth: usize) -> Result<(), CborError> {
        let depth = depth.checked_sub(1).ok_or(CborError::Deep)?;
        let (major, info, argument) = self.head()?;
        match major {
            2 => self.take(argument.ok_or(CborError::Chunked)?).map(|_| ()),
            3 => self.text(argument).map(|_| ()),
            4 => self.each(argument, |reader| reader.check(depth)),
            5 => self.check_map(argument, depth),
            6 => self.check(depth),
            7 => simple(info, argument.ok_or(CborError::Malformed)?).map(|_| ()),
            _ => Ok(()),
        }
    }

    fn check_map(&mut self, entries: Option<u64>, depth: usize) -> Result<(), CborError> {
        let mut few = Vec::new();
        let mut many = HashSet::new();
        self.each(entries, |reader| {
            let key = reader.checked_item(depth)?.key();
            // Grows with what is there, not with what is announced.
            if few.len() < FEW_KEYS {
                if few.contains(&key) {
                    return Err(CborError::Doubled);
                }
                few.push(key);
            } else if few.contains(&key) || !many.insert(key) {
                return Err(CborError::Doubled);
            }
            reader.check(depth)
        })
    }

    fn each(
        &mut self,
        count: Option<u64>,
        mut one: impl FnMut(&mut Self) -> Result<(), CborError>,
    ) -> Result<(), CborError> {
        if let Some(count) = count {
            return (0..count).try_for_each(|_| one(self));
        }
        while !self.at_break() {
            one(self)?;
        }
        self.take(1).map(|_| ())
    }
}

fn simple<'a>(info: u8, argument: u64) -> Result<Kind<'a>, CborError> {
    #[allow(clippy::cast_possible_truncation)] // the width says how many bits there are
    Ok(match info {
        20 => Kind::Bool(false),
        21 => Kind::Bool(true),
        22 => Kind::Null,
        23 => Kind::Undefined,
        0..20 => Kind::Simple(info),
        24 if argument >= 32 => Kind::Simple(argument as u8),
        25 => Kind::Float(half(argument as u16)),
        26 => Kind::Float(f64::from(f32::from_bits(argument as u32))),
        27 => Kind::Float(f64::from_bits(argument)),
        _ => return Err(CborError::Malformed),
    })
}

/// A number of 16 bits (RFC 8949 appendix D).
fn half(bits: u16) -> f64 {
    let fraction = f64::from(bits & 0x3ff);
    let magnitude = match i32::from(bits >> 10 & 0x1f) {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (fraction + 1024.0) * 2_f64.powi(exponent - 25),
    };
    if bits >> 15 == 0 { magnitude } else { -magnitude }
}

#[cfg(test)]
#[path = "cbor_tests.rs"]
mod tests;
