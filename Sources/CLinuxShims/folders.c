#define _GNU_SOURCE
#include "CLinuxShims.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>

#include "result.h"

int linux_rename_new(const char *from, const char *to) {
    return (int)result(renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE));
}

int linux_exchange(const char *one, const char *other) {
    return (int)result(renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE));
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place) {
    (void)status, (void)type, (void)place;
    return remove(path);
}

int linux_remove_tree(const char *path) { return (int)result(nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS)); }
