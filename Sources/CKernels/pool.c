// A fixed team of threads. The leader publishes a task by a generation number; helpers spin on it for a while, then sleep
// on a futex. Indices are taken from a shared counter, so that uneven tasks balance.
#define _GNU_SOURCE
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "CKernels.h"

// How long a thread spins before it sleeps: longer than the steps of a forward pass that the leader does alone, or than
// one thread waits for the last task of another. A virtual CPU halts when its thread sleeps, and takes 50 µs and more to
// wake up.
static const int64_t SPIN_NANOSECONDS = 500000;

struct ck_pool {
    size_t threads;
    _Atomic uint32_t generation;  // moves with every task; helpers wait on it
    _Atomic uint32_t finished;    // helpers done with this generation; the leader waits on it
    _Atomic uint32_t sleepers;
    _Atomic uint32_t leader_sleeps;
    _Atomic bool stop;
    ck_task task;
    void *context;
    size_t count;
    _Atomic size_t next;
    pthread_t handles[];
};

typedef struct {
    ck_pool *pool;
    size_t thread;
} member;

static void wait_on(_Atomic uint32_t *word, uint32_t value) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, 0, 0, 0);
}

static void wake(_Atomic uint32_t *word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, 0, 0, 0); }

static void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// Spins while *word is `value`, but not for ever.
static void spin_while(_Atomic uint32_t *word, uint32_t value) {
    const int64_t end = now() + SPIN_NANOSECONDS;
    do {
        for (int i = 0; i < 64; i++) {
            if (atomic_load_explicit(word, memory_order_acquire) != value) return;
            relax();
        }
    } while (now() < end);
}

static void work(ck_pool *pool, size_t thread) {
    for (;;) {
        size_t index = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (index >= pool->count) return;
        pool->task(pool->context, index, thread);
    }
}

static void *helper(void *argument) {
    member me = *(member *)argument;
    free(argument);
    ck_pool *pool = me.pool;
    uint32_t seen = 0;
    for (;;) {
        spin_while(&pool->generation, seen);
        while (atomic_load_explicit(&pool->generation, memory_order_acquire) == seen) {
            atomic_fetch_add(&pool->sleepers, 1);
            wait_on(&pool->generation, seen);
            atomic_fetch_sub(&pool->sleepers, 1);
        }
        seen++;
        if (atomic_load(&pool->stop)) return 0;
        work(pool, me.thread);
        atomic_fetch_add(&pool->finished, 1);
        if (atomic_load(&pool->leader_sleeps)) wake(&pool->finished);
    }
}

ck_pool *ck_pool_create(size_t threads, const int *cpus) {
    if (threads == 0) return 0;
    ck_pool *pool = calloc(1, sizeof *pool + threads * sizeof(pthread_t));
    if (!pool) return 0;
    pool->threads = 1;
    // signals are the leader's business
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (size_t i = 1; i < threads; i++) {
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        if (cpus && cpus[i] >= 0) {
            cpu_set_t set;
            CPU_ZERO(&set);
            CPU_SET((size_t)cpus[i], &set);
            pthread_attr_setaffinity_np(&attributes, sizeof set, &set);
        }
        member *me = malloc(sizeof *me);
        if (me) *me = (member){pool, i};
        bool started = me && pthread_create(&pool->handles[i], &attributes, helper, me) == 0;
        pthread_attr_destroy(&attributes);
        if (!started) {
            free(me);
            break;
        }
        pool->threads++;
    }
    pthread_sigmask(SIG_SETMASK, &before, 0);
    if (pool->threads < threads) {
        ck_pool_destroy(pool);
        return 0;
    }
    return pool;
}

size_t ck_pool_threads(const ck_pool *pool) { return pool->threads; }

static void publish(ck_pool *pool) {
    atomic_store(&pool->finished, 0);
    atomic_fetch_add(&pool->generation, 1);
    if (atomic_load(&pool->sleepers)) wake(&pool->generation);
}

void ck_pool_run(ck_pool *pool, ck_task task, void *context, size_t count) {
    if (pool->threads == 1 || count == 1) {
        for (size_t i = 0; i < count; i++) task(context, i, 0);
        return;
    }
    if (count == 0) return;
    pool->task = task;
    pool->context = context;
    pool->count = count;
    atomic_store(&pool->next, 0);
    publish(pool);
    work(pool, 0);
    const uint32_t helpers = (uint32_t)pool->threads - 1;
    uint32_t done;
    while ((done = atomic_load(&pool->finished)) < helpers) {
        spin_while(&pool->finished, done);
        if (atomic_load(&pool->finished) != done) continue;
        atomic_store(&pool->leader_sleeps, 1);
        if ((done = atomic_load(&pool->finished)) < helpers) wait_on(&pool->finished, done);
        atomic_store(&pool->leader_sleeps, 0);
    }
}

void ck_pool_destroy(ck_pool *pool) {
    if (!pool) return;
    atomic_store(&pool->stop, true);
    publish(pool);
    for (size_t i = 1; i < pool->threads; i++) pthread_join(pool->handles[i], 0);
    free(pool);
}
