/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/wire/bvlc.h"

#include "base/err.h"

enum { LENGTH_AT = 2 };

static const char *const names[] = {
    [BACNET_BVLC_RESULT] = "BVLC result",
    [BACNET_BVLC_WRITE_BDT] = "write broadcast distribution table",
    [BACNET_BVLC_READ_BDT] = "read broadcast distribution table",
    [BACNET_BVLC_READ_BDT_ACK] = "broadcast distribution table",
    [BACNET_BVLC_FORWARDED] = "forwarded NPDU",
    [BACNET_BVLC_REGISTER] = "register foreign device",
    [BACNET_BVLC_READ_FDT] = "read foreign device table",
    [BACNET_BVLC_READ_FDT_ACK] = "foreign device table",
    [BACNET_BVLC_DELETE_FDT] = "delete foreign device table entry",
    [BACNET_BVLC_DISTRIBUTE] = "distribute broadcast to network",
    [BACNET_BVLC_UNICAST] = "original unicast NPDU",
    [BACNET_BVLC_BROADCAST] = "original broadcast NPDU",
    [BACNET_BVLC_SECURE] = "secure BVLL",
};

struct bacnet_ip bacnet_get_ip(struct bytes *in)
{
    struct bacnet_ip address;
    bytes_get_copy(in, address.ip, sizeof(address.ip));
    address.port = bytes_get_u16(in);
    return address;
}

void bacnet_put_ip(struct bytes_out *out, const struct bacnet_ip *address)
{
    bytes_put_block(out, address->ip, sizeof(address->ip));
    bytes_put_u16(out, address->port);
}

/* What is left of the datagram, as the function's data. */
static int get_rest(struct bytes *in, size_t entry, struct bacnet_bvlc *bvlc)
{
    if (bytes_short(in)) {
        return BUSBAR_ESHORT;
    }
    size_t size = bytes_left(in);
    if (size % entry != 0) {
        return BUSBAR_EPROTO;
    }
    bvlc->data = bytes_get_bytes(in, size);
    return 0;
}

static int get_end(const struct bytes *in)
{
    if (bytes_short(in)) {
        return BUSBAR_ESHORT;
    }
    return bytes_left(in) == 0 ? 0 : BUSBAR_EPROTO;
}

static int get_body(struct bytes *in, struct bacnet_bvlc *bvlc)
{
    switch (bvlc->function) {
    case BACNET_BVLC_RESULT: bvlc->result = bytes_get_u16(in); return get_end(in);
    case BACNET_BVLC_REGISTER: bvlc->ttl_s = bytes_get_u16(in); return get_end(in);
    case BACNET_BVLC_DELETE_FDT: bvlc->from = bacnet_get_ip(in); return get_end(in);
    case BACNET_BVLC_READ_BDT:
    case BACNET_BVLC_READ_FDT: return get_end(in);
    case BACNET_BVLC_WRITE_BDT:
    case BACNET_BVLC_READ_BDT_ACK: return get_rest(in, BACNET_BDT_ENTRY_SIZE, bvlc);
    case BACNET_BVLC_READ_FDT_ACK: return get_rest(in, BACNET_FDT_ENTRY_SIZE, bvlc);
    case BACNET_BVLC_FORWARDED: bvlc->from = bacnet_get_ip(in); return get_rest(in, 1, bvlc);
    case BACNET_BVLC_DISTRIBUTE:
    case BACNET_BVLC_UNICAST:
    case BACNET_BVLC_BROADCAST: return get_rest(in, 1, bvlc);
    default: return BUSBAR_EUNSUPPORTED;
    }
}

int bacnet_get_bvlc(struct bytes *in, struct bacnet_bvlc *bvlc)
{
    *bvlc = (struct bacnet_bvlc){ 0 };
    size_t whole = bytes_left(in);
    uint8_t type = bytes_get_u8(in);
    bvlc->function = bytes_get_u8(in);
    uint16_t length = bytes_get_u16(in);
    if (whole > 0 && type != BACNET_BVLC_TYPE) {
        return BUSBAR_EPROTO;
    }
    if (bytes_short(in) || length > whole) {
        return BUSBAR_ESHORT;
    }
    if (length != whole) {
        return BUSBAR_EPROTO;
    }
    return get_body(in, bvlc);
}

void bacnet_put_bvlc(struct bytes_out *out, const struct bacnet_bvlc *bvlc)
{
    size_t start = bytes_out_size(out);
    bytes_put_u8(out, BACNET_BVLC_TYPE);
    bytes_put_u8(out, bvlc->function);
    bytes_put_u16(out, 0);
    switch (bvlc->function) {
    case BACNET_BVLC_RESULT: bytes_put_u16(out, bvlc->result); break;
    case BACNET_BVLC_REGISTER: bytes_put_u16(out, bvlc->ttl_s); break;
    case BACNET_BVLC_DELETE_FDT:
    case BACNET_BVLC_FORWARDED: bacnet_put_ip(out, &bvlc->from); break;
    default: break;
    }
    bytes_put_block(out, bvlc->data.at, bytes_left(&bvlc->data));
    bacnet_end_bvlc(out, start);
}

void bacnet_end_bvlc(struct bytes_out *out, size_t start)
{
    size_t size = bytes_out_size(out) - start;
    assert(size >= BACNET_BVLC_SIZE && size <= UINT16_MAX);
    struct bytes_out length = bytes_out_of(out->start + start + LENGTH_AT, 2);
    bytes_put_u16(&length, (uint16_t)size);
}

bool bacnet_get_bdt_entry(struct bytes *table, struct bacnet_bdt_entry *entry)
{
    if (bytes_left(table) < BACNET_BDT_ENTRY_SIZE) {
        return false;
    }
    entry->address = bacnet_get_ip(table);
    bytes_get_copy(table, entry->mask, sizeof(entry->mask));
    return true;
}

bool bacnet_get_fdt_entry(struct bytes *table, struct bacnet_fdt_entry *entry)
{
    if (bytes_left(table) < BACNET_FDT_ENTRY_SIZE) {
        return false;
    }
    entry->address = bacnet_get_ip(table);
    entry->ttl_s = bytes_get_u16(table);
    entry->left_s = bytes_get_u16(table);
    return true;
}

void bacnet_put_bdt_entry(struct bytes_out *out, const struct bacnet_bdt_entry *entry)
{
    bacnet_put_ip(out, &entry->address);
    bytes_put_block(out, entry->mask, sizeof(entry->mask));
}

void bacnet_put_fdt_entry(struct bytes_out *out, const struct bacnet_fdt_entry *entry)
{
    bacnet_put_ip(out, &entry->address);
    bytes_put_u16(out, entry->ttl_s);
    bytes_put_u16(out, entry->left_s);
}

const char *bacnet_bvlc_name(uint8_t function)
{
    return function < sizeof(names) / sizeof(names[0]) ? names[function] : NULL;
}

const char *bacnet_bvlc_result_text(uint16_t result)
{
    switch (result) {
    case BACNET_RESULT_OK: return "done";
    case BACNET_RESULT_WRITE_BDT: return "writing the broadcast distribution table was refused";
    case BACNET_RESULT_READ_BDT: return "reading the broadcast distribution table was refused";
    case BACNET_RESULT_REGISTER: return "registration as a foreign device was refused";
    case BACNET_RESULT_READ_FDT: return "reading the foreign device table was refused";
    case BACNET_RESULT_DELETE_FDT: return "deleting the foreign device was refused";
    case BACNET_RESULT_DISTRIBUTE: return "distributing a broadcast was refused";
    default: return "refused with a result that the standard does not have";
    }
}

const char *bacnet_bvlc_trouble(const struct bacnet_bvlc *bvlc, int error)
{
    switch (error) {
    case 0: return "fine";
    case BUSBAR_ESHORT: return "datagram ends too early";
    case BUSBAR_EUNSUPPORTED:
        return bvlc->function == BACNET_BVLC_SECURE
                   ? "secure BVLL (withdrawn from the standard) is not supported"
                   : "unknown BVLC function";
    default: return "not BACnet/IP, or a length that does not fit";
    }
}
