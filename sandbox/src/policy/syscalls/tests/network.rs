//! Sockets.

use super::*;

#[test]
fn without_a_port_there_is_no_network() {
    let worker = Filters::worker(&NONE);
    for family in 0..46 {
        assert_eq!(worker.int("socket", &[family, 1, 0]), EPERM);
    }
    for name in ["connect", "bind", "listen"] {
        assert_eq!(worker.answer(name, &[3]), EPERM);
        assert_eq!(
            Filters::worker(&LISTEN).answer(name, &[3]),
            if name == "connect" { EPERM } else { ALLOW }
        );
        assert_eq!(
            Filters::worker(&CONNECT).answer(name, &[3]),
            if name == "connect" { ALLOW } else { EPERM }
        );
    }
}

#[test]
fn with_ports_only_tcp() {
    for intents in [CONNECT, LISTEN] {
        let worker = Filters::worker(&intents);
        for family in [2, 10] {
            for kind in [1, 0x8_0001, 0x8_0801] {
                assert_eq!(worker.int("socket", &[family, kind, 0]), ALLOW);
                assert_eq!(worker.int("socket", &[family, kind, 6]), ALLOW);
                for protocol in [1, 17, 132, 256, 262, 255] {
                    assert_eq!(
                        worker.int("socket", &[family, kind, protocol]),
                        EPERM,
                        "{protocol}"
                    );
                }
            }
            for kind in [0, 2, 3, 4, 5, 6, 9, 10, 0x8_0002] {
                assert_eq!(worker.int("socket", &[family, kind, 0]), EPERM, "{kind}");
            }
        }
        for family in (0..46).filter(|family| ![2, 10].contains(family)) {
            for protocol in [0, 6] {
                assert_eq!(
                    worker.int("socket", &[family, 1, protocol]),
                    EPERM,
                    "{family}"
                );
            }
        }
    }
}

#[test]
fn pairs_options_and_flags() {
    let worker = Filters::worker(&CONNECT);
    for (family, kind, answer) in [
        (1, 1, ALLOW),
        (1, 0x8_0805, ALLOW),
        (1, 2, EPERM),
        (1, 3, EPERM),
        (1, 0x8_0002, EPERM),
        (1, 9, EPERM),
        (2, 1, EPERM),
        (30, 5, EPERM),
    ] {
        assert_eq!(
            worker.int("socketpair", &[family, kind, 0]),
            answer,
            "{family} {kind:#x}"
        );
    }
    for (name, flags) in [("sendto", 3), ("sendmsg", 2), ("sendmmsg", 3)] {
        let call = |value| {
            let mut args = [0; 4];
            args[flags] = value;
            worker.int(name, &args)
        };
        assert_eq!(call(0x4000), ALLOW); // MSG_NOSIGNAL
        assert_eq!(call(0x2000_0000), EOPNOTSUPP);
        assert_eq!(call(0x2000_4040), EOPNOTSUPP);
    }
    for (level, option, answer) in [
        (6, 1, ALLOW),
        (6, 23, EOPNOTSUPP),
        (6, 30, EOPNOTSUPP),
        (6, 31, EOPNOTSUPP),
        (1, 30, ALLOW),
        (1, 2, ALLOW),
        (1, 15, ENOPROTOOPT),
        (1, 76, ENOPROTOOPT),
    ] {
        assert_eq!(
            worker.int("setsockopt", &[3, level, option]),
            answer,
            "{level} {option}"
        );
    }
}
