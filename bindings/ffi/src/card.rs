//! Cards, ready to be drawn, as they cross the border.

use billfold::model::time::Timestamp;

use crate::credential::PathStep;

/// A credential as a person would see it, in one language and at one moment.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct Card {
    /// The name of the credential.
    pub title: String,
    /// The name of its issuer.
    pub issuer_name: String,
    /// A sentence about it.
    pub description: Option<String>,
    /// The credential's own picture.
    pub logo: Option<CardImage>,
    /// Its issuer's picture.
    pub issuer_logo: Option<CardImage>,
    /// A picture to put behind everything.
    pub background_image: Option<CardImage>,
    /// The colour behind everything; none if the issuer gives none that can be read: draw it on a light ground.
    pub background_color: Option<Color>,
    /// The colour for texts, readable on the background.
    pub text_color: Color,
    /// The claims: those that the issuer described, in its order, then the others.
    pub claims: Vec<CardClaim>,
    /// How many claims are not among them, because there are more than anyone could look at.
    pub claims_left_out: u32,
    /// Whether it can be used.
    pub state: CardState,
    /// The same in words.
    pub state_text: String,
    /// When it stops being valid, in seconds since 1970, if it says so.
    pub expires_at: Option<i64>,
    /// The same in words; of one that is not valid yet, from when it is.
    pub expiry_text: Option<String>,
    /// The language of title and colours as the issuer marked it (BCP 47).
    pub locale: Option<String>,
}

impl From<billfold::Card> for Card {
    fn from(card: billfold::Card) -> Self {
        let billfold::Card {
            title,
            issuer_name,
            description,
            logo,
            issuer_logo,
            background_image,
            background_color,
            text_color,
            claims,
            claims_left_out,
            state,
            state_text,
            expires_at,
            expiry_text,
            locale,
        } = card;
        Self {
            title,
            issuer_name,
            description,
            logo: logo.map(Into::into),
            issuer_logo: issuer_logo.map(Into::into),
            background_image: background_image.map(Into::into),
            background_color: background_color.map(Into::into),
            text_color: text_color.into(),
            claims: claims.into_iter().map(Into::into).collect(),
            claims_left_out,
            state: state.into(),
            state_text,
            expires_at: expires_at.map(Timestamp::seconds),
            expiry_text,
            locale,
        }
    }
}

/// Whether a credential can be used, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum CardState {
    /// It can.
    Valid,
    /// Not before some day.
    NotYetValid,
    /// Not any more.
    Expired,
    /// Its issuer took it back.
    Revoked,
    /// Its issuer took it back for a while.
    Suspended,
    /// It is kept aside: a check failed.
    Quarantined,
    /// It is kept aside: a check could not be decided. It can be checked again.
    Unchecked,
    /// A state that this layer does not know; the card says it in words.
    Other,
}

impl From<billfold::CardState> for CardState {
    fn from(state: billfold::CardState) -> Self {
        match state {
            billfold::CardState::Valid => Self::Valid,
            billfold::CardState::NotYetValid => Self::NotYetValid,
            billfold::CardState::Expired => Self::Expired,
            billfold::CardState::Revoked => Self::Revoked,
            billfold::CardState::Suspended => Self::Suspended,
            billfold::CardState::Quarantined => Self::Quarantined,
            billfold::CardState::Unchecked => Self::Unchecked,
            _ => Self::Other,
        }
    }
}

/// A picture of a card.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct CardImage {
    /// `https:` or `data:` address, as the issuer gave it. There is no need to load it: see `bytes`.
    pub uri: String,
    /// Text in place of the picture, in the language of the card.
    pub alt_text: Option<String>,
    /// What the bytes are, whatever anyone said about them. None without bytes.
    pub media_type: Option<ImageType>,
    /// The picture. None if it was not fetched, can't be had, or was refused.
    pub bytes: Option<Vec<u8>>,
}

impl From<billfold::CardImage> for CardImage {
    fn from(image: billfold::CardImage) -> Self {
        let billfold::CardImage { uri, alt_text, media_type, bytes } = image;
        Self { uri, alt_text, media_type: media_type.map(Into::into), bytes }
    }
}

/// What kind of picture some bytes are, by the bytes themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum ImageType {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// GIF.
    Gif,
    /// WebP.
    Webp,
    /// JPEG 2000, as mobile driving licences may have it. Few platforms draw it.
    Jpeg2000,
    /// SVG without scripts and without references to anything outside of it.
    Svg,
    /// A kind that this layer does not know.
    Other,
}

impl From<billfold::ImageType> for ImageType {
    fn from(kind: billfold::ImageType) -> Self {
        match kind {
            billfold::ImageType::Png => Self::Png,
            billfold::ImageType::Jpeg => Self::Jpeg,
            billfold::ImageType::Gif => Self::Gif,
            billfold::ImageType::Webp => Self::Webp,
            billfold::ImageType::Jpeg2000 => Self::Jpeg2000,
            billfold::ImageType::Svg => Self::Svg,
            _ => Self::Other,
        }
    }
}

/// A colour with its opacity, each part from 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Color {
    /// Red.
    pub red: u8,
    /// Green.
    pub green: u8,
    /// Blue.
    pub blue: u8,
    /// Opacity: 255 covers what is behind, 0 is not seen.
    pub alpha: u8,
}

impl From<billfold::Color> for Color {
    fn from(color: billfold::Color) -> Self {
        let billfold::Color { red, green, blue, alpha } = color;
        Self { red, green, blue, alpha }
    }
}

/// One line of a card.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct CardClaim {
    /// Where the claim is; in an mdoc its namespace and element.
    pub path: Vec<PathStep>,
    /// What to call it.
    pub label: String,
    /// Its value by its type.
    pub value: ClaimValue,
    /// Its value as text, whatever its type.
    pub text: String,
    /// Whether the holder can withhold it when the credential is shown to somebody.
    pub disclosable: bool,
    /// Whether the issuer says that it is always there.
    pub mandatory: bool,
}

impl From<billfold::CardClaim> for CardClaim {
    fn from(claim: billfold::CardClaim) -> Self {
        let billfold::CardClaim { path, label, value, text, disclosable, mandatory } = claim;
        Self {
            path: path.into_iter().map(Into::into).collect(),
            label,
            value: value.into(),
            text,
            disclosable,
            mandatory,
        }
    }
}

/// The value of a claim by its type.
#[derive(Clone, PartialEq, Eq, uniffi::Enum)]
pub enum ClaimValue {
    /// Text.
    Text {
        /// The text.
        text: String,
    },
    /// A number.
    Number {
        /// As it is written.
        text: String,
    },
    /// Yes or no.
    Boolean {
        /// Which.
        value: bool,
    },
    /// A day.
    Date {
        /// As `2026-01-31`.
        date: String,
    },
    /// A moment.
    DateTime {
        /// In seconds since 1970.
        at: i64,
    },
    /// A picture that is part of the credential.
    Image {
        /// The picture.
        image: CardImage,
    },
    /// Several values. (`List`, had Kotlin's generated code not a need of that name.)
    Values {
        /// The values.
        values: Vec<ClaimValue>,
    },
    /// Claims within a claim.
    Group {
        /// The claims.
        claims: Vec<CardClaim>,
    },
    /// The claim is there, without a value.
    Absent,
    /// Of a type that this layer does not know; the claim has it as text.
    Other,
}

impl From<billfold::ClaimValue> for ClaimValue {
    fn from(value: billfold::ClaimValue) -> Self {
        match value {
            billfold::ClaimValue::Text(text) => Self::Text { text },
            billfold::ClaimValue::Number(text) => Self::Number { text },
            billfold::ClaimValue::Boolean(value) => Self::Boolean { value },
            billfold::ClaimValue::Date(date) => Self::Date { date },
            billfold::ClaimValue::DateTime(at) => Self::DateTime { at: at.seconds() },
            billfold::ClaimValue::Image(image) => Self::Image { image: image.into() },
            billfold::ClaimValue::List(values) => Self::Values { values: values.into_iter().map(Into::into).collect() },
            billfold::ClaimValue::Group(claims) => Self::Group { claims: claims.into_iter().map(Into::into).collect() },
            billfold::ClaimValue::Absent => Self::Absent,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_type_at_any_depth() {
        let image = billfold::CardImage {
            uri: String::from("data:,x"),
            alt_text: Some(String::from("a picture")),
            media_type: Some(billfold::ImageType::Jpeg2000),
            bytes: Some(vec![1, 2]),
        };
        let claim = billfold::CardClaim {
            path: vec![billfold::PathStep::Key(String::from("a")), billfold::PathStep::Index(7)],
            label: String::from("A"),
            value: billfold::ClaimValue::List(vec![
                billfold::ClaimValue::Number(String::from("1.50")),
                billfold::ClaimValue::Image(image),
                billfold::ClaimValue::Absent,
            ]),
            text: String::from("1.50"),
            disclosable: true,
            mandatory: false,
        };
        let ClaimValue::Group { claims } = billfold::ClaimValue::Group(vec![claim]).into() else { panic!("a group") };
        let CardClaim { path, label, value, text, disclosable, mandatory } = claims[0].clone();
        assert_eq!(path, [PathStep::Key { name: String::from("a") }, PathStep::Index { index: 7 }]);
        assert_eq!((label.as_str(), text.as_str(), disclosable, mandatory), ("A", "1.50", true, false));
        let ClaimValue::Values { values } = value else { panic!("a list") };
        assert!(values[0] == ClaimValue::Number { text: String::from("1.50") } && values[2] == ClaimValue::Absent);
        let ClaimValue::Image { image } = &values[1] else { panic!("an image") };
        assert_eq!((image.media_type, image.bytes.as_deref()), (Some(ImageType::Jpeg2000), Some(&[1, 2][..])));
        for (value, expected) in [
            (billfold::ClaimValue::Boolean(true), ClaimValue::Boolean { value: true }),
            (
                billfold::ClaimValue::Date(String::from("2026-01-31")),
                ClaimValue::Date { date: String::from("2026-01-31") },
            ),
            (billfold::ClaimValue::DateTime(Timestamp::from_seconds(-1)), ClaimValue::DateTime { at: -1 }),
            (billfold::ClaimValue::Text(String::new()), ClaimValue::Text { text: String::new() }),
        ] {
            assert!(ClaimValue::from(value) == expected);
        }
    }

    #[test]
    fn states_and_pictures_have_the_same_names_on_both_sides() {
        use billfold::{CardState as State, ImageType as Type};
        for state in [
            State::Valid,
            State::NotYetValid,
            State::Expired,
            State::Revoked,
            State::Suspended,
            State::Quarantined,
            State::Unchecked,
        ] {
            assert_eq!(format!("{:?}", CardState::from(state)), format!("{state:?}"));
        }
        for kind in [Type::Png, Type::Jpeg, Type::Gif, Type::Webp, Type::Jpeg2000, Type::Svg] {
            assert_eq!(format!("{:?}", ImageType::from(kind)), format!("{kind:?}"));
        }
    }
}
