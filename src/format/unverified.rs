//! Formats that this version reads and does not verify: they are kept as they came, out of use.

use async_trait::async_trait;
use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use super::checks::unknown;
use super::{CredentialFormat, Examined, w3c};
use crate::model::format::Format;
use crate::model::metadata::CredentialKind;
use crate::model::report::{CheckKind, Reason};
use crate::verify::VerifyContext;

/// Bytes in a text: base64url, whether or not it is padded (OpenID4VCI section 8.3).
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What is known of a format without verifying it: where its type stands, and what its credentials look like.
#[derive(Debug)]
enum Unverified {
    /// `ldp_vc`: a JSON object.
    LdpVc,
    /// `jwt_vc_json-ld`: a JWT.
    JwtVcJsonLd,
    /// `mso_mdoc`: `IssuerSigned` in CBOR, as base64url.
    MsoMdoc,
    /// Any other.
    Foreign,
}

/// The reader of a format that is not verified.
pub(super) fn of(format: &Format) -> &'static dyn CredentialFormat {
    match format {
        Format::LdpVc => &Unverified::LdpVc,
        Format::JwtVcJsonLd => &Unverified::JwtVcJsonLd,
        Format::MsoMdoc => &Unverified::MsoMdoc,
        _ => &Unverified::Foreign,
    }
}

#[async_trait]
impl CredentialFormat for Unverified {
    fn format(&self) -> Format {
        match self {
            Self::LdpVc => Format::LdpVc,
            Self::JwtVcJsonLd => Format::JwtVcJsonLd,
            Self::MsoMdoc => Format::MsoMdoc,
            Self::Foreign => Format::Other(String::new()),
        }
    }

    fn read_kind(&self, configuration: &Value) -> Result<CredentialKind, String> {
        match self {
            Self::LdpVc | Self::JwtVcJsonLd => {
                let context = configuration.get("credential_definition").and_then(|it| it.get("@context"));
                match context {
                    Some(Value::Array(context)) if !context.is_empty() => w3c::read_types(configuration),
                    _ => Err("`credential_definition.@context` is not an array with something in it".to_owned()),
                }
            }
            Self::MsoMdoc => match configuration.get("doctype") {
                Some(Value::String(doctype)) if !doctype.is_empty() => Ok(CredentialKind::Doctype(doctype.clone())),
                _ => Err("`doctype` is not a text with something in it".to_owned()),
            },
            Self::Foreign => Ok(CredentialKind::Unknown),
        }
    }

    /// Says whether it looks like its format at all, and that nothing more is known. What does not was not
    /// what was asked for.
    async fn examine(&self, raw: &Value, _: &VerifyContext<'_>) -> Examined {
        let malformed = match (self, raw) {
            (Self::LdpVc, Value::Object(_)) | (Self::Foreign, _) => None,
            (Self::LdpVc, _) => Some("the credential is no JSON object".to_owned()),
            (Self::JwtVcJsonLd, Value::String(text)) if text.split('.').count() == 3 => None,
            (Self::JwtVcJsonLd, _) => Some("the credential is no JWT".to_owned()),
            (Self::MsoMdoc, Value::String(text)) => issuer_signed(text).err().map(str::to_owned),
            (Self::MsoMdoc, _) => Some("the credential is not text".to_owned()),
        };
        if let Some(why) = malformed {
            return Examined::unreadable(why);
        }
        let detail = "this version does not verify the format";
        let checks = CheckKind::ALL.into_iter().map(|kind| unknown(kind, Reason::Unsupported, detail));
        Examined::of(checks.collect())
    }
}

/// Whether a text holds an `IssuerSigned` (ISO 18013-5), and neither a whole document nor a presentation.
fn issuer_signed(text: &str) -> Result<(), &'static str> {
    const NO_CBOR: &str = "the credential is no CBOR";
    let bytes = BASE64URL.decode(text).map_err(|_| "the credential is not base64url")?;
    let mut cbor = Cbor(&bytes);
    let (MAP, members) = cbor.head().ok_or(NO_CBOR)? else { return Err("the credential is no CBOR map") };
    let mut signed = false;
    for _ in 0..members {
        let name = cbor.text().ok_or(NO_CBOR)?;
        match name {
            b"nameSpaces" => {}
            b"issuerAuth" => signed = cbor.0.first() == Some(&0x84),
            _ => return Err("the credential is no IssuerSigned"),
        }
        cbor.skip(crate::json::MAX_DEPTH).ok_or(NO_CBOR)?;
    }
    if !cbor.0.is_empty() {
        return Err("something follows the credential");
    }
    if signed { Ok(()) } else { Err("the credential has no issuerAuth") }
}

const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;

/// CBOR (RFC 8949) of definite lengths, item by item.
struct Cbor<'a>(&'a [u8]);

impl<'a> Cbor<'a> {
    fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    /// The major type of the next item, and its argument.
    fn head(&mut self) -> Option<(u8, u64)> {
        let [first] = *self.take(1)? else { return None };
        let argument = match first & 0x1f {
            small @ 0..24 => u64::from(small),
            width @ 24..28 => self.take(1 << (width - 24))?.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
            _ => return None,
        };
        Some((first >> 5, argument))
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        match self.head()? {
            (TEXT, length) => self.take(length),
            _ => None,
        }
    }

    /// Passes over one item with all that it holds.
    fn skip(&mut self, depth_left: usize) -> Option<()> {
        let depth_left = depth_left.checked_sub(1)?;
        let inside = match self.head()? {
            (BYTES | TEXT, length) => {
                self.take(length)?;
                0
            }
            (ARRAY, items) => items,
            (MAP, members) => members.checked_mul(2)?,
            (TAG, _) => 1,
            _ => 0,
        };
        (0..inside).try_for_each(|_| self.skip(depth_left))
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
    use serde_json::json;

    use super::*;
    use crate::model::report::{Outcome, Report, Verdict, VerificationPolicy};
    use crate::verify::testing::World;

    fn read_kind(format: &str, configuration: &Value) -> Result<CredentialKind, String> {
        of(&Format::from(format.to_owned())).read_kind(configuration)
    }

    async fn verdict(format: &str, raw: &Value) -> Verdict {
        let world = World::default();
        let examined = of(&Format::from(format.to_owned())).examine(raw, &world.context()).await;
        Report::judge(&examined.checks, &VerificationPolicy::default()).verdict
    }

    /// `{"nameSpaces": {"n": [24(h'a0')]}, "issuerAuth": [h'a10126', {}, h'', h'00']}`, or another first name.
    fn issuer_signed(first: &str) -> Vec<u8> {
        let mut bytes = vec![0xa2, 0x60 | u8::try_from(first.len()).expect("short")];
        bytes.extend(first.as_bytes());
        bytes.extend([0xa1, 0x61, b'n', 0x81, 0xd8, 24, 0x41, 0xa0]);
        bytes.push(0x6a);
        bytes.extend(b"issuerAuth");
        bytes.extend([0x84, 0x43, 0xa1, 0x01, 0x26, 0xa0, 0x40, 0x41, 0x00]);
        bytes
    }

    // covers: FMT-01, FMT-02, FMT-05
    #[test]
    fn kinds_are_read_from_metadata() {
        let definition = |value: Value| json!({ "credential_definition": value });
        let types = || Ok(CredentialKind::Types(vec!["VerifiableCredential".to_owned(), "Card".to_owned()]));
        for format in ["ldp_vc", "jwt_vc_json-ld"] {
            let whole = json!({ "@context": ["https://c.example"], "type": ["VerifiableCredential", "Card"] });
            assert_eq!(read_kind(format, &definition(whole)), types(), "{format}");
            for bad in [
                json!({ "type": ["VerifiableCredential", "Card"] }),
                json!({ "@context": [], "type": ["VerifiableCredential", "Card"] }),
                json!({ "@context": ["https://c.example"] }),
            ] {
                assert!(read_kind(format, &definition(bad.clone())).is_err(), "{format} {bad}");
            }
        }
        let doctype = "org.iso.18013.5.1.mDL";
        assert_eq!(
            read_kind("mso_mdoc", &json!({ "doctype": doctype })),
            Ok(CredentialKind::Doctype(doctype.to_owned()))
        );
        for bad in [json!({}), json!({ "doctype": "" }), json!({ "doctype": 7 })] {
            assert!(read_kind("mso_mdoc", &bad).is_err(), "{bad}");
        }
        assert_eq!(read_kind("anoncreds", &json!({})), Ok(CredentialKind::Unknown));
    }

    // covers: FMT-02, FMT-05, CRES-08
    #[tokio::test]
    async fn what_does_not_look_like_its_format_is_rejected_and_the_rest_is_not_verified() {
        let mdoc = |bytes: &[u8]| json!(URL_SAFE_NO_PAD.encode(bytes));
        let good = issuer_signed("nameSpaces");
        let padded = URL_SAFE.encode(&good);
        assert!(padded.ends_with('='), "or padding is not looked at");
        let mut trailing = good.clone();
        trailing.push(0);
        let mut presented = vec![0xa1, 0x69];
        presented.extend(b"documents\x80");
        let unsigned = [&[0xa1, 0x6a][..], b"nameSpaces", &[0xa0]].concat();
        let deep = [&[0xa1, 0x6a][..], b"nameSpaces", &[0x81; 100], &[0xa0]].concat();
        for (format, raw, expected) in [
            ("mso_mdoc", mdoc(&good), Verdict::Unverified),
            ("mso_mdoc", json!(padded), Verdict::Unverified),
            ("mso_mdoc", json!(base64::engine::general_purpose::STANDARD.encode([0xfb; 30])), Verdict::Rejected),
            ("mso_mdoc", mdoc(&issuer_signed("docType")), Verdict::Rejected),
            ("mso_mdoc", mdoc(&presented), Verdict::Rejected),
            ("mso_mdoc", mdoc(&unsigned), Verdict::Rejected),
            ("mso_mdoc", mdoc(&trailing), Verdict::Rejected),
            ("mso_mdoc", mdoc(&good[..good.len() - 1]), Verdict::Rejected),
            ("mso_mdoc", mdoc(&deep), Verdict::Rejected),
            ("mso_mdoc", mdoc(&[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), Verdict::Rejected),
            ("mso_mdoc", mdoc(&[0xa1, 0x7b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), Verdict::Rejected),
            ("mso_mdoc", json!({}), Verdict::Rejected),
            ("ldp_vc", json!({ "@context": [] }), Verdict::Unverified),
            ("ldp_vc", json!("{\"@context\":[]}"), Verdict::Rejected),
            ("jwt_vc_json-ld", json!("a.b.c"), Verdict::Unverified),
            ("jwt_vc_json-ld", json!({ "@context": [] }), Verdict::Rejected),
            ("anoncreds", json!({ "any": "thing" }), Verdict::Unverified),
            ("anoncreds", json!("anything"), Verdict::Unverified),
        ] {
            assert_eq!(verdict(format, &raw).await, expected, "{format} {raw}");
        }
    }

    #[tokio::test]
    async fn nothing_is_said_to_hold() {
        let world = World::default();
        let ldp = of(&Format::LdpVc);
        let examined = ldp.examine(&json!({ "credentialSubject": {} }), &world.context()).await;
        assert!(examined.checks.iter().all(|check| check.outcome == Outcome::Unknown(Reason::Unsupported)));
        assert_eq!(examined.checks.len(), CheckKind::ALL.len());
        assert_eq!(examined.claims, Value::Null);
    }
}
