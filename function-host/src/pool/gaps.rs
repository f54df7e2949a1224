//! The channels that are open to a pool's calls, because this kernel lacks what closes them and the
//! profile accepts it.

use leasehold_sandbox::Policy;
use leasehold_sandbox::policy::channels::{Assessment, Closure};

use super::Pool;

impl Pool {
    /// The channels that are open to its calls, by name.
    #[must_use]
    pub fn open_channels(&self) -> Vec<&'static str> {
        let open = self.line.policy.iter().flat_map(Policy::open_channels);
        open.map(|it| it.channel.name).collect()
    }
}

/// Says which channels are open to the function's calls.
pub(super) fn announce(function: &str, policy: Option<&Policy>) {
    for Assessment { channel, closure } in policy.iter().flat_map(|it| it.open_channels()) {
        if let Closure::Accepted(why) = closure {
            let (channel, consequence) = (channel.name, channel.consequence);
            tracing::warn!(function, channel, consequence, why, "a channel is open");
        }
    }
}
