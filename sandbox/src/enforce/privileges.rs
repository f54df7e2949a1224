//! Capabilities: every set empty, the bounding set too where we may.

use caps::{CapSet, Capability};

use super::EnforceError;

/// Empties the capability sets of the calling thread and proves it.
///
/// Dropping from the bounding set needs CAP_SETPCAP; without it (an ordinary user) the set stays as
/// it is and means nothing, since `no_new_privs` and an empty permitted set leave no way to gain.
pub(super) fn drop_capabilities() -> Result<(), EnforceError> {
    let failed = |error: caps::errors::CapsError| EnforceError::Capabilities(error.to_string());
    if caps::read(None, CapSet::Permitted)
        .map_err(failed)?
        .is_empty()
    {
        return Ok(());
    }
    if caps::has_cap(None, CapSet::Effective, Capability::CAP_SETPCAP).map_err(failed)? {
        caps::clear(None, CapSet::Bounding).map_err(failed)?;
    }
    caps::clear(None, CapSet::Ambient).map_err(failed)?;
    for set in [CapSet::Inheritable, CapSet::Effective, CapSet::Permitted] {
        caps::clear(None, set).map_err(failed)?;
    }
    for set in [
        CapSet::Permitted,
        CapSet::Effective,
        CapSet::Inheritable,
        CapSet::Ambient,
    ] {
        let left = caps::read(None, set).map_err(failed)?;
        if !left.is_empty() {
            return Err(EnforceError::Capabilities(format!(
                "{set:?} still holds {left:?}"
            )));
        }
    }
    Ok(())
}
