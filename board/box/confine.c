#include "board/box/confine.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define READS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITES                                                                                     \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |                              \
     LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR)
#define NEVER                                                                                      \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK |   \
     LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM)
#define TRUNCATES (UINT64_C(1) << 14) /* LANDLOCK_ACCESS_FS_TRUNCATE, from version 3 on */

static long make_rules(const struct landlock_ruleset_attr *a, size_t n, uint32_t flags)
{
    return syscall(SYS_landlock_create_ruleset, a, n, flags);
}

static void allow(int rules, const struct confine_path *p, uint64_t writes)
{
    struct landlock_path_beneath_attr below = {.allowed_access = READS | (p->writes ? writes : 0)};

    below.parent_fd = p->folder ? open(p->folder, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    if (below.parent_fd < 0)
        return;
    syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &below, 0);
    close(below.parent_fd);
}

bool confine(const struct confine_path *paths, unsigned n)
{
    long version = make_rules(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    uint64_t writes = WRITES | (version >= 3 ? TRUNCATES : 0);
    struct landlock_ruleset_attr all = {.handled_access_fs = READS | writes | NEVER};
    int rules = version < 1 ? -1 : (int)make_rules(&all, sizeof all.handled_access_fs, 0);
    bool done;

    if (rules < 0)
        return false;
    for (unsigned i = 0; i < n; i++)
        allow(rules, &paths[i], writes);
    done = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_landlock_restrict_self, rules, 0) == 0;
    close(rules);
    return done;
}
