/// The convention of these shims: -1 with `errno` becomes the negated error number.
#pragma once

#include <errno.h>
#include <sys/types.h>

static inline ssize_t result(ssize_t value) { return value < 0 ? -(ssize_t)errno : value; }
