/* The kernel's match on L2TP, for which iptables 1.8.9 has no extension: foreign to Ferrule, and yet a real one. */
#include <stdio.h>
#include <xtables.h>
#include <linux/netfilter/xt_l2tp.h>

enum { TUNNEL, SESSION, VERSION, TYPE };

#define FIELD(name) XTOPT_POINTER(struct xt_l2tp_info, name)

static const struct xt_option_entry options[] = {
  {.name = "tid", .id = TUNNEL, .type = XTTYPE_UINT32, .flags = XTOPT_PUT, FIELD(tid)},
  {.name = "sid", .id = SESSION, .type = XTTYPE_UINT32, .flags = XTOPT_PUT, FIELD(sid)},
  {.name = "pversion", .id = VERSION, .type = XTTYPE_UINT8, .min = 2, .max = 3, .flags = XTOPT_PUT, FIELD(version)},
  {.name = "type", .id = TYPE, .type = XTTYPE_STRING},
  XTOPT_TABLEEND,
};

static void parse(struct xt_option_call *call) {
  struct xt_l2tp_info *info = call->data;
  xtables_option_parse(call);
  switch (call->entry->id) {
  case TUNNEL: info->flags |= XT_L2TP_TID; break;
  case SESSION: info->flags |= XT_L2TP_SID; break;
  case VERSION: info->flags |= XT_L2TP_VERSION; break;
  case TYPE:
    if (call->arg[0] != 'c' && call->arg[0] != 'd') xtables_param_act(XTF_BAD_VALUE, "l2tp", "--type", call->arg);
    info->type = call->arg[0] == 'c' ? XT_L2TP_TYPE_CONTROL : XT_L2TP_TYPE_DATA;
    info->flags |= XT_L2TP_TYPE;
    break;
  }
}

static void check(struct xt_fcheck_call *call) {
  if (call->xflags == 0) xtables_error(PARAMETER_PROBLEM, "l2tp: needs an option");
}

static void write_fields(const struct xt_l2tp_info *info, const char *dashes) {
  if (info->flags & XT_L2TP_TID) printf(" %stid %u", dashes, info->tid);
  if (info->flags & XT_L2TP_SID) printf(" %ssid %u", dashes, info->sid);
  if (info->flags & XT_L2TP_VERSION) printf(" %spversion %u", dashes, info->version);
  if (info->flags & XT_L2TP_TYPE) printf(" %stype %s", dashes, info->type == XT_L2TP_TYPE_CONTROL ? "control" : "data");
}

static void save(const void *address, const struct xt_entry_match *match) {
  (void)address;
  write_fields((const void *)match->data, "--");
}

static void list(const void *address, const struct xt_entry_match *match, int numeric) {
  (void)address, (void)numeric;
  printf(" l2tp");
  write_fields((const void *)match->data, "");
}

static void help(void) { printf("l2tp match options:\n --tid number\n --sid number\n --pversion 2|3\n --type control|data\n"); }

static struct xtables_match l2tp = {
  .version = XTABLES_VERSION,
  .name = "l2tp",
  .family = NFPROTO_UNSPEC,
  .size = XT_ALIGN(sizeof(struct xt_l2tp_info)),
  .userspacesize = XT_ALIGN(sizeof(struct xt_l2tp_info)),
  .help = help,
  .x6_parse = parse,
  .x6_fcheck = check,
  .x6_options = options,
  .save = save,
  .print = list,
};

static void __attribute__((constructor)) announce(void) { xtables_register_match(&l2tp); }
