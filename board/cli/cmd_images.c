/* ringcast images: the library of a box. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "board/cli/client.h"
#include "board/cli/commands.h"
#include "board/cli/upload.h"
#include "net/wire/units.h"

static const char help[] =
    "usage: ringcast images [list] [OPTION...]\n"
    "       ringcast images verify NAME [OPTION...]\n"
    "       ringcast images delete NAME --yes [OPTION...]\n"
    "       ringcast images upload FILE [--name NAME] [--label TEXT] [--resume] [OPTION...]\n"
    "       ringcast images sticks [OPTION...]\n"
    "       ringcast images import PATH [--stick N] [--name NAME] [--label TEXT] [OPTION...]\n"
    "       ringcast images pull URL NAME [--label TEXT] [--sha256 HEX] [--server-fingerprint HEX] "
    "[OPTION...]\n"
    "\n"
    "The images the box holds; has one read through and judged; deletes one; sends one, a .ring or "
    "a raw\n"
    "image, in pieces that survive a line that breaks, and waits for the box's verdict. What is on "
    "the USB\n"
    "sticks in the box; has the box copy one of these, or fetch one from a web server.\n"
    "\n"
    "  --yes                yes, delete it: nobody is asked on the terminal\n"
    "  --name NAME          how the image is called (default: after the file)\n"
    "  --label TEXT         your version of it\n"
    "  --resume             go on with an upload of that name and size that was begun earlier\n"
    "  --stick N            the stick of that number (default: the first that has PATH)\n"
    "  --sha256 HEX         of the file that is pulled: one with another is refused\n"
    "  --server-fingerprint HEX  SHA-256 of the certificate of the server that is pulled from: it "
    "alone is believed\n" CLIENT_HELP "\n"
    "Exit codes: 0; 1 no answer, or the box refused; 4 --yes is missing; 5 not the box that was "
    "pinned.\n";

const struct option cmd_images_options[] = {{"yes", 0, 0, 'y'},
                                            {"name", 1, 0, 'n'},
                                            {"label", 1, 0, 'l'},
                                            {"resume", 0, 0, 'r'},
                                            {"stick", 1, 0, 's'},
                                            {"sha256", 1, 0, 'x'},
                                            {"server-fingerprint", 1, 0, 'S'},
                                            CLIENT_OPTIONS,
                                            {0}};

struct wanted {
    bool yes;
    const char *stick; /* NULL: whichever has it */
    const char *sha256, *server;
    struct upload upload;
};

static bool own_option(void *ctx, int option, const char *value)
{
    struct wanted *w = ctx;

    w->yes |= option == 'y';
    w->upload.resume |= option == 'r';
    w->stick = option == 's' ? value : w->stick;
    w->upload.name = option == 'n' ? value : w->upload.name;
    w->upload.label = option == 'l' ? value : w->upload.label;
    w->sha256 = option == 'x' ? value : w->sha256;
    w->server = option == 'S' ? value : w->server;
    return true;
}

/* What is not whole yet has no root, and nobody can say who signed it. */
static bool is_unsigned(const struct json_doc *d, int image)
{
    char text[CLIENT_TEXT];

    return client_text(d, image, "root", text)[0] && !client_text(d, image, "signer", text)[0];
}

static void print_images(const struct json_doc *d)
{
    char name[CLIENT_TEXT], version[CLIENT_TEXT], state[CLIENT_TEXT], size[UNITS_TEXT],
        least[UNITS_TEXT];

    for (int i = json_next(d, JSON_ROOT, JSON_NONE); i != JSON_NONE; i = json_next(d, JSON_ROOT, i))
        printf("%-24s %-12s %-9s %10s  for disks from %s%s\n", client_text(d, i, "name", name),
               client_text(d, i, "version", version), client_text(d, i, "state", state),
               units_size_text(size, client_number(d, i, "bytes")),
               units_size_text(least, client_number(d, i, "min_target_bytes")),
               is_unsigned(d, i) ? ", not signed" : "");
}

static int list(struct client *c)
{
    struct client_doc d;
    struct api_answer a;
    int rc = client_ask(c, "GET", "/api/v1/images", NULL, &a);

    if (rc)
        return rc;
    rc = client_read(c, &a, &d);
    if (rc == 0) {
        if (c->json)
            puts(a.body);
        else
            print_images(d.json);
        client_doc_free(&d);
    }
    api_free(&a);
    return rc;
}

static int verify(struct client *c, const char *name)
{
    char path[1024];

    if (!client_path(path, sizeof path, "/api/v1/images/", name, "/verify"))
        return client_usage(c, "the name is too long");
    return client_order(c, "POST", path, "{}",
                        "it is being read through; 'ringcast images' says how it stands");
}

static int delete_image(struct client *c, const char *name)
{
    char path[1024], body[1024];
    struct json j = json_on(body, sizeof body);

    if (!c->yes) {
        err_set(&c->err, CLI_ECONSENT, "expected --yes: an image that is deleted is gone");
        return client_failed(c);
    }
    json_open(&j, NULL, '{');
    json_str(&j, "name", name);
    json_close(&j);
    if (!client_path(path, sizeof path, "/api/v1/images/", name, "") || !json_text(&j))
        return client_usage(c, "the name is too long");
    return client_order(c, "DELETE", path, body, "deleted");
}

/* ---- sticks ---- */

static void print_sticks(const struct json_doc *d)
{
    char label[CLIENT_TEXT], device[CLIENT_TEXT], cause[CLIENT_TEXT], path[CLIENT_TEXT],
        size[UNITS_TEXT];

    for (int i = json_next(d, JSON_ROOT, JSON_NONE); i != JSON_NONE;
         i = json_next(d, JSON_ROOT, i)) {
        int files = json_get(d, i, "files");

        printf("stick %" PRIu64 " (%s, %s)%s%s\n", client_number(d, i, "stick"),
               client_text(d, i, "label", label), client_text(d, i, "device", device),
               client_text(d, i, "cause", cause)[0] ? ": " : "", cause);
        for (int f = json_next(d, files, JSON_NONE); f != JSON_NONE; f = json_next(d, files, f))
            printf("  %10s  %s\n", units_size_text(size, client_number(d, f, "bytes")),
                   client_text(d, f, "path", path));
    }
}

/* What is plugged in. 0, or the exit code; then there is nothing to free. */
static int ask_sticks(struct client *c, struct api_answer *a, struct client_doc *d)
{
    int rc = client_ask(c, "GET", "/api/v1/sticks", NULL, a);

    if (rc == 0 && (rc = client_read(c, a, d)))
        api_free(a);
    return rc;
}

static int sticks(struct client *c)
{
    struct client_doc d;
    struct api_answer a;
    int rc = ask_sticks(c, &a, &d);

    if (rc)
        return rc;
    if (c->json)
        puts(a.body);
    else
        print_sticks(d.json);
    client_doc_free(&d);
    api_free(&a);
    return 0;
}

/* The file of that path, and its stick's number; JSON_NONE. */
static int find_file(const struct json_doc *d, const char *path, const char *wanted,
                     uint64_t *stick)
{
    char at[CLIENT_TEXT], number[24];

    for (int i = json_next(d, JSON_ROOT, JSON_NONE); i != JSON_NONE;
         i = json_next(d, JSON_ROOT, i)) {
        int files = json_get(d, i, "files");

        *stick = client_number(d, i, "stick");
        snprintf(number, sizeof number, "%" PRIu64, *stick);
        for (int f = json_next(d, files, JSON_NONE); f != JSON_NONE; f = json_next(d, files, f))
            if ((!wanted || strcmp(wanted, number) == 0) &&
                strcmp(client_text(d, f, "path", at), path) == 0)
                return f;
    }
    return JSON_NONE;
}

static int import(struct client *c, const struct wanted *w, const char *path)
{
    char body[2048], name[CLIENT_TEXT];
    struct json j = json_on(body, sizeof body);
    struct client_doc d;
    struct api_answer a;
    uint64_t stick = 0;
    int rc = ask_sticks(c, &a, &d), file;

    if (rc)
        return rc;
    file = find_file(d.json, path, w->stick, &stick);
    client_text(d.json, file == JSON_NONE ? JSON_ROOT : file, "name", name);
    client_doc_free(&d);
    api_free(&a);
    if (file == JSON_NONE) {
        err_set(&c->err, CLI_EREFUSED,
                "expected a file that 'ringcast images sticks' lists, got %.80s", path);
        return client_failed(c);
    }
    json_open(&j, NULL, '{');
    json_u64(&j, "stick", stick);
    json_str(&j, "path", path);
    json_str(&j, "name", w->upload.name ? w->upload.name : name);
    json_str(&j, "version", w->upload.label ? w->upload.label : "");
    json_close(&j);
    if (!json_text(&j))
        return client_usage(c, "the name is too long");
    return client_order(c, "POST", "/api/v1/imports", body,
                        "it is being copied; 'ringcast images' lists it when it is whole");
}

/* The box fetches it by itself and goes on when this has ended. */
static int pull(struct client *c, const struct wanted *w, const char *url, const char *name)
{
    char body[8192];
    struct json j = json_on(body, sizeof body);

    json_open(&j, NULL, '{');
    json_str(&j, "url", url);
    json_str(&j, "name", name);
    if (w->upload.label)
        json_str(&j, "version", w->upload.label);
    if (w->sha256)
        json_str(&j, "sha256", w->sha256);
    if (w->server)
        json_str(&j, "fingerprint", w->server);
    json_close(&j);
    if (!json_text(&j))
        return client_usage(c, "the address, the name or the label is too long");
    return client_order(c, "POST", "/api/v1/pulls", body,
                        "the box fetches it; 'ringcast images' lists it when it is there");
}

int cmd_images(int argc, char **argv)
{
    struct client c = {.command = "images"};
    struct wanted w = {0};
    int rc = client_begin(&c, argc, argv, cmd_images_options, help, own_option, &w),
        words = argc - optind;

    if (rc)
        return rc - 1;
    c.yes = w.yes;
    if (words == 0 || (words == 1 && strcmp(argv[optind], "list") == 0))
        return list(&c);
    if (words == 2 && strcmp(argv[optind], "verify") == 0)
        return verify(&c, argv[optind + 1]);
    if (words == 2 && strcmp(argv[optind], "delete") == 0)
        return delete_image(&c, argv[optind + 1]);
    if (words == 1 && strcmp(argv[optind], "sticks") == 0)
        return sticks(&c);
    if (words == 2 && strcmp(argv[optind], "import") == 0)
        return import(&c, &w, argv[optind + 1]);
    if (words == 3 && strcmp(argv[optind], "pull") == 0)
        return pull(&c, &w, argv[optind + 1], argv[optind + 2]);
    w.upload.path = words == 2 ? argv[optind + 1] : NULL;
    if (words == 2 && strcmp(argv[optind], "upload") == 0)
        return upload_file(&c, &w.upload);
    return client_usage(&c, "expected list, verify NAME, delete NAME, upload FILE, sticks, import "
                            "PATH or pull URL NAME");
}
