//! What can go wrong in the command itself, next to what goes wrong in the wallet.

use billfold::model::ids::SessionId;
use billfold::platform::secret::SecretError;
use billfold::platform::store::StoreError;
use billfold::{Error, Tolerance};

use crate::args::Refused;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Everything was done.
    Done,
    /// Something failed, and an error said why.
    Failed,
    /// The command line was wrong.
    Usage,
    /// A person or time is needed.
    MoreToDo,
}

impl Ending {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::MoreToDo => 3,
        }
    }
}

/// Why a command stopped.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The command line.
    Refused(Refused),
    /// The wallet.
    Wallet(WalletError),
    /// The command's own surroundings: files, ports, browsers, time.
    Command(CommandError),
}

/// Trouble in the wallet.
#[derive(Debug)]
pub(crate) struct WalletError {
    pub(crate) error: Error,
    /// What was put up with in its session; nothing if it has none.
    pub(crate) tolerated: Option<Vec<Tolerance>>,
}

/// Trouble with the command's surroundings.
#[derive(Debug)]
pub(crate) struct CommandError {
    /// Stable, like the wallet's own codes.
    pub(crate) code: &'static str,
    pub(crate) detail: String,
    /// Whether the session goes on with the same call or a `resume`.
    pub(crate) retryable: bool,
    pub(crate) session: Option<SessionId>,
    /// What was put up with in the session.
    pub(crate) tolerated: Option<Vec<Tolerance>>,
}

pub(crate) type Result<T, E = Trouble> = std::result::Result<T, E>;

impl Trouble {
    pub(crate) fn command(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Command(CommandError { code, detail: detail.into(), retryable: false, session: None, tolerated: None })
    }

    pub(crate) fn usage(detail: impl Into<String>) -> Self {
        Self::Refused(Refused::Usage(detail.into()))
    }

    /// The same, of a session in which that was put up with.
    pub(crate) fn having_tolerated(mut self, put_up_with: Option<Vec<Tolerance>>) -> Self {
        match &mut self {
            Self::Wallet(WalletError { tolerated, .. }) | Self::Command(CommandError { tolerated, .. }) => {
                *tolerated = put_up_with;
            }
            Self::Refused(_) => {}
        }
        self
    }

    pub(crate) fn ending(&self) -> Ending {
        if matches!(self, Self::Refused(_)) { Ending::Usage } else { Ending::Failed }
    }
}

impl From<Refused> for Trouble {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Wallet(WalletError { error, tolerated: None })
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Error::from(error).into()
    }
}

impl From<SecretError> for Trouble {
    fn from(error: SecretError) -> Self {
        Error::from(error).into()
    }
}
