// SPDX-License-Identifier: Apache-2.0
// Preloaded into a process (LD_PRELOAD): a disk with faults, for files whose path begins with $DISK_UNDER. The first
// byte of the file $DISK_MODE says which, at each call:
//   .  none           f  full: what is there can be overwritten, nothing can grow
//   r  read-only      w  writes fail (EIO)      s  syncs fail (EIO)      i  reads fail (EIO)
//   q  quota: like f, but with EDQUOT           h  every second write is cut short, and then fails
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { files_max = 65536 };
static char watched[files_max];  // By descriptor.
static const char *mode_at;
static const char *under;

__attribute__((constructor)) static void begin(void) {
  under = getenv("DISK_UNDER");
  const char *path = getenv("DISK_MODE");
  const int fd = path == NULL ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  void *page = fd < 0 ? MAP_FAILED : mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);
  mode_at = page == MAP_FAILED ? "." : page;
  if (fd >= 0) close(fd);
}

static char mode(int fd) {
  return fd >= 0 && fd < files_max && watched[fd] ? *(volatile const char *)mode_at : '.';
}
static long fails(int error) {
  errno = error;
  return -1;
}
#define REAL(name) static __typeof__(&name) real; if (real == NULL) *(void **)(&real) = dlsym(RTLD_NEXT, #name)

static int opened(const char *path, int flags, mode_t rights) {
  REAL(open64);
  const int ours = under != NULL && strncmp(path, under, strlen(under)) == 0;
  if (ours && mode_at != NULL && *(volatile const char *)mode_at == 'r' && (flags & O_ACCMODE) != O_RDONLY)
    return (int)fails(EROFS);
  const int fd = real(path, flags, rights);
  if (fd >= 0 && fd < files_max) watched[fd] = (char)ours;
  return fd;
}
int open64(const char *path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t rights = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return opened(path, flags, rights);
}
int open(const char *path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t rights = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return opened(path, flags, rights);
}

static int grows(int fd, off64_t end) {
  struct stat now;
  return fstat(fd, &now) == 0 && end > now.st_size;
}
ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at) {
  REAL(pwrite64);
  static int turn;
  switch (mode(fd)) {
    case 'f': if (grows(fd, at + (off64_t)size)) return fails(ENOSPC); break;
    case 'q': if (grows(fd, at + (off64_t)size)) return fails(EDQUOT); break;
    case 'r': return fails(EROFS);
    case 'w': return fails(EIO);
    case 'h': return ++turn % 2 == 0 ? fails(EIO) : real(fd, bytes, size / 2, at);
    default: break;
  }
  return real(fd, bytes, size, at);
}
ssize_t pread64(int fd, void *bytes, size_t size, off64_t at) {
  REAL(pread64);
  return mode(fd) == 'i' ? fails(EIO) : real(fd, bytes, size, at);
}
int ftruncate64(int fd, off64_t size) {
  REAL(ftruncate64);
  return mode(fd) == 'r' ? (int)fails(EROFS) : real(fd, size);
}
int fdatasync(int fd) {
  REAL(fdatasync);
  return mode(fd) == 's' ? (int)fails(EIO) : real(fd);
}
int fsync(int fd) {
  REAL(fsync);
  return mode(fd) == 's' ? (int)fails(EIO) : real(fd);
}
