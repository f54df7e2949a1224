//! Frames on a worker's stream socket: a header of eight bytes, then a bounded payload.
//!
//! `kind: u8, zero: [u8; 3], length: u32 little-endian`.

use std::io::{self, IoSlice, Write};

/// Bytes of a header.
pub const HEADER_LEN: usize = 8;
/// The largest payload; a peer that announces more is cut off.
pub const MAX_PAYLOAD: usize = 128 * 1024;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Host to worker: the call begins, a [`super::CallHead`].
    Call,
    /// Either way: a piece of a body.
    Body,
    /// Either way: the body is complete.
    End,
    /// Worker to host: restricted and waiting, a [`super::Parked`].
    Parked,
    /// Worker to host: what it became ahead of its call is loaded.
    Loaded,
    /// Worker to host: the reply begins, a [`super::ReplyHead`].
    Head,
    /// Worker to host: the function has failed, a [`super::Failure`].
    Failed,
}

/// Why bytes are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The first byte names no kind, or the zeroes are not.
    #[error("a frame of an unknown kind")]
    UnknownKind,
    /// The announced payload is larger than [`MAX_PAYLOAD`].
    #[error("a frame of {0} bytes, more than {MAX_PAYLOAD}")]
    TooLarge(u32),
}

/// A frame's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What the frame is.
    pub kind: Kind,
    /// Bytes of payload that follow, at most [`MAX_PAYLOAD`].
    pub len: usize,
}

impl Header {
    /// The header's bytes.
    #[must_use]
    pub fn encode(self) -> [u8; HEADER_LEN] {
        let [a, b, c, d] = u32::try_from(self.len).unwrap_or(u32::MAX).to_le_bytes();
        [self.kind.byte(), 0, 0, 0, a, b, c, d]
    }

    /// Reads a header.
    ///
    /// # Errors
    /// When the bytes are none.
    pub fn decode(bytes: [u8; HEADER_LEN]) -> Result<Self, FrameError> {
        let [kind, 0, 0, 0, a, b, c, d] = bytes else {
            return Err(FrameError::UnknownKind);
        };
        let kind = Kind::from_byte(kind).ok_or(FrameError::UnknownKind)?;
        let announced = u32::from_le_bytes([a, b, c, d]);
        match usize::try_from(announced) {
            Ok(len) if len <= MAX_PAYLOAD => Ok(Self { kind, len }),
            _ => Err(FrameError::TooLarge(announced)),
        }
    }
}

impl Kind {
    const ALL: [(Self, u8); 7] = [
        (Self::Call, 1),
        (Self::Body, 2),
        (Self::End, 3),
        (Self::Parked, 4),
        (Self::Head, 5),
        (Self::Failed, 6),
        (Self::Loaded, 7),
    ];

    fn byte(self) -> u8 {
        Self::ALL
            .iter()
            .find(|(kind, _)| *kind == self)
            .map_or(0, |(_, byte)| *byte)
    }

    fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, known)| *known == byte)
            .map(|(kind, _)| *kind)
    }
}

/// Writes frames, as few system calls as the kernel allows: the wake-up is what costs.
///
/// A payload larger than [`MAX_PAYLOAD`] becomes several frames of its kind, which only bodies may be.
///
/// # Errors
/// Those of the writer; [`io::ErrorKind::WriteZero`] when it takes no more.
pub fn write_frames(writer: &mut impl Write, frames: &[(Kind, &[u8])]) -> io::Result<()> {
    let mut pieces: Vec<([u8; HEADER_LEN], &[u8])> = Vec::with_capacity(frames.len());
    for &(kind, payload) in frames {
        if payload.is_empty() {
            pieces.push((Header { kind, len: 0 }.encode(), payload));
        }
        for chunk in payload.chunks(MAX_PAYLOAD) {
            pieces.push((
                Header {
                    kind,
                    len: chunk.len(),
                }
                .encode(),
                chunk,
            ));
        }
    }
    let mut slices: Vec<IoSlice<'_>> = pieces
        .iter()
        .flat_map(|(header, chunk)| [IoSlice::new(header), IoSlice::new(chunk)])
        .filter(|slice| !slice.is_empty())
        .collect();
    let mut left = slices.as_mut_slice();
    while !left.is_empty() {
        match writer.write_vectored(left) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut left, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn decoding_is_total_and_bounded(bytes: [u8; HEADER_LEN]) {
            if let Ok(header) = Header::decode(bytes) {
                prop_assert!(header.len <= MAX_PAYLOAD);
                prop_assert_eq!(header.encode(), bytes);
            }
        }

        #[test]
        fn large_bodies_become_several_frames(len in 0usize..400_000) {
            let payload = vec![7u8; len];
            let mut out = Vec::new();
            write_frames(&mut out, &[(Kind::Body, &payload), (Kind::End, b"")]).unwrap();
            let mut rest = out.as_slice();
            let (mut total, mut ended) = (0, false);
            while let Some((head, tail)) = rest.split_first_chunk::<HEADER_LEN>() {
                let header = Header::decode(*head).unwrap();
                prop_assert!(!ended);
                ended = header.kind == Kind::End;
                total += header.len;
                rest = &tail[header.len..];
            }
            prop_assert!(ended && rest.is_empty());
            prop_assert_eq!(total, len);
        }
    }
}
