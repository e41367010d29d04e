/* The kernel's UAPI as Ferrule uses it: struct layouts and sockopt numbers, nothing of our own. */
#ifndef FERRULE_CNETFILTER_H
#define FERRULE_CNETFILTER_H
#include <sys/socket.h>
#include <netinet/in.h>
#include <net/if.h>
#include <linux/types.h>
#include <linux/netfilter.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_MARK.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter/xt_comment.h>
#endif
