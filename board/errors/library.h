/* What can go wrong in the image library. X(NAME, code, sentence) */
#ifndef BOARD_ERRORS_LIBRARY_H
#define BOARD_ERRORS_LIBRARY_H

#define LIBRARY_ERRORS(X)                                                                          \
    X(LIBRARY_ENAME, -2900,                                                                        \
      "not a name for an image: 1 to 64 bytes of plain text without slashes")                      \
    X(LIBRARY_ETEXT, -2901, "version or note are too long or no plain text")                       \
    X(LIBRARY_EEXISTS, -2902, "an image of that name is there already")                            \
    X(LIBRARY_EFULL, -2903, "the library holds as many images as it can")                          \
    X(LIBRARY_ESPACE, -2904, "there is no room for it on the disk")                                \
    X(LIBRARY_EDISK, -2905, "the disk cannot be written or read")                                  \
    X(LIBRARY_EOFFSET, -2906, "the bytes do not go on where the upload stands")                    \
    X(LIBRARY_EUNKNOWN, -2907, "there is no such image or upload")                                 \
    X(LIBRARY_EPROTECTED, -2908, "the image is protected, or lies where the box does not write")   \
    X(LIBRARY_EBUSY, -2909, "something is under way with this image already")                      \
    X(LIBRARY_EKIND, -2910, "this is neither a .ring image nor a raw disk of whole sectors")       \
    X(LIBRARY_EHASH, -2911, "the bytes that came do not have the SHA-256 that was announced")      \
    X(LIBRARY_ERECORD, -2912, "a record of the library makes no sense")                            \
    X(LIBRARY_EMEMORY, -2913, "out of memory")                                                     \
    X(LIBRARY_ETHREAD, -2914, "a thread of the library cannot be started")                         \
    X(LIBRARY_ECONFIRM, -2915, "what is to be deleted was not confirmed by its name")              \
    X(LIBRARY_EREQUEST, -2916, "a request to the library is not understood")                       \
    X(LIBRARY_ESTICK, -2917, "a stick, or a file on it, is not there or cannot be read")           \
    X(LIBRARY_EUSED, -2918, "a session gives out this image: it is stopped first")                 \
    X(LIBRARY_ETREE, -2930, "not a name for a tree, or not a path in one")                         \
    X(LIBRARY_EPARTIAL, -2931, "the tree that was uploaded is not what was announced")

#define X(name, code, sentence) name = code,
enum library_error { LIBRARY_ERRORS(X) };
#undef X

#endif
