//! How an issuer presents itself and its credentials: names, pictures and colours for cards.

use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::catalogue::Configuration;
use crate::encoding::b64_standard;
use crate::issuer::Issuer;
use crate::refusal::Refusal;
use crate::subjects::Kind;

/// Who an issuer is for those who look at its cards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Display {
    /// A university, in English and German.
    #[default]
    University,
    /// An authority of a country with four languages: pictures to fetch, a colour and no text colour.
    Alpine,
    /// A harbour office: a picture behind everything, a text colour that nobody can read, a name written
    /// from right to left.
    Harbour,
    /// Somebody who says nothing at all about looks and names.
    Plain,
}

const ALPINE: &[u8] = include_bytes!("../images/alpine.svg");
const HARBOUR: &[u8] = include_bytes!("../images/harbour.png");
const SEA: &[u8] = include_bytes!("../images/harbour.jpg");

/// Serves the pictures. One of them lies about its type, one is none.
pub(crate) async fn picture(Path(name): Path<String>) -> Response {
    let (media_type, bytes) = match name.as_str() {
        "alpine.svg" => ("image/svg+xml", ALPINE),
        "harbour.png" => ("image/png", HARBOUR),
        "sea" => ("text/plain", SEA),
        "page.png" => ("image/png", &b"<html><script>alert(1)</script></html>"[..]),
        _ => return Refusal::not_found().into_response(),
    };
    ([(CONTENT_TYPE, media_type)], bytes).into_response()
}

/// Gives metadata the looks that were chosen.
pub(crate) fn dress(issuer: &Issuer, document: &mut Value) {
    let looks = issuer.options.display;
    if looks == Display::University {
        return;
    }
    document["display"] = looks.of_issuer(&issuer.id);
    for configuration in &issuer.configurations {
        let metadata = &mut document["credential_configurations_supported"][&configuration.id]["credential_metadata"];
        metadata["display"] = looks.of_credential(configuration, &issuer.id);
        if looks == Display::Plain {
            metadata.as_object_mut().expect("made as an object").clear();
        } else {
            translate(&mut metadata["claims"]);
        }
    }
    if looks == Display::Plain {
        document.as_object_mut().expect("made as an object").remove("display");
    }
}

/// Labels in one more language, for those that have one in German.
fn translate(claims: &mut Value) {
    for claim in claims.as_array_mut().into_iter().flatten() {
        let labels = claim["display"].as_array_mut().expect("made as an array");
        let french = match labels[0]["name"].as_str().unwrap_or_default() {
            "Given name" => "Prénom",
            "Family name" => "Nom",
            "Date of birth" => "Date de naissance",
            "Degree" => "Diplôme",
            "Nationality" => "Nationalité",
            _ => continue,
        };
        labels.push(json!({"name": french, "locale": "fr"}));
    }
}

impl Display {
    fn of_issuer(self, id: &str) -> Value {
        let named = |names: &[(&str, &str)], logo: &Value| -> Value {
            names.iter().map(|(locale, name)| json!({"name": name, "locale": locale, "logo": logo})).collect()
        };
        match self {
            Self::University | Self::Plain => json!([]),
            Self::Alpine => named(
                &[
                    ("de-CH", "Bildungsamt der Alpen"),
                    ("fr-CH", "Office alpin de la formation"),
                    ("it-CH", "Ufficio alpino della formazione"),
                    ("en", "Alpine Education Office"),
                ],
                &json!({"uri": format!("{id}/pictures/page.png"), "alt_text": "A page that is no picture"}),
            ),
            Self::Harbour => named(
                &[("en-GB", "Harbour Office"), ("nl", "Havenkantoor"), ("ar", "مكتب الميناء")],
                &json!({"uri": format!("{id}/pictures/harbour.png"), "alt_text": "Anchor"}),
            ),
        }
    }

    fn of_credential(self, configuration: &Configuration, id: &str) -> Value {
        let kind = configuration.kind;
        match self {
            Self::University | Self::Plain => json!([]),
            Self::Alpine => {
                let names = match kind {
                    Kind::Degree => ["Hochschulabschluss", "Diplôme universitaire", "Diploma universitario", "Degree"],
                    Kind::Student => ["Studierendenausweis", "Carte d’étudiant", "Tessera studente", "Student Card"],
                    Kind::Licence => ["Führerausweis", "Permis de conduire", "Licenza di condurre", "Driving Licence"],
                    Kind::Badge => ["Dienstausweis", "Carte de service", "Tessera di servizio", "Badge"],
                };
                let entry = |(locale, name): (&str, &str)| {
                    json!({
                        "name": name,
                        "locale": locale,
                        "description": "2500 m",
                        "logo": {"uri": format!("{id}/pictures/alpine.svg"), "alt_text": name},
                        "background_color": "hsl(355, 78%, 32%)",
                    })
                };
                ["de-CH", "fr-CH", "it-CH", "en"].into_iter().zip(names).map(entry).collect()
            }
            Self::Harbour => {
                let entry = |(locale, name): (&str, &str)| {
                    json!({
                        "name": name,
                        "locale": locale,
                        "logo": {"uri": format!("data:image/jpeg;base64,{}", b64_standard(HARBOUR)), "alt_text": "⚓"},
                        "background_color": "RGB(11, 61, 92)",
                        "background_image": {"uri": format!("{id}/pictures/sea")},
                        "text_color": "#0b3d5d",
                    })
                };
                let [(_, english), _] = kind.names();
                let names = match kind {
                    Kind::Licence => ("Rijbewijs", "رخصة قيادة"),
                    _ => ("Bewijs", "شهادة"),
                };
                [("en-GB", english), ("nl", names.0), ("ar", names.1)].into_iter().map(entry).collect()
            }
        }
    }
}
