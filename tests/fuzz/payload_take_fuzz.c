/* SPDX-License-Identifier: Apache-2.0 */
/* Whole devices: the first byte chooses one, the rest is its message. */
#include "payload_rig.h"

static const struct {
    const char *device;
    const char *points[5];
    const char *event;
} devices[] = {
    { "time=json $.ts",
      { "json=$.a.b", "json=$.l[*].v\nat=$.l[*].t", "json=$..x\ntype=number", NULL },
      "json=$.l[*].v\narguments=a=$.a, b=$.x" },
    { "each=json $.r[*]\nid_from=json $.id\ntime=json $.ts\nonly=json $.v",
      { "json=$.v\nnone=NaN, -1", NULL },
      "json=$.v" },
    { "", { "cbor=$.t", "cbor=$[0]\ntype=text", NULL }, "cbor=$.t" },
    { "each=msgpack $[*]", { "msgpack=$.t\ntype=bool", NULL }, NULL },
    { "each=match <[^>]*>\nid_from=match ^<(\\w+)",
      { "match==(.*)>", "text=all", "bytes=1\nbits=2-5", NULL },
      "match=(?<a>\\w+)=(?<b>[^>]*)" },
    { "time=match ^(\\S+)\ntime_format=iso",
      { "match=T=(\\S+)\ntype=number", "match=ALARM", NULL },
      "match=ALARM|(?<a>x)" },
    { "encoding=latin-1\ndecimal=,", { "text=all\ntype=number", "json=$.a", NULL }, "key=a" },
    { "time=text all\ntime_format=%d.%m.%Y %H:%M:%S\ntime_zone=+01:00",
      { "text=all", NULL },
      NULL },
    { "",
      { "bytes=0\ntype=float32", "bytes=-4\ntype=bcd\nlength=4", "bytes=2\ntype=ascii\nlength=5",
        NULL },
      NULL },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct payload_rig rig;
    size_t way = data[0] % (sizeof(devices) / sizeof(devices[0]));
    bool opened = payload_rig_open(&rig, devices[way].device, devices[way].points,
                                   devices[way].event);
    assert(opened);
    payload_rig_message(&rig, data + 1, size - 1);
    payload_rig_close(&rig);
    return 0;
}
