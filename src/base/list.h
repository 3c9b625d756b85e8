/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An intrusive doubly linked list. The head is a `struct list` of its own; an element embeds one.
 * Invariants: a list is circular and never holds NULL; an element that is in no list points to itself
 * (after list_init() or list_remove()), so removing twice is harmless.
 */
#ifndef BUSBAR_BASE_LIST_H
#define BUSBAR_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next;
    struct list *prev;
};

/* The struct that embeds `member`, from a pointer to the member. */
#define list_entry(pointer, type, member) \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* Walks a list; the body must not remove `at` (see list_each_safe). */
#define list_each(at, head) for (struct list *at = (head)->next; at != (head); at = at->next)

/* Walks a list; the body may remove `at`, but no other element. */
#define list_each_safe(at, head)                                              \
    for (struct list *at = (head)->next, *at##_next = at->next; at != (head); \
         at = at##_next, at##_next = at->next)

static inline void list_init(struct list *list)
{
    list->next = list;
    list->prev = list;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

static inline void list_insert_before(struct list *at, struct list *element)
{
    element->next = at;
    element->prev = at->prev;
    at->prev->next = element;
    at->prev = element;
}

static inline void list_append(struct list *head, struct list *element)
{
    list_insert_before(head, element);
}

static inline void list_prepend(struct list *head, struct list *element)
{
    list_insert_before(head->next, element);
}

static inline void list_remove(struct list *element)
{
    element->prev->next = element->next;
    element->next->prev = element->prev;
    list_init(element);
}

/* Takes the first element out; NULL when empty. */
static inline struct list *list_shift(struct list *head)
{
    if (list_empty(head)) {
        return NULL;
    }
    struct list *first = head->next;
    list_remove(first);
    return first;
}

/* Moves all elements of `from` to the end of `to`; `from` is empty afterwards. */
static inline void list_move_all(struct list *to, struct list *from)
{
    if (list_empty(from)) {
        return;
    }
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#endif
