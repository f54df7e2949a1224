//! TCP ports as Landlock rules.

use landlock::{ABI, Access, AccessNet, NetPort, RulesetCreated, RulesetCreatedAttr};

use super::CompileError;
use crate::profile::Profile;

/// The ports that may be connected to and bound; every other is denied. Below ABI 4, which knows no
/// ports, there are none: the filter denies all, or the profile accepts that none is.
#[derive(Debug)]
pub(super) struct Network {
    connect: Vec<u16>,
    listen: Vec<u16>,
}

impl Network {
    pub(super) fn compile(profile: &Profile, abi: ABI) -> Self {
        if AccessNet::from_all(abi).is_empty() {
            return Self {
                connect: Vec::new(),
                listen: Vec::new(),
            };
        }
        Self {
            connect: profile.connect.iter().map(|grant| grant.port).collect(),
            listen: profile.listen.iter().map(|grant| grant.port).collect(),
        }
    }

    pub(super) fn add_rules(
        &self,
        ruleset: RulesetCreated,
    ) -> Result<RulesetCreated, CompileError> {
        let connect = self
            .connect
            .iter()
            .map(|&port| NetPort::new(port, AccessNet::ConnectTcp));
        let listen = self
            .listen
            .iter()
            .map(|&port| NetPort::new(port, AccessNet::BindTcp));
        let rules = connect.chain(listen).map(Ok::<_, landlock::RulesetError>);
        Ok(ruleset.add_rules(rules)?)
    }
}
