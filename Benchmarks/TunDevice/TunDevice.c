#define _GNU_SOURCE
#include "TunDevice.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int own_network(void) { return unshare(CLONE_NEWNET) == 0 ? 0 : errno; }

int tun_open(const char *name) {
  int descriptor = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return -errno;
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (ioctl(descriptor, TUNSETIFF, &request) == 0) return descriptor;
  int error = errno;
  close(descriptor);
  return -error;
}
