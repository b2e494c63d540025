/* lwIP as this program builds it: the only place that configures it, a reason on each line.
 *
 * The stack carries the control path: handshakes, beacons, adverts, unicast images. It runs in one
 * thread (stack.h), on time that thread passes in, and every pool has an end: a flood costs
 * packets, never memory. */
#ifndef NET_IP_LWIPOPTS_H
#define NET_IP_LWIPOPTS_H

/* ---- one thread, no operating system below ---- */
#define NO_SYS 1               /* callbacks only: no lwIP threads, mailboxes or sockets */
#define SYS_LIGHTWEIGHT_PROT 0 /* nothing to lock: one thread, asserted below */
#define LWIP_NETCONN 0         /* needs threads */
#define LWIP_SOCKET 0          /* needs threads */
#define LWIP_TIMERS 1          /* run by ip_stack_step */
void ip_assert_thread(void);
/* a call from a second thread aborts, in release too */
#define LWIP_ASSERT_CORE_LOCKED() ip_assert_thread()

/* ---- memory: all of it static, sized for 4096 receivers ---- */
#define MEM_ALIGNMENT 8 /* pointers and 64-bit counters live in pool elements */
/* copies of outgoing TCP data: 768 segments of the HTTP server, and others */
#define MEM_SIZE (4 * 1024 * 1024)
/* references to constant bytes: one a segment of the HTTP server, and others */
#define MEMP_NUM_PBUF 1280
/* received frames: twice TCP_WND, for what waits out of order */
#define PBUF_POOL_SIZE 1024
#define PBUF_POOL_BUFSIZE 1536 /* a whole Ethernet frame in one piece */
/* 256 for HTTP, 64 for handshakes, the rest to close in peace */
#define MEMP_NUM_TCP_PCB 448
#define MEMP_NUM_TCP_PCB_LISTEN 8 /* one a service */
/* 768 to 1024 for the HTTP server; TCP_SND_QUEUELEN for a few bulk senders, some for all */
#define MEMP_NUM_TCP_SEG 3072
#define MEMP_NUM_UDP_PCB 32     /* beacons, mDNS, DHCP both ways, DNS, TFTP's nine, and room */
#define MEMP_NUM_IGMP_GROUP 40  /* all-systems, mDNS, and a group per image */
#define MEMP_NUM_SYS_TIMEOUT 32 /* lwIP's own cyclic timers, mDNS probing, and room */
#define MEMP_NUM_REASSDATA 8    /* fragments are rare here: every sender of ours sets DF */
#define IP_REASS_MAX_PBUFS 32   /* and may not eat the pool */
#define ARP_TABLE_SIZE 4096     /* the receiver table's size: acks must not thrash it */
#define ARP_QUEUEING 1          /* more than one packet may wait for an address */
#define ARP_QUEUE_LEN 4         /* but not many */

/* ---- protocols ---- */
#define LWIP_IPV4 1
#define LWIP_IPV6 0 /* the ring and its handshake are IPv4 */
#define LWIP_ARP 1
#define LWIP_ETHERNET 1
#define LWIP_ICMP 1        /* answers ping: the first thing anybody tries */
#define LWIP_RAW 1         /* the IGMP querier hears what comes beside the host part */
#define MEMP_NUM_RAW_PCB 1 /* and nobody else does */
#define LWIP_UDP 1
#define LWIP_TCP 1
#define LWIP_IGMP 1 /* snooping switches forward a group only to those who report it */
#define LWIP_MULTICAST_TX_OPTIONS 1 /* TTL 255 of mDNS */
#define LWIP_DHCP 1                 /* a receiver without a configured address asks for one */
#define LWIP_AUTOIP 1               /* and takes a link-local one when nobody answers */
#define LWIP_ACD 1                  /* needed by AutoIP: is the address free? */
#define LWIP_DHCP_AUTOIP_COOP 1     /* one after the other */
/* 6 s of DHCP first; a link-local address then takes 5 to 9 s more */
#define LWIP_DHCP_AUTOIP_COOP_TRIES 2
/* one box hands out the leases here; ACD would cost seconds a boot */
#define LWIP_DHCP_DOES_ACD_CHECK 0
#define LWIP_DNS 1                      /* host names in URLs */
#define LWIP_DNS_SUPPORT_MDNS_QUERIES 1 /* NAME.local, without a server */
#define DNS_MAX_NAME_LENGTH 256         /* RFC 1035 */
#define DNS_TABLE_SIZE 4                /* a command looks up one name */
#define LWIP_MDNS_RESPONDER 1           /* _ringcast._tcp */
#define LWIP_NUM_NETIF_CLIENT_DATA 1    /* mDNS keeps its state there */
#define MDNS_MAX_SERVICES 2             /* ours, and one to come */
#define LWIP_MDNS_SEARCH 0 /* hosts are looked up by name; browsing is for people's tools */
#define LWIP_NETIF_EXT_STATUS_CALLBACK 1 /* mDNS announces again when the address changes */
#define LWIP_NETIF_STATUS_CALLBACK 0
#define LWIP_NETIF_HOSTNAME 1 /* DHCP option 12: names in the lease table */
#define LWIP_NETIF_LOOPBACK 0 /* nobody talks to himself through the wire */
#define LWIP_HAVE_LOOPIF 0
#define IP_FORWARD 0      /* never a router */
#define IP_REASSEMBLY 1   /* foreign DHCP servers and PXE clients do fragment */
#define IP_DEFAULT_TTL 64 /* RFC 1700 */

/* ---- TCP on a LAN that loses packets ---- */
/* ms; at the default 250 a lost segment costs half a second, and 1 % loss kills it */
#define TCP_TMR_INTERVAL 10
#define LWIP_TCP_RTO_TIME 200 /* ms until a lost SYN is sent again: a LAN answers within a few */
#define TCP_MSS 1460          /* fills an Ethernet frame */
#define LWIP_WND_SCALE 1      /* windows above 64 KB: a unicast image at 1 Gbit/s */
#define TCP_RCV_SCALE 4       /* up to 1 MB */
/* half of the pool, so that a stalled disk leaves frames for the rest */
#define TCP_WND (512 * 1460)
#define TCP_SND_BUF (32 * 1460) /* we send messages, not files */
#define TCP_SND_QUEUELEN 128    /* 4 x SND_BUF / MSS: small writes each take a pbuf */
#define TCP_SNDLOWAT (8 * 1460) /* writable again at a quarter */
#define TCP_OVERSIZE TCP_MSS    /* small writes share a segment */
#define TCP_QUEUE_OOSEQ 1       /* keep what came behind a hole */
#define TCP_OOSEQ_MAX_PBUFS 512 /* a window's worth in all */
#define LWIP_TCP_SACK_OUT 1     /* tells a Linux sender which segment is missing */
#define LWIP_TCP_MAX_SACK_NUM 4 /* as many as fit beside time stamps */
#define LWIP_TCP_TIMESTAMPS 0   /* LAN round trips need no RFC 7323 measurement */
#define LWIP_TCP_KEEPALIVE 0    /* every user of a connection has its own time limit */
#define TCP_LISTEN_BACKLOG 1    /* bounds half-open connections */
/* a service; older ones give way (hooks.h), so that a flood of 3000 a second leaves each 20 ms to
 * finish */
#define TCP_DEFAULT_LISTEN_BACKLOG 64
/* ms; TIME-WAIT of the default minute would hold all connections for two */
#define TCP_MSL 2000

/* ---- checksums ---- */
/* the link says per frame whether its sender left them to hardware */
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1
#define LWIP_CHECKSUM_ON_COPY 1 /* one walk over outgoing bytes, not two */

/* ---- chance: sequence numbers, ports and transaction ids that nobody can guess ---- */
unsigned random_word(void);
#define LWIP_RAND() random_word()
#define LWIP_RANDOMIZE_INITIAL_LOCAL_PORTS 1
#define LWIP_HOOK_FILENAME "net/ip/hooks.h" /* LWIP_HOOK_TCP_ISN: RFC 6528 */

/* ---- what is left out ---- */
#define LWIP_STATS 0 /* the link counts what matters */
#define LWIP_PERF 0
#define LWIP_DEBUG 0

#endif
