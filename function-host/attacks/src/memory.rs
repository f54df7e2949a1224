//! What system calls point at, made from text: strings, structures, socket addresses.
//!
//! Nothing is ever freed: an attack is a few calls long, and the kernel may hold on to any of it.

use std::error::Error;
use std::ffi::CString;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The address of these bytes, as a system call's argument.
pub(crate) fn leak(bytes: Vec<u8>) -> u64 {
    // Aligned for whatever structure the kernel takes it for.
    let mut words = vec![0u64; bytes.len().div_ceil(8).max(1)];
    for (word, chunk) in words.iter_mut().zip(bytes.chunks(8)) {
        let mut value = [0; 8];
        for (to, from) in value.iter_mut().zip(chunk) {
            *to = *from;
        }
        *word = u64::from_ne_bytes(value);
    }
    words.leak().as_mut_ptr().expose_provenance() as u64
}

/// The address of a page's worth of memory.
#[must_use]
pub fn page() -> u64 {
    leak(vec![0x5a; 4096])
}

/// The address of a C string.
pub(crate) fn string(text: &str) -> Result<u64> {
    Ok(leak(CString::new(text)?.into_bytes_with_nul()))
}

/// The address of an array of C strings that ends with a null pointer.
pub(crate) fn strings(texts: &str) -> Result<u64> {
    let mut bytes = Vec::new();
    for text in texts.split(',') {
        bytes.extend(string(text)?.to_ne_bytes());
    }
    bytes.extend(0u64.to_ne_bytes());
    Ok(leak(bytes))
}

/// Appends one field of a structure: `value` in the width that `kind` names, or that many zeroes.
pub(crate) fn field(bytes: &mut Vec<u8>, kind: &str, value: u64) -> Result<()> {
    let native = value.to_ne_bytes();
    // The kernel's widths cut off what does not fit, as a cast in C would.
    let width = match kind {
        "u8" => 1,
        "u16" => 2,
        "u32" => 4,
        "u64" => 8,
        "zero" => {
            bytes.resize(bytes.len() + usize::try_from(value)?, 0);
            return Ok(());
        }
        other => return Err(format!("there is no field kind {other:?}").into()),
    };
    let range = if cfg!(target_endian = "little") {
        0..width
    } else {
        8 - width..8
    };
    bytes.extend(native.get(range).unwrap_or_default());
    Ok(())
}

/// The address of a `sockaddr_un` of 110 bytes: a path, or an abstract name behind `@`.
pub(crate) fn unix_address(name: &str) -> Result<u64> {
    let mut bytes = u16::try_from(libc::AF_UNIX)?.to_ne_bytes().to_vec();
    bytes.extend(name.replacen('@', "\0", 1).bytes());
    if bytes.len() > 109 {
        return Err(format!("{name:?} is too long for a socket's name").into());
    }
    bytes.resize(110, 0);
    Ok(leak(bytes))
}

/// The address of a `sockaddr_in` of 16 bytes: a port of 127.0.0.1.
pub(crate) fn inet_address(port: &str) -> Result<u64> {
    let mut bytes = u16::try_from(libc::AF_INET)?.to_ne_bytes().to_vec();
    bytes.extend(port.parse::<u16>()?.to_be_bytes());
    bytes.extend([127, 0, 0, 1]);
    bytes.resize(16, 0);
    Ok(leak(bytes))
}

/// The descriptor at `address`, where a call like pipe(2) has put it.
pub(crate) fn load(address: u64) -> Result<u64> {
    let pointer = std::ptr::with_exposed_provenance::<libc::c_int>(usize::try_from(address)?);
    // SAFETY: the programs load only from what `leak` has made, which lives for ever.
    let number = unsafe { pointer.read_unaligned() };
    Ok(u64::try_from(number)?)
}
