#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "effect/http/internal.h"

struct tls {
    SSL_CTX *context;
};

void tls_error_text(unsigned long error, char *ret_text, size_t size) {
    const char *words = error ? ERR_reason_error_string(error) : NULL;
    if (error && ERR_SYSTEM_ERROR(error))
        words = strerror(ERR_GET_REASON(error));
    text_copy(ret_text, size, words ? words : "no reason given");
    ERR_clear_error();
}

static enum rc fail_openssl(const char *what, const char *path, struct reason *ret_why) {
    char text[160];
    tls_error_text(ERR_peek_error(), text, sizeof text);
    return FAIL(RC_INVALID, ret_why, "%s: %s: %s", path, what, text);
}

/* Asked for when a key is encrypted.  OpenSSL would ask the terminal, and a daemon has none. */
static int no_password(char *buffer, int size, int is_writing, void *context) {
    (void)buffer, (void)size, (void)is_writing, (void)context;
    return -1;
}

/* The owner's group may read it (a daemon under its own group); anybody else may not. */
static FILE *open_key(const char *path, struct reason *ret_why) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat status;
    if (fd < 0 || fstat(fd, &status)) {
        reason_set(ret_why, "%s: cannot read the key: %s", path, strerror(errno));
    } else if (!S_ISREG(status.st_mode)) {
        reason_set(ret_why, "%s: the key is not a regular file", path);
    } else if (status.st_mode & (S_IRWXO | S_IWGRP)) {
        reason_set(ret_why,
                   "%s: others have access to the key (mode %03o); chmod 600 it, and issue a new one if "
                   "somebody may have read it",
                   path, (unsigned)status.st_mode & 0777);
    } else {
        return must(fdopen(fd, "r"));
    }
    if (fd >= 0)
        close(fd);
    return NULL;
}

static enum rc use_key(SSL_CTX *context, const char *path, struct reason *ret_why) {
    FILE *file = open_key(path, ret_why);
    if (!file)
        return RC_INVALID;
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, no_password, NULL);
    fclose(file);
    if (!key)
        return fail_openssl("is not a key in PEM without a password", path, ret_why);
    int used = SSL_CTX_use_PrivateKey(context, key);
    EVP_PKEY_free(key);
    if (used != 1 || SSL_CTX_check_private_key(context) != 1)
        return fail_openssl("the key does not belong to the certificate", path, ret_why);
    return RC_OK;
}

/* A certificate is always asked for; a client may have none (health checks), and a server always shows one. */
static void set_rules(SSL_CTX *context) {
    enum { CHAIN_MAX = 3 };
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_verify_depth(context, CHAIN_MAX);
    /* No tickets: a resumed session is not checked against the authority again, and a handshake costs a millisecond.
     * Connections are kept, so there are few. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    /* A connection that ends without close_notify ends; bodies have a length, so nothing can be cut off unseen. */
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
}

enum rc tls_new(const char *ca, const char *certificate, const char *key, struct tls **ret_tls,
                struct reason *ret_why) {
    struct tls *tls = must(calloc(1, sizeof *tls));
    tls->context = must(SSL_CTX_new(TLS_method()));
    set_rules(tls->context);
    enum rc rc = RC_OK;
    ERR_clear_error();
    if (SSL_CTX_load_verify_file(tls->context, ca) != 1) {
        rc = fail_openssl("cannot read the authority's certificate", ca, ret_why);
    } else if (SSL_CTX_use_certificate_chain_file(tls->context, certificate) != 1) {
        rc = fail_openssl("cannot read the certificate", certificate, ret_why);
    } else {
        SSL_CTX_set_client_CA_list(tls->context, SSL_load_client_CA_file(ca)); /* lets a browser choose */
        rc = use_key(tls->context, key, ret_why);
    }
    if (rc) {
        tls_free(tls);
        return rc;
    }
    *ret_tls = tls;
    return RC_OK;
}

void tls_free(struct tls *tls) {
    if (!tls)
        return;
    SSL_CTX_free(tls->context);
    free(tls);
}

SSL *tls_session(struct tls *tls) {
    return must(SSL_new(tls->context));
}

enum rc tls_peer_name(const SSL *ssl, char ret_name[static HTTP_PEER_SIZE], struct reason *ret_why) {
    const X509 *certificate = SSL_get0_peer_certificate(ssl);
    if (!certificate)
        return FAIL(RC_NOT_FOUND, ret_why, "it showed no certificate");
    if (SSL_get_verify_result(ssl) != X509_V_OK)
        return FAIL(RC_REFUSED, ret_why, "its certificate: %s",
                    X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
    return tls_certificate_name(certificate, ret_name, ret_why);
}

enum rc tls_certificate_name(const X509 *certificate, char ret_name[static HTTP_PEER_SIZE], struct reason *ret_why) {
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (index < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, index) >= 0)
        return FAIL(RC_REFUSED, ret_why, "its certificate must have one common name");
    unsigned char *name = NULL;
    int length = ASN1_STRING_to_UTF8(&name, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
    bool fits = length > 0 && length < HTTP_PEER_SIZE;
    for (int i = 0; fits && i < length; i++)
        fits = name[i] >= ' ' && name[i] != 127; /* it goes into logs, and a zero would end it */
    if (fits)
        memcpy(ret_name, name, (size_t)length + 1);
    OPENSSL_free(name);
    if (!fits)
        return FAIL(RC_REFUSED, ret_why, "the common name of its certificate cannot be used");
    return RC_OK;
}
