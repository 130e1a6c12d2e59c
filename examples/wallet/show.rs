//! Cards, reports and lists, drawn with characters.

use billfold::model::display::plain_text;
use billfold::model::report::{Check, Outcome, Reason, Verdict};
use billfold::{Card, Credential, OfferSummary, PendingIssuance, Report, Terms};
use unicode_width::UnicodeWidthStr as _;

use crate::terminal::{Style, WIDTH, pad, table, wrap};

/// What a box holds across.
const INSIDE: usize = WIDTH - 4;

/// Lines in a box, in parts with rules between them.
fn boxed(style: Style, parts: &[Vec<String>]) -> String {
    let rule = |left: &str, right: &str| style.dim(&format!("{left}{}{right}", "─".repeat(WIDTH - 2)));
    let side = style.dim("│");
    let mut drawn = vec![rule("╭", "╮")];
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            drawn.push(rule("├", "┤"));
        }
        drawn.extend(part.iter().map(|line| format!("{side} {line} {side}")));
    }
    drawn.push(rule("╰", "╯"));
    drawn.join("\n")
}

/// A text in lines that fill a box, each painted whole, so that paint does not disturb the width.
fn lines(text: &str, paint: impl Fn(&str) -> String) -> Vec<String> {
    wrap(text, INSIDE).iter().map(|line| paint(&pad(line, INSIDE))).collect()
}

/// The card as a person would hold it: title, issuer, what it says.
pub(crate) fn card(style: Style, card: &Card) -> String {
    let mut head = lines(&card.title, |line| style.bold(line));
    head.extend(lines(&card.issuer_name, |line| style.dim(line)));
    if let Some(description) = &card.description {
        head.extend(lines(description, str::to_owned));
    }
    let rows: Vec<_> = card.claims.iter().map(|claim| (claim.label.clone(), claim.text.clone())).collect();
    let claims: Vec<_> = table(&rows, INSIDE)
        .into_iter()
        .map(|(label, value)| {
            let room = INSIDE.saturating_sub(label.width() + 2);
            format!("{}  {}", style.dim(&label), pad(&value, room))
        })
        .collect();
    let mut parts = vec![head];
    if !claims.is_empty() {
        parts.push(claims);
    }
    boxed(style, &parts)
}

/// The verdict and, check by check, how it came about.
pub(crate) fn report(style: Style, report: &Report) -> String {
    let mut drawn = vec![format!("  {}", verdict(style, report.verdict))];
    let widest = report.checks.iter().map(|check| check.kind.as_str().len()).max().unwrap_or(0);
    for check in &report.checks {
        let mut mark = match check.outcome {
            Outcome::Passed => style.good("✓"),
            Outcome::Failed => style.bad("✗"),
            Outcome::Unknown(_) => style.doubtful("?"),
            Outcome::Skipped(_) => style.dim("–"),
        };
        let mut name = check.kind.as_str().replace('_', " ");
        for line in wrap(&because(check), WIDTH - widest - 6) {
            let line = format!("  {mark} {}  {}", pad(&name, widest), style.dim(&line));
            drawn.push(line.trim_end().to_owned());
            // A second line of the same check stands below its first.
            " ".clone_into(&mut mark);
            name.clear();
        }
    }
    drawn.join("\n")
}

fn verdict(style: Style, verdict: Verdict) -> String {
    match verdict {
        Verdict::Verified => style.good("Verified"),
        Verdict::VerifiedWithWarnings => style.doubtful("Verified, with warnings"),
        Verdict::Unverified => style.doubtful("Could not be verified completely"),
        Verdict::Rejected => style.bad("Rejected"),
    }
}

fn because(check: &Check) -> String {
    if !check.detail.is_empty() {
        return check.detail.clone();
    }
    let (Outcome::Unknown(reason) | Outcome::Skipped(reason)) = check.outcome else {
        return String::new();
    };
    match reason {
        Reason::Unbound => "the credential is bound to no key",
        Reason::NotApplicable => "does not apply to this credential",
        Reason::SwitchedOff => "switched off by the policy",
        Reason::NoAnchors => "no issuer was named as trusted",
        Reason::Unreachable => "what is needed for it did not answer",
        Reason::Unsupported => "this version does not know the method",
        Reason::DependsOnFailed => "a check that it builds on did not pass",
        _ => "not decided",
    }
    .to_owned()
}

/// Where and how a credential is kept.
pub(crate) fn kept(style: Style, credential: &Credential) -> String {
    let mut rows = vec![
        ("ID".to_owned(), credential.id.to_string()),
        ("Format".to_owned(), credential.format.to_string()),
        ("Issuer".to_owned(), credential.credential_issuer.to_string()),
        ("Received".to_owned(), credential.issued_at.to_string()),
    ];
    if let Some(expires_at) = credential.expires_at {
        rows.push(("Valid until".to_owned(), expires_at.to_string()));
    }
    if credential.instances.len() > 1 {
        rows.push(("Copies".to_owned(), credential.instances.len().to_string()));
    }
    let lines = table(&rows, WIDTH - 2).into_iter().map(|(label, value)| format!("  {}  {value}", style.dim(&label)));
    lines.collect::<Vec<_>>().join(
        "
",
    )
}

/// What is offered, by whom.
pub(crate) fn offer(style: Style, offer: &OfferSummary) -> String {
    let mut drawn = vec![format!("{} offers", style.bold(&plain_text(&offer.issuer_name())))];
    for offered in &offer.credentials {
        let what = format!("({}, {})", offered.format, offered.configuration);
        drawn.push(format!("  • {} {}", plain_text(&offered.title), style.dim(&plain_text(&what))));
    }
    drawn.join("\n")
}

/// What accepting would use.
pub(crate) fn terms(style: Style, terms: &Terms) -> String {
    let encrypted = match (terms.encrypts_requests, terms.encrypts_answers) {
        (true, true) => "requests and answers",
        (true, false) => "requests",
        _ => "nothing",
    };
    let dpop = terms.dpop.map_or_else(|| "no".to_owned(), |algorithm| format!("by DPoP, {algorithm}"));
    let mut rows = vec![
        ("Profile".to_owned(), terms.profile.as_str().to_owned()),
        ("Authenticates by".to_owned(), terms.client_authentication.as_str().to_owned()),
        ("Tokens bound".to_owned(), dpop),
        ("Encrypted".to_owned(), encrypted.to_owned()),
        ("Copies at once".to_owned(), terms.batch_size.to_string()),
    ];
    for credential in &terms.credentials {
        let proof = credential.proof.map_or_else(
            || "bound to no key".to_owned(),
            |proof| {
                let attested = if proof.key_attestation { ", keys attested" } else { "" };
                format!("proof {}, {}{attested}", proof.proof_type, proof.algorithm)
            },
        );
        rows.push((credential.configuration.to_string(), proof));
    }
    for left in &terms.left_out {
        rows.push((left.configuration.to_string(), format!("left out: {}", left.detail)));
    }
    let lines = table(&rows, WIDTH).into_iter().map(|(label, value)| format!("{}  {value}", style.dim(&label)));
    lines.collect::<Vec<_>>().join("\n")
}

/// One line of `list`.
pub(crate) fn listed(style: Style, credential: &Credential, card: &Card) -> String {
    let mark = match credential.report.verdict {
        _ if credential.quarantined => style.bad("✗"),
        Verdict::VerifiedWithWarnings => style.doubtful("!"),
        _ => style.good("✓"),
    };
    let aside = if credential.quarantined { style.bad("  put aside") } else { String::new() };
    let id = style.dim(&short(credential.id.as_str()));
    let issuer = style.dim(&plain_text(&card.issuer_name));
    format!("{mark} {id}  {}  {issuer}{aside}", plain_text(&card.title))
}

/// One line of `pending`.
pub(crate) fn pending(style: Style, pending: &PendingIssuance) -> String {
    format!(
        "{}  {} from {}: {} (since {})",
        pending.id,
        plain_text(&pending.titles.join(", ")),
        plain_text(&pending.issuer_name),
        style.bold(&pending.step.name().replace('_', " ")),
        pending.updated_at,
    )
}

/// The start of an id, enough to name it by hand.
fn short(id: &str) -> String {
    id.chars().take(8).collect()
}

#[cfg(test)]
mod tests {
    use billfold::{CardClaim, CardState, ClaimValue, Color};

    use super::*;

    #[test]
    fn a_card_is_a_rectangle_whatever_it_says() {
        let file = tempfile::tempfile().expect("a file");
        let claim = |label: &str, value: &str| CardClaim {
            path: Vec::new(),
            label: label.to_owned(),
            value: ClaimValue::Text(value.to_owned()),
            text: value.to_owned(),
            disclosable: true,
            mandatory: false,
        };
        let drawn = card(
            Style::of(&file),
            &Card {
                title: "学位証明書 — a very long title ".repeat(4),
                issuer_name: "Uni\u{1b}[2Jversity\nof X".to_owned(),
                description: None,
                logo: None,
                issuer_logo: None,
                background_image: None,
                background_color: None,
                text_color: Color::BLACK,
                claims: vec![
                    claim("Name", "Erika Mustermann"),
                    claim("A label that is far longer than a third of the card is wide", &"x".repeat(200)),
                    claim("空", ""),
                ],
                claims_left_out: 0,
                state: CardState::Valid,
                state_text: "Valid".to_owned(),
                expires_at: None,
                expiry_text: None,
                locale: None,
            },
        );
        for line in drawn.lines() {
            assert_eq!(line.width(), WIDTH, "{line}");
            assert!(!line.contains('\u{1b}'), "{line}");
        }
        assert!(drawn.contains("Erika Mustermann"), "{drawn}");
    }
}
