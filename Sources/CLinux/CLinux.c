#define _GNU_SOURCE
#include "CLinux.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(FERRULE_NEW_NETWORK == CLONE_NEWNET && FERRULE_NEW_USER == CLONE_NEWUSER, "clone flags");

int ferrule_unshare(int flags) { return unshare(flags); }

int ferrule_setns(int descriptor, int flags) { return setns(descriptor, flags); }

int ferrule_thread_setgroups(const gid_t *groups, size_t count) { return (int)syscall(SYS_setgroups, count, groups); }

int ferrule_minutes_west(void) {
#ifdef SYS_gettimeofday
  struct { int minutes_west, daylight; } zone = {0, 0};
  if (syscall(SYS_gettimeofday, NULL, &zone) == 0) return zone.minutes_west;
#endif
  return 0;
}

int ferrule_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int ferrule_spawn_in(posix_spawn_file_actions_t *actions, const char *directory) {
  return posix_spawn_file_actions_addchdir_np(actions, directory);
}

int ferrule_spawn_closing(posix_spawn_file_actions_t *actions, int first) {
  return posix_spawn_file_actions_addclosefrom_np(actions, first);
}

/* mount(2), whose header does not go together with the kernel's. */
static int attach(const char *type, const char *place, unsigned long flags) {
  return (int)syscall(SYS_mount, type, place, type, flags, "size=64k");
}

/*
 * Makes a mount namespace in which nothing can be written, as far as the caller has the right to, and the kernel can (Linux 5.12).
 * False where it could be and was not.
 */
static int protect_files(int hides_files) {
  enum { private_mount = 1 << 18, recursive = 16384, no_programs = 2 | 4 | 8, recursive_at = 0x8000 };
  static const char *const hidden[] = {"/run", "/tmp", "/root"};
  struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID};
  if (unshare(CLONE_NEWNS) != 0) return errno == EPERM;
  if (syscall(SYS_mount, NULL, "/", NULL, private_mount | recursive, NULL) != 0) return 0;
  for (size_t place = 0; hides_files && place < sizeof hidden / sizeof *hidden; place++) (void)attach("tmpfs", hidden[place], no_programs);
  return syscall(SYS_mount_setattr, AT_FDCWD, "/", recursive_at, &attributes, sizeof attributes) == 0 || errno == ENOSYS;
}

/* Takes all capabilities away but those of the network, from this process and what it executes. */
static void drop_capabilities(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct sets[2] = {{0}};
  const unsigned wanted = 1u << CAP_NET_ADMIN | 1u << CAP_NET_RAW;
  for (int number = 0; number <= 63; number++)
    if (number != CAP_NET_ADMIN && number != CAP_NET_RAW) (void)prctl(PR_CAPBSET_DROP, number, 0, 0, 0);
  if (syscall(SYS_capget, &header, sets) != 0) return;
  sets[0].permitted &= wanted;
  sets[0].effective = sets[0].permitted;
  sets[0].inheritable = sets[1].permitted = sets[1].effective = sets[1].inheritable = 0;
  (void)syscall(SYS_capset, &header, sets);
}

pid_t ferrule_spawn_confined(const char *path, char *const words[], char *const variables[], int input, int output, int errors, int hides_files) {
  pid_t process = fork();
  if (process != 0) return process;
  sigset_t none;
  sigemptyset(&none);
  (void)sigprocmask(SIG_SETMASK, &none, NULL);
  (void)signal(SIGPIPE, SIG_DFL);
  if (dup2(input, 0) < 0 || dup2(output, 1) < 0 || (errors >= 0 && dup2(errors, 2) < 0)) _exit(126);
  if ((hides_files && chdir("/") != 0) || !protect_files(hides_files)) _exit(126);
  drop_capabilities();
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) _exit(126);
  (void)execve(path, words, variables);
  _exit(127);
}

int ferrule_thread_pin(void) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(sched_getcpu(), &set);
  return sched_setaffinity(0, sizeof set, &set);
}
