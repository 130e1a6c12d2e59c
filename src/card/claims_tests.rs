use serde_json::json;

use super::*;

fn path(steps: &Value) -> Vec<PathStep> {
    serde_json::from_value(steps.clone()).expect("a path")
}

/// The lines for claims, with descriptions of `[path, label]` and withheld paths.
fn read(claims: &Value, described: &Value, disclosable: &Value) -> (Vec<CardClaim>, u32) {
    let described: Vec<_> = described
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| {
            let display = Display { name: entry[1].as_str().map(str::to_owned), ..Display::default() };
            (path(&entry[0]), vec![display])
        })
        .collect();
    let disclosable: Vec<_> = disclosable.as_array().expect("a list").iter().map(path).collect();
    let described = described.iter().map(|(path, display)| Described { path, display, mandatory: false });
    let members = claims.as_object().expect("an object");
    let place = Place { path: Vec::new(), members, hidden: |name| name.starts_with('_') };
    Lines::new(described, &disclosable, None).read(&[place])
}

fn labels(lines: &[CardClaim]) -> Vec<String> {
    lines.iter().map(|line| format!("{}: {}", line.label, line.text)).collect()
}

#[test]
fn values_have_types() {
    let jpeg = "/9j/wAARCAABAAEDASIAAhEBAxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL".to_owned();
    for (value, expected) in [
        (json!("Mira"), ClaimValue::Text("Mira".into())),
        (json!("Mi\u{202e}ra\n"), ClaimValue::Text("Mira".into())),
        (json!(""), ClaimValue::Text(String::new())),
        (json!(7), ClaimValue::Number("7".into())),
        (json!(4.50), ClaimValue::Number("4.5".into())),
        (json!(true), ClaimValue::Boolean(true)),
        (json!(null), ClaimValue::Absent),
        (json!("1994-02-17"), ClaimValue::Date("1994-02-17".into())),
        (json!("1994-02-30"), ClaimValue::Text("1994-02-30".into())),
        (json!("1994-2-17"), ClaimValue::Text("1994-2-17".into())),
        (json!("19940217"), ClaimValue::Text("19940217".into())),
        (json!(" 1994-02-17"), ClaimValue::Text("1994-02-17".into())),
        (json!("since 1994-02-17"), ClaimValue::Text("since 1994-02-17".into())),
        (json!("2031-05-17T12:00:00Z"), ClaimValue::DateTime(Timestamp::from_seconds(1_936_785_600))),
        (json!("2031-05-17t14:00:00.25+02:00"), ClaimValue::DateTime(Timestamp::from_seconds(1_936_785_600))),
        (json!("2031-05-17T12:00Z"), ClaimValue::Text("2031-05-17T12:00Z".into())),
        (json!("2031-05-17T12:00:00"), ClaimValue::Text("2031-05-17T12:00:00".into())),
        (json!("2031-05-17T12:00:00.Z"), ClaimValue::Text("2031-05-17T12:00:00.Z".into())),
        (json!("2031-05-17 12:00:00Z"), ClaimValue::Text("2031-05-17 12:00:00Z".into())),
        (json!("2031-05-17T12:00:00Z[UTC]"), ClaimValue::Text("2031-05-17T12:00:00Z[UTC]".into())),
        (json!("2031-13-17T12:00:00Z"), ClaimValue::Text("2031-13-17T12:00:00Z".into())),
        (json!(["CH", 1]), ClaimValue::List(vec![ClaimValue::Text("CH".into()), ClaimValue::Number("1".into())])),
        (json!([]), ClaimValue::List(Vec::new())),
        (json!({}), ClaimValue::Group(Vec::new())),
    ] {
        let (lines, _) = read(&json!({ "it": value }), &json!([]), &json!([]));
        assert_eq!(lines[0].value, expected, "{value}");
    }
    for picture in [jpeg.clone(), jpeg.replace('/', "_"), format!("data:image/jpeg;base64,{jpeg}")] {
        let (lines, _) = read(&json!({ "portrait": picture }), &json!([]), &json!([]));
        let ClaimValue::Image(image) = &lines[0].value else { panic!("{:?}", lines[0].value) };
        assert_eq!(image.media_type, Some(crate::card::ImageType::Jpeg));
        assert_eq!((lines[0].text.as_str(), lines[0].label.as_str()), ("Picture", "Portrait"));
    }
    // Bytes that only begin like a picture are a text.
    let (lines, _) = read(&json!({ "it": format!("/9j/{}", "A".repeat(100)) }), &json!([]), &json!([]));
    assert!(matches!(lines[0].value, ClaimValue::Text(_)));
}

// covers: CLAIM-04
#[test]
fn what_is_described_comes_first_on_every_level() {
    let claims = json!({
        "a": 1, "b": { "x": 1, "y": 2, "z": 3 }, "c": [{ "k": 1, "l": 2 }, { "l": 3 }], "d": 4, "_hidden": 5, "_shown": 6,
        "e": ["one"], "n": "text"
    });
    let described = json!([
        [["n", "deeper"], "never"],
        [["d"], "D"],
        [["c", null, "l"], "Ell"],
        [["b", "z"], "Zed"],
        [["absent"], "never"],
        [["_shown"], null],
        [["e", null], "Elements"],
        [["b"], "Bee"],
        [["c", null, "k"], "Kay"],
        [["d"], "not twice"]
    ]);
    let (lines, left_out) = read(&claims, &described, &json!([["b", "z"], ["e"], ["c", 0]]));
    assert_eq!(
        labels(&lines),
        [
            "D: 4",
            "C: Ell: 2, Kay: 1, Ell: 3",
            "Bee: Zed: 3, X: 1, Y: 2",
            "Shown: 6",
            "Elements: one",
            "A: 1",
            "N: text",
        ]
    );
    assert_eq!(left_out, 0);
    let ClaimValue::List(cards) = &lines[1].value else { panic!("no list") };
    let ClaimValue::Group(first) = &cards[0] else { panic!("no group") };
    assert_eq!(json!(first[0].path), json!(["c", 0, "l"]));
    assert!(first[0].disclosable && !lines[1].disclosable && lines[4].disclosable);
    let ClaimValue::Group(second) = &cards[1] else { panic!("no group") };
    assert!(!second[0].disclosable);
    let ClaimValue::Group(parts) = &lines[2].value else { panic!("no group") };
    assert_eq!(parts.iter().map(|part| part.disclosable).collect::<Vec<_>>(), [true, false, false]);
}

#[test]
fn a_described_part_of_what_is_not_described_stands_alone() {
    let claims = json!({
        "degree": { "name": "Bachelor", "date": "2009-07-31", "type": "B" },
        "address": { "locality": "Bern" }, "deep": { "er": { "x": 1, "y": 2 }, "z": [1] }, "none": { "x": 1 }
    });
    let described = json!([
        [["address", "locality"], "Town"],
        [["degree", "name"], "Degree"],
        [["deep", "er", "y"], "Why"],
        [["none", "absent"], "never"],
        [["degree", "date"], "Awarded"]
    ]);
    let (lines, _) = read(&claims, &described, &json!([["degree"]]));
    assert_eq!(
        labels(&lines),
        [
            "Town: Bern",
            "Degree: Bachelor",
            "Why: 2",
            "Awarded: 2009-07-31",
            "Deep: Er: X: 1, Z: 1",
            "Degree: Type: B",
            "None: X: 1"
        ]
    );
    assert_eq!(json!(lines[2].path), json!(["deep", "er", "y"]));
    assert_eq!(
        lines.iter().map(|line| line.disclosable).collect::<Vec<_>>(),
        [false, true, false, true, false, true, false]
    );
}

#[test]
fn what_holds_a_thing_that_can_be_withheld_cannot_be_withheld_itself() {
    let claims = json!({ "a": { "b": { "c": 1 } } });
    let inner = |lines: &[CardClaim]| {
        let ClaimValue::Group(b) = &lines[0].value else { panic!("no group") };
        let ClaimValue::Group(c) = &b[0].value else { panic!("no group") };
        [lines[0].disclosable, b[0].disclosable, c[0].disclosable]
    };
    for (withheld, expected) in [
        (json!([]), [false, false, false]),
        (json!([["a"]]), [true, true, true]),
        (json!([["a", "b"]]), [false, true, true]),
        (json!([["a", "b", "c"], ["x"]]), [false, false, true]),
    ] {
        assert_eq!(inner(&read(&claims, &json!([]), &withheld).0), expected, "{withheld}");
    }
}

#[test]
fn a_list_is_withheld_by_its_elements() {
    for (withheld, expected) in [
        (json!([["a", 0], ["a", 1]]), true),
        (json!([["a", 0]]), false),
        (json!([["a", 0], ["b", 1]]), false),
        (json!([]), false),
    ] {
        let (lines, _) = read(&json!({ "a": ["x", "y"], "empty": [] }), &json!([]), &withheld);
        assert_eq!((lines[0].disclosable, lines[1].disclosable), (expected, false), "{withheld}");
    }
}

#[test]
fn a_flood_of_claims_is_cut() {
    let many: Map<String, Value> = (0..100_000).map(|at| (format!("c{at:06}"), json!(at))).collect();
    let (lines, left_out) = read(&Value::Object(many), &json!([[["c099999"], "last"]]), &json!([]));
    assert_eq!((lines.len(), left_out), (MOST, 99_000));
    assert_eq!(lines[0].label, "last", "what is described is not what is cut");

    let list: Vec<_> = (0..100_000).map(|at| json!({ "number": at })).collect();
    let (lines, left_out) = read(&json!({ "a": list, "b": 1 }), &json!([]), &json!([]));
    let ClaimValue::List(items) = &lines[0].value else { panic!("no list") };
    assert_eq!((items.len(), left_out, lines.len()), (MOST_PARTS, 99_900, 2));
    assert_eq!(lines[0].text.chars().count(), LONGEST_TEXT + 1);

    let nested = (0..50).map(|_| vec![vec![7; 60]; 60]).collect::<Vec<_>>();
    let (lines, left_out) = read(&json!({ "a": nested }), &json!([]), &json!([]));
    assert!(left_out > 100 && lines.len() == 1);

    let long = "x".repeat(1 << 20);
    let (lines, _) = read(&json!({ long.clone(): long }), &json!([]), &json!([]));
    assert_eq!(lines[0].text, format!("{}…", "x".repeat(LONGEST_TEXT)));
    assert_eq!(lines[0].label.chars().count(), LONGEST_LABEL + 1);

    let deep = (0..60).fold(json!("Mira"), |inner, _| json!({ "in": inner }));
    let (lines, _) = read(&json!({ "a": deep }), &json!([]), &json!([]));
    let (mut depth, mut value) = (0, &lines[0].value);
    while let ClaimValue::Group(parts) = value {
        (depth, value) = (depth + 1, &parts[0].value);
    }
    assert_eq!(depth, DEEPEST);
    assert!(matches!(value, ClaimValue::Text(text) if text.starts_with(r#"{"in":{"in":"#) && text.contains("Mira")));
}

#[test]
fn names_become_words() {
    for (name, expected) in [
        ("given_name", "Given name"),
        ("streetName", "Street name"),
        ("zip-code", "Zip code"),
        ("ID", "ID"),
        ("x", "X"),
        ("", ""),
        ("\u{202e}evil", "Evil"),
    ] {
        assert_eq!(words(name), expected, "{name}");
    }
}
