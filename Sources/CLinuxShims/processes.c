#define _GNU_SOURCE
#include "CLinuxShims.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "result.h"

/// The descriptors are first copied above every target, so that no `dup2` of the child can overwrite a source.
static int add_descriptors(posix_spawn_file_actions_t *actions, const struct linux_spawn *spawn, int *copies) {
    int highest = STDERR_FILENO;
    for (size_t i = 0; i < spawn->descriptor_count; i++) {
        if (spawn->targets[i] < 0 || spawn->targets[i] == INT_MAX) return EBADF;
        if (spawn->targets[i] > highest) highest = spawn->targets[i];
    }
    bool input_mapped = false;
    for (size_t i = 0; i < spawn->descriptor_count; i++) {
        copies[i] = fcntl(spawn->sources[i], F_DUPFD_CLOEXEC, highest + 1);
        if (copies[i] < 0) return errno;
        int error = posix_spawn_file_actions_adddup2(actions, copies[i], spawn->targets[i]);
        if (error != 0) return error;
        input_mapped = input_mapped || spawn->targets[i] == STDIN_FILENO;
    }
    if (!input_mapped) {
        int error = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (error != 0) return error;
    }
    for (int fd = STDERR_FILENO + 1; fd < highest; fd++) {
        bool mapped = false;
        for (size_t i = 0; i < spawn->descriptor_count; i++) mapped = mapped || spawn->targets[i] == fd;
        if (mapped) continue;
        int error = posix_spawn_file_actions_addclose(actions, fd);
        if (error != 0) return error;
    }
    return posix_spawn_file_actions_addclosefrom_np(actions, highest + 1);
}

static int set_attributes(posix_spawnattr_t *attributes, const struct linux_spawn *spawn) {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    if (spawn->new_process_group) flags |= POSIX_SPAWN_SETPGROUP;
    int error = posix_spawnattr_setsigmask(attributes, &none);
    if (error == 0) error = posix_spawnattr_setsigdefault(attributes, &all);
    if (error == 0) error = posix_spawnattr_setpgroup(attributes, 0);
    if (error == 0) error = posix_spawnattr_setflags(attributes, flags);
    return error;
}

int linux_spawn(const struct linux_spawn *spawn, int32_t *pid) {
    size_t count = spawn->descriptor_count;
    int *copies = malloc(sizeof(int) * (count + 1));
    if (!copies) return -ENOMEM;
    for (size_t i = 0; i < count; i++) copies[i] = -1;

    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error = posix_spawn_file_actions_init(&actions);
    if (error == 0) {
        error = posix_spawnattr_init(&attributes);
        if (error == 0) {
            error = add_descriptors(&actions, spawn, copies);
            if (error == 0) error = set_attributes(&attributes, spawn);
            pid_t child = -1;
            if (error == 0) {
                error = posix_spawn(&child, spawn->path, &actions, &attributes, spawn->arguments, spawn->environment);
            }
            if (error == 0) *pid = child;
            posix_spawnattr_destroy(&attributes);
        }
        posix_spawn_file_actions_destroy(&actions);
    }
    for (size_t i = 0; i < count; i++) {
        if (copies[i] >= 0) close(copies[i]);
    }
    free(copies);
    return -error;
}

int linux_pidfd_open(int32_t pid) { return (int)result(pidfd_open(pid, 0)); }

int linux_pidfd_signal(int pidfd, int signal_number) {
    return (int)result(pidfd_send_signal(pidfd, signal_number, NULL, 0));
}

int linux_pidfd_reap(int pidfd, bool block, struct linux_exit *status) {
    siginfo_t info = {0};
    int options = WEXITED | (block ? 0 : WNOHANG);
    struct rusage usage = {0};
    // The C library's waitid leaves out the kernel's fifth argument.
    if (TEMP_FAILURE_RETRY(syscall(SYS_waitid, P_PIDFD, pidfd, &info, options, &usage)) < 0) return -errno;
    if (info.si_pid == 0) return 0;
    status->peak_kib = usage.ru_maxrss;
    status->value = info.si_status;
    status->by_signal = info.si_code != CLD_EXITED;
    status->core_dumped = info.si_code == CLD_DUMPED;
    return 1;
}

int linux_die_with_parent(int32_t expected_parent) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return -errno;
    return getppid() == expected_parent ? 1 : 0;
}

int linux_no_new_privileges(void) { return (int)result(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); }

int linux_set_dumpable(bool dumpable) { return (int)result(prctl(PR_SET_DUMPABLE, dumpable ? 1 : 0)); }

int linux_ignore_write_signals(void) {
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    if (sigaction(SIGPIPE, &ignore, NULL) < 0) return -errno;
    return (int)result(sigaction(SIGXFSZ, &ignore, NULL));
}

int64_t linux_raise_open_file_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    return limit.rlim_cur > INT64_MAX ? INT64_MAX : (int64_t)limit.rlim_cur;
}

int linux_get_affinity(uint64_t *mask, size_t words) {
    if (words > INT_MAX / sizeof(uint64_t)) return -EINVAL;
    cpu_set_t *set = (cpu_set_t *)mask;
    CPU_ZERO_S(words * sizeof(uint64_t), set);
    return sched_getaffinity(0, words * sizeof(uint64_t), set) < 0 ? -errno : (int)words;
}

int linux_set_affinity(const uint64_t *mask, size_t words) {
    return (int)result(sched_setaffinity(0, words * sizeof(uint64_t), (const cpu_set_t *)mask));
}
