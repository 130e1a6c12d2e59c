//! What the credentials say of their subject, and how it is called.

use serde_json::{Map, Value, json};

use crate::encoding::b64_standard;

/// What a credential is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Degree,
    Student,
    /// A mobile driving licence: the only one in namespaces.
    Licence,
    /// Its names and labels are in the type metadata only.
    Badge,
}

/// The first edition's namespace, and one of a country beside it.
pub(crate) const NAMESPACES: [&str; 2] = ["org.iso.18013.5.1", "org.iso.18013.5.1.DE"];
/// The document type of a driving licence.
pub(crate) const LICENCE_DOCTYPE: &str = "org.iso.18013.5.1.mDL";
/// A small JPEG.
const PORTRAIT: &[u8] = include_bytes!("../images/portrait.jpg");

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Degree, Self::Student, Self::Licence, Self::Badge];

    /// Last part of the `vct`.
    pub(crate) fn slug(self) -> &'static str {
        match self {
            Self::Degree => "university-degree",
            Self::Student => "student-card",
            Self::Licence => "driving-licence",
            Self::Badge => "employee-badge",
        }
    }

    /// Type for the W3C formats.
    pub(crate) fn type_name(self) -> &'static str {
        match self {
            Self::Degree => "UniversityDegreeCredential",
            Self::Student => "StudentCardCredential",
            Self::Licence => "DrivingLicenceCredential",
            Self::Badge => "EmployeeBadgeCredential",
        }
    }

    /// Names by locale.
    pub(crate) fn names(self) -> [(&'static str, &'static str); 2] {
        match self {
            Self::Degree => [("en-US", "University Degree"), ("de-DE", "Hochschulabschluss")],
            Self::Student => [("en-US", "Student Card"), ("de-DE", "Studierendenausweis")],
            Self::Licence => [("en-US", "Driving Licence"), ("de-DE", "Führerschein")],
            Self::Badge => [("en-US", "Employee Badge"), ("de-DE", "Dienstausweis")],
        }
    }

    /// Background and text colour of the card.
    pub(crate) fn colors(self) -> (&'static str, &'static str) {
        match self {
            Self::Degree => ("#12107c", "#FFFFFF"),
            Self::Student => ("#0b6e4f", "#ffffff"),
            Self::Licence => ("#f2c6d0", "#202020"),
            Self::Badge => ("#403d39", "#fffcf2"),
        }
    }
}

/// Path of a claim, whether every credential has it, and its English and German labels.
pub(crate) type Label = (&'static [Option<&'static str>], bool, &'static str, &'static str);

pub(crate) fn labels(kind: Kind) -> &'static [Label] {
    const MDL: Option<&str> = Some(NAMESPACES[0]);
    match kind {
        Kind::Degree => &[
            (&[Some("given_name")], true, "Given name", "Vorname"),
            (&[Some("family_name")], true, "Family name", "Nachname"),
            (&[Some("birthdate")], false, "Date of birth", "Geburtsdatum"),
            (&[Some("degree"), Some("name")], true, "Degree", "Abschluss"),
            (&[Some("degree"), Some("date")], false, "Awarded on", "Verliehen am"),
            (&[Some("address"), Some("locality")], false, "Town", "Ort"),
            (&[Some("nationalities"), None], false, "Nationality", "Nationalität"),
        ],
        Kind::Student => &[
            (&[Some("given_name")], true, "Given name", "Vorname"),
            (&[Some("family_name")], true, "Family name", "Nachname"),
            (&[Some("student_number")], true, "Student number", "Matrikelnummer"),
            (&[Some("university")], false, "University", "Hochschule"),
        ],
        Kind::Licence => &[
            (&[MDL, Some("given_name")], true, "Given names", "Vornamen"),
            (&[MDL, Some("family_name")], true, "Family name", "Familienname"),
            (&[MDL, Some("birth_date")], true, "Date of birth", "Geburtsdatum"),
            (&[MDL, Some("document_number")], true, "Licence number", "Führerscheinnummer"),
            (&[MDL, Some("portrait")], true, "Portrait", "Lichtbild"),
            (&[MDL, Some("issue_date")], true, "Issued on", "Ausgestellt am"),
            (&[MDL, Some("expiry_date")], true, "Valid until", "Gültig bis"),
            (&[MDL, Some("driving_privileges")], true, "Categories", "Klassen"),
            (&[MDL, Some("age_over_18")], false, "Over 18", "Über 18"),
            (&[MDL, Some("height")], false, "Height (cm)", "Größe (cm)"),
            (&[Some(NAMESPACES[1]), Some("remarks")], false, "Remarks", "Vermerke"),
        ],
        Kind::Badge => &[
            (&[Some("given_name")], true, "Given name", "Vorname"),
            (&[Some("family_name")], true, "Family name", "Nachname"),
            (&[Some("employee_number")], true, "Number", "Nummer"),
            (&[Some("joined")], false, "Joined on", "Eintritt"),
            (&[Some("permissions"), None], false, "May enter", "Zutritt"),
        ],
    }
}

/// Paths of the claims that every credential has.
pub(crate) fn mandatory_paths(kind: Kind) -> Vec<Vec<Value>> {
    let path = |parts: &[Option<&str>]| parts.iter().map(|part| json!(part)).collect();
    labels(kind).iter().filter(|(_, mandatory, ..)| *mandatory).map(|(parts, ..)| path(parts)).collect()
}

/// The claims about the subject, before any of them is hidden. Those of a licence are in namespaces.
pub(crate) fn subject_claims(kind: Kind) -> Map<String, Value> {
    let claims = match kind {
        Kind::Degree => json!({
            "given_name": "Erika",
            "family_name": "Mustermann",
            "birthdate": "1984-01-26",
            "degree": {"type": "BachelorDegree", "name": "Bachelor of Science", "date": "2009-07-31"},
            "address": {"street_address": "Heidestraße 17", "locality": "Köln", "country": "DE"},
            "nationalities": ["DE", "FR"],
        }),
        Kind::Student => json!({
            "given_name": "Erika",
            "family_name": "Mustermann",
            "student_number": "0042311",
            "university": "Test University",
        }),
        Kind::Licence => json!({
            NAMESPACES[0]: {
                "family_name": "Mustermann",
                "given_name": "Erika",
                "birth_date": "1984-01-26",
                "issue_date": "2024-03-01",
                "expiry_date": "2039-02-28",
                "issuing_country": "DE",
                "issuing_authority": "Stadt Köln",
                "document_number": "B072RRE2I55",
                "portrait": b64_standard(PORTRAIT),
                "portrait_capture_date": "2024-02-20T10:30:00Z",
                "driving_privileges": [
                    {"vehicle_category_code": "B", "issue_date": "2002-02-01", "expiry_date": "2039-02-28"},
                    {"vehicle_category_code": "L", "issue_date": "2002-02-01", "codes": [{"code": "174"}]},
                ],
                "un_distinguishing_sign": "D",
                "age_over_18": true,
                "height": 170,
            },
            NAMESPACES[1]: {"remarks": "none", "offset": -7},
        }),
        Kind::Badge => json!({
            "given_name": "Erika",
            "family_name": "Mustermann",
            "employee_number": 4711,
            "joined": "2020-04-01",
            "permissions": ["door", "vault"],
        }),
    };
    match claims {
        Value::Object(claims) => claims,
        _ => unreachable!("all are objects"),
    }
}
