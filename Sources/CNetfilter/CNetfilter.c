#include "CNetfilter.h"
#include <linux/netfilter/xt_osf.h>

const unsigned long xt_osf_info_size = sizeof(struct xt_osf_info);
