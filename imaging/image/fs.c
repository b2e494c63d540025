#include "imaging/image/fs.h"

static const struct fs_kind *const kinds[] = {&fs_ext};

const struct fs_kind *fs_find(const struct readat *volume, uint64_t bytes, struct fs **fs,
                              char note[FS_NOTE])
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        *fs = NULL;
        note[0] = 0;
        if (kinds[i]->probe(volume, bytes, fs, note))
            return kinds[i];
    }
    return NULL;
}
