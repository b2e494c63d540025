/* What lwIP asks of a platform (lwip/arch.h). Its assertions are ours: on in release builds. */
#ifndef NET_IP_ARCH_CC_H
#define NET_IP_ARCH_CC_H

#include <endian.h>
#include <stdlib.h>

#include "net/wire/must.h"

#define LWIP_PLATFORM_ASSERT(text) must_fail(__FILE__, __LINE__, text)
#define LWIP_PLATFORM_DIAG(x) /* nothing is printed by the stack */

typedef int sys_prot_t;

#endif
