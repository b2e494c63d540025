/* IGMP's numbers: RFC 2236 (version 2), RFC 3376 (version 3), RFC 2113 (router alert). */
#ifndef NET_IGMP_PROTO_H
#define NET_IGMP_PROTO_H

#define IGMP_PROTOCOL 2                       /* in the IP header */
#define IGMP_ALL_SYSTEMS UINT32_C(0xE0000001) /* 224.0.0.1 */

/* RFC 2236 section 2.1, RFC 3376 section 4. */
enum igmp_type {
    IGMP_QUERY = 0x11,
    IGMP_REPORT_1 = 0x12,
    IGMP_REPORT_2 = 0x16,
    IGMP_LEAVE = 0x17,
    IGMP_REPORT_3 = 0x22
};

#define IGMP_BYTES 8          /* of a version 1 or 2 message */
#define IGMP_QUERY_3_BYTES 12 /* of a version 3 query, at least */

/* RFC 3376 section 8, with its defaults: seconds, or counts. */
#define IGMP_ROBUSTNESS 2
#define IGMP_QUERY_INTERVAL 125
#define IGMP_RESPONSE_INTERVAL 10
#define IGMP_STARTUP_INTERVAL (IGMP_QUERY_INTERVAL / 4)
#define IGMP_STARTUP_COUNT IGMP_ROBUSTNESS
/* tenths of a second: to answer a query about one group, and between two of them */
#define IGMP_LAST_MEMBER_DS 10
#define IGMP_LAST_MEMBER_COUNT IGMP_ROBUSTNESS

#endif
