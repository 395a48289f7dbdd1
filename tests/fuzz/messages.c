/* The messages between monitor, agents and command line, those of `mmm init` too: a message that is accepted goes
 * through encoder and decoder and comes back the same. */
#include "fuzz.h"

#include "wire/init.h"
#include "wire/messages.h"

/* What was decoded, encoded, must decode to what encodes alike: texts of positions and addresses may be shortened once,
 * and then stay. */
#define TRY(kind)                                                                                                      \
    static void try_##kind(const struct cluster *cluster, const char *text, size_t length) {                           \
        struct kind message, again;                                                                                    \
        struct reason why = { "" };                                                                                    \
        if (kind##_decode(cluster, text, length, &message, &why) != RC_OK) {                                           \
            assert(why.text[0]);                                                                                       \
            return;                                                                                                    \
        }                                                                                                              \
        char *first = kind##_encode(cluster, &message);                                                                \
        enum rc rc = kind##_decode(cluster, first, strlen(first), &again, &why);                                       \
        assert(rc == RC_OK);                                                                                           \
        char *second = kind##_encode(cluster, &again);                                                                 \
        assert(strcmp(first, second) == 0);                                                                            \
        free(first);                                                                                                   \
        free(second);                                                                                                  \
    }

TRY(report)
TRY(orders)
TRY(ask)
TRY(answer)
TRY(command)
TRY(command_reply)
TRY(init_request)
TRY(init_facts)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct cluster *cluster = fuzz_cluster();
    char *text = (char *)fuzz_bytes(data, size);
    try_report(cluster, text, size);
    try_orders(cluster, text, size);
    try_ask(cluster, text, size);
    try_answer(cluster, text, size);
    try_command(cluster, text, size);
    try_command_reply(cluster, text, size);
    try_init_request(cluster, text, size);
    try_init_facts(cluster, text, size);
    free(text);
    return 0;
}
