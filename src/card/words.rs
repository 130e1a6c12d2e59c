//! What billfold itself says on a card, in some languages; in all others, in English.

use super::CardState;
use crate::model::time::Timestamp;

/// A language that there are words for; words are listed in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    English,
    German,
    French,
    Spanish,
    Italian,
    Dutch,
    Portuguese,
}

use Language::{Dutch, English, French, German, Italian, Portuguese, Spanish};

impl Language {
    /// That of a language tag (BCP 47).
    pub(super) fn of(locale: Option<&str>) -> Self {
        let locale = locale.unwrap_or_default().to_ascii_lowercase();
        match locale.split(['-', '_']).next().unwrap_or_default() {
            "de" => German,
            "fr" => French,
            "es" => Spanish,
            "it" => Italian,
            "nl" => Dutch,
            "pt" => Portuguese,
            _ => English,
        }
    }

    /// The word of this language among those of all, in the order of the languages.
    fn pick<'a>(self, words: &[&'a str; 7]) -> &'a str {
        words[self as usize]
    }

    pub(super) fn state(self, state: CardState) -> &'static str {
        self.pick(match state {
            CardState::Valid => &["Valid", "Gültig", "Valable", "Válida", "Valida", "Geldig", "Válida"],
            CardState::NotYetValid => &[
                "Not valid yet",
                "Noch nicht gültig",
                "Pas encore valable",
                "Aún no es válida",
                "Non ancora valida",
                "Nog niet geldig",
                "Ainda não é válida",
            ],
            CardState::Expired => &["Expired", "Abgelaufen", "Expirée", "Caducada", "Scaduta", "Verlopen", "Expirada"],
            CardState::Revoked => &[
                "Revoked by the issuer",
                "Vom Aussteller widerrufen",
                "Révoquée par l’émetteur",
                "Revocada por el emisor",
                "Revocata dall’emittente",
                "Ingetrokken door de uitgever",
                "Revogada pelo emissor",
            ],
            CardState::Suspended => &[
                "Suspended by the issuer",
                "Vom Aussteller ausgesetzt",
                "Suspendue par l’émetteur",
                "Suspendida por el emisor",
                "Sospesa dall’emittente",
                "Opgeschort door de uitgever",
                "Suspensa pelo emissor",
            ],
            CardState::Quarantined => &[
                "Put aside: a check failed",
                "Zurückgestellt: eine Prüfung ist fehlgeschlagen",
                "Mise de côté : un contrôle a échoué",
                "Apartada: falló una comprobación",
                "Accantonata: un controllo non è riuscito",
                "Apart gelegd: een controle is mislukt",
                "Posta de parte: uma verificação falhou",
            ],
            CardState::Unchecked => &[
                "Put aside: not checked completely yet",
                "Zurückgestellt: noch nicht vollständig geprüft",
                "Mise de côté : contrôle encore incomplet",
                "Apartada: aún no comprobada del todo",
                "Accantonata: controllo non ancora completo",
                "Apart gelegd: nog niet volledig gecontroleerd",
                "Posta de parte: ainda não verificada por completo",
            ],
        })
    }

    pub(super) fn valid_until(self, at: Timestamp) -> String {
        format!(
            "{} {}",
            self.pick(&[
                "Valid until",
                "Gültig bis",
                "Valable jusqu’au",
                "Válida hasta el",
                "Valida fino al",
                "Geldig tot",
                "Válida até"
            ]),
            day(at)
        )
    }

    pub(super) fn expired_on(self, at: Timestamp) -> String {
        format!(
            "{} {}",
            self.pick(&[
                "Expired on",
                "Abgelaufen am",
                "Expirée le",
                "Caducó el",
                "Scaduta il",
                "Verlopen op",
                "Expirou em"
            ]),
            day(at)
        )
    }

    pub(super) fn valid_from(self, at: Timestamp) -> String {
        format!(
            "{} {}",
            self.pick(&[
                "Valid from",
                "Gültig ab",
                "Valable à partir du",
                "Válida a partir del",
                "Valida dal",
                "Geldig vanaf",
                "Válida a partir de"
            ]),
            day(at)
        )
    }

    pub(super) fn boolean(self, value: bool) -> &'static str {
        let (yes, no) =
            (["Yes", "Ja", "Oui", "Sí", "Sì", "Ja", "Sim"], ["No", "Nein", "Non", "No", "No", "Nee", "Não"]);
        self.pick(if value { &yes } else { &no })
    }

    pub(super) fn picture(self) -> &'static str {
        self.pick(&["Picture", "Bild", "Image", "Imagen", "Immagine", "Afbeelding", "Imagem"])
    }

    /// What a claim is called that many issuers use and not all describe (OpenID Connect, ISO mdoc, PID); by
    /// its name there.
    pub(super) fn claim(self, name: &str) -> Option<String> {
        if let Some(years) = name.strip_prefix("age_over_").filter(|years| years.parse::<u8>().is_ok()) {
            return Some(self.pick(OVER).replace("{}", years));
        }
        let (_, names) = CLAIMS.iter().find(|(known, _)| known.contains(&name))?;
        Some(self.pick(names).to_owned())
    }
}

/// The day in UTC.
fn day(at: Timestamp) -> String {
    at.to_string().split('T').next().unwrap_or_default().to_owned()
}

/// Whether somebody has that age.
const OVER: &[&str; 7] = &[
    "Over {}",
    "Älter als {}",
    "Plus de {} ans",
    "Mayor de {} años",
    "Maggiore di {} anni",
    "Ouder dan {}",
    "Maior de {} anos",
];

/// Names of claims, and what to call them in English, German, French, Spanish, Italian, Dutch and Portuguese.
const CLAIMS: [(&[&str], [&str; 7]); 28] = [
    (
        &["given_name", "given_names", "givenName"],
        ["Given name", "Vorname", "Prénom", "Nombre", "Nome", "Voornaam", "Nome próprio"],
    ),
    (
        &["family_name", "familyName"],
        ["Family name", "Familienname", "Nom de famille", "Apellidos", "Cognome", "Achternaam", "Apelido"],
    ),
    (&["name"], ["Name", "Name", "Nom", "Nombre", "Nome", "Naam", "Nome"]),
    (
        &["birth_date", "birthdate", "birthDate", "date_of_birth"],
        [
            "Date of birth",
            "Geburtsdatum",
            "Date de naissance",
            "Fecha de nacimiento",
            "Data di nascita",
            "Geboortedatum",
            "Data de nascimento",
        ],
    ),
    (
        &["birth_place", "place_of_birth"],
        [
            "Place of birth",
            "Geburtsort",
            "Lieu de naissance",
            "Lugar de nacimiento",
            "Luogo di nascita",
            "Geboorteplaats",
            "Local de nascimento",
        ],
    ),
    (&["age_in_years"], ["Age", "Alter", "Âge", "Edad", "Età", "Leeftijd", "Idade"]),
    (
        &["age_birth_year"],
        [
            "Year of birth",
            "Geburtsjahr",
            "Année de naissance",
            "Año de nacimiento",
            "Anno di nascita",
            "Geboortejaar",
            "Ano de nascimento",
        ],
    ),
    (&["sex", "gender"], ["Sex", "Geschlecht", "Sexe", "Sexo", "Sesso", "Geslacht", "Sexo"]),
    (
        &["nationality", "nationalities"],
        [
            "Nationality",
            "Staatsangehörigkeit",
            "Nationalité",
            "Nacionalidad",
            "Cittadinanza",
            "Nationaliteit",
            "Nacionalidade",
        ],
    ),
    (
        &["portrait", "picture"],
        ["Portrait", "Lichtbild", "Photo d’identité", "Fotografía", "Fotografia", "Pasfoto", "Fotografia"],
    ),
    (
        &["signature_usual_mark"],
        ["Signature", "Unterschrift", "Signature", "Firma", "Firma", "Handtekening", "Assinatura"],
    ),
    (
        &["issue_date", "date_of_issuance", "issuance_date"],
        [
            "Date of issue",
            "Ausstellungsdatum",
            "Date de délivrance",
            "Fecha de expedición",
            "Data di rilascio",
            "Datum van afgifte",
            "Data de emissão",
        ],
    ),
    (
        &["expiry_date", "date_of_expiry"],
        [
            "Date of expiry",
            "Ablaufdatum",
            "Date d’expiration",
            "Fecha de caducidad",
            "Data di scadenza",
            "Vervaldatum",
            "Data de validade",
        ],
    ),
    (
        &["issuing_authority"],
        [
            "Issuing authority",
            "Ausstellende Behörde",
            "Autorité de délivrance",
            "Autoridad expedidora",
            "Autorità di rilascio",
            "Autoriteit van afgifte",
            "Autoridade emissora",
        ],
    ),
    (
        &["issuing_country"],
        [
            "Issuing country",
            "Ausstellerstaat",
            "Pays de délivrance",
            "País de expedición",
            "Paese di rilascio",
            "Land van afgifte",
            "País de emissão",
        ],
    ),
    (
        &["issuing_jurisdiction"],
        [
            "Issuing jurisdiction",
            "Ausstellende Gebietskörperschaft",
            "Juridiction de délivrance",
            "Jurisdicción de expedición",
            "Giurisdizione di rilascio",
            "Rechtsgebied van afgifte",
            "Jurisdição de emissão",
        ],
    ),
    (
        &["document_number"],
        [
            "Document number",
            "Dokumentennummer",
            "Numéro du document",
            "Número de documento",
            "Numero del documento",
            "Documentnummer",
            "Número do documento",
        ],
    ),
    (
        &["personal_administrative_number", "administrative_number"],
        [
            "Administrative number",
            "Verwaltungsnummer",
            "Numéro administratif",
            "Número administrativo",
            "Numero amministrativo",
            "Administratief nummer",
            "Número administrativo",
        ],
    ),
    (
        &["un_distinguishing_sign"],
        [
            "Country sign",
            "Länderkennzeichen",
            "Signe distinctif du pays",
            "Signo distintivo del país",
            "Sigla distintiva del paese",
            "Landcode",
            "Sigla do país",
        ],
    ),
    (
        &["driving_privileges"],
        [
            "Driving privileges",
            "Fahrerlaubnisse",
            "Catégories de permis",
            "Permisos de conducción",
            "Categorie di patente",
            "Rijbevoegdheden",
            "Categorias de condução",
        ],
    ),
    (
        &["vehicle_category_code"],
        [
            "Vehicle category",
            "Fahrzeugklasse",
            "Catégorie de véhicule",
            "Categoría de vehículo",
            "Categoria di veicolo",
            "Voertuigcategorie",
            "Categoria de veículo",
        ],
    ),
    (
        &["address", "resident_address"],
        ["Address", "Anschrift", "Adresse", "Dirección", "Indirizzo", "Adres", "Morada"],
    ),
    (&["street_address", "resident_street"], ["Street", "Straße", "Rue", "Calle", "Via", "Straat", "Rua"]),
    (&["locality", "resident_city"], ["City", "Ort", "Localité", "Localidad", "Località", "Plaats", "Localidade"]),
    (
        &["postal_code", "resident_postal_code"],
        ["Postal code", "Postleitzahl", "Code postal", "Código postal", "CAP", "Postcode", "Código postal"],
    ),
    (&["country", "resident_country"], ["Country", "Land", "Pays", "País", "Paese", "Land", "País"]),
    (&["email", "email_address"], ["E-mail", "E-Mail", "E-mail", "Correo electrónico", "E-mail", "E-mail", "E-mail"]),
    (
        &["phone_number", "mobile_phone_number"],
        ["Phone number", "Telefonnummer", "Numéro de téléphone", "Teléfono", "Telefono", "Telefoonnummer", "Telefone"],
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const ALL: [Language; 7] = [English, German, French, Spanish, Italian, Dutch, Portuguese];

    #[test]
    fn languages_by_their_tags() {
        for (tag, expected) in [
            (None, English),
            (Some("de"), German),
            (Some("de-CH-1996"), German),
            (Some("DE_at"), German),
            (Some("fr-CA"), French),
            (Some("es-419"), Spanish),
            (Some("it"), Italian),
            (Some("nl-BE"), Dutch),
            (Some("pt-BR"), Portuguese),
            (Some("en-GB"), English),
            (Some("den"), English),
            (Some("ja"), English),
            (Some(""), English),
        ] {
            assert_eq!(Language::of(tag), expected, "{tag:?}");
        }
    }

    #[test]
    fn every_language_has_words_of_its_own() {
        let at = Timestamp::parse_rfc3339("2031-05-17T22:30:00Z").expect("a time");
        let states = [
            CardState::Valid,
            CardState::NotYetValid,
            CardState::Expired,
            CardState::Revoked,
            CardState::Suspended,
            CardState::Quarantined,
            CardState::Unchecked,
        ];
        for language in ALL {
            let words: BTreeSet<_> = states.iter().map(|state| language.state(*state)).collect();
            assert_eq!(words.len(), states.len(), "{language:?}");
            for text in [language.valid_until(at), language.expired_on(at), language.valid_from(at)] {
                assert!(text.ends_with(" 2031-05-17"), "{text}");
            }
            assert_ne!(language.boolean(true), language.boolean(false));
            assert!(language.claim("age_over_18").is_some_and(|label| label.contains("18")));
        }
        let said: BTreeSet<_> = ALL.iter().map(|language| language.valid_until(at)).collect();
        assert_eq!(said.len(), ALL.len());
        assert_eq!(German.claim("family_name").as_deref(), Some("Familienname"));
        assert_eq!(English.claim("age_over_x"), None);
        assert_eq!(English.claim("shoe_size"), None);
        assert_eq!(German.valid_until(Timestamp::from_seconds(i64::MAX)), format!("Gültig bis {}", i64::MAX));
    }
}
