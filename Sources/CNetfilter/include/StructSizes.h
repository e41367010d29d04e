/* The sizes of structures that hold a pointer of the kernel's own: Swift calls it unsafe even to measure them. */
#ifndef FERRULE_STRUCT_SIZES_H
#define FERRULE_STRUCT_SIZES_H
enum {
  xt_bpf_info_size = sizeof(struct xt_bpf_info),
  xt_bpf_info_v1_size = sizeof(struct xt_bpf_info_v1),
  xt_cgroup_info_v1_size = sizeof(struct xt_cgroup_info_v1),
  xt_cgroup_info_v2_size = sizeof(struct xt_cgroup_info_v2),
  xt_connlimit_info_size = sizeof(struct xt_connlimit_info),
  xt_hashlimit_mtinfo1_size = sizeof(struct xt_hashlimit_mtinfo1),
  xt_hashlimit_mtinfo2_size = sizeof(struct xt_hashlimit_mtinfo2),
  xt_hashlimit_mtinfo3_size = sizeof(struct xt_hashlimit_mtinfo3),
  xt_nfacct_match_info_size = sizeof(struct xt_nfacct_match_info),
  xt_nfacct_match_info_v1_size = sizeof(struct xt_nfacct_match_info_v1),
  xt_quota_info_size = sizeof(struct xt_quota_info),
  xt_rateest_match_info_size = sizeof(struct xt_rateest_match_info),
  xt_rateinfo_size = sizeof(struct xt_rateinfo),
  xt_statistic_info_size = sizeof(struct xt_statistic_info),
  xt_string_info_size = sizeof(struct xt_string_info),
  xt_ct_target_info_size = sizeof(struct xt_ct_target_info),
  xt_ct_target_info_v1_size = sizeof(struct xt_ct_target_info_v1),
  xt_tee_tginfo_size = sizeof(struct xt_tee_tginfo),
  xt_rateest_target_info_size = sizeof(struct xt_rateest_target_info),
  xt_led_info_size = sizeof(struct xt_led_info),
  idletimer_tg_info_size = sizeof(struct idletimer_tg_info),
  idletimer_tg_info_v1_size = sizeof(struct idletimer_tg_info_v1),
  ipt_clusterip_tgt_info_size = sizeof(struct ipt_clusterip_tgt_info),
};
/* Measured in CNetfilter.c: the header defines the IP header anew, which the C library's own users would trip over. */
extern const unsigned long xt_osf_info_size;
/* Measured in HopLimitSizes.c: the headers' guards are those of other headers. */
extern const unsigned long ipt_TTL_info_size;
extern const unsigned long ip6t_HL_info_size;
#endif
