#define _GNU_SOURCE
#include "CLinuxShims.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "result.h"

enum { DESCRIPTORS_PER_MESSAGE = 253 };

size_t linux_descriptors_per_message(void) { return DESCRIPTORS_PER_MESSAGE; }

size_t linux_socket_path_limit(void) { return sizeof(((struct sockaddr_un *)0)->sun_path) - 1; }

static int fill_address(const char *path, struct sockaddr_un *address) {
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    size_t length = strlen(path);
    if (length == 0) return -EINVAL;
    if (length > linux_socket_path_limit()) return -ENAMETOOLONG;
    memcpy(address->sun_path, path, length);
    return 0;
}

int linux_unix_socket(void) { return (int)result(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

int linux_bind_unix(int fd, const char *path) {
    struct sockaddr_un address;
    int filled = fill_address(path, &address);
    if (filled < 0) return filled;
    return (int)result(bind(fd, (const struct sockaddr *)&address, sizeof address));
}

int linux_listen_loopback(uint16_t port, int backlog) {
    int fd = (int)result(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (fd < 0) return fd;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // A server that starts again need not wait for connections of the one before.
    int yes = 1;
    int failed = (int)result(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes));
    if (failed >= 0) failed = (int)result(bind(fd, (const struct sockaddr *)&address, sizeof address));
    if (failed >= 0) failed = (int)result(listen(fd, backlog));
    if (failed >= 0) return fd;
    close(fd);
    return failed;
}

int linux_connect_unix(int fd, const char *path) {
    struct sockaddr_un address;
    int filled = fill_address(path, &address);
    if (filled < 0) return filled;
    // A Unix connect that a signal interrupted has not begun, so it is safe to repeat.
    return (int)result(TEMP_FAILURE_RETRY(connect(fd, (const struct sockaddr *)&address, sizeof address)));
}

int linux_socketpair(int fds[2]) { return (int)result(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds)); }

int linux_accept(int fd) { return (int)result(TEMP_FAILURE_RETRY(accept4(fd, NULL, NULL, SOCK_CLOEXEC))); }

int linux_listening_path(int fd, char *path) {
    const int options[] = {SO_DOMAIN, SO_TYPE, SO_ACCEPTCONN};
    const int wanted[] = {AF_UNIX, SOCK_STREAM, 1};
    const int errors[] = {EAFNOSUPPORT, EPROTOTYPE, EINVAL};
    for (int i = 0; i < 3; i++) {
        int value = 0;
        socklen_t size = sizeof value;
        if (getsockopt(fd, SOL_SOCKET, options[i], &value, &size) < 0) return -errno;
        if (value != wanted[i]) return -errors[i];
    }
    struct sockaddr_un address;
    socklen_t size = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &size) < 0) return -errno;
    // The kernel says one byte more of a path that fills the address: its terminating zero.
    size_t length = size < sizeof address ? size - offsetof(struct sockaddr_un, sun_path) : sizeof address.sun_path;
    memcpy(path, address.sun_path, length);
    path[length] = 0;
    if (length > 0 && path[0] == 0) path[0] = '@';
    return 0;
}

int linux_datagram_socket(void) {
    return (int)result(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

ssize_t linux_send_datagram(int fd, const char *name, const void *bytes, size_t count) {
    struct sockaddr_un address;
    int filled = fill_address(name, &address);
    if (filled < 0) return filled;
    socklen_t size = sizeof address;
    if (name[0] == '@') {
        address.sun_path[0] = 0;
        // An abstract name has no end but the address's.
        size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    }
    const struct sockaddr *to = (const struct sockaddr *)&address;
    return result(TEMP_FAILURE_RETRY(sendto(fd, bytes, count, MSG_NOSIGNAL, to, size)));
}

int linux_peer_credentials(int fd, struct linux_peer *peer) {
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0) return -errno;
    peer->pid = credentials.pid;
    peer->uid = credentials.uid;
    peer->gid = credentials.gid;
    return 0;
}

ssize_t linux_send(int fd, const void *bytes, size_t count) {
    return result(TEMP_FAILURE_RETRY(send(fd, bytes, count, MSG_NOSIGNAL)));
}

ssize_t linux_receive(int fd, void *bytes, size_t count) {
    return result(TEMP_FAILURE_RETRY(recv(fd, bytes, count, 0)));
}

ssize_t linux_send_descriptors(
    int fd, const void *bytes, size_t count, const int *descriptors, size_t descriptor_count) {
    if (count == 0 || descriptor_count > DESCRIPTORS_PER_MESSAGE) return -EINVAL;
    union {
        char bytes[CMSG_SPACE(sizeof(int) * DESCRIPTORS_PER_MESSAGE)];
        struct cmsghdr alignment;
    } control;
    struct iovec vector = {.iov_base = (void *)bytes, .iov_len = count};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    if (descriptor_count > 0) {
        size_t payload = sizeof(int) * descriptor_count;
        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(payload);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(payload);
        memcpy(CMSG_DATA(header), descriptors, payload);
    }
    return result(TEMP_FAILURE_RETRY(sendmsg(fd, &message, MSG_NOSIGNAL)));
}

ssize_t linux_receive_descriptors(
    int fd, void *bytes, size_t count, int *descriptors, size_t capacity, size_t *descriptor_count,
    size_t *discarded) {
    // Room for all that one message can carry: what was not asked for has to arrive before it can be closed and counted.
    union {
        char bytes[CMSG_SPACE(sizeof(int) * DESCRIPTORS_PER_MESSAGE)];
        struct cmsghdr alignment;
    } control;
    struct iovec vector = {.iov_base = bytes, .iov_len = count};
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    *descriptor_count = 0;
    *discarded = 0;
    ssize_t received = TEMP_FAILURE_RETRY(recvmsg(fd, &message, MSG_CMSG_CLOEXEC));
    if (received < 0) return -errno;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t number = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < number; i++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
            if (*descriptor_count < capacity) {
                descriptors[(*descriptor_count)++] = descriptor;
            } else {
                close(descriptor);
                (*discarded)++;
            }
        }
    }
    return received;
}
