/* SPDX-License-Identifier: Apache-2.0 */
/* What can be checked without running: the files, and what would stop `busbar run`. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "app/app.h"
#include "app/ports.h"
#include "app/protocols.h"
#include "base/file.h"
#include "base/str.h"

enum { EXIT_PROBLEMS = 3, TEXT_MAX = 16 << 20, LOW_SPACE_BYTES = 64 << 20 };

static struct config *load(const char *path, const char *data_folder, struct problems *problems)
{
    struct protocols protocols;
    struct secrets *secrets = NULL;
    struct config *config = NULL;
    struct err err = { 0 };
    protocols_fill(&protocols);
    if (data_folder != NULL && file_is_folder(data_folder) &&
        secrets_open(data_folder, &secrets, &err) != 0) {
        problems_err(problems, &err, (struct position){ .file = data_folder });
    }
    struct config_env env = { .protocols = protocols.list,
                              .protocol_count = protocols.count,
                              .secrets = secrets };
    (void)config_load(path, &env, &config, problems);
    secrets_close(secrets);
    return config;
}

/* What is wrong with folder, disk and ports; each is an error in the list. */
static void check_machine(const struct app_options *options, const struct config *config,
                          struct problems *problems)
{
    struct position at = { .file = options->data_folder };
    struct statvfs fs;
    const char *hint = "name another with --data, or run as a user that may write there";
    struct err err = { 0 };
    if (file_make_folders(file_ops_real(), options->data_folder, 0700, &err) != 0 ||
        access(options->data_folder, W_OK | X_OK) != 0) {
        problems_error(problems, at, hint, "the data folder cannot be written");
    } else if (statvfs(options->data_folder, &fs) == 0 &&
               (uint64_t)fs.f_bavail * fs.f_frsize < LOW_SPACE_BYTES) {
        problems_error(problems, at, "free space, or name another with --data",
                       "less than 64 MB are free for the data folder");
    }
    if (config == NULL || config->server.http_port == 0) {
        return;
    }
    struct port_owner owner = ports_owner(config->server.http_port);
    if (owner.name[0] != '\0') {
        problems_error(
            problems, config->server.at, "stop it, or choose another: server: { http: ADDR:PORT }",
            "port %u is held by %s (process %d)", config->server.http_port, owner.name, owner.pid);
    }
}

static int tell(const struct config *config, const struct problems *problems, bool json)
{
    struct buf text;
    buf_init(&text, TEXT_MAX);
    if (json) {
        struct json_writer writer = json_writer(&text);
        json_begin_object(&writer);
        json_put_i64(&writer, "errors", (int64_t)problems->errors);
        json_put_i64(&writer, "warnings", (int64_t)problems->warnings);
        json_key(&writer, "problems");
        problems_json(problems, &writer);
        json_end_object(&writer);
        puts(buf_text(&text));
    } else {
        problems_print(problems, &text);
        fputs(buf_text(&text), stderr);
        if (problems->errors == 0 && config != NULL) {
            printf("%zu devices, %zu points: ok\n", config->device_count, config->point_count);
        }
    }
    buf_fini(&text);
    return problems->errors > 0 ? EXIT_PROBLEMS : 0;
}

int app_config_check(const char *path, const char *data_folder, bool json)
{
    struct problems problems;
    problems_init(&problems);
    struct config *config = load(path, data_folder, &problems);
    int rc = tell(config, &problems, json);
    config_free(config);
    problems_fini(&problems);
    return rc;
}

int app_check(const struct app_options *options, bool json)
{
    struct problems problems;
    problems_init(&problems);
    struct config *config = load(options->config_path, options->data_folder, &problems);
    check_machine(options, config, &problems);
    int rc = tell(config, &problems, json);
    config_free(config);
    problems_fini(&problems);
    return rc;
}
