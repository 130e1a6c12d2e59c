//! Reports and lists, drawn with characters.

use billfold::model::display::plain_text;
use billfold::model::metadata::CredentialKind;
use billfold::model::report::{Check, Outcome, Reason, Verdict};
use billfold::{
    Card, CardState, Credential, DialectReport, Format, OfferSummary, PendingIssuance, Report, Terms, Verification,
};

use crate::terminal::{Style, WIDTH, pad, table, wrap};

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

pub(crate) fn because(check: &Check) -> String {
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
    let lines = table(&kept_rows(credential), WIDTH - 2);
    let lines = lines.into_iter().map(|(label, value)| format!("  {}  {value}", style.dim(&label)));
    lines.collect::<Vec<_>>().join("\n")
}

/// The same as rows of label and value.
pub(crate) fn kept_rows(credential: &Credential) -> Vec<(String, String)> {
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
    rows
}

/// What a credential outside of the wallet was found to be.
pub(crate) fn verified(style: Style, format: &Format, found: &Verification) -> String {
    let mut rows = vec![("Format".to_owned(), format.to_string())];
    let kind = match &found.kind {
        CredentialKind::Vct(name) | CredentialKind::Doctype(name) => Some(name.clone()),
        CredentialKind::Types(names) => Some(names.join(", ")),
        _ => None,
    };
    rows.extend(kind.map(|kind| ("Type".to_owned(), kind)));
    rows.extend(found.valid_from.map(|at| ("Valid from".to_owned(), at.to_string())));
    rows.extend(found.expires_at.map(|at| ("Valid until".to_owned(), at.to_string())));
    let lines = table(&rows, WIDTH - 2);
    let lines: Vec<_> = lines.into_iter().map(|(label, value)| format!("  {}  {value}", style.dim(&label))).collect();
    format!("{}\n\n{}", report(style, &found.report), lines.join("\n"))
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

/// How an issuer is spoken to: what was seen of it, what follows, what will be sent, what was put up with.
pub(crate) fn dialect(style: Style, dialect: &DialectReport) -> String {
    let mut drawn = vec![format!("{}  looks like {}", style.bold("Dialect"), dialect.looks_like)];
    let mut part = |title: &str, rows: Vec<(String, String)>| {
        drawn.push(format!("  {}", style.bold(title)));
        let lines =
            table(&rows, WIDTH - 4).into_iter().map(|(label, value)| format!("    {}  {value}", style.dim(&label)));
        drawn.extend(lines);
    };
    let bullet = |text: String| ("•".to_owned(), text);
    let nothing = || vec![bullet("nothing".to_owned())];
    let seen: Vec<_> = dialect.seen.iter().map(|sign| bullet((*sign).to_owned())).collect();
    part("Seen in its metadata", if seen.is_empty() { nothing() } else { seen });
    let concluded = dialect.concluded.iter();
    part("Concluded", concluded.map(|one| (one.behaviour.replace('_', " "), one.conclusion.to_owned())).collect());
    part("The credential request will have", vec![bullet(dialect.request.clone())]);
    let tolerated: Vec<_> = dialect.tolerated.iter().map(|one| bullet(format!("{one} ({})", one.as_str()))).collect();
    part("Put up with so far", if tolerated.is_empty() { nothing() } else { tolerated });
    drawn.join("\n")
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
    let state = match card.state {
        CardState::Valid => {
            card.expiry_text.as_deref().map_or_else(String::new, |text| style.dim(&format!("  {text}")))
        }
        // That it is put aside was said.
        CardState::Quarantined | CardState::Unchecked => String::new(),
        _ => format!("  {}", style.bad(&card.state_text)),
    };
    format!("{mark} {id}  {}  {issuer}{state}{aside}", plain_text(&card.title))
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
