//! The messages of every direction: decoding never panics, and what was decoded says the same again.
#![no_main]

use std::fmt::Debug;

use leasehold_zygote::wire::{
    CallHead, Failure, FromUndertaker, FromZygote, HEADER_LEN, Header, Launch, Load, Parked,
    ReplyHead, Serve, ToUndertaker, ToZygote, decode, encode,
};
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;

fuzz_target!(|input: (u8, &[u8])| {
    let (which, bytes) = input;
    match which % 12 {
        0 => again::<CallHead>(bytes),
        1 => again::<ReplyHead>(bytes),
        2 => again::<Failure>(bytes),
        3 => again::<Parked>(bytes),
        4 => again::<Launch>(bytes),
        5 => again::<Serve>(bytes),
        6 => again::<ToZygote>(bytes),
        7 => again::<FromZygote>(bytes),
        8 => again::<ToUndertaker>(bytes),
        9 => again::<FromUndertaker>(bytes),
        10 => again::<Load>(bytes),
        _ => {
            if let Some(Ok(header)) = bytes
                .first_chunk::<HEADER_LEN>()
                .map(|it| Header::decode(*it))
            {
                assert_eq!(header.encode().as_slice(), &bytes[..HEADER_LEN]);
            }
        }
    }
});

fn again<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) {
    if let Ok(message) = decode::<T>(bytes) {
        let encoded = encode(&message).expect("what was decoded can be encoded");
        assert_eq!(decode::<T>(&encoded).expect("and decoded again"), message);
    }
}
