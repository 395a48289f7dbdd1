/* What is sent and what is saved goes through its text, as it does between real processes: what the text cannot carry
 * is lost here too. */
#include <stdlib.h>
#include <string.h>

#include "wire/messages.h"
#include "wire/state.h"
#include "world.h"

static void end(struct world *world, const char *what, char *text, enum rc rc, const struct reason *why) {
    free(text);
    if (rc)
        oracle_fail(world, "what was encoded as %s is refused: %.160s", what, why->text);
}

static void wire_report(struct world *world, struct report *report) {
    struct reason why = { "" };
    char *text = report_encode(&world->cluster, report);
    end(world, "report", text, report_decode(&world->cluster, text, strlen(text), report, &why), &why);
}

static void wire_orders(struct world *world, struct orders *orders) {
    struct reason why = { "" };
    char *text = orders_encode(&world->cluster, orders);
    end(world, "orders", text, orders_decode(&world->cluster, text, strlen(text), orders, &why), &why);
}

static void wire_ask(struct world *world, struct ask *ask) {
    struct reason why = { "" };
    char *text = ask_encode(&world->cluster, ask);
    end(world, "ask", text, ask_decode(&world->cluster, text, strlen(text), ask, &why), &why);
}

static void wire_answer(struct world *world, struct answer *answer) {
    struct reason why = { "" };
    char *text = answer_encode(&world->cluster, answer);
    end(world, "answer", text, answer_decode(&world->cluster, text, strlen(text), answer, &why), &why);
}

void wire_parcel(struct world *world, struct parcel *parcel) {
    if (!world->wire)
        return;
    switch (parcel->kind) {
    case PARCEL_REPORT:
        wire_report(world, &parcel->report);
        return;
    case PARCEL_ORDERS:
        wire_orders(world, &parcel->orders);
        return;
    case PARCEL_ASK:
        wire_ask(world, &parcel->ask);
        return;
    case PARCEL_ANSWER:
        wire_answer(world, &parcel->answer);
        return;
    case PARCEL_FAILED:
    case PARCEL_NUDGE:
    case PARCEL_PROBE:
    case PARCEL_TASK:
    case PARCEL_GONE:
        return;
    }
}

void wire_command(struct world *world, struct command *command) {
    if (!world->wire)
        return;
    struct reason why = { "" };
    char *text = command_encode(&world->cluster, command);
    end(world, "command", text, command_decode(&world->cluster, text, strlen(text), command, &why), &why);
}

void wire_agent_durable(struct world *world, int host, struct agent_durable *durable) {
    if (!world->wire)
        return;
    struct reason why = { "" };
    char *text = agent_state_encode(&world->cluster, host, durable);
    end(world, "agent's state", text, agent_state_decode(&world->cluster, host, text, strlen(text), durable, &why),
        &why);
}

void wire_monitor_durable(struct world *world, struct monitor_durable *durable) {
    if (!world->wire)
        return;
    struct reason why = { "" };
    char *text = monitor_state_encode(&world->cluster, durable);
    end(world, "monitor's state", text, monitor_state_decode(&world->cluster, text, strlen(text), durable, &why), &why);
}
