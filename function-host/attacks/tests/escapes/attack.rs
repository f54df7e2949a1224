//! The crate's attacks, and the macro that makes tests of its tables.

pub(crate) use leasehold_attacks::attack::{Answer, Attack, By, Profile, Skip, attack};

/// A test for each attack of a table.
macro_rules! attacks {
    (as $list:ident; $($name:ident: $attack:expr;)+) => {
        $(
            #[test]
            fn $name() {
                crate::harness::check(stringify!($name), &$attack);
            }
        )+
    };
}
pub(crate) use attacks;
