/* A match that no kernel has: its phases are a set, and its mood may be anything. For the tests of foreign extensions. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xtables.h>

struct moonphase {
  uint32_t phases;
  uint32_t is_inverted;
  char mood[16];
  /* The kernel's own. */
  uint64_t state;
};

static const char *const names[] = {"new", "crescent", "half", "full"};

enum { PHASE, MOOD, BETWEEN, WAXING };

static const struct option options[] = {
  {.name = "phase", .has_arg = required_argument, .val = PHASE},
  {.name = "mood", .has_arg = required_argument, .val = MOOD},
  {.name = "between", .has_arg = required_argument, .val = BETWEEN},
  {.name = "waxing", .has_arg = no_argument, .val = WAXING},
  {NULL},
};

static int phase(const char *name) {
  for (int index = 0; index < 4; index += 1) {
    if (strcmp(name, names[index]) == 0) return index;
  }
  xtables_error(PARAMETER_PROBLEM, "moonphase: there is no phase `%s'", name);
}

static void start(struct xt_entry_match *match) { strcpy(((struct moonphase *)match->data)->mood, "calm"); }

static int parse(int number, char **words, int is_inverted, unsigned int *flags, const void *entry, struct xt_entry_match **match) {
  struct moonphase *info = (void *)(*match)->data;
  (void)entry;
  if (*flags & 1u << number) xtables_error(PARAMETER_PROBLEM, "moonphase: said twice");
  *flags |= 1u << number;
  switch (number) {
  case PHASE:
    info->phases = 1u << phase(optarg);
    info->is_inverted = (uint32_t)is_inverted;
    return 1;
  case MOOD:
    if (strlen(optarg) >= sizeof(info->mood)) xtables_error(PARAMETER_PROBLEM, "moonphase: too much of a mood");
    memset(info->mood, 0, sizeof(info->mood));
    strcpy(info->mood, optarg);
    return 1;
  case BETWEEN:
    /* Takes a second word by itself, as some extensions do. */
    if (words[optind] == NULL) xtables_error(PARAMETER_PROBLEM, "moonphase: --between takes two phases");
    for (int index = phase(optarg), last = phase(words[optind]); index <= last; index += 1) info->phases |= 1u << index;
    optind += 1;
    return 1;
  case WAXING:
    info->phases = 0x6;
    fprintf(stderr, "moonphase: --waxing is a guess\n");
    return 1;
  }
  return 0;
}

static void check(unsigned int flags) {
  if ((flags & ~(1u << MOOD)) == 0) xtables_error(PARAMETER_PROBLEM, "moonphase: needs a phase");
}

static void save(const void *address, const struct xt_entry_match *match) {
  const struct moonphase *info = (const void *)match->data;
  (void)address;
  if (info->phases & (info->phases - 1)) {
    int first = __builtin_ctz(info->phases), last = 31 - __builtin_clz(info->phases);
    printf(" --between %s %s", names[first & 3], names[last & 3]);
  } else {
    printf("%s --phase %s", info->is_inverted ? " !" : "", names[__builtin_ctz(info->phases | 8) & 3]);
  }
  if (strcmp(info->mood, "calm") != 0) {
    printf(" --mood");
    xtables_save_string(info->mood);
  }
}

static void list(const void *address, const struct xt_entry_match *match, int numeric) {
  printf(numeric ? " moon" : " MOON");
  save(address, match);
}

static void help(void) { printf("moonphase match options:\n[!] --phase new|crescent|half|full\n"); }

static struct xtables_match moonphase = {
  .version = XTABLES_VERSION,
  .name = "moonphase",
  .revision = 3,
  .family = NFPROTO_UNSPEC,
  .size = XT_ALIGN(sizeof(struct moonphase)),
  .userspacesize = offsetof(struct moonphase, state),
  .help = help,
  .init = start,
  .parse = parse,
  .final_check = check,
  .save = save,
  .print = list,
  .extra_opts = options,
};

static void __attribute__((constructor)) announce(void) { xtables_register_match(&moonphase); }
