//! A card as a page of its own: no script, nothing from elsewhere, and every text from outside only as text.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use billfold::{Card, CardClaim, CardImage, CardState, ClaimValue, Color, Credential, Outcome, Verdict};

use crate::show;

/// The whole page.
pub(crate) fn page(credential: &Credential, card: &Card) -> String {
    let mut page = String::new();
    let title = escape(&card.title);
    let _ = write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; \
         style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
    );
    face(&mut page, card);
    if !card.claims.is_empty() {
        page.push_str("<section>\n<h2>Claims</h2>\n");
        claims(&mut page, &card.claims, true);
        if card.claims_left_out > 0 {
            let _ = writeln!(page, "<p class=\"note\">… and {} more</p>", card.claims_left_out);
        }
        if card.claims.iter().any(|claim| claim.disclosable) {
            page.push_str(
                "<p class=\"note\"><span class=\"dot\">◦</span> can be withheld when it is shown to somebody</p>\n",
            );
        }
        page.push_str("</section>\n");
    }
    checks(&mut page, credential);
    kept(&mut page, credential);
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

/// The front of the card.
fn face(page: &mut String, card: &Card) {
    let ground = card.background_color.map(|color| color.over(Color::WHITE));
    let text = card.text_color;
    let mut style = format!("color:{}", text.to_css());
    if let Some(ground) = ground {
        let _ = write!(style, ";background-color:{}", ground.to_css());
    }
    let behind = card.background_image.as_ref().and_then(data);
    if let Some(picture) = &behind {
        // A veil of the colour that the text was chosen for: it is read on the picture, too.
        let veil = ground.unwrap_or(if text.contrast(Color::WHITE) > text.contrast(Color::BLACK) {
            Color::WHITE
        } else {
            Color::BLACK
        });
        let (thin, thick) = (Color { alpha: 102, ..veil }.to_css(), Color { alpha: 191, ..veil }.to_css());
        let _ = write!(style, ";background-image:linear-gradient({thin},{thick}),url({picture})");
    }
    let lang = card.locale.as_deref().map_or_else(String::new, |tag| format!(" lang=\"{}\"", escape(tag)));
    let plain = if ground.is_none() && behind.is_none() { " plain" } else { "" };
    let _ = writeln!(page, "<article class=\"card{plain}\" style=\"{style}\"{lang}>");
    page.push_str("<header>");
    if let Some(logo) = &card.logo {
        img(page, logo, "logo");
    }
    let _ = write!(page, "<div><h1 dir=\"auto\">{}</h1>", escape(&card.title));
    if let Some(description) = &card.description {
        let _ = write!(page, "<p dir=\"auto\" class=\"about\">{}</p>", escape(description));
    }
    page.push_str("</div></header>\n<footer><div class=\"issuer\">");
    if let Some(logo) = &card.issuer_logo {
        img(page, logo, "small");
    }
    let _ = write!(page, "<span dir=\"auto\">{}</span></div>", escape(&card.issuer_name));
    let class = match card.state {
        CardState::Valid => "good",
        CardState::NotYetValid | CardState::Suspended | CardState::Unchecked => "doubtful",
        _ => "bad",
    };
    let _ = write!(page, "<div class=\"state\"><b class=\"{class}\">{}</b>", escape(&card.state_text));
    if let Some(expiry) = &card.expiry_text {
        let _ = write!(page, "<span>{}</span>", escape(expiry));
    }
    page.push_str("</div></footer>\n</article>\n");
}

/// A picture by its bytes, whatever its address was; without bytes, what it shows in words.
fn img(page: &mut String, image: &CardImage, class: &str) {
    let text = escape(image.alt_text.as_deref().unwrap_or_default());
    if let Some(data) = data(image) {
        let _ = write!(page, "<img class=\"{class}\" src=\"{data}\" alt=\"{text}\">");
    } else if !text.is_empty() && class == "value" {
        let _ = write!(page, "<i>{text}</i>");
    }
}

/// The `data:` address of the bytes, by what they are. It holds no character that means something in HTML or CSS.
fn data(image: &CardImage) -> Option<String> {
    let (kind, bytes) = (image.media_type?, image.bytes.as_ref()?);
    Some(format!("data:{};base64,{}", kind.media_type(), STANDARD.encode(bytes)))
}

fn claims(page: &mut String, all: &[CardClaim], marked: bool) {
    page.push_str("<dl>\n");
    for claim in all {
        let mark = if marked && claim.disclosable { "<span class=\"dot\"> ◦</span>" } else { "" };
        let _ = write!(page, "<div><dt dir=\"auto\">{}{mark}</dt><dd dir=\"auto\">", escape(&claim.label));
        value(page, &claim.value, &claim.text);
        page.push_str("</dd></div>\n");
    }
    page.push_str("</dl>\n");
}

fn value(page: &mut String, value_of: &ClaimValue, text: &str) {
    match value_of {
        ClaimValue::Group(parts) => claims(page, parts, false),
        ClaimValue::List(items) if items.iter().all(is_plain) => page.push_str(&escape(text)),
        ClaimValue::List(items) => {
            page.push_str("<ul>");
            for item in items {
                page.push_str("<li>");
                value(page, item, &plain(item));
                page.push_str("</li>");
            }
            page.push_str("</ul>");
        }
        ClaimValue::Image(image) if image.bytes.is_some() => img(page, image, "value"),
        ClaimValue::Image(_) => page.push_str("<i>a picture that can’t be shown</i>"),
        ClaimValue::Absent => page.push('—'),
        _ => page.push_str(&escape(text)),
    }
}

fn is_plain(value: &ClaimValue) -> bool {
    !matches!(value, ClaimValue::Group(_) | ClaimValue::List(_) | ClaimValue::Image(_))
}

fn plain(value: &ClaimValue) -> String {
    match value {
        ClaimValue::Text(text) | ClaimValue::Number(text) | ClaimValue::Date(text) => text.clone(),
        ClaimValue::Boolean(value) => value.to_string(),
        ClaimValue::DateTime(at) => at.to_string(),
        ClaimValue::List(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        _ => String::new(),
    }
}

fn checks(page: &mut String, credential: &Credential) {
    let report = &credential.report;
    let (class, verdict) = match report.verdict {
        Verdict::Verified => ("good", "Verified"),
        Verdict::VerifiedWithWarnings => ("doubtful", "Verified, with warnings"),
        Verdict::Unverified => ("doubtful", "Could not be verified completely"),
        Verdict::Rejected => ("bad", "Rejected"),
    };
    let _ = writeln!(page, "<section>\n<h2>Checks <b class=\"{class}\">{verdict}</b></h2>\n<table>");
    for check in &report.checks {
        let (class, mark, word) = match check.outcome {
            Outcome::Passed => ("good", "✓", "passed"),
            Outcome::Failed => ("bad", "✗", "failed"),
            Outcome::Unknown(_) => ("doubtful", "?", "unknown"),
            Outcome::Skipped(_) => ("skipped", "–", "skipped"),
        };
        let name = check.kind.as_str().replace('_', " ");
        let because = escape(&show::because(check));
        let _ = writeln!(
            page,
            "<tr class=\"{class}\"><td aria-label=\"{word}\">{mark}</td><th>{name}</th><td>{because}</td></tr>"
        );
    }
    page.push_str("</table>\n</section>\n");
}

fn kept(page: &mut String, credential: &Credential) {
    page.push_str("<section>\n<h2>Kept</h2>\n<table>\n");
    for (label, value) in show::kept_rows(credential) {
        let _ = writeln!(page, "<tr><th>{label}</th><td>{}</td></tr>", escape(&value));
    }
    page.push_str("</table>\n</section>\n");
}

/// A text as HTML, between tags and in attributes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

const STYLE: &str = "\
:root{color-scheme:light dark;--ground:#f3f3f1;--sheet:#fff;--ink:#1c1c1e;--faint:#6b6b70;--rule:#e4e4e2;\
--good:#16794a;--bad:#b3261e;--doubtful:#8a5a00}\
@media(prefers-color-scheme:dark){:root{--ground:#161618;--sheet:#222225;--ink:#ececef;--faint:#9c9ca3;--rule:#38383c;\
--good:#5fd39a;--bad:#ff8a80;--doubtful:#f2bd5c}}\
*{box-sizing:border-box}\
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.45 system-ui,-apple-system,'Segoe UI',Roboto,\
'Noto Sans',sans-serif;overflow-wrap:anywhere}\
main{max-width:34rem;margin:0 auto;padding:1.25rem 1rem 3rem}\
.card{display:flex;flex-direction:column;justify-content:space-between;gap:1.5rem;min-height:15rem;padding:1.4rem;\
border-radius:1.1rem;background-size:cover;background-position:center;box-shadow:0 .1rem .3rem #0003,0 .6rem 1.6rem #0003}\
.card.plain{background:#fff;border:1px solid #d9d9d6}\
.card header{display:flex;gap:1rem;align-items:flex-start}\
.card header>div{flex:1;min-width:0}\
.card h1{margin:0;font-size:1.45rem;line-height:1.2;font-weight:650;text-wrap:balance;display:-webkit-box;\
-webkit-line-clamp:4;-webkit-box-orient:vertical;overflow:hidden}\
.card .about{margin:.45rem 0 0;font-size:.92rem;display:-webkit-box;-webkit-line-clamp:4;-webkit-box-orient:vertical;\
overflow:hidden}\
.logo{width:3.6rem;height:3.6rem;object-fit:contain;flex:none;border-radius:.5rem}\
.small{width:1.6rem;height:1.6rem;object-fit:contain;flex:none;border-radius:.3rem}\
.card footer{display:flex;flex-wrap:wrap;justify-content:space-between;align-items:flex-end;gap:.7rem 1.2rem}\
.issuer{display:flex;align-items:center;gap:.55rem;font-weight:550;min-width:0;max-width:100%}\
.state{display:flex;flex-wrap:wrap;align-items:center;gap:.3rem .6rem;font-size:.85rem}\
.state b{padding:.1rem .6rem;border-radius:1rem;background:#fff;font-weight:600}\
.state .good{color:#0f6b3f}.state .bad{color:#b3261e}.state .doubtful{color:#7a4f00}\
.plain .state b{background:#f1f1ef}\
section{background:var(--sheet);border-radius:.9rem;margin-top:1rem;padding:1rem 1.25rem}\
h2{display:flex;justify-content:space-between;align-items:baseline;gap:1rem;margin:0 0 .5rem;font-size:.95rem;\
font-weight:650;color:var(--faint)}\
dl{margin:0}dl>div{display:grid;grid-template-columns:minmax(7rem,32%) 1fr;gap:.2rem 1rem;padding:.45rem 0;\
border-top:1px solid var(--rule)}dl>div:first-child{border-top:0}\
dt{color:var(--faint);font-size:.92rem}dd{margin:0;font-weight:500}\
dd dl>div{grid-template-columns:minmax(5rem,40%) 1fr;padding:.2rem 0;border:0}dd dd{font-weight:450}\
ul{margin:0;padding:0;list-style:none}li+li{border-top:1px solid var(--rule);margin-top:.35rem;padding-top:.35rem}\
.value{max-width:100%;max-height:11rem;border-radius:.5rem;display:block}\
.dot{color:var(--faint)}.note{margin:.6rem 0 0;font-size:.85rem;color:var(--faint)}\
table{border-collapse:collapse;width:100%;font-size:.92rem}\
td,th{padding:.3rem .9rem .3rem 0;text-align:start;vertical-align:top;border-top:1px solid var(--rule)}\
tr:first-child>*{border-top:0}th{font-weight:500;white-space:nowrap}td:last-child{color:var(--faint);padding-right:0}\
tr td:first-child{font-weight:700;width:1.6rem}\
h2 .good,tr.good td:first-child{color:var(--good)}h2 .bad,tr.bad td:first-child{color:var(--bad)}\
h2 .doubtful,tr.doubtful td:first-child{color:var(--doubtful)}tr.skipped{color:var(--faint)}\
tr{background:none}\
@media(max-width:26rem){dl>div{grid-template-columns:1fr}dd dl>div{grid-template-columns:1fr 1fr}\
.card{padding:1.1rem;min-height:13rem}.card h1{font-size:1.25rem}.logo{width:3rem;height:3rem}}";

#[cfg(test)]
mod tests {
    use billfold::ImageType;

    use super::*;

    const HOSTILE: &str = "</style></title><script>alert('1')</script>\"onload=\"alert(2)&amp;";

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let image = |bytes: Option<&[u8]>| CardImage {
            uri: format!("javascript:{HOSTILE}"),
            alt_text: Some(HOSTILE.to_owned()),
            media_type: bytes.map(|_| ImageType::Svg),
            bytes: bytes.map(<[u8]>::to_vec),
        };
        let value = |value: ClaimValue| CardClaim {
            path: Vec::new(),
            label: HOSTILE.to_owned(),
            value,
            text: HOSTILE.to_owned(),
            disclosable: true,
            mandatory: false,
        };
        let text = || ClaimValue::Text(HOSTILE.to_owned());
        let card = Card {
            title: HOSTILE.to_owned(),
            issuer_name: HOSTILE.to_owned(),
            description: Some(HOSTILE.to_owned()),
            logo: Some(image(Some(b"<svg onload='alert(3)'/>"))),
            issuer_logo: Some(image(None)),
            background_image: Some(image(Some(b"url(x)"))),
            background_color: None,
            text_color: Color::BLACK,
            claims: vec![
                value(text()),
                value(ClaimValue::Group(vec![value(text()), value(ClaimValue::Image(image(None)))])),
                value(ClaimValue::List(vec![text(), ClaimValue::Group(vec![value(text())])])),
                value(ClaimValue::Number(HOSTILE.to_owned())),
            ],
            claims_left_out: 1,
            state: CardState::Valid,
            state_text: HOSTILE.to_owned(),
            expires_at: None,
            expiry_text: Some(HOSTILE.to_owned()),
            locale: Some(HOSTILE.to_owned()),
        };
        let mut page = String::new();
        face(&mut page, &card);
        claims(&mut page, &card.claims, true);
        for forbidden in ["<script", "onload", "javascript:", "alert('1')", "</style>"] {
            let shown = page.replace("&quot;onload=&quot;", "");
            assert!(!shown.contains(forbidden), "{forbidden} in {page}");
        }
        assert!(page.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;onload=&quot;alert(2)&amp;amp;"));
        assert_eq!(page.matches("src=\"data:image/svg+xml;base64,").count(), 1);
        let quotes = page.matches('"').count();
        assert_eq!(quotes % 2, 0, "{page}");
    }

    #[test]
    fn the_style_needs_nothing_from_elsewhere() {
        for forbidden in ["url(", "@import", "http", "<"] {
            assert!(!STYLE.contains(forbidden), "{forbidden}");
        }
    }
}
