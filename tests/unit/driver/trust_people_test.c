/* SPDX-License-Identifier: Apache-2.0 */
/* What people do with certificates, what the folder says of it, and what is remembered of refusals. */
#include "certs.h"

#include <pthread.h>

/* ---- the list as one text: "refused:CN=a:untrusted trusted:CN=b:fine " ---- */

static void add_row(void *ctx, enum trust_list list, const struct trust_seen *seen)
{
    char *text = ctx;
    size_t used = strlen(text);
    str_format(text + used, 1024 - used, "%s:%s:%s ", trust_list_word(list),
               list == TRUST_REVOCATIONS ? seen->issuer : seen->subject,
               trust_fault_word(seen->fault));
}

static const char *listed(struct rig *rig)
{
    static char text[1024];
    text[0] = '\0';
    trust_each(rig->trust, clock_wall_us(), add_row, text);
    return text;
}

static void names_and_words_are_whole(void **state)
{
    (void)state;
    for (int list = TRUST_OWN; list <= TRUST_REFUSED; list++) {
        assert_true(strlen(trust_list_word((enum trust_list)list)) > 2);
    }
    for (int fault = TRUST_FINE; fault <= TRUST_WRONG_URI; fault++) {
        assert_true(strlen(trust_fault_word((enum trust_fault)fault)) > 3);
    }
}

static void trust_comes_and_goes(void **state)
{
    (void)state;
    struct rig rig;
    struct cert press;
    struct trust_counts counts;
    rig_open(&rig);
    cert_make(&press, &(struct cert_how){ 0 }, NULL);
    (void)rig_check(&rig, &press);
    trust_counts(rig.trust, &counts);
    assert_int_equal(counts.waiting, 1);
    assert_string_equal(listed(&rig), "refused:CN=press-1:untrusted ");
    assert_true(rig_has(&rig, "refused", press.fingerprint, ".der"));
    char some[13];
    str_copy(some, sizeof(some), press.fingerprint);
    assert_int_equal(trust_accept(rig.trust, some, &rig.seen, NULL), 0);
    assert_string_equal(rig.seen.peer, "opc.tcp://10.0.3.5:48250");
    assert_string_equal(listed(&rig), "trusted:CN=press-1:fine ");
    assert_false(rig_has(&rig, "refused", press.fingerprint, ".der"));
    assert_false(rig_has(&rig, "refused", press.fingerprint, ".json"));
    assert_true(rig_has(&rig, "trusted", press.fingerprint, ".der"));
    trust_counts(rig.trust, &counts);
    assert_int_equal(counts.waiting, 0);
    assert_int_equal(counts.trusted, 1);
    assert_int_equal(trust_accept(rig.trust, some, NULL, NULL), 0); /* again is fine */
    assert_int_equal(trust_remove(rig.trust, some, &rig.seen, NULL), 0);
    assert_string_equal(listed(&rig), "refused:CN=press-1:untrusted ");
    assert_int_equal(rig_check(&rig, &press), TRUST_UNTRUSTED);
    assert_int_equal(trust_remove(rig.trust, some, NULL, NULL), 0);
    assert_string_equal(listed(&rig), "");
    assert_int_equal(trust_remove(rig.trust, some, NULL, NULL), BUSBAR_ENOENT);
    cert_free(&press);
    rig_close(&rig);
}

static void fingerprints_are_taken_as_people_write_them(void **state)
{
    (void)state;
    struct rig rig;
    struct cert press;
    struct err err = { 0 };
    char colons[200];
    rig_open(&rig);
    cert_make(&press, &(struct cert_how){ 0 }, NULL);
    (void)rig_check(&rig, &press);
    assert_int_equal(trust_accept(rig.trust, "1234567", NULL, &err), BUSBAR_EINVAL);
    assert_string_equal(err.message, "'1234567' is no fingerprint");
    assert_int_equal(trust_accept(rig.trust, "0123456z", NULL, &err), BUSBAR_EINVAL);
    assert_int_equal(trust_accept(rig.trust, "", NULL, &err), BUSBAR_EINVAL);
    assert_int_equal(trust_accept(rig.trust, "../../../../etc", NULL, &err), BUSBAR_EINVAL);
    char other[65];
    str_copy(other, sizeof(other), press.fingerprint);
    other[60] = other[60] == '0' ? '1' : '0';
    assert_int_equal(trust_accept(rig.trust, other, NULL, &err), BUSBAR_ENOENT);
    size_t at = 0;
    for (size_t i = 0; i < 64; i += 2) {
        at += str_format(colons + at, sizeof(colons) - at, "%s%c%c", i > 0 ? ":" : "",
                         press.fingerprint[i] >= 'a' ? press.fingerprint[i] - 32
                                                     : press.fingerprint[i],
                         press.fingerprint[i + 1]);
    }
    assert_int_equal(trust_accept(rig.trust, colons, NULL, &err), 0);
    str_copy(colons + at, sizeof(colons) - at, ":00");
    assert_int_equal(trust_accept(rig.trust, colons, NULL, &err), BUSBAR_EINVAL);
    cert_free(&press);
    rig_close(&rig);
}

static void one_of_several_is_read_by_its_fingerprint(void **state)
{
    (void)state;
    struct rig rig;
    struct cert one, two;
    struct err err = { 0 };
    rig_open(&rig);
    cert_make(&one, &(struct cert_how){ 0 }, NULL);
    cert_make(&two, &(struct cert_how){ .name = "press-2" }, NULL);
    rig_trust(&rig, &one);
    rig_trust(&rig, &two);
    struct buf der;
    buf_init(&der, CERT_BYTES_MAX);
    assert_int_equal(trust_get(rig.trust, one.fingerprint, &der, &err), 0);
    assert_int_equal(der.size, one.size);
    assert_memory_equal(der.data, one.der, one.size);
    buf_fini(&der);
    assert_string_equal(listed(&rig), strcmp(one.fingerprint, two.fingerprint) < 0
                                          ? "trusted:CN=press-1:fine trusted:CN=press-2:fine "
                                          : "trusted:CN=press-2:fine trusted:CN=press-1:fine ");
    cert_free(&one);
    cert_free(&two);
    rig_close(&rig);
}

static void the_folder_is_the_truth(void **state)
{
    (void)state;
    struct rig rig;
    struct cert press;
    rig_open(&rig);
    cert_make(&press, &(struct cert_how){ 0 }, NULL);
    assert_int_equal(rig_check(&rig, &press), TRUST_UNTRUSTED);
    uint64_t generation = trust_generation(rig.trust);
    rig_put(&rig, "trusted/press.der", press.der, press.size);
    trust_refresh(rig.trust);
    assert_true(trust_generation(rig.trust) > generation);
    assert_string_equal(listed(&rig), "trusted:CN=press-1:fine "); /* it waits no more */
    assert_int_equal(rig_check(&rig, &press), TRUST_FINE);
    assert_int_equal(unlink(rig_path(&rig, "trusted/press.der")), 0);
    assert_int_equal(rig_check(&rig, &press), TRUST_UNTRUSTED);
    rig_put(&rig, "trusted/notes.txt", "call Bob", 8);
    assert_string_equal(listed(&rig), "refused:CN=press-1:untrusted trusted:notes.txt:malformed ");
    cert_free(&press);
    rig_close(&rig);
}

/* A file that is written over in place: its folder does not change. */
static void files_changed_in_place_are_seen(void **state)
{
    (void)state;
    struct rig rig;
    struct cert one, two;
    rig_open(&rig);
    cert_make(&one, &(struct cert_how){ 0 }, NULL);
    cert_make(&two, &(struct cert_how){ .name = "press-2" }, NULL);
    rig_put(&rig, "trusted/press.der", one.der, one.size);
    assert_int_equal(rig_check(&rig, &one), TRUST_FINE);
    FILE *file = fopen(rig_path(&rig, "trusted/press.der"), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(two.der, 1, two.size, file), two.size);
    assert_int_equal(fclose(file), 0);
    clock_fake_advance(2 * CLOCK_US_PER_S);
    assert_int_equal(rig_check(&rig, &two), TRUST_FINE);
    assert_int_equal(rig_check(&rig, &one), TRUST_UNTRUSTED);
    cert_free(&one);
    cert_free(&two);
    rig_close(&rig);
}

static size_t append_pem(char *text, size_t used, const struct cert *cert)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *data = NULL;
    assert_int_equal(PEM_write_bio_X509(out, cert->x509), 1);
    long size = BIO_get_mem_data(out, &data);
    memcpy(text + used, data, (size_t)size);
    BIO_free(out);
    return used + (size_t)size;
}

static void files_of_many_are_split(void **state)
{
    (void)state;
    struct rig rig;
    struct cert one, two;
    char text[2 * CERT_BYTES_MAX] = "# our presses\n";
    rig_open(&rig);
    cert_make(&one, &(struct cert_how){ 0 }, NULL);
    cert_make(&two, &(struct cert_how){ .name = "press-2" }, NULL);
    size_t size = append_pem(text, append_pem(text, strlen(text), &one), &two);
    rig_put(&rig, "trusted/presses.pem", text, size);
    assert_int_equal(rig_check(&rig, &two), TRUST_FINE);
    assert_int_equal(trust_remove(rig.trust, one.fingerprint, NULL, NULL), 0);
    assert_int_equal(rig_check(&rig, &one), TRUST_UNTRUSTED);
    assert_int_equal(rig_check(&rig, &two), TRUST_FINE);
    assert_int_equal(trust_import(rig.trust, (const uint8_t *)text, size, false, &rig.seen, NULL),
                     0);
    assert_string_equal(rig.seen.fingerprint, one.fingerprint);
    assert_int_equal(rig_check(&rig, &one), TRUST_FINE);
    struct err err = { 0 };
    assert_int_equal(trust_import(rig.trust, (const uint8_t *)"hello", 5, false, NULL, &err),
                     BUSBAR_EINVAL);
    assert_string_equal(err.message, "there is no certificate in it, nor a list of an authority");
    assert_int_equal(trust_import(rig.trust, (const uint8_t *)"", 0, false, NULL, &err),
                     BUSBAR_EINVAL);
    cert_free(&one);
    cert_free(&two);
    rig_close(&rig);
}

static void issuers_and_lists_are_listed_and_removed(void **state)
{
    (void)state;
    struct rig rig;
    struct cert root;
    uint8_t der[CERT_BYTES_MAX];
    rig_open(&rig);
    cert_make(&root, &(struct cert_how){ .name = "root", .authority = true }, NULL);
    rig_issuer(&rig, &root);
    size_t size = cert_revoke(&root, NULL, der);
    assert_int_equal(trust_import(rig.trust, der, size, false, &rig.seen, NULL), 0);
    assert_string_equal(listed(&rig), "issuer:CN=root:fine revocations:CN=root:fine ");
    struct err err = { 0 };
    assert_int_equal(trust_accept(rig.trust, rig.seen.fingerprint, NULL, &err), BUSBAR_EPERM);
    assert_int_equal(trust_remove(rig.trust, rig.seen.fingerprint, NULL, NULL), 0);
    assert_string_equal(listed(&rig), "issuer:CN=root:fine ");
    assert_int_equal(trust_accept(rig.trust, root.fingerprint, NULL, NULL), 0);
    assert_string_equal(listed(&rig), "trusted:CN=root:fine ");
    assert_int_equal(trust_remove(rig.trust, root.fingerprint, NULL, NULL), 0);
    assert_int_equal(trust_remove(rig.trust, root.fingerprint, NULL, NULL), 0);
    rig_issuer(&rig, &root);
    assert_int_equal(trust_remove(rig.trust, root.fingerprint, NULL, NULL), 0);
    assert_string_equal(listed(&rig), "");
    cert_free(&root);
    rig_close(&rig);
}

static void our_own_is_neither_trusted_nor_removed(void **state)
{
    (void)state;
    struct rig rig;
    struct buf cert, key;
    struct trust_seen seen;
    struct err err = { 0 };
    rig_open(&rig);
    buf_init(&cert, CERT_BYTES_MAX);
    buf_init(&key, CERT_BYTES_MAX);
    assert_int_equal(trust_own(rig.trust,
                               &(struct trust_own){ .protocol = "opcua",
                                                    .common_name = "busbar",
                                                    .uri = "urn:a:busbar" },
                               &cert, &key, &seen, NULL),
                     0);
    assert_string_equal(listed(&rig), "own:CN=busbar, O=busbar:fine ");
    assert_int_equal(trust_accept(rig.trust, seen.fingerprint, NULL, &err), BUSBAR_EPERM);
    assert_non_null(strstr(err.message, "is our own: it needs no trust here"));
    assert_int_equal(trust_remove(rig.trust, seen.fingerprint, NULL, &err), BUSBAR_EPERM);
    assert_non_null(strstr(err.message, "it is renewed, not removed"));
    struct buf der;
    buf_init(&der, CERT_BYTES_MAX);
    assert_int_equal(trust_get(rig.trust, seen.fingerprint, &der, &err), 0);
    assert_memory_equal(der.data, cert.data, cert.size);
    clock_fake_step_wall(6 * 365 * INT64_C(86400000000));
    assert_string_equal(listed(&rig), "own:CN=busbar, O=busbar:expired ");
    buf_fini(&der);
    buf_fini(&cert);
    buf_fini(&key);
    rig_close(&rig);
}

/* ---- refusals ---- */

static void last_row(void *ctx, enum trust_list list, const struct trust_seen *seen)
{
    (void)list;
    *(struct trust_seen *)ctx = *seen;
}

static void refusals_are_counted_and_survive_a_restart(void **state)
{
    (void)state;
    struct rig rig;
    struct cert press;
    struct trust_seen seen;
    rig_open(&rig);
    cert_make(&press, &(struct cert_how){ 0 }, NULL);
    (void)rig_check(&rig, &press);
    clock_fake_advance(60 * CLOCK_US_PER_S);
    (void)rig_check(&rig, &press);
    assert_int_equal(rig.seen.times, 2);
    assert_int_equal(rig.seen.first_us, CERT_NOW_US);
    assert_int_equal(rig.seen.last_us, CERT_NOW_US + 60 * CLOCK_US_PER_S);
    rig_again(&rig);
    trust_each(rig.trust, clock_wall_us(), last_row, &seen);
    assert_int_equal(seen.times, 2);
    assert_int_equal(seen.first_us, CERT_NOW_US);
    assert_int_equal(seen.last_us, CERT_NOW_US + 60 * CLOCK_US_PER_S);
    assert_string_equal(seen.device, "press-1");
    assert_string_equal(seen.peer, "opc.tcp://10.0.3.5:48250");
    assert_string_equal(seen.words, rig.seen.words);
    assert_int_equal(seen.fault, TRUST_UNTRUSTED);
    cert_free(&press);
    rig_close(&rig);
}

/* Trusted, yet refused for its time: both lists say so; once it is fine only one does. */
static void what_is_trusted_may_be_refused(void **state)
{
    (void)state;
    struct rig rig;
    struct cert press;
    struct trust_counts counts;
    rig_open(&rig);
    cert_make(&press, &(struct cert_how){ .from_days = 1, .until_days = 9 }, NULL);
    rig_trust(&rig, &press);
    assert_int_equal(rig_check(&rig, &press), TRUST_NOT_YET);
    assert_string_equal(listed(&rig), "refused:CN=press-1:not-yet trusted:CN=press-1:not-yet ");
    trust_counts(rig.trust, &counts);
    assert_int_equal(counts.refused, 1);
    assert_int_equal(counts.waiting, 0); /* trust does not help */
    assert_int_equal(trust_accept(rig.trust, press.fingerprint, &rig.seen, NULL), 0);
    assert_int_equal(rig.seen.fault, TRUST_NOT_YET); /* what is left wrong */
    clock_fake_step_wall(2 * INT64_C(86400000000));
    assert_int_equal(rig_check(&rig, &press), TRUST_FINE);
    assert_string_equal(listed(&rig), "trusted:CN=press-1:fine ");
    cert_free(&press);
    rig_close(&rig);
}

/* One peer is refused for its address, another with the same certificate is fine. */
static void a_refusal_is_of_its_peer(void **state)
{
    (void)state;
    struct rig rig;
    struct cert press;
    struct trust_peer other = rig_press;
    rig_open(&rig);
    cert_make(&press, &(struct cert_how){ 0 }, NULL);
    rig_trust(&rig, &press);
    other.address = "opc.tcp://10.0.3.9:48250";
    other.host = "10.0.3.9";
    assert_int_equal(rig_check_bytes(&rig, &other, press.der, press.size), TRUST_WRONG_HOST);
    assert_int_equal(rig_check(&rig, &press), TRUST_FINE);
    assert_string_equal(listed(&rig), "refused:CN=press-1:wrong-host trusted:CN=press-1:fine ");
    cert_free(&press);
    rig_close(&rig);
}

static void the_newest_refused_ones_are_kept(void **state)
{
    (void)state;
    struct rig rig;
    struct cert first, second, more;
    struct trust_counts counts;
    rig_open(&rig);
    cert_make(&first, &(struct cert_how){ .name = "first" }, NULL);
    cert_make(&second, &(struct cert_how){ .name = "second" }, NULL);
    (void)rig_check(&rig, &first);
    clock_fake_advance(CLOCK_US_PER_S);
    (void)rig_check(&rig, &second);
    clock_fake_advance(CLOCK_US_PER_S);
    (void)rig_check(&rig, &first); /* heard of again: the second is the oldest now */
    for (int i = 2; i < TRUST_REFUSED_MAX + 1; i++) {
        clock_fake_advance(CLOCK_US_PER_S);
        cert_make(&more, &(struct cert_how){ .name = "more" }, NULL);
        (void)rig_check(&rig, &more);
        cert_free(&more);
    }
    trust_counts(rig.trust, &counts);
    assert_int_equal(counts.refused, TRUST_REFUSED_MAX);
    assert_true(rig_has(&rig, "refused", first.fingerprint, ".der"));
    assert_false(rig_has(&rig, "refused", second.fingerprint, ".der"));
    assert_false(rig_has(&rig, "refused", second.fingerprint, ".json"));
    cert_free(&first);
    cert_free(&second);
    rig_close(&rig);
}

/* What stands in the file beside is read with care. */
static void damaged_records_cost_only_what_they_say(void **state)
{
    (void)state;
    static const char *const texts[] = { "", "{", "[1]", "{\"fault\":\"no-such\",\"times\":-4}",
                                         "{\"peer\":7,\"first\":\"x\"}" };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct rig rig;
        struct cert press;
        struct trust_seen seen;
        char name[128];
        rig_open(&rig);
        cert_make(&press, &(struct cert_how){ 0 }, NULL);
        (void)rig_check(&rig, &press);
        trust_close(rig.trust);
        str_format(name, sizeof(name), "refused/%s.json", press.fingerprint);
        rig_put(&rig, name, texts[i], strlen(texts[i]));
        assert_int_equal(trust_open(rig.folder, &rig.trust, NULL), 0);
        trust_each(rig.trust, clock_wall_us(), last_row, &seen);
        assert_string_equal(seen.fingerprint, press.fingerprint);
        assert_int_equal(seen.fault, TRUST_UNTRUSTED);
        assert_int_equal(seen.times, 0);
        assert_string_equal(seen.peer, "");
        cert_free(&press);
        rig_close(&rig);
    }
}

/* ---- threads ---- */

enum { TURNS = 60 };

struct turn {
    struct rig *rig;
    const struct cert *cert;
};

static void *check_again_and_again(void *ctx)
{
    const struct turn *turn = ctx;
    struct trust_seen seen;
    for (int i = 0; i < TURNS; i++) {
        int result = trust_check(turn->rig->trust, &rig_press, turn->cert->der, turn->cert->size,
                                 CERT_NOW_US, &seen);
        if (result != (seen.fault == TRUST_FINE ? 0 : BUSBAR_EUNTRUSTED)) {
            return ctx;
        }
    }
    return NULL;
}

/* A protocol's thread checks while people trust, look and take back: no race (ThreadSanitizer), no third outcome. */
static void all_may_come_at_once(void **state)
{
    (void)state;
    struct rig rig;
    struct cert press, saw;
    pthread_t threads[2];
    void *wrong = NULL;
    rig_open(&rig);
    cert_make(&press, &(struct cert_how){ 0 }, NULL);
    cert_make(&saw, &(struct cert_how){ .name = "saw-1" }, NULL);
    struct turn turns[] = { { &rig, &press }, { &rig, &saw } };
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, check_again_and_again, &turns[i]), 0);
    }
    for (int i = 0; i < TURNS; i++) {
        struct trust_counts counts;
        rig_trust(&rig, &press);
        (void)trust_remove(rig.trust, press.fingerprint, NULL, NULL);
        (void)listed(&rig);
        trust_counts(rig.trust, &counts);
        assert_true(counts.refused <= 2 && trust_generation(rig.trust) > 0);
    }
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    assert_int_equal(rig_check(&rig, &press), TRUST_UNTRUSTED);
    cert_free(&press);
    cert_free(&saw);
    rig_close(&rig);
}

static void a_folder_that_cannot_be_made_is_said(void **state)
{
    (void)state;
    struct rig rig;
    struct trust *trust = NULL;
    struct err err = { 0 };
    rig_open(&rig);
    rig_put(&rig, "file", "x", 1);
    assert_int_not_equal(trust_open(rig_path(&rig, "file/below"), &trust, &err), 0);
    assert_true(err.message[0] != '\0');
    assert_null(trust);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_words_are_whole),
        cmocka_unit_test(trust_comes_and_goes),
        cmocka_unit_test(fingerprints_are_taken_as_people_write_them),
        cmocka_unit_test(one_of_several_is_read_by_its_fingerprint),
        cmocka_unit_test(the_folder_is_the_truth),
        cmocka_unit_test(files_changed_in_place_are_seen),
        cmocka_unit_test(files_of_many_are_split),
        cmocka_unit_test(issuers_and_lists_are_listed_and_removed),
        cmocka_unit_test(our_own_is_neither_trusted_nor_removed),
        cmocka_unit_test(refusals_are_counted_and_survive_a_restart),
        cmocka_unit_test(what_is_trusted_may_be_refused),
        cmocka_unit_test(a_refusal_is_of_its_peer),
        cmocka_unit_test(the_newest_refused_ones_are_kept),
        cmocka_unit_test(damaged_records_cost_only_what_they_say),
        cmocka_unit_test(all_may_come_at_once),
        cmocka_unit_test(a_folder_that_cannot_be_made_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
