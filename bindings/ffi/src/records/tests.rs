//! Wishes and settings, as they reach the core.

use super::*;

#[test]
fn wishes_reach_the_core() {
    let path = vec![PathStep::Key { name: String::from("cards") }, PathStep::All, PathStep::Index { index: 3 }];
    let claims = vec![RequestedClaim { path, mandatory: true }, RequestedClaim { path: Vec::new(), mandatory: false }];
    let options = AcceptOptions {
        configurations: Some(vec![String::from("pid"), String::from("card")]),
        grant: Some(GrantType::AuthorizationCode),
        request: Some(RequestBy::Details),
        copies: Some(5),
        encryption: Some(Encryption::Always),
        profile: Some(Profile::Haip),
        claims: HashMap::from([(String::from("pid"), claims)]),
        unverified_formats: true,
        authorization_parameters: ["c", "a", "b"].map(|name| (name.to_owned(), format!("{name}="))).into(),
    };
    let options = billfold::AcceptOptions::from(options);
    let ids: Vec<_> = options.configurations.iter().flatten().map(ToString::to_string).collect();
    assert_eq!(ids, ["pid", "card"]);
    assert_eq!(options.grant, Some(core_offer::GrantType::AuthorizationCode));
    assert_eq!(options.request, billfold::RequestBy::Details);
    assert_eq!(options.copies, Some(5));
    assert_eq!(options.encryption, billfold::Encryption::Always);
    assert_eq!(options.profile, Some(billfold::Profile::Haip));
    assert!(options.unverified_formats);
    let added = ["a", "b", "c"].map(|name| (name.to_owned(), format!("{name}=")));
    assert_eq!(options.authorization_parameters, added);
    let path = vec![
        core_display::PathStep::Key(String::from("cards")),
        core_display::PathStep::All,
        core_display::PathStep::Index(3),
    ];
    let wanted = [
        billfold::RequestedClaim { path, mandatory: true },
        billfold::RequestedClaim { path: Vec::new(), mandatory: false },
    ];
    assert_eq!(options.claims.len(), 1);
    assert_eq!(options.claims[&billfold::ConfigurationId::from("pid")], wanted);
}

#[test]
fn settings_have_the_same_names_on_both_sides() {
    for (binding, expected) in [
        (Binding::Auto, "Auto"),
        (Binding::Jwk, "Jwk"),
        (Binding::DidKey, "DidKey"),
        (Binding::DidJwk, "DidJwk"),
        (Binding::DidPrism, "DidPrism"),
        (Binding::X5c, "X5c"),
    ] {
        assert_eq!(format!("{:?}", billfold::Binding::from(binding)), expected);
    }
    for (encryption, expected) in
        [(Encryption::Auto, "Auto"), (Encryption::Always, "Always"), (Encryption::Never, "Never")]
    {
        assert_eq!(format!("{:?}", billfold::Encryption::from(encryption)), expected);
    }
    for (profile, expected) in [(Profile::Base, "Base"), (Profile::Haip, "Haip")] {
        assert_eq!(format!("{:?}", billfold::Profile::from(profile)), expected);
    }
    for (version, expected) in [(AttestationVersion::V07, "V07"), (AttestationVersion::V08, "V08")] {
        assert_eq!(format!("{:?}", billfold::AttestationVersion::from(version)), expected);
    }
    for (policy, expected) in
        [(SignedMetadata::Ignore, "Ignore"), (SignedMetadata::Prefer, "Prefer"), (SignedMetadata::Require, "Require")]
    {
        assert_eq!(format!("{:?}", billfold::SignedMetadata::from(policy)), expected);
    }
}
