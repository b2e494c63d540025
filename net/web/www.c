#include "net/web/www.h"

#include <string.h>

const struct www_file *www_find(const char *path)
{
    if (strcmp(path, "/") == 0)
        path = "/index.html";
    for (size_t i = 0; i < www_n; i++)
        if (strcmp(www_files[i].path, path) == 0)
            return &www_files[i];
    return NULL;
}
