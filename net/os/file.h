/* Whole reads and writes of files, and names that outlive a power cut. Each may wait for a disk;
 * none is for the thread that serves. -1 comes with errno.
 *
 * A signal that ends a call early makes none of them fail. */
#ifndef NET_OS_FILE_H
#define NET_OS_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* All n bytes, from the file's position or at `at`. 0 or -1. */
int file_write(int fd, const void *bytes, size_t n);
int file_write_at(int fd, const void *bytes, size_t n, uint64_t at);

/* n bytes, or fewer at the file's end: how many, or -1. */
ssize_t file_read(int fd, void *to, size_t n);
ssize_t file_read_at(int fd, void *to, size_t n, uint64_t at);
/* The first n bytes of a file by name: how many there are up to n, or -1; ENOENT only if there is
 * none. */
ssize_t file_load(const char *path, void *to, size_t n);

/* Names that came and went in a folder are on the disk when this returns 0; in the folder that
 * holds `path`. */
int file_sync_folder(const char *folder);
int file_sync_name(const char *path);

/* The file `path` holds these bytes, on the disk, when this returns 0. They are written to `fresh`
 * first, a name in the same folder that is the caller's, and renamed: at every instant the file is
 * the old one or the new one. When it fails, `fresh` is removed; after a failed rename or sync the
 * file may be either. */
int file_replace(const char *path, const char *fresh, const void *bytes, size_t n, mode_t mode);
/* The same without the sync of the name: it may be the old file after a power cut. */
int file_rename_over(const char *path, const char *fresh, const void *bytes, size_t n, mode_t mode);

#endif
