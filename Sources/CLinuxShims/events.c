#define _GNU_SOURCE
#include "CLinuxShims.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "result.h"

static const int64_t NANOSECONDS_PER_SECOND = 1000000000;

int linux_epoll_create(void) { return (int)result(epoll_create1(EPOLL_CLOEXEC)); }

int linux_epoll_control(int epoll, int operation, int fd, uint32_t readiness, uint64_t token) {
    struct epoll_event event = {.events = readiness, .data.u64 = token};
    return (int)result(epoll_ctl(epoll, operation, fd, &event));
}

/// Waits with nanosecond resolution where the kernel can (5.11), else rounded up to milliseconds, so that a wait never
/// ends before its time.
static int wait_for(int epoll, struct epoll_event *events, int capacity, int64_t nanoseconds) {
    if (nanoseconds < 0) return epoll_wait(epoll, events, capacity, -1);
    if (nanoseconds == 0) return epoll_wait(epoll, events, capacity, 0);
    struct timespec timeout = {
        .tv_sec = nanoseconds / NANOSECONDS_PER_SECOND, .tv_nsec = nanoseconds % NANOSECONDS_PER_SECOND};
    int ready = epoll_pwait2(epoll, events, capacity, &timeout, NULL);
    if (ready >= 0 || errno != ENOSYS) return ready;
    int64_t milliseconds = nanoseconds / 1000000 + (nanoseconds % 1000000 != 0);
    return epoll_wait(epoll, events, capacity, milliseconds > INT_MAX ? INT_MAX : (int)milliseconds);
}

int linux_epoll_wait(int epoll, struct linux_event *events, int capacity, int64_t timeout_nanoseconds) {
    enum { LARGEST_BATCH = 256 };
    struct epoll_event buffer[LARGEST_BATCH];
    int room = capacity < LARGEST_BATCH ? capacity : LARGEST_BATCH;
    int ready = wait_for(epoll, buffer, room, timeout_nanoseconds);
    if (ready < 0) return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < ready; i++) {
        events[i] = (struct linux_event){.token = buffer[i].data.u64, .readiness = buffer[i].events};
    }
    return ready;
}

int linux_signal_descriptor(const int *signals, size_t count) {
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < count; i++) {
        if (sigaddset(&set, signals[i]) < 0) return -errno;
    }
    int blocked = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (blocked != 0) return -blocked;
    return (int)result(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

int linux_signal_next(int fd, int32_t *signal_number, int32_t *sender) {
    struct signalfd_siginfo info;
    ssize_t count = TEMP_FAILURE_RETRY(read(fd, &info, sizeof info));
    if (count < 0) return errno == EAGAIN ? 0 : -errno;
    if (count != (ssize_t)sizeof info) return -EIO;
    *signal_number = (int32_t)info.ssi_signo;
    *sender = (int32_t)info.ssi_pid;
    return 1;
}

int linux_event_create(void) { return (int)result(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

int64_t linux_counter_read(int fd) {
    uint64_t value = 0;
    ssize_t count = TEMP_FAILURE_RETRY(read(fd, &value, sizeof value));
    if (count < 0) return errno == EAGAIN ? 0 : -errno;
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

int linux_counter_add(int fd, uint64_t amount) {
    ssize_t count = TEMP_FAILURE_RETRY(write(fd, &amount, sizeof amount));
    // A full counter is already readable, which is all that a wake-up needs.
    return count < 0 && errno != EAGAIN ? -errno : 0;
}
