/* A match or a target of libxtables, as one kind of thing. */
#ifndef FERRULE_EXTENSION_H
#define FERRULE_EXTENSION_H

#include <xtables.h>

#include "frame.h"

struct extension {
  bool is_target;
  struct xtables_match *match;
  struct xtables_target *target;
};

/* A field that matches and targets have alike. */
#define EXTENSION_FIELD(extension, field) \
  ((extension)->is_target ? (extension)->target->field : (extension)->match->field)

/* What is known of a rule beside the extension in question. */
struct rule_head {
  uint8_t family, protocol;
  bool is_protocol_inverted, is_fragment;
};

/* An extension's structure and what its parser keeps beside it while the options of one rule come in. */
struct extension_state {
  bool is_begun;
  uint32_t flags;
  const uint8_t *data, *scratch;
  size_t data_length, scratch_length;
};

struct option_call {
  uint32_t option;
  bool is_inverted;
  /* NULL where the option has none. */
  char *argument;
  /* All words of the line, a NULL behind them, and the place of the one after the option and its argument. */
  char **words;
  int word_count, next;
};

const char *extension_kernel_name(const struct extension *);
size_t extension_option_count(const struct extension *);
const char *extension_option(const struct extension *, size_t index, int *has_argument);

/* Puts a state in place: a fresh structure is initialised as at `-m NAME`. False where the state is none of this extension's. */
bool extension_load(struct extension *, const struct extension_state *);
/* Writes the structure with what the parser keeps beside it. */
void extension_store(const struct extension *, struct frame_writer *);
/* Reads one option; the return value is how many words it took beyond its argument, negative where the option is unknown. */
int extension_parse(struct extension *, const struct option_call *, const struct rule_head *);
void extension_finish(struct extension *);
/* Whether the structure points into this process's memory, which nobody but it can give to the kernel. */
bool extension_holds_address(const struct extension *);
/* Writes to standard output. `numeric` is below zero for the form of iptables-save. False where there is no such form. */
bool extension_print(struct extension *, const struct rule_head *, int numeric);
/* The name to be written in a saved rule. */
const char *extension_saved_name(const struct extension *);

#endif
