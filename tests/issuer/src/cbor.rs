//! CBOR (RFC 8949), written by hand: the few kinds of values that mdocs and CWTs are made of.

/// A value to be written. Maps keep the order they are given in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cbor {
    /// A whole number of either sign.
    Int(i64),
    Bytes(Vec<u8>),
    Text(String),
    Array(Vec<Cbor>),
    Map(Vec<(Cbor, Cbor)>),
    Tag(u64, Box<Cbor>),
    Bool(bool),
    /// Something that is encoded already, rightly or wrongly.
    Raw(Vec<u8>),
}

/// "Encoded CBOR data item": a byte string that holds CBOR.
const ENCODED: u64 = 24;

impl Cbor {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A map whose names are texts.
    pub(crate) fn named<const N: usize>(members: [(&str, Cbor); N]) -> Self {
        Self::Map(members.into_iter().map(|(name, value)| (Self::text(name), value)).collect())
    }

    /// The value wrapped as `#6.24(bstr .cbor …)`.
    pub(crate) fn wrapped(&self) -> Self {
        Self::Tag(ENCODED, Box::new(Self::Bytes(self.encode())))
    }

    /// The shortest form, with definite lengths.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int(number) if *number >= 0 => head(out, 0, number.unsigned_abs()),
            Self::Int(number) => head(out, 1, number.unsigned_abs() - 1),
            Self::Bytes(bytes) => {
                head(out, 2, bytes.len() as u64);
                out.extend_from_slice(bytes);
            }
            Self::Text(text) => {
                head(out, 3, text.len() as u64);
                out.extend_from_slice(text.as_bytes());
            }
            Self::Array(values) => {
                head(out, 4, values.len() as u64);
                for value in values {
                    value.write(out);
                }
            }
            Self::Map(members) => {
                head(out, 5, members.len() as u64);
                for (name, value) in members {
                    name.write(out);
                    value.write(out);
                }
            }
            Self::Tag(tag, value) => {
                head(out, 6, *tag);
                value.write(out);
            }
            Self::Bool(value) => out.push(if *value { 0xf5 } else { 0xf4 }),
            Self::Raw(bytes) => out.extend_from_slice(bytes),
        }
    }
}

fn head(out: &mut Vec<u8>, major: u8, argument: u64) {
    let major = major << 5;
    let long = |kind: u8| major + kind;
    let bytes = argument.to_be_bytes();
    match argument {
        0..24 => out.push(long(bytes[7])),
        24..=0xff => out.extend_from_slice(&[long(24), bytes[7]]),
        0x100..=0xffff => out.extend_from_slice(&[&[long(25)], &bytes[6..]].concat()),
        0x1_0000..=0xffff_ffff => out.extend_from_slice(&[&[long(26)], &bytes[4..]].concat()),
        _ => out.extend_from_slice(&[&[long(27)], &bytes[..]].concat()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_rfc_8949() {
        let array = |values: &[i64]| Cbor::Array(values.iter().map(|number| Cbor::Int(*number)).collect());
        for (value, hex) in [
            (Cbor::Int(0), "00"),
            (Cbor::Int(23), "17"),
            (Cbor::Int(24), "1818"),
            (Cbor::Int(1000), "1903e8"),
            (Cbor::Int(1_000_000), "1a000f4240"),
            (Cbor::Int(1_000_000_000_000), "1b000000e8d4a51000"),
            (Cbor::Int(-1), "20"),
            (Cbor::Int(-1000), "3903e7"),
            (Cbor::Bool(true), "f5"),
            (
                Cbor::Tag(0, Box::new(Cbor::text("2013-03-21T20:04:00Z"))),
                "c074323031332d30332d32315432303a30343a30305a",
            ),
            (Cbor::Bytes(vec![1, 2, 3, 4]), "4401020304"),
            (Cbor::text("IETF"), "6449455446"),
            (array(&[1, 2, 3]), "83010203"),
            (Cbor::named([("a", Cbor::Int(1)), ("b", array(&[2, 3]))]), "a26161016162820203"),
            (Cbor::text("IETF").wrapped(), "d818456449455446"),
        ] {
            let written = value.encode().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
            assert_eq!(written, hex, "{value:?}");
        }
    }
}
