/* SPDX-License-Identifier: Apache-2.0 */
/* Static files are few and in memory: found by a walk, sent without a copy, compressed at build
 * time. Files with a content hash in their name never change, so browsers keep them for good. */
#include "server/page.h"

#include <microhttpd.h>
#include <string.h>

#include "base/str.h"
#include "server/reply.h"

#define ASSETS "/assets/"

static const struct page_file *file_of(const char *path)
{
    for (size_t i = 0; i < page_file_count; i++) {
        if (strcmp(page_files[i].path, path) == 0) {
            return &page_files[i];
        }
    }
    return NULL;
}

static bool is_view(const struct server_url *url)
{
    if (url->part_count == 0) {
        return true;
    }
    const char *first = url->parts[0];
    return strcmp(first, "api") != 0 && strcmp(first, "metrics") != 0 &&
           strcmp(first, "assets") != 0;
}

static const struct page_file *find(const struct server_url *url)
{
    char path[256] = "/";
    size_t used = 0;
    for (size_t i = 0; i < url->part_count && used < sizeof(path); i++) {
        used += str_format(path + used, sizeof(path) - used, "/%s", url->parts[i]);
    }
    const struct page_file *file = file_of(path);
    return file != NULL || !is_view(url) ? file : file_of("/");
}

/* True when `tag` ("\"abc\"") is in an If-None-Match header. */
static bool tag_is_known(const char *known, const char *tag)
{
    return known != NULL && (strstr(known, tag) != NULL || strcmp(known, "*") == 0);
}

bool server_page(struct server_request *req, const char *method, const char *encodings,
                 const char *known_tag)
{
    const struct page_file *file = find(&req->url);
    if (file == NULL || (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)) {
        return false;
    }
    bool gzip = file->gzip != NULL && encodings != NULL && strstr(encodings, "gzip") != NULL;
    char tag[96];
    str_format(tag, sizeof(tag), "\"%s%s\"", file->hash, gzip ? "-gz" : "");
    bool known = tag_is_known(known_tag, tag);
    const void *data = gzip ? file->gzip : file->data;
    size_t size = known ? 0 : gzip ? file->gzip_size : file->size;
    struct MHD_Response *response = MHD_create_response_from_buffer(size, (void *)(uintptr_t)data,
                                                                    MHD_RESPMEM_PERSISTENT);
    if (response != NULL) {
        bool for_good = str_starts(file->path, ASSETS);
        server_reply_headers(response, file->type,
                             for_good ? "public, max-age=31536000, immutable" : "no-cache");
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, tag);
        if (file->gzip != NULL) {
            (void)MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, "Accept-Encoding");
        }
        if (gzip && !known) {
            (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
        }
    }
    server_reply_response(req, known ? 304 : 200, response);
    return true;
}
