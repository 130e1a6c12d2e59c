use super::*;

fn svg(inside: &str) -> String {
    format!(r##"<svg xmlns="{SVG}" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9">{inside}</svg>"##)
}

fn shown(text: &str) -> bool {
    harmless(text.as_bytes()).is_some()
}

#[test]
fn pictures_as_drawing_programs_write_them() {
    let pixel = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    for inside in [
        r#"<rect width="9" height="9" rx="2" fill="rgb(1,2,3)" style="stroke:none"/>"#.to_owned(),
        r##"<defs><linearGradient id="a"><stop offset="0" stop-color="#fff"/></linearGradient></defs><path fill="url(#a)" d="M0 0h9"/>"##.to_owned(),
        r##"<style>.a{fill:url( '#g' );font-family:"Comic Sans"}</style><radialGradient id="g"/><g class="a"/>"##.to_owned(),
        r##"<symbol id="s"><circle r="3"/></symbol><use xlink:href="#s"/><use href="#s" x="3"/>"##.to_owned(),
        r#"<metadata><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><cc:Work xmlns:cc="http://creativecommons.org/ns#" rdf:about=""/></rdf:RDF></metadata>"#.to_owned(),
        r#"<sodipodi:namedview xmlns:sodipodi="http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd" pagecolor="white"/>"#.to_owned(),
        r#"<text x="1"><tspan>Grüße &amp; mehr</tspan></text><!-- made by hand -->"#.to_owned(),
        format!(r#"<image href="{pixel}"/>"#),
    ] {
        assert!(shown(&svg(&inside)), "{inside}");
    }
    let root = svg("");
    for before in [
        "\u{feff}",
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n",
        "<?xml version='1.0' encoding='UTF-7'?><!-- <script> -->\n",
        "<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd\">\n",
    ] {
        assert_eq!(harmless(format!("{before}{root}\n").as_bytes()).map(<[u8]>::trim_ascii_end), Some(root.as_bytes()));
    }
    let prefixed = format!(r#"<s:svg xmlns:s="{SVG}"><s:path d="M0 0"/></s:svg>"#);
    assert!(shown(&prefixed));
}

#[test]
fn what_does_more_than_be_looked_at_is_no_picture() {
    for inside in [
        "<script>alert(1)</script>",
        r#"<script href="https://a.example/x.js"/>"#,
        r#"<ScRiPt/>"#,
        r#"<x:script xmlns:x="http://www.w3.org/1999/xhtml">alert(1)</x:script>"#,
        r#"<x:script xmlns:x="urn:anything">alert(1)</x:script>"#,
        r#"<p xmlns="http://www.w3.org/1999/xhtml">text</p>"#,
        r#"<math xmlns="http://www.w3.org/1998/Math/MathML"/>"#,
        "<foreignObject><b/></foreignObject>",
        r#"<g onload="alert(1)"/>"#,
        r#"<g OnClick="alert(1)"/>"#,
        r#"<g xlink:onload="alert(1)"/>"#,
        r#"<a href="https://a.example"><path d=""/></a>"#,
        r#"<a xlink:href="javascript:alert(1)"><path d=""/></a>"#,
        r#"<image href="https://a.example/x.png"/>"#,
        r#"<image xlink:href="//a.example/x.png"/>"#,
        r#"<image href="data:image/svg+xml,&lt;svg/>"/>"#,
        r#"<image href="data:image/png;base64,PHN2Zy8+"/>"#,
        r#"<feImage href="file:///etc/passwd"/>"#,
        r##"<use href="https://a.example/x.svg#a"/>"##,
        r##"<use href="other.svg#a"/>"##,
        r#"<rect fill="url(https://a.example/x.svg#a)"/>"#,
        r#"<rect fill="URL( 'https://a.example/x.svg#a')"/>"#,
        r#"<rect style="background:\75rl(https://a.example)"/>"#,
        r#"<rect style="fill:url(#a);background:image-set('x.png' 1x)"/>"#,
        "<style>@import 'https://a.example/x.css';</style>",
        "<style><![CDATA[ @IMPORT url(#a); ]]></style>",
        "<style>@imp<!-- -->ort 'https://a.example/x.css';</style>",
        "<style>a{background:u<![CDATA[rl(https://a.example)]]>}</style>",
        "<style>@font-face { src: url(https://a.example/f.woff) }</style>",
        "<style>rect { background: url(data:image/svg+xml,x) }</style>",
        r#"<style>a{}</style><style>b{-moz-binding:url(#x)}</style>"#,
        r##"<g xml:base="https://a.example"><use href="#a"/></g>"##,
        r##"<set attributeName="href" to="javascript:alert(1)"/>"##,
        r##"<animate attributeName="href" values="javascript:alert(1)"/>"##,
        r#"<?xml-stylesheet href="https://a.example/x.css"?>"#,
        "&unknown;",
        "<g>",
    ] {
        assert!(!shown(&svg(inside)), "{inside}");
    }
    let root = svg("");
    for whole in [
        String::new(),
        "<svg/>".to_owned(),
        "<html><svg/></html>".to_owned(),
        "{\"svg\": 1}".to_owned(),
        format!("<?xml-stylesheet href='https://a.example/x.css'?>{root}"),
        format!("{root}<?xml-stylesheet href='https://a.example/x.css'?>"),
        format!("<!DOCTYPE svg [ <!ENTITY a 'b'> ]>{root}"),
        format!("<!DOCTYPE svg SYSTEM 'x[' [ <!ENTITY a SYSTEM 'file:///etc/passwd'> ]>{root}"),
        root.replace("<svg ", "<svg onload='alert(1)' "),
        format!("{root}{root}"),
    ] {
        assert!(!shown(&whole), "{whole}");
    }
    let utf16: Vec<u8> = std::iter::once(0xfeff).chain(root.encode_utf16()).flat_map(u16::to_be_bytes).collect();
    assert_eq!(harmless(&utf16), None);
}

#[test]
fn bombs_are_no_pictures() {
    let copies =
        |name: &str, of: &str| format!(r##"<g id="{name}">{}</g>"##, format!(r##"<use href="#{of}"/>"##).repeat(10));
    let laughs = (0..9).map(|level| copies(&format!("l{}", level + 1), &format!("l{level}"))).collect::<String>();
    assert!(!shown(&svg(&format!(r#"<rect id="l0"/>{laughs}"#))));
    let patterns: String = (0..9)
        .map(|level| {
            let rects = format!(r##"<rect fill="url(#p{})"/>"##, level + 1).repeat(10);
            format!(r#"<pattern id="p{level}">{rects}</pattern>"#)
        })
        .collect();
    assert!(!shown(&svg(&format!(r##"{patterns}<rect fill="url(#p0)"/>"##))));
    let rules: String = (0..9).map(|level| format!(".c{level}{{fill:url(#q{level})}}")).collect();
    let patterns: String = (0..9)
        .map(|level| {
            let rects = format!(r#"<rect class="c{}"/>"#, level + 1).repeat(10);
            format!(r#"<pattern id="q{level}">{rects}</pattern>"#)
        })
        .collect();
    assert!(!shown(&svg(&format!("<style>{rules}</style>{patterns}"))));
    assert!(!shown(&svg(r##"<g id="a"><use href="#a"/></g>"##)));
    assert!(!shown(&svg(r##"<use id="a" href="#b"/><use id="b" href="#a"/>"##)));
    for depth in [100, 100_000] {
        assert!(!shown(&svg(&format!("{}{}", "<g>".repeat(depth), "</g>".repeat(depth)))), "{depth}");
        assert!(!shown(&svg(&"<g>".repeat(depth))), "{depth}");
    }
    assert!(!shown(&svg(&"<g/>".repeat(30_000))));
    assert!(shown(&svg(&"<g/>".repeat(3_000))));
    assert!(shown(&svg(&format!("{}{}", "<g>".repeat(50), "</g>".repeat(50)))));
    // Chains of references are followed only so far.
    let chain: String = (0..5_000).map(|at| format!(r##"<g id="c{at}"><use href="#c{}"/></g>"##, at + 1)).collect();
    assert!(!shown(&svg(&chain)));
}

#[test]
fn bombs_do_not_hide_behind_how_references_are_written() {
    let levels = |reference: fn(usize) -> String| -> String {
        (0..9)
            .map(|level| format!(r##"<pattern id="p{level}">{}</pattern>"##, reference(level + 1).repeat(10)))
            .collect()
    };
    let upper = levels(|to| format!(r##"<rect fill="URL(#p{to})"/>"##));
    assert!(!shown(&svg(&format!(r##"{upper}<rect fill="Url( '#p0')"/>"##))));
    let escaped = levels(|to| format!(r##"<rect fill="url(#%70{to})"/>"##));
    assert!(!shown(&svg(&format!(r##"{escaped}<rect fill="url(#p0)"/>"##))));
    // Of two elements with one name, the first is mostly meant.
    let doubled = levels(|to| format!(r##"<use href="#p{to}"/>"##));
    let decoys: String = (0..10).map(|level| format!(r#"<g id="p{level}"/>"#)).collect();
    assert!(!shown(&svg(&format!(r##"{doubled}{decoys}<use href="#p0"/>"##))));
    assert!(shown(&svg(r##"<g id="a"/><g id="a"/><use href="#a"/><rect fill="URL(#a)"/>"##)));
}

#[test]
fn pictures_inside_of_one_are_counted_together() {
    let png = |side: u32| {
        let header = [b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", &side.to_be_bytes()[..], &side.to_be_bytes()].concat();
        let octets: String = header.iter().map(|octet| format!("%{octet:02x}")).collect();
        format!(r#"<image href="data:image/png,{octets}"/>"#)
    };
    assert!(shown(&svg(&png(2048).repeat(4))));
    assert!(!shown(&svg(&png(2048).repeat(5))));
    assert!(!shown(&svg(&png(4097))));
}
