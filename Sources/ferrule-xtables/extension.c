#include "extension.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

/* The bytes before the data of an `xt_entry_match` or `xt_entry_target`. */
#define HEADER_SIZE XT_ALIGN(sizeof(struct xt_entry_match))

union entry {
  struct ipt_entry ipv4;
  struct ip6t_entry ipv6;
};

/* An entry as far as iptables has filled it in when it reads options and prints. */
static union entry make_entry(const struct rule_head *head) {
  union entry entry;
  memset(&entry, 0, sizeof(entry));
  if (head->family == NFPROTO_IPV6) {
    entry.ipv6.ipv6.proto = head->protocol;
    if (head->protocol != 0) entry.ipv6.ipv6.flags |= IP6T_F_PROTO;
    if (head->is_protocol_inverted) entry.ipv6.ipv6.invflags |= IP6T_INV_PROTO;
  } else {
    entry.ipv4.ip.proto = head->protocol;
    if (head->is_fragment) entry.ipv4.ip.flags |= IPT_F_FRAG;
    if (head->is_protocol_inverted) entry.ipv4.ip.invflags |= IPT_INV_PROTO;
  }
  return entry;
}

/* The part of an entry that printers look at stands first in both families. */
static const void *address_part(const union entry *entry) { return entry; }

const char *extension_kernel_name(const struct extension *extension) {
  const char *real = EXTENSION_FIELD(extension, real_name);
  return real != NULL ? real : EXTENSION_FIELD(extension, name);
}

size_t extension_option_count(const struct extension *extension) {
  const struct xt_option_entry *guided = EXTENSION_FIELD(extension, x6_options);
  const struct option *plain = EXTENSION_FIELD(extension, extra_opts);
  size_t count = 0;
  if (guided != NULL) {
    while (guided[count].name != NULL) count += 1;
  } else if (plain != NULL) {
    while (plain[count].name != NULL) count += 1;
  }
  return count;
}

const char *extension_option(const struct extension *extension, size_t index, int *has_argument) {
  const struct xt_option_entry *guided = EXTENSION_FIELD(extension, x6_options);
  if (guided != NULL) {
    *has_argument = guided[index].type != XTTYPE_NONE ? required_argument : no_argument;
    return guided[index].name;
  }
  const struct option *plain = &EXTENSION_FIELD(extension, extra_opts)[index];
  *has_argument = plain->has_arg;
  return plain->name;
}

/* A zeroed entry part with the extension's name in it; what came before is left to whatever pointers an extension kept. */
static void *make_part(struct extension *extension, const uint8_t *data, size_t length) {
  struct xt_entry_match *part = calloc(1, HEADER_SIZE + length);
  if (part == NULL) abort();
  part->u.match_size = (uint16_t)(HEADER_SIZE + length);
  strncpy(part->u.user.name, extension_kernel_name(extension), sizeof(part->u.user.name) - 1);
  part->u.user.revision = EXTENSION_FIELD(extension, revision);
  if (data != NULL && length > 0) memcpy(part->data, data, length);
  return part;
}

static void *make_scratch(size_t size, const struct extension_state *state) {
  if (size == 0) return NULL;
  uint8_t *scratch = calloc(1, size);
  if (scratch == NULL) abort();
  if (state->is_begun && state->scratch_length > 0) memcpy(scratch, state->scratch, size);
  return scratch;
}

bool extension_load(struct extension *extension, const struct extension_state *state) {
  size_t size = EXTENSION_FIELD(extension, size);
  size_t scratch_size = EXTENSION_FIELD(extension, udata_size);
  bool has_scratch = state->scratch_length > 0;
  if (state->is_begun && (state->data_length != size || (has_scratch && state->scratch_length != scratch_size))) return false;
  void *part = make_part(extension, state->is_begun ? state->data : NULL, size);
  void *scratch = make_scratch(scratch_size, state);
  if (extension->is_target) {
    struct xtables_target *target = extension->target;
    free(target->t);
    free(target->udata);
    target->t = part;
    target->udata = scratch;
    target->tflags = state->flags;
    if (!state->is_begun && target->init != NULL) target->init(target->t);
  } else {
    struct xtables_match *match = extension->match;
    free(match->m);
    free(match->udata);
    match->m = part;
    match->udata = scratch;
    match->mflags = state->flags;
    if (!state->is_begun && match->init != NULL) match->init(match->m);
  }
  return true;
}

void extension_store(const struct extension *extension, struct frame_writer *frame) {
  const struct xt_entry_match *match = extension->is_target ? NULL : extension->match->m;
  const struct xt_entry_target *target = extension->is_target ? extension->target->t : NULL;
  write_u32(frame, extension->is_target ? extension->target->tflags : extension->match->mflags);
  if (target != NULL) {
    write_bytes(frame, target->data, target->u.target_size - HEADER_SIZE);
  } else {
    write_bytes(frame, match->data, match->u.match_size - HEADER_SIZE);
  }
  write_bytes(frame, EXTENSION_FIELD(extension, udata), EXTENSION_FIELD(extension, udata_size));
}

/* The number by which an extension knows its option, which getopt would have returned. */
static int option_number(const struct extension *extension, size_t index) {
  const struct xt_option_entry *guided = EXTENSION_FIELD(extension, x6_options);
  return guided != NULL ? (int)guided[index].id : EXTENSION_FIELD(extension, extra_opts)[index].val;
}

int extension_parse(struct extension *extension, const struct option_call *call, const struct rule_head *head) {
  if (call->option >= extension_option_count(extension)) return -1;
  union entry entry = make_entry(head);
  int number = option_number(extension, call->option);
  optarg = call->argument;
  optind = call->next;
  opterr = 0;
  if (extension->is_target) {
    extension->target->option_offset = 0;
    xtables_option_tpcall((unsigned)number, call->words, call->is_inverted, extension->target, &entry);
  } else {
    extension->match->option_offset = 0;
    xtables_option_mpcall((unsigned)number, call->words, call->is_inverted, extension->match, &entry);
  }
  int taken = optind - call->next;
  return taken < 0 || optind > call->word_count ? 0 : taken;
}

void extension_finish(struct extension *extension) {
  if (extension->is_target) {
    xtables_option_tfcall(extension->target);
  } else {
    xtables_option_mfcall(extension->match);
  }
}

/* Whether memory of this process lies at an address. */
static bool is_mapped(uint64_t address) {
  FILE *maps = fopen("/proc/self/maps", "re");
  if (maps == NULL) return false;
  bool is_found = false;
  unsigned long low, high;
  while (!is_found && fscanf(maps, "%lx-%lx%*[^\n]", &low, &high) == 2) is_found = address >= low && address < high;
  fclose(maps);
  return is_found;
}

bool extension_holds_address(const struct extension *extension) {
  const uint8_t *data = extension->is_target ? extension->target->t->data : extension->match->m->data;
  for (size_t at = 0; at + sizeof(uint64_t) <= EXTENSION_FIELD(extension, size); at += sizeof(uint64_t)) {
    uint64_t word;
    memcpy(&word, data + at, sizeof(word));
    /* Smaller numbers are no addresses of anything. */
    if (word > UINT32_MAX && is_mapped(word)) return true;
  }
  return false;
}

bool extension_print(struct extension *extension, const struct rule_head *head, int numeric) {
  union entry entry = make_entry(head);
  const void *addresses = address_part(&entry);
  if (extension->is_target) {
    const struct xtables_target *target = extension->target;
    if (numeric < 0 ? target->save == NULL : target->print == NULL) return false;
    if (numeric < 0) target->save(addresses, target->t); else target->print(addresses, target->t, numeric);
  } else {
    const struct xtables_match *match = extension->match;
    if (numeric < 0 ? match->save == NULL : match->print == NULL) return false;
    if (numeric < 0) match->save(addresses, match->m); else match->print(addresses, match->m, numeric);
  }
  return true;
}

const char *extension_saved_name(const struct extension *extension) {
  const char *alias = NULL;
  if (extension->is_target) {
    const struct xtables_target *target = extension->target;
    if (target->alias != NULL) alias = target->alias(target->t);
  } else {
    const struct xtables_match *match = extension->match;
    if (match->alias != NULL) alias = match->alias(match->m);
  }
  return alias != NULL ? alias : extension_kernel_name(extension);
}
