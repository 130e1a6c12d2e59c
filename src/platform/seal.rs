//! Sealing of what is written to disk: XChaCha20-Poly1305 with random nonces.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{AeadInOut as _, KeyInit as _};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

pub(crate) const NONCE_BYTES: usize = 24;
/// How much longer a ciphertext is than its content.
pub(crate) const TAG_BYTES: usize = 16;

/// A key that seals and opens. Overwritten when dropped.
pub(crate) struct Sealer(XChaCha20Poly1305);

/// It does not open: another key, another place, or damage.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotOpened;

impl Sealer {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(key.into()))
    }

    /// Nonce and ciphertext. `place` is bound to it and has to be said again to open it.
    pub(crate) fn seal(&self, content: &[u8], place: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_BYTES] = super::random();
        let mut sealed = Vec::with_capacity(NONCE_BYTES + content.len() + TAG_BYTES);
        sealed.extend_from_slice(&nonce);
        self.seal_into(&mut sealed, nonce, content, place);
        sealed
    }

    /// Appends ciphertext. No nonce may be used twice with one key.
    pub(crate) fn seal_into(&self, sealed: &mut Vec<u8>, nonce: [u8; NONCE_BYTES], content: &[u8], place: &[u8]) {
        // Encrypted in place with its room made beforehand, so that no plain copy stays in memory.
        sealed.reserve(content.len() + TAG_BYTES);
        let begin = sealed.len();
        sealed.extend_from_slice(content);
        let tag = self
            .0
            .encrypt_inout_detached(&XNonce::from(nonce), place, (&mut sealed[begin..]).into())
            .expect("no record is 256 GiB long");
        sealed.extend_from_slice(&tag);
    }

    pub(crate) fn open(&self, sealed: &[u8], place: &[u8]) -> Result<Zeroizing<Vec<u8>>, NotOpened> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(NotOpened)?;
        self.open_with(*nonce, sealed, place)
    }

    /// The same, with the nonce from elsewhere.
    pub(crate) fn open_with(
        &self,
        nonce: [u8; NONCE_BYTES],
        sealed: &[u8],
        place: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, NotOpened> {
        let mut content = Zeroizing::new(sealed.to_vec());
        self.0.decrypt_in_place(&XNonce::from(nonce), place, &mut *content).map_err(|_| NotOpened)?;
        Ok(content)
    }

    /// With a key that Argon2id makes of a passphrase; nothing if it can't be made at that cost.
    pub(crate) fn of_passphrase(passphrase: &str, salt: &[u8], cost: Cost) -> Option<Self> {
        let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32)).ok()?;
        let mut key = Zeroizing::new([0_u8; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), salt, key.as_mut())
            .ok()?;
        Some(Self::new(&key))
    }
}

/// What it costs to make a key of a passphrase, and to guess one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cost {
    pub(crate) memory_kib: u32,
    pub(crate) passes: u32,
    pub(crate) lanes: u32,
}

impl Cost {
    /// The second recommendation of RFC 9106, section 4.
    pub(crate) const RECOMMENDED: Self = Self { memory_kib: 64 * 1024, passes: 3, lanes: 4 };

    /// Whether none of its numbers is over another's.
    pub(crate) fn is_within(self, most: Self) -> bool {
        self.memory_kib <= most.memory_kib && self.passes <= most.passes && self.lanes <= most.lanes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_whole_in_its_place_and_with_its_key() {
        let sealer = Sealer::new(&[7; 32]);
        for content in [&b""[..], b"content"] {
            let sealed = sealer.seal(content, b"here");
            assert_eq!(sealed.len(), 24 + content.len() + 16);
            assert_ne!(sealed, sealer.seal(content, b"here"));
            assert_eq!(sealer.open(&sealed, b"here").as_deref().map(Vec::as_slice), Ok(content));
            assert_eq!(sealer.open(&sealed, b"there"), Err(NotOpened));
            assert_eq!(Sealer::new(&[8; 32]).open(&sealed, b"here"), Err(NotOpened));
            for index in 0..sealed.len() {
                let mut damaged = sealed.clone();
                damaged[index] ^= 1;
                assert_eq!(sealer.open(&damaged, b"here"), Err(NotOpened), "octet {index}");
                assert_eq!(sealer.open(&sealed[..index], b"here"), Err(NotOpened), "length {index}");
            }
        }
    }

    #[test]
    fn agrees_with_the_published_vector() {
        // Internet-Draft irtf-cfrg-xchacha-03, appendix A.3.1.
        let hex = |text: &str| hex::decode(text).expect("hex");
        let key: [u8; 32] =
            hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f").try_into().expect("32");
        let place = hex("50515253c0c1c2c3c4c5c6c7");
        let sealed = hex(concat!(
            "404142434445464748494a4b4c4d4e4f5051525354555657",
            "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39",
            "ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9",
            "21f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49",
        ));
        let text: &[u8] = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the \
            future, sunscreen would be it.";
        assert_eq!(Sealer::new(&key).open(&sealed, &place).as_deref().map(Vec::as_slice), Ok(text));
    }
}
