/* openapi.json beside this file, as the box gives it out: the description of its API (OpenAPI 3.1),
 * embedded when the program is built. */
#ifndef NET_WEB_OPENAPI_H
#define NET_WEB_OPENAPI_H

#include <stddef.h>
#include <stdint.h>

extern const uint8_t web_openapi[];
extern const size_t web_openapi_n;

#endif
