/* The sizes of structures that hold a pointer of the kernel's own: Swift calls it unsafe even to measure them. */
#ifndef FERRULE_STRUCT_SIZES_H
#define FERRULE_STRUCT_SIZES_H
enum {
  xt_rateinfo_size = sizeof(struct xt_rateinfo),
  xt_ct_target_info_size = sizeof(struct xt_ct_target_info),
  xt_ct_target_info_v1_size = sizeof(struct xt_ct_target_info_v1),
};
/* Measured in CNetfilter.c: the header defines the IP header anew, which the C library's own users would trip over. */
extern const unsigned long xt_osf_info_size;
#endif
