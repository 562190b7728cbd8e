/* The world as one process sees it: its clocks, its disk, and whether it gets another thread. Loaded before libc's own
   functions into a server under test; a file that both processes map says what to pretend. Nothing is pretended while
   every slot is zero. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { TIME, WALL, STILL, WRITE_ERROR, SYNC_ERROR, KILLED_AT, THREAD_ERROR, SLOTS };
static const volatile int64_t nothing[SLOTS];
static const volatile int64_t *world = nothing;
static long (*next)(long, ...);

__attribute__((constructor)) static void look(void) {
    next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    const char *path = getenv("PRETENDED_WORLD");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *at = mmap(NULL, sizeof nothing, PROT_READ, MAP_SHARED, file, 0);
    if (at != MAP_FAILED) world = at;
    close(file);
}

/* Seconds passed on every clock, seconds by which the wall clock alone was set, and the time at which it stands still
   but for those. */
int clock_gettime(clockid_t clock, struct timespec *now) {
    long outcome = syscall(SYS_clock_gettime, clock, now);
    if (outcome == 0 && clock != CLOCK_PROCESS_CPUTIME_ID && clock != CLOCK_THREAD_CPUTIME_ID) {
        int wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
        if (wall && world[STILL]) *now = (struct timespec){.tv_sec = world[STILL]};
        now->tv_sec += world[TIME] + (wall ? world[WALL] : 0);
    }
    return (int)outcome;
}

/* Rust waits until a time of the steady clock by this call; the kernel knows only the true one. */
long syscall(long number, ...) {
    if (!next) next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    va_list list;
    va_start(list, number);
    long a = va_arg(list, long), b = va_arg(list, long), c = va_arg(list, long);
    long d = va_arg(list, long), e = va_arg(list, long), f = va_arg(list, long);
    va_end(list);
    struct timespec until;
    int waits = number == SYS_futex && (b & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET;
    if (waits && d && !(b & FUTEX_CLOCK_REALTIME)) {
        until = *(struct timespec *)d;
        until.tv_sec -= world[TIME];
        if (until.tv_sec < 0) until.tv_sec = 0;
        d = (long)&until;
    }
    return next(number, a, b, c, d, e, f);
}

/* Something is about to change on the disk: the process may die before it does. */
static void step(void) {
    static int64_t steps;
    if (world[KILLED_AT] && __atomic_add_fetch(&steps, 1, __ATOMIC_SEQ_CST) == world[KILLED_AT]) raise(SIGKILL);
}

static int regular(int file) {
    struct stat facts;
    return fstat(file, &facts) == 0 && S_ISREG(facts.st_mode);
}

static int refused(int file) {
    if (!regular(file)) return 0;
    step();
    if (world[WRITE_ERROR]) errno = (int)world[WRITE_ERROR];
    return world[WRITE_ERROR] != 0;
}

ssize_t write(int file, const void *bytes, size_t count) {
    return refused(file) ? -1 : syscall(SYS_write, file, bytes, count);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
    return refused(file) ? -1 : syscall(SYS_pwrite64, file, bytes, count, at);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) {
    return pwrite64(file, bytes, count, at);
}

int open64(const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
    va_end(list);
    if (flags & O_CREAT) step();
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int rename(const char *from, const char *to) {
    step();
    return (int)syscall(SYS_rename, from, to);
}

int unlink(const char *path) {
    step();
    return (int)syscall(SYS_unlink, path);
}

int fchmod(int file, mode_t mode) {
    step();
    return (int)syscall(SYS_fchmod, file, mode);
}

int ftruncate64(int file, off64_t length) {
    step();
    return (int)syscall(SYS_ftruncate, file, length);
}

int fdatasync(int file) {
    step();
    if (world[SYNC_ERROR]) { errno = (int)world[SYNC_ERROR]; return -1; }
    return (int)syscall(SYS_fdatasync, file);
}

int fsync(int file) {
    step();
    if (world[SYNC_ERROR]) { errno = (int)world[SYNC_ERROR]; return -1; }
    return (int)syscall(SYS_fsync, file);
}

typedef int create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *with) {
    if (world[THREAD_ERROR]) return (int)world[THREAD_ERROR];
    return ((create *)dlsym(RTLD_NEXT, "pthread_create"))(thread, attributes, start, with);
}
