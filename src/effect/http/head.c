/* RFC 9112, strictly: what is not understood without doubt is malformed. */
#include <ctype.h>
#include <event2/buffer.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "effect/http/internal.h"

static bool is_token(const char *text) {
    if (!*text)
        return false;
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && !strchr("!#$%&'*+-.^_`|~", *text))
            return false;
    return true;
}

/* Cuts the first line off: *rest moves behind its line end.  NULL at the end of the head, or when a line has no end
 * of its own or holds a control character (a bare CR or LF is one). */
static char *take_line(char **rest) {
    char *line = *rest, *end = strstr(line, "\r\n");
    if (!end)
        return NULL;
    for (char *c = line; c < end; c++)
        if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7f)
            return NULL;
    *end = 0;
    *rest = end + 2;
    return line;
}

static int hex_value(char digit) {
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    int letter = digit | ('a' - 'A');
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* Decodes %XX in place (and + in a query).  Control characters, a zero above all, are refused. */
static bool decode(char *text, bool plus_is_space) {
    char *to = text;
    for (const char *from = text; *from; from++) {
        int value = (unsigned char)*from;
        if (*from == '%') {
            int high = hex_value(from[1]), low = high < 0 ? -1 : hex_value(from[2]);
            if (low < 0)
                return false;
            value = high * 16 + low;
            from += 2;
        } else if (*from == '+' && plus_is_space) {
            value = ' ';
        }
        if (value < ' ' || value == 0x7f)
            return false;
        *to++ = (char)value;
    }
    *to = 0;
    return true;
}

static bool parse_query(char *query, struct http_head *head) {
    for (char *rest = query, *pair; (pair = strsep(&rest, "&"));) {
        if (!*pair)
            continue;
        if (head->parameter_count == HTTP_PARAMETERS_MAX)
            return false;
        char *value = pair, *name = strsep(&value, "=");
        if (!decode(name, true) || (value && !decode(value, true)))
            return false;
        head->parameters[head->parameter_count].name = name;
        head->parameters[head->parameter_count].value = value ? value : "";
        head->parameter_count++;
    }
    return true;
}

static bool parse_target(char *target, struct http_head *head) {
    if (target[0] != '/' || strlen(target) >= HTTP_HEADERS_MAX)
        return false;
    char *query = target, *path = strsep(&query, "?");
    if (strlen(path) >= HTTP_PATH_MAX || !decode(path, false))
        return false;
    head->path = path;
    return !query || parse_query(query, head);
}

static bool parse_version(const char *version, struct http_head *head) {
    head->keep_alive = text_equal(version, "HTTP/1.1");
    return head->keep_alive || text_equal(version, "HTTP/1.0");
}

static bool parse_length(const char *value, struct http_head *head) {
    size_t digits = strspn(value, "0123456789"), length = 0;
    if (!digits || value[digits] || head->has_length)
        return false;
    for (; *value; value++)
        length = length > SIZE_MAX / 16 ? SIZE_MAX : length * 10 + (size_t)(*value - '0');
    head->has_length = true;
    head->length = length;
    return true;
}

static void parse_connection(char *value, struct http_head *head) {
    for (char *rest = value, *word; (word = strsep(&rest, ", \t"));) {
        if (strcasecmp(word, "close") == 0)
            head->keep_alive = false;
        if (strcasecmp(word, "keep-alive") == 0)
            head->keep_alive = true;
    }
}

static bool parse_header(char *line, struct http_head *head) {
    char *value = line, *name = strsep(&value, ":");
    if (!value || !is_token(name))
        return false;
    value += strspn(value, " \t");
    for (size_t length = strlen(value); length && strchr(" \t", value[length - 1]); length--)
        value[length - 1] = 0;
    if (strcasecmp(name, "Content-Length") == 0)
        return parse_length(value, head);
    if (strcasecmp(name, "Transfer-Encoding") == 0)
        head->encoded = true;
    if (strcasecmp(name, "Connection") == 0)
        parse_connection(value, head);
    if (strcasecmp(name, "Expect") == 0)
        head->expects_continue = strcasecmp(value, "100-continue") == 0;
    return true;
}

static bool parse_headers(char *rest, struct http_head *head) {
    while (*rest) {
        char *line = take_line(&rest);
        if (!line || !parse_header(line, head))
            return false;
    }
    return true;
}

bool head_parse_request(char *text, size_t length, struct http_head *ret_head) {
    struct http_head head = { .status = 0 };
    char *rest = text, *line = strlen(text) == length ? take_line(&rest) : NULL;
    if (!line)
        return false;
    char *method = strsep(&line, " "), *target = strsep(&line, " ");
    if (!target || !line || !is_token(method) || strlen(method) > HTTP_METHOD_MAX)
        return false;
    head.method = method;
    if (!parse_target(target, &head) || !parse_version(line, &head) || !parse_headers(rest, &head))
        return false;
    *ret_head = head;
    return true;
}

bool head_parse_answer(char *text, size_t length, struct http_head *ret_head) {
    struct http_head head = { .status = 0 };
    char *rest = text, *line = strlen(text) == length ? take_line(&rest) : NULL;
    if (!line)
        return false;
    char *version = strsep(&line, " "), *status = strsep(&line, " ");
    if (!status || !parse_version(version, &head) || strspn(status, "0123456789") != 3 || status[3])
        return false;
    head.status = (int)strtol(status, NULL, 10);
    if (head.status < 200 || head.status > 599 || !parse_headers(rest, &head))
        return false;
    *ret_head = head;
    return true;
}

char *head_take(struct evbuffer *input, size_t *ret_length) {
    size_t have = evbuffer_get_length(input);
    if (!have)
        return NULL;
    struct evbuffer_ptr limit;
    if (evbuffer_ptr_set(input, &limit, have < HTTP_HEADERS_MAX ? have : HTTP_HEADERS_MAX, EVBUFFER_PTR_SET))
        return NULL;
    struct evbuffer_ptr end = evbuffer_search_range(input, "\r\n\r\n", 4, NULL, &limit);
    if (end.pos < 0)
        return NULL;
    size_t length = (size_t)end.pos + 2;
    char *text = must(malloc(length + 1));
    if (evbuffer_remove(input, text, length) != (int)length || evbuffer_drain(input, 2))
        abort();
    text[length] = 0;
    *ret_length = length;
    return text;
}
