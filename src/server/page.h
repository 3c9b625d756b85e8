/* SPDX-License-Identifier: Apache-2.0 */
/* The page, embedded into the binary: a table of files made at build time from web/
 * (cmake/BusbarWeb.cmake), or the one file of page_none.c when the build left the page out. */
#ifndef BUSBAR_SERVER_PAGE_H
#define BUSBAR_SERVER_PAGE_H

#include <stddef.h>
#include <stdint.h>

#include "server/core.h"

struct page_file {
    const char *path; /* "/assets/app-1a2b3c4d.js"; "/" is the view that every other path opens */
    const char *type;
    const char *hash; /* of the content: the entity tag */
    const uint8_t *data;
    size_t size;
    const uint8_t *gzip; /* the same, compressed; NULL: not worth it */
    size_t gzip_size;
};

extern const struct page_file page_files[];
extern const size_t page_file_count;

/* Answers a path that no route has, when the page has it: a file of the table, or the view for any
 * other path outside of /api, /metrics and /assets (a view's state is its address). False: it is
 * neither, or the method is not GET or HEAD. */
bool server_page(struct server_request *req, const char *method, const char *encodings,
                 const char *known_tag);

#endif
