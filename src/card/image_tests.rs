use super::*;

const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const SVG: &str = r#"<svg xmlns="http://www.w3.org/2000/svg"/>"#;

fn pixel() -> Vec<u8> {
    BASE64.decode(PIXEL).expect("base64")
}

/// The header of a PNG of that size.
fn png_of(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = pixel();
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    bytes
}

fn jpeg_of(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xff\xfe\x00\x04hi".to_vec();
    bytes.extend(b"\xff\xc2\x00\x11\x08");
    bytes.extend(height.to_be_bytes());
    bytes.extend(width.to_be_bytes());
    bytes
}

fn of(uri: &str) -> CardImage {
    CardImage::of(&Logo { uri: uri.to_owned(), alt_text: None, integrity: None }, None)
}

#[test]
fn bytes_say_what_they_are() {
    let webp = |kind: &[u8], rest: &[u8]| [b"RIFF\0\0\0\0WEBP", kind, b"\0\0\0\0", rest].concat();
    let jp2 = |rest: &[u8]| [b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 \0\0\0\0jp2 ", rest].concat();
    for (bytes, expected) in [
        (pixel(), Some(ImageType::Png)),
        (png_of(4096, 4096), Some(ImageType::Png)),
        (png_of(4097, 1), None),
        (png_of(1, 60_000), None),
        (png_of(0, 1), None),
        (jpeg_of(640, 480), Some(ImageType::Jpeg)),
        (jpeg_of(640, 5000), None),
        (jpeg_of(1, 1)[..30].to_vec(), None),
        (b"\xff\xd8\xff\xe0\x00\x00".to_vec(), None),
        (b"\xff\xd8\xff\xda\x00\x04ab".to_vec(), None),
        (b"GIF89a\x02\x00\x03\x00".to_vec(), Some(ImageType::Gif)),
        (b"GIF89a\xff\xff\x03\x00".to_vec(), None),
        (b"GIF89a".to_vec(), None),
        (webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a\x05\0\x06\0"), Some(ImageType::Webp)),
        (webp(b"VP8L", b"\x2f\x04\xc0\x01\0"), Some(ImageType::Webp)),
        (webp(b"VP8X", b"\0\0\0\0\x04\0\0\x05\0\0"), Some(ImageType::Webp)),
        (webp(b"VP8X", b"\0\0\0\0\xff\xff\xff\x05\0\0"), None),
        (webp(b"JUNK", b"\0\0\0\0\0\0\0\0\0\0"), None),
        (jp2(b"\0\0\0\x2djp2h\0\0\0\x16ihdr\0\0\0\x09\0\0\0\x08"), Some(ImageType::Jpeg2000)),
        (b"\xff\x4f\xff\x51\0\x2f\0\0\0\0\0\x08\0\0\0\x09".to_vec(), Some(ImageType::Jpeg2000)),
        (b"\xff\x4f\xff\x51\0\x2f\0\0\x7f\0\0\x08\0\0\0\x09".to_vec(), None),
        (SVG.as_bytes().to_vec(), Some(ImageType::Svg)),
        (b"<html><script>1</script></html>".to_vec(), None),
        (b"%PDF-1.7".to_vec(), None),
        (b"text".to_vec(), None),
        (Vec::new(), None),
    ] {
        let found = picture(bytes.clone(), None);
        assert_eq!(found.as_ref().map(|(media_type, _)| *media_type), expected, "{:x?}", &bytes[..bytes.len().min(40)]);
        assert!(found.is_none_or(|(_, kept)| kept == bytes));
    }
    let padded = |length: usize| [pixel(), vec![0; length - pixel().len()]].concat();
    assert!(picture(padded(MAX_BYTES), None).is_some());
    assert!(picture(padded(MAX_BYTES + 1), None).is_none());
}

// covers: HAIP-19
#[test]
fn data_addresses_are_read_whatever_type_they_claim() {
    for (uri, expected) in [
        (format!("data:image/png;base64,{PIXEL}"), Some(ImageType::Png)),
        (format!("DATA:image/png;BASE64,{PIXEL}"), Some(ImageType::Png)),
        (format!("data:image/png;base64,{}", PIXEL.trim_end_matches('=')), Some(ImageType::Png)),
        (format!("data:image/png;base64,{}", PIXEL.replace('+', "-").replace('/', "_")), Some(ImageType::Png)),
        (format!("data:image/png;base64,{}", PIXEL.replace('+', "%2B").replace('=', "%3D")), Some(ImageType::Png)),
        (format!("data:image/png;base64, {}\n{}", &PIXEL[..20], &PIXEL[20..]), Some(ImageType::Png)),
        // What it says and what it is are two things.
        (format!("data:image/svg+xml;base64,{PIXEL}"), Some(ImageType::Png)),
        (format!("data:text/html;base64,{PIXEL}"), Some(ImageType::Png)),
        (format!("data:;base64,{PIXEL}"), Some(ImageType::Png)),
        (format!("data:image/svg+xml,{SVG}"), Some(ImageType::Svg)),
        (format!("data:image/svg+xml;utf8,{SVG}"), Some(ImageType::Svg)),
        (
            format!("data:image/svg+xml;charset=utf-8,{}", SVG.replace('<', "%3C").replace('>', "%3e")),
            Some(ImageType::Svg),
        ),
        (format!("data:image/png,{SVG}"), Some(ImageType::Svg)),
        ("data:image/png;base64,PGh0bWw+".to_owned(), None),
        ("data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>".to_owned(), None),
        (format!("data:image/png,{PIXEL}"), None),
        ("data:image/png;base64,AAA!".to_owned(), None),
        ("data:image/png;base64".to_owned(), None),
        ("data:,".to_owned(), None),
        ("data:".to_owned(), None),
        ("dat\u{e4}:".to_owned(), None),
        ("javascript:alert(1)".to_owned(), None),
        ("https://issuer.example/logo.png".to_owned(), None),
        (format!("data:image/png;base64,{}", "A".repeat(MAX_BYTES * 4)), None),
    ] {
        let image = of(&uri);
        assert_eq!(image.media_type, expected, "{}", &uri[..uri.len().min(80)]);
        assert_eq!(image.bytes.is_some(), expected.is_some());
        assert_eq!(image.uri, uri);
    }
    assert_eq!(of(&format!("data:image/png;base64,{PIXEL}")).bytes, Some(pixel()));
}

#[test]
fn a_picture_is_the_one_that_was_meant() {
    use sha2::{Digest as _, Sha384};
    let right = format!("sha384-{}", BASE64.encode(Sha384::digest(pixel())));
    let wrong = format!("sha384-{}", BASE64.encode(Sha384::digest(b"another")));
    assert!(picture(pixel(), Some(&right)).is_some());
    for integrity in [wrong.as_str(), "", "md5-AAAA"] {
        assert_eq!(picture(pixel(), Some(integrity)), None, "{integrity}");
    }
    let uri = format!("data:image/png;base64,{PIXEL}");
    let logo = |integrity: &str| Logo { uri: uri.clone(), alt_text: None, integrity: Some(integrity.to_owned()) };
    assert_eq!(CardImage::of(&logo(&right), None).media_type, Some(ImageType::Png));
    assert_eq!(CardImage::of(&logo(&wrong), None).media_type, None);
}

#[test]
fn claims_hold_pictures_too() {
    let portrait = CardImage::in_claim(&format!("data:image/jpeg;base64,{PIXEL}")).expect("a picture");
    assert_eq!(portrait.media_type, Some(ImageType::Png));
    assert_eq!(CardImage::in_claim("data:image/jpeg;base64,AAAA").expect("one that was refused").bytes, None);
    for text in ["", "data:text/plain,x", "https://issuer.example/portrait.png", "data:imag\u{e9}/png,", PIXEL] {
        assert_eq!(CardImage::in_claim(text), None, "{text}");
    }
    let portrait = CardImage::of_base64(&PIXEL.replace('+', "-").replace('/', "_")).expect("a picture");
    assert_eq!(portrait.uri, format!("data:image/png;base64,{PIXEL}"));
    assert_eq!(portrait.bytes, Some(pixel()));
    for text in ["", "Mira", "AAAA", "no base64 at all!"] {
        assert_eq!(CardImage::of_base64(text), None, "{text}");
    }
}

#[test]
fn json_and_debug() {
    let image = of(&format!("data:image/png;base64,{PIXEL}"));
    let json = serde_json::to_value(&image).expect("json");
    assert_eq!((&json["bytes"], &json["media_type"]), (&PIXEL.into(), &"png".into()));
    assert_eq!(serde_json::from_value::<CardImage>(json).expect("an image"), image);
    let text = format!("{image:?}");
    assert!(!text.contains("iVBOR") && text.contains("Png"), "{text}");
}
