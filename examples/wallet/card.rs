//! A card in the terminal.

use billfold::{Card, CardClaim, CardImage, CardState, ClaimValue};
use unicode_width::UnicodeWidthStr as _;

use crate::terminal::{Style, WIDTH, pad, table, wrap};

/// What a box holds across.
const INSIDE: usize = WIDTH - 4;

/// What stands behind the label of a claim that can be withheld.
const WITHHELD: &str = " ◦";

/// The card as a person would hold it: title, issuer, what it says.
pub(crate) fn card(style: Style, card: &Card) -> String {
    // The head has the issuer's colours, where the terminal has colours.
    let colours = card.background_color.map(|background| (background, card.text_color));
    let head = |text: &str, paint: &dyn Fn(&str) -> String| -> Vec<String> {
        let line = |line: &String| {
            let line = pad(&format!(" {line}"), WIDTH - 2);
            colours.map_or_else(|| paint(&line), |(ground, text)| style.on(ground, text, &line))
        };
        wrap(text, INSIDE).iter().map(line).collect()
    };
    let mut parts = vec![head(&card.title, &|line| style.bold(line))];
    parts[0].extend(head(&card.issuer_name, &|line| style.dim(line)));
    if let Some(description) = &card.description {
        parts[0].extend(head(description, &str::to_owned));
    }
    let state = [Some(card.state_text.as_str()), card.expiry_text.as_deref()].into_iter().flatten();
    let state = state.collect::<Vec<_>>().join(" · ");
    parts.push(lines(&state, |line| match card.state {
        CardState::Valid => style.good(line),
        CardState::NotYetValid | CardState::Suspended | CardState::Unchecked => style.doubtful(line),
        _ => style.bad(line),
    }));
    let mut rows = Vec::new();
    claims(&card.claims, 0, &mut rows);
    let mut drawn: Vec<_> = table(&rows, INSIDE)
        .into_iter()
        .map(|(label, value)| {
            let room = INSIDE.saturating_sub(label.width() + 2);
            format!(" {}  {} ", style.dim(&label), pad(&value, room))
        })
        .collect();
    if card.claims_left_out > 0 {
        drawn.extend(lines(&format!("… and {} more", card.claims_left_out), |line| style.dim(line)));
    }
    if rows.iter().any(|(label, _)| label.ends_with(WITHHELD)) {
        drawn.extend(lines("◦ can be withheld when it is shown to somebody", |line| style.dim(line)));
    }
    if !drawn.is_empty() {
        parts.push(drawn);
    }
    boxed(style, &parts)
}

/// Lines in a box, in parts with rules between them.
fn boxed(style: Style, parts: &[Vec<String>]) -> String {
    let rule = |left: &str, right: &str| style.dim(&format!("{left}{}{right}", "─".repeat(WIDTH - 2)));
    let side = style.dim("│");
    let mut drawn = vec![rule("╭", "╮")];
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            drawn.push(rule("├", "┤"));
        }
        drawn.extend(part.iter().map(|line| format!("{side}{line}{side}")));
    }
    drawn.push(rule("╰", "╯"));
    drawn.join("\n")
}

/// A text in lines that fill a box, each painted whole, so that paint does not disturb the width.
fn lines(text: &str, paint: impl Fn(&str) -> String) -> Vec<String> {
    wrap(text, INSIDE).iter().map(|line| format!(" {} ", paint(&pad(line, INSIDE)))).collect()
}

/// Claims as rows; the parts of one are indented below it.
fn claims(all: &[CardClaim], depth: usize, rows: &mut Vec<(String, String)>) {
    for claim in all {
        // Only where it begins: all that is inside can be withheld with it.
        let mark = if claim.disclosable && depth == 0 { WITHHELD } else { "" };
        let label = format!("{}{}{mark}", "› ".repeat(depth), claim.label);
        match &claim.value {
            ClaimValue::Group(parts) if !parts.is_empty() => {
                rows.push((label, String::new()));
                claims(parts, depth + 1, rows);
            }
            ClaimValue::List(items) if items.iter().any(|item| matches!(item, ClaimValue::Group(_))) => {
                rows.push((label, String::new()));
                for (at, item) in (1..).zip(items) {
                    rows.push((format!("{}{at}", "› ".repeat(depth + 1)), plain(item)));
                    if let ClaimValue::Group(parts) = item {
                        claims(parts, depth + 2, rows);
                    }
                }
            }
            ClaimValue::Image(image) => rows.push((label, picture(image))),
            _ => rows.push((label, claim.text.clone())),
        }
    }
}

/// An element beside groups.
fn plain(value: &ClaimValue) -> String {
    match value {
        ClaimValue::Text(text) | ClaimValue::Number(text) | ClaimValue::Date(text) => text.clone(),
        ClaimValue::Boolean(value) => value.to_string(),
        ClaimValue::DateTime(at) => at.to_string(),
        ClaimValue::Image(image) => picture(image),
        ClaimValue::List(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        _ => String::new(),
    }
}

fn picture(image: &CardImage) -> String {
    match (image.media_type, &image.bytes) {
        (Some(kind), Some(bytes)) => format!("[{}, {} KiB]", kind.media_type(), bytes.len().div_ceil(1024)),
        _ => "[a picture that can't be shown]".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use billfold::Color;

    use super::*;

    fn claim(label: &str, value: ClaimValue, text: &str) -> CardClaim {
        let (label, text) = (label.to_owned(), text.to_owned());
        CardClaim { path: Vec::new(), label, value, text, disclosable: true, mandatory: false }
    }

    fn text(label: &str, value: &str) -> CardClaim {
        claim(label, ClaimValue::Text(value.to_owned()), value)
    }

    fn card_of(claims: Vec<CardClaim>) -> Card {
        Card {
            title: "学位証明書 — a very long title ".repeat(4),
            issuer_name: "Uni\u{1b}[2Jversity\nof X".to_owned(),
            description: Some("A sentence".to_owned()),
            logo: None,
            issuer_logo: None,
            background_image: None,
            background_color: Color::parse("navy"),
            text_color: Color::WHITE,
            claims,
            claims_left_out: 3,
            state: CardState::Valid,
            state_text: "Valid".to_owned(),
            expires_at: None,
            expiry_text: Some("Valid until 2031-05-17".to_owned()),
            locale: None,
        }
    }

    #[test]
    fn a_card_is_a_rectangle_whatever_it_says() {
        let file = tempfile::tempfile().expect("a file");
        let city = ClaimValue::Group(vec![text("City", "Bern"), text("Street", "Weg")]);
        let picture = CardImage { uri: String::new(), alt_text: None, media_type: None, bytes: None };
        let cards = ClaimValue::List(vec![city.clone(), ClaimValue::Number("7".to_owned())]);
        let drawn = card(
            Style::of(&file),
            &card_of(vec![
                text("Name", "Erika Mustermann"),
                text("A label that is far longer than a third of the card is wide", &"x".repeat(200)),
                text("空", ""),
                claim("Address", city, "City: Bern, Street: Weg"),
                claim("Cards", cards, "City: Bern"),
                claim("Portrait", ClaimValue::Image(picture), "Picture"),
            ]),
        );
        for line in drawn.lines() {
            assert_eq!(line.width(), WIDTH, "{line}");
            assert!(!line.contains('\u{1b}'), "{line}");
        }
        for expected in
            ["Erika Mustermann", "Valid · Valid until 2031-05-17", "› City", "› › Street", "… and 3 more", "◦ can be"]
        {
            assert!(drawn.contains(expected), "{expected} in\n{drawn}");
        }
    }
}
