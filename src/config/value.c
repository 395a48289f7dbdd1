/* One value: text to the option's type. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/draft.h"
#include "config/options.h"

bool name_is_valid(const char *name) {
    const char *letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t length = strlen(name);
    return length > 0 && length < NAME_SIZE && !strchr("-_.", name[0]) && strspn(name, letters) == length;
}

void nearest_try(struct nearest *nearest, const char *known) {
    unsigned distance = text_distance(nearest->word, known);
    if (!nearest->best || distance < nearest->distance) {
        nearest->best = known;
        nearest->distance = distance;
    }
    (void)text_append(nearest->known, sizeof nearest->known, "%s%s", nearest->known[0] ? ", " : "", known);
}

void nearest_hint(const struct nearest *nearest, char ret_hint[static HINT_SIZE]) {
    ret_hint[0] = 0;
    if (!nearest->best)
        return;
    if (nearest->distance <= 1 + strlen(nearest->word) / 3)
        (void)text_append(ret_hint, HINT_SIZE, "; did you mean \"%s\"?", nearest->best);
    else
        (void)text_append(ret_hint, HINT_SIZE, "; known: %s", nearest->known);
}

static enum rc parse_name(const char *text, char *to, size_t size, struct reason *ret_why) {
    if (!name_is_valid(text))
        return FAIL(RC_INVALID, ret_why,
                    "«%.70s» is not a name: at most %d letters, digits, - _ . with a letter or digit first", text,
                    NAME_SIZE - 1);
    return text_copy(to, size, text) ? RC_OK : FAIL(RC_INVALID, ret_why, "the name is too long");
}

static enum rc parse_interface(const char *text, char *to, size_t size, struct reason *ret_why) {
    if (strlen(text) >= size || strpbrk(text, " \t/:") || text_equal(text, ".") || text_equal(text, ".."))
        return FAIL(RC_INVALID, ret_why, "«%.40s» is not a network interface's name; see ip link", text);
    (void)text_copy(to, size, text);
    return RC_OK;
}

/* The command is split at spaces and never sees a shell, so what only a shell understands is a mistake. */
static enum rc check_command(const char *text, struct reason *ret_why) {
    const char *strange = strpbrk(text, "|&;<>$`\"'\\*?(){}~");
    if (strange)
        return FAIL(RC_INVALID, ret_why,
                    "«%c» has no meaning here, since the command is run without a shell; put it into a script and name "
                    "that",
                    *strange);
    return RC_OK;
}

static enum rc parse_text(const struct option *option, const char *text, char *to, struct reason *ret_why) {
    size_t most = option->most ? (size_t)option->most : option->size - 1;
    if (strlen(text) > most)
        return FAIL(RC_INVALID, ret_why, "longer than the %zu bytes there is room for", most);
    /* The text is not repeated: where a password file is named, somebody may have put the password itself. */
    if (option->type == OPTION_PATH && text[0] != '/')
        return FAIL(RC_INVALID, ret_why, "not an absolute path: it must start with /");
    if (option->type == OPTION_WORD && strpbrk(text, " \t"))
        return FAIL(RC_INVALID, ret_why, "«%.60s» has a space in it", text);
    enum rc rc = option->type == OPTION_COMMAND ? check_command(text, ret_why) : RC_OK;
    if (rc)
        return rc;
    (void)text_copy(to, option->size, text);
    return RC_OK;
}

/* An address that a machine can have, for others to connect to. */
static enum rc check_usable(const struct ip *ip, const char *text, struct reason *ret_why) {
    static const uint8_t zero[16], mapped[12] = { [10] = 0xff, [11] = 0xff };
    bool multicast = ip->family == 4 ? ip->bytes[0] >= 224 : ip->bytes[0] == 0xff;
    if (memcmp(ip->bytes, zero, sizeof zero) == 0 || multicast)
        return FAIL(RC_INVALID, ret_why, "«%.60s» is not the address of one machine", text);
    if (ip->family == 6 && memcmp(ip->bytes, mapped, sizeof mapped) == 0)
        return FAIL(RC_INVALID, ret_why, "«%.60s» is an IPv4 address in disguise; write it as IPv4", text);
    return RC_OK;
}

static enum rc parse_address(const char *text, struct ip *to, struct reason *ret_why) {
    struct ip ip;
    enum rc rc = ip_parse(text, &ip, ret_why);
    if (!rc)
        rc = check_usable(&ip, text, ret_why);
    if (!rc)
        *to = ip;
    return rc;
}

static enum rc parse_number(const struct option *option, const char *text, void *to, struct reason *ret_why) {
    size_t digits = strspn(text, "0123456789");
    long long number = digits && digits < 18 && !text[digits] ? strtoll(text, NULL, 10) : -1;
    if (number < option->least || number > option->most)
        return FAIL(RC_INVALID, ret_why, "«%.40s» is not a number from %lld to %lld", text, option->least,
                    option->most);
    if (option->size == sizeof(uint16_t))
        *(uint16_t *)to = (uint16_t)number;
    else
        *(unsigned *)to = (unsigned)number;
    return RC_OK;
}

static enum rc parse_duration(const struct option *option, const char *text, msec *to, struct reason *ret_why) {
    msec length;
    enum rc rc = duration_parse(text, &length, ret_why);
    if (rc)
        return rc;
    if (length < option->least || length > option->most) {
        char least[CLOCK_TEXT_MAX], most[CLOCK_TEXT_MAX];
        duration_format(option->least, least);
        duration_format(option->most, most);
        return FAIL(RC_INVALID, ret_why, "«%.40s» is not from %s to %s", text, least, most);
    }
    *to = length;
    return RC_OK;
}

static enum rc parse_choice(const struct option *option, const char *text, void *to, struct reason *ret_why) {
    struct nearest nearest = { .word = text };
    for (const struct option_choice *choice = option->choices; choice->word; choice++) {
        if (text_equal(choice->word, text)) {
            /* Every enum here is stored as an unsigned int: gcc and clang choose that type when no value is negative.
             */
            memcpy(to, &choice->value, sizeof choice->value);
            return RC_OK;
        }
        nearest_try(&nearest, choice->word);
    }
    char hint[HINT_SIZE];
    nearest_hint(&nearest, hint);
    return FAIL(RC_INVALID, ret_why, "unknown word \"%.40s\"%s", text, hint);
}

/* Copies the next item of a list to «to» and moves the cursor behind its comma.  Empty items are kept: they are an
 * error for whoever reads the item.  False when the list has ended. */
static bool next_item(const char **cursor, char *to, size_t size, bool *ret_fits) {
    const char *start = *cursor;
    if (!start)
        return false;
    start += strspn(start, " \t");
    size_t length = strcspn(start, ",");
    *cursor = start[length] ? start + length + 1 : NULL;
    while (length && strchr(" \t", start[length - 1]))
        length--;
    *ret_fits = length < size;
    size_t copied = *ret_fits ? length : size - 1;
    memcpy(to, start, copied);
    to[copied] = 0;
    return true;
}

static enum rc parse_names(const char *text, struct name_list *to, struct reason *ret_why) {
    struct name_list list = { 0 };
    char item[NAME_SIZE];
    bool fits;
    for (const char *cursor = text; next_item(&cursor, item, sizeof item, &fits);) {
        if (!fits || !name_is_valid(item))
            return FAIL(RC_INVALID, ret_why, "«%.70s» is not a name; a list is separated by commas", item);
        if (list.count == HOSTS_MAX)
            return FAIL(RC_INVALID, ret_why, "more than %d names", HOSTS_MAX);
        for (int i = 0; i < list.count; i++)
            if (text_equal(list.names[i], item))
                return FAIL(RC_INVALID, ret_why, "\"%s\" is named twice", item);
        (void)TEXT_COPY(list.names[list.count++], item);
    }
    *to = list;
    return RC_OK;
}

static enum rc parse_addresses(const char *text, struct address_list *to, struct reason *ret_why) {
    struct address_list list = { 0 };
    char item[IP_TEXT_MAX + sizeof "/128"];
    bool fits;
    for (const char *cursor = text; next_item(&cursor, item, sizeof item, &fits);) {
        if (list.count == ADDRESSES_MAX)
            return FAIL(RC_INVALID, ret_why, "more than %d addresses", ADDRESSES_MAX);
        struct ip ip;
        uint8_t prefix;
        if (!fits)
            return FAIL(RC_INVALID, ret_why, "«%s…» is not an address; a list is separated by commas", item);
        enum rc rc = ip_parse_prefix(item, &ip, &prefix, ret_why);
        if (!rc)
            rc = check_usable(&ip, item, ret_why);
        if (rc)
            return rc;
        list.items[list.count].ip = ip;
        list.items[list.count++].prefix = prefix;
    }
    *to = list;
    return RC_OK;
}

static enum rc parse_networks(const char *text, struct network_list *to, struct reason *ret_why) {
    struct address_list addresses;
    enum rc rc = parse_addresses(text, &addresses, ret_why);
    if (rc)
        return rc;
    if (addresses.count > NETWORKS_MAX)
        return FAIL(RC_INVALID, ret_why, "more than %d addresses", NETWORKS_MAX);
    *to = (struct network_list){ .count = addresses.count };
    for (int i = 0; i < addresses.count; i++)
        to->items[i] = (struct network){ .ip = addresses.items[i].ip, .prefix = addresses.items[i].prefix };
    return RC_OK;
}

static enum rc set_empty(const struct option *option, void *to, struct reason *ret_why) {
    if (!option->fallback || option->fallback[0])
        return FAIL(RC_INVALID, ret_why, "has no value");
    memset(to, 0, option->size);
    return RC_OK;
}

enum rc option_parse(const struct option *option, const char *text, void *to, struct reason *ret_why) {
    if (!text[0])
        return set_empty(option, to, ret_why);
    switch (option->type) {
    case OPTION_NAME:
        return parse_name(text, to, option->size, ret_why);
    case OPTION_INTERFACE:
        return parse_interface(text, to, option->size, ret_why);
    case OPTION_WORD:
    case OPTION_PATH:
    case OPTION_COMMAND:
        return parse_text(option, text, to, ret_why);
    case OPTION_ADDRESS:
        return parse_address(text, to, ret_why);
    case OPTION_NUMBER:
        return parse_number(option, text, to, ret_why);
    case OPTION_DURATION:
        return parse_duration(option, text, to, ret_why);
    case OPTION_CHOICE:
        return parse_choice(option, text, to, ret_why);
    case OPTION_NAMES:
        return parse_names(text, to, ret_why);
    case OPTION_ADDRESSES:
        return parse_addresses(text, to, ret_why);
    case OPTION_NETWORKS:
        return parse_networks(text, to, ret_why);
    }
    assert(!"an option type without a parser");
    return RC_INVALID;
}
