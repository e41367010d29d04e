/* What the Linux UAPI has and Swift's own C library module does not: headers, and calls that are macros or variadic in C. */
#ifndef FERRULE_CLINUX_H
#define FERRULE_CLINUX_H
#include <spawn.h>
#include <sys/fsuid.h>
#include <sys/types.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netfilter/nf_tables.h>

/* unshare(2), and what it can take apart. */
enum { FERRULE_NEW_NETWORK = 0x40000000, FERRULE_NEW_USER = 0x10000000 };
int ferrule_unshare(int flags);

/* setns(2) */
int ferrule_setns(int descriptor, int flags);

/* The kernel's time zone in minutes west of Greenwich, from gettimeofday(2); 0 if the kernel does not say. glibc's function always says 0. */
int ferrule_minutes_west(void);

/* pipe2(2), closed in programs that are started. */
int ferrule_pipe(int ends[2]);

/* posix_spawn_file_actions_addchdir_np(3) */
int ferrule_spawn_in(posix_spawn_file_actions_t *actions, const char *directory);

/* posix_spawn_file_actions_addclosefrom_np(3) */
int ferrule_spawn_closing(posix_spawn_file_actions_t *actions, int first);

/*
 * Starts a program that can change nothing but the network: it sees every file system read-only, has
 * CAP_NET_ADMIN and CAP_NET_RAW at most, and gains nothing by executing another. Without the right to make a mount namespace, as in most
 * containers, files are as they are for the caller.
 * input, output, errors: its standard descriptors; -1 for that of the caller.
 * hides_files: it is started in the root directory, and sees /run, /tmp and /root empty.
 * Returns its number, or -1 with errno. A program that cannot be executed ends with status 127.
 */
pid_t ferrule_spawn_confined(const char *path, char *const words[], char *const variables[], int input, int output, int errors, int hides_files);

/* Keeps the calling thread on the processor it runs on. */
int ferrule_thread_pin(void);

/* setgroups(2) for the calling thread alone; the C library's function changes all threads of the process. */
int ferrule_thread_setgroups(const gid_t *groups, size_t count);
#endif
