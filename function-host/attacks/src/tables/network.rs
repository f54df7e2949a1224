//! Sockets: to other calls, to the host, to anybody.

use crate::attack::{
    By::{Filter, Landlock},
    Profile::{Client, Server},
    attack, attacks,
};

/// What a kernel says that does not know a family or a protocol.
const UNKNOWN: &[&str] = &["EAFNOSUPPORT", "EPROTONOSUPPORT", "ESOCKTNOSUPPORT"];

/// A socket of one kind, which the filter refuses even where a profile grants TCP.
macro_rules! sockets {
    ($($name:ident: $row:literal $socket:literal $(, $needs:expr)?;)+) => {
        attacks! {
            as sockets;
            $($name: {
                let row = attack($row, "a socket of another kind", concat!("socket ", $socket)).under(Client).needs_feature(concat!("socket ", $socket), UNKNOWN);
                $(let row = $needs(row);)?
                row.refused(Filter, "EPERM")
            };)+
        }
    };
}

fn raw(row: crate::attack::Attack) -> crate::attack::Attack {
    row.needs_capability(13, "CAP_NET_RAW")
}

sockets! {
    udp_is_refused: 56 "AF_INET SOCK_DGRAM 0";
    udp_over_ipv6_is_refused: 56 "AF_INET6 SOCK_DGRAM 0";
    udp_is_refused_with_a_high_word: 92 "AF_INET|HIGH SOCK_DGRAM|HIGH 0";
    mptcp_is_refused: 53 "AF_INET SOCK_STREAM IPPROTO_MPTCP";
    mptcp_is_refused_with_a_high_word: 92 "AF_INET SOCK_STREAM IPPROTO_MPTCP|HIGH";
    sctp_is_refused: 53 "AF_INET SOCK_STREAM IPPROTO_SCTP";
    sctp_is_refused_as_packets: 53 "AF_INET SOCK_SEQPACKET IPPROTO_SCTP";
    smc_is_refused: 53 "AF_SMC SOCK_STREAM 0";
    smc_is_refused_as_a_protocol: 53 "AF_INET SOCK_STREAM IPPROTO_SMC";
    raw_ip_is_refused: 60 "AF_INET SOCK_RAW IPPROTO_RAW", raw;
    raw_icmp_is_refused: 60 "AF_INET SOCK_RAW IPPROTO_ICMP", raw;
    packets_are_refused: 59 "AF_PACKET SOCK_DGRAM 0", raw;
    unix_streams_are_refused: 50 "AF_UNIX SOCK_STREAM 0";
    unix_datagrams_are_refused: 50 "AF_UNIX SOCK_DGRAM 0";
    unix_packets_are_refused: 50 "AF_UNIX SOCK_SEQPACKET 0";
    unix_is_refused_with_a_high_word: 92 "AF_UNIX|HIGH SOCK_STREAM 0";
    routing_tables_are_refused: 58 "AF_NETLINK SOCK_RAW 0";
    netlink_between_users_is_refused: 58 "AF_NETLINK SOCK_RAW 2";
    socket_diagnosis_is_refused: 58 "AF_NETLINK SOCK_RAW 4";
    virtual_machine_sockets_are_refused: 59 "AF_VSOCK SOCK_STREAM 0";
    ciphers_are_refused: 59 "AF_ALG SOCK_SEQPACKET 0";
    tipc_is_refused: 59 "AF_TIPC SOCK_SEQPACKET 0";
    can_is_refused: 59 "AF_CAN SOCK_RAW 1";
    rds_is_refused: 59 "AF_RDS SOCK_SEQPACKET 0";
    kcm_is_refused: 59 "AF_KCM SOCK_DGRAM 0";
    xdp_is_refused: 59 "AF_XDP SOCK_RAW 0", raw;
    bluetooth_is_refused: 59 "AF_BLUETOOTH SOCK_STREAM 3";
}

attacks! {
    as rows;
    pings_are_refused:
        attack(60, "ICMP", "socket AF_INET SOCK_DGRAM IPPROTO_ICMP").under(Client)
            .needs_feature("net.ipv4.ping_group_range with this group", &["EACCES"]).refused(Filter, "EPERM");
    udp_that_was_handed_in_cannot_connect:
        attack(56, "UDP", "socket AF_INET SOCK_DGRAM 0 ; sandbox ; connect $0 in:{udp} 16").refused(Filter, "EPERM");

    tcp_is_refused:
        attack(57, "TCP", "socket AF_INET SOCK_STREAM 0 ; connect $0 in:{tcp} 16").refused(Filter, "EPERM");
    tcp_that_was_handed_in_cannot_connect:
        attack(52, "TCP", "socket AF_INET SOCK_STREAM 0 ; sandbox ; connect $0 in:{tcp} 16").refused(Filter, "EPERM");
    ports_that_were_not_granted_cannot_be_connected_to:
        attack(52, "TCP", "socket AF_INET SOCK_STREAM 0 ; connect $0 in:{tcp} 16").under(Client).refused(Landlock, "EACCES");
    ports_that_were_not_granted_cannot_be_bound:
        attack(52, "TCP", "socket AF_INET SOCK_STREAM 0 ; bind $0 in:0 16").under(Server).refused(Landlock, "EACCES");
    clients_cannot_bind:
        attack(52, "TCP", "socket AF_INET SOCK_STREAM 0 ; bind $0 in:0 16").under(Client).refused(Filter, "EPERM");
    clients_cannot_listen_without_a_port:
        attack(55, "listen without bind", "socket AF_INET SOCK_STREAM 0 ; listen $0 1").under(Client).refused(Filter, "EPERM");
    servers_cannot_connect:
        attack(52, "TCP", "socket AF_INET SOCK_STREAM 0 ; connect $0 in:{tcp} 16").under(Server).refused(Filter, "EPERM");
    ports_cannot_be_shared:
        attack(52, "SO_REUSEPORT", "socket AF_INET SOCK_STREAM 0 ; setsockopt $0 SOL_SOCKET SO_REUSEPORT mem:u32=1 4").under(Server).refused(Filter, "ENOPROTOOPT");
    sending_does_not_connect:
        attack(54, "MSG_FASTOPEN", "socket AF_INET SOCK_STREAM 0 ; sendto $0 buf:8 1 MSG_FASTOPEN in:{tcp} 16").under(Client)
            .needs_feature("TCP Fast Open for clients", &["EOPNOTSUPP"]).refused(Filter, "EOPNOTSUPP");
    sending_does_not_connect_with_a_high_word:
        attack(92, "MSG_FASTOPEN", "socket AF_INET SOCK_STREAM 0 ; sendto $0 buf:8 1 MSG_FASTOPEN|HIGH in:{tcp} 16").under(Client)
            .needs_feature("TCP Fast Open for clients", &["EOPNOTSUPP"]).refused(Filter, "EOPNOTSUPP");
    sending_messages_does_not_connect:
        attack(54, "MSG_FASTOPEN", "mem zero=8 ; mem u64=$0,u64=1 ; socket AF_INET SOCK_STREAM 0 ; sendmsg $2 mem:u64=in:{tcp},u32=16,u32=0,u64=$1,u64=1,zero=24 MSG_FASTOPEN").under(Client)
            .needs_feature("TCP Fast Open for clients", &["EOPNOTSUPP"]).refused(Filter, "EOPNOTSUPP");
    connecting_later_is_refused:
        attack(54, "TCP_FASTOPEN_CONNECT", "socket AF_INET SOCK_STREAM 0 ; setsockopt $0 IPPROTO_TCP TCP_FASTOPEN_CONNECT mem:u32=1 4").under(Client)
            .needs_feature("TCP Fast Open for clients", &["EOPNOTSUPP"]).refused(Filter, "EOPNOTSUPP");
    other_protocols_cannot_be_layered_on_tcp:
        attack(53, "TCP_ULP", "socket AF_INET SOCK_STREAM 0 ; setsockopt $0 IPPROTO_TCP TCP_ULP str:tls 3").under(Client)
            .control_reaches(&["ENOTCONN", "ENOENT", "EPERM"]).refused(Filter, "EOPNOTSUPP");

    datagram_pairs_are_refused:
        attack(51, "a datagram pair", "mem zero=8 ; socketpair AF_UNIX SOCK_DGRAM 0 $0 ; sendto *$0 buf:8 1 0 sun:{datagram} 110").refused(Filter, "EPERM");
    raw_pairs_are_refused:
        attack(50, "a raw pair, which is a datagram pair", "mem zero=8 ; socketpair AF_UNIX SOCK_RAW 0 $0 ; sendto *$0 buf:8 1 0 sun:{datagram} 110").refused(Filter, "EPERM");
    datagram_pairs_are_refused_with_a_high_word:
        attack(92, "a datagram pair", "mem zero=8 ; socketpair AF_UNIX|HIGH SOCK_DGRAM|HIGH 0 $0").refused(Filter, "EPERM");
    pairs_cannot_take_names:
        attack(50, "an abstract name for an end of a pair", "mem zero=8 ; socketpair AF_UNIX SOCK_STREAM 0 $0 ; bind *$0 sun:@{unique} 110").refused(Filter, "EPERM");
    abstract_sockets_cannot_be_connected_to:
        attack(50, "an abstract unix socket", "socket AF_UNIX SOCK_STREAM 0 ; sandbox ; connect $0 sun:@{abstract} 110").refused(Filter, "EPERM");
    abstract_sockets_are_out_of_scope:
        attack(50, "an abstract unix socket", "socket AF_UNIX SOCK_STREAM 0 ; sandbox ; connect $0 sun:@{abstract} 110").under(Client).refused(Landlock, "EPERM");
    abstract_sockets_cannot_be_sent_to:
        attack(50, "an abstract unix socket", "socket AF_UNIX SOCK_DGRAM 0 ; sandbox ; sendto $0 buf:8 1 0 sun:@{abstract-datagram} 110").refused(Landlock, "EPERM");
    path_sockets_cannot_be_connected_to:
        attack(51, "a unix socket with a path", "socket AF_UNIX SOCK_STREAM 0 ; sandbox ; connect $0 sun:{socket} 110").refused(Filter, "EPERM");
    sockets_cannot_be_put_into_another_scratch:
        attack(51, "a unix socket with a path", "socket AF_UNIX SOCK_STREAM 0 ; sandbox ; bind $0 sun:{other}/planted 110").under(Server).refused(Landlock, "EACCES");
    socket_files_cannot_be_made:
        attack(51, "a unix socket with a path", "mknod str:mine S_IFSOCK|0o600 0").refused(Filter, "EPERM");

    // No socket of these kinds can be made or had; what remains is shown all the same.
    path_sockets_beside_a_handed_one_remain: {
        let row = attack(51, "a unix socket with a path", "socket AF_UNIX SOCK_DGRAM 0 ; sandbox ; sendto $0 buf:8 1 0 sun:{datagram} 110");
        // Landlock covers it from ABI 9.
        if landlock_abi() >= 9 { row.refused(Landlock, "EACCES") } else { row.remains() }
    };
    udp_beside_a_handed_one_remains: {
        let row = attack(56, "UDP", "socket AF_INET SOCK_DGRAM 0 ; sandbox ; sendto $0 buf:8 1 0 in:{udp} 16");
        // Landlock covers it from ABI 10.
        if landlock_abi() >= 10 { row.refused(Landlock, "EACCES") } else { row.remains() }
    };
    // The port is one that the kernel picks, and that no other call may connect to unless its profile
    // happens to grant it.
    servers_may_listen_without_a_port:
        attack(55, "listen without bind", "socket AF_INET SOCK_STREAM 0 ; listen $0 1").under(Server).remains();
}

/// 0 where the kernel cannot be asked: then nothing is expected of it.
fn landlock_abi() -> u32 {
    leasehold_sandbox::Kernel::probe().map_or(0, |kernel| kernel.landlock_abi)
}
