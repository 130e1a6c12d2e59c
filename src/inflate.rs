//! What was compressed with DEFLATE (RFC 1951), with a limit on what it becomes.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_PARSE_ZLIB_HEADER, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

/// Why compressed octets are not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InflateError {
    /// They become more than the limit.
    #[error("it is too large once inflated")]
    TooLarge,
    /// They are cut, damaged or not compressed that way.
    #[error("it is not compressed as it should be")]
    Malformed,
}

/// Inflates bare DEFLATE, as a JWE's `zip` has it.
pub(crate) fn bare(compressed: &[u8], limit: usize) -> Result<Vec<u8>, InflateError> {
    stream(compressed, 0, limit).map(|(octets, _)| octets)
}

/// Inflates the zlib format (RFC 1950); its checksum has to hold.
pub(crate) fn zlib(compressed: &[u8], limit: usize) -> Result<Vec<u8>, InflateError> {
    stream(compressed, TINFL_FLAG_PARSE_ZLIB_HEADER, limit).map(|(octets, _)| octets)
}

/// Inflates a gzip file of one member (RFC 1952); its checksum and length have to hold.
pub(crate) fn gzip(compressed: &[u8], limit: usize) -> Result<Vec<u8>, InflateError> {
    let body = after_gzip_header(compressed).ok_or(InflateError::Malformed)?;
    let (octets, read) = stream(body, 0, limit)?;
    let trailer: &[u8; 8] = body[read..].first_chunk().ok_or(InflateError::Malformed)?;
    let length = u32::try_from(octets.len()).map_err(|_| InflateError::TooLarge)?;
    let right = [crc32fast::hash(&octets).to_le_bytes(), length.to_le_bytes()].concat();
    if trailer[..] == right[..] { Ok(octets) } else { Err(InflateError::Malformed) }
}

fn after_gzip_header(file: &[u8]) -> Option<&[u8]> {
    const HEADER_CHECKSUM: u8 = 1 << 1;
    const EXTRA: u8 = 1 << 2;
    const NAME: u8 = 1 << 3;
    const COMMENT: u8 = 1 << 4;
    let (fixed, mut rest) = file.split_first_chunk::<10>()?;
    let [0x1f, 0x8b, 8, flags, ..] = *fixed else { return None };
    if flags & EXTRA != 0 {
        let (length, after) = rest.split_first_chunk::<2>()?;
        rest = after.get(usize::from(u16::from_le_bytes(*length))..)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let end = rest.iter().position(|octet| *octet == 0)?;
            rest = &rest[end + 1..];
        }
    }
    if flags & HEADER_CHECKSUM != 0 { rest.get(2..) } else { Some(rest) }
}

/// One stream: what it becomes, and how many octets it takes up.
fn stream(compressed: &[u8], flags: u32, limit: usize) -> Result<(Vec<u8>, usize), InflateError> {
    let flags = flags | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let mut state = Box::<DecompressorOxide>::default();
    let mut octets = vec![0; compressed.len().saturating_mul(2).clamp(64, limit.max(64))];
    let (mut read, mut written) = (0, 0);
    loop {
        let (status, took, gave) = decompress(&mut state, &compressed[read..], &mut octets, written, flags);
        read += took;
        written += gave;
        if written > limit {
            return Err(InflateError::TooLarge);
        }
        match status {
            TINFLStatus::Done => {
                octets.truncate(written);
                return Ok((octets, read));
            }
            TINFLStatus::HasMoreOutput if octets.len() < limit => {
                let more = octets.len().saturating_mul(2).min(limit);
                octets.resize(more, 0);
            }
            TINFLStatus::HasMoreOutput => return Err(InflateError::TooLarge),
            _ => return Err(InflateError::Malformed),
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use miniz_oxide::deflate::{compress_to_vec, compress_to_vec_zlib};

    pub(crate) fn zlibbed(octets: &[u8]) -> Vec<u8> {
        compress_to_vec_zlib(octets, 6)
    }

    pub(crate) fn gzipped(octets: &[u8]) -> Vec<u8> {
        gzipped_with(octets, 0, b"")
    }

    /// With the optional members that the flags announce.
    pub(crate) fn gzipped_with(octets: &[u8], flags: u8, optional: &[u8]) -> Vec<u8> {
        let length = u32::try_from(octets.len()).unwrap().to_le_bytes();
        let header = [0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 255];
        [&header[..], optional, &compress_to_vec(octets, 6), &crc32fast::hash(octets).to_le_bytes(), &length].concat()
    }
}

#[cfg(test)]
mod tests {
    use miniz_oxide::deflate::{compress_to_vec, compress_to_vec_zlib};

    use super::testing::{gzipped, gzipped_with};
    use super::*;

    #[test]
    fn what_was_compressed_comes_back() {
        let noise: Vec<u8> = (0..20_000_u32).flat_map(|i| (i.wrapping_mul(2_654_435_761) >> 7).to_le_bytes()).collect();
        for octets in [&b""[..], b"a", &vec![0; 70_000], &noise] {
            let limit = octets.len();
            assert_eq!(bare(&compress_to_vec(octets, 6), limit).as_deref(), Ok(octets));
            assert_eq!(zlib(&compress_to_vec_zlib(octets, 6), limit).as_deref(), Ok(octets));
            assert_eq!(gzip(&gzipped(octets), limit).as_deref(), Ok(octets));
            // Name, comment, extra field and the header's own checksum.
            let full = gzipped_with(octets, 0b1_1110, b"\x03\0abcname\0comment\0xx");
            assert_eq!(gzip(&full, limit).as_deref(), Ok(octets));
        }
    }

    #[test]
    fn what_is_cut_or_damaged_is_refused_at_every_octet() {
        let octets = b"a list of some length, a list of some length";
        for (wrapped, inflate) in [
            (compress_to_vec_zlib(octets, 6), zlib as fn(&[u8], usize) -> Result<Vec<u8>, InflateError>),
            (gzipped(octets), gzip),
        ] {
            for end in 0..wrapped.len() {
                assert_eq!(inflate(&wrapped[..end], 1000), Err(InflateError::Malformed), "cut at {end}");
            }
            let last = wrapped.len() - 1;
            for at in [0, 1, last - 4, last] {
                let mut damaged = wrapped.clone();
                damaged[at] ^= 1;
                assert_eq!(inflate(&damaged, 1000), Err(InflateError::Malformed), "damaged at {at}");
            }
        }
        assert_eq!(bare(b"", 10), Err(InflateError::Malformed));
        assert_eq!(gzip(&compress_to_vec_zlib(octets, 6), 1000), Err(InflateError::Malformed));
        assert_eq!(zlib(&gzipped(octets), 1000), Err(InflateError::Malformed));
        for cut in [&b"\x03"[..], b"\xff\xffa", b"\x01\0x"] {
            assert_eq!(gzip(&gzipped_with(b"", 1 << 2, cut)[..10 + cut.len()], 10), Err(InflateError::Malformed));
        }
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = vec![0; 5 << 20];
        for (wrapped, inflate) in [
            (compress_to_vec(&bomb, 9), bare as fn(&[u8], usize) -> Result<Vec<u8>, InflateError>),
            (compress_to_vec_zlib(&bomb, 9), zlib),
            (gzipped(&bomb), gzip),
        ] {
            assert!(wrapped.len() < 10_000, "it is small as long as it is not inflated");
            assert_eq!(inflate(&wrapped, 4 << 20), Err(InflateError::TooLarge));
            for limit in [0, 1, 63, 64, 65, (5 << 20) - 1] {
                assert_eq!(inflate(&wrapped, limit), Err(InflateError::TooLarge), "{limit}");
            }
            assert_eq!(inflate(&wrapped, 5 << 20).map(|octets| octets.len()), Ok(5 << 20));
        }
    }
}
