/* What needs no monitor: check-config, cert, help, version; and the start of the daemons. */
#include <string.h>

#include "app/cli/client.h"
#include "app/cli/commands.h"
#include "app/cli/table.h"
#include "base/text.h"
#include "effect/http/cert.h"
#include "effect/netlink/addresses.h"
#include "effect/process/program.h"

#define TLS_FOLDER "/etc/mmm/tls"

/* The host whose address this machine carries, or HOST_NONE. */
static int local_host(const struct cluster *cluster) {
    for (int i = 0; i < cluster->host_count; i++)
        if (addresses_is_local(&cluster->hosts[i].address))
            return i;
    return HOST_NONE;
}

static const char *duration_text(msec length, char text[static CLOCK_TEXT_MAX]) {
    duration_format(length, text);
    return text;
}

static const char *ip_text(const struct ip *ip, char text[static IP_TEXT_MAX]) {
    ip_format(ip, text);
    return text;
}

static void tell_hosts(FILE *out, const struct settings *settings) {
    const struct cluster *cluster = &settings->cluster;
    struct table *table = table_new(7, NULL);
    for (int i = 0; i < cluster->host_count; i++) {
        const struct host_spec *host = &cluster->hosts[i];
        char address[IP_TEXT_MAX];
        table_cell(table, PAINT_NONE, "  %-7s", i == 0 ? "hosts" : "");
        table_cell(table, PAINT_NONE, "%s", host->name);
        table_cell(table, PAINT_NONE, "%s", ip_text(&host->address, address));
        table_cell(table, PAINT_NONE, "%s", host->mode == MODE_MASTER ? "master" : "replica");
        table_cell(table, PAINT_NONE, "%s", settings->hosts[i].interface);
        table_cell(table, PAINT_NONE, "server %u", host->server_port);
        table_cell(table, PAINT_NONE, "agent %u", settings->hosts[i].agent_port);
    }
    table_print(table, out, false);
    table_free(table);
}

static void tell_role(FILE *out, const struct cluster *cluster, int number) {
    const struct role_spec *role = &cluster->roles[number];
    fprintf(out, "  %-9s%s, %s%s, on", number == 0 ? "roles" : "", role->name,
            role->mode == ROLE_EXCLUSIVE ? "exclusive" : "balanced",
            role->is_writer ? ", makes its host writable" : "");
    for (int i = 0; i < role->order_count; i++)
        fprintf(out, "%s %s", i ? "," : "", cluster->hosts[role->order[i]].name);
    if (role->prefer != HOST_NONE)
        fprintf(out, ", %s preferred", cluster->hosts[role->prefer].name);
    const char *before = ":";
    for (int i = 0; i < cluster->address_count; i++)
        if (cluster->addresses[i].role == number) {
            char address[IP_TEXT_MAX];
            fprintf(out, "%s %s/%u", before, ip_text(&cluster->addresses[i].ip, address), cluster->addresses[i].prefix);
            before = ",";
        }
    fputc('\n', out);
}

static void tell_lease(FILE *out, const struct lease_spec *lease) {
    char length[CLOCK_TEXT_MAX], report[CLOCK_TEXT_MAX], fence[CLOCK_TEXT_MAX], margin[CLOCK_TEXT_MAX];
    char needed[CLOCK_TEXT_MAX], spare[CLOCK_TEXT_MAX], waits[CLOCK_TEXT_MAX];
    msec sum = 3 * lease->report + lease->fence + lease->margin;
    fprintf(out, "  lease    %s: three reports (3 x %s) + fence %s + margin %s = %s, which leaves %s\n",
            duration_text(lease->length, length), duration_text(lease->report, report),
            duration_text(lease->fence, fence), duration_text(lease->margin, margin), duration_text(sum, needed),
            duration_text(lease->length - sum, spare));
    fprintf(out, "           a writer that nobody can reach is replaced after %s at the earliest\n",
            duration_text(lease->length + lease->margin, waits));
}

static void tell_monitor(FILE *out, const struct settings *settings) {
    char address[IP_TEXT_MAX];
    fprintf(out, "  monitor  %s at %s port %u, socket %s\n", settings->monitor_name,
            ip_text(&settings->monitor_address, address), settings->monitor_port, settings->monitor_socket);
    if (settings->tls.ca[0])
        fprintf(out, "  tls      authority %s, this machine's certificate is that of «%s»\n", settings->tls.ca,
                client_name(settings));
    else
        fputs("  tls      none: the daemons bind to loopback and unix sockets only\n", out);
}

/* Only the monitor's machine has these programs; elsewhere that one is missing means nothing. */
static int check_fences(const struct cli_call *call, const struct settings *settings) {
    const struct cluster *cluster = &settings->cluster;
    bool here = addresses_is_local(&settings->monitor_address);
    int status = EXIT_DONE;
    for (int i = 0; i < cluster->host_count; i++) {
        char limit[CLOCK_TEXT_MAX];
        struct reason why = { "" };
        const char *command = settings->hosts[i].fence;
        if (!command[0])
            continue;
        enum rc rc = program_check(command, &why);
        fprintf(call->out, "  fence    %s: %s, at most %s%s%s\n", cluster->hosts[i].name, command,
                duration_text(cluster->hosts[i].fence_timeout, limit),
                rc && !here ? "; warning, if the monitor is to run here: " : "", rc && !here ? why.text : "");
        if (rc && here)
            status = call_failed(call, "%s: [host %s] fence: %s; put the program there or take the key out", call->file,
                                 cluster->hosts[i].name, why.text);
    }
    return status;
}

int run_check_config(struct cli_call *call) {
    const struct settings *settings = call_settings(call);
    if (!settings)
        return EXIT_FAILED;
    const struct cluster *cluster = &settings->cluster;
    fprintf(call->out, "%s is right: cluster %s, %s, %d hosts, %d roles\n", call->file, cluster->name,
            cluster->durability == DURABILITY_LOSSLESS ? "lossless" : "asynchronous", cluster->host_count,
            cluster->role_count);
    tell_hosts(call->out, settings);
    for (int i = 0; i < cluster->role_count; i++)
        tell_role(call->out, cluster, i);
    tell_lease(call->out, &cluster->lease);
    tell_monitor(call->out, settings);
    int self = local_host(cluster);
    if (self == HOST_NONE)
        fputs("  here     this machine carries no host's address: an agent here needs --host H\n", call->out);
    else
        fprintf(call->out, "  here     this machine is %s\n", cluster->hosts[self].name);
    return check_fences(call, settings);
}

/* A name becomes a file's name and a certificate's: letters, digits, «-», «_» and «.», not first. */
static bool is_certificate_name(const char *name) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    return name[0] && name[0] != '-' && name[0] != '.' && strlen(name) < NAME_SIZE && !name[strspn(name, letters)];
}

static const char *tls_folder(const struct settings *settings, char ret_folder[static PATH_SIZE]) {
    const char *slash = settings->tls.ca[0] == '/' ? strrchr(settings->tls.ca, '/') : NULL;
    if (!slash || slash == settings->tls.ca)
        return TLS_FOLDER;
    snprintf(ret_folder, PATH_SIZE, "%.*s", (int)(slash - settings->tls.ca), settings->tls.ca);
    return ret_folder;
}

static int init_authority(const struct cli_call *call, const char *dir, const char *cluster) {
    struct reason why;
    if (cert_init(dir, cluster, &why) != RC_OK)
        return call_failed(call, "%s", why.text);
    fprintf(call->out,
            "made %s/ca.pem and %s/ca.key: keep ca.key on this machine only\n"
            "next, for the monitor, each host and each operator: mmm cert issue NAME\n",
            dir, dir);
    return EXIT_DONE;
}

static int issue_certificate(const struct cli_call *call, const char *dir, const char *name) {
    struct reason why;
    if (!is_certificate_name(name))
        return call_misused(call, "«%s» is no name for a certificate: letters, digits, «-», «_», «.», at most %d", name,
                            NAME_SIZE - 1);
    if (cert_issue(dir, name, call_has(call, OPTION_FORCE), &why) != RC_OK)
        return call_failed(call, "%s", why.text);
    fprintf(call->out, "made %s/%s.pem and %s/%s.key: copy both and ca.pem to %s\n", dir, name, dir, name, name);
    return EXIT_DONE;
}

int run_cert(struct cli_call *call) {
    bool init = text_equal(call->arguments[0], "init");
    if (!init && !text_equal(call->arguments[0], "issue"))
        return call_misused(call, "cert does not know «%s»", call->arguments[0]);
    if (call->count != (init ? 1 : 2))
        return call_misused(call,
                            init ? "cert init takes no name" : "cert issue needs the name of a host or an operator");
    if (init && call_has(call, OPTION_FORCE))
        return call_misused(call, "cert init replaces no authority: every certificate would have to be issued anew");
    /* The configuration is read only for what was not said. */
    char folder[PATH_SIZE];
    const char *dir = call->dir, *cluster = call->cluster;
    if (!dir || (init && !cluster)) {
        const struct settings *settings;
        struct reason why;
        if (call_read_settings(call, &settings, &why) != RC_OK)
            return call_failed(call, "%s; without one say %s", why.text, init ? "--dir D --cluster C" : "--dir D");
        cluster = settings->cluster.name;
        dir = dir ? dir : tls_folder(settings, folder);
    }
    return init ? init_authority(call, dir, cluster) : issue_certificate(call, dir, call->arguments[1]);
}

int run_monitor(struct cli_call *call) {
    const struct settings *settings = call_settings(call);
    return settings ? call->daemons->monitor(settings) : EXIT_FAILED;
}

static int unknown_host(const struct cli_call *call, const struct cluster *cluster) {
    const char *names[HOSTS_MAX];
    for (int i = 0; i < cluster->host_count; i++)
        names[i] = cluster->hosts[i].name;
    const char *nearest = nearest_name(call->host, names, (size_t)cluster->host_count);
    if (nearest)
        return call_failed(call, "%s has no host «%s»; did you mean %s?", call->file, call->host, nearest);
    return call_failed(call, "%s has no host «%s»; `mmm check-config` lists them", call->file, call->host);
}

static int no_local_host(const struct cli_call *call, const struct cluster *cluster) {
    char looked[HOSTS_MAX * (NAME_SIZE + IP_TEXT_MAX + 4)] = "";
    for (int i = 0; i < cluster->host_count; i++) {
        char address[IP_TEXT_MAX];
        text_append(looked, sizeof looked, "%s%s (%s)", i ? ", " : "", ip_text(&cluster->hosts[i].address, address),
                    cluster->hosts[i].name);
    }
    return call_failed(call,
                       "no interface of this machine carries the address of a host: looked for %s; bring the "
                       "interface up, or say which host this is with --host H",
                       looked);
}

int run_agent(struct cli_call *call) {
    const struct settings *settings = call_settings(call);
    if (!settings)
        return EXIT_FAILED;
    int self = call->host ? cluster_host(&settings->cluster, call->host) : local_host(&settings->cluster);
    if (self != HOST_NONE && call_has(call, OPTION_RELEASE))
        return call->daemons->release(settings, self, call->out, call->err);
    if (self != HOST_NONE)
        return call->daemons->agent(settings, self);
    return call->host ? unknown_host(call, &settings->cluster) : no_local_host(call, &settings->cluster);
}

static void help_all(FILE *out) {
    fputs("mmm " MMM_VERSION ": Master-Master Replication Manager for MySQL and MariaDB\n\n"
          "usage: mmm [--config F] [--cluster C] COMMAND\n\n",
          out);
    size_t count;
    const struct cli_command *commands = cli_commands(&count);
    struct table *table = table_new(2, NULL);
    for (size_t i = 0; i < count; i++) {
        table_cell(table, PAINT_NONE, "  %s%s%s", commands[i].name, commands[i].arguments[0] ? " " : "",
                   commands[i].arguments);
        table_cell(table, PAINT_NONE, "%s", commands[i].summary);
    }
    table_print(table, out, false);
    table_free(table);
    fputs("\n  --config F   the configuration (default: $MMM_CONFIG, else /etc/mmm/mmm.ini)\n"
          "  --cluster C  refuse a configuration of another cluster\n\n"
          "mmm help COMMAND explains one.  Exit status: 0 done, 1 refused or failed, 2 wrong usage.\n",
          out);
}

int run_help(struct cli_call *call) {
    if (call->count == 0) {
        help_all(call->out);
        return EXIT_DONE;
    }
    if (text_equal(call->arguments[0], "config")) {
        config_help(call->out);
        return EXIT_DONE;
    }
    const struct cli_command *command = cli_command_find(call->arguments[0]);
    if (!command) {
        const char *nearest = cli_command_nearest(call->arguments[0]);
        return call_misused(call, "there is no command «%s»%s%s", call->arguments[0], nearest ? "; did you mean " : "",
                            nearest ? nearest : "");
    }
    cli_command_usage(call->out, command);
    fprintf(call->out, "\n%s\n\n%s", command->summary, command->help);
    return EXIT_DONE;
}

int run_version(struct cli_call *call) {
    fputs("mmm " MMM_VERSION "\n", call->out);
    return EXIT_DONE;
}
