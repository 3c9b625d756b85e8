/* SPDX-License-Identifier: Apache-2.0 */
/* Why does the device not answer? One step after the other, each a finding for people:
 *
 *   settings      secrets and files are there
 *   endpoints     for each URL: name, TCP, what the server offers (GetEndpoints, without a session)
 *   session       security, certificate, user, namespaces
 *   nodes         points that cannot be read, and why
 *
 * Endpoints are asked for, and nodes read, on the OPC UA thread; findings are told at home. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "drivers/opcua/data/access_private.h"
#include "drivers/opcua/data/node_id.h"
#include "drivers/opcua/link/lookup.h"
#include "drivers/opcua/opcua_device.h"
#include "drivers/opcua/text/status.h"
#include "model/quality.h"

enum {
    POINTS_MAX = 1000, /* read by one test */
    FAULTS_MAX = 20,   /* told one by one */
    TEXT_MAX = 480,
};

/* A finding on its way home. */
struct opcua_test;
struct found {
    struct opcua_test *test;
    int code;
    bool last;
    char step[96], seen[TEXT_MAX], hint[256];
};

struct opcua_test {
    struct list link; /* device->tests */
    struct opcua_device *device;
    struct driver_test *asked; /* home */
    struct opcua_thread *thread;
    struct opcua_link_config config;
    struct trust *trust;
    const struct opcua_address *addresses;
    size_t point_count;
    /* there */
    size_t url;
    bool any; /* one of the URLs answered */
    int64_t began_us;
    struct opcua_lookup *lookup;
    struct opcua_seat *seat;
    struct opcua_call *call;
    uint32_t *asked_points;
    size_t read, bad;
};

/* ---- home ---- */

static void free_there(void *ctx)
{
    struct opcua_test *test = ctx;
    busbar_free(test->asked_points);
    busbar_free(test);
}

static void tell(void *ctx)
{
    struct found *found = ctx;
    struct opcua_test *test = found->test;
    if (found->step[0] != '\0') {
        driver_finding(test->asked, found->step, found->code == 0, found->code, found->seen,
                       found->hint);
    }
    if (found->last) {
        struct opcua_device *device = test->device;
        struct driver_test *asked = test->asked;
        list_remove(&test->link);
        opcua_thread_do(test->thread, free_there, test); /* after what was posted to it */
        driver_tested(asked);
        opcua_device_ended(device);
    }
    busbar_free(found);
}

static struct found *new_found(struct opcua_test *test, const char *step, int code)
{
    struct found *found = busbar_alloc(sizeof(*found));
    found->test = test;
    found->code = code;
    str_copy(found->step, sizeof(found->step), step);
    return found;
}

/* Any thread. */
static void send(struct found *found)
{
    opcua_thread_tell(found->test->thread, tell, found);
}

/* ---- the end, there ---- */

static void left(void *ctx)
{
    struct opcua_test *test = ctx;
    struct found *found = new_found(test, "", 0);
    found->last = true;
    send(found);
}

static void end(struct opcua_test *test)
{
    if (test->seat != NULL) {
        struct opcua_seat *seat = test->seat;
        test->seat = NULL;
        opcua_seat_leave(seat);
    } else {
        left(test);
    }
}

/* ---- nodes ---- */

static void read_next(struct opcua_test *test);

static void point_fault(struct opcua_test *test, uint32_t point, uint16_t detail)
{
    if (test->bad++ >= FAULTS_MAX) {
        return;
    }
    char step[96];
    struct buf address;
    const char *words = opcua_status_explain(opcua_status_of_detail(detail));
    str_format(step, sizeof(step), "point %s", test->device->dev->points[point].name);
    struct found *found = new_found(test, step, BUSBAR_EREFUSED);
    buf_init(&address, TEXT_MAX);
    opcua_address_print(&test->addresses[point], &address);
    str_format(found->seen, sizeof(found->seen), "%.200s: %.200s", buf_text(&address),
               words != NULL ? words : "it has no good value");
    buf_fini(&address);
    send(found);
}

static void nodes_told(struct opcua_test *test)
{
    struct found *found = new_found(test, "nodes", test->bad == 0 ? 0 : BUSBAR_EREFUSED);
    str_format(found->seen, sizeof(found->seen), "%zu of %zu points read are good%s",
               test->read - test->bad, test->read,
               test->read < test->point_count ? " (the first 1000 were read)" : "");
    if (test->bad > 0) {
        str_copy(found->hint, sizeof(found->hint),
                 "'busbar device browse' shows what the server has");
    }
    send(found);
    end(test);
}

static void read_told(void *ctx, const void *answer, const struct opcua_trouble *trouble)
{
    struct opcua_test *test = ctx;
    const UA_ReadResponse *response = answer;
    uint32_t point = test->asked_points[test->read];
    test->call = NULL;
    if (response == NULL && trouble->error != BUSBAR_EREFUSED) {
        struct found *found = new_found(test, "nodes", trouble->error);
        str_copy(found->seen, sizeof(found->seen), trouble->detail);
        send(found);
        end(test);
        return;
    }
    test->read++;
    UA_StatusCode status = response == NULL || response->resultsSize != 1
                               ? UA_STATUSCODE_BADUNEXPECTEDERROR
                           : response->results[0].hasStatus ? response->results[0].status
                                                            : UA_STATUSCODE_GOOD;
    if (opcua_status_bad(status)) {
        point_fault(test, point, opcua_status_detail(status));
    }
    read_next(test);
}

static void read_next(struct opcua_test *test)
{
    const struct opcua_server_facts *facts = opcua_seat_facts(test->seat);
    while (test->read < test->point_count && test->read < POINTS_MAX && facts != NULL) {
        uint32_t point = test->asked_points[test->read];
        const struct opcua_address *address = &test->addresses[point];
        UA_ReadRequest request;
        UA_ReadValueId node;
        UA_ReadValueId_init(&node);
        if (opcua_node_id(&address->node, facts, &node.nodeId) != 0) {
            test->read++;
            point_fault(test, point, OPCUA_FOUND_NO_NAMESPACE);
            continue;
        }
        UA_ReadRequest_init(&request);
        node.attributeId = address->attribute;
        node.indexRange = opcua_borrowed(address->range);
        request.nodesToRead = &node;
        request.nodesToReadSize = 1;
        test->call = opcua_call(test->seat, &request, &UA_TYPES[UA_TYPES_READREQUEST],
                                &UA_TYPES[UA_TYPES_READRESPONSE], test->config.timeout_us,
                                read_told, test);
        return;
    }
    nodes_told(test);
}

/* ---- session ---- */

static void up(void *ctx, const struct opcua_server_facts *facts, bool resumed)
{
    struct opcua_test *test = ctx;
    char security[OPCUA_SECURITY_TEXT_MAX];
    struct found *found = new_found(test, "session", 0);
    (void)resumed;
    (void)opcua_security_print(facts->mode, facts->policy, security, sizeof(security));
    str_format(found->seen, sizeof(found->seen), "%.120s, %s, %s, %zu namespaces", facts->url,
               security,
               test->config.user != NULL               ? "the user was accepted"
               : test->config.user_certificate != NULL ? "the user's certificate was accepted"
                                                       : "anonymous",
               facts->namespace_count);
    if (facts->mode == OPCUA_MODE_NONE) {
        str_copy(found->hint, sizeof(found->hint),
                 "nothing is signed or encrypted: use 'security: auto' where the server can");
    }
    send(found);
    read_next(test);
}

static void down(void *ctx, const struct opcua_trouble *why)
{
    struct opcua_test *test = ctx;
    struct found *found = new_found(test, "session",
                                    why->error != 0 ? why->error : BUSBAR_ENOTCONN);
    str_copy(found->seen, sizeof(found->seen), why->detail);
    send(found);
    end(test);
}

static void changed(void *ctx, const struct opcua_server_facts *facts)
{
    (void)ctx;
    (void)facts;
}

static const struct opcua_seat_events seat_events = {
    .up = up, .down = down, .changed = changed, .left = left
};

static void try_session(struct opcua_test *test)
{
    test->seat = opcua_seat_take(test->thread, test->trust, &test->config, &seat_events, test);
    if (opcua_seat_facts(test->seat) != NULL) {
        up(test, opcua_seat_facts(test->seat), false);
    } else {
        opcua_seat_connect(test->seat);
    }
}

/* ---- endpoints ---- */

static void ask_endpoints(struct opcua_test *test);

static void list_offers(const UA_GetEndpointsResponse *response, struct buf *out)
{
    for (size_t i = 0; i < response->endpointsSize && i < OPCUA_ENDPOINTS_MAX; i++) {
        const UA_EndpointDescription *endpoint = &response->endpoints[i];
        enum opcua_policy policy;
        char text[OPCUA_SECURITY_TEXT_MAX];
        if (opcua_policy_of_uri((const char *)endpoint->securityPolicyUri.data,
                                endpoint->securityPolicyUri.length, &policy)) {
            (void)opcua_security_print((enum opcua_mode)endpoint->securityMode, policy, text,
                                       sizeof(text));
            buf_printf(out, "%s%s", out->size > 0 ? ", " : "", text);
        }
    }
}

static void endpoints_told(void *ctx, const void *answer, const struct opcua_trouble *trouble)
{
    struct opcua_test *test = ctx;
    const UA_GetEndpointsResponse *response = answer;
    struct buf offers;
    test->lookup = NULL;
    struct found *found = new_found(test, "endpoints", response == NULL ? trouble->error : 0);
    if (response == NULL) {
        str_format(found->seen, sizeof(found->seen), "%.120s: %.300s", test->config.urls[test->url],
                   trouble->detail);
    } else {
        test->any = true;
        buf_init(&offers, TEXT_MAX);
        list_offers(response, &offers);
        str_format(found->seen, sizeof(found->seen),
                   "%.120s answered in %lld ms and offers: %.280s", test->config.urls[test->url],
                   (long long)((loop_now_us(opcua_thread_loop(test->thread)) - test->began_us) /
                               CLOCK_US_PER_MS),
                   offers.size > 0 ? buf_text(&offers) : "nothing that busbar speaks");
        buf_fini(&offers);
    }
    send(found);
    test->url++;
    ask_endpoints(test);
}

static void ask_endpoints(struct opcua_test *test)
{
    UA_GetEndpointsRequest request;
    if (test->url == test->config.url_count) {
        if (test->any) {
            try_session(test);
        } else {
            end(test);
        }
        return;
    }
    const char *url = test->config.urls[test->url];
    UA_GetEndpointsRequest_init(&request);
    request.endpointUrl = opcua_borrowed(url);
    test->began_us = loop_now_us(opcua_thread_loop(test->thread));
    test->lookup = opcua_lookup_start(test->thread, url, test->config.timeout_us, &request,
                                      &UA_TYPES[UA_TYPES_GETENDPOINTSREQUEST],
                                      &UA_TYPES[UA_TYPES_GETENDPOINTSRESPONSE], endpoints_told,
                                      test);
}

static void begin_there(void *ctx)
{
    ask_endpoints(ctx);
}

static void cancel_there(void *ctx)
{
    struct opcua_test *test = ctx;
    if (test->lookup != NULL) {
        opcua_lookup_cancel(test->lookup);
        test->lookup = NULL;
        end(test);
    } else if (test->seat != NULL) {
        opcua_call_cancel(test->call);
        end(test);
    }
}

/* ---- home ---- */

void opcua_test_begin(struct opcua_device *device, struct driver_test *asked)
{
    const struct device *dev = device->dev;
    struct opcua_test *test = busbar_alloc(sizeof(*test));
    test->device = device;
    test->asked = asked;
    test->thread = device->state->thread;
    test->trust = driver_trust(device->drv);
    test->config = device->link;
    test->addresses = dev->addresses;
    test->asked_points = busbar_alloc_array(dev->point_count, sizeof(*test->asked_points));
    for (size_t i = 0; i < dev->point_count; i++) {
        test->asked_points[test->point_count++] = (uint32_t)i;
    }
    list_append(&device->tests, &test->link);
    struct found *first = new_found(test, "settings", device->broken.code);
    str_copy(first->seen, sizeof(first->seen),
             device->broken.code != 0 ? device->broken.message : "secrets and files are there");
    if (device->broken.code != 0) {
        first->last = true;
    } else {
        opcua_thread_do(test->thread, begin_there, test);
    }
    send(first);
}

void opcua_tests_stop(struct opcua_device *device)
{
    list_each(at, &device->tests) {
        struct opcua_test *test = list_entry(at, struct opcua_test, link);
        device->open_ends++;
        opcua_thread_do(test->thread, cancel_there, test);
    }
}
