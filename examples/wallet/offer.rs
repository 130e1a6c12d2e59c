//! Where an offer's link comes from: the command line, standard input, a picture.

use std::ffi::OsStr;
use std::path::Path;

use billfold::qr;

use crate::setup::read;
use crate::terminal::Input;
use crate::trouble::{Result, Trouble};

/// The link that OFFER stands for.
pub(crate) async fn link(offer: &OsStr, input: &mut Input) -> Result<String> {
    if offer == "-" {
        return input.word().await.ok_or_else(|| Trouble::usage("there is no link on standard input"));
    }
    let file = Path::new(offer);
    if file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png")) && !has_scheme(offer) {
        let picture = read(file)?;
        return Ok(qr::read_png(&picture)?);
    }
    offer.to_str().map(str::to_owned).ok_or_else(|| Trouble::usage("the offer is no text"))
}

/// A link may well end in `.png`; a drive letter is no scheme.
fn has_scheme(offer: &OsStr) -> bool {
    offer.to_str().and_then(|text| text.split_once(':')).is_some_and(|(scheme, _)| scheme.len() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_told_from_a_file() {
        assert!(has_scheme("openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fh%2Fx.png".as_ref()));
        assert!(!has_scheme("C:\\pictures\\offer.png".as_ref()));
        assert!(!has_scheme("offer.png".as_ref()));
    }
}
