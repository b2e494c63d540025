/* Why a machine is offered nothing, and what is wrong with boot entries; once. X(NAME, code,
 * sentence) */
#ifndef NET_PXE_ERRORS_H
#define NET_PXE_ERRORS_H

#define PXE_ERRORS(X)                                                                              \
    X(PXE_ENAME, -1800, "a boot entry's name is no text of 1 to 63 bytes, or is used twice")       \
    X(PXE_EID, -1801, "a boot entry's number is not within 1 to 65535, or is used twice")          \
    X(PXE_EPATH, -1802, "a boot entry's file is no plain relative name of up to 127 bytes")        \
    X(PXE_ELOADER, -1803, "a boot entry has nothing to load for any kind of machine")              \
    X(PXE_ECOUNT, -1804, "there are no boot entries, or more than 16")                             \
    X(PXE_ENOTASKED, -1805, "the machine does not ask for anything to boot")                       \
    X(PXE_EARM64, -1806, "the machine is 64-bit ARM, for which there is no payload")               \
    X(PXE_EIA32, -1807, "the machine's firmware is 32-bit UEFI, for which there is no payload")    \
    X(PXE_EARCH, -1808, "the machine's architecture has no payload")                               \
    X(PXE_EDONE, -1809, "the machine is to start from its disk: no session wants it")              \
    X(PXE_ENOENTRY, -1810, "no boot entry is meant for this machine")                              \
    X(PXE_EITEM, -1811, "the machine asks for a boot entry that is not offered to it")             \
    X(PXE_EHTTP4011, -1812, "an HTTP boot request on port 4011, which is for PXE")                 \
    X(PXE_EVENDOR, -1813, "PXE vendor options that reach past their end or are malformed")         \
    X(PXE_EROOM, -1814, "the answer does not fit")                                                 \
    X(PXE_EFULL, -1815,                                                                            \
      "too many machines chose an entry in the last ten minutes: this choice cannot be "           \
      "remembered")

#define X(name, code, sentence) name = code,
enum pxe_error { PXE_ERRORS(X) };
#undef X

#endif
