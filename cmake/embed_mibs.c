/* SPDX-License-Identifier: Apache-2.0 */
/* Part of the build: embed_mibs OUT.c MODULE ... compiles the standard MIB modules and writes them as a C source. A
 * module that is not clean stops the build. */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "drivers/snmp/mib/compile.h"

enum { TEXTS_MAX = 16 << 20, ROW = 24 };

static void warn(void *ctx, const struct err *err)
{
    int *problems = ctx;
    (*problems)++;
    (void)fprintf(stderr, "%s:%d: %s\n", err->file, err->line, err->message);
}

static int read_all(char **names, int count, struct buf *out)
{
    for (int i = 0; i < count; i++) {
        char *text;
        size_t size;
        struct err err;
        int error = file_read(file_ops_real(), names[i], TEXTS_MAX, &text, &size, &err);
        if (error != 0) {
            (void)fprintf(stderr, "%s\n", err.message);
            return error;
        }
        error = buf_append(out, text, size);
        busbar_free(text);
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

static void put_array(FILE *file, const char *name, const struct buf *bytes)
{
    (void)fprintf(file, "const unsigned char %s[] = {", name);
    for (size_t i = 0; i < bytes->size; i++) {
        (void)fprintf(file, "%s%u,", i % ROW == 0 ? "\n" : "", bytes->data[i]);
    }
    (void)fprintf(file, "\n};\nconst size_t %s_size = sizeof(%s);\n", name, name);
}

int main(int argc, char **argv)
{
    struct buf texts;
    struct buf catalogue;
    struct err err = { 0 };
    int problems = 0;
    if (argc < 3) {
        return EXIT_FAILURE;
    }
    buf_init(&texts, TEXTS_MAX);
    buf_init(&catalogue, MIB_CATALOGUE_MAX);
    int error = read_all(argv + 2, argc - 2, &texts);
    struct mib_compile compile = { .standard = (const char *)texts.data,
                                   .standard_size = texts.size,
                                   .descriptions = true,
                                   .warn = warn,
                                   .ctx = &problems };
    error = error == 0 ? mib_compile(&compile, &catalogue, &err) : error;
    FILE *file = error == 0 && problems == 0 ? fopen(argv[1], "we") : NULL;
    if (file != NULL) {
        (void)fprintf(file, "#include \"drivers/snmp/mib/standard.h\"\n");
        put_array(file, "mib_standard_catalogue", &catalogue);
        put_array(file, "mib_standard_text", &texts);
    }
    bool good = file != NULL && fclose(file) == 0;
    if (!good) {
        (void)fprintf(stderr, "%s: not made. %s\n", argv[1], err.message);
    }
    buf_fini(&texts);
    buf_fini(&catalogue);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
