/* Why a BSDP request gets no answer, or ACK[FAILED]; once. X(NAME, code, sentence) */
#ifndef NET_BSDP_ERRORS_H
#define NET_BSDP_ERRORS_H

#define BSDP_ERRORS(X)                                                                             \
    X(BSDP_ECLASS, -1700, "not a netbooting Mac: its class identifier does not say AAPLBSDPC")     \
    X(BSDP_EMALFORMED, -1701, "a Mac's BSDP options reach past their end or have a wrong length")  \
    X(BSDP_EVERSION, -1702, "a Mac speaks no version of BSDP that is known")                       \
    X(BSDP_EOLDFIRMWARE, -1703, "a Mac with NetBoot 1.0 firmware, which is not served")            \
    X(BSDP_EPORT, -1704, "a Mac wants its reply at a port above 1023")                             \
    X(BSDP_EMESSAGE, -1705, "a BSDP message that is neither LIST nor SELECT")                      \
    X(BSDP_ESERVER, -1706, "a Mac selects an image without naming the server")                     \
    X(BSDP_EOTHER, -1707, "a Mac selects another server")                                          \
    X(BSDP_EADDRESS, -1708, "a BSDP request without a client address to answer")                   \
    X(BSDP_ENOTUS, -1709, "a BSDP request meant for another host")                                 \
    X(BSDP_ENOIMAGE, -1710, "there is no image for this Mac")                                      \
    X(BSDP_EDONE, -1711, "the Mac is to start from its disk: no session wants it")                 \
    X(BSDP_EUNKNOWN, -1712, "a Mac selects an image that is not offered to it")                    \
    X(BSDP_EUNBOUND, -1713, "a Mac that has selected nothing here")                                \
    X(BSDP_ERECORD, -1714, "a stored binding that cannot be read")                                 \
    X(BSDP_EFULL, -1715,                                                                           \
      "too many machines chose an entry in the last ten minutes: this choice cannot be "           \
      "remembered")

#define X(name, code, sentence) name = code,
enum bsdp_error { BSDP_ERRORS(X) };
#undef X

#endif
