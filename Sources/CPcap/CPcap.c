#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

#include "CPcap.h"

static struct ferrule_pcap functions;
static char failure[512];
static pthread_once_t once = PTHREAD_ONCE_INIT;

#define BIND(name) ((functions.name = (__typeof__(functions.name))dlsym(library, "pcap_" #name)))

static void load(void) {
  /* Debian's name of the library, then everybody else's. */
  void *library = dlopen("libpcap.so.0.8", RTLD_NOW | RTLD_LOCAL);
  if (!library) library = dlopen("libpcap.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library && BIND(open_offline_with_tstamp_precision) && BIND(open_dead_with_tstamp_precision) && BIND(datalink) &&
      BIND(datalink_val_to_name) && BIND(next_ex) && BIND(geterr) && BIND(close) && BIND(dump_open) && BIND(dump) &&
      BIND(dump_flush) && BIND(dump_close))
    return;
  const char *error = dlerror();
  snprintf(failure, sizeof failure, "libpcap cannot be loaded: %s", error ? error : "a function is missing");
}

const struct ferrule_pcap *ferrule_pcap_load(char *reason, int room) {
  pthread_once(&once, load);
  if (!failure[0]) return &functions;
  snprintf(reason, (size_t)room, "%s", failure);
  return NULL;
}
