#include "imaging/pack/container.h"

#include <stdbool.h>
#include <string.h>

#define CONVERT "convert it first: qemu-img convert -O raw THIS disk.img"
#define UNPACK "unpack it first"
#define RESTORE "restore it with its own program to a disk, and pack that disk"
#define FETCH "look at what the download says"

struct mark {
    uint16_t at;
    uint8_t n;
    char bytes[24];
    struct container is;
};

static const struct mark marks[] = {
    {0, 8, "RINGCAST", {"a .ring image", "it is packed already"}},
    {0, 4, "QFI\xFB", {"a qcow2 disk", CONVERT}},
    {0, 4, "QED\0", {"a QED disk", CONVERT}},
    {0, 4, "KDMV", {"a VMDK disk", CONVERT}},
    {0, 4, "COWD", {"a VMDK disk of ESXi", CONVERT}},
    {0, 8, "\xBE\xBA\xFE\xCA\0\0\0\0", {"a VMDK disk of ESXi (SE sparse)", CONVERT}},
    {0, 21, "# Disk DescriptorFile", {"the description of a VMDK disk", CONVERT}},
    {64, 4, "\x7F\x10\xDA\xBE", {"a VDI disk", CONVERT}},
    {0, 10, "<<< Oracle", {"a VDI disk", CONVERT}},
    {0, 8, "conectix", {"a VHD disk", CONVERT}},
    {0, 8, "vhdxfile", {"a VHDX disk", CONVERT}},
    {0, 16, "WithoutFreeSpace", {"a Parallels disk", CONVERT}},
    {0, 16, "WithouFreSpacExt", {"a Parallels disk", CONVERT}},
    {0, 22, "Bochs Virtual HD Image", {"a Bochs disk", CONVERT}},
    {0,
     8,
     "encrcdsa",
     {"an encrypted Apple disk image", "convert it on a Mac: hdiutil convert -format UDTO"}},
    {0, 4, "sprs", {"an Apple sparse image", "convert it on a Mac: hdiutil convert -format UDTO"}},
    {0,
     4,
     "\x3A\xFF\x26\xED",
     {"an Android sparse image", "convert it first: simg2img THIS disk.img"}},
    {0, 8, "ANDROID!", {"an Android boot image", "it is no disk"}},
    {0,
     8,
     "MSWIM\0\0\0",
     {"a WIM file", "it holds files, not a disk: apply it to a disk, and pack that disk"}},
    {0,
     8,
     "WLPWM\0\0\0",
     {"a WIM file", "it holds files, not a disk: apply it to a disk, and pack that disk"}},
    {0, 8, "EVF\x09\x0D\x0A\xFF\0", {"an E01 image", "convert it first: ewfexport -f raw"}},
    {0, 8, "EVF2\x0D\x0A\x81\0", {"an Ex01 image", "convert it first: ewfexport -f raw"}},
    {0, 8, "LVF\x09\x0D\x0A\xFF\0", {"an L01 image", "it holds files, not a disk"}},
    {0, 5, "AFF10", {"an AFF image", "convert it to a raw disk first"}},
    {0, 15, "partclone-image", {"a partclone image", RESTORE}},
    {0, 16, "PaRtImAgE-VoLuMe", {"a partimage image", RESTORE}},
    {0, 16, "\0ntfsclone-image", {"an ntfsclone image", RESTORE}},
    {0, 6, "FsArCh", {"an fsarchiver archive", RESTORE}},
    {0, 3, "\xFE\xEF\x01", {"a Ghost image", RESTORE}},
    {257, 5, "ustar", {"a tar archive", UNPACK}},
    {0, 2, "\x1F\x8B", {"a gzip file", UNPACK " (gzip -dc THIS > disk.img)"}},
    {0, 2, "\x1F\x9D", {"a compressed file", UNPACK}},
    {0,
     6,
     "\xFD"
     "7zXZ\0",
     {"an xz file", UNPACK " (xz -dc THIS > disk.img)"}},
    {0, 4, "\x28\xB5\x2F\xFD", {"a zstd file", UNPACK " (zstd -dc THIS > disk.img)"}},
    {0, 4, "\x04\x22\x4D\x18", {"an lz4 file", UNPACK " (lz4 -dc THIS > disk.img)"}},
    {0, 4, "\x02\x21\x4C\x18", {"an lz4 file", UNPACK " (lz4 -dc THIS > disk.img)"}},
    {0, 3, "BZh", {"a bzip2 file", UNPACK " (bzip2 -dc THIS > disk.img)"}},
    {0, 4, "LZIP", {"an lzip file", UNPACK}},
    {0, 9, "\x89LZO\0\x0D\x0A\x1A\x0A", {"an lzop file", UNPACK}},
    {0, 5, "\x5D\0\0\x80\0", {"an lzma file", UNPACK}},
    {0, 4, "PK\x03\x04", {"a zip file", UNPACK}},
    {0, 4, "PK\x05\x06", {"a zip file", UNPACK}},
    {0, 4, "PK\x07\x08", {"a zip file", UNPACK}},
    {0, 4, "7z\xBC\xAF", {"a 7z file", UNPACK}},
    {0, 6, "Rar!\x1A\x07", {"a RAR file", UNPACK}},
    {0, 4, "MSCF", {"a cabinet file", UNPACK}},
    {0, 4, "xar!", {"a xar archive", UNPACK}},
    {0, 6, "070701", {"a cpio archive", UNPACK}},
    {0, 6, "070702", {"a cpio archive", UNPACK}},
    {0, 6, "070707", {"a cpio archive", UNPACK}},
    {0, 8, "!<arch>\x0A", {"an ar archive", UNPACK}},
    {0, 4, "\xED\xAB\xEE\xDB", {"an RPM package", UNPACK}},
    {0, 5, "%PDF-", {"a PDF file", FETCH}},
};

/* Of the last 512 bytes. A fixed VHD is the raw disk with a footer; the first makers' footer had
 * 511 bytes. */
static const struct mark tail_marks[] = {
    {0, 8, "conectix", {"a VHD disk", CONVERT}},
    {1, 8, "conectix", {"a VHD disk", CONVERT}},
    {0,
     4,
     "koly",
     {"an Apple disk image (DMG)", "convert it on a Mac: hdiutil convert -format UDTO"}},
    {504,
     8,
     "cdsaencr",
     {"an encrypted Apple disk image", "convert it on a Mac: hdiutil convert -format UDTO"}},
};

static const struct container *find_mark(const struct mark *m, size_t count, const uint8_t *bytes,
                                         size_t n)
{
    for (; count; count--, m++)
        if (n >= m->n && m->at <= n - m->n && memcmp(bytes + m->at, m->bytes, m->n) == 0)
            return &m->is;
    return NULL;
}

static char lower(uint8_t c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static bool begins(const uint8_t *head, size_t n, const char *word)
{
    while (*word && n && lower(*head) == *word)
        word++, head++, n--;
    return !*word;
}

/* What a server says in place of the file. */
static bool is_page(const uint8_t *head, size_t n)
{
    if (n >= 3 && memcmp(head, "\xEF\xBB\xBF", 3) == 0)
        head += 3, n -= 3;
    while (n && (*head == ' ' || *head == '\t' || *head == '\r' || *head == '\n'))
        head++, n--;
    return begins(head, n, "<!doctype") || begins(head, n, "<html") || begins(head, n, "<head") ||
           begins(head, n, "<?xml");
}

/* A frame that a decompressor of zstd or lz4 passes over. */
static bool is_skippable(const uint8_t *head, size_t n)
{
    return n >= 4 && (head[0] & 0xF0) == 0x50 && memcmp(head + 1, "\x2A\x4D\x18", 3) == 0;
}

static bool is_plain_iso(const uint8_t *head, size_t n)
{
    return n >= 32774 && memcmp(head + 32769, "CD001", 5) == 0 &&
           (head[510] != 0x55 || head[511] != 0xAA);
}

const struct container *container_find(const uint8_t *head, size_t n, const uint8_t *tail, size_t m)
{
    static const struct container page = {"a web page or an XML file", FETCH},
                                  skippable = {"a zstd or lz4 file", UNPACK},
                                  iso = {"a CD image without a boot sector for disks",
                                         "machines start it from a CD only"};
    const struct container *is = find_mark(marks, sizeof marks / sizeof *marks, head, n);

    if (!is && is_page(head, n))
        is = &page;
    if (!is && is_skippable(head, n))
        is = &skippable;
    if (!is && is_plain_iso(head, n))
        is = &iso;
    if (!is && m >= CONTAINER_TAIL)
        is = find_mark(tail_marks, sizeof tail_marks / sizeof *tail_marks,
                       tail + (m - CONTAINER_TAIL), CONTAINER_TAIL);
    return is;
}

int container_refuse(const struct container *is, const char *expected, int code, struct err *err)
{
    return err_set(err, code, "expected %s, got %s: %s", expected, is->what, is->advice);
}
