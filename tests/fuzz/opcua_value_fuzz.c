/* SPDX-License-Identifier: Apache-2.0 */
/* A DataValue of a server, through the library as it comes and by our own decoder, with and without a member. A
 * sample has a value exactly when its quality is not bad. */
#include <assert.h>

#include "drivers/opcua/data/decode.h"
#include "drivers/opcua/data/units.h"
#include "drivers/opcua/data/value.h"
#include "model/quality.h"

static void by_library(const uint8_t *data, size_t size, const struct opcua_want *want,
                       struct opcua_types *types)
{
    struct arena texts;
    struct sample sample = { 0 };
    UA_DataValue value;
    UA_ByteString bytes = { .length = size, .data = (UA_Byte *)(uintptr_t)data };
    arena_init(&texts, 1 << 20);
    if (UA_decodeBinary(&bytes, &value, &UA_TYPES[UA_TYPES_DATAVALUE], NULL) ==
        UA_STATUSCODE_GOOD) {
        char units[OPCUA_UNITS_MAX];
        double min;
        double max;
        const struct point_enum *enums;
        size_t count;
        opcua_sample(&value, want, types, &texts, &sample);
        assert((sample.type == VALUE_NONE) == (quality_class(sample.quality) == QUALITY_CLASS_BAD));
        (void)opcua_units(&value.value, units);
        (void)opcua_limits(&value.value, &min, &max);
        (void)opcua_enum_names(&value.value, &texts, &enums, &count);
        UA_DataValue_clear(&value);
    }
    arena_fini(&texts);
}

static void by_bytes(const uint8_t *data, size_t size, const char *member,
                     struct opcua_types *types)
{
    struct arena texts;
    struct sample sample = { 0 };
    struct bytes in = bytes_dup(data, size);
    bool raw = false;
    arena_init(&texts, 1 << 20);
    uint16_t finding = opcua_decode(in, member, false, types, &texts, &sample, &raw);
    assert((finding != 0) == (sample.type == VALUE_NONE));
    bytes_fini(&in);
    arena_fini(&texts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct opcua_want wants[] = {
        { .member = NULL },  { .elements = 1 },    { .elements = 4 },
        { .member = "[1]" }, { .member = "High" }, { .member = "[0].DisplayName" },
    };
    struct opcua_types *types = opcua_types_new(NULL, NULL, NULL, NULL);
    for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++) {
        by_library(data, size, &wants[i], types);
        by_bytes(data, size, wants[i].member, types);
    }
    opcua_types_free(types);
    return 0;
}
