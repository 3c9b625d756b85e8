/* SPDX-License-Identifier: Apache-2.0 */
/* Where something stands in a message, as a person wrote it. */
#include <ctype.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "payload/rule.h"

enum { ID_QUOTED_MAX = 520, SHOWN_MAX = 60 };

static const char *const kind_words[] = { "json", "cbor",  "msgpack", "protobuf", "xml",  "csv",
                                          "key",  "match", "bytes",   "text",     "about" };
enum { KINDS = sizeof(kind_words) / sizeof(kind_words[0]) };
_Static_assert(KINDS == PAYLOAD_POINT_ABOUT + 1, "one word for each");

/* What stands beside a message, and what follows the word. */
static const struct about_word {
    const char *word;
    bool has_name;
    const char *example;
} about_words[] = {
    { "topic", false, "topic" },           { "level", true, "level 2" },
    { "property", true, "property site" }, { "url", false, "url" },
    { "header", true, "header x-id" },     { "query", true, "query id" },
    { "source", false, "source" },         { "certificate", false, "certificate" },
    { "first", false, "first" },
};
enum { ABOUT_WORDS = sizeof(about_words) / sizeof(about_words[0]) };

const char *expression_word(uint8_t kind)
{
    return kind < KINDS ? kind_words[kind] : "";
}

bool expression_is_path(uint8_t kind)
{
    return kind <= PAYLOAD_POINT_PROTOBUF;
}

/* ---- {id} ---- */

/* The id as it may stand in an expression of that kind: it must not become part of the language. */
static int quote_id(uint8_t kind, const char *id, char *to, size_t size, struct err *err)
{
    size_t used = 0;
    for (const char *at = id; *at != '\0' && used + 2 < size; at++) {
        bool quote = *at == '\'' || *at == '"';
        if (kind == PAYLOAD_POINT_XML && quote) {
            err_set(err, BUSBAR_EINVAL, "the id '%.*s' has a quote, which XPath cannot hold",
                    SHOWN_MAX, id);
            return err_hint(err, "leave {id} out, or give the device another id");
        }
        if ((kind == PAYLOAD_POINT_MATCH && (unsigned char)*at < 0x80 &&
             !isalnum((unsigned char)*at)) ||
            (expression_is_path(kind) && (quote || *at == '\\'))) {
            to[used++] = '\\';
        }
        to[used++] = *at;
    }
    to[used] = '\0';
    return 0;
}

static int put_id(struct expression *out, const char *text, const char *id, struct err *err)
{
    char quoted[ID_QUOTED_MAX];
    struct buf whole;
    const char *slot = strstr(text, "{id}");
    if (slot == NULL) {
        out->text = busbar_strdup(text);
        return 0;
    }
    int error = quote_id(out->kind, id != NULL ? id : "id", quoted, sizeof(quoted), err);
    if (error != 0) {
        return error;
    }
    buf_init(&whole, PAYLOAD_EXPRESSION_MAX);
    for (; slot != NULL; text = slot + 4, slot = strstr(text, "{id}")) {
        (void)buf_append(&whole, text, (size_t)(slot - text));
        (void)buf_append_text(&whole, quoted);
    }
    error = buf_append_text(&whole, text);
    out->text = busbar_strdup(buf_text(&whole));
    buf_fini(&whole);
    return error == 0 ? 0 : err_set(err, error, "it is too long with the id in it");
}

/* ---- kinds ---- */

static int read_column(struct expression *out, struct err *err)
{
    if (str_parse_i64(out->text, &out->number) == 0) {
        if (out->number < 1 || out->number > PAYLOAD_COLUMNS_MAX) {
            err_set(err, BUSBAR_ERANGE, "there is no column %s", out->text);
            return err_hint(err, "columns count from 1 to %d", PAYLOAD_COLUMNS_MAX);
        }
        return 0;
    }
    out->number = 0;
    out->name = out->text;
    out->name_size = strlen(out->text);
    return 0;
}

/* "0 4": offset and length; with a point only the offset. */
static int read_bytes(struct expression *out, struct err *err)
{
    char *blank = strchr(out->text, ' ');
    int64_t length = 0;
    char copy[64];
    (void)str_copy(copy, sizeof(copy), out->text);
    if (blank != NULL && blank - out->text < (ptrdiff_t)sizeof(copy)) {
        copy[blank - out->text] = '\0';
    }
    if (str_parse_i64(copy, &out->number) != 0 || out->number > PAYLOAD_BODY_MAX ||
        out->number < -PAYLOAD_BODY_MAX ||
        (blank != NULL &&
         (str_parse_i64(blank + 1, &length) != 0 || length < 1 || length > PAYLOAD_LENGTH_MAX))) {
        err_set(err, BUSBAR_EINVAL, "'%.*s' is no place of bytes", SHOWN_MAX, out->text);
        return err_hint(err, "an offset from 0, and how many: bytes 0 4");
    }
    out->length = (uint32_t)length;
    return 0;
}

static int wrong_about(const char *word, struct err *err)
{
    const char *words[ABOUT_WORDS];
    for (size_t i = 0; i < ABOUT_WORDS; i++) {
        words[i] = about_words[i].word;
    }
    const char *nearest = str_nearest(word, words, ABOUT_WORDS);
    err_set(err, BUSBAR_EINVAL, "'%.*s' is not known of a message", SHOWN_MAX, word);
    if (nearest != NULL) {
        return err_hint(err, "did you mean '%s'?", nearest);
    }
    return err_hint(err, "topic, level 2, property NAME, url, header NAME, query NAME, source, "
                         "certificate, first");
}

static int read_about(struct expression *out, struct err *err)
{
    char *name = strchr(out->text, ' ');
    const struct about_word *word = NULL;
    if (name != NULL) {
        *name++ = '\0';
        name += strspn(name, " ");
    }
    for (size_t i = 0; i < ABOUT_WORDS; i++) {
        word = strcmp(about_words[i].word, out->text) == 0 ? &about_words[i] : word;
    }
    if (word == NULL) {
        return wrong_about(out->text, err);
    }
    bool named = name != NULL && name[0] != '\0';
    if (named != word->has_name) {
        err_set(err, BUSBAR_EINVAL, word->has_name ? "which %s?" : "'%s' has no name behind it",
                word->word);
        return err_hint(err, "write '%s'", word->example);
    }
    out->where = word->word;
    out->name = named ? name : "";
    for (char *at = name; named && strcmp(word->word, "header") == 0 && *at != '\0'; at++) {
        *at = (char)tolower((unsigned char)*at);
    }
    out->name_size = strlen(out->name);
    return 0;
}

static int compile(struct expression *out, bool jit, struct err *err)
{
    int error = 0;
    out->single = true;
    switch (out->kind) {
    case PAYLOAD_POINT_JSON:
    case PAYLOAD_POINT_CBOR:
    case PAYLOAD_POINT_MSGPACK:
    case PAYLOAD_POINT_PROTOBUF:
        error = payload_path_new(out->text, &out->path, err);
        out->single = error == 0 && payload_path_single(out->path);
        return error;
    case PAYLOAD_POINT_XML: out->single = false; return xml_path_new(out->text, &out->xml, err);
    case PAYLOAD_POINT_MATCH: return match_new(out->text, jit, &out->match, err);
    case PAYLOAD_POINT_CSV: return read_column(out, err);
    case PAYLOAD_POINT_KEY:
        out->name = out->text;
        out->name_size = strlen(out->text);
        return 0;
    case PAYLOAD_POINT_BYTES: return read_bytes(out, err);
    case PAYLOAD_POINT_TEXT: return 0;
    default: return read_about(out, err);
    }
}

int expression_new(uint8_t kind, const char *text, const char *id, bool jit, struct expression *out,
                   struct err *err)
{
    *out = (struct expression){ .kind = kind,
                                .first_bit = PAYLOAD_BIT_NONE,
                                .last_bit = PAYLOAD_BIT_NONE };
    int error = put_id(out, text, id, err);
    if (error == 0) {
        error = compile(out, jit, err);
    }
    if (error != 0) {
        if (expression_is_path(kind) && err != NULL && err->column > 0) {
            (void)err_prefix(err, "character %d", err->column);
        }
        (void)err_prefix(err, "%s '%.*s'", kind_words[kind], SHOWN_MAX, text);
        expression_fini(out);
    }
    return error;
}

void expression_fini(struct expression *expression)
{
    payload_path_free(expression->path);
    xml_path_free(expression->xml);
    match_free(expression->match);
    busbar_free(expression->text);
    busbar_free(expression->want);
    *expression = (struct expression){ 0 };
}

/* The kind that a text begins with; *rest is what follows it. */
static int find_kind(const char *text, uint8_t *kind, const char **rest, struct err *err)
{
    char word[16];
    size_t size = strcspn(text, " ");
    str_format(word, sizeof(word), "%.*s", (int)(size < sizeof(word) ? size : sizeof(word) - 1),
               text);
    *rest = text + size + strspn(text + size, " ");
    for (size_t i = 0; i < KINDS; i++) {
        if (strcmp(kind_words[i], word) == 0) {
            *kind = (uint8_t)i;
            return 0;
        }
    }
    for (size_t i = 0; i < ABOUT_WORDS; i++) {
        if (strcmp(about_words[i].word, word) == 0) {
            *kind = PAYLOAD_POINT_ABOUT;
            *rest = text;
            return 0;
        }
    }
    const char *nearest = str_nearest(word, kind_words, KINDS);
    err_set(err, BUSBAR_EINVAL, "'%.*s' does not begin with what the message is", SHOWN_MAX, text);
    if (nearest != NULL) {
        return err_hint(err, "did you mean '%s'?", nearest);
    }
    return err_hint(err,
                    "write 'json $.id', 'match ^(\\w+);', 'csv 1', 'level 2' or 'header x-id'");
}

int expression_read(const char *text, const char *id, bool jit, struct expression *out,
                    struct err *err)
{
    uint8_t kind = 0;
    const char *rest;
    *out = (struct expression){ 0 };
    int error = find_kind(text, &kind, &rest, err);
    if (error == 0 && rest[0] == '\0' && kind != PAYLOAD_POINT_TEXT && kind != PAYLOAD_POINT_CSV) {
        err_set(err, BUSBAR_EINVAL, "nothing follows '%s'", kind_words[kind]);
        error = err_hint(err, "write 'json $.id', 'match ^(\\w+);', 'csv 1' or 'xml //id'");
    }
    return error == 0 ? expression_new(kind, rest[0] != '\0' ? rest : "1", id, jit, out, err)
                      : error;
}

int expression_condition(const char *text, const char *id, bool jit, struct expression *out,
                         struct err *err)
{
    uint8_t kind = 0;
    const char *rest;
    char whole[PAYLOAD_EXPRESSION_MAX];
    *out = (struct expression){ 0 };
    int error = find_kind(text, &kind, &rest, err);
    if (error != 0) {
        return error;
    }
    if (expression_is_path(kind)) { /* a filter that looks at nothing but the root */
        str_format(whole, sizeof(whole), "%s $[?%s]", kind_words[kind], rest);
        return expression_read(whole, id, jit, out, err);
    }
    const char *equals = kind == PAYLOAD_POINT_XML || kind == PAYLOAD_POINT_MATCH
                             ? NULL
                             : strstr(text, " == ");
    if (equals == NULL) {
        return expression_read(text, id, jit, out, err);
    }
    str_format(whole, sizeof(whole), "%.*s", (int)(equals - text), text);
    error = expression_read(whole, id, jit, out, err);
    if (error != 0) {
        return error;
    }
    const char *want = equals + 4;
    size_t size = strlen(want);
    bool quoted = size > 1 && (want[0] == '"' || want[0] == '\'') && want[size - 1] == want[0];
    out->want = busbar_strndup(want + quoted, size - 2 * (size_t)quoted);
    return 0;
}
