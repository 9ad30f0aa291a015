#define _GNU_SOURCE
#include "CLinuxShims.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "result.h"

// Newer than the headers of Debian 12.
#define SET_MDWE 65
#define MDWE_REFUSE_EXEC_GAIN 1UL

#ifndef __has_feature
#define __has_feature(name) 0
#endif

bool linux_is_sanitized(void) {
    return __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||
           __has_feature(undefined_behavior_sanitizer);
}

int linux_refuse_exec_gain(void) { return (int)result(prctl(SET_MDWE, MDWE_REFUSE_EXEC_GAIN, 0UL, 0UL, 0UL)); }

// MARK: - Landlock

int linux_landlock_version(void) {
    return (int)result(syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION));
}

int linux_landlock_create(uint64_t files, uint64_t networks, uint64_t scopes) {
    // The kernel takes a longer structure than it knows if the rest is 0.
    const struct {
        uint64_t files, networks, scopes;
    } handled = {files, networks, scopes};
    return (int)result(syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0));
}

int linux_landlock_allow(int rules, int beneath, uint64_t files) {
    const struct landlock_path_beneath_attr rule = {.allowed_access = files, .parent_fd = beneath};
    return (int)result(syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0));
}

int linux_landlock_enforce(int rules) { return (int)result(syscall(SYS_landlock_restrict_self, rules, 0)); }

// MARK: - Filter of system calls

bool linux_can_filter(void) {
    const uint32_t action = SECCOMP_RET_LOG;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

#define ARGUMENT(n) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[n]))
#define NUMBER BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, action)

/// What a call is decided by whose number is loaded: if its argument `n` passes the test, by `yes`, and else by `no`. Five
/// instructions.
#define DECIDE(call, n, test, value, yes, no)                                                                    \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 4), ARGUMENT(n), BPF_JUMP(BPF_JMP | test | BPF_K, value, 0, 1), \
        RETURN(yes), RETURN(no)

int linux_filter_calls(const int32_t *allowed, size_t count, bool threads, bool log_only) {
    const uint32_t refuse = log_only ? SECCOMP_RET_LOG : SECCOMP_RET_ERRNO | EPERM;
    // Where it is not there, the C library takes `clone`, whose flags can be looked at.
    const uint32_t missing = log_only ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | ENOSYS;
    const uint32_t self = (uint32_t)getpid();
    const struct sock_filter start[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
        RETURN(SECCOMP_RET_KILL_PROCESS),
        NUMBER,
        DECIDE(__NR_mmap, 2, BPF_JSET, PROT_EXEC, refuse, SECCOMP_RET_ALLOW),
        DECIDE(__NR_mprotect, 2, BPF_JSET, PROT_EXEC, refuse, SECCOMP_RET_ALLOW),
        DECIDE(__NR_kill, 0, BPF_JEQ, self, SECCOMP_RET_ALLOW, refuse),
        DECIDE(__NR_tgkill, 0, BPF_JEQ, self, SECCOMP_RET_ALLOW, refuse),
        DECIDE(__NR_clone, 0, BPF_JSET, CLONE_THREAD, threads ? SECCOMP_RET_ALLOW : refuse, refuse),
        DECIDE(__NR_clone3, 0, BPF_JEQ, 0, missing, missing),
    };
    const size_t first = sizeof start / sizeof *start;
    if (count > 200) return -E2BIG;
    struct sock_filter *program = malloc((first + 2 * count + 1) * sizeof *program);
    if (!program) return -ENOMEM;
    size_t length = 0;
    for (; length < first; length++) program[length] = start[length];
    for (size_t i = 0; i < count; i++) {
        program[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)allowed[i], 0, 1);
        program[length++] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
    }
    program[length++] = (struct sock_filter)RETURN(refuse);
    const struct sock_fprog filter = {.len = (unsigned short)length, .filter = program};
    // Of all threads. What it returns above 0 is a thread that could not be.
    long outcome = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter);
    const int error = outcome < 0 ? errno : EBUSY;
    free(program);
    return outcome == 0 ? 0 : -error;
}
