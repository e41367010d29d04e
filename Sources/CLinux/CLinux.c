#define _GNU_SOURCE
#include "CLinux.h"
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(FERRULE_NEW_NETWORK == CLONE_NEWNET && FERRULE_NEW_USER == CLONE_NEWUSER, "clone flags");

int ferrule_unshare(int flags) { return unshare(flags); }

int ferrule_setns(int descriptor, int flags) { return setns(descriptor, flags); }

int ferrule_thread_setgroups(const gid_t *groups, size_t count) { return (int)syscall(SYS_setgroups, count, groups); }

int ferrule_anonymous_file(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

int ferrule_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int ferrule_spawn_in(posix_spawn_file_actions_t *actions, const char *directory) {
  return posix_spawn_file_actions_addchdir_np(actions, directory);
}

int ferrule_thread_pin(void) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(sched_getcpu(), &set);
  return sched_setaffinity(0, sizeof set, &set);
}
