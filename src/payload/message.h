/* SPDX-License-Identifier: Apache-2.0 */
/* A message as it came from a device: its body, and what its protocol says about it. Borrowed by all who get it. */
#ifndef BUSBAR_PAYLOAD_MESSAGE_H
#define BUSBAR_PAYLOAD_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

enum {
    PAYLOAD_BODY_MAX = 1 << 20,  /* bytes, as it came */
    PAYLOAD_PLAIN_MAX = 8 << 20, /* after decompression */
    PAYLOAD_FIELDS_MAX = 64,
};

/* What is said about a message beside its body: where, name and text:
 *   "topic" "" whole, "level" "1" (from 1)     MQTT      "property" NAME    MQTT 5 user properties
 *   "url" "" (the path after the first /), "header" NAME (lower case), "query" NAME    HTTP
 *   "source" "" (address), "certificate" "" (common name), "first" "" (first message)  TCP, UDP and all that have it */
struct payload_field {
    const char *where, *name;
    const char *text;
    size_t size;
};

struct payload_message {
    const uint8_t *body;
    size_t size;
    const struct payload_field *fields;
    size_t field_count;
    const char *encoding; /* Content-Encoding; NULL or "": as it is; gzip, deflate, zstd */
    int64_t receive_us;   /* wall */
};

#endif
