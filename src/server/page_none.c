/* SPDX-License-Identifier: Apache-2.0 */
/* The page of a build without the page (BUSBAR_WEB=OFF): it says so. */
#include "server/page.h"

#define TEXT                                                                                 \
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>busbar</title>" \
    "</head>\n<body><h1>busbar is running</h1>\n"                                            \
    "<p>The page was left out of this build. Build with <code>-DBUSBAR_WEB=ON</code> "       \
    "(needs node and npm), or use the command line: <code>busbar status</code>.</p>\n"       \
    "<p>For programs: <a href=\"/api/v1/openapi.json\">REST interface</a>, "                 \
    "<a href=\"/metrics\">metrics</a>.</p></body></html>\n"

static const uint8_t text[] = TEXT;

const struct page_file page_files[] = {
    { .path = "/",
      .type = "text/html; charset=utf-8",
      .hash = "none-" BUSBAR_VERSION,
      .data = text,
      .size = sizeof(text) - 1 },
};
const size_t page_file_count = 1;
