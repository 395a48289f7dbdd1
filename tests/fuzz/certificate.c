/* The name in a certificate, which is its owner's right: whole, printable as it stands, and never a part of another. */
#include "fuzz.h"

#include "effect/http/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *bytes = fuzz_bytes(data, size);
    const uint8_t *at = bytes;
    X509 *certificate = d2i_X509(NULL, &at, (long)size);
    char name[HTTP_PEER_SIZE];
    if (certificate && tls_certificate_name(certificate, name, NULL) == RC_OK) {
        assert(name[0] && memchr(name, 0, sizeof name));
        for (const char *c = name; *c; c++)
            assert((unsigned char)*c >= ' ' && *c != 127);
    }
    X509_free(certificate);
    free(bytes);
    return 0;
}
