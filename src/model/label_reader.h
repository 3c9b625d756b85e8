/* SPDX-License-Identifier: Apache-2.0 */
/* Reads texts of labels and matchers piece by piece, for labels.c and matchers.c. In quotes a backslash starts
 * an escape: \\ \" \' \a \b \f \n \r \t \v, \ooo and \xhh (one byte), \uhhhh and \Uhhhhhhhh (one character). */
#ifndef BUSBAR_MODEL_LABEL_READER_H
#define BUSBAR_MODEL_LABEL_READER_H

#include "model/labels.h"

struct label_reader {
    const char *text;
    size_t size, at;
    struct buf *store; /* room for all of it: an unescaped text is never longer */
    struct err *err;
};

/* Makes the room: texts that are read stay where they are. BUSBAR_ELIMIT, BUSBAR_ENOMEM. */
int label_reader_init(struct label_reader *in, const char *text, size_t size, struct buf *store,
                      struct err *err);
/* BUSBAR_ESYNTAX at this place. */
int label_reader_wrong(const struct label_reader *in, const char *what);
void label_reader_skip_blanks(struct label_reader *in);
/* Blanks, then the character if it is the wanted one. */
bool label_reader_take(struct label_reader *in, char wanted);
bool label_reader_at_quote(const struct label_reader *in);
/* At a quote: the text inside, NUL-terminated in the store. */
int label_reader_quoted(struct label_reader *in, const char **text, uint32_t *size);
/* A name that needs no quotes, with ':' if wanted; empty when none stands here. */
void label_reader_plain(struct label_reader *in, bool colon, const char **text, uint32_t *size);
/* May c stand at this place of a name without quotes? */
bool label_is_plain_at(char c, size_t at, bool colon);

#endif
