//! What the processes say to each other. Whatever comes from a worker or a zygote is hostile: frames
//! are bounded before they are read, and decoding never panics.
#![forbid(unsafe_code)]

mod frame;
mod message;

pub use frame::{FrameError, HEADER_LEN, Header, Kind, MAX_PAYLOAD, write_frames};
pub use message::{
    Burial, CallHead, Failure, FailureKind, Fork, FromUndertaker, FromZygote, Launch, Load, Parked,
    Program, ReplyHead, Serve, Start, Takes, ToUndertaker, ToZygote, Variables, WireError, decode,
    encode,
};
