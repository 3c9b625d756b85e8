/* SPDX-License-Identifier: Apache-2.0 */
/* What is sent to devices: templates (payload/template.h) with escapes; and regular expressions that an answer or the first
 * message of a connection is held against. Loop thread, but for the checks. */
#ifndef BUSBAR_DRIVERS_TCP_TCP_TEXT_H
#define BUSBAR_DRIVERS_TCP_TCP_TEXT_H

#include "base/buf.h"
#include "base/err.h"
#include "payload/program.h"
#include "payload/template.h"

#define TCP_PASSWORD_WORD "{password}"

/* Its escapes and its words; password: it may have that word. BUSBAR_EINVAL with a hint. */
int tcp_text_check(const char *text, bool password, struct err *err);
/* Appends what is to be sent. password NULL: the word stays as it is. */
int tcp_text_print(const char *text, const struct payload_template_facts *facts,
                   const char *password, struct buf *out, struct err *err);

/* A regular expression, made with the module of payloads. */
struct tcp_match {
    struct payload_shape *shape;
    struct payload_program *program;
};
int tcp_match_check(const char *expression, bool id, const char *key, struct position at,
                    struct err *err);
/* id: its group gives a text; else it is only asked whether it matches. */
int tcp_match_init(struct tcp_match *match, struct payload_programs *programs,
                   const char *expression, bool id, struct err *err);
void tcp_match_fini(struct tcp_match *match); /* all zero is fine */
/* Whether it matches; what its group took, in id[size] (NULL: nobody asks). */
bool tcp_match_try(const struct tcp_match *match, struct payload_reader *reader,
                   const struct payload_message *message, char *id, size_t size);

#endif
