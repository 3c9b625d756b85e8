/* SPDX-License-Identifier: Apache-2.0 */
/* Two walks: the first puts every named node into the draft and remembers its number in the node (`reported`, which only
 * the library's search by pattern uses), the second links rows to their indexes and notifications to their objects. */
#include "drivers/snmp/mib/tree.h"

#include <stdlib.h>
#include <string.h>

#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>

#include "base/alloc.h"
#include "base/str.h"
#include "drivers/snmp/mib/format.h"

enum { DESCRIPTION_MAX = 400, DEPTH_MAX = SNMP_OID_PARTS_MAX };

struct walk {
    const struct mib_tree_modules *modules;
    struct mib_draft *draft;
    bool descriptions;
    uint32_t parts[SNMP_OID_PARTS_MAX];
    int error;
    /* scratch of one object */
    struct mib_enum enums[MIB_ENUMS_MAX];
    struct mib_range ranges[MIB_RANGES_MAX];
    char description[DESCRIPTION_MAX];
};

/* ---- one node ---- */

static enum mib_syntax syntax_of(int type)
{
    switch (type) {
    case TYPE_INTEGER:
    case TYPE_INTEGER32: return MIB_INTEGER;
    case TYPE_GAUGE:
    case TYPE_UINTEGER:
    case TYPE_UNSIGNED32: return MIB_UNSIGNED;
    case TYPE_COUNTER: return MIB_COUNTER32;
    case TYPE_COUNTER64: return MIB_COUNTER64;
    case TYPE_TIMETICKS: return MIB_TIMETICKS;
    case TYPE_OCTETSTR:
    case TYPE_NSAPADDRESS: return MIB_OCTETS;
    case TYPE_OBJID: return MIB_OID;
    case TYPE_BITSTRING: return MIB_BITS;
    case TYPE_NETADDR:
    case TYPE_IPADDR: return MIB_IP_ADDRESS;
    case TYPE_OPAQUE: return MIB_OPAQUE;
    default: return MIB_NONE;
    }
}

static enum mib_access access_of(int access)
{
    switch (access) {
    case MIB_ACCESS_READONLY: return MIB_READ_ONLY;
    case MIB_ACCESS_READWRITE:
    case MIB_ACCESS_WRITEONLY: return MIB_READ_WRITE;
    case MIB_ACCESS_CREATE: return MIB_READ_CREATE;
    case MIB_ACCESS_NOTIFY: return MIB_FOR_NOTIFY;
    default: return MIB_NOT_ACCESSIBLE;
    }
}

static bool is_row(const struct tree *node)
{
    return node->indexes != NULL || node->augments != NULL;
}

static bool has_row(const struct tree *node)
{
    for (const struct tree *child = node->child_list; child != NULL; child = child->next_peer) {
        if (is_row(child)) {
            return true;
        }
    }
    return false;
}

/* The parser hangs traps of version 1 below a node of its own, "acme#" for the enterprise acme. */
static bool is_of_parser(const struct tree *node)
{
    size_t size = node->label != NULL ? strlen(node->label) : 0;
    return size == 0 || node->label[size - 1] == '#' || strncmp(node->label, ANON, ANON_LEN) == 0;
}

static bool is_notification(const struct tree *node)
{
    const char *parent = node->parent != NULL ? node->parent->label : NULL;
    bool trap = parent != NULL && parent[0] != '\0' && parent[strlen(parent) - 1] == '#';
    return node->type == TYPE_NOTIFTYPE || node->varbinds != NULL || trap;
}

static enum mib_kind kind_of(const struct tree *node)
{
    bool value = syntax_of(node->type) != MIB_NONE || node->type == TYPE_OTHER;
    if (is_notification(node)) {
        return MIB_NOTIFICATION;
    }
    if (is_row(node)) {
        return MIB_ROW;
    }
    if (!value || node->access == 0) {
        return MIB_NODE;
    }
    if (node->parent != NULL && is_row(node->parent)) {
        return MIB_COLUMN;
    }
    if (has_row(node)) {
        return MIB_TABLE;
    }
    return syntax_of(node->type) != MIB_NONE ? MIB_SCALAR : MIB_NODE;
}

static int by_value(const void *left, const void *right)
{
    const struct mib_enum *a = left;
    const struct mib_enum *b = right;
    return (a->value > b->value) - (a->value < b->value);
}

static void add_enums(struct walk *walk, const struct tree *node, struct mib_object *object)
{
    for (const struct enum_list *at = node->enums; at != NULL; at = at->next) {
        if (object->enum_count < MIB_ENUMS_MAX && at->label != NULL) {
            walk->enums[object->enum_count++] = (struct mib_enum){ .value = at->value,
                                                                   .name = at->label };
        }
    }
    if (object->enum_count > 0) {
        qsort(walk->enums, object->enum_count, sizeof(walk->enums[0]), by_value);
        object->enums = walk->enums;
    }
}

/* The parser keeps limits as int: those beyond 2147483647 have become negative. */
static void add_ranges(struct walk *walk, const struct tree *node, struct mib_object *object)
{
    bool is_signed = object->syntax == MIB_INTEGER;
    for (const struct range_list *at = node->ranges; at != NULL; at = at->next) {
        if (object->range_count < MIB_RANGES_MAX) {
            int64_t low = is_signed ? at->low : (int64_t)(uint32_t)at->low;
            int64_t high = is_signed ? at->high : (int64_t)(uint32_t)at->high;
            high = high < low ? (int64_t)(uint32_t)at->high : high;
            walk->ranges[object->range_count++] = (struct mib_range){ .low = low, .high = high };
        }
    }
    object->ranges = object->range_count > 0 ? walk->ranges : NULL;
}

/* In one paragraph: white space becomes one space, and what is too long is cut at a word. */
static void add_description(struct walk *walk, const char *text, struct mib_object *object)
{
    size_t size = 0;
    bool space = false;
    for (; *text != '\0' && size + 2 < DESCRIPTION_MAX; text++) {
        if ((unsigned char)*text <= ' ') {
            space = size > 0;
            continue;
        }
        if (space) {
            walk->description[size++] = ' ';
        }
        space = false;
        walk->description[size++] = *text;
    }
    walk->description[size] = '\0';
    if (*text != '\0') {
        char *last = strrchr(walk->description, ' ');
        size = last != NULL ? (size_t)(last - walk->description) : size;
        (void)str_copy(walk->description + size, DESCRIPTION_MAX - size, " ...");
    }
    if (str_is_utf8(walk->description, strlen(walk->description))) {
        object->description = walk->description;
    }
}

/* Conventions of modules older than DISPLAY-HINT. */
static const char *hint_of(const struct tree *node, const char *convention)
{
    if (node->hint != NULL) {
        return node->hint;
    }
    if (node->type == TYPE_OCTETSTR && strcmp(convention, "DisplayString") == 0) {
        return "255a";
    }
    bool address = strcmp(convention, "PhysAddress") == 0 || strcmp(convention, "MacAddress") == 0;
    return node->type == TYPE_OCTETSTR && address ? "1x:" : "";
}

static uint32_t module_of(const struct walk *walk, int number)
{
    return number >= 0 && (size_t)number < walk->modules->count ? walk->modules->numbers[number]
                                                                : UINT32_MAX;
}

static void add_node(struct walk *walk, struct tree *node, size_t depth)
{
    struct snmp_oid_buf oid;
    const char *convention = node->tc_index >= 0 ? get_tc_descriptor(node->tc_index) : NULL;
    uint32_t module = module_of(walk, node->modid);
    struct mib_object object = { .name = node->label,
                                 .units = node->units != NULL ? node->units : "",
                                 .description = "",
                                 .kind = (uint8_t)kind_of(node),
                                 .syntax = (uint8_t)syntax_of(node->type),
                                 .access = (uint8_t)access_of(node->access) };
    if (module == UINT32_MAX || snmp_oid_of(walk->parts, depth, &oid) != 0 ||
        strlen(node->label) >= MIB_NAME_MAX) {
        return;
    }
    if (node->type == TYPE_NETADDR) {
        convention = "NetworkAddress";
    }
    object.oid = oid.oid;
    object.convention = convention != NULL ? convention : "";
    object.hint = hint_of(node, object.convention);
    add_enums(walk, node, &object);
    add_ranges(walk, node, &object);
    if (node->description != NULL && walk->descriptions &&
        strcmp(node->description, node->label) != 0) {
        add_description(walk, node->description, &object);
    }
    for (const struct index_list *at = node->indexes; at != NULL; at = at->next) {
        object.implied = at->next == NULL && at->isimplied != 0;
    }
    uint32_t number = mib_draft_object(walk->draft, module, &object);
    if (number == UINT32_MAX) {
        walk->error = BUSBAR_ELIMIT;
        return;
    }
    node->reported = (int)number + 1;
    for (int i = 0; i < node->number_modules; i++) {
        uint32_t other = module_of(walk, node->module_list[i]);
        if (other != UINT32_MAX) {
            mib_draft_alias(walk->draft, number, other);
        }
    }
}

static void add_all(struct walk *walk, struct tree *first, size_t depth)
{
    for (struct tree *node = first; node != NULL && walk->error == 0; node = node->next_peer) {
        walk->parts[depth] = (uint32_t)node->subid;
        node->reported = 0;
        if (!is_of_parser(node) && node->number_modules > 0) {
            add_node(walk, node, depth + 1);
        }
        /* what hangs below a value is a name for an instance of it (sysUpTimeInstance) */
        if (depth + 1 < DEPTH_MAX && kind_of(node) != MIB_SCALAR) {
            add_all(walk, node->child_list, depth + 1);
        }
    }
}

/* ---- links ---- */

/* The node a module means by a name: its own, else any. */
static const struct tree *node_named(const char *name, int module)
{
    const struct tree *node = find_tree_node(name, module);
    node = node != NULL && node->reported > 0 ? node : find_tree_node(name, -1);
    return node != NULL && node->reported > 0 ? node : NULL;
}

static const struct tree *indexes_of(const struct tree *row)
{
    /* augmenting rows of augmenting rows are not allowed (RFC 2578, 7.8), but a few steps do no harm */
    for (int steps = 0; row != NULL && row->indexes == NULL && steps < 4; steps++) {
        row = row->augments != NULL ? node_named(row->augments, row->modid) : NULL;
    }
    return row;
}

static void link_node(struct walk *walk, const struct tree *node)
{
    uint32_t to[MIB_LINKS_MAX];
    size_t count = 0;
    bool whole = true;
    if (is_row(node)) {
        const struct tree *row = indexes_of(node);
        for (const struct index_list *at = row != NULL ? row->indexes : NULL;
             at != NULL && count < MIB_INDEXES_MAX; at = at->next) {
            const struct tree *index = node_named(at->ilabel, row->modid);
            whole = whole && index != NULL;
            to[count++] = index != NULL ? (uint32_t)index->reported - 1 : 0;
        }
    } else {
        for (const struct varbind_list *at = node->varbinds; at != NULL && count < MIB_LINKS_MAX;
             at = at->next) {
            const struct tree *object = node_named(at->vblabel, node->modid);
            if (object != NULL) {
                to[count++] = (uint32_t)object->reported - 1;
            }
        }
    }
    if (whole && count > 0) {
        mib_draft_links(walk->draft, (uint32_t)node->reported - 1, to, count);
    }
}

static void link_all(struct walk *walk, const struct tree *first, size_t depth)
{
    for (const struct tree *node = first; node != NULL; node = node->next_peer) {
        if (node->reported > 0 && (is_row(node) || is_notification(node))) {
            link_node(walk, node);
        }
        if (depth + 1 < DEPTH_MAX) {
            link_all(walk, node->child_list, depth + 1);
        }
    }
}

int mib_tree_read(const struct mib_tree_modules *modules, bool descriptions,
                  struct mib_draft *draft)
{
    struct walk *walk = busbar_alloc(sizeof(*walk));
    *walk = (struct walk){ .modules = modules, .draft = draft, .descriptions = descriptions };
    add_all(walk, get_tree_head(), 0);
    if (walk->error == 0) {
        link_all(walk, get_tree_head(), 0);
    }
    int error = walk->error;
    busbar_free(walk);
    return error;
}
