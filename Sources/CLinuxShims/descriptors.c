#define _GNU_SOURCE
#include "CLinuxShims.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "result.h"

const char *linux_error_name(int error_number) { return strerrorname_np(error_number); }

const char *linux_signal_name(int signal_number) { return sigabbrev_np(signal_number); }

int linux_open(const char *path, int flags, mode_t mode) {
    return (int)result(TEMP_FAILURE_RETRY(open(path, flags | O_CLOEXEC, mode)));
}

int linux_pipe(int fds[2]) { return (int)result(pipe2(fds, O_CLOEXEC)); }

int linux_set_nonblocking(int fd, bool nonblocking) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0) return -errno;
    int wanted = nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    return (int)result(fcntl(fd, F_SETFL, wanted));
}

int linux_note_use(int fd) {
    const struct timespec times[] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_OMIT}};
    return (int)result(futimens(fd, times));
}

int linux_duplicate_from(int fd, int minimum) { return (int)result(fcntl(fd, F_DUPFD_CLOEXEC, minimum)); }

static int64_t monotonic_milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int linux_wait_ready(int fd, bool writable, int timeout_milliseconds) {
    struct pollfd entry = {.fd = fd, .events = writable ? POLLOUT : POLLIN};
    int64_t deadline = monotonic_milliseconds() + timeout_milliseconds;
    int remaining = timeout_milliseconds;
    for (;;) {
        int ready = poll(&entry, 1, remaining);
        if (ready >= 0) return ready;
        if (errno != EINTR) return -errno;
        if (timeout_milliseconds >= 0) {
            int64_t left = deadline - monotonic_milliseconds();
            remaining = left > 0 ? (int)left : 0;
        }
    }
}
