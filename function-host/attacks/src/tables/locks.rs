//! Locks, leases, the page cache: what readers of one file could tell each other.

use crate::attack::{By::Filter, attack, attacks};

attacks! {
    as rows;
    whole_files_cannot_be_locked:
        attack(8, "flock", "open str:{function}/data O_RDONLY ; flock $0 LOCK_EX").refused(Filter, "ENOSYS");
    locks_of_open_files_are_refused:
        attack(8, "F_OFD_SETLK", "open str:{function}/data O_RDONLY ; fcntl $0 F_OFD_SETLK mem:u16=F_RDLCK,u16=0,u32=0,u64=0,u64=1,zero=8")
            .refused(Filter, "EPERM");
    locks_of_open_files_cannot_be_seen:
        attack(8, "F_OFD_GETLK", "open str:{function}/data O_RDONLY ; fcntl $0 F_OFD_GETLK mem:u16=F_WRLCK,u16=0,u32=0,u64=0,u64=1,zero=8")
            .refused(Filter, "EPERM");
    locks_of_others_cannot_be_seen:
        attack(8, "F_GETLK", "open str:{function}/data O_RDONLY ; fcntl $0 F_GETLK mem:u16=F_WRLCK,u16=0,u32=0,u64=0,u64=1,zero=8")
            .refused(Filter, "EPERM");
    locks_of_others_cannot_be_seen_with_a_high_word:
        attack(92, "F_GETLK", "open str:{function}/data O_RDONLY ; fcntl $0 F_GETLK|HIGH mem:u16=F_WRLCK,u16=0,u32=0,u64=0,u64=1,zero=8")
            .refused(Filter, "EPERM");
    record_locks_remain:
        attack(8, "F_SETLK", "open str:{function}/data O_RDONLY ; fcntl $0 F_SETLK mem:u16=F_RDLCK,u16=0,u32=0,u64=0,u64=1,zero=8")
            .remains();
    leases_are_refused:
        attack(84, "F_SETLEASE", "open str:{function}/data O_RDONLY ; fcntl $0 F_SETLEASE F_RDLCK")
            .refused(Filter, "EPERM");
    write_hints_are_refused:
        attack(84, "F_SET_RW_HINT", "open str:{function}/data O_RDONLY ; fcntl $0 F_SET_RW_HINT mem:u64=2")
            .refused(Filter, "EPERM");

    resident_pages_cannot_be_asked_for:
        attack(15, "mincore", "open str:{function}/data O_RDONLY ; mmap 0 4096 PROT_READ MAP_SHARED $0 0 ; mincore $1 4096 buf:8")
            .refused(Filter, "EPERM");
    cached_pages_cannot_be_counted:
        attack(15, "cachestat", "open str:{function}/data O_RDONLY ; cachestat $0 mem:u64=0,u64=4096 buf:64 0")
            .needs_feature("cachestat (Linux 6.5)", &["ENOSYS"])
            .refused(Filter, "EPERM");
    cached_pages_cannot_be_read_alone:
        attack(15, "RWF_NOWAIT", "open str:{function}/data O_RDONLY ; mem u64=$0,zero=64 ; mem u64=$1,u64=4 ; preadv2 $0 $2 1 0 0 RWF_NOWAIT")
            .needs_feature("RWF_NOWAIT in the temporary directory", &["EOPNOTSUPP"])
            .refused(Filter, "EOPNOTSUPP");
    cached_pages_cannot_be_read_alone_with_a_high_word:
        attack(92, "RWF_NOWAIT", "open str:{function}/data O_RDONLY ; mem u64=$0,zero=64 ; mem u64=$1,u64=4 ; preadv2 $0 $2 1 0 0 RWF_NOWAIT|HIGH")
            .needs_feature("RWF_NOWAIT in the temporary directory", &["EOPNOTSUPP"])
            .refused(Filter, "EOPNOTSUPP");
    cached_pages_cannot_be_dropped:
        attack(15, "POSIX_FADV_DONTNEED", "open str:{function}/data O_RDONLY ; fadvise64 $0 0 4096 POSIX_FADV_DONTNEED")
            .refused(Filter, "EPERM");
    pages_cannot_be_fetched_ahead:
        attack(15, "readahead", "open str:{function}/data O_RDONLY ; readahead $0 0 4096").refused(Filter, "EPERM");
    mapped_pages_cannot_be_evicted:
        attack(15, "MADV_PAGEOUT", "open str:{function}/data O_RDONLY ; mmap 0 4096 PROT_READ MAP_SHARED $0 0 ; madvise $1 4096 MADV_PAGEOUT")
            .refused(Filter, "EINVAL");
    mapped_pages_cannot_be_cooled:
        attack(15, "MADV_COLD", "open str:{function}/data O_RDONLY ; mmap 0 4096 PROT_READ MAP_SHARED $0 0 ; madvise $1 4096 MADV_COLD|HIGH")
            .refused(Filter, "EINVAL");
    equal_pages_cannot_be_merged:
        attack(23, "MADV_MERGEABLE", "mmap 0 4096 PROT_READ|PROT_WRITE MAP_PRIVATE|MAP_ANONYMOUS -1 0 ; madvise $0 4096 MADV_MERGEABLE")
            .needs_feature("KSM", &["EINVAL"])
            .refused(Filter, "EINVAL");
    futexes_in_shared_files_remain:
        attack(25, "a futex in a read-only file", "open str:{function}/data O_RDONLY ; mmap 0 4096 PROT_READ MAP_SHARED $0 0 ; futex $1 FUTEX_WAKE 1 0 0 0")
            .remains();
}
