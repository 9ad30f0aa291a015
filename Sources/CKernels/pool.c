// A fixed team of threads, and how it stays quick beside other programs.
//
// The leader publishes a run: a task, its context and `count` indices. It ends when its tasks are done, not when every
// helper has shown up: a helper that the kernel runs late finds its share taken, by the leader too. What a run can
// still wait for is a task that a helper had begun when the kernel gave its CPU to somebody else, for a whole time
// slice. Nobody else can do it over: a task may add to what it reads. So the leader lends its own CPU, which has
// nothing to do: it moves the helper there and sleeps, and the helper goes back when the task is done. The smaller the
// tasks, the sooner.
//
// Two counters are all there is of a run:
//
//   left        tasks that nobody has begun     count → 0, each step a claim
//   unfinished  tasks that are not done         count → 0, each step the end of a claimed task
//
// A late helper cannot touch a run that is over, nor its context. It reads the fields of a run only after a claim, a
// compare-and-swap that takes one from `left` and fails at 0. `left` is above 0 only between the leader's store of
// `count` and the last claim of the same run, so the claim is one of the run whose fields are there now, whenever the
// helper woke up and whatever it slept through. It holds the run open until it has taken one from `unfinished`; the
// leader writes new fields after it saw 0 there. (That `left` may have been another run's in between changes nothing: a
// claim depends on no value that was read before it.) After its last step a helper touches the pool alone, which
// outlives the run.
//
// Nobody is missed: a helper counts itself into `sleepers` before the kernel compares `generation` with what it saw,
// and the leader moves `generation` before it looks at `sleepers`. In the other direction the same is true of
// `leader_sleeps` and `unfinished`; `finished` moves after a run's last task, and one that moves late ends a later wait
// early, which looks again.
//
// A helper's seat says whether it can be lent to. Only the leader makes WORKING to LENDING and that to LENT, only the
// helper everything else, and it does not leave LENDING before the leader has moved it, or it would be moved
// afterwards.
//
//   IDLE → WORKING → IDLE        a run
//   WORKING → LENDING → LENT     the leader moves it
//   LENT → WORKING or IDLE       it has gone home
#define _GNU_SOURCE
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "CKernels.h"

// How long a thread spins before it sleeps, in nanoseconds. A virtual CPU halts when its thread sleeps and takes 50 µs
// and more to wake up, so a thread with a CPU of its own spins for longer than the steps of a forward pass that the
// leader does alone. Where others want the CPU, spinning spends the time that the kernel grants and that the next task
// will need.
static const int64_t SPIN = 500000, CROWDED_HELPER_SPIN = 20000, CROWDED_LEADER_SPIN = 100000;
// A helper that lost so much time, and a tenth of it, while it wanted to run is not alone on its CPU; for how long this
// is then believed. An interrupt or a kernel thread takes some ten microseconds, a neighbour a time slice.
static const int64_t LOST = 500000, BELIEVED = 100000000;

// How long the leader watches a helper's clock: one that stands still is not run by anybody.
static const int64_t LOOK = 20000;

enum { CACHE_LINE = 64 };

typedef enum { IDLE, WORKING, LENDING, LENT } seat_state;

// A helper as the leader sees it.
typedef struct {
    _Alignas(CACHE_LINE) _Atomic seat_state state;
    _Atomic pid_t id;
    pthread_t handle;
    clockid_t clock;  // the CPU time that it used
    int64_t used;     // what that said when the leader began to look
} seat;

struct ck_pool {
    size_t threads;
    _Atomic bool stop;
    // of the run
    ck_task task;
    void *context;
    size_t count;
    _Alignas(CACHE_LINE) _Atomic size_t left;
    _Alignas(CACHE_LINE) _Atomic size_t unfinished;
    // what helpers wait on: it moves with every run
    _Alignas(CACHE_LINE) _Atomic uint32_t generation;
    _Atomic uint32_t sleepers;
    _Atomic int64_t crowded_until;
    // what the leader waits on: it moves when a helper ends a run
    _Alignas(CACHE_LINE) _Atomic uint32_t finished;
    _Atomic uint32_t leader_sleeps;
    seat seats[];  // the leader's is not used
};

// A helper as it sees itself: where it may run, and since when it has watched what it loses.
typedef struct {
    ck_pool *pool;
    size_t thread;
    cpu_set_t home;
    int64_t since, used, slept;
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

static int64_t read_clock(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t now(void) { return read_clock(CLOCK_MONOTONIC); }

static bool is_crowded(ck_pool *pool, int64_t time) {
    return time < atomic_load_explicit(&pool->crowded_until, memory_order_relaxed);
}

// Notes whether the calling helper was kept from running since it was last asked: time that passed and was neither
// slept nor computed in.
static void watch(member *me, int64_t time) {
    const int64_t used = read_clock(CLOCK_THREAD_CPUTIME_ID), passed = time - me->since - me->slept;
    const int64_t lost = passed - (used - me->used);
    if (me->since != 0 && lost > LOST && lost > passed / 10)
        atomic_store_explicit(&me->pool->crowded_until, time + BELIEVED, memory_order_relaxed);
    me->since = time, me->used = used, me->slept = 0;
}

// Takes a task that nobody has begun.
static bool claim(ck_pool *pool, size_t *index) {
    size_t left = atomic_load_explicit(&pool->left, memory_order_relaxed);
    while (left > 0)
        if (atomic_compare_exchange_weak_explicit(&pool->left, &left, left - 1, memory_order_acquire,
                                                  memory_order_relaxed)) {
            *index = pool->count - left;
            return true;
        }
    return false;
}

// Computes a claimed task. True if it was the run's last.
static bool compute(ck_pool *pool, size_t index, size_t thread) {
    pool->task(pool->context, index, thread);
    return atomic_fetch_sub(&pool->unfinished, 1) == 1;
}

// Leaves the CPU that the leader lent.
static void go_home(const member *me, seat_state next) {
    seat *mine = &me->pool->seats[me->thread];
    while (atomic_load(&mine->state) == LENDING) relax();
    cpu_set_t others = me->home;
    const int cpu = sched_getcpu();
    if (cpu >= 0) CPU_CLR((size_t)cpu, &others);
    if (CPU_COUNT(&others) > 0) sched_setaffinity(0, sizeof others, &others);
    if (sched_setaffinity(0, sizeof me->home, &me->home) != 0) {
        // None of these CPUs is allowed any more: all that are.
        memset(&others, 0xff, sizeof others);
        sched_setaffinity(0, sizeof others, &others);
    }
    atomic_store(&mine->state, next);
}

// A helper's part of a run: what nobody has begun.
static void take_part(const member *me) {
    ck_pool *pool = me->pool;
    seat *mine = &pool->seats[me->thread];
    atomic_store(&mine->state, WORKING);
    for (size_t index; claim(pool, &index);) {
        if (compute(pool, index, me->thread)) {
            atomic_fetch_add(&pool->finished, 1);
            if (atomic_load(&pool->leader_sleeps)) wake(&pool->finished);
        }
        if (atomic_load(&mine->state) != WORKING) go_home(me, WORKING);
    }
    seat_state expected = WORKING;
    if (!atomic_compare_exchange_strong(&mine->state, &expected, IDLE)) go_home(me, IDLE);
}

// Waits for a run after `seen`; returns its generation.
static uint32_t await_run(member *me, uint32_t seen) {
    ck_pool *pool = me->pool;
    const int64_t start = now();
    for (bool watched = false;;) {
        for (int i = 0; i < 64; i++) {
            const uint32_t generation = atomic_load_explicit(&pool->generation, memory_order_acquire);
            if (generation != seen) return generation;
            relax();
        }
        const int64_t time = now();
        if (time - start < CROWDED_HELPER_SPIN) continue;
        if (!watched) watch(me, time);
        watched = true;
        if (time - start >= SPIN || is_crowded(pool, time)) break;
    }
    for (;;) {
        const int64_t before = now();
        atomic_fetch_add(&pool->sleepers, 1);
        wait_on(&pool->generation, seen);
        atomic_fetch_sub(&pool->sleepers, 1);
        me->slept += now() - before;
        const uint32_t generation = atomic_load_explicit(&pool->generation, memory_order_acquire);
        if (generation != seen) return generation;
    }
}

static void *helper(void *argument) {
    member me = *(member *)argument;
    free(argument);
    ck_pool *pool = me.pool;
    if (sched_getaffinity(0, sizeof me.home, &me.home) != 0) memset(&me.home, 0xff, sizeof me.home);
    atomic_store(&pool->seats[me.thread].id, gettid());
    for (uint32_t seen = 0;;) {
        seen = await_run(&me, seen);
        if (atomic_load(&pool->stop)) return 0;
        take_part(&me);
    }
}

// Moves every helper here that was kept from its task all the while since `used` was read. True if there was one.
static bool lend(ck_pool *pool) {
    const int cpu = sched_getcpu();
    if (cpu < 0) return false;
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET((size_t)cpu, &here);
    bool lent = false;
    for (size_t i = 1; i < pool->threads; i++) {
        seat *its = &pool->seats[i];
        seat_state expected = WORKING;
        if (read_clock(its->clock) != its->used) continue;
        if (!atomic_compare_exchange_strong(&its->state, &expected, LENDING)) continue;
        sched_setaffinity(atomic_load(&its->id), sizeof here, &here);
        atomic_store(&its->state, LENT);
        lent = true;
    }
    return lent;
}

// Waits until every task that was begun is done.
static void await_tasks(ck_pool *pool) {
    if (atomic_load_explicit(&pool->unfinished, memory_order_acquire) == 0) return;
    enum { SPINNING, LOOKING, LOOKED } stage = SPINNING;
    for (const int64_t start = now();;) {
        for (int i = 0; i < 64; i++) {
            if (atomic_load_explicit(&pool->unfinished, memory_order_acquire) == 0) return;
            relax();
        }
        const int64_t time = now(), passed = time - start;
        if (stage == SPINNING && passed >= LOOK) {
            for (size_t i = 1; i < pool->threads; i++) pool->seats[i].used = read_clock(pool->seats[i].clock);
            stage = LOOKING;
        } else if (stage == LOOKING && passed >= 2 * LOOK) {
            if (lend(pool)) break;
            stage = LOOKED;
        }
        if (passed >= (is_crowded(pool, time) ? CROWDED_LEADER_SPIN : SPIN)) break;
    }
    atomic_store(&pool->leader_sleeps, 1);
    for (uint32_t finished; finished = atomic_load(&pool->finished), atomic_load(&pool->unfinished) > 0;)
        wait_on(&pool->finished, finished);
    atomic_store(&pool->leader_sleeps, 0);
}

ck_pool *ck_pool_create(size_t threads, const int *cpus) {
    if (threads == 0) return 0;
    const size_t bytes = sizeof(ck_pool) + threads * sizeof(seat);
    ck_pool *pool = aligned_alloc(CACHE_LINE, bytes);
    if (!pool) return 0;
    memset(pool, 0, bytes);
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
        if (me) *me = (member){.pool = pool, .thread = i};
        bool started = me && pthread_create(&pool->seats[i].handle, &attributes, helper, me) == 0;
        pthread_attr_destroy(&attributes);
        if (!started) {
            free(me);
            break;
        }
        pthread_getcpuclockid(pool->seats[i].handle, &pool->seats[i].clock);
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
    atomic_fetch_add(&pool->generation, 1);
    if (atomic_load(&pool->sleepers)) wake(&pool->generation);
}

void ck_pool_run(ck_pool *pool, ck_task task, void *context, size_t count) {
    if (pool->threads == 1 || count <= 1) {
        for (size_t i = 0; i < count; i++) task(context, i, 0);
        return;
    }
    pool->task = task;
    pool->context = context;
    pool->count = count;
    atomic_store_explicit(&pool->unfinished, count, memory_order_relaxed);
    atomic_store_explicit(&pool->left, count, memory_order_release);
    publish(pool);
    bool last = false;
    for (size_t index; claim(pool, &index);) last = compute(pool, index, 0);
    if (!last) await_tasks(pool);
}

void ck_pool_destroy(ck_pool *pool) {
    if (!pool) return;
    atomic_store(&pool->stop, true);
    publish(pool);
    for (size_t i = 1; i < pool->threads; i++) pthread_join(pool->seats[i].handle, 0);
    free(pool);
}
