/*
 * Counts the calls of the C library that change files below some folders, over all processes and
 * threads of a run, and kills the run at one of them or lets it fail there. strace's `when=N`
 * counts for each thread, and counts the calls on other files too; this counts what matters, so
 * that the points of a run are 1, 2, 3, … whichever thread comes by. Preloaded by `faults.ts`,
 * which sets:
 *
 *   FAULT_ROOTS    absolute folders, separated by `:`
 *   FAULT_COUNTER  a file of 8 bytes: how many calls there were
 *   FAULT_LOG      takes a line for each: ordinal, name, path (or `from -> to`), separated by tabs
 *   FAULT_AT       the ordinal to act at; 0 for none
 *   FAULT_ERROR    the number of the error to fail with; 0 to kill
 *   FAULT_LASTS    1: from that ordinal on
 *   FAULT_CALLS    which calls may fail, each between commas: `,write,fsync,`
 *   FAULT_GROUP    set here: the process group to kill, that of the first process
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Two paths, and what stands around them. */
#define LONGEST (2 * PATH_MAX + 128)

static const char *roots, *log_path, *calls;
static long (*do_syscall)(long, ...);
static unsigned long *counter, at;
static int failure, lasts;
static pid_t group;

/* Others' libraries are started, and open files, before this one. */
static long (*real(void))(long, ...) {
  if (do_syscall == NULL) do_syscall = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  return do_syscall;
}

static unsigned long number(const char *name) {
  const char *text = getenv(name);
  return text ? strtoul(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void start(void) {
  const char *path = getenv("FAULT_COUNTER");
  int descriptor = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (descriptor < 0) return;
  void *shared = mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  close(descriptor);
  if (shared == MAP_FAILED) return;
  roots = getenv("FAULT_ROOTS");
  log_path = getenv("FAULT_LOG");
  calls = getenv("FAULT_CALLS");
  at = number("FAULT_AT");
  failure = (int)number("FAULT_ERROR");
  lasts = number("FAULT_LASTS") == 1;
  char own[32];
  snprintf(own, sizeof own, "%d", (int)getpgrp());
  setenv("FAULT_GROUP", own, 0);
  group = (pid_t)number("FAULT_GROUP");
  counter = shared;
}

static int is_below(const char *path) {
  for (const char *root = roots; root && *root;) {
    size_t length = strcspn(root, ":");
    if (strncmp(path, root, length) == 0 && (path[length] == '/' || path[length] == 0)) return 1;
    root += length + (root[length] == ':');
  }
  return 0;
}

/* What an open descriptor, or the working folder, is the name of; empty where it has none. */
static void name_of(int descriptor, char *to) {
  char link[64];
  if (descriptor == AT_FDCWD) strcpy(link, "/proc/self/cwd");
  else snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = real()(SYS_readlinkat, AT_FDCWD, link, to, PATH_MAX - 1);
  to[length < 0 ? 0 : length] = 0;
}

static void absolute(int folder, const char *path, char *to) {
  if (path[0] == '/') {
    snprintf(to, PATH_MAX, "%s", path);
    return;
  }
  char base[PATH_MAX];
  name_of(folder, base);
  if (snprintf(to, PATH_MAX, "%s/%s", base, path) >= PATH_MAX) to[PATH_MAX - 1] = 0;
}

static void note(unsigned long ordinal, const char *call, const char *path) {
  char line[LONGEST];
  int length = snprintf(line, sizeof line, "%lu\t%s\t%s\n", ordinal, call, path);
  int log = (int)real()(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_APPEND | O_CLOEXEC, 0);
  if (log < 0) abort();
  real()(SYS_write, log, line, (size_t)length);
  real()(SYS_close, log);
}

static int may_fail(const char *call) {
  char word[64];
  snprintf(word, sizeof word, ",%s,", call);
  return calls == NULL || strstr(calls, word) != NULL;
}

/* Says whether this call is to fail; does not come back where it is to be killed. */
static int reach(const char *call, const char *path) {
  int before = errno;
  unsigned long ordinal = __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
  note(ordinal, call, path);
  int is_due = at != 0 && (ordinal == at || (lasts && ordinal > at)) && may_fail(call);
  if (is_due && failure == 0) {
    if (getpgrp() != group) kill(-group, SIGKILL);
    kill(0, SIGKILL);
    for (;;) pause();
  }
  errno = is_due ? failure : before;
  return is_due;
}

static int on_path(const char *call, int folder, const char *path) {
  if (counter == NULL || path == NULL) return 0;
  char whole[PATH_MAX];
  absolute(folder, path, whole);
  return is_below(whole) && reach(call, whole);
}

static int on_descriptor(const char *call, int descriptor) {
  if (counter == NULL) return 0;
  char whole[PATH_MAX];
  name_of(descriptor, whole);
  return is_below(whole) && reach(call, whole);
}

static int on_two(const char *call, int one, const char *from, int other, const char *to) {
  if (counter == NULL || from == NULL || to == NULL) return 0;
  char old[PATH_MAX], new[PATH_MAX], both[2 * PATH_MAX + 8];
  absolute(one, from, old);
  absolute(other, to, new);
  if (!is_below(old) && !is_below(new)) return 0;
  snprintf(both, sizeof both, "%s -> %s", old, new);
  return reach(call, both);
}

#define LET(met, ...) return (met) ? -1 : (__typeof__(result))real()(__VA_ARGS__)
#define CALL(type, name, parameters, met, ...) \
  type name parameters {                       \
    type result;                               \
    (void)sizeof result;                       \
    LET(met, __VA_ARGS__);                     \
  }

CALL(int, rename, (const char *a, const char *b), on_two("rename", AT_FDCWD, a, AT_FDCWD, b),
     SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, 0)
CALL(int, renameat, (int f, const char *a, int g, const char *b), on_two("rename", f, a, g, b),
     SYS_renameat2, f, a, g, b, 0)
CALL(int, renameat2, (int f, const char *a, int g, const char *b, unsigned flags),
     on_two("rename", f, a, g, b), SYS_renameat2, f, a, g, b, flags)
CALL(int, link, (const char *a, const char *b), on_two("link", AT_FDCWD, a, AT_FDCWD, b),
     SYS_linkat, AT_FDCWD, a, AT_FDCWD, b, 0)
CALL(int, linkat, (int f, const char *a, int g, const char *b, int flags),
     on_two("link", f, a, g, b), SYS_linkat, f, a, g, b, flags)
CALL(int, symlink, (const char *text, const char *b), on_path("symlink", AT_FDCWD, b),
     SYS_symlinkat, text, AT_FDCWD, b)
CALL(int, symlinkat, (const char *text, int g, const char *b), on_path("symlink", g, b),
     SYS_symlinkat, text, g, b)
CALL(int, unlink, (const char *a), on_path("unlink", AT_FDCWD, a), SYS_unlinkat, AT_FDCWD, a, 0)
CALL(int, unlinkat, (int f, const char *a, int flags),
     on_path(flags & AT_REMOVEDIR ? "rmdir" : "unlink", f, a), SYS_unlinkat, f, a, flags)
CALL(int, rmdir, (const char *a), on_path("rmdir", AT_FDCWD, a), SYS_unlinkat, AT_FDCWD, a,
     AT_REMOVEDIR)
CALL(int, mkdir, (const char *a, mode_t mode), on_path("mkdir", AT_FDCWD, a), SYS_mkdirat,
     AT_FDCWD, a, mode)
CALL(int, mkdirat, (int f, const char *a, mode_t mode), on_path("mkdir", f, a), SYS_mkdirat, f, a,
     mode)
CALL(int, chmod, (const char *a, mode_t mode), on_path("chmod", AT_FDCWD, a), SYS_fchmodat,
     AT_FDCWD, a, mode)
CALL(int, fchmod, (int d, mode_t mode), on_descriptor("chmod", d), SYS_fchmod, d, mode)
CALL(int, utimensat, (int f, const char *a, const struct timespec times[2], int flags),
     on_path("utimens", f, a), SYS_utimensat, f, a, times, flags)
CALL(int, futimens, (int d, const struct timespec times[2]), on_descriptor("utimens", d),
     SYS_utimensat, d, NULL, times, 0)
CALL(int, truncate, (const char *a, off_t size), on_path("truncate", AT_FDCWD, a), SYS_truncate, a,
     size)
CALL(int, truncate64, (const char *a, off64_t size), on_path("truncate", AT_FDCWD, a),
     SYS_truncate, a, size)
CALL(int, ftruncate, (int d, off_t size), on_descriptor("truncate", d), SYS_ftruncate, d, size)
CALL(int, ftruncate64, (int d, off64_t size), on_descriptor("truncate", d), SYS_ftruncate, d, size)
CALL(int, fsync, (int d), on_descriptor("fsync", d), SYS_fsync, d)
CALL(int, fdatasync, (int d), on_descriptor("fsync", d), SYS_fdatasync, d)
CALL(ssize_t, write, (int d, const void *bytes, size_t size), on_descriptor("write", d), SYS_write,
     d, bytes, size)
CALL(ssize_t, pwrite, (int d, const void *bytes, size_t size, off_t to), on_descriptor("write", d),
     SYS_pwrite64, d, bytes, size, to)
CALL(ssize_t, pwrite64, (int d, const void *bytes, size_t size, off64_t to),
     on_descriptor("write", d), SYS_pwrite64, d, bytes, size, to)
CALL(ssize_t, writev, (int d, const struct iovec *parts, int count), on_descriptor("write", d),
     SYS_writev, d, parts, count)
CALL(ssize_t, pwritev, (int d, const struct iovec *parts, int count, off_t to),
     on_descriptor("write", d), SYS_pwritev, d, parts, count, to, 0)
CALL(ssize_t, pwritev64, (int d, const struct iovec *parts, int count, off64_t to),
     on_descriptor("write", d), SYS_pwritev, d, parts, count, to, 0)
CALL(ssize_t, sendfile, (int to, int from, off_t *start, size_t size), on_descriptor("write", to),
     SYS_sendfile, to, from, start, size)
CALL(ssize_t, sendfile64, (int to, int from, off64_t *start, size_t size),
     on_descriptor("write", to), SYS_sendfile, to, from, start, size)
CALL(ssize_t, copy_file_range,
     (int from, off64_t *a, int to, off64_t *b, size_t size, unsigned flags),
     on_descriptor("write", to), SYS_copy_file_range, from, a, to, b, size, flags)

/* `flags` that change nothing but what is read make no point. */
static int open_any(int folder, const char *path, int flags, mode_t mode) {
  int changes = (flags & (O_CREAT | O_TRUNC)) != 0 || (flags & O_ACCMODE) != O_RDONLY;
  if (changes && on_path("open", folder, path)) return -1;
  return (int)real()(SYS_openat, folder, path, flags, mode);
}

static mode_t mode_after(int flags, va_list *rest) {
  int has_mode = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  return has_mode ? va_arg(*rest, mode_t) : 0;
}

#define OPEN(name, parameters, folder)                  \
  int name parameters {                                 \
    va_list rest;                                       \
    va_start(rest, flags);                              \
    mode_t mode = mode_after(flags, &rest);             \
    va_end(rest);                                       \
    return open_any(folder, path, flags, mode);         \
  }

OPEN(open, (const char *path, int flags, ...), AT_FDCWD)
OPEN(open64, (const char *path, int flags, ...), AT_FDCWD)
OPEN(openat, (int folder, const char *path, int flags, ...), folder)
OPEN(openat64, (int folder, const char *path, int flags, ...), folder)

int creat(const char *path, mode_t mode) {
  return open_any(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int creat64(const char *path, mode_t mode) {
  return creat(path, mode);
}

/* libuv has no other way to copy_file_range. */
long syscall(long number, ...) {
  va_list rest;
  va_start(rest, number);
  long words[6];
  for (int index = 0; index < 6; index += 1) words[index] = va_arg(rest, long);
  va_end(rest);
  if (number == SYS_copy_file_range && on_descriptor("write", (int)words[2])) return -1;
  return real()(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}
