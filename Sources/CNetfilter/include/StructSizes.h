/* The sizes of structures that hold a pointer of the kernel's own: Swift calls it unsafe even to measure them. */
#ifndef FERRULE_STRUCT_SIZES_H
#define FERRULE_STRUCT_SIZES_H
enum {
  xt_rateinfo_size = sizeof(struct xt_rateinfo),
  xt_ct_target_info_size = sizeof(struct xt_ct_target_info),
  xt_ct_target_info_v1_size = sizeof(struct xt_ct_target_info_v1),
};
#endif
