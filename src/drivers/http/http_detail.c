/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/http/http_detail.h"

#include <stddef.h>

static const struct {
    uint16_t detail;
    const char *words;
} rows[] = {
    { HTTP_DETAIL_MISSING, "the answer has no value there: compare the rule with the answer, "
                           "busbar device frames shows it" },
    { HTTP_DETAIL_WRONG, "the answer does not fit the rules: busbar device frames says where" },
    { 400, "400 Bad Request: the device does not understand what is asked; look at url and body" },
    { 401, "401 Unauthorized: the device wants a login; look at user, password, login and token" },
    { 403, "403 Forbidden: the login is known, but may not do this" },
    { 404, "404 Not Found: the device has no such page; look at url" },
    { 405, "405 Method Not Allowed: try another method, or send_method" },
    { 408, "408 Request Timeout: the device waited too long for us" },
    { 413, "413 Content Too Large: what is sent is too long for the device" },
    { 415, "415 Unsupported Media Type: the device wants another Content-Type; set it with "
           "request_header" },
    { 422, "422 Unprocessable Content: the device does not take this value" },
    { 429, "429 Too Many Requests: poll it less often" },
    { 500, "500 Internal Server Error: the device has a fault of its own" },
    { 501, "501 Not Implemented: the device does not know this method" },
    { 502, "502 Bad Gateway: something between us and the device has no answer from it" },
    { 503, "503 Service Unavailable: the device is busy; poll it less often" },
    { 504, "504 Gateway Timeout: something between us and the device has no answer from it" },
};

const char *http_explain(uint16_t detail)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].detail == detail) {
            return rows[i].words;
        }
    }
    return detail >= 300 && detail < 400
               ? "the device sends us elsewhere: write that address as url"
           : detail >= 400 && detail < 500
               ? "the device refuses the request: look at url, login and request_header"
           : detail >= 500 && detail < 600 ? "the device has a fault of its own"
                                           : NULL;
}
