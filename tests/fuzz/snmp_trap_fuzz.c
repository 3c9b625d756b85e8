/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams into the receiver of traps, one after another, with some devices and users set: whatever comes, nothing is
 * asked or written, each datagram is counted once, and memory stays within its limits.
 *
 *   each   u8 what (below) · u8 sender · u16 size, and as many bytes
 *
 * what: 0..3 the bytes as they are; 4 they are flipped into a good v2c trap; 5 into a good v3 trap or inform, sealed anew so
 * that they are opened; 6 time passes; 7 the disk answers, or is full. */
#include <stdlib.h>

#include "../support/snmp_trap_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS_MAX = 64, SENDERS = 6 };

static const char *const senders[SENDERS] = { "10.0.4.1", "10.0.4.2",    "10.0.4.3",
                                              "10.0.9.1", "2001:db8::1", "172.16.0.1" };

static const struct rig_variable good[] = {
    { .oid = "ifIndex.7", .tag = BER_INTEGER, .number = 7 },
    { .oid = "ifOperStatus.7", .tag = BER_INTEGER, .number = 2 },
    { .oid = "sysDescr.0", .tag = BER_OCTETS, .text = "a switch" },
    { .oid = NULL },
};

static struct usm_user *secure, *plain;

static void make_users(void)
{
    if (secure == NULL) { /* a megabyte is hashed for each: once for all inputs */
        int error = usm_user_make("busbar", USM_SHA, "a good password", USM_AES128,
                                  "another password", &secure, NULL);
        assert(error == 0);
        error = usm_user_make("guest", USM_AUTH_NONE, NULL, USM_PRIV_NONE, NULL, &plain, NULL);
        assert(error == 0);
        (void)error;
    }
}

static void flip(uint8_t *packet, size_t size, struct bytes *in)
{
    while (bytes_left(in) >= 3 && size > 0) {
        size_t at = bytes_get_u16(in) % size;
        packet[at] ^= bytes_get_u8(in);
    }
}

/* The PDU is changed before it is sealed, so that what stands behind the digest is reached. */
static void send_sealed(struct rig_sender *sender, uint8_t how, struct bytes *in)
{
    struct ber_out out;
    sender->version = SNMP_V2C;
    sender->community = "";
    sender->type = (how & 16) != 0 ? SNMP_INFORM : SNMP_TRAP;
    rig_build(sender, "linkDown", good);
    struct snmp_message message;
    int error = snmp_message_decode(sender->at, sender->size, &message);
    assert(error == 0);
    (void)error;
    uint8_t pdu[RIG_PACKET];
    size_t size = bytes_left(&message.pdu);
    memcpy(pdu, message.pdu.at, size);
    flip(pdu, size, in);
    out = ber_out_of(sender->packet, sizeof(sender->packet));
    const uint8_t *mark = ber_mark(&out);
    ber_put_raw(&out, pdu, size);
    sender->version = SNMP_V3;
    sender->asks = (how & 32) != 0;
    sender->plain = (how & 64) != 0;
    rig_seal(sender, &out, mark);
    (void)rig_take(sender->rig, &sender->from, out.at, ber_out_size(&out));
}

static void step(struct trap_rig *rig, uint8_t what, uint8_t from, struct bytes *in)
{
    struct rig_sender sender = rig_sender_v3(rig, senders[from % SENDERS],
                                             (from & 8) != 0 ? plain : secure, from & 3);
    struct bytes all = *in;
    sender.id = what;
    switch (what % 8) {
    case 4:
        sender.version = SNMP_V2C;
        sender.community = "plant";
        sender.type = (what & 16) != 0 ? SNMP_INFORM : SNMP_TRAP;
        rig_build(&sender, "linkDown", good);
        flip(sender.at, sender.size, in);
        (void)rig_take(rig, &sender.from, sender.at, sender.size);
        break;
    case 5:
        if ((what & 16) != 0) {
            sender.engine = rig->traps->engine.usm;
        }
        send_sealed(&sender, what, in);
        break;
    case 6: loop_advance_for_test(rig->driver.state.loop, from * INT64_C(100000)); break;
    case 7:
        rig->disk_full = (from & 1) != 0;
        rig_on_disk(rig, (from & 2) != 0 ? BUSBAR_EIO : 0);
        break;
    default: (void)rig_take(rig, &sender.from, all.at, bytes_left(&all));
    }
}

static void add_devices(struct trap_rig *rig)
{
    const struct snmp_trap_words traps = { .traps = true, .written = true };
    struct rig_device *first = rig_add(rig, "switch-1", "10.0.4.1", "plant", NULL);
    rig_point(rig, first, "ifOperStatus.7", &traps);
    rig_point(rig, first, "ifHCInOctets.7", &traps);
    rig_point(rig, first, "sysDescr.0", &traps);
    rig_point(rig, first, "", &(struct snmp_trap_words){ .trap = "linkUp=1, linkDown=2" });
    rig_point(rig, first, "1.3.6.1.2.1.2.2.1.1",
              &(struct snmp_trap_words){ .argument = "ifIndex" });
    rig_point(rig, first, "sysUpTime.0",
              &(struct snmp_trap_words){ .poll_on = "any", .written = true });
    rig_added(rig, first);
    rig_added(rig, rig_add(rig, "switch-2", "10.0.4.2", NULL, usm_user_hold(secure)));
    rig_added(rig, rig_add(rig, "switch-3", "10.0.4.3", NULL, usm_user_hold(plain)));
    usm_user_drop(secure); /* held by the logins */
    usm_user_drop(plain);
    rig_credential(rig, "public", NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trap_rig *rig = malloc(sizeof(*rig));
    struct bytes in = bytes_of(data, size);
    uint64_t taken = 0;
    assert(rig != NULL);
    make_users();
    rig_open(rig, "10.0.9.0/24, 2001:db8::/32");
    add_devices(rig);
    for (int i = 0; i < STEPS_MAX && bytes_left(&in) >= 4; i++) {
        uint8_t what = bytes_get_u8(&in);
        uint8_t from = bytes_get_u8(&in);
        size_t part = bytes_get_u16(&in);
        part = part < bytes_left(&in) ? part : bytes_left(&in);
        struct bytes one = bytes_get_bytes(&in, part);
        uint64_t received = rig->traps->received;
        step(rig, what, from, &one);
        taken += rig->traps->received - received;
    }
    assert(rig->traps->received == taken);
    assert(rig->traps->kept + rig_refused(rig) <= taken);
    assert(rig->traps->answer_count == rig->pending_count);
    rig_close(rig);
    free(rig);
    return 0;
}
