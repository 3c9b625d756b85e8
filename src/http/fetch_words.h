/* SPDX-License-Identifier: Apache-2.0 */
/* What libcurl says, in words for a person. */
#ifndef BUSBAR_HTTP_FETCH_WORDS_H
#define BUSBAR_HTTP_FETCH_WORDS_H

#include "base/err.h"

/* result: a CURLcode that is no success; words: libcurl's own, ""; url: that was asked. Fills err, returns its code. */
int http_fetch_words(int result, const char *words, const char *url, struct err *err);

#endif
