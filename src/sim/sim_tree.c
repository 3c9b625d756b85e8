/* SPDX-License-Identifier: Apache-2.0 */
/* Setting values at paths; writing them down: sim_tree_print.c. */
#include "sim/sim_tree.h"

#include "sim/sim_tree_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

void sim_tree_init(struct sim_tree *tree)
{
    arena_init(&tree->arena, 0);
    tree->root = arena_alloc(&tree->arena, sizeof(*tree->root));
}

void sim_tree_fini(struct sim_tree *tree)
{
    arena_fini(&tree->arena);
    tree->root = NULL;
}

/* ---- nodes ---- */

static struct sim_node *append(struct sim_tree *tree, struct sim_node *parent)
{
    struct sim_node *node = arena_alloc(&tree->arena, sizeof(*node));
    struct sim_node **end = &parent->first;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = node;
    parent->count++;
    return node;
}

/* NULL: the node is a value, or the other container. */
static bool become(struct sim_node *node, enum sim_node_kind kind)
{
    if (node->kind == SIM_NODE_NULL) {
        node->kind = kind;
    }
    return node->kind == kind;
}

static struct sim_node *member(struct sim_tree *tree, struct sim_node *node, const char *name,
                               size_t size)
{
    if (!become(node, SIM_NODE_OBJECT)) {
        return NULL;
    }
    for (struct sim_node *at = node->first; at != NULL; at = at->next) {
        if (strlen(at->key) == size && memcmp(at->key, name, size) == 0) {
            return at;
        }
    }
    struct sim_node *made = append(tree, node);
    made->key = arena_strndup(&tree->arena, name, size);
    return made;
}

static struct sim_node *element(struct sim_tree *tree, struct sim_node *node, int64_t index)
{
    if (!become(node, SIM_NODE_ARRAY) || index >= SIM_TREE_ELEMENTS_MAX) {
        return NULL;
    }
    int64_t wanted = index >= 0 ? index : 0;
    while ((int64_t)node->count <= wanted) {
        (void)append(tree, node);
    }
    struct sim_node *at = node->first;
    for (; wanted > 0; wanted--) {
        at = at->next;
    }
    return at;
}

static int set_value(struct sim_tree *tree, struct sim_node *node,
                     const struct sim_reading *reading)
{
    if (node == NULL || (node->kind != SIM_NODE_NULL && node->kind != SIM_NODE_VALUE)) {
        return BUSBAR_EUNSUPPORTED;
    }
    node->kind = SIM_NODE_VALUE;
    node->value = *reading;
    if (reading->type == VALUE_TEXT) {
        node->value.text = arena_strdup(&tree->arena, reading->text);
    }
    return 0;
}

/* ---- paths of payload/path.h ---- */

struct cursor {
    struct sim_tree *tree;
    const char *at;
    int error;
};

static struct sim_node *fail(struct cursor *cursor, int error)
{
    cursor->error = cursor->error != 0 ? cursor->error : error;
    return NULL;
}

static void blanks(struct cursor *cursor)
{
    cursor->at += strspn(cursor->at, " \t");
}

static bool take(struct cursor *cursor, const char *token)
{
    blanks(cursor);
    size_t size = strlen(token);
    bool there = strncmp(cursor->at, token, size) == 0;
    cursor->at += there ? size : 0;
    return there;
}

static size_t name_size(const char *at)
{
    return strcspn(at, " \t.[]=<>!&|()'\",");
}

static struct sim_node *step_name(struct cursor *cursor, struct sim_node *node)
{
    size_t size = name_size(cursor->at);
    if (size == 0) {
        return fail(cursor, BUSBAR_ESYNTAX);
    }
    const char *name = cursor->at;
    cursor->at += size;
    if (size == 1 && name[0] == '*') {
        return element(cursor->tree, node, 0);
    }
    return member(cursor->tree, node, name, size);
}

/* A text in quotes; size of it, and at behind it. */
static const char *quoted(struct cursor *cursor, size_t *size)
{
    char quote = *cursor->at;
    const char *text = cursor->at + 1;
    const char *end = strchr(text, quote);
    if (end == NULL) {
        return NULL;
    }
    *size = (size_t)(end - text);
    cursor->at = end + 1;
    return text;
}

static bool literal(struct cursor *cursor, struct sim_reading *out)
{
    char word[64];
    size_t size;
    blanks(cursor);
    if (*cursor->at == '\'' || *cursor->at == '"') {
        const char *text = quoted(cursor, &size);
        if (text == NULL) {
            return false;
        }
        *out = (struct sim_reading){ .type = VALUE_TEXT };
        out->text = arena_strndup(&cursor->tree->arena, text, size);
        return true;
    }
    size = strcspn(cursor->at, " \t&|)]");
    if (size == 0 || size >= sizeof(word)) {
        return false;
    }
    str_format(word, sizeof(word), "%.*s", (int)size, cursor->at);
    cursor->at += size;
    *out = (struct sim_reading){ .type = VALUE_INT };
    if (str_parse_i64(word, &out->value.i) == 0) {
        return true;
    }
    out->type = VALUE_DOUBLE;
    if (str_parse_double(word, &out->value.d) == 0) {
        return true;
    }
    out->type = VALUE_BOOL;
    out->value.b = strcmp(word, "true") == 0;
    return out->value.b || strcmp(word, "false") == 0;
}

/* One comparison of a filter: where it stands in an element, and what has to stand there. */
struct wish {
    const char *path; /* behind the @ */
    size_t size;
    struct sim_reading value;
};

enum { WISHES_MAX = 8 };

static size_t read_wishes(struct cursor *cursor, struct wish *wishes)
{
    size_t count = 0;
    do {
        blanks(cursor);
        while (take(cursor, "(")) {
        }
        if (!take(cursor, "@") || count == WISHES_MAX) {
            return 0;
        }
        struct wish *wish = &wishes[count++];
        wish->path = cursor->at;
        wish->size = strcspn(cursor->at, " \t=<>!&|)]");
        wish->value = (struct sim_reading){ .type = VALUE_BOOL, .value.b = true };
        cursor->at += wish->size;
        if (take(cursor, "==") && !literal(cursor, &wish->value)) {
            return 0;
        }
        while (take(cursor, ")")) {
        }
    } while (take(cursor, "&&"));
    return take(cursor, "]") ? count : 0;
}

static struct sim_node *walk(struct cursor *cursor, struct sim_node *node);

static struct sim_node *at_wish(struct cursor *cursor, struct sim_node *node,
                                const struct wish *wish)
{
    struct cursor inner = { .tree = cursor->tree };
    inner.at = arena_strndup(&cursor->tree->arena, wish->path, wish->size);
    struct sim_node *found = walk(&inner, node);
    cursor->error = cursor->error != 0 ? cursor->error : inner.error;
    return found;
}

static bool same(const struct sim_node *node, const struct sim_reading *wanted)
{
    if (node == NULL || node->kind != SIM_NODE_VALUE || node->value.type != wanted->type) {
        return false;
    }
    return wanted->type == VALUE_TEXT ? strcmp(node->value.text, wanted->text) == 0
                                      : node->value.value.bits == wanted->value.bits;
}

/* The element that fulfils the filter, made when there is none. */
static struct sim_node *step_filter(struct cursor *cursor, struct sim_node *node)
{
    struct wish wishes[WISHES_MAX];
    size_t count = read_wishes(cursor, wishes);
    if (count == 0 || !become(node, SIM_NODE_ARRAY)) {
        return fail(cursor, BUSBAR_EUNSUPPORTED);
    }
    for (struct sim_node *at = node->first; at != NULL; at = at->next) {
        size_t fit = 0;
        while (fit < count && same(at_wish(cursor, at, &wishes[fit]), &wishes[fit].value)) {
            fit++;
        }
        if (fit == count) {
            return at;
        }
    }
    struct sim_node *made = append(cursor->tree, node);
    for (size_t i = 0; i < count; i++) {
        int error = set_value(cursor->tree, at_wish(cursor, made, &wishes[i]), &wishes[i].value);
        if (error != 0) {
            return fail(cursor, error);
        }
    }
    return made;
}

static struct sim_node *step_bracket(struct cursor *cursor, struct sim_node *node)
{
    blanks(cursor);
    size_t size;
    char *end;
    if (*cursor->at == '\'' || *cursor->at == '"') {
        const char *name = quoted(cursor, &size);
        return name != NULL && take(cursor, "]") ? member(cursor->tree, node, name, size)
                                                 : fail(cursor, BUSBAR_ESYNTAX);
    }
    if (take(cursor, "?")) {
        return step_filter(cursor, node);
    }
    if (take(cursor, "*")) {
        return take(cursor, "]") ? element(cursor->tree, node, 0) : fail(cursor, BUSBAR_ESYNTAX);
    }
    long index = strtol(cursor->at, &end, 10);
    if (end == cursor->at && *end != ':') {
        return fail(cursor, BUSBAR_ESYNTAX);
    }
    cursor->at = strchr(end, ']'); /* of a slice its first */
    if (cursor->at == NULL) {
        cursor->at = end;
        return fail(cursor, BUSBAR_ESYNTAX);
    }
    cursor->at++;
    return element(cursor->tree, node, index);
}

static struct sim_node *walk(struct cursor *cursor, struct sim_node *node)
{
    while (node != NULL && *cursor->at != '\0') {
        if (take(cursor, "..") || take(cursor, ".")) {
            node = *cursor->at == '[' ? node : step_name(cursor, node);
        } else if (take(cursor, "[")) {
            node = step_bracket(cursor, node);
        } else {
            blanks(cursor);
            node = *cursor->at == '\0' ? node : fail(cursor, BUSBAR_ESYNTAX);
        }
    }
    return node != NULL ? node : fail(cursor, BUSBAR_EUNSUPPORTED);
}

static struct sim_node *find_json(struct sim_tree *tree, const char *path, int *error)
{
    struct cursor cursor = { .tree = tree, .at = path };
    struct sim_node *node = tree->root;
    if (!take(&cursor, "$") && *cursor.at != '[' && *cursor.at != '.') {
        node = step_name(&cursor, node); /* co2 for $.co2 */
    }
    node = node != NULL ? walk(&cursor, node) : fail(&cursor, BUSBAR_EUNSUPPORTED);
    *error = cursor.error;
    return *error == 0 ? node : NULL;
}

int sim_tree_set_json(struct sim_tree *tree, const char *path, const struct sim_reading *reading)
{
    int error;
    struct sim_node *node = find_json(tree, path, &error);
    return error == 0 ? set_value(tree, node, reading) : error;
}

struct sim_node *sim_tree_enter_json(struct sim_tree *tree, const char *path)
{
    int error;
    struct sim_node *root = tree->root;
    struct sim_node *node = find_json(tree, path, &error);
    if (node == NULL) {
        return NULL;
    }
    tree->root = node;
    return root;
}

void sim_tree_leave(struct sim_tree *tree, struct sim_node *root)
{
    tree->root = root;
}

/* ---- XPath ---- */

/* [@id='x'], [name='x'], [2]: makes it so, and stands behind it. */
static struct sim_node *xml_predicate(struct cursor *cursor, struct sim_node *parent,
                                      struct sim_node *node, const char *name, size_t size)
{
    struct sim_reading value;
    if (*cursor->at >= '0' && *cursor->at <= '9') {
        char *end;
        long wanted = strtol(cursor->at, &end, 10);
        cursor->at = end;
        for (struct sim_node *at = node; wanted > 1 && parent != NULL; wanted--, node = at) {
            at = append(cursor->tree, parent);
            at->key = arena_strndup(&cursor->tree->arena, name, size);
        }
        return take(cursor, "]") ? node : fail(cursor, BUSBAR_EUNSUPPORTED);
    }
    size_t key = strcspn(cursor->at, "= ]");
    const char *of = cursor->at;
    cursor->at += key;
    if (!take(cursor, "=") || !literal(cursor, &value) || !take(cursor, "]")) {
        return fail(cursor, BUSBAR_EUNSUPPORTED);
    }
    for (struct sim_node *at = parent != NULL ? parent->first : node; at != NULL; at = at->next) {
        bool named = strlen(at->key) == size && memcmp(at->key, name, size) == 0;
        struct sim_node *inner = named ? at->first : NULL;
        while (inner != NULL && !(strlen(inner->key) == key && memcmp(inner->key, of, key) == 0 &&
                                  same(inner, &value))) {
            inner = inner->next;
        }
        if (inner != NULL) {
            return at;
        }
    }
    if (node->first != NULL || node->kind == SIM_NODE_VALUE) { /* another one's */
        if (parent == NULL) {
            return fail(cursor, BUSBAR_EUNSUPPORTED);
        }
        node = append(cursor->tree, parent);
        node->key = arena_strndup(&cursor->tree->arena, name, size);
    }
    return set_value(cursor->tree, member(cursor->tree, node, of, key), &value) == 0
               ? node
               : fail(cursor, BUSBAR_EUNSUPPORTED);
}

static struct sim_node *find_xml(struct sim_tree *tree, const char *xpath, int *error)
{
    struct cursor cursor = { .tree = tree, .at = xpath };
    struct sim_node *node = tree->root;
    (void)take(&cursor, ".");
    while (node != NULL && *cursor.at != '\0') {
        struct sim_node *parent = node;
        while (take(&cursor, "/")) {
        }
        size_t size = strcspn(cursor.at, "/[");
        const char *name = cursor.at;
        cursor.at += size;
        if (size == strlen("text()") && strncmp(name, "text()", size) == 0) {
            continue;
        }
        if (size == 1 && name[0] == '*' && node->first != NULL) {
            node = node->first;
            continue;
        }
        if (size == 0 || memchr(name, '(', size) != NULL || memchr(name, ':', size) != NULL) {
            node = fail(&cursor, BUSBAR_EUNSUPPORTED);
            break;
        }
        node = member(tree, node, name, size);
        while (node != NULL && take(&cursor, "[")) {
            node = xml_predicate(&cursor, parent, node, name, size);
        }
    }
    *error = node == NULL && cursor.error == 0 ? BUSBAR_EUNSUPPORTED : cursor.error;
    return *error == 0 ? node : NULL;
}

int sim_tree_set_xml(struct sim_tree *tree, const char *xpath, const struct sim_reading *reading)
{
    int error;
    struct sim_node *node = find_xml(tree, xpath, &error);
    return error == 0 ? set_value(tree, node, reading) : error;
}

struct sim_node *sim_tree_enter_xml(struct sim_tree *tree, const char *xpath)
{
    int error;
    struct sim_node *root = tree->root;
    struct sim_node *node = find_xml(tree, xpath, &error);
    if (node == NULL) {
        return NULL;
    }
    (void)become(node, SIM_NODE_OBJECT);
    tree->root = node;
    return root;
}
