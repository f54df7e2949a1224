//! Which sockets can be made, and what may be done with them.
#![forbid(unsafe_code)]

use super::Intents;
use super::arguments::{Rule, bits, dword, when};
use crate::policy::bpf::{Action, BpfError, Clause, Entry};

const EPERM: Action = Action::Errno(libc::EPERM as u16);
const EOPNOTSUPP: Action = Action::Errno(libc::EOPNOTSUPP as u16);
const ENOPROTOOPT: Action = Action::Errno(libc::ENOPROTOOPT as u16);

/// `<linux/socket.h>`, `<linux/net.h>`, `<linux/in.h>`.
const AF_UNIX: u32 = 1;
const AF_INET: u32 = 2;
const AF_INET6: u32 = 10;
/// SOCK_TYPE_MASK: the bits above it are SOCK_CLOEXEC and SOCK_NONBLOCK.
const SOCK_TYPE: u32 = 0xf;
const SOCK_STREAM: u32 = 1;
const SOCK_SEQPACKET: u32 = 5;
const IPPROTO_TCP: u32 = 6;

/// Landlock rules TCP ports, and nothing else that a socket reaches.
pub(super) fn rules(intents: &Intents<'_>) -> Result<Vec<Rule>, BpfError> {
    /// It connects while it sends, past Landlock's rule on connect.
    const MSG_FASTOPEN: u32 = 0x2000_0000;
    let granted = |granted| Entry::always(if granted { Action::Allow } else { EPERM });
    // EOPNOTSUPP: the answer where TCP Fast Open is turned off, after which programs connect.
    let send = |flags| {
        when(
            vec![bits(flags, MSG_FASTOPEN, 0)?],
            Action::Allow,
            EOPNOTSUPP,
        )
    };
    Ok(vec![
        ("socket", socket(intents.connect || intents.listen)?),
        ("socketpair", socketpair()?),
        ("connect", granted(intents.connect)?),
        // A port to connect from is Landlock's bind right as well, which `listen` alone grants; and an
        // end of a pair could take an abstract name that other calls find taken.
        ("bind", granted(intents.listen)?),
        // Without bind, listen takes a port that nobody granted; but where no socket can be made, the only
        // one that it can mean is the host's.
        ("listen", granted(intents.listen || intents.listener)?),
        ("sendto", send(3)?),
        ("sendmsg", send(2)?),
        ("sendmmsg", send(3)?),
        ("setsockopt", setsockopt()?),
        ("getsockopt", getsockopt()?),
    ])
}

/// TCP only. MPTCP, SCTP and SMC are streams that Landlock's rules on ports do not cover; datagrams,
/// raw sockets, other families it does not cover either. getaddrinfo does without its netlink socket.
fn socket(network: bool) -> Result<Entry, BpfError> {
    let mut clauses = Vec::new();
    if network {
        for family in [AF_INET, AF_INET6] {
            for protocol in [0, IPPROTO_TCP] {
                let conditions = vec![
                    dword(0, family)?,
                    bits(1, SOCK_TYPE, SOCK_STREAM)?,
                    dword(2, protocol)?,
                ];
                clauses.push(Clause::new(conditions, Action::Allow)?);
            }
        }
    }
    Entry::new(clauses, EPERM)
}

/// A datagram pair can send to any socket that has a path or an abstract name.
fn socketpair() -> Result<Entry, BpfError> {
    let connected = [SOCK_STREAM, SOCK_SEQPACKET].map(|kind| {
        Clause::new(
            vec![dword(0, AF_UNIX)?, bits(1, SOCK_TYPE, kind)?],
            Action::Allow,
        )
    });
    Entry::new(connected.into_iter().collect::<Result<_, _>>()?, EPERM)
}

/// `<asm-generic/socket.h>`.
const SOL_SOCKET: u32 = 1;

/// Options of a socket that one has, but for a few; ENOPROTOOPT is what a kernel without the option
/// says.
fn setsockopt() -> Result<Entry, BpfError> {
    /// `<linux/tcp.h>`: TCP_FASTOPEN and TCP_FASTOPEN_CONNECT connect past Landlock's rule; TCP_ULP
    /// turns the socket into another protocol.
    const TCP: [u32; 3] = [23, 30, 31];
    /// SO_REUSEPORT: two processes of one user share a port, and each takes connections meant for
    /// the other. SO_PASSPIDFD: as SO_PEERPIDFD below.
    const SOCKET: [u32; 2] = [15, 76];
    let mut clauses = Vec::new();
    for option in TCP {
        clauses.push(Clause::new(
            vec![dword(1, IPPROTO_TCP)?, dword(2, option)?],
            EOPNOTSUPP,
        )?);
    }
    for option in SOCKET {
        clauses.push(Clause::new(
            vec![dword(1, SOL_SOCKET)?, dword(2, option)?],
            ENOPROTOOPT,
        )?);
    }
    Entry::new(clauses, Action::Allow)
}

fn getsockopt() -> Result<Entry, BpfError> {
    /// A pidfd of whoever is at the other end, the host for one, though pidfd_open is refused.
    const SO_PEERPIDFD: u32 = 77;
    when(
        vec![dword(1, SOL_SOCKET)?, dword(2, SO_PEERPIDFD)?],
        ENOPROTOOPT,
        Action::Allow,
    )
}
