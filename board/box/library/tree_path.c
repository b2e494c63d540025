#include "board/box/library/tree_path.h"

#include <string.h>

#include "net/wire/utf8.h"

int tree_name_check(const char *name, struct err *err)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    size_t n = strlen(name),
           good = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

    if (n == 0 || n > TREE_NAME_MAX || good != n || !strchr(first, name[0]))
        return err_set(err, LIBRARY_ETREE,
                       "expected a tree's name: at most %d letters, digits, '.', '_' or '-', the "
                       "first one a letter or a digit",
                       TREE_NAME_MAX);
    return 0;
}

static int part_check(const char *part, size_t n, struct err *err)
{
    if (n == 0)
        return err_set(err, LIBRARY_ETREE, "expected a relative path without empty parts");
    if ((n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.'))
        return err_set(err, LIBRARY_ETREE, "expected a path without \".\" and \"..\"");
    if (n >= sizeof TREE_TEMPORARY - 1 &&
        memcmp(part, TREE_TEMPORARY, sizeof TREE_TEMPORARY - 1) == 0)
        return err_set(err, LIBRARY_ETREE,
                       "expected no name that begins with \"" TREE_TEMPORARY
                       "\": the box calls unfinished files so");
    return 0;
}

int tree_path_check(const char *path, struct err *err)
{
    size_t n = strlen(path);
    unsigned parts = 0;

    if (n == 0 || n > TREE_PATH_MAX)
        return err_set(err, LIBRARY_ETREE, "expected a path of 1 to %d bytes, got %zu",
                       TREE_PATH_MAX, n);
    if (!utf8_is_plain(path, n) || strchr(path, '\\'))
        return err_set(err, LIBRARY_ETREE,
                       "expected a path of UTF-8 without control characters and backslashes");
    for (const char *part = path; part; parts++) {
        const char *slash = strchr(part, '/');
        int rc = part_check(part, slash ? (size_t)(slash - part) : strlen(part), err);

        if (rc)
            return rc;
        part = slash ? slash + 1 : NULL;
    }
    if (parts > TREE_DEPTH_MAX)
        return err_set(err, LIBRARY_ETREE, "expected at most %d parts in a path, got %u",
                       TREE_DEPTH_MAX, parts);
    return 0;
}
