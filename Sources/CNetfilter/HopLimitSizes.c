/* The headers of the matches ttl and hl have the same guards as these. */
#include <linux/netfilter_ipv4/ipt_TTL.h>
#include <linux/netfilter_ipv6/ip6t_HL.h>

const unsigned long ipt_TTL_info_size = sizeof(struct ipt_TTL_info);
const unsigned long ip6t_HL_info_size = sizeof(struct ip6t_HL_info);
