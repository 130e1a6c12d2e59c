use super::*;

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex).unwrap()
}

fn refused(hex: &str) -> CborError {
    Item::parse(&bytes(hex)).expect_err(hex)
}

/// Diagnostic notation, for comparing with the table of the RFC.
fn show(item: Item<'_>) -> String {
    match item.kind() {
        Kind::Unsigned(number) => number.to_string(),
        Kind::Negative(number) => (-1 - i128::from(number)).to_string(),
        Kind::Bytes(bytes) => format!("h'{}'", hex::encode(bytes)),
        Kind::Text(text) => format!("{text:?}"),
        Kind::Array(items) => format!("[{}]", items.map(show).collect::<Vec<_>>().join(", ")),
        Kind::Map(entries) => {
            let entries: Vec<_> = entries.map(|(key, value)| format!("{}: {}", show(key), show(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Kind::Tag(tag, inner) => format!("{tag}({})", show(inner)),
        Kind::Bool(value) => value.to_string(),
        Kind::Null => "null".to_owned(),
        Kind::Undefined => "undefined".to_owned(),
        Kind::Simple(value) => format!("simple({value})"),
        Kind::Float(value) => format!("{value:?}"),
    }
}

#[test]
fn examples_of_rfc_8949() {
    // Appendix A; floating-point numbers as Rust prints them.
    for (hex, expected) in [
        ("00", "0"),
        ("17", "23"),
        ("1818", "24"),
        ("1903e8", "1000"),
        ("1a000f4240", "1000000"),
        ("1b000000e8d4a51000", "1000000000000"),
        ("1bffffffffffffffff", "18446744073709551615"),
        ("c249010000000000000000", "2(h'010000000000000000')"),
        ("3bffffffffffffffff", "-18446744073709551616"),
        ("20", "-1"),
        ("3903e7", "-1000"),
        ("f90000", "0.0"),
        ("f98000", "-0.0"),
        ("f93c00", "1.0"),
        ("fb3ff199999999999a", "1.1"),
        ("f93e00", "1.5"),
        ("f97bff", "65504.0"),
        ("fa47c35000", "100000.0"),
        ("fa7f7fffff", "3.4028234663852886e38"),
        ("fb7e37e43c8800759c", "1e300"),
        ("f90001", "5.960464477539063e-8"),
        ("f90400", "6.103515625e-5"),
        ("f9c400", "-4.0"),
        ("fbc010666666666666", "-4.1"),
        ("f97c00", "inf"),
        ("f97e00", "NaN"),
        ("f9fc00", "-inf"),
        ("fa7f800000", "inf"),
        ("fb7ff8000000000000", "NaN"),
        ("f4", "false"),
        ("f5", "true"),
        ("f6", "null"),
        ("f7", "undefined"),
        ("f0", "simple(16)"),
        ("f8ff", "simple(255)"),
        ("c074323031332d30332d32315432303a30343a30305a", "0(\"2013-03-21T20:04:00Z\")"),
        ("c11a514b67b0", "1(1363896240)"),
        ("c1fb41d452d9ec200000", "1(1363896240.5)"),
        ("d74401020304", "23(h'01020304')"),
        ("d818456449455446", "24(h'6449455446')"),
        ("40", "h''"),
        ("4401020304", "h'01020304'"),
        ("60", "\"\""),
        ("62225c", r#""\"\\""#),
        ("62c3bc", "\"ü\""),
        ("64f0908591", "\"𐅑\""),
        ("80", "[]"),
        ("8301820203820405", "[1, [2, 3], [4, 5]]"),
        (
            "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
            "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25]",
        ),
        ("a0", "{}"),
        ("a201020304", "{1: 2, 3: 4}"),
        ("a26161016162820203", "{\"a\": 1, \"b\": [2, 3]}"),
        ("826161a161626163", "[\"a\", {\"b\": \"c\"}]"),
        ("9fff", "[]"),
        ("9f018202039f0405ffff", "[1, [2, 3], [4, 5]]"),
        ("83018202039f0405ff", "[1, [2, 3], [4, 5]]"),
        ("bf61610161629f0203ffff", "{\"a\": 1, \"b\": [2, 3]}"),
        ("bf6346756ef563416d7421ff", "{\"Fun\": true, \"Amt\": -2}"),
    ] {
        let encoded = bytes(hex);
        let item = Item::parse(&encoded).unwrap_or_else(|error| panic!("{hex}: {error}"));
        assert_eq!(show(item), expected, "{hex}");
        assert_eq!(item.encoded(), encoded, "{hex}");
        for length in 0..encoded.len() {
            assert_eq!(Item::parse(&encoded[..length]), Err(CborError::Cut), "{hex} cut at {length}");
        }
        assert_eq!(Item::parse(&[&encoded[..], &[0]].concat()), Err(CborError::Trailing), "{hex}");
    }
}

/// What another reader makes of the same octets.
fn by_ciborium(value: &ciborium::Value) -> String {
    use ciborium::Value;
    let list = |items: &[Value]| items.iter().map(by_ciborium).collect::<Vec<_>>().join(", ");
    match value {
        Value::Integer(number) => i128::from(*number).to_string(),
        Value::Bytes(bytes) => format!("h'{}'", hex::encode(bytes)),
        Value::Text(text) => format!("{text:?}"),
        Value::Array(items) => format!("[{}]", list(items)),
        Value::Map(entries) => {
            let entries: Vec<_> =
                entries.iter().map(|(key, value)| format!("{}: {}", by_ciborium(key), by_ciborium(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::Tag(tag, inner) => format!("{tag}({})", by_ciborium(inner)),
        Value::Bool(value) => value.to_string(),
        Value::Null => "null".to_owned(),
        Value::Float(value) => format!("{value:?}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn another_reader_reads_the_same() {
    // xorshift from a fixed start. Octets that open something are more likely than others, so that structures come out.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let (mut both, mut only_other) = (0, 0);
    for round in 0..60_000 {
        let length = random() % 24 + 1;
        let encoded: Vec<u8> = (0..length)
            .map(|_| {
                let [choice, octet, ..] = random().to_be_bytes();
                if choice < 96 {
                    [0x82, 0xa1, 0x9f, 0xbf, 0xff, 0xc1, 0x62, 0x41][usize::from(octet % 8)]
                } else {
                    octet
                }
            })
            .collect();
        let mut rest = encoded.as_slice();
        let other: Result<ciborium::Value, _> = ciborium::from_reader(&mut rest);
        match (Item::parse(&encoded), other) {
            // It has no value for `undefined`, and reads what is no bignum as one.
            (Ok(item), Ok(other)) if rest.is_empty() => {
                let shown = show(item).replace("undefined", "null");
                if !shown.contains("2(h'") && !shown.contains("3(h'") {
                    assert_eq!(shown, by_ciborium(&other), "{round} {}", hex::encode(&encoded));
                }
                both += 1;
            }
            // Simple values without a meaning it does not read at all.
            (Ok(item), _) => assert!(show(item).contains("simple("), "{round} {}", hex::encode(&encoded)),
            // What we refuse on purpose, or because something follows.
            (Err(error), Ok(_)) => {
                let purpose = matches!(error, CborError::Trailing | CborError::Chunked | CborError::Doubled);
                assert!(purpose || !rest.is_empty(), "{round} {} {error}", hex::encode(&encoded));
                only_other += usize::from(rest.is_empty());
            }
            (Err(_), Err(_)) => {}
        }
    }
    assert!(both > 500, "{both} {only_other}");
}

#[test]
fn what_is_not_well_formed_is_refused() {
    // RFC 8949 appendix F.1, and what appendix A allows and we do not.
    for hex in [
        "1c",
        "1d",
        "1e",
        "3c",
        "5c",
        "7c",
        "9c",
        "bc",
        "dc",
        "fc",
        "fd",
        "fe",
        "f800",
        "f818",
        "f81f",
        "ff",
        "81ff",
        "8200ff",
        "a1ff",
        "a1ff00",
        "a100ff",
        "a20000ff",
        "9f81ff",
        "9f829f819f9fffffffff",
        "bf00ff",
        "bf00f601ff",
        "1f",
        "3f",
        "df",
        "dfff",
    ] {
        assert_eq!(refused(hex), CborError::Malformed, "{hex}");
    }
    for hex in ["5f42010243030405ff", "7f657374726561646d696e67ff", "5fff", "81a1005f40ff"] {
        assert_eq!(refused(hex), CborError::Chunked, "{hex}");
    }
    for hex in ["61ff", "62c328", "a161ff00"] {
        assert_eq!(refused(hex), CborError::Text, "{hex}");
    }
    for hex in
        ["", "5bffffffffffffffff00", "7bffffffffffffffff00", "9bffffffffffffffff00", "bbffffffffffffffff", "9f00"]
    {
        assert_eq!(refused(hex), CborError::Cut, "{hex}");
    }
}

#[test]
fn a_key_stands_in_a_map_once() {
    for hex in [
        "a201000100",       // 1 twice
        "a20100180100",     // 1 in two widths
        "a2200038000a",     // -1 in two widths
        "a26161006161f6",   // "a" twice
        "a26161007801610a", // "a" in two widths
        "a241000041000a",   // h'00' twice
        "bf01000100ff",     // of indefinite length
        "81a101a2f500f500", // deeper, true twice
    ] {
        assert_eq!(refused(hex), CborError::Doubled, "{hex}");
    }
    // "1", 1, h'31' and -2 are four keys.
    assert!(Item::parse(&bytes("a4613100010041310021f6")).is_ok());
    // Many keys, the last of which is one of the first, of the later ones, or new.
    let map = |last: u16| {
        let mut encoded = bytes("b903e9");
        for key in (0..1000_u16).chain([last]) {
            encoded.push(0x19);
            encoded.extend(key.to_be_bytes());
            encoded.push(0xf6);
        }
        encoded
    };
    assert!(Item::parse(&map(1000)).is_ok());
    assert_eq!(Item::parse(&map(3)), Err(CborError::Doubled));
    assert_eq!(Item::parse(&map(700)), Err(CborError::Doubled));
}

#[test]
fn depth_is_bounded() {
    for (open, inner, close) in
        [("81", "00", ""), ("9f", "00", "ff"), ("a100", "00", ""), ("c1", "00", ""), ("a1", "00", "00")]
    {
        let nested = |depth: usize| bytes(&format!("{}{inner}{}", open.repeat(depth), close.repeat(depth)));
        assert!(Item::parse(&nested(MAX_DEPTH - 1)).is_ok(), "{open}");
        assert_eq!(Item::parse(&nested(MAX_DEPTH)), Err(CborError::Deep), "{open}");
        assert_eq!(Item::parse(&nested(200_000)), Err(CborError::Deep), "{open}");
    }
    assert_eq!(Item::parse_within(&bytes("8100"), 1), Err(CborError::Deep));
    assert!(Item::parse_within(&bytes("8100"), 2).is_ok());
}

#[test]
fn members_are_found() {
    // {1: 2, -1: 3, "a": "b", "t": 24(h'01'), 10: [-7, true]}
    let encoded = bytes("a501022003616161626174d81841010a8226f5");
    let map = Item::parse(&encoded).unwrap();
    assert_eq!(map.get_label(1).unwrap().as_u64(), Some(2));
    assert_eq!(map.get_label(-1).unwrap().as_i64(), Some(3));
    assert_eq!(map.get("a").unwrap().as_text(), Some("b"));
    assert_eq!(map.get("t").unwrap().embedded(), Some(&[1][..]));
    assert_eq!(map.get("t").unwrap().encoded(), bytes("d8184101"));
    let items: Vec<_> = map.get_label(10).unwrap().as_array().unwrap().collect();
    assert_eq!((items.len(), items[0].as_i64()), (2, Some(-7)));
    assert!(map.get("b").is_none() && map.get_label(2).is_none());
    assert!(items[0].get("a").is_none() && items[0].as_bytes().is_none() && items[1].as_u64().is_none());
    let lowest = bytes("3b7fffffffffffffff");
    assert_eq!(Item::parse(&lowest).unwrap().as_i64(), Some(i64::MIN));
    assert_eq!(Item::parse(&bytes("3b8000000000000000")).unwrap().as_i64(), None);
}
