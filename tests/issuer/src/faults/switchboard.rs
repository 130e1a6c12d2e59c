//! Which faults are on.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::Fault;

/// The faults that are on, each with the number of times it still strikes (`None`: always).
#[derive(Default)]
pub(crate) struct Switchboard {
    on: Mutex<BTreeMap<Fault, Option<u32>>>,
}

impl Switchboard {
    /// Switches a fault on.
    pub(crate) fn set(&self, fault: Fault, times: Option<u32>) {
        let once = matches!(fault, Fault::StaleNonce | Fault::RotatedEncryptionKey);
        let times = times.or(once.then_some(1));
        self.lock().insert(fault, times);
    }

    /// Switches a fault off.
    pub(crate) fn unset(&self, fault: Fault) {
        self.lock().remove(&fault);
    }

    /// Switches everything off.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// The faults that are on.
    pub(crate) fn active(&self) -> Vec<Fault> {
        self.lock().keys().copied().collect()
    }

    /// Whether the fault strikes now; this uses up one of its times.
    pub(crate) fn strikes(&self, fault: Fault) -> bool {
        let mut on = self.lock();
        match on.get_mut(&fault) {
            None => false,
            Some(None) => true,
            Some(Some(times)) => {
                *times = times.saturating_sub(1);
                if *times == 0 {
                    on.remove(&fault);
                }
                true
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Fault, Option<u32>>> {
        self.on.lock().expect("no panic while the switchboard is locked")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counted_fault_wears_off() {
        let faults = Switchboard::default();
        faults.set(Fault::StaleNonce, None);
        faults.set(Fault::InvalidToken, Some(2));
        faults.set(Fault::BadSignature, None);
        assert!(faults.strikes(Fault::StaleNonce));
        assert!(!faults.strikes(Fault::StaleNonce));
        assert!(faults.strikes(Fault::InvalidToken) && faults.strikes(Fault::InvalidToken));
        assert!(!faults.strikes(Fault::InvalidToken));
        assert!(faults.strikes(Fault::BadSignature) && faults.strikes(Fault::BadSignature));
    }
}
