//! SD-JWT VC type metadata (draft-ietf-oauth-sd-jwt-vc section 6), and what can be wrong about it.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::display::Display;
use crate::encoding::b64_standard;
use crate::faults::Fault;
use crate::images;
use crate::issuer::Issuer;
use crate::refusal::{Refusal, json_answer};
use crate::subjects::{Kind, labels};

/// What an employee badge extends.
const BASE: &str = "badge";
/// The logo of badges.
const LOGO: &str = "licence.png";
/// Each of these extends the next one.
const ENDLESS: &str = "endless-";

/// Serves the document of a `vct`.
pub(crate) async fn serve(State(issuer): State<Arc<Issuer>>, Path(slug): Path<String>) -> Response {
    // Who looks otherwise publishes no types.
    match document(&issuer, &slug).filter(|_| issuer.options.display == Display::University) {
        Some(document) => json_answer(&document),
        None => Refusal::not_found().into_response(),
    }
}

/// `vct#integrity` for a document of this issuer, or for another one.
pub(crate) fn integrity(issuer: &Issuer, slug: &str, wrong: bool) -> String {
    let document = document(issuer, slug).filter(|_| !wrong).unwrap_or(Value::Null);
    sri(document.to_string().as_bytes())
}

/// Subresource Integrity (W3C) of what is at an address.
fn sri(content: &[u8]) -> String {
    format!("sha256-{}", b64_standard(Sha256::digest(content)))
}

fn document(issuer: &Issuer, slug: &str) -> Option<Value> {
    let strikes = |fault| issuer.faults.strikes(fault);
    let vct = |slug: &str| format!("{}/vct/{slug}", issuer.id);
    let mut document = if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.slug() == slug) {
        of_kind(kind, &vct(slug), &issuer.id)
    } else if slug == BASE {
        base(&vct(slug))
    } else if let Some(number) = slug.strip_prefix(ENDLESS).and_then(|number| number.parse::<u32>().ok()) {
        json!({"vct": vct(slug), "name": "Endless", "extends": vct(&format!("{ENDLESS}{}", number.saturating_add(1)))})
    } else {
        return None;
    };
    if slug == BASE && strikes(Fault::TypeMetadataCircle) {
        document["extends"] = json!(vct(Kind::Badge.slug()));
    }
    if slug == Kind::Badge.slug() {
        let (above, integrity) = if strikes(Fault::TypeMetadataEndless) {
            (format!("{ENDLESS}1"), None)
        } else if strikes(Fault::TypeMetadataCircle) {
            (BASE.to_owned(), None)
        } else {
            let wrong = strikes(Fault::TypeMetadataExtendsIntegrity);
            (BASE.to_owned(), Some(integrity(issuer, BASE, wrong)))
        };
        document["extends"] = json!(vct(&above));
        if let Some(integrity) = integrity {
            document["extends#integrity"] = json!(integrity);
        }
    }
    if strikes(Fault::TypeMetadataWrongVct) {
        document["vct"] = json!(vct("something-else"));
    }
    Some(document)
}

fn of_kind(kind: Kind, vct: &str, issuer: &str) -> Value {
    let names = kind.names();
    if kind != Kind::Badge {
        let display: Value = names.iter().map(|(locale, name)| json!({"locale": locale, "name": name})).collect();
        return json!({"vct": vct, "name": names[0].1, "display": display});
    }
    let (background, text) = kind.colors();
    let display: Value = names
        .iter()
        .map(|(locale, name)| {
            json!({
                "locale": locale,
                "name": name,
                "description": if *locale == "en-US" { "Opens doors" } else { "Öffnet Türen" },
                "rendering": {"simple": {
                    "logo": {
                        "uri": images::url(issuer, LOGO),
                        "uri#integrity": sri(images::content(LOGO).unwrap_or_default()),
                        "alt_text": "A card with a face",
                    },
                    "background_color": background,
                    "text_color": text,
                }},
            })
        })
        .collect();
    let claims: Value = labels(kind)
        .iter()
        // What the type above says of names is not repeated.
        .filter(|(path, ..)| path[0] != Some("family_name"))
        .map(|(path, mandatory, english, german)| {
            let path: Vec<Value> = path.iter().map(|part| json!(part)).collect();
            let sd = if path.len() == 1 && path[0] == "employee_number" { "never" } else { "allowed" };
            json!({"path": path, "mandatory": mandatory, "sd": sd, "display": claim_labels(english, german)})
        })
        .collect();
    json!({"vct": vct, "name": names[0].1, "display": display, "claims": claims})
}

fn base(vct: &str) -> Value {
    json!({
        "vct": vct,
        "name": "Badge",
        "description": "What badges have in common",
        "display": [{"locale": "en-US", "name": "Badge"}],
        "claims": [
            {"path": ["given_name"], "sd": "allowed", "display": claim_labels("First name", "Rufname")},
            {"path": ["family_name"], "sd": "always", "mandatory": true, "display": claim_labels("Family name", "Nachname")},
        ],
    })
}

fn claim_labels(english: &str, german: &str) -> Value {
    json!([{"locale": "en-US", "label": english}, {"locale": "de-DE", "label": german}])
}
