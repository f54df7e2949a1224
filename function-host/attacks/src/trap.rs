//! Ways into the kernel that libc does not have.

use std::error::Error;

/// `getpid` by the 32-bit entry, where the same number would mean another call.
#[cfg(target_arch = "x86_64")]
pub(crate) fn int80() -> Result<u64, Box<dyn Error>> {
    let result: u64;
    // SAFETY: getpid touches no memory; the 32-bit entry clobbers r8 to r11, as is declared.
    unsafe {
        std::arch::asm!(
            "int 0x80",
            inlateout("rax") 20u64 => result,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
    if result == u64::from(std::process::id()) {
        Ok(result)
    } else {
        Err(format!("the 32-bit getpid gave {result:#x}").into())
    }
}

#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn int80() -> Result<u64, Box<dyn Error>> {
    Err("this architecture has no 32-bit entry of this kind".into())
}

/// vfork(2), whose child ends at once.
#[cfg(target_arch = "x86_64")]
pub(crate) fn vfork() -> Result<u64, i32> {
    let result: i64;
    // SAFETY: the child runs on this very stack while its parent waits, so it must not touch it:
    // it makes exit_group(0) and nothing else, in registers only.
    unsafe {
        std::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "mov eax, 231",
            "xor edi, edi",
            "syscall",
            "2:",
            inlateout("rax") libc::SYS_vfork => result,
            out("rdi") _, out("rcx") _, out("r11") _,
            options(nostack),
        );
    }
    match i32::try_from(-result) {
        Ok(error @ 1..4096) => Err(error),
        _ => Ok(result.cast_unsigned()),
    }
}

#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn vfork() -> Result<u64, i32> {
    Err(libc::ENOSYS)
}
