/// Linux calls that Swift cannot import (variadic functions, macros, packed structures) or that are safer written once
/// in C. Every function retries when a signal interrupts it. Unless it says otherwise, a function returns a value of
/// zero or more when it succeeds and a negated `errno` when it fails.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/types.h>

// MARK: - Descriptors and errors

/// The symbolic name of an error number ("ENOENT"), or NULL for an unknown one.
const char *_Nullable linux_error_name(int error_number);
/// The name of a signal without its prefix ("KILL"), or NULL for an unknown one.
const char *_Nullable linux_signal_name(int signal_number);
/// `open` with `O_CLOEXEC`.
int linux_open(const char *_Nonnull path, int flags, mode_t mode);
/// A pipe, close-on-exec at both ends: first the end to read, then the end to write.
int linux_pipe(int fds[_Nonnull 2]);
/// Switches `O_NONBLOCK`.
int linux_set_nonblocking(int fd, bool nonblocking);
/// Duplicates a descriptor to the lowest free number of at least `minimum`, close-on-exec.
int linux_duplicate_from(int fd, int minimum);
/// Sets a file's time of use to now, and no other.
int linux_note_use(int fd);
/// Waits until the descriptor is readable (or writable): 1 when it is, 0 when the time is up. A negative timeout waits
/// for ever.
int linux_wait_ready(int fd, bool writable, int timeout_milliseconds);

// MARK: - Folders

/// `rename` to a name that nothing has; -EEXIST if something has it, -EINVAL on a file system that cannot tell.
int linux_rename_new(const char *_Nonnull from, const char *_Nonnull to);
/// Exchanges what two names stand for, in one step.
int linux_exchange(const char *_Nonnull one, const char *_Nonnull other);
/// Removes a file, or a folder with all it holds; links are not followed.
int linux_remove_tree(const char *_Nonnull path);

// MARK: - Sockets

struct linux_peer {
    int32_t pid;
    uint32_t uid;
    uint32_t gid;
};

/// The longest path of a Unix socket, in bytes, without its terminating zero.
size_t linux_socket_path_limit(void);
/// A stream socket of the Unix family, close-on-exec.
int linux_unix_socket(void);
int linux_bind_unix(int fd, const char *_Nonnull path);
int linux_connect_unix(int fd, const char *_Nonnull path);
/// A connected pair of stream sockets, close-on-exec.
int linux_socketpair(int fds[_Nonnull 2]);
int linux_accept(int fd);
/// The path of a listening stream socket of the Unix family, or its abstract name behind an '@', into `path`, which has room
/// for the limit above and two bytes more. -EAFNOSUPPORT: another family; -EPROTOTYPE: no stream; -EINVAL: it does not listen.
int linux_listening_path(int fd, char *_Nonnull path);
/// A non-blocking datagram socket of the Unix family, close-on-exec.
int linux_datagram_socket(void);
/// Sends one datagram to the socket of that path, or abstract name behind an '@'.
ssize_t linux_send_datagram(int fd, const char *_Nonnull name, const void *_Nonnull bytes, size_t count);
/// A TCP socket that listens at 127.0.0.1, close-on-exec.
int linux_listen_loopback(uint16_t port, int backlog);
/// The process at the other end, as it was when the connection was made.
int linux_peer_credentials(int fd, struct linux_peer *_Nonnull peer);
/// `send` that reports a vanished reader as -EPIPE and never as a signal.
ssize_t linux_send(int fd, const void *_Nullable bytes, size_t count);
ssize_t linux_receive(int fd, void *_Nullable bytes, size_t count);
/// Sends bytes (at least one) with descriptors attached to the first of them.
ssize_t linux_send_descriptors(
    int fd, const void *_Nonnull bytes, size_t count, const int *_Nonnull descriptors, size_t descriptor_count);
/// Receives bytes and at most `capacity` descriptors, close-on-exec. Descriptors beyond the capacity are closed, and
/// `discarded` says how many.
ssize_t linux_receive_descriptors(
    int fd, void *_Nonnull bytes, size_t count, int *_Nonnull descriptors, size_t capacity,
    size_t *_Nonnull descriptor_count, size_t *_Nonnull discarded);
/// The most descriptors that one message can carry (the kernel's SCM_MAX_FD).
size_t linux_descriptors_per_message(void);

// MARK: - Events

struct linux_event {
    uint64_t token;
    uint32_t readiness;
};

int linux_epoll_create(void);
/// `operation` is one of EPOLL_CTL_ADD, EPOLL_CTL_MOD and EPOLL_CTL_DEL.
int linux_epoll_control(int epoll, int operation, int fd, uint32_t readiness, uint64_t token);
/// Waits at most `timeout_nanoseconds` (for ever when negative) and returns the number of events. A signal ends the
/// wait early with 0 events.
int linux_epoll_wait(int epoll, struct linux_event *_Nonnull events, int capacity, int64_t timeout_nanoseconds);
/// Blocks the signals in the calling thread and returns a non-blocking descriptor that reports them.
int linux_signal_descriptor(const int *_Nonnull signals, size_t count);
/// Reads one signal: 1 and its number and sender, or 0 when none is pending.
int linux_signal_next(int fd, int32_t *_Nonnull signal_number, int32_t *_Nonnull sender);
int linux_event_create(void);
/// Reads the 8-byte counter of an event descriptor; 0 when it has not been added to.
int64_t linux_counter_read(int fd);
int linux_counter_add(int fd, uint64_t amount);

// MARK: - Processes

struct linux_spawn {
    const char *_Nonnull path;
    char *_Nullable const *_Nonnull arguments;
    char *_Nullable const *_Nonnull environment;
    /// Descriptor `targets[i]` of the child is a copy of `sources[i]`; every other descriptor from 3 up is closed.
    const int *_Nullable targets;
    const int *_Nullable sources;
    size_t descriptor_count;
    /// Make the child the leader of a process group of its own.
    bool new_process_group;
};

struct linux_exit {
    /// The exit status, or the number of the signal when `by_signal`.
    int32_t value;
    bool by_signal;
    bool core_dumped;
    /// The most memory that it, or the process that started it at that time, had resident at once, in KiB.
    int64_t peak_kib;
};

/// Starts a program with every signal unblocked and at its default, and standard input from /dev/null unless mapped.
int linux_spawn(const struct linux_spawn *_Nonnull spawn, int32_t *_Nonnull pid);
int linux_pidfd_open(int32_t pid);
int linux_pidfd_signal(int pidfd, int signal_number);
/// Reaps a child: 1 when it has ended, 0 when it has not and `block` is false.
int linux_pidfd_reap(int pidfd, bool block, struct linux_exit *_Nonnull status);
/// Asks for SIGKILL when the parent thread ends. Returns 1, or 0 when the parent is no longer `expected_parent`.
int linux_die_with_parent(int32_t expected_parent);
int linux_no_new_privileges(void);
int linux_set_dumpable(bool dumpable);
/// Lets writes fail with EPIPE and EFBIG instead of ending the process.
int linux_ignore_write_signals(void);
/// Raises the soft limit of open files to the hard one and returns it.
int64_t linux_raise_open_file_limit(void);
/// Has `malloc` map what is at least so large by itself, so that `free` unmaps it.
void linux_map_allocations(int bytes);

// MARK: - Sandbox

/// Whether this was built with a sanitizer.
bool linux_is_sanitized(void);
/// Forbids for good that memory becomes executable which was not (PR_SET_MDWE).
int linux_refuse_exec_gain(void);
/// The version of Landlock.
int linux_landlock_version(void);
/// A set of rules that forbids these rights of linux/landlock.h: on files, on networks, and to reach other processes.
int linux_landlock_create(uint64_t files, uint64_t networks, uint64_t scopes);
/// Allows rights on the file, or all beneath the folder, that `beneath` is open for.
int linux_landlock_allow(int rules, int beneath, uint64_t files);
/// Holds the calling thread, and what it starts, to the rules.
int linux_landlock_enforce(int rules);
/// Whether system calls can be filtered (seccomp).
bool linux_can_filter(void);
/// Lets all threads make only the calls with these numbers; `mmap` and `mprotect` without PROT_EXEC; `kill` and `tgkill` of
/// the process itself; and, if `threads`, `clone` of threads. Others fail with EPERM, or are logged and made if `log_only`.
int linux_filter_calls(const int32_t *_Nonnull allowed, size_t count, bool threads, bool log_only);

// MARK: - CPUs

/// Reads the calling thread's affinity into a bit mask of `words` 64-bit words; returns the number of words filled.
int linux_get_affinity(uint64_t *_Nonnull mask, size_t words);
/// Sets the calling thread's affinity.
int linux_set_affinity(const uint64_t *_Nonnull mask, size_t words);

// MARK: - Memory

/// An anonymous file in memory, close-on-exec, that may be sealed.
int linux_memfd_create(const char *_Nonnull name);
/// Forbids every further change of size or content, and further seals.
int linux_memfd_seal(int fd);
/// True when the file can neither change nor shrink any more.
bool linux_memfd_is_sealed(int fd);
/// Maps `length` bytes, shared; NULL with `errno` set when it fails.
void *_Nullable linux_map(int fd, size_t length, bool writable);
