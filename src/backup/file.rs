//! The file of a backup: lines of text, sealed piece by piece with a key that a passphrase makes.
//! `docs/backup-format.md` describes it.

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::error::{Error, ErrorCode, Operation, Result};
use crate::platform;
use crate::platform::seal::{Cost, NONCE_BYTES, Sealer, TAG_BYTES};

const MAGIC: &[u8; 16] = b"billfold backup\n";
const VERSION: u8 = 1;
const SALT_BYTES: usize = 16;
const PREFIX_BYTES: usize = 19;
/// Magic, version, cost, salt, and what all nonces begin with.
const HEADER_BYTES: usize = 16 + 1 + 12 + SALT_BYTES + PREFIX_BYTES;
/// Of the whole file before it.
const SUM_BYTES: usize = 32;
/// How much is sealed in one piece.
const PIECE_BYTES: usize = 64 * 1024;
/// A longer line is none that was written here.
const LONGEST_LINE: usize = 16 * 1024 * 1024;
/// A longer file is neither written nor read.
const LONGEST_FILE: usize = 256 * 1024 * 1024;
/// What a file may ask for at most, so that a made-up one can't bring a phone down.
const MOST: Cost = Cost { memory_kib: 256 * 1024, passes: 8, lanes: 16 };

fn error(code: ErrorCode, detail: &str) -> Error {
    Error::new(code, detail).at(Operation::Store)
}

fn damaged(detail: &str) -> Error {
    error(ErrorCode::BackupDamaged, detail)
}

/// Writes a backup.
pub(super) struct Writer {
    sealer: Sealer,
    header: [u8; HEADER_BYTES],
    file: Vec<u8>,
    /// What is not sealed yet.
    waiting: Zeroizing<Vec<u8>>,
    pieces: u32,
}

impl Writer {
    /// Takes a good part of a second, and the memory that guessing the passphrase costs too.
    pub(super) fn new(passphrase: &str, cost: Cost) -> Result<Self> {
        if passphrase.is_empty() {
            return Err(error(ErrorCode::PassphraseWrong, "a backup needs a passphrase"));
        }
        let mut header = [0; HEADER_BYTES];
        header[..16].copy_from_slice(MAGIC);
        header[16] = VERSION;
        for (place, number) in [(17, cost.memory_kib), (21, cost.passes), (25, cost.lanes)] {
            header[place..place + 4].copy_from_slice(&number.to_be_bytes());
        }
        header[29..].copy_from_slice(&platform::random::<{ SALT_BYTES + PREFIX_BYTES }>());
        let sealer = Sealer::of_passphrase(passphrase, &header[29..29 + SALT_BYTES], cost).ok_or_else(too_costly)?;
        // Room for a whole piece and the line that completes it is made as needed; lines are short.
        let waiting = Zeroizing::new(Vec::with_capacity(2 * PIECE_BYTES));
        Ok(Self { sealer, header, file: header.to_vec(), waiting, pieces: 0 })
    }

    /// Adds a line, which holds no line break.
    pub(super) fn line(&mut self, line: &[u8]) -> Result<()> {
        if line.len() > LONGEST_LINE {
            return Err(error(ErrorCode::BackupTooLarge, "a credential is too long for a backup"));
        }
        self.waiting.extend_from_slice(line);
        self.waiting.push(b'\n');
        while self.waiting.len() > PIECE_BYTES {
            self.seal(PIECE_BYTES, false);
        }
        if self.file.len() > LONGEST_FILE - 2 * PIECE_BYTES {
            return Err(error(ErrorCode::BackupTooLarge, "the backup would be longer than 256 MiB"));
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.seal(self.waiting.len(), true);
        let sum = Sha256::digest(&self.file);
        self.file.extend_from_slice(&sum);
        self.file
    }

    fn seal(&mut self, length: usize, last: bool) {
        let nonce = nonce(&self.header, self.pieces, last);
        self.sealer.seal_into(&mut self.file, nonce, &self.waiting[..length], &self.header);
        self.pieces += 1;
        self.waiting.copy_within(length.., 0);
        let rest = self.waiting.len() - length;
        self.waiting.truncate(rest);
    }
}

/// An opened backup. Nothing of it is believed before its seal was checked.
pub(super) struct Reader<'a> {
    sealer: Sealer,
    header: [u8; HEADER_BYTES],
    pieces: Vec<&'a [u8]>,
}

impl<'a> Reader<'a> {
    pub(super) fn open(file: &'a [u8], passphrase: &str) -> Result<Self> {
        let (header, cost, sealed) = check(file)?;
        let salt = &header[29..29 + SALT_BYTES];
        let sealer = Sealer::of_passphrase(passphrase, salt, cost).ok_or_else(too_costly)?;
        let reader = Self { sealer, header, pieces: sealed.chunks(PIECE_BYTES + TAG_BYTES).collect() };
        // The file is whole, by its sum: if its first piece does not open, that is not for damage.
        reader
            .piece(0)
            .map_err(|_| error(ErrorCode::PassphraseWrong, "the passphrase is not the one of this backup"))?;
        Ok(reader)
    }

    fn piece(&self, number: usize) -> Result<Zeroizing<Vec<u8>>> {
        let last = number + 1 == self.pieces.len();
        let nonce = nonce(&self.header, u32::try_from(number).map_err(|_| too_large())?, last);
        self.sealer
            .open_with(nonce, self.pieces[number], &self.header)
            .map_err(|_| damaged("a piece of the backup does not open"))
    }

    /// Gives all lines, one after the other. What was given is part of the backup; whether there is more is known
    /// at the end.
    pub(super) fn lines(&self, mut give: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut waiting = Zeroizing::new(Vec::new());
        for number in 0..self.pieces.len() {
            // What waits has no line break: it is not looked through again with each piece.
            let mut looked = waiting.len();
            waiting.extend_from_slice(&self.piece(number)?);
            let mut done = 0;
            while let Some(length) = waiting[looked..].iter().position(|octet| *octet == b'\n') {
                let end = looked + length;
                give(&waiting[done..end])?;
                (done, looked) = (end + 1, end + 1);
            }
            waiting.drain(..done);
            if waiting.len() > LONGEST_LINE {
                return Err(damaged("a line of the backup is too long"));
            }
        }
        if waiting.is_empty() { Ok(()) } else { Err(damaged("the backup ends within a line")) }
    }
}

/// What can be said of a file without a passphrase: its header, what it costs to open, and what is sealed.
fn check(file: &[u8]) -> Result<([u8; HEADER_BYTES], Cost, &[u8])> {
    if file.len() > LONGEST_FILE {
        return Err(too_large());
    }
    let none = || damaged("this is no backup of a wallet");
    let header: [u8; HEADER_BYTES] = *file.first_chunk().ok_or_else(none)?;
    if &header[..16] != MAGIC {
        return Err(none());
    }
    // Later versions may end otherwise, so this comes first.
    if header[16] != VERSION {
        let detail = format!("the backup has format {}; this version reads {VERSION}", header[16]);
        return Err(error(ErrorCode::BackupTooNew, &detail));
    }
    let (sealed, sum) = file.split_last_chunk::<SUM_BYTES>().ok_or_else(none)?;
    if Sha256::digest(sealed)[..] != sum[..] || sealed.len() < HEADER_BYTES + TAG_BYTES {
        return Err(damaged("the backup is damaged, or a part of it is missing"));
    }
    let number =
        |place: usize| u32::from_be_bytes([header[place], header[place + 1], header[place + 2], header[place + 3]]);
    let cost = Cost { memory_kib: number(17), passes: number(21), lanes: number(25) };
    if !cost.is_within(MOST) {
        return Err(too_costly());
    }
    Ok((header, cost, &sealed[HEADER_BYTES..]))
}

fn nonce(header: &[u8; HEADER_BYTES], number: u32, last: bool) -> [u8; NONCE_BYTES] {
    let mut nonce = [0; NONCE_BYTES];
    nonce[..PREFIX_BYTES].copy_from_slice(&header[HEADER_BYTES - PREFIX_BYTES..]);
    nonce[PREFIX_BYTES..NONCE_BYTES - 1].copy_from_slice(&number.to_be_bytes());
    nonce[NONCE_BYTES - 1] = u8::from(last);
    nonce
}

fn too_large() -> Error {
    error(ErrorCode::BackupTooLarge, "the backup is longer than 256 MiB")
}

fn too_costly() -> Error {
    error(
        ErrorCode::BackupTooLarge,
        "the backup asks for more work or memory to be opened than is accepted, or for none",
    )
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// For tests, which open many.
    pub(crate) const CHEAP: Cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };

    fn written(lines: &[Vec<u8>]) -> Vec<u8> {
        let mut writer = Writer::new("pass", CHEAP).expect("a passphrase");
        for line in lines {
            writer.line(line).expect("it fits");
        }
        writer.finish()
    }

    fn read(file: &[u8], passphrase: &str) -> Result<Vec<Vec<u8>>, ErrorCode> {
        let mut lines = Vec::new();
        let reader = Reader::open(file, passphrase).map_err(|error| error.code())?;
        reader
            .lines(|line| {
                lines.push(line.to_vec());
                Ok(())
            })
            .map_err(|error| error.code())?;
        Ok(lines)
    }

    /// The file with another sum, as somebody who means harm would give it.
    fn resummed(mut file: Vec<u8>) -> Vec<u8> {
        file.truncate(file.len() - SUM_BYTES);
        let sum = Sha256::digest(&file);
        file.extend_from_slice(&sum);
        file
    }

    #[test]
    fn what_was_written_is_read_whatever_its_length() {
        let of = |length: usize| vec![b'x'; length];
        for lines in [
            vec![],
            vec![of(0)],
            vec![of(PIECE_BYTES - 1)],
            vec![of(PIECE_BYTES)],
            vec![of(PIECE_BYTES - 2), of(0), of(1)],
            vec![of(3 * PIECE_BYTES + 5), of(2), of(PIECE_BYTES)],
        ] {
            assert_eq!(read(&written(&lines), "pass"), Ok(lines));
        }
        let file = written(&[of(10)]);
        assert_ne!(file, written(&[of(10)]), "salt and nonces are new each time");
        assert!(Writer::new("", CHEAP).is_err());
    }

    #[test]
    fn another_passphrase_damage_and_an_end_too_early_are_told_apart() {
        let file = written(&[vec![b'a'; PIECE_BYTES], vec![b'b'; 100]]);
        for wrong in ["", "Pass", "pass ", "other"] {
            assert_eq!(read(&file, wrong), Err(ErrorCode::PassphraseWrong));
        }
        for length in (0..400).chain(file.len() - 400..file.len()) {
            assert_eq!(read(&file[..length], "pass"), Err(ErrorCode::BackupDamaged), "cut to {length}");
        }
        for at in (0..200).chain((200..file.len()).step_by(997)).chain(file.len() - 200..file.len()) {
            let mut flipped = file.clone();
            flipped[at] ^= 1;
            let expected = if at == 16 { ErrorCode::BackupTooNew } else { ErrorCode::BackupDamaged };
            assert_eq!(read(&flipped, "pass"), Err(expected), "octet {at}");
        }
        assert_eq!(read(&[&file[..], b"x"].concat(), "pass"), Err(ErrorCode::BackupDamaged));
    }

    #[test]
    fn a_sum_that_was_made_to_fit_helps_nobody() {
        let file = written(&[vec![b'a'; 3 * PIECE_BYTES]]);
        let sealed = PIECE_BYTES + TAG_BYTES;
        let refused = |file: Vec<u8>| read(&resummed(file), "pass").expect_err("it is refused");
        // Pieces left out at the end, in the middle, exchanged.
        let without = |from: usize, to: usize| [&file[..from], &file[to..]].concat();
        let end = file.len() - SUM_BYTES;
        let second = HEADER_BYTES + sealed;
        assert_eq!(refused(without(HEADER_BYTES + 3 * sealed, end)), ErrorCode::BackupDamaged);
        assert_eq!(refused(without(second, second + sealed)), ErrorCode::BackupDamaged);
        assert_eq!(refused(without(HEADER_BYTES, end)), ErrorCode::BackupDamaged);
        // The first piece alone would have to be the last.
        assert_eq!(refused(without(second, end)), ErrorCode::PassphraseWrong);
        for at in (17..HEADER_BYTES).chain([HEADER_BYTES, second, end - 1]) {
            let mut flipped = file.clone();
            flipped[at] ^= 1;
            let code = refused(flipped);
            let accepted = [ErrorCode::PassphraseWrong, ErrorCode::BackupDamaged, ErrorCode::BackupTooLarge];
            assert!(accepted.contains(&code), "octet {at}: {code}");
        }
    }

    #[test]
    fn a_file_can_not_ask_for_more_than_there_is() {
        let file = written(&[]);
        for (place, number) in [(17, u32::MAX), (17, MOST.memory_kib + 1), (17, 0), (21, 9), (21, 0), (25, 17), (25, 0)]
        {
            let mut asks = file.clone();
            asks[place..place + 4].copy_from_slice(&number.to_be_bytes());
            assert_eq!(read(&resummed(asks), "pass"), Err(ErrorCode::BackupTooLarge), "{number} at {place}");
        }
        assert!(Cost::RECOMMENDED.is_within(MOST));
        let mut writer = Writer::new("pass", CHEAP).expect("a passphrase");
        assert!(writer.line(&vec![0; LONGEST_LINE + 1]).is_err());
    }
}
