/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/text/mdns.h"

#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/str.h"

enum {
    FLAG_RESPONSE = 0x8000,
    OPCODE_MASK = 0x7800,
    CLASS_MASK =
        0x7FFF, /* the bit above: replaces what was cached, or asks for an answer by unicast */
    CLASS_INTERNET = 1,
    POINTER = 0xC0,
    SRV_HEAD = 6, /* bytes before its name */
};

/* ---- names ---- */

struct name_out {
    char *to;
    size_t size; /* of the text so far */
    size_t wire; /* bytes of its labels, with their lengths */
};

static void put_char(struct name_out *out, char c)
{
    out->to[out->size++] = c;
}

static int put_label(struct name_out *out, const uint8_t *label, size_t size)
{
    out->wire += size + 1;
    if (out->wire + 1 > OPCUA_MDNS_WIRE_NAME_MAX) {
        return BUSBAR_EPROTO;
    }
    if (out->size > 0) {
        put_char(out, '.');
    }
    bool utf8 = str_is_utf8((const char *)label, size);
    for (size_t i = 0; i < size; i++) {
        char c = (char)label[i];
        bool shown = label[i] >= ' ' && label[i] != 0x7F && (label[i] < 0x80 || utf8);
        if (c == '.' || c == '\\') {
            put_char(out, '\\');
        }
        put_char(out, shown ? c : '?');
    }
    return 0;
}

/* The labels that begin at `at`, followed over pointers; `in` has moved behind the first of them already. */
int opcua_mdns_get_name(struct bytes *in, char to[OPCUA_MDNS_NAME_SIZE])
{
    struct name_out out = { .to = to };
    struct bytes labels = *in;
    const uint8_t *before = in->at; /* a pointer must lead before it */
    bool jumped = false;
    int error = 0;
    while (error == 0) {
        uint8_t size = bytes_get_u8(&labels);
        if (!bytes_short(&labels) && (size & POINTER) == POINTER) {
            size_t to_offset = (size_t)(size & ~POINTER) << 8 | bytes_get_u8(&labels);
            if (!jumped) {
                *in = labels;
                jumped = true;
            }
            if (!bytes_short(&labels) && labels.start + to_offset >= before) {
                error = BUSBAR_EPROTO;
                break;
            }
            before = bytes_short(&labels) ? before : labels.start + to_offset;
            labels.at = before;
        } else if (!bytes_short(&labels) && (size & POINTER) != 0) {
            error = BUSBAR_EPROTO;
        } else if (size > 0) {
            const uint8_t *label = bytes_get_block(&labels, size);
            error = label != NULL ? put_label(&out, label, size) : BUSBAR_ESHORT;
        }
        if (bytes_short(&labels)) {
            error = BUSBAR_ESHORT;
        } else if (size == 0) {
            break;
        }
    }
    to[out.size] = '\0';
    if (!jumped) {
        *in = labels;
    }
    if (error != 0) {
        bytes_fail(in);
    }
    return error;
}

/* "press._opcua-tcp._tcp.local" -> "press"; false: another service, or no name before it. */
static bool instance_of(const char *name, char to[OPCUA_MDNS_LABEL_MAX + 1])
{
    size_t size = 0;
    const char *at = name;
    for (; *at != '\0' && *at != '.'; at++) {
        if (*at == '\\' && at[1] != '\0') {
            at++;
        }
        to[size++] = *at;
    }
    to[size] = '\0';
    return size > 0 && *at == '.' && strcasecmp(at + 1, OPCUA_MDNS_SERVICE) == 0;
}

/* ---- messages ---- */

int opcua_mdns_get_head(struct bytes *in, struct opcua_mdns_head *out)
{
    (void)bytes_get_u16(in); /* id: 0 in multicast */
    uint16_t flags = bytes_get_u16(in);
    out->questions = bytes_get_u16(in);
    out->records = bytes_get_u16(in);
    out->records += bytes_get_u16(in);
    out->records += bytes_get_u16(in);
    out->response = (flags & FLAG_RESPONSE) != 0;
    if (bytes_short(in)) {
        return BUSBAR_ESHORT;
    }
    return (flags & OPCODE_MASK) == 0 ? 0 : BUSBAR_EPROTO;
}

int opcua_mdns_get_question(struct bytes *in, char name[OPCUA_MDNS_NAME_SIZE], uint16_t *type)
{
    int error = opcua_mdns_get_name(in, name);
    *type = bytes_get_u16(in);
    (void)bytes_get_u16(in);
    return error == 0 && bytes_short(in) ? BUSBAR_ESHORT : error;
}

/* A name inside a record's data: pointers of it lead into the message before, but its labels end with the data. */
static int get_inner_name(const struct opcua_mdns_record *record, size_t skip,
                          char to[OPCUA_MDNS_NAME_SIZE], const struct bytes *message)
{
    struct bytes in = *message;
    in.at = record->data.at + skip;
    in.end = record->data.end;
    return opcua_mdns_get_name(&in, to);
}

static int get_data(const struct bytes *message, struct opcua_mdns_record *out)
{
    size_t size = bytes_left(&out->data);
    struct bytes data = out->data;
    int error = 0;
    switch (out->type) {
    case OPCUA_MDNS_A: return size == 4 ? 0 : BUSBAR_EPROTO;
    case OPCUA_MDNS_AAAA: return size == 16 ? 0 : BUSBAR_EPROTO;
    case OPCUA_MDNS_PTR: error = get_inner_name(out, 0, out->target, message); break;
    case OPCUA_MDNS_SRV:
        if (size <= SRV_HEAD) {
            return BUSBAR_EPROTO;
        }
        bytes_skip(&data, SRV_HEAD - 2);
        out->port = bytes_get_u16(&data);
        error = get_inner_name(out, SRV_HEAD, out->target, message);
        break;
    default: break;
    }
    return error != 0 ? BUSBAR_EPROTO
                      : 0; /* the data is whole: a name that ends too early is wrong */
}

int opcua_mdns_get_record(struct bytes *in, struct opcua_mdns_record *out)
{
    out->target[0] = '\0';
    out->port = 0;
    int error = opcua_mdns_get_name(in, out->name);
    out->type = bytes_get_u16(in);
    uint16_t class = bytes_get_u16(in) & CLASS_MASK;
    out->ttl_s = bytes_get_u32(in);
    out->data = bytes_get_bytes(in, bytes_get_u16(in));
    if (error != 0 || bytes_short(in)) {
        return error != 0 ? error : BUSBAR_ESHORT;
    }
    if (class != CLASS_INTERNET) {
        out->type = 0;
    }
    return get_data(in, out);
}

/* ---- servers ---- */

struct gathered {
    struct opcua_mdns_server *servers;
    size_t count;
};

static struct opcua_mdns_server *server_of(struct gathered *gathered, const char *record_name)
{
    char instance[OPCUA_MDNS_LABEL_MAX + 1];
    if (!instance_of(record_name, instance)) {
        return NULL;
    }
    for (size_t i = 0; i < gathered->count; i++) {
        if (strcasecmp(gathered->servers[i].name, instance) == 0) {
            return &gathered->servers[i];
        }
    }
    if (gathered->count == OPCUA_MDNS_SERVERS_MAX) {
        return NULL;
    }
    struct opcua_mdns_server *server = &gathered->servers[gathered->count++];
    *server = (struct opcua_mdns_server){ .gone = false };
    (void)str_copy(server->name, sizeof(server->name), instance);
    return server;
}

/* "caps=DA,HD" */
static void take_pair(struct opcua_mdns_server *server, const char *pair, size_t size)
{
    static const char path[] = "path=";
    static const char caps[] = "caps=";
    char *to = NULL;
    if (size >= sizeof(path) - 1 && strncasecmp(pair, path, sizeof(path) - 1) == 0) {
        to = server->path;
    } else if (size >= sizeof(caps) - 1 && strncasecmp(pair, caps, sizeof(caps) - 1) == 0) {
        to = server->caps;
    }
    size_t head = sizeof(path) - 1; /* of both */
    if (to == NULL || !str_is_utf8(pair + head, size - head)) {
        return;
    }
    size_t kept = 0;
    for (size_t i = head; i < size && kept + 1 < OPCUA_MDNS_TEXT_SIZE; i++) {
        if ((unsigned char)pair[i] >= ' ') {
            to[kept++] = pair[i];
        }
    }
    to[kept] = '\0';
}

static void take_text(struct opcua_mdns_server *server, struct bytes data)
{
    server->described = true;
    while (bytes_left(&data) > 0) {
        uint8_t size = bytes_get_u8(&data);
        const uint8_t *pair = bytes_get_block(&data, size);
        if (pair == NULL) {
            return;
        }
        take_pair(server, (const char *)pair, size);
    }
}

static void take_service(struct gathered *gathered, const struct opcua_mdns_record *record)
{
    bool pointer = record->type == OPCUA_MDNS_PTR;
    if (!pointer && record->type != OPCUA_MDNS_SRV && record->type != OPCUA_MDNS_TXT) {
        return;
    }
    if (pointer && strcasecmp(record->name, OPCUA_MDNS_SERVICE) != 0) {
        return;
    }
    struct opcua_mdns_server *server = server_of(gathered, pointer ? record->target : record->name);
    if (server == NULL) {
        return;
    }
    if (record->ttl_s == 0) {
        server->gone = server->gone || record->type != OPCUA_MDNS_TXT;
    } else if (record->type == OPCUA_MDNS_SRV) {
        server->placed = true;
        server->port = record->port;
        server->ttl_s = record->ttl_s;
        (void)str_copy(server->host, sizeof(server->host), record->target);
    } else if (record->type == OPCUA_MDNS_TXT) {
        take_text(server, record->data);
    }
}

static void take_address(struct gathered *gathered, const struct opcua_mdns_record *record)
{
    if ((record->type != OPCUA_MDNS_A && record->type != OPCUA_MDNS_AAAA) || record->ttl_s == 0) {
        return;
    }
    for (size_t i = 0; i < gathered->count; i++) {
        struct opcua_mdns_server *server = &gathered->servers[i];
        if (server->placed && server->address_count < OPCUA_MDNS_ADDRESSES_MAX &&
            strcasecmp(server->host, record->name) == 0) {
            size_t size = bytes_left(&record->data);
            server->addresses[server->address_count].size = (uint8_t)size;
            memcpy(server->addresses[server->address_count].ip, record->data.at, size);
            server->address_count++;
        }
    }
}

typedef void (*take_cb)(struct gathered *gathered, const struct opcua_mdns_record *record);

static int each_record(struct bytes in, uint32_t count, struct gathered *gathered, take_cb take)
{
    struct opcua_mdns_record record;
    for (uint32_t i = 0; i < count; i++) {
        int error = opcua_mdns_get_record(&in, &record);
        if (error != 0) {
            return error;
        }
        take(gathered, &record);
    }
    return 0;
}

int opcua_mdns_servers(struct bytes message, struct opcua_mdns_server *out)
{
    struct gathered gathered = { .servers = out };
    struct opcua_mdns_head head;
    char name[OPCUA_MDNS_NAME_SIZE];
    uint16_t type;
    if (bytes_left(&message) > OPCUA_MDNS_MESSAGE_MAX) {
        return BUSBAR_ELIMIT;
    }
    int error = opcua_mdns_get_head(&message, &head);
    if (error != 0 || !head.response) {
        return error;
    }
    for (unsigned i = 0; i < head.questions && error == 0; i++) {
        error = opcua_mdns_get_question(&message, name, &type);
    }
    uint32_t count = head.records < OPCUA_MDNS_RECORDS_MAX ? head.records : OPCUA_MDNS_RECORDS_MAX;
    error = error == 0 ? each_record(message, count, &gathered, take_service) : error;
    error = error == 0 ? each_record(message, count, &gathered, take_address) : error;
    return error != 0 ? error : (int)gathered.count;
}

/* ---- asking ---- */

static void put_u16(struct buf *out, uint16_t value)
{
    (void)buf_append_byte(out, (uint8_t)(value >> 8));
    (void)buf_append_byte(out, (uint8_t)value);
}

void opcua_mdns_put_question(struct buf *out)
{
    static const char *const labels[] = { "_opcua-tcp", "_tcp", "local" };
    static const uint16_t head[] = { 0, 0, 1, 0, 0, 0 };
    for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++) {
        put_u16(out, head[i]);
    }
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        (void)buf_append_byte(out, (uint8_t)strlen(labels[i]));
        (void)buf_append_text(out, labels[i]);
    }
    (void)buf_append_byte(out, 0);
    put_u16(out, OPCUA_MDNS_PTR);
    put_u16(out, CLASS_INTERNET);
}
