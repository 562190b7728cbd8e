/* The world as one process sees it: its clocks, and its disk. Loaded before libc's own functions into a server under
   test; a file that both processes map says what to pretend. Nothing is pretended while every slot is zero. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { TIME, WALL, STILL, WRITE_ERROR, SYNC_ERROR, SLOTS };
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

static int refused(int file) {
    struct stat facts;
    if (world[WRITE_ERROR] && fstat(file, &facts) == 0 && S_ISREG(facts.st_mode)) {
        errno = (int)world[WRITE_ERROR];
        return 1;
    }
    return 0;
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

int fdatasync(int file) {
    if (world[SYNC_ERROR]) { errno = (int)world[SYNC_ERROR]; return -1; }
    return (int)syscall(SYS_fdatasync, file);
}

int fsync(int file) {
    if (world[SYNC_ERROR]) { errno = (int)world[SYNC_ERROR]; return -1; }
    return (int)syscall(SYS_fsync, file);
}
