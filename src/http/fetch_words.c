/* SPDX-License-Identifier: Apache-2.0 */
/* One row for each way a fetch can fail. And URLs, which libcurl takes apart. */
#include "http/fetch_words.h"

#include <curl/curl.h>
#include <string.h>

#include "base/str.h"
#include "http/fetch.h"

/* What a server says of a missing certificate may be lost with the connection that it closes. */
#define BROKE_HINT "if it wants a certificate of ours, name it with certificate: and key:"

static const struct {
    CURLcode result;
    int code;
    const char *message, *hint;
} rows[] = {
    { CURLE_COULDNT_RESOLVE_HOST, BUSBAR_EHOST, "the host's name is not found",
      "write its address, or look at the machine's DNS" },
    { CURLE_COULDNT_CONNECT, BUSBAR_ECONNREFUSED, "nothing answers at that address and port",
      "is the device on, and the port right?" },
    { CURLE_OPERATION_TIMEDOUT, BUSBAR_ETIMEOUT, "no answer in time", "" },
    { CURLE_GOT_NOTHING, BUSBAR_ECLOSED, "it closed the connection without an answer",
      "https instead of http, or the other way round?" },
    { CURLE_RECV_ERROR, BUSBAR_ERESET, "the connection broke while the answer came", BROKE_HINT },
    { CURLE_SEND_ERROR, BUSBAR_ERESET, "the connection broke while it was asked", BROKE_HINT },
    { CURLE_ABORTED_BY_CALLBACK, BUSBAR_ECLOSED,
      "the connection broke before an answer came, and it is not sent again", "" },
    { CURLE_PARTIAL_FILE, BUSBAR_ECLOSED, "the connection closed before the answer was whole", "" },
    { CURLE_TOO_MANY_REDIRECTS, BUSBAR_ELIMIT, "it redirects again and again",
      "write the address it ends at" },
    { CURLE_URL_MALFORMAT, BUSBAR_EINVAL, "this is no URL", "http://10.0.0.9/status" },
    { CURLE_UNSUPPORTED_PROTOCOL, BUSBAR_EINVAL, "only http and https can be asked", "" },
    { CURLE_PEER_FAILED_VERIFICATION, BUSBAR_EUNTRUSTED, "its certificate is not trusted",
      "name the authority that made it with ca:" },
    { CURLE_SSL_CONNECT_ERROR, BUSBAR_ETLS, "TLS cannot be set up with it",
      "does it speak https on this port?" },
    { CURLE_SSL_CERTPROBLEM, BUSBAR_ECONFIG, "our own certificate or key cannot be used",
      "look at certificate: and key:" },
    { CURLE_SSL_CACERT_BADFILE, BUSBAR_ECONFIG, "the file of authorities cannot be used",
      "look at ca:" },
    { CURLE_WEIRD_SERVER_REPLY, BUSBAR_EPROTO, "what answers there is no HTTP", "" },
    { CURLE_BAD_CONTENT_ENCODING, BUSBAR_EPROTO, "its answer is packed in a way that is damaged",
      "" },
    { CURLE_OUT_OF_MEMORY, BUSBAR_ENOMEM, "out of memory", "" },
};

int http_fetch_words(int result, const char *words, const char *url, struct err *err)
{
    char host[128];
    if (http_url_check(url, host, sizeof(host), NULL) != 0) {
        str_copy(host, sizeof(host), "the URL");
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if ((int)rows[i].result == result) {
            bool says = words[0] != '\0' && rows[i].code != BUSBAR_ETIMEOUT &&
                        result != CURLE_ABORTED_BY_CALLBACK;
            err_set(err, rows[i].code, says ? "%s: %s (%s)" : "%s: %s", host, rows[i].message,
                    words);
            err_hint(err, "%s", rows[i].hint);
            return rows[i].code;
        }
    }
    return err_set(err, BUSBAR_EIO, "%s: %s", host,
                   words[0] != '\0' ? words : curl_easy_strerror((CURLcode)result));
}

/* ---- URLs ---- */

static int check_parts(CURLU *parts, char *host, size_t host_size, struct err *err)
{
    char *scheme = NULL, *name = NULL, *port = NULL, *user = NULL;
    int error = 0;
    (void)curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0);
    (void)curl_url_get(parts, CURLUPART_HOST, &name, 0);
    (void)curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
    (void)curl_url_get(parts, CURLUPART_USER, &user, 0);
    if (scheme == NULL || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)) {
        err_set(err, BUSBAR_EINVAL, "the URL is neither http nor https");
        error = BUSBAR_EINVAL;
    } else if (user != NULL) {
        err_set(err, BUSBAR_EINVAL, "the URL has a login in it, which would be seen everywhere");
        err_hint(err, "use user: and password: !secret NAME");
        error = BUSBAR_EINVAL;
    } else if (host != NULL) {
        str_format(host, host_size, "%s:%s", name != NULL ? name : "", port != NULL ? port : "");
    }
    curl_free(scheme);
    curl_free(name);
    curl_free(port);
    curl_free(user);
    return error;
}

int http_url_check(const char *url, char *host, size_t host_size, struct err *err)
{
    CURLU *parts = curl_url();
    int error = BUSBAR_EINVAL;
    CURLUcode code = curl_url_set(parts, CURLUPART_URL, url, 0);
    if (code == CURLUE_OK) {
        error = check_parts(parts, host, host_size, err);
    } else {
        err_set(err, BUSBAR_EINVAL, "'%s' is no URL: %s", url, curl_url_strerror(code));
        err_hint(err, "http://10.0.0.9/status");
    }
    curl_url_cleanup(parts);
    return error;
}

bool http_url_join(const char *base, const char *reference, char *to, size_t size)
{
    CURLU *parts = curl_url();
    char *whole = NULL;
    bool fits = curl_url_set(parts, CURLUPART_URL, base, 0) == CURLUE_OK &&
                curl_url_set(parts, CURLUPART_URL, reference, 0) == CURLUE_OK &&
                curl_url_get(parts, CURLUPART_URL, &whole, 0) == CURLUE_OK &&
                str_copy(to, size, whole);
    curl_free(whole);
    curl_url_cleanup(parts);
    return fits;
}
