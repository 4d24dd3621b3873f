//! Fail points: where a build for tests has a process end. Other builds have none.

use std::process::Command;
use std::sync::Once;

use fail::FailScenario;

/// The action of a fail point that ends the process.
const KILL: &str = "return(kill)";

// A delivered program obeys no `FAILPOINTS`, however it was built.
#[cfg(not(debug_assertions))]
const _: () = assert!(!fail::has_failpoints(), "a release build has fail points: build its package alone");

/// Arms the fail points that `FAILPOINTS` names, where this build has any.
pub(crate) fn arm() {
    static ARMED: Once = Once::new();
    if fail::has_failpoints() {
        ARMED.call_once(|| {
            // For as long as the process lives.
            std::mem::forget(FailScenario::setup());
            for (point, _) in fail::list().into_iter().filter(|(_, action)| action == KILL) {
                tracing::warn!(point, "the process is going to be killed here");
                // It fails for actions that do not read only, and this is none.
                _ = fail::cfg_callback(point, kill);
            }
        });
    }
}

/// Ends this process as the machine would. Whoever calls this goes no step further.
fn kill() {
    // Where it cannot be started, the process stands still here, which a test notices.
    _ = Command::new("sh").args(["-c", "kill -9 $PPID"]).status();
    loop {
        std::thread::park();
    }
}
