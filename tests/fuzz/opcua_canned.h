/* SPDX-License-Identifier: Apache-2.0 */
/* The server's side of a connection without security, as bytes: it answers the first requests of a client well, for as
 * many as it is told to, and then leaves the answering to whoever has it. For the fuzzer of the client and
 * for unit tests on a fake stream. */
#ifndef BUSBAR_TESTS_OPCUA_CANNED_H
#define BUSBAR_TESTS_OPCUA_CANNED_H

#include <open62541/types_generated.h>
#include <open62541/types_generated_handling.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    CANNED_FRAME_MAX = 64 * 1024,
    CANNED_HEADER = 24, /* of a message: type, size, channel, token, sequence, request */
    CANNED_CHANNEL = 7,
    CANNED_TOKEN = 1,
    /* Requests by their binary encoding (Part 6, 5.2.2.9; NodeIds.csv). */
    CANNED_GET_ENDPOINTS = 428,
    CANNED_CREATE_SESSION = 461,
    CANNED_ACTIVATE_SESSION = 467,
    CANNED_CLOSE_SESSION = 473,
    CANNED_READ = 631,
};

struct canned {
    void (*send)(void *ctx, const uint8_t *data, size_t size);
    void *ctx;
    unsigned answers; /* requests that it answers well, Hello and OpenSecureChannel among them */
    const char *url;
    uint32_t message_max, chunks_max; /* what it says in its Acknowledge */
    /* Known: */
    uint32_t sequence, request; /* request: the last one's id */
    uint32_t asked;             /* the last one's encoding id */
    unsigned requests;
};

static inline uint32_t canned_get(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline void canned_put(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

/* A chunk of a message with this body; kind: 'F' final, 'C' more comes, 'A' aborted. */
static inline void canned_chunk(struct canned *canned, char kind, uint32_t request,
                                const uint8_t *body, size_t size)
{
    static uint8_t frame[CANNED_FRAME_MAX];
    size = size < CANNED_FRAME_MAX - CANNED_HEADER ? size : CANNED_FRAME_MAX - CANNED_HEADER;
    memcpy(frame, "MSG", 3);
    frame[3] = (uint8_t)kind;
    canned_put(frame + 4, (uint32_t)(CANNED_HEADER + size));
    canned_put(frame + 8, CANNED_CHANNEL);
    canned_put(frame + 12, CANNED_TOKEN);
    canned_put(frame + 16, ++canned->sequence);
    canned_put(frame + 20, request);
    if (size > 0) {
        memcpy(frame + CANNED_HEADER, body, size);
    }
    canned->send(canned->ctx, frame, CANNED_HEADER + size);
}

/* The body of a response: encoding id, then the response. Returns its size; 0: it does not fit. */
static inline size_t canned_encode(const void *response, const UA_DataType *type, uint8_t *to,
                                   size_t max)
{
    UA_ByteString id = { .data = to, .length = max };
    if (UA_encodeBinary(&type->binaryEncodingId, &UA_TYPES[UA_TYPES_NODEID], &id) != 0) {
        return 0;
    }
    UA_ByteString rest = { .data = to + id.length, .length = max - id.length };
    return UA_encodeBinary(response, type, &rest) == 0 ? id.length + rest.length : 0;
}

static inline void canned_answer(struct canned *canned, const void *response,
                                 const UA_DataType *type)
{
    static uint8_t body[CANNED_FRAME_MAX];
    size_t size = canned_encode(response, type, body, sizeof(body) - CANNED_HEADER);
    canned_chunk(canned, 'F', canned->request, body, size);
}

static inline void canned_acknowledge(struct canned *canned)
{
    uint8_t frame[28] = "ACKF";
    canned_put(frame + 4, sizeof(frame));
    canned_put(frame + 12, 65536);
    canned_put(frame + 16, 65536);
    canned_put(frame + 20, canned->message_max);
    canned_put(frame + 24, canned->chunks_max);
    canned->send(canned->ctx, frame, sizeof(frame));
}

/* "ERRF" with a status and a reason. */
static inline void canned_error(struct canned *canned, UA_StatusCode status, const char *reason)
{
    uint8_t frame[256] = "ERRF";
    size_t length = strlen(reason);
    canned_put(frame + 4, (uint32_t)(16 + length));
    canned_put(frame + 8, status);
    canned_put(frame + 12, (uint32_t)length);
    memcpy(frame + 16, reason, length);
    canned->send(canned->ctx, frame, 16 + length);
}

/* "OPNF" size channel, policy URI, no certificate, no thumbprint, sequence, request, response. */
static inline void canned_open(struct canned *canned)
{
    static const char uri[] = "http://opcfoundation.org/UA/SecurityPolicy#None";
    uint8_t frame[512] = "OPNF";
    uint8_t *at = frame + 12;
    canned_put(frame + 8, CANNED_CHANNEL);
    canned_put(at, sizeof(uri) - 1);
    memcpy(at + 4, uri, sizeof(uri) - 1);
    at += 4 + sizeof(uri) - 1;
    canned_put(at, UINT32_MAX);
    canned_put(at + 4, UINT32_MAX);
    canned_put(at + 8, ++canned->sequence);
    canned_put(at + 12, canned->request);
    at += 16;
    UA_OpenSecureChannelResponse response;
    UA_OpenSecureChannelResponse_init(&response);
    response.securityToken.channelId = CANNED_CHANNEL;
    response.securityToken.tokenId = CANNED_TOKEN;
    response.securityToken.createdAt = UA_DateTime_now();
    response.securityToken.revisedLifetime = 3600000;
    at += canned_encode(&response, &UA_TYPES[UA_TYPES_OPENSECURECHANNELRESPONSE], at,
                        (size_t)(frame + sizeof(frame) - at));
    canned_put(frame + 4, (uint32_t)(at - frame));
    canned->send(canned->ctx, frame, (size_t)(at - frame));
}

static inline void canned_endpoints(struct canned *canned)
{
    UA_UserTokenPolicy anonymous;
    UA_UserTokenPolicy_init(&anonymous);
    anonymous.policyId = UA_STRING((char *)(uintptr_t) "anyone");
    UA_EndpointDescription endpoint;
    UA_EndpointDescription_init(&endpoint);
    endpoint.endpointUrl = UA_STRING((char *)(uintptr_t) "opc.tcp://elsewhere:4840");
    endpoint.securityMode = UA_MESSAGESECURITYMODE_NONE;
    endpoint.securityPolicyUri = UA_STRING(
        (char *)(uintptr_t) "http://opcfoundation.org/UA/SecurityPolicy#None");
    endpoint.server.applicationUri = UA_STRING((char *)(uintptr_t) "urn:canned");
    endpoint.userIdentityTokens = &anonymous;
    endpoint.userIdentityTokensSize = 1;
    UA_GetEndpointsResponse response;
    UA_GetEndpointsResponse_init(&response);
    response.endpoints = &endpoint;
    response.endpointsSize = 1;
    canned_answer(canned, &response, &UA_TYPES[UA_TYPES_GETENDPOINTSRESPONSE]);
}

static inline void canned_session(struct canned *canned)
{
    UA_CreateSessionResponse response;
    UA_CreateSessionResponse_init(&response);
    response.authenticationToken = UA_NODEID_NUMERIC(0, 99);
    response.sessionId = UA_NODEID_NUMERIC(1, 98);
    response.revisedSessionTimeout = 60000;
    canned_answer(canned, &response, &UA_TYPES[UA_TYPES_CREATESESSIONRESPONSE]);
}

/* State, start and namespaces; all else is not there. */
static inline void canned_read(struct canned *canned, const UA_ByteString *body)
{
    UA_ReadRequest request;
    if (UA_decodeBinary(body, &request, &UA_TYPES[UA_TYPES_READREQUEST], NULL) != 0) {
        return;
    }
    UA_String uris[2] = { UA_STRING_STATIC("http://opcfoundation.org/UA/"),
                          UA_STRING_STATIC("urn:canned") };
    UA_Int32 state = 0;
    UA_DateTime started = 1;
    UA_ReadResponse response;
    UA_ReadResponse_init(&response);
    response.results = UA_Array_new(request.nodesToReadSize, &UA_TYPES[UA_TYPES_DATAVALUE]);
    response.resultsSize = request.nodesToReadSize;
    for (size_t i = 0; i < response.resultsSize; i++) {
        UA_DataValue *result = &response.results[i];
        result->hasValue = true;
        switch (request.nodesToRead[i].nodeId.identifier.numeric) {
        case 2259:
            UA_Variant_setScalarCopy(&result->value, &state, &UA_TYPES[UA_TYPES_INT32]);
            break;
        case 2257:
            UA_Variant_setScalarCopy(&result->value, &started, &UA_TYPES[UA_TYPES_DATETIME]);
            break;
        case 2255:
            UA_Variant_setArrayCopy(&result->value, uris, 2, &UA_TYPES[UA_TYPES_STRING]);
            break;
        default:
            result->hasValue = false;
            result->hasStatus = true;
            result->status = UA_STATUSCODE_BADNODEIDUNKNOWN;
        }
    }
    canned_answer(canned, &response, &UA_TYPES[UA_TYPES_READRESPONSE]);
    UA_ReadResponse_clear(&response);
    UA_ReadRequest_clear(&request);
}

static inline void canned_request(struct canned *canned, const uint8_t *frame, size_t size)
{
    UA_NodeId id;
    UA_ByteString body = { .data = (UA_Byte *)(uintptr_t)frame + CANNED_HEADER,
                           .length = size - CANNED_HEADER };
    UA_ByteString rest = body;
    if (UA_decodeBinary(&body, &id, &UA_TYPES[UA_TYPES_NODEID], NULL) != 0) {
        return;
    }
    rest.data += UA_calcSizeBinary(&id, &UA_TYPES[UA_TYPES_NODEID]);
    rest.length = body.length - (size_t)(rest.data - body.data);
    canned->asked = id.identifier.numeric;
    if (canned->requests > canned->answers) {
        return;
    }
    switch (canned->asked) {
    case CANNED_GET_ENDPOINTS: canned_endpoints(canned); break;
    case CANNED_CREATE_SESSION: canned_session(canned); break;
    case CANNED_ACTIVATE_SESSION: {
        UA_ActivateSessionResponse response;
        UA_ActivateSessionResponse_init(&response);
        canned_answer(canned, &response, &UA_TYPES[UA_TYPES_ACTIVATESESSIONRESPONSE]);
        break;
    }
    case CANNED_CLOSE_SESSION: {
        UA_CloseSessionResponse response;
        UA_CloseSessionResponse_init(&response);
        canned_answer(canned, &response, &UA_TYPES[UA_TYPES_CLOSESESSIONRESPONSE]);
        break;
    }
    case CANNED_READ: canned_read(canned, &rest); break;
    default: break;
    }
}

/* What the client sent: whole frames. */
static inline void canned_hear(struct canned *canned, const uint8_t *data, size_t size)
{
    while (size >= 8) {
        size_t length = canned_get(data + 4);
        if (length < 8 || length > size) {
            return;
        }
        canned->requests++;
        if (memcmp(data, "HEL", 3) == 0) {
            canned->sequence = 0;
            if (canned->requests <= canned->answers) {
                canned_acknowledge(canned);
            }
        } else if (memcmp(data, "OPN", 3) == 0) {
            /* sequence and request follow the policy: they end 8 before the body, which begins so */
            canned->request = canned->requests;
            for (size_t at = 12; at + 12 < length; at++) {
                if (memcmp(data + at, "\x01\x00\xbe\x01", 4) == 0) {
                    canned->request = canned_get(data + at - 4);
                }
            }
            if (canned->requests <= canned->answers) {
                canned_open(canned);
            }
        } else if (memcmp(data, "MSG", 3) == 0 && length > CANNED_HEADER) {
            canned->request = canned_get(data + 20);
            canned_request(canned, data, length);
        } else {
            canned->requests--; /* goodbye */
        }
        data += length;
        size -= length;
    }
}

#endif
