//! What to show of a stored credential.

mod claims;
mod color;
mod color_names;
mod fetching;
mod image;
mod of_credential;
mod svg;
mod words;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::color::Color;
pub(crate) use self::fetching::{Unreached, card as with_pictures};
pub use self::image::{CardImage, ImageType};
use crate::model::display::{PathStep, plain_text};
use crate::model::time::Timestamp;

/// A credential as a person would see it, in one language and at one moment.
///
/// All texts are without control and bidirectional characters, and of bounded length.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The colour behind everything; none if the issuer gives none that can be read. The card is then to be
    /// drawn on a light ground.
    pub background_color: Option<Color>,
    /// The colour for texts, readable on the background: the issuer's, or black or white.
    pub text_color: Color,
    /// The claims: those that the issuer described, in its order, then the others.
    pub claims: Vec<CardClaim>,
    /// How many claims are not among them, because there are more than anyone could look at.
    pub claims_left_out: u32,
    /// Whether it can be used.
    pub state: CardState,
    /// The same in words.
    pub state_text: String,
    /// When it stops being valid, if it says so.
    pub expires_at: Option<Timestamp>,
    /// The same in words, with the day in UTC; of one that is not valid yet, from when it is.
    pub expiry_text: Option<String>,
    /// The language of title and colours as the issuer marked it (BCP 47); none if it said nothing.
    pub locale: Option<String>,
}

/// Whether a credential can be used, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
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
}

/// One line of a card. `Debug` shows no value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardClaim {
    /// Where the claim is; in an mdoc its namespace and element.
    pub path: Vec<PathStep>,
    /// Its label, in the user's language where the issuer gives one.
    pub label: String,
    /// Its value by its type.
    pub value: ClaimValue,
    /// Its value as text, whatever its type.
    pub text: String,
    /// Whether the holder can withhold it when the credential is shown to somebody: by itself, with what it is
    /// part of, or, of a list, by each of its elements.
    pub disclosable: bool,
    /// Whether the issuer says that it is always there.
    pub mandatory: bool,
}

/// The value of a claim by its type. `Debug` shows the type only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ClaimValue {
    /// Text.
    Text(String),
    /// A number as it is written.
    Number(String),
    /// Yes or no.
    Boolean(bool),
    /// A day, as `2026-01-31`.
    Date(String),
    /// A moment.
    DateTime(Timestamp),
    /// A picture that is part of the credential.
    Image(CardImage),
    /// Several values.
    List(Vec<ClaimValue>),
    /// Claims within a claim.
    Group(Vec<CardClaim>),
    /// The claim is there, without a value.
    Absent,
}

impl fmt::Debug for CardClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CardClaim").field("path", &self.path).field("value", &self.value).finish_non_exhaustive()
    }
}

impl fmt::Debug for ClaimValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text",
            Self::Number(_) => "Number",
            Self::Boolean(_) => "Boolean",
            Self::Date(_) => "Date",
            Self::DateTime(_) => "DateTime",
            Self::Image(_) => "Image",
            Self::List(_) => "List",
            Self::Group(_) => "Group",
            Self::Absent => "Absent",
        })
    }
}

/// A text from outside as it is shown: harmless, and of at most so many characters. An ellipsis stands for what
/// is cut off.
fn shown(text: &str, most: usize) -> String {
    let mut rest = text.chars();
    let start: String = rest.by_ref().take(most * 2).collect();
    let mut plain = plain_text(&start);
    let end = plain.char_indices().nth(most).map(|(at, _)| at);
    if end.is_some() || rest.next().is_some() {
        plain.truncate(end.unwrap_or(plain.len()));
        plain.push('…');
    }
    plain
}
