#include "imaging/volume/startable.h"

#include <stdio.h>
#include <string.h>

#include "imaging/volume/fat.h"

#define MBR_ESP 0xEF
#define PATHS 3

static const uint8_t gpt_esp[16] = {0x28, 0x73, 0x2A, 0xC1, 0x1F, 0xF8, 0xD2, 0x11,
                                    0xBA, 0x4B, 0x00, 0xA0, 0xC9, 0x3E, 0xC9, 0x3B};
/* HFS+ and APFS: a Mac starts from the volume, not from the EFI system partition. Without the first
 * four bytes. */
static const uint8_t gpt_apple[12] = {0x00, 0x00, 0xAA, 0x11, 0xAA, 0x11,
                                      0x00, 0x30, 0x65, 0x43, 0xEC, 0xAC};

/* x86-64, ARM and 32-bit machines. */
static const char starters[PATHS][3][FAT_NAME + 1] = {{"EFI        ", "BOOT       ", "BOOTX64 EFI"},
                                                      {"EFI        ", "BOOT       ", "BOOTAA64EFI"},
                                                      {"EFI        ", "BOOT       ",
                                                       "BOOTIA32EFI"}};

static bool is_esp(const struct parts *p, unsigned i)
{
    return p->table == IMG_TABLE_GPT ? memcmp(p->part[i].type, gpt_esp, sizeof gpt_esp) == 0
                                     : p->part[i].type[0] == MBR_ESP;
}

static bool is_mac(const struct parts *p)
{
    for (unsigned i = 0; i < p->n; i++)
        if (p->table == IMG_TABLE_GPT &&
            memcmp(p->part[i].type + 4, gpt_apple, sizeof gpt_apple) == 0)
            return true;
    return false;
}

/* As fat_has: of any of the starters. */
static int has_starter(const struct parts *p, unsigned i, const struct readat *disk)
{
    struct readat volume = *disk;
    int rc = 0;

    volume.base += p->part[i].first;
    for (unsigned s = 0; s < PATHS && rc == 0; s++)
        rc = fat_has(&volume, p->part[i].bytes, starters[s], 3);
    return rc;
}

void startable_note(const struct parts *p, const struct readat *disk, char *text, size_t room)
{
    bool any = false, unread = false;

    text[0] = 0;
    if (p->table == IMG_TABLE_NONE || is_mac(p))
        return;
    for (unsigned i = 0; i < p->n; i++) {
        int rc = is_esp(p, i) ? has_starter(p, i, disk) : 0;

        if (rc == 1)
            return;
        any |= is_esp(p, i);
        unread |= rc < 0;
    }
    if (unread)
        snprintf(text, room,
                 "the EFI system partition cannot be read as FAT: whether machines start from it "
                 "is not known");
    else if (any)
        snprintf(text, room,
                 "the EFI system partition has no \\EFI\\BOOT\\BOOTX64.EFI: new machines will not "
                 "start from it under UEFI "
                 "(on Debian: grub-install --force-extra-removable)");
}
