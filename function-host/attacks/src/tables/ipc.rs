//! System V and POSIX IPC, keyrings, memory without a path, and kernel interfaces that go around.

use crate::attack::{By::Filter, attack, attacks};

attacks! {
    as rows;
    shared_memory_segments_cannot_be_made:
        attack(48, "System V shared memory", "shmget IPC_PRIVATE 4096 IPC_CREAT|0o600 ; shmctl $0 IPC_RMID 0")
            .refused(Filter, "EPERM");
    shared_memory_segments_cannot_be_attached:
        attack(48, "System V shared memory", "shmget IPC_PRIVATE 4096 IPC_CREAT|0o600 ; shmat $0 0 0 ; shmctl $0 IPC_RMID 0 ; sandbox ; shmat $0 0 0")
            .refused(Filter, "EPERM");
    message_queues_cannot_be_made:
        attack(49, "System V messages", "msgget IPC_PRIVATE IPC_CREAT|0o600 ; msgctl $0 IPC_RMID 0")
            .refused(Filter, "EPERM");
    semaphores_cannot_be_made:
        attack(49, "System V semaphores", "semget IPC_PRIVATE 1 IPC_CREAT|0o600 ; semctl $0 0 IPC_RMID 0")
            .refused(Filter, "EPERM");
    posix_message_queues_cannot_be_made:
        attack(13, "POSIX message queues", "mq_open str:{unique} O_RDWR|O_CREAT 0o600 0 ; mq_unlink str:{unique}")
            .needs_feature("CONFIG_POSIX_MQUEUE", &["ENOSYS"])
            .refused(Filter, "EPERM");
    posix_message_queues_cannot_be_used:
        attack(13, "POSIX message queues", "mq_open str:{unique} O_RDWR|O_CREAT 0o600 0 ; mq_unlink str:{unique} ; sandbox ; mq_timedsend $0 buf:8 1 0 0")
            .needs_feature("CONFIG_POSIX_MQUEUE", &["ENOSYS"])
            .refused(Filter, "EPERM");

    keys_kill_their_maker:
        attack(61, "keyrings", "add_key str:user str:{unique} str:payload 7 KEY_SPEC_PROCESS_KEYRING").killed();
    keys_kill_their_seeker:
        attack(61, "keyrings", "add_key str:user str:{unique} str:payload 7 KEY_SPEC_PROCESS_KEYRING ; sandbox ; request_key str:user str:{unique} 0 0")
            .killed();
    the_users_keyring_kills_its_reader:
        attack(61, "keyrings", "keyctl 0 KEY_SPEC_USER_KEYRING 1").killed();

    files_without_a_path_cannot_be_made:
        attack(22, "memfd_create", "memfd_create str:any 0").refused(Filter, "ENOSYS");
    secret_memory_cannot_be_made:
        attack(22, "memfd_secret", "memfd_secret 0")
            .needs_feature("memfd_secret", &["ENOSYS"])
            .refused(Filter, "ENOSYS");
    page_faults_kill_their_handler:
        attack(24, "userfaultfd", "userfaultfd UFFD_USER_MODE_ONLY")
            .needs_feature("CONFIG_USERFAULTFD", &["ENOSYS"])
            .killed();
    io_uring_is_absent:
        attack(62, "io_uring", "io_uring_setup 1 buf:120")
            .needs_feature("io_uring for ordinary users", &["ENOSYS", "EPERM"])
            .refused(Filter, "ENOSYS");
    a_ring_that_was_handed_in_is_dead:
        attack(62, "io_uring", "io_uring_setup 1 buf:120 ; sandbox ; io_uring_enter $0 0 0 0 0 0")
            .needs_feature("io_uring for ordinary users", &["ENOSYS", "EPERM"])
            .refused(Filter, "ENOSYS");
    asynchronous_io_is_refused:
        attack(63, "AIO contexts", "io_setup 1 mem:u64=0").refused(Filter, "EPERM");
    bpf_kills_its_loader:
        attack(64, "bpf", "bpf 0 mem:u32=2,u32=4,u32=4,u32=1,zero=104 120")
            .needs_capability(39, "CAP_BPF")
            .needs_feature("CONFIG_BPF_SYSCALL", &["ENOSYS"])
            .killed();
    pages_cannot_be_spliced_out_of_memory:
        attack(26, "vmsplice", "pipe buf:8 ; mem zero=16 ; pipe $1 ; mem u64=$1,u64=4 ; vmsplice 4 $3 1 0")
            .refused(Filter, "EPERM");
    mappings_do_not_grow:
        attack(0, "MAP_GROWSDOWN", "mmap 0 4096 PROT_READ|PROT_WRITE MAP_PRIVATE|MAP_ANONYMOUS|MAP_GROWSDOWN -1 0")
            .refused(Filter, "EPERM");
}
