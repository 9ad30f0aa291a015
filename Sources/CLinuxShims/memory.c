#define _GNU_SOURCE
#include "CLinuxShims.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>

#include "result.h"

int linux_memfd_create(const char *name) { return (int)result(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING)); }

int linux_memfd_seal(int fd) {
    return (int)result(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL));
}

bool linux_memfd_is_sealed(int fd) {
    const int needed = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_SEAL;
    int seals = fcntl(fd, F_GET_SEALS);
    return seals >= 0 && (seals & needed) == needed;
}

void *linux_map(int fd, size_t length, bool writable) {
    void *address = mmap(NULL, length, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
    return address == MAP_FAILED ? NULL : address;
}

void linux_map_allocations(int bytes) { mallopt(M_MMAP_THRESHOLD, bytes); }
