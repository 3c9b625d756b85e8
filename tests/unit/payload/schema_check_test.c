/* SPDX-License-Identifier: Apache-2.0 */
/* Paths into Protobuf messages are followed along the type when a configuration is read: what cannot be there is refused with
 * its line and the nearest name; what can be, in whatever way it is written, is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/prepared.h"
#include "unit/payload/protobuf_vectors.h"
#include "unit/payload/rules_rig.h"
#include "unit/payload/tree_print.h"

static struct prepared *read_schemas(const char *hex)
{
    struct prepared *schemas = NULL;
    struct bytes in = from_hex(hex);
    assert_int_equal(payload_schemas_read(in, &schemas, NULL), 0);
    bytes_fini(&in);
    return schemas;
}

/* The device's rows, then a point's; "": fine. */
static const struct row {
    const char *device, *point, *message, *hint;
} rows[] = {
    { "", "protobuf=$.power", "", "" },
    { "", "protobuf=power", "", "" },
    { "", "protobuf=$", "", "" },
    { "", "protobuf=$.phases[0].amps", "", "" },
    { "", "protobuf=$.phases[*].steps[-1]", "", "" },
    { "", "protobuf=$.phases[1:].amps", "", "" },
    { "", "protobuf=$.phases[?@.name=='L2' && @.amps > 1].amps", "", "" },
    { "", "protobuf=$.extra.volts", "", "" },
    { "", "protobuf=$.by_number['3'].amps", "", "" },
    { "", "protobuf=$.inner.inner.phases[0].amps", "", "" },
    { "", "protobuf=$..amps", "", "" },
    { "", "protobuf=$.*.amps", "", "" },
    { "", "protobuf=$['power','delta']", "", "" },
    { "", "protobuf=$.meter\nat=$.at", "", "" },
    { "", "json=$.anything", "", "" },
    { "", "protobuf=$.powr", "protobuf '$.powr': acme.Reading has no field 'powr'",
      "did you mean 'power'?" },
    { "", "protobuf=$.Power", "protobuf '$.Power': acme.Reading has no field 'Power'",
      "did you mean 'power'?" },
    { "", "protobuf=$.temperature",
      "protobuf '$.temperature': acme.Reading has no field 'temperature'",
      "write the names of the .proto file; if the device sends the field, make the descriptors "
      "anew" },
    { "", "protobuf=$.phases.amps",
      "protobuf '$.phases.amps': 'phases' is a list, which has no 'amps'",
      "say which one: phases[0], or phases[*] for all" },
    { "", "protobuf=$.phases[0].amp", "protobuf '$.phases[0].amp': acme.Reading.Phase has no field",
      "did you mean 'amps'?" },
    { "", "protobuf=$.phases[?@.nam=='L2'].amps",
      "protobuf '$.phases[?@.nam=='L2'].amps': acme.Reading.Phase has no field 'nam'",
      "did you mean 'name'?" },
    { "", "protobuf=$.phases[?$.idd=='x'].amps", "protobuf '$.phases[?$.idd=='x'].amps': acme",
      NULL },
    { "", "protobuf=$.phases[?!(@.amps > 1 || @.nam)]", "protobuf '", "did you mean 'name'?" },
    { "", "protobuf=$['power','delt']", "protobuf '$['power','delt']': acme.Reading has no field",
      "did you mean 'delta'?" },
    { "", "protobuf=$.by_number['3'].amp", "protobuf '", "did you mean 'amps'?" },
    { "", "protobuf=$[0]", "protobuf '$[0]': acme.Reading is one message, not a list",
      "name a field of it instead of [0]" },
    { "", "protobuf=$.power.x", "protobuf '$.power.x': 'power' is one value, nothing stands in it",
      "end the path at 'power'" },
    { "", "protobuf=$.at.seconds", "protobuf '$.at.seconds': 'at' is one value", NULL },
    { "", "protobuf=$.counts[0].x", "protobuf '$.counts[0].x': 'counts' is one value", NULL },
    { "", "protobuf=$.power\nat=$.att", "protobuf '$.att': acme.Reading has no field 'att'",
      "did you mean 'at'?" },
    { "each=protobuf $.phases[*]", "protobuf=$.amps", "", "" },
    { "each=protobuf $.phases[*]\nid_from=protobuf $.name", "protobuf=amps", "", "" },
    { "each=protobuf $.counts[*]", "protobuf=$", "", "" },
    { "each=protobuf $..phases", "protobuf=$.whatever", "", "" },
    { "each=protobuf $.phases[*]", "protobuf=$.power", "protobuf '$.power': acme.Reading.Phase has",
      NULL },
    { "each=protobuf $.phasse[*]", "", "each: protobuf '$.phasse[*]': acme.Reading has no field",
      "did you mean 'phases'?" },
    { "time=protobuf $.att", "", "time: protobuf '$.att': acme.Reading has no field 'att'", NULL },
    { "id_from=protobuf $.idd", "", "id_from: protobuf '$.idd': acme.Reading has no field", NULL },
    { "only=protobuf $.state=='ON'", "protobuf=$.power", "", "" },
    { "only=protobuf $.stat=='ON'", "", "only: protobuf '$[?$.stat=='ON']': acme.Reading has no",
      "did you mean 'state'?" },
};

static void assert_told(const struct rig *rig, int error, const struct row *row)
{
    if (row->message[0] == '\0' ? error != 0
                                : error != BUSBAR_ENOENT || strncmp(rig->err.message, row->message,
                                                                    strlen(row->message)) != 0) {
        fail_msg("%s / %s: %d, '%s'", row->device, row->point, error, rig->err.message);
    }
    if (error != 0 && row->hint != NULL) {
        assert_string_equal(rig->err.hint, row->hint);
    }
    assert_true(error == 0 || rig->err.line > 0);
}

static void points_and_devices(void **state)
{
    (void)state;
    struct prepared *schemas = read_schemas(acme_descriptors);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char device[RIG_TEXT_MAX];
        struct rig rig;
        str_format(device, sizeof(device), "message=Reading\n%s", rows[i].device);
        int error = rig_device_of(&rig, device, (const void *)schemas);
        if (error == 0) {
            error = rig_point(&rig, rows[i].point, NULL);
        }
        assert_told(&rig, error, &rows[i]);
        rig_fini(&rig);
    }
    prepared_drop(schemas);
}

static void events(void **state)
{
    (void)state;
    static const struct row events[] = {
        { "", "protobuf=$.inner.ok\narguments=name=$.inner.id, n=$.counts[0]", "", "" },
        { "", "protobuf=$.inner.okk", "protobuf '$.inner.okk': acme.Reading has no field",
          "did you mean 'ok'?" },
        { "", "protobuf=$.ok\narguments=name=$.idd", "protobuf '$.idd': acme.Reading has no field",
          "did you mean 'id'?" },
    };
    struct prepared *schemas = read_schemas(acme_descriptors);
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        struct rig rig;
        assert_int_equal(rig_device_of(&rig, "message=acme.Reading", (const void *)schemas), 0);
        int error = rig_event(&rig, "fault", "", events[i].point);
        assert_told(&rig, error, &events[i]);
        rig_fini(&rig);
    }
    prepared_drop(schemas);
}

/* Fields that cannot be read (groups) refuse nothing. */
static void groups(void **state)
{
    (void)state;
    struct prepared *schemas = read_schemas(old_descriptors);
    struct rig rig;
    assert_int_equal(rig_device_of(&rig, "message=Sample", (const void *)schemas), 0);
    assert_int_equal(rig_point(&rig, "protobuf=$.part[0].n", NULL), 0);
    assert_int_equal(rig_point(&rig, "protobuf=$.list[0]", NULL), 0);
    assert_int_equal(rig_point(&rig, "protobuf=$.valeu", NULL), BUSBAR_ENOENT);
    rig_fini(&rig);
    prepared_drop(schemas);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_and_devices),
        cmocka_unit_test(events),
        cmocka_unit_test(groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
