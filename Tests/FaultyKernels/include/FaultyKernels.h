// Kernels and a packer with one fault each, linked in place of the real ones into a worker of the tests.
#ifndef FAULTY_KERNELS_H
#define FAULTY_KERNELS_H

/// The faults that the environment variable DISTILLERY_FAULT may name, divided by spaces.
extern const char *const faulty_kernels_faults;

#endif
