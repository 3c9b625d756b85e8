/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas in a short notation, one row each, which openapi.c turns into JSON schema:
 *
 *   shape  = [ Name " & " ] fields          Name: all fields of that schema too
 *   fields = field { " " field }            field = name ":" type [ "?" ]      ? may be null
 *   type   = "s" text | "i" whole number | "n" number | "b" true or false | "t" time
 *          | "v" value of a point | "o" any object | "{" fields "}" | "[" type "]" | Name */
#ifndef BUSBAR_SERVER_OPENAPI_H
#define BUSBAR_SERVER_OPENAPI_H

#include <stddef.h>

#include "base/json.h"

struct openapi_schema {
    const char *name;
    const char *shape;
    const char *required; /* one field; NULL: none */
};

extern const struct openapi_schema openapi_schemas[];
extern const size_t openapi_schema_count;

/* Writes one schema object. */
void openapi_put_schema(struct json_writer *json, const struct openapi_schema *schema);

#endif
