//! Ctrl-C and its like: work that takes long looks at a flag, ends well, and keeps what it has.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::{Exit, Failure};

/// Set by the first Ctrl-C, or a scheduler's SIGTERM.
#[derive(Clone, Debug)]
pub(super) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// From now on the first signal sets the flag; a second one ends the process at once.
    pub(super) fn watched() -> Result<Interrupt, Failure> {
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            let code = Exit::Interrupted as i32;
            let second = flag::register_conditional_shutdown(signal, code, Arc::clone(&stop));
            let first = second.and_then(|_| flag::register(signal, Arc::clone(&stop)));
            first.map_err(|error| Failure::io("signals cannot be caught", &error))?;
        }
        Ok(Interrupt(stop))
    }

    /// From now on signals set the flag and do nothing else, so that what must be tidied up is: a lost terminal, too.
    #[cfg(unix)]
    pub(super) fn never_at_once() -> Result<Interrupt, Failure> {
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, signal_hook::consts::SIGHUP] {
            flag::register(signal, Arc::clone(&stop))
                .map_err(|error| Failure::io("signals cannot be caught", &error))?;
        }
        Ok(Interrupt(stop))
    }

    /// What is set.
    pub(super) fn flag(&self) -> &AtomicBool {
        &self.0
    }
}
