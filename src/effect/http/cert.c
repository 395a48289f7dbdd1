#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "effect/http/cert.h"
#include "effect/http/internal.h"

enum { AUTHORITY_DAYS = 3652, LEAF_DAYS = 1095, SERIAL_BITS = 127 };

/* A certificate and its key, owned together. */
struct identity {
    X509 *certificate;
    EVP_PKEY *key;
};

static void identity_done(struct identity *identity) {
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
}

static enum rc fail_openssl(const char *what, struct reason *ret_why) {
    char text[160];
    tls_error_text(ERR_peek_last_error(), text, sizeof text);
    return FAIL(RC_IO, ret_why, "%s: %s", what, text);
}

/* ---- files ---- */

struct file_path {
    char text[PATH_MAX];
};

static enum rc path_make(const char *dir, const char *name, const char *suffix, struct file_path *ret_path,
                         struct reason *ret_why) {
    struct file_path path;
    int length = snprintf(path.text, sizeof path.text, "%s/%s%s", dir, name, suffix);
    if (length < 0 || (size_t)length >= sizeof path.text - 32) /* room for the name of a new file */
        return FAIL(RC_INVALID, ret_why, "%.100s…: the path is too long", dir);
    *ret_path = path;
    return RC_OK;
}

typedef int (*pem_writer)(FILE *file, const struct identity *identity);

static int write_key(FILE *file, const struct identity *identity) {
    return PEM_write_PKCS8PrivateKey(file, identity->key, NULL, NULL, 0, NULL, NULL);
}

static int write_certificate(FILE *file, const struct identity *identity) {
    return PEM_write_X509(file, identity->certificate);
}

/* Written whole beside its place and moved there: never half a file, and without force never over another one, since
 * link(2) does not replace. */
static enum rc file_write(const struct file_path *path, mode_t mode, bool force, pem_writer writer,
                          const struct identity *identity, struct reason *ret_why) {
    struct file_path fresh;
    snprintf(fresh.text, sizeof fresh.text, "%.*s.%ld.new", (int)sizeof fresh.text - 32, path->text, (long)getpid());
    int fd = open(fresh.text, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return FAIL(RC_IO, ret_why, "cannot write %s: %s", fresh.text, strerror(errno));
    FILE *file = must(fdopen(fd, "w"));
    bool written = fchmod(fd, mode) == 0 && writer(file, identity) == 1 && fflush(file) == 0 && fsync(fd) == 0;
    written = fclose(file) == 0 && written;
    int failed = !written ? EIO : (force ? rename(fresh.text, path->text) : link(fresh.text, path->text)) ? errno : 0;
    unlink(fresh.text);
    if (failed == EEXIST)
        return FAIL(RC_CONFLICT, ret_why, "%s exists and is not overwritten", path->text);
    if (failed)
        return FAIL(RC_IO, ret_why, "cannot write %s: %s", path->text, strerror(failed));
    return RC_OK;
}

static enum rc identity_write(const char *dir, const char *name, const struct identity *identity, bool force,
                              struct reason *ret_why) {
    struct file_path key, certificate;
    enum rc rc = path_make(dir, name, ".key", &key, ret_why);
    if (!rc)
        rc = path_make(dir, name, ".pem", &certificate, ret_why);
    if (!rc && !force && access(certificate.text, F_OK) == 0)
        rc = FAIL(RC_CONFLICT, ret_why, "%s exists and is not overwritten", certificate.text);
    if (rc)
        return rc;
    rc = file_write(&key, 0600, force, write_key, identity, ret_why);
    if (rc)
        return rc;
    rc = file_write(&certificate, 0644, force, write_certificate, identity, ret_why);
    if (rc && !force)
        unlink(key.text); /* ours: without force it did not exist before */
    return rc;
}

static enum rc authority_read(const char *dir, struct identity *ret_authority, struct reason *ret_why) {
    struct file_path key, certificate;
    enum rc rc = path_make(dir, "ca", ".key", &key, ret_why);
    if (!rc)
        rc = path_make(dir, "ca", ".pem", &certificate, ret_why);
    if (rc)
        return rc;
    struct identity authority = { .key = NULL };
    FILE *file = fopen(certificate.text, "re");
    if (!file)
        return FAIL(RC_NOT_FOUND, ret_why, "%s: %s; make the authority first (mmm cert init)", certificate.text,
                    strerror(errno));
    authority.certificate = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    file = fopen(key.text, "re");
    if (file) {
        authority.key = PEM_read_PrivateKey(file, NULL, NULL, (char[]){ "" });
        fclose(file);
    }
    if (authority.certificate && authority.key && X509_check_private_key(authority.certificate, authority.key) == 1) {
        *ret_authority = authority;
        return RC_OK;
    }
    identity_done(&authority);
    ERR_clear_error();
    return FAIL(RC_INVALID, ret_why, "%s and %s are not readable as a certificate and its key", certificate.text,
                key.text);
}

/* ---- certificates ---- */

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool added = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static bool set_serial(X509 *certificate) {
    BIGNUM *number = BN_new();
    bool set = number && BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
               BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    return set;
}

static bool set_name(X509 *certificate, const char *name) {
    return X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                      (const unsigned char *)name, -1, -1, 0) == 1;
}

/* From yesterday on, because clocks differ and a new host's may be set later. */
static bool set_time(X509 *certificate, int days) {
    return X509_time_adj_ex(X509_getm_notBefore(certificate), -1, 0, NULL) &&
           X509_time_adj_ex(X509_getm_notAfter(certificate), days, 0, NULL);
}

/* Everything but issuer, extensions and signature. */
static enum rc identity_draft(const char *name, int days, struct identity *ret_identity, struct reason *ret_why) {
    struct identity identity = { .certificate = X509_new(), .key = EVP_EC_gen("P-256") };
    if (identity.certificate && identity.key && X509_set_version(identity.certificate, X509_VERSION_3) == 1 &&
        set_serial(identity.certificate) && set_name(identity.certificate, name) &&
        set_time(identity.certificate, days) && X509_set_pubkey(identity.certificate, identity.key) == 1) {
        *ret_identity = identity;
        return RC_OK;
    }
    identity_done(&identity);
    return fail_openssl("cannot make a key and a certificate", ret_why);
}

static enum rc authority_sign_itself(struct identity *authority, struct reason *ret_why) {
    X509 *it = authority->certificate;
    if (X509_set_issuer_name(it, X509_get_subject_name(it)) == 1 &&
        add_extension(it, it, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        add_extension(it, it, NID_key_usage, "critical,keyCertSign,cRLSign") &&
        add_extension(it, it, NID_subject_key_identifier, "hash") &&
        add_extension(it, it, NID_authority_key_identifier, "keyid:always") &&
        X509_sign(it, authority->key, EVP_sha256()) > 0)
        return RC_OK;
    return fail_openssl("cannot make the authority's certificate", ret_why);
}

static enum rc leaf_sign(struct identity *leaf, const struct identity *authority, const char *name,
                         struct reason *ret_why) {
    X509 *it = leaf->certificate, *by = authority->certificate;
    char alternative[HTTP_PEER_SIZE + 8];
    snprintf(alternative, sizeof alternative, "DNS:%s", name);
    bool outlives = ASN1_TIME_compare(X509_get0_notAfter(it), X509_get0_notAfter(by)) > 0;
    if ((!outlives || X509_set1_notAfter(it, X509_get0_notAfter(by)) == 1) &&
        X509_set_issuer_name(it, X509_get_subject_name(by)) == 1 &&
        add_extension(it, by, NID_basic_constraints, "critical,CA:FALSE") &&
        add_extension(it, by, NID_key_usage, "critical,digitalSignature") &&
        add_extension(it, by, NID_ext_key_usage, "serverAuth,clientAuth") &&
        add_extension(it, by, NID_subject_alt_name, alternative) &&
        add_extension(it, by, NID_subject_key_identifier, "hash") &&
        add_extension(it, by, NID_authority_key_identifier, "keyid:always") &&
        X509_sign(it, authority->key, EVP_sha256()) > 0)
        return RC_OK;
    return fail_openssl("cannot sign the certificate", ret_why);
}

/* ---- commands ---- */

/* Also a file's name, and text that goes into a certificate: letters, digits, dot, hyphen, underscore. */
static enum rc check_name(const char *name, struct reason *ret_why) {
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strlen(name);
    if (!length || length >= HTTP_PEER_SIZE || name[strspn(name, allowed)] || name[0] == '.' || name[0] == '-')
        return FAIL(RC_INVALID, ret_why,
                    "«%.70s» cannot be a name here: up to %d letters, digits, dots, hyphens and underscores", name,
                    HTTP_PEER_SIZE - 1);
    if (text_equal(name, "ca"))
        return FAIL(RC_INVALID, ret_why, "the name ca is the authority's own");
    return RC_OK;
}

enum rc cert_init(const char *dir, const char *cluster, struct reason *ret_why) {
    char name[HTTP_PEER_SIZE];
    enum rc rc = check_name(cluster, ret_why);
    if (rc)
        return rc;
    /* With a blank in it this can never be the name of a host or an operator. */
    snprintf(name, sizeof name, "%.50s authority", cluster);
    if (mkdir(dir, 0755) && errno != EEXIST)
        return FAIL(RC_IO, ret_why, "cannot make the directory %s: %s", dir, strerror(errno));
    struct identity authority;
    rc = identity_draft(name, AUTHORITY_DAYS, &authority, ret_why);
    if (rc)
        return rc;
    rc = authority_sign_itself(&authority, ret_why);
    if (!rc)
        rc = identity_write(dir, "ca", &authority, false, ret_why);
    identity_done(&authority);
    return rc;
}

static enum rc issue(const char *dir, const char *name, const struct identity *authority, bool force,
                     struct reason *ret_why) {
    struct identity leaf;
    enum rc rc = identity_draft(name, LEAF_DAYS, &leaf, ret_why);
    if (rc)
        return rc;
    rc = leaf_sign(&leaf, authority, name, ret_why);
    if (!rc)
        rc = identity_write(dir, name, &leaf, force, ret_why);
    identity_done(&leaf);
    return rc;
}

enum rc cert_issue(const char *dir, const char *name, int force, struct reason *ret_why) {
    struct identity authority;
    enum rc rc = check_name(name, ret_why);
    if (!rc)
        rc = authority_read(dir, &authority, ret_why);
    if (rc)
        return rc;
    rc = issue(dir, name, &authority, force, ret_why);
    identity_done(&authority);
    return rc;
}

/* ---- how long it lasts ---- */

enum rc cert_days_left(const char *path, long *ret_days, struct reason *ret_why) {
    FILE *file = fopen(path, "re");
    if (!file)
        return FAIL(RC_IO, ret_why, "%s: %s", path, strerror(errno));
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    int days, seconds;
    bool told = certificate && ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)) == 1;
    X509_free(certificate);
    if (!told) {
        ERR_clear_error();
        return FAIL(RC_INVALID, ret_why, "%s: no certificate with an end", path);
    }
    /* OpenSSL cuts towards zero: one that ended an hour ago has not got 0 days left. */
    *ret_days = days - (seconds < 0 && days == 0);
    return RC_OK;
}
