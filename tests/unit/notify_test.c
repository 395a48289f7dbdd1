#include "effect/notify/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* A socket with an abstract name stands for the service manager. */
static int start(void **state) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int length = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "mmm-notify-test-%ld", (long)getpid());
    char name[sizeof address.sun_path + 1];
    snprintf(name, sizeof name, "@%s", address.sun_path + 1);
    int *fd = malloc(sizeof *fd);
    *fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    *state = fd;
    setenv("NOTIFY_SOCKET", name, 1);
    return bind(*fd, (struct sockaddr *)&address,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length));
}

static int finish(void **state) {
    int *fd = *state;
    close(*fd);
    free(fd);
    unsetenv("NOTIFY_SOCKET");
    return 0;
}

static void assert_told(int fd, const char *message) {
    char text[512] = "";
    ssize_t length = recv(fd, text, sizeof text - 1, 0);
    assert_int_equal(length, strlen(message));
    assert_string_equal(text, message);
}

static void the_service_manager_hears_ready_and_stopping(void **state) {
    int *fd = *state;
    notify_ready("cluster shop, term 7");
    assert_told(*fd, "READY=1\nSTATUS=cluster shop, term 7");
    notify_stopping();
    assert_told(*fd, "STOPPING=1");
}

static void a_status_cannot_bring_in_another_assignment(void **state) {
    int *fd = *state;
    notify_ready("fine\nMAINPID=1");
    assert_told(*fd, "READY=1\nSTATUS=fine");
}

static void without_a_service_manager_nothing_is_told(void **state) {
    int *fd = *state;
    unsetenv("NOTIFY_SOCKET");
    notify_stopping();
    setenv("NOTIFY_SOCKET", "/nowhere/that/exists", 1);
    notify_stopping();
    char byte;
    assert_int_equal(recv(*fd, &byte, 1, 0), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_service_manager_hears_ready_and_stopping, start, finish),
        cmocka_unit_test_setup_teardown(a_status_cannot_bring_in_another_assignment, start, finish),
        cmocka_unit_test_setup_teardown(without_a_service_manager_nothing_is_told, start, finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
