/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/snmp/snmp_vendor.h"

/* Ascending. Makers of what stands in cabinets, halls and server rooms; the others are shown by their number. */
static const struct {
    uint32_t enterprise;
    const char *name;
} vendors[] = {
    { 2, "IBM" },
    { 9, "Cisco" },
    { 11, "HP" },
    { 36, "DEC" },
    { 42, "Sun Microsystems" },
    { 43, "3Com" },
    { 63, "Apple" },
    { 94, "Nokia" },
    { 119, "NEC" },
    { 171, "D-Link" },
    { 193, "Ericsson" },
    { 207, "Allied Telesis" },
    { 211, "Fujitsu" },
    { 231, "Fujitsu Siemens" },
    { 232, "Compaq (HPE)" },
    { 236, "Samsung" },
    { 244, "Lantronix" },
    { 248, "Hirschmann" },
    { 253, "Xerox" },
    { 311, "Microsoft" },
    { 318, "APC" },
    { 332, "Digi" },
    { 343, "Intel" },
    { 367, "Ricoh" },
    { 368, "Axis" },
    { 388, "Symbol" },
    { 476, "Vertiv (Liebert)" },
    { 534, "Eaton" },
    { 641, "Lexmark" },
    { 674, "Dell" },
    { 705, "Eaton (MGE)" },
    { 789, "NetApp" },
    { 850, "Tripp Lite" },
    { 890, "Zyxel" },
    { 1248, "Epson" },
    { 1347, "Kyocera" },
    { 1588, "Brocade" },
    { 1602, "Canon" },
    { 1718, "Server Technology" },
    { 1916, "Extreme Networks" },
    { 1991, "Foundry" },
    { 2011, "Huawei" },
    { 2021, "UCD-SNMP" },
    { 2435, "Brother" },
    { 2606, "Rittal" },
    { 2620, "Check Point" },
    { 2636, "Juniper" },
    { 3375, "F5" },
    { 3808, "CyberPower" },
    { 3833, "Schneider Electric" },
    { 4196, "Siemens" },
    { 4329, "Siemens" },
    { 4346, "Phoenix Contact" },
    { 4413, "Broadcom" },
    { 4526, "Netgear" },
    { 4881, "Ruijie" },
    { 5624, "Enterasys" },
    { 5951, "Citrix NetScaler" },
    { 6027, "Dell (Force10)" },
    { 6486, "Alcatel-Lucent Enterprise" },
    { 6527, "Nokia" },
    { 6574, "Synology" },
    { 6876, "VMware" },
    { 6889, "Avaya" },
    { 8072, "net-snmp" },
    { 8691, "Moxa" },
    { 8741, "SonicWall" },
    { 10002, "Ubiquiti" },
    { 10297, "Advantech" },
    { 10876, "Supermicro" },
    { 11863, "TP-Link" },
    { 12356, "Fortinet" },
    { 13576, "WAGO" },
    { 13742, "Raritan" },
    { 14179, "Cisco (Airespace)" },
    { 14823, "Aruba" },
    { 14988, "MikroTik" },
    { 16177, "Westermo" },
    { 19046, "Lenovo" },
    { 21317, "ATEN" },
    { 21796, "HW group" },
    { 24681, "QNAP" },
    { 25053, "Ruckus" },
    { 25461, "Palo Alto Networks" },
    { 25506, "H3C" },
    { 28507, "GUDE" },
    { 29671, "Cisco Meraki" },
    { 30065, "Arista" },
    { 34278, "Janitza" },
    { 41112, "Ubiquiti" },
    { 47196, "HPE Aruba" },
};

const char *snmp_vendor_name(uint32_t enterprise)
{
    size_t low = 0;
    size_t high = sizeof(vendors) / sizeof(vendors[0]);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (vendors[middle].enterprise == enterprise) {
            return vendors[middle].name;
        }
        if (vendors[middle].enterprise < enterprise) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

uint32_t snmp_vendor_of_oid(struct snmp_oid oid)
{
    static const uint8_t enterprises[] = { 0x2b, 6, 1, 4, 1 };
    const struct snmp_oid above = { enterprises, sizeof(enterprises) };
    uint32_t number = 0;
    if (snmp_oid_under(oid, above)) {
        struct snmp_oid tail = snmp_oid_tail(oid, above);
        (void)snmp_oid_next(&tail, &number);
    }
    return number;
}

uint32_t snmp_vendor_of_engine(struct bytes engine)
{
    uint32_t number = bytes_get_u32(&engine);
    return bytes_short(&engine) ? 0 : number & 0x7fffffffu;
}
