/* What is no disk is known by its first or last bytes; a disk is not taken for one. */
#include <stdlib.h>
#include <string.h>

#include "imaging/pack/container.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static uint8_t file[65536];

static const struct container *find(size_t bytes)
{
    size_t n = bytes < CONTAINER_HEAD ? bytes : CONTAINER_HEAD,
           m = bytes < CONTAINER_TAIL ? bytes : CONTAINER_TAIL;

    return container_find(file, n, file + (bytes - m), m);
}

static const struct {
    size_t at;
    const char *bytes;
    size_t n;
    const char *what;
} cases[] = {
    {0, "RINGCAST", 8, "a .ring image"},
    {0, "QFI\xfb\0\0\0\3", 8, "a qcow2 disk"},
    {0, "KDMV\1\0\0\0", 8, "a VMDK disk"},
    {0, "COWD\1\0\0\0", 8, "a VMDK disk of ESXi"},
    {0, "\xBE\xBA\xFE\xCA\0\0\0\0", 8, "a VMDK disk of ESXi (SE sparse)"},
    {0, "# Disk DescriptorFile\nversion=1\n", 32, "the description of a VMDK disk"},
    {64, "\x7F\x10\xDA\xBE", 4, "a VDI disk"},
    {0, "conectix\0\0\0\2", 12, "a VHD disk"},
    {0, "vhdxfile", 8, "a VHDX disk"},
    {0, "\x3A\xFF\x26\xED\1\0\0\0", 8, "an Android sparse image"},
    {0, "MSWIM\0\0\0", 8, "a WIM file"},
    {0, "EVF\x09\x0D\x0A\xFF\0\1", 9, "an E01 image"},
    {0, "partclone-image\0", 16, "a partclone image"},
    {257,
     "ustar\0"
     "00",
     8, "a tar archive"},
    {0, "\x1F\x8B\x08\0", 4, "a gzip file"},
    {0,
     "\xFD"
     "7zXZ\0",
     6, "an xz file"},
    {0, "\x28\xB5\x2F\xFD", 4, "a zstd file"},
    {0, "\x52\x2A\x4D\x18", 4, "a zstd or lz4 file"},
    {0, "\x04\x22\x4D\x18", 4, "an lz4 file"},
    {0, "BZh91AY&SY", 10, "a bzip2 file"},
    {0, "PK\3\4", 4, "a zip file"},
    {0, "7z\xBC\xAF\x27\x1C", 6, "a 7z file"},
    {0, "<!DOCTYPE html>", 15, "a web page or an XML file"},
    {0, "\xEF\xBB\xBF\r\n <HTML><body>", 18, "a web page or an XML file"},
    {32769, "CD001", 5, "a CD image without a boot sector for disks"},
    {65536 - 512, "conectix", 8, "a VHD disk"},
    {65536 - 511, "conectix", 8, "a VHD disk"},
    {65536 - 512, "koly", 4, "an Apple disk image (DMG)"},
};

static void each_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct container *is;
        struct err err = {0};

        memset(file, 0, sizeof file);
        memcpy(file + cases[i].at, cases[i].bytes, cases[i].n);
        is = find(sizeof file);
        assert_non_null(is);
        assert_string_equal(is->what, cases[i].what);
        assert_int_equal(container_refuse(is, "a disk", -7, &err), -7);
        assert_non_null(strstr(err.text, cases[i].what));
        file[cases[i].at + 1] ^= 0x80;
        is = find(sizeof file);
        assert_true(!is || strcmp(is->what, cases[i].what) != 0);
    }
}

static void disks_are_none(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
    } sectors[] = {{"\xEB\x63\x90\x10\x8E\xD0", 6},
                   {"\x33\xC0\x8E\xD0\xBC\0\x7C", 7},
                   {"\xFA\x33\xC0", 3},
                   {"\xFA\xB8\0\x10", 4},
                   {"\xEB\x58\x90mkfs.fat", 11},
                   {"\xEB\x52\x90NTFS    ", 11},
                   {"", 0},
                   {"LUKS\xBA\xBE", 6},
                   {"XFSB", 4}};

    (void)state;
    for (size_t i = 0; i < sizeof sectors / sizeof *sectors; i++) {
        memset(file, 0, sizeof file);
        memcpy(file, sectors[i].bytes, sectors[i].n);
        assert_null(find(sizeof file));
    }
    memcpy(file + 32769, "CD001", 5); /* a hybrid ISO is a disk */
    file[510] = 0x55;
    file[511] = 0xAA;
    assert_null(find(sizeof file));
}

/* The sanitizer watches each byte behind the end. */
static void every_truncation(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t n = 0; n < 600; n++) {
            uint8_t *cut = malloc(n + 1);
            size_t m = n < CONTAINER_TAIL ? n : CONTAINER_TAIL;

            memset(file, 0, 600);
            if (cases[i].at + cases[i].n < 600)
                memcpy(file + cases[i].at, cases[i].bytes, cases[i].n);
            memcpy(cut, file, n);
            cut = realloc(cut, n ? n : 1);
            container_find(cut, n, n ? cut + (n - m) : NULL, m);
            free(cut);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_named),
        cmocka_unit_test(disks_are_none),
        cmocka_unit_test(every_truncation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
