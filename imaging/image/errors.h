/* The codes of this room and their sentences, once. X(NAME, code, sentence) */
#ifndef IMAGING_IMAGE_ERRORS_H
#define IMAGING_IMAGE_ERRORS_H

#define IMG_ERRORS(X)                                                                              \
    X(IMG_EOPEN, -400, "the image cannot be opened or read")                                       \
    X(IMG_EMAGIC, -401, "the file is not a Ringcast image")                                        \
    X(IMG_EVERSION, -402, "the image has a version or a flag this program does not know")          \
    X(IMG_EHEAD, -403, "a value in the image's head is out of range")                              \
    X(IMG_ETEXT, -404, "a name in the image is not plain UTF-8")                                   \
    X(IMG_ESIZE, -405, "the file is shorter or longer than its head says")                         \
    X(IMG_EBODYHASH, -406, "the image's body does not have the hash that the head states")         \
    X(IMG_ESECTION, -407, "a section of the body is missing, misplaced or of the wrong length")    \
    X(IMG_EGEOM, -408, "the partition list in the body is out of range")                           \
    X(IMG_ERUNS, -409, "the runs in the body do not describe the disk")                            \
    X(IMG_EWINS, -410, "the windows in the body do not fit each other or the head")                \
    X(IMG_ECHNK, -411, "the chunk table in the body is out of range")                              \
    X(IMG_ELAYOUT, -412, "a window's k is not what its fullest block needs")                       \
    X(IMG_EROOT, -413, "the Merkle root of the chunk hashes is not the one in the head")           \
    X(IMG_EMEMORY, -414, "there is not enough memory for the image's tables")                      \
    X(IMG_EUNPACK, -415, "a chunk does not decompress to its raw length")                          \
    X(IMG_ECHUNKHASH, -416, "a chunk's content does not have its hash")                            \
    X(IMG_EPADDING, -417, "bytes that must be zero are not")                                       \
    X(IMG_EPARITY, -418, "a stored repair symbol is not that of its source block")                 \
    X(IMG_ESIGNATURE, -419, "the signature does not fit the image")                                \
    X(IMG_EUNTRUSTED, -420, "the image is not signed by a trusted key")                            \
    X(IMG_EKEY, -421, "the key cannot be read, written or used")                                   \
    X(IMG_ESOURCE, -422, "the source cannot be opened, read or fully decompressed")                \
    X(IMG_EOUTPUT, -423, "the image cannot be written")                                            \
    X(IMG_EEXISTS, -424, "the output exists already")                                              \
    X(IMG_ETABLE, -425, "the partition table is damaged")                                          \
    X(IMG_EEXT, -426, "the ext file system's bitmaps cannot be trusted")                           \
    X(IMG_ETHREAD, -427, "a worker thread cannot be started")                                      \
    X(IMG_EINTR, -428, "interrupted")                                                              \
    X(IMG_EGPT, -429, "the copy of the partition table cannot be put at the disk's end")           \
    X(IMG_EFOREIGN, -430, "the source is a container, an archive or something else, not a disk")

#define X(name, code, sentence) name = code,
enum img_error { IMG_ERRORS(X) };
#undef X

#endif
