//! A call's own process: new ones, other programs, attributes that would outlive or unlock something.

use crate::attack::{
    By::{Filter, Landlock, Limits},
    Profile::Forking,
    attack, attacks,
};

attacks! {
    as rows;
    processes_cannot_be_forked:
        attack(0, "fork", "fork").refused(Filter, "EPERM");
    processes_cannot_be_forked_by_vfork:
        attack(0, "vfork", "vfork").needs_feature("vfork", &["ENOSYS"]).refused(Filter, "EPERM");
    processes_cannot_be_cloned:
        attack(0, "clone", "clone SIGCHLD 0 0 0 0").refused(Filter, "EPERM");
    processes_cannot_be_cloned_with_a_high_word:
        attack(0, "clone", "clone SIGCHLD|HIGH 0 0 0 0").needs_feature("clone that ignores its high word", &["EINVAL"]).refused(Filter, "EPERM");
    clone3_is_absent:
        attack(65, "clone3", "clone3 mem:u64=0,u64=0,u64=0,u64=0,u64=SIGCHLD,zero=24 64").refused(Filter, "ENOSYS");
    children_cannot_be_given_to_the_zygote:
        attack(89, "CLONE_PARENT", "clone CLONE_PARENT|SIGCHLD 0 0 0 0").under(Forking).refused(Filter, "EPERM");
    children_cannot_be_given_to_the_zygote_with_a_high_word:
        attack(92, "CLONE_PARENT", "clone CLONE_PARENT|SIGCHLD|HIGH 0 0 0 0").under(Forking).refused(Filter, "EPERM");
    children_cannot_get_namespaces:
        attack(65, "CLONE_NEWUSER", "clone CLONE_NEWUSER|SIGCHLD 0 0 0 0")
            .needs_feature("user namespaces", &["EPERM", "ENOSPC", "EINVAL"])
            .under(Forking).refused(Filter, "EPERM");
    namespaces_cannot_be_entered_anew:
        attack(65, "CLONE_NEWUSER", "unshare CLONE_NEWUSER")
            .needs_feature("user namespaces", &["EPERM", "ENOSPC", "EINVAL"])
            .refused(Filter, "EPERM");
    mount_namespaces_cannot_be_entered_anew:
        attack(65, "CLONE_NEWNS", "unshare CLONE_NEWNS").control_in_namespace().refused(Filter, "EPERM");
    namespaces_of_others_kill_their_entrant:
        attack(65, "setns", "open str:/proc/self/ns/net O_RDONLY ; sandbox ; setns $0 0")
            .needs_capability(21, "CAP_SYS_ADMIN").killed();

    programs_cannot_be_executed:
        attack(0, "execve", "execve str:{program} strs:program,say 0").refused(Filter, "EPERM");
    programs_cannot_be_executed_by_descriptor:
        attack(0, "execveat", "open str:{program} O_PATH ; execveat $0 str: strs:program,say 0 AT_EMPTY_PATH")
            .refused(Filter, "EPERM");
    programs_that_were_not_granted_cannot_be_executed:
        attack(0, "execve", "execve str:{attacker} strs:attacker,say 0").under(Forking).refused(Landlock, "EACCES");
    programs_in_the_scratch_cannot_be_executed:
        attack(0, "execve", "open str:{program} O_RDONLY ; open str:copy O_WRONLY|O_CREAT 0o700 ; sendfile $1 $0 0 100000000 ; close $1 ; execve str:copy strs:copy,say 0")
            .under(Forking).refused(Landlock, "EACCES");
    programs_that_were_granted_run:
        attack(0, "execve", "execve str:{program} strs:program,say 0").under(Forking).remains();
    files_without_a_path_cannot_be_executed:
        attack(22, "memfd_create", "memfd_create str:any 0 ; open str:{program} O_RDONLY ; sendfile $0 $1 0 100000000 ; execveat $0 str: strs:program,say 0 AT_EMPTY_PATH")
            .under(Forking).refused(Filter, "ENOSYS");

    workers_cannot_become_dumpable:
        attack(45, "PR_SET_DUMPABLE", "prctl PR_SET_DUMPABLE 1 0 0 0").refused(Filter, "EPERM");
    workers_cannot_become_dumpable_with_a_high_word:
        attack(92, "PR_SET_DUMPABLE", "prctl PR_SET_DUMPABLE|HIGH 1 0 0 0").refused(Filter, "EPERM");
    deaths_of_parents_cannot_be_unwatched:
        attack(45, "PR_SET_PDEATHSIG", "prctl PR_SET_PDEATHSIG 0 0 0 0").refused(Filter, "EPERM");
    orphans_cannot_be_adopted:
        attack(45, "PR_SET_CHILD_SUBREAPER", "prctl PR_SET_CHILD_SUBREAPER 1 0 0 0").refused(Filter, "EPERM");
    tracers_cannot_be_invited:
        attack(45, "PR_SET_PTRACER", "prctl PR_SET_PTRACER -1 0 0 0").needs_feature("Yama", &["EINVAL"]).refused(Filter, "EPERM");
    memory_maps_cannot_be_rewritten:
        attack(45, "PR_SET_MM", "prctl PR_SET_MM PR_SET_MM_MAP_SIZE buf:8 0 0")
            .needs_feature("CONFIG_CHECKPOINT_RESTORE", &["EINVAL", "EPERM"]).refused(Filter, "EPERM");
    memory_cannot_be_merged:
        attack(23, "PR_SET_MEMORY_MERGE", "prctl PR_SET_MEMORY_MERGE 1 0 0 0")
            .needs_capability(24, "CAP_SYS_RESOURCE").needs_feature("KSM for processes (Linux 6.4)", &["EINVAL"]).refused(Filter, "EPERM");
    cores_cannot_be_shared_on_demand:
        attack(45, "PR_SCHED_CORE", "prctl PR_SCHED_CORE 1 0 0 0")
            .needs_feature("core scheduling and SMT", &["EINVAL", "ENODEV"]).refused(Filter, "EPERM");
    personalities_cannot_be_changed:
        attack(47, "personality", "personality ADDR_NO_RANDOMIZE").refused(Filter, "EPERM");
    personalities_cannot_be_changed_with_a_high_word:
        attack(92, "personality", "personality ADDR_NO_RANDOMIZE|HIGH").refused(Filter, "EPERM");
    segment_tables_cannot_be_read:
        attack(0, "modify_ldt", "modify_ldt 0 buf:64 64").needs_feature("CONFIG_MODIFY_LDT_SYSCALL", &["ENOSYS"]).refused(Filter, "EPERM");

    filters_cannot_be_added:
        attack(0, "seccomp", "mem u16=6,u16=0,u32=SECCOMP_RET_ALLOW ; mem u16=1,zero=6,u64=$0 ; prctl PR_SET_NO_NEW_PRIVS 1 0 0 0 ; seccomp SECCOMP_SET_MODE_FILTER 0 $1")
            .refused(Filter, "EPERM");
    filters_cannot_be_listened_to:
        attack(0, "seccomp", "mem u16=6,u16=0,u32=SECCOMP_RET_ALLOW ; mem u16=1,zero=6,u64=$0 ; prctl PR_SET_NO_NEW_PRIVS 1 0 0 0 ; seccomp SECCOMP_SET_MODE_FILTER SECCOMP_FILTER_NEW_LISTENER $1")
            .needs_feature("a chain of filters without a listener", &["EBUSY"]).refused(Filter, "EPERM");
    filters_cannot_be_added_by_prctl:
        attack(0, "PR_SET_SECCOMP", "mem u16=6,u16=0,u32=SECCOMP_RET_ALLOW ; mem u16=1,zero=6,u64=$0 ; prctl PR_SET_NO_NEW_PRIVS 1 0 0 0 ; prctl PR_SET_SECCOMP 2 $1 0 0")
            .refused(Filter, "EPERM");
    landlock_looks_absent:
        attack(0, "landlock", "landlock_create_ruleset mem:u64=4 8 0").refused(Filter, "ENOSYS");
    rulesets_that_were_handed_in_cannot_be_widened:
        attack(0, "landlock", "landlock_create_ruleset mem:u64=4 8 0 ; open str:/ O_PATH ; sandbox ; landlock_add_rule $0 1 mem:u64=4,u32=$1 0")
            .refused(Filter, "ENOSYS");
    rulesets_that_were_handed_in_cannot_be_enforced:
        attack(0, "landlock", "landlock_create_ruleset mem:u64=4 8 0 ; prctl PR_SET_NO_NEW_PRIVS 1 0 0 0 ; sandbox ; landlock_restrict_self $0 0")
            .refused(Filter, "ENOSYS");

    capabilities_cannot_be_read_or_set:
        attack(0, "capset", "mem u32=0x20080522,u32=0 ; mem zero=24 ; capget $0 $1 ; capset $0 $1").refused(Filter, "EPERM");
    users_cannot_be_changed:
        attack(0, "setresuid", "setresuid -1 -1 -1").refused(Filter, "EPERM");
    groups_cannot_be_changed:
        attack(0, "setresgid", "setresgid -1 -1 -1").refused(Filter, "EPERM");
    files_do_not_grow_beyond_their_limit:
        attack(14, "RLIMIT_FSIZE", "open str:mine O_RDWR|O_CREAT 0o600 ; ftruncate $0 0x4000000000").signalled(Limits, libc::SIGXFSZ);
    descriptors_do_not_exceed_their_limit:
        attack(0, "RLIMIT_NOFILE", "fcntl 1 F_DUPFD 300").refused(Limits, "EINVAL");
    memory_does_not_exceed_its_limit:
        attack(72, "RLIMIT_DATA", "mmap 0 0x40000000 PROT_READ|PROT_WRITE MAP_PRIVATE|MAP_ANONYMOUS -1 0").refused(Limits, "ENOMEM");
    limits_cannot_be_raised:
        attack(47, "setrlimit", "setrlimit RLIMIT_CPU mem:u64=1000000,u64=1000000").refused(Limits, "EPERM");
    core_dumps_cannot_be_turned_on:
        attack(16, "RLIMIT_CORE", "prlimit64 0 RLIMIT_CORE mem:u64=2,u64=2 0").refused(Limits, "EPERM");
}
