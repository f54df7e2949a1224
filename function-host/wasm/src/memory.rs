//! The guest's memory, bounded.
#![forbid(unsafe_code)]

use wasmtime::ResourceLimiter;

/// What an element of a table takes, in bytes.
const ELEMENT: usize = 16;

/// Bounds the linear memories and tables of an instance together.
///
/// What is over is refused, as the specification has it: `memory.grow` answers −1, and a program that
/// can do without goes on.
#[derive(Debug)]
pub(crate) struct Memory {
    left: usize,
    refused: bool,
}

impl Memory {
    /// At most `bytes`.
    pub(crate) fn new(bytes: u64) -> Self {
        Self {
            left: usize::try_from(bytes).unwrap_or(usize::MAX),
            refused: false,
        }
    }

    /// Whether anything was refused.
    pub(crate) fn refused(&self) -> bool {
        self.refused
    }

    fn take(&mut self, bytes: usize) -> bool {
        let left = self.left.checked_sub(bytes);
        self.refused |= left.is_none();
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // Beyond the module's own maximum it fails by itself.
        let valid = maximum.is_none_or(|maximum| desired <= maximum);
        Ok(valid && self.take(desired.saturating_sub(current)))
    }

    /// The kernel's limit, which counts the worker's own memory too, comes before ours.
    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.refused = true;
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let valid = maximum.is_none_or(|maximum| desired <= maximum);
        let more = desired.saturating_sub(current).saturating_mul(ELEMENT);
        Ok(valid && self.take(more))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_and_tables_share_one_bound() {
        let mut memory = Memory::new(100);
        assert!(memory.memory_growing(0, 60, None).unwrap());
        assert!(memory.table_growing(0, 2, None).unwrap());
        assert!(!memory.memory_growing(60, 61, Some(60)).unwrap());
        assert!(!memory.refused());
        assert!(!memory.table_growing(2, 3, None).unwrap());
        assert!(memory.refused());
        assert!(memory.memory_growing(60, 64, None).unwrap());
    }
}
