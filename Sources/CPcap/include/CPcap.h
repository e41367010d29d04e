/* The part of libpcap that reads and writes files, bound when the first file is opened: libpcap brings D-Bus, systemd and a
   library of ciphers with it, which every start of the process would pay for. */
#ifndef CPCAP_H
#define CPCAP_H

#include <pcap/pcap.h>

/* Functions of libpcap by their names without `pcap_`. */
struct ferrule_pcap {
  pcap_t *_Nullable (*_Nonnull open_offline_with_tstamp_precision)(const char *_Nonnull, u_int, char *_Nonnull);
  pcap_t *_Nullable (*_Nonnull open_dead_with_tstamp_precision)(int, int, u_int);
  int (*_Nonnull datalink)(pcap_t *_Nonnull);
  const char *_Nullable (*_Nonnull datalink_val_to_name)(int);
  int (*_Nonnull next_ex)(pcap_t *_Nonnull, struct pcap_pkthdr *_Nullable *_Nonnull, const u_char *_Nullable *_Nonnull);
  char *_Nonnull (*_Nonnull geterr)(pcap_t *_Nonnull);
  void (*_Nonnull close)(pcap_t *_Nonnull);
  pcap_dumper_t *_Nullable (*_Nonnull dump_open)(pcap_t *_Nonnull, const char *_Nonnull);
  void (*_Nonnull dump)(u_char *_Nonnull, const struct pcap_pkthdr *_Nonnull, const u_char *_Nullable);
  int (*_Nonnull dump_flush)(pcap_dumper_t *_Nonnull);
  void (*_Nonnull dump_close)(pcap_dumper_t *_Nonnull);
};

/* The library's functions; null where it cannot be loaded, and `reason` then tells why. Once loaded it stays. */
const struct ferrule_pcap *_Nullable ferrule_pcap_load(char *_Nonnull reason, int room);

#endif
