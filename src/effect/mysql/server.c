#include "effect/mysql/server.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "effect/mysql/look.h"
#include "effect/mysql/task.h"

/* A task's connection must not cost more than this to open: a fence has about a second. */
#define WORKER_CONNECT ((msec)1000)
enum { STACK_SIZE = 512 * 1024 };

/* One thing at a time goes IDLE, ASKED, and by the thread's hand ANSWERED; delivering it on the loop makes it IDLE. */
enum stage { IDLE, ASKED, ANSWERED };

struct server {
    struct loop *loop;
    server_probe_done probe_done;
    server_task_done task_done;
    void *context;
    char *socket;
    char *replication_user;
    char *replication_password;
    msec answer_timeout;

    struct look look;             /* the looking thread's */
    struct connection connection; /* the working thread's */
    struct connection gate;       /* ... and its second */
    pthread_t looker;
    pthread_t worker;

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t look_wanted;
    pthread_cond_t work_wanted;
    bool stopping;
    enum stage look_stage;
    msec canary_stamp;
    struct probe probe;
    enum stage work_stage;
    bool open_wanted; /* the worker should see to its connection ahead of need */
    struct server_task task;
    msec deadline; /* of the task, from when it was given: a lease may stand behind it */
    struct task_result result;
    int posted; /* deliveries the loop still owes; the last one frees a server that is stopping */
};

static void *must(void *made) {
    if (made == NULL)
        abort();
    return made;
}

static void dispose(struct server *server) {
    look_done(&server->look);
    connection_done(&server->connection);
    connection_done(&server->gate);
    pthread_cond_destroy(&server->look_wanted);
    pthread_cond_destroy(&server->work_wanted);
    pthread_mutex_destroy(&server->lock);
    explicit_bzero(server->replication_password, strlen(server->replication_password));
    free(server->replication_password);
    free(server->replication_user);
    free(server->socket);
    free(server);
}

/* Takes the lock, and says whether the server still has an owner; frees it with the last delivery when it has none. */
static bool delivery_begin(struct server *server) {
    pthread_mutex_lock(&server->lock);
    server->posted--;
    if (!server->stopping)
        return true;
    bool last = server->posted == 0;
    pthread_mutex_unlock(&server->lock);
    if (last)
        dispose(server);
    return false;
}

static void deliver_probe(void *context) {
    struct server *server = context;
    if (!delivery_begin(server))
        return;
    struct probe probe = server->probe;
    server->look_stage = IDLE;
    pthread_mutex_unlock(&server->lock);
    server->probe_done(server->context, &probe); /* may free the server */
}

static void deliver_result(void *context) {
    struct server *server = context;
    if (!delivery_begin(server))
        return;
    struct task_result result = server->result;
    server->work_stage = IDLE;
    pthread_mutex_unlock(&server->lock);
    server->task_done(server->context, &result);
}

/* Called with the lock held, so that server_free, which comes after the thread has ended, counts it. */
static void post(struct server *server, loop_function deliver) {
    if (server->stopping)
        return;
    server->posted++;
    loop_post(server->loop, deliver, server);
}

static void *look_thread(void *context) {
    struct server *server = context;
    pthread_mutex_lock(&server->lock);
    for (;;) {
        while (!server->stopping && server->look_stage != ASKED)
            pthread_cond_wait(&server->look_wanted, &server->lock);
        if (server->stopping)
            break;
        msec stamp = server->canary_stamp;
        pthread_mutex_unlock(&server->lock);
        struct probe probe;
        look_run(&server->look, stamp, server->answer_timeout, &probe);
        pthread_mutex_lock(&server->lock);
        server->probe = probe;
        server->look_stage = ANSWERED;
        server->open_wanted = probe.answered;
        pthread_cond_signal(&server->work_wanted);
        post(server, deliver_probe);
    }
    pthread_mutex_unlock(&server->lock);
    mysql_thread_end();
    return NULL;
}

static void work_once(struct server *server, const struct server_task *task, msec deadline,
                      struct task_result *ret_result) {
    struct work work = {
        .connection = &server->connection,
        .gate = &server->gate,
        .canary = &server->look.connections[LOOK_CANARY],
        .task = task,
        .deadline = deadline,
        .replication_user = server->replication_user,
        .replication_password = server->replication_password,
    };
    static_assert(COUNT_OF(work.looking) == LOOK_CONNECTIONS, "a fence must know all of this process's sessions");
    for (int i = 0; i < LOOK_CONNECTIONS; i++)
        work.looking[i] = &server->look.connections[i];
    task_run(&work, ret_result);
}

/* The connections are opened ahead of need: later, clients may have used all of them up. */
static void open_ahead(struct server *server) {
    struct reason why;
    if (connection_use(&server->connection, &why) != RC_OK || connection_use(&server->gate, &why) != RC_OK)
        return; /* the next look asks again, and a task will say why it cannot */
}

static void *work_thread(void *context) {
    struct server *server = context;
    pthread_mutex_lock(&server->lock);
    for (;;) {
        while (!server->stopping && server->work_stage != ASKED && !server->open_wanted)
            pthread_cond_wait(&server->work_wanted, &server->lock);
        if (server->stopping)
            break;
        bool has_task = server->work_stage == ASKED;
        struct server_task task = server->task;
        msec deadline = server->deadline;
        struct task_result result;
        server->open_wanted = false;
        pthread_mutex_unlock(&server->lock);
        if (has_task)
            work_once(server, &task, deadline, &result);
        else
            open_ahead(server);
        pthread_mutex_lock(&server->lock);
        if (!has_task)
            continue;
        server->result = result;
        server->work_stage = ANSWERED;
        post(server, deliver_result);
    }
    pthread_mutex_unlock(&server->lock);
    mysql_thread_end();
    return NULL;
}

static void connections_init(struct server *server) {
    struct connection_options options = {
        .socket = server->socket,
        .program = "mmm agent, looking",
        .timeout = server->answer_timeout,
        .administrator = true,
    };
    look_init(&server->look, &options);
    options.program = "mmm agent, working";
    options.timeout = WORKER_CONNECT;
    connection_init(&server->connection, &options);
    options.program = "mmm agent, closing";
    options.patient = true;
    connection_init(&server->gate, &options);
}

static void thread_start(pthread_t *thread, void *(*function)(void *), struct server *server) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    if (pthread_create(thread, &attributes, function, server) != 0)
        abort();
    pthread_attr_destroy(&attributes);
}

struct server *server_new(struct loop *loop, const struct server_options *options, server_probe_done probe_done,
                          server_task_done task_done, void *context) {
    struct server *server = must(calloc(1, sizeof *server));
    mysql_library_init(0, NULL, NULL);
    server->loop = loop;
    server->probe_done = probe_done;
    server->task_done = task_done;
    server->context = context;
    server->socket = must(strdup(options->socket));
    server->replication_user = must(strdup(options->replication_user ? options->replication_user : ""));
    server->replication_password = must(strdup(options->replication_password ? options->replication_password : ""));
    server->answer_timeout = options->answer_timeout;
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->look_wanted, NULL);
    pthread_cond_init(&server->work_wanted, NULL);
    connections_init(server);
    thread_start(&server->looker, look_thread, server);
    thread_start(&server->worker, work_thread, server);
    return server;
}

bool server_look(struct server *server, msec canary_stamp) {
    pthread_mutex_lock(&server->lock);
    bool idle = server->look_stage == IDLE;
    if (idle) {
        server->look_stage = ASKED;
        server->canary_stamp = canary_stamp;
        pthread_cond_signal(&server->look_wanted);
    }
    pthread_mutex_unlock(&server->lock);
    return idle;
}

bool server_work(struct server *server, const struct server_task *task) {
    pthread_mutex_lock(&server->lock);
    bool idle = server->work_stage == IDLE;
    if (idle) {
        server->work_stage = ASKED;
        server->task = *task;
        server->deadline = clock_now() + task->timeout;
        pthread_cond_signal(&server->work_wanted);
    }
    pthread_mutex_unlock(&server->lock);
    return idle;
}

void server_cut(struct server *server) {
    for (int i = 0; i < LOOK_CONNECTIONS; i++)
        connection_cut(&server->look.connections[i]);
    connection_cut(&server->connection);
    connection_cut(&server->gate);
}

void server_free(struct server *server) {
    if (server == NULL)
        return;
    pthread_mutex_lock(&server->lock);
    server->stopping = true;
    pthread_cond_signal(&server->look_wanted);
    pthread_cond_signal(&server->work_wanted);
    pthread_mutex_unlock(&server->lock);
    server_cut(server);
    pthread_join(server->looker, NULL);
    pthread_join(server->worker, NULL);
    if (server->posted == 0)
        dispose(server);
}
