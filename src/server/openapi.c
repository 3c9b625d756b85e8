/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/openapi.json: OpenAPI 3.1, written from the route table and the schema rows, so that it
 * cannot differ from what runs. The shapes are ours, so a mistake in one asserts. */
#include "server/openapi.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "server/core.h"

enum { NAME_MAX_BYTES = 64 };

/* ---- schemas ---- */

static void put_type(struct json_writer *json, const char **at);

static void take_name(const char **at, char name[NAME_MAX_BYTES])
{
    size_t size = 0;
    while (isalnum((unsigned char)**at) || **at == '_') {
        assert(size < NAME_MAX_BYTES - 1);
        name[size++] = *(*at)++;
    }
    assert(size > 0);
    name[size] = '\0';
}

static void put_ref(struct json_writer *json, const char *name)
{
    char ref[NAME_MAX_BYTES + 32];
    str_format(ref, sizeof(ref), "#/components/schemas/%s", name);
    json_put_string(json, "$ref", ref);
}

/* Members of an object up to its end: "properties": {...}. */
static void put_fields(struct json_writer *json, const char **at, char end)
{
    char name[NAME_MAX_BYTES];
    json_put_string(json, "type", "object");
    json_put_object(json, "properties");
    while (**at != end) {
        take_name(at, name);
        assert(**at == ':');
        (*at)++;
        json_key(json, name);
        put_type(json, at);
        *at += **at == ' ' ? 1 : 0;
    }
    json_end_object(json);
}

/* Inside an object of its own: what stands for one letter. */
static void put_scalar(struct json_writer *json, char letter)
{
    static const struct {
        char letter;
        const char *type, *format;
    } scalars[] = {
        { 's', "string", NULL },  { 'i', "integer", NULL },       { 'n', "number", NULL },
        { 'b', "boolean", NULL }, { 't', "string", "date-time" }, { 'o', "object", NULL },
    };
    if (letter == 'v') {
        json_put_array(json, "type");
        json_string(json, "number");
        json_string(json, "boolean");
        json_string(json, "string");
        json_end_array(json);
        return;
    }
    for (size_t i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++) {
        if (scalars[i].letter == letter) {
            json_put_string(json, "type", scalars[i].type);
            if (scalars[i].format != NULL) {
                json_put_string(json, "format", scalars[i].format);
            }
            return;
        }
    }
    assert(false && "a letter that is no type");
}

static void put_bare_type(struct json_writer *json, const char **at)
{
    char name[NAME_MAX_BYTES];
    json_begin_object(json);
    if (**at == '{') {
        (*at)++;
        put_fields(json, at, '}');
        (*at)++;
    } else if (**at == '[') {
        (*at)++;
        json_put_string(json, "type", "array");
        json_key(json, "items");
        put_type(json, at);
        assert(**at == ']');
        (*at)++;
    } else if (isupper((unsigned char)**at)) {
        take_name(at, name);
        put_ref(json, name);
    } else {
        put_scalar(json, *(*at)++);
    }
    json_end_object(json);
}

/* True when the type that begins here ends with '?'. */
static bool may_be_null(const char *at)
{
    int depth = 0;
    do {
        depth += *at == '{' || *at == '[';
        depth -= *at == '}' || *at == ']';
        at++;
    } while (depth > 0 || isalnum((unsigned char)*at));
    return *at == '?';
}

static void put_type(struct json_writer *json, const char **at)
{
    if (!may_be_null(*at)) {
        put_bare_type(json, at);
        return;
    }
    json_begin_object(json);
    json_put_array(json, "anyOf");
    put_bare_type(json, at);
    json_begin_object(json);
    json_put_string(json, "type", "null");
    json_end_object(json);
    json_end_array(json);
    json_end_object(json);
    (*at)++;
}

void openapi_put_schema(struct json_writer *json, const struct openapi_schema *schema)
{
    char base[NAME_MAX_BYTES];
    const char *at = schema->shape;
    bool has_base = isupper((unsigned char)*at);
    json_begin_object(json);
    if (has_base) {
        take_name(&at, base);
        assert(strncmp(at, " & ", 3) == 0);
        at += 3;
        json_put_array(json, "allOf");
        json_begin_object(json);
        put_ref(json, base);
        json_end_object(json);
        json_end_array(json);
    }
    put_fields(json, &at, '\0');
    if (schema->required != NULL) {
        json_put_array(json, "required");
        json_string(json, schema->required);
        json_end_array(json);
    }
    json_end_object(json);
}

/* ---- paths ---- */

static void put_param(struct json_writer *json, const char *name, size_t size, const char *in,
                      const char *type, const char *help)
{
    json_begin_object(json);
    json_key(json, "name");
    json_string_n(json, name, size);
    json_put_string(json, "in", in);
    json_put_bool(json, "required", strcmp(in, "path") == 0);
    if (help != NULL) {
        json_put_string(json, "description", help);
    }
    json_put_object(json, "schema");
    json_put_string(json, "type", type);
    json_end_object(json);
    json_end_object(json);
}

static void put_params(struct json_writer *json, const struct server_route *route)
{
    json_put_array(json, "parameters");
    for (const char *at = strchr(route->path, '{'); at != NULL; at = strchr(at + 1, '{')) {
        put_param(json, at + 1, strcspn(at + 1, "}"), "path", "string", NULL);
    }
    for (const struct server_query_param *param = route->query;
         param != NULL && param->name != NULL; param++) {
        put_param(json, param->name, strlen(param->name), "query", param->type, param->help);
    }
    json_end_array(json);
}

static void put_content(struct json_writer *json, const char *type, const char *schema)
{
    json_put_object(json, "content");
    json_put_object(json, type);
    json_put_object(json, "schema");
    if (schema != NULL) {
        put_ref(json, schema);
    } else {
        json_put_string(json, "type", "object");
    }
    json_end_object(json);
    json_end_object(json);
    json_end_object(json);
}

static void put_answers(struct json_writer *json, const struct server_route *route)
{
    json_put_object(json, "responses");
    json_put_object(json, "200");
    json_put_string(json, "description", route->summary);
    if (route->answer == NULL || strcmp(route->answer, SERVER_ANSWER_TEXT) != 0) {
        bool stream = route->answer != NULL && strcmp(route->answer, "Stream") == 0;
        put_content(json, stream ? "text/event-stream" : "application/json", route->answer);
    }
    json_end_object(json);
    json_put_object(json, "default");
    json_put_string(json, "description", "an error");
    put_content(json, "application/json", "Error");
    json_end_object(json);
    json_end_object(json);
}

static void put_operation(struct json_writer *json, const struct server_route *route)
{
    char method[16] = "";
    for (size_t i = 0; route->method[i] != '\0' && i < sizeof(method) - 1; i++) {
        method[i] = (char)tolower((unsigned char)route->method[i]);
        method[i + 1] = '\0';
    }
    json_put_object(json, method);
    json_put_string(json, "summary", route->summary);
    put_params(json, route);
    if (route->body != NULL) {
        json_put_object(json, "requestBody");
        put_content(json, "application/json", route->body);
        json_end_object(json);
    }
    put_answers(json, route);
    json_end_object(json);
}

/* All methods of a path are told where the path comes first. */
static bool is_told(const struct server_routes *routes, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(routes->rows[i].route->path, routes->rows[index].route->path) == 0) {
            return true;
        }
    }
    return false;
}

static void put_paths(struct json_writer *json, const struct server_routes *routes)
{
    json_put_object(json, "paths");
    for (size_t i = 0; i < routes->count; i++) {
        const char *path = routes->rows[i].route->path;
        if (is_told(routes, i)) {
            continue;
        }
        json_put_object(json, path);
        for (size_t k = i; k < routes->count; k++) {
            if (strcmp(routes->rows[k].route->path, path) == 0) {
                put_operation(json, routes->rows[k].route);
            }
        }
        json_end_object(json);
    }
    json_end_object(json);
}

static void get_openapi(struct server_request *req)
{
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    json_put_string(&json, "openapi", "3.1.0");
    json_put_object(&json, "info");
    json_put_string(&json, "title", "busbar");
    json_put_string(&json, "version", BUSBAR_VERSION);
    json_end_object(&json);
    put_paths(&json, &server_of(req)->routes[SERVER_PAGE]);
    json_put_object(&json, "components");
    json_put_object(&json, "schemas");
    for (size_t i = 0; i < openapi_schema_count; i++) {
        json_key(&json, openapi_schemas[i].name);
        openapi_put_schema(&json, &openapi_schemas[i]);
    }
    json_end_object(&json);
    json_end_object(&json);
    json_end_object(&json);
    server_reply_json(req, 200, &out);
}

void server_openapi_routes(struct server *server)
{
    static const struct server_route routes[] = {
        { .method = "GET",
          .path = "/api/v1/openapi.json",
          .handler = get_openapi,
          .summary = "this interface for programs" },
    };
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
