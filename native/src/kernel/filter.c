/* The program as a filter of the clsact qdisc: tc(8), tc-bpf(8), rtnetlink(7). */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "../sys/netlink.h"
#include "kernel_engine.h"

#define ATTRIBUTES_BYTES 128

/* What makes the filter ours: one of this number, before all that have a greater priority. */
#define PRIORITY 1u
#define HANDLE 0x464c5831u

struct request {
	struct nlmsghdr header;
	struct tcmsg message;
	uint8_t attributes[ATTRIBUTES_BYTES];
};

static void begin(struct request *request, uint16_t type, uint16_t flags, uint32_t interface_index)
{
	memset(request, 0, sizeof(*request));
	request->header.nlmsg_len = NLMSG_LENGTH(sizeof(request->message));
	request->header.nlmsg_type = type;
	request->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	request->message.tcm_family = AF_UNSPEC;
	request->message.tcm_ifindex = (int)interface_index;
}

/* Appends an attribute; there is room for all. Returns it. */
static struct rtattr *append(struct request *request, uint16_t type, const void *data, size_t bytes)
{
	uint8_t *end = (uint8_t *)request + NLMSG_ALIGN(request->header.nlmsg_len);
	struct rtattr *attribute = (struct rtattr *)(void *)end;
	attribute->rta_type = type;
	attribute->rta_len = (uint16_t)RTA_LENGTH(bytes);
	if (bytes > 0)
		memcpy(RTA_DATA(attribute), data, bytes);
	request->header.nlmsg_len =
		NLMSG_ALIGN(request->header.nlmsg_len) + (uint32_t)RTA_ALIGN(attribute->rta_len);
	return attribute;
}

static void ignore(void *context, const struct nlmsghdr *message)
{
	(void)context;
	(void)message;
}

static int ask(const struct request *request)
{
	int fd = netlink_open(NETLINK_ROUTE);
	if (fd < 0)
		return fd;
	int error = netlink_ask(fd, request, request->header.nlmsg_len, ignore, NULL);
	close(fd);
	return error;
}

static int make_qdisc(uint32_t interface_index)
{
	struct request request;
	begin(&request, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, interface_index);
	request.message.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	request.message.tcm_parent = TC_H_CLSACT;
	append(&request, TCA_KIND, "clsact", sizeof("clsact"));
	int error = ask(&request);
	return error == -EEXIST ? 0 : error;
}

static void name_filter(struct request *request)
{
	request->message.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS);
	request->message.tcm_handle = HANDLE;
	request->message.tcm_info = TC_H_MAKE(PRIORITY << 16, htons(ETH_P_ALL));
	append(request, TCA_KIND, "bpf", sizeof("bpf"));
}

int kernel_attach_filter(const struct kernel_engine *engine, uint32_t interface_index)
{
	int error = make_qdisc(interface_index);
	if (error < 0)
		return error;
	struct request request;
	const uint32_t program = (uint32_t)engine->program;
	const uint32_t flags = TCA_BPF_FLAG_ACT_DIRECT;
	begin(&request, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_REPLACE, interface_index);
	name_filter(&request);
	struct rtattr *options = append(&request, TCA_OPTIONS, NULL, 0);
	append(&request, TCA_BPF_FD, &program, sizeof(program));
	append(&request, TCA_BPF_NAME, "floxy", sizeof("floxy"));
	append(&request, TCA_BPF_FLAGS, &flags, sizeof(flags));
	uint8_t *end = (uint8_t *)&request + request.header.nlmsg_len;
	options->rta_len = (uint16_t)(end - (uint8_t *)options);
	return ask(&request);
}

int kernel_detach_filter(uint32_t interface_index)
{
	struct request request;
	begin(&request, RTM_DELTFILTER, 0, interface_index);
	name_filter(&request);
	int error = ask(&request);
	/* Without a clsact qdisc the kernel knows no parent; without an interface there is nothing.
	 */
	return error == -ENOENT || error == -EINVAL || error == -ENODEV ? 0 : error;
}
