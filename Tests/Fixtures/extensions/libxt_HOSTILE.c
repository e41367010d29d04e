/* A target that misbehaves as its option says: in parsing (`--parse HOW`) or in printing (`--print HOW`). */
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xtables.h>

struct hostile {
  char how[16];
};

static const struct option options[] = {
  {.name = "parse", .has_arg = required_argument, .val = 0},
  {.name = "print", .has_arg = required_argument, .val = 1},
  {NULL},
};

static void misbehave(const char *how) {
  if (strcmp(how, "exit") == 0) {
    fprintf(stderr, "I have had enough\n");
    exit(3);
  }
  if (strcmp(how, "quietly") == 0) _exit(7);
  if (strcmp(how, "abort") == 0) abort();
  if (strcmp(how, "crash") == 0) *(volatile int *)(uintptr_t)8 = 1;
  if (strcmp(how, "hang") == 0) for (;;) pause();
  if (strcmp(how, "close") == 0) for (int number = 0; number < 64; number += 1) close(number);
  if (strcmp(how, "garbage") == 0) {
    /* Whatever stream the answers go to: eight bytes of nonsense on each. */
    for (int number = 3; number < 64; number += 1) if (write(number, "\xff\xff\xff\x7fgarb", 8) < 0) continue;
  }
  if (strcmp(how, "lines") == 0) printf(" one\ntwo");
  if (strcmp(how, "flood") == 0) for (;;) printf("more and more ");
  if (strcmp(how, "error") == 0) xtables_error(OTHER_PROBLEM, "hostile: I will not");
}

static int parse(int number, char **words, int is_inverted, unsigned int *flags, const void *entry, struct xt_entry_target **target) {
  (void)words, (void)is_inverted, (void)flags, (void)entry;
  if (number == 0) misbehave(optarg);
  if (strcmp(optarg, "pointer") == 0) {
    char *address = malloc(8);
    memcpy((*target)->data, &address, sizeof(address));
    return 1;
  }
  strncpy((char *)(*target)->data, optarg, sizeof(struct hostile) - 1);
  return 1;
}

static void save(const void *address, const struct xt_entry_target *target) {
  (void)address;
  misbehave((const char *)target->data);
  printf(" --print %s", (const char *)target->data);
}

static struct xtables_target hostile = {
  .version = XTABLES_VERSION,
  .name = "HOSTILE",
  .family = NFPROTO_UNSPEC,
  .size = XT_ALIGN(sizeof(struct hostile)),
  .userspacesize = XT_ALIGN(sizeof(struct hostile)),
  .parse = parse,
  .save = save,
  .extra_opts = options,
};

static void __attribute__((constructor)) announce(void) { xtables_register_target(&hostile); }
