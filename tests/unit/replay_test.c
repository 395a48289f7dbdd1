/* A recording of a monitor on a desk (monitor_pieces.h): what the disk, the ring and another program do to it.
 * tests/golden/replay/killed.txt is what a person sees of it; MMM_GOLDEN_WRITE=1 writes it, and the seeds of
 * tests/fuzz/corpus/replay. */
#include "monitor_pieces.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/cli/cli.h"
#include "effect/recorder/file.h"
#include "effect/recorder/recorder.h"
#include "wire/messages.h"
#include "wire/recording.h"

enum { MEGABYTE = 1024 * 1024 };

static char folder[64], ring[80];
static struct recorder *recorder;
static struct recorded_time last;
static bool started;
static uint8_t bytes[CHECKPOINT_MOST];

static void open_recorder(uint64_t limit) {
    recorder = recorder_new(&(struct recorder_options){ .folder = ring, .limit = limit, .shape = recording_shape() });
    started = false;
}

static void close_recorder(void) {
    recorder_free(recorder);
    recorder = NULL;
}

static void begin(enum checkpoint_cause cause) {
    struct checkpoint checkpoint = { .cause = cause,
                                     .version = MMM_VERSION,
                                     .time = { .now = now, .wall = SECONDS(1700000000) + now } };
    recorder_begin(recorder, bytes, checkpoint_write(&checkpoint, &monitor, bytes, sizeof bytes));
    last = checkpoint.time;
}

/* As app/monitor/record.c does it. */
static void step_recorded(struct monitor_event event) {
    enum recorder_wish wish = recorder_wish(recorder);
    if (wish == RECORDER_NEW_START)
        begin(started ? CHECKPOINT_AGAIN : CHECKPOINT_START);
    else if (wish == RECORDER_NEXT_FILE)
        begin(CHECKPOINT_NEXT);
    started = true;
    char *text = event.report    ? report_encode(&cluster, event.report)
                 : event.command ? command_encode(&cluster, event.command)
                                 : NULL;
    step(event);
    struct recorded_step recorded = { .kind = event.kind,
                                      .time = { .now = now, .wall = SECONDS(1700000000) + now },
                                      .host = event.host,
                                      .answers = event.answers,
                                      .message = text,
                                      .message_length = text ? strlen(text) : 0 };
    if (event.check_error)
        TEXT_COPY(recorded.check_error, event.check_error);
    step_note_plan(&recorded, &monitor, &plan);
    size_t length = step_write(&recorded, &cluster, &last, bytes, sizeof bytes);
    assert_true(length > 0);
    last = recorded.time;
    recorder_append(recorder, bytes, length, plan.event_count > 0);
    free(text);
}

static void hear_recorded(int host) {
    reports[host].sequence++;
    step_recorded((struct monitor_event){ .kind = MONITOR_REPORT, .host = host, .report = &reports[host] });
    if (obedient[host] && plan.orders_set)
        do_as_told(host, &plan.orders);
    else if (plan.orders_set && reports[host].process == PROCESS_EXITED)
        reports[host].term = plan.orders.term;
}

static void turns_recorded(msec length) {
    for (msec end = now + length; now < end;) {
        now += 250;
        for (int i = 0; i < HOSTS; i++)
            hear_recorded(i);
        step_recorded((struct monitor_event){ .kind = MONITOR_TICK });
    }
}

/* A start, a switchover, a killed server: with every kind of input. */
static void record_story(void) {
    start_monitor(NULL);
    turns_recorded(SECONDS(20));
    struct command move = { .id = 1, .kind = COMMAND_MOVE_ROLE, .who = "anna", .role = "writer", .host = "db2" };
    step_recorded((struct monitor_event){ .kind = MONITOR_COMMAND, .command = &move });
    turns_recorded(SECONDS(5));
    step_recorded((struct monitor_event){
        .kind = MONITOR_CHECK, .host = DB2, .answers = false, .check_error = "connection refused" });
    kill_server_of(DB2);
    turns_recorded(SECONDS(10));
    assert_int_equal(monitor.durable.writer, DB1);
}

static int set_up(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/mmm-replay-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(ring, sizeof ring, "%s/ring", folder);
    return 0;
}

static int files_of_ring(char names[static 64][32]) {
    struct dirent **entries;
    int count = scandir(ring, &entries, NULL, alphasort), kept = 0;
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.' && kept < 64)
            TEXT_COPY(names[kept++], entries[i]->d_name);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return kept;
}

static const char *path_of(const char *name) {
    static char path[160];
    snprintf(path, sizeof path, "%s/%s", ring, name);
    return path;
}

static int tear_down(void **state) {
    (void)state;
    char names[64][32];
    for (int i = files_of_ring(names); i-- > 0;)
        unlink(path_of(names[i]));
    rmdir(ring);
    unlink(ring);
    return rmdir(folder);
}

static char said[200000], complained[4000];

static int replay(const char *path, const char *option) {
    FILE *out = fmemopen(said, sizeof said, "w"), *err = fmemopen(complained, sizeof complained, "w");
    const char *words[] = { "mmm", "replay", path, option };
    said[0] = complained[0] = 0; /* a stream that nothing is written to leaves them */
    int status = cli_run(option ? 4 : 3, (char *const *)(uintptr_t)words, out, err, NULL);
    fclose(out);
    fclose(err);
    return status;
}

static void expect_said(const char *text, const char *part) {
    if (!strstr(text, part))
        fail_msg("«%s» is not in:\n%s", part, text);
}

static void record_one_file(void) {
    open_recorder(64 * MEGABYTE);
    record_story();
    close_recorder();
}

static size_t read_first(uint8_t **ret_data) {
    FILE *file = fopen(path_of("00000001" RECORDING_ENDING), "re");
    assert_non_null(file);
    *ret_data = malloc(MEGABYTE);
    assert_non_null(*ret_data);
    size_t length = fread(*ret_data, 1, MEGABYTE, file);
    fclose(file);
    return length;
}

static void write_first(const uint8_t *data, size_t length) {
    FILE *file = fopen(path_of("00000001" RECORDING_ENDING), "we");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, length, file), length);
    fclose(file);
}

/* How many records the writer puts into a block is a matter of time: here each gets its own. */
static void give_each_record_a_block(void) {
    uint8_t *data, *framed = malloc(MEGABYTE);
    struct recording_head head;
    struct recording_reader *reader;
    struct recording_writer *writer;
    struct recording_record record;
    const char *path = path_of("00000001" RECORDING_ENDING);
    size_t length = read_first(&data);
    assert_non_null(framed);
    assert_int_equal(recording_open(data, length, &head, &reader, NULL), RC_OK);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(recording_create(path, head.shape, head.number, &writer, NULL), RC_OK);
    while (recording_read(reader, &record) == RECORDING_RECORD) {
        for (int i = 0; i < 4; i++)
            framed[i] = (uint8_t)(record.length >> 8 * i);
        memcpy(framed + 4, record.bytes, record.length);
        assert_int_equal(recording_write(writer, framed, record.length + 4, NULL), RC_OK);
    }
    recording_close(writer);
    recording_reader_free(reader);
    free(framed);
    free(data);
}

static size_t start_of_block(const uint8_t *data, int block) {
    size_t at = 24;
    for (int i = 0; i < block; i++)
        at += 16 + (data[at + 4] | (size_t)data[at + 5] << 8 | (size_t)data[at + 6] << 16);
    return at;
}

static void what_was_decided_is_decided_again(void **state) {
    (void)state;
    record_one_file();
    assert_int_equal(replay(ring, NULL), EXIT_DONE);
    assert_string_equal(complained, "");
    expect_said(said, "the same result");
    expect_said(said, "command of anna: move-role writer db2");
    expect_said(said, "process: \"running\" -> \"exited\"");
    expect_said(said, "W10  writer_lost");
}

static void a_program_gets_an_object_for_each_decision(void **state) {
    (void)state;
    record_one_file();
    assert_int_equal(replay(ring, "--json"), EXIT_DONE);
    expect_said(complained, "the same result");
    expect_said(said, "\"rule\":\"W10\"");
    expect_said(said, "{\"field\":\"process\",\"was\":\"running\",\"is\":\"exited\"}");
}

static void only_what_was_asked_for_is_told(void **state) {
    (void)state;
    record_one_file();
    assert_int_equal(replay(ring, "--to=2023-11-14T22:15:20"), EXIT_DONE);
    expect_said(said, "T33");
    assert_null(strstr(said, "W10"));
    assert_int_equal(replay(ring, "--from=2023-11-14T22:15:20"), EXIT_DONE);
    expect_said(said, "W10");
    assert_int_equal(replay(ring, "--from=yesterday"), EXIT_USAGE);
    assert_int_equal(replay(ring, "--host=db3"), EXIT_DONE);
    assert_null(strstr(said, "W10"));
}

/* The records without their blocks, which a fuzzer could not make: the beginning of a start, and of a ring's next file.
 */
static void write_seed(const char *name, uint8_t kind, const uint8_t *data, size_t length) {
    char path[256];
    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/replay/%s", MMM_SOURCE_ROOT, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputc(kind, file);
    assert_int_equal(fwrite(data, 1, length, file), length);
    fclose(file);
}

static void write_seeds(void) {
    uint8_t *data, *records = malloc(MEGABYTE);
    struct recording_head head;
    struct recording_reader *reader;
    struct recording_record record;
    size_t length = read_first(&data), used = 0;
    assert_non_null(records);
    write_seed("file", 'F', data, length);
    assert_int_equal(recording_open(data, length, &head, &reader, NULL), RC_OK);
    while (recording_read(reader, &record) == RECORDING_RECORD && used + record.length + 2 < 12000) {
        records[used++] = (uint8_t)record.length;
        records[used++] = (uint8_t)(record.length >> 8);
        memcpy(records + used, record.bytes, record.length);
        used += record.length;
    }
    write_seed("records", 'R', records, used);
    recording_reader_free(reader);
    free(records);
    free(data);
}

static void a_person_sees_what_led_to_each_decision(void **state) {
    (void)state;
    static char golden[sizeof said];
    const char *path = MMM_SOURCE_ROOT "/tests/golden/replay/killed.txt";
    record_one_file();
    assert_int_equal(replay(ring, NULL), EXIT_DONE);
    FILE *file = fopen(path, getenv("MMM_GOLDEN_WRITE") ? "w+e" : "re");
    assert_non_null(file);
    if (getenv("MMM_GOLDEN_WRITE")) {
        fputs(said, file);
        rewind(file);
        write_seeds();
    }
    golden[fread(golden, 1, sizeof golden - 1, file)] = 0;
    fclose(file);
    assert_string_equal(said, golden);
}

/* Noise does not compress: it fills files as weeks do. */
static void a_full_ring_loses_its_oldest_files_and_replays_the_rest(void **state) {
    (void)state;
    char names[64][32];
    uint64_t noise = 1;
    open_recorder(MEGABYTE / 4);
    start_monitor(NULL);
    for (int round = 0; round < 2500; round++) {
        for (size_t i = 0; i < 16; i++)
            reports[DB3].probe.error[i * 8] = (char)('a' + core_random(&noise) % 26);
        for (size_t i = 0; i < 120; i++)
            reports[DB3].trouble[i] = (char)('a' + core_random(&noise) % 26);
        turns_recorded(250);
        if (round % 20 == 0)
            usleep(2000); /* lets the writer see that a file has grown: any number of files will do */
    }
    close_recorder();
    int files = files_of_ring(names);
    uint64_t size = 0;
    for (int i = 0; i < files; i++) {
        struct stat status;
        assert_int_equal(stat(path_of(names[i]), &status), 0);
        size += (uint64_t)status.st_size;
    }
    assert_true(size <= MEGABYTE / 4 + 70 * 1024);
    assert_string_not_equal(names[0], "00000001" RECORDING_ENDING);
    assert_true(files >= 2);
    int status = replay(ring, NULL);
    assert_string_equal(complained, "");
    assert_int_equal(status, EXIT_DONE);
}

static void a_torn_end_is_said_and_accepted(void **state) {
    (void)state;
    uint8_t *data;
    record_one_file();
    give_each_record_a_block();
    size_t length = read_first(&data);
    for (size_t cut = 1; cut < 40; cut += 13) {
        write_first(data, length - cut);
        assert_int_equal(replay(ring, NULL), EXIT_DONE);
        expect_said(complained, "the end is torn");
    }
    memset(data + length - 30, 0, 30 + 4096); /* the file had grown, its last bytes were not written */
    write_first(data, length + 4096);
    assert_int_equal(replay(ring, NULL), EXIT_DONE);
    expect_said(complained, "the end is torn");
    free(data);
}

static void damage_in_the_middle_is_told_with_its_place(void **state) {
    (void)state;
    uint8_t *data;
    char place[32];
    record_one_file();
    give_each_record_a_block();
    size_t length = read_first(&data), at = start_of_block(data, 300);
    snprintf(place, sizeof place, "at byte %zu: damaged", at);
    for (size_t byte = 0; byte < 18; byte += 4) { /* of its head and of what is stored */
        data[at + byte] ^= 0x10;
        write_first(data, length);
        assert_int_equal(replay(ring, NULL), EXIT_FAILED);
        expect_said(complained, place);
        expect_said(said, "299 inputs replayed"); /* what stands before it, but for the checkpoint */
        data[at + byte] ^= 0x10;
    }
    free(data);
}

static void a_recording_of_another_build_is_refused(void **state) {
    (void)state;
    uint8_t *data;
    record_one_file();
    size_t length = read_first(&data);
    data[8] ^= 1;
    write_first(data, length);
    assert_int_equal(replay(ring, NULL), EXIT_FAILED);
    expect_said(complained, "another build of mmm");
    free(data);
}

static void another_result_is_told_with_its_record(void **state) {
    (void)state;
    open_recorder(64 * MEGABYTE);
    start_monitor(NULL);
    turns_recorded(SECONDS(10));
    monitor.serving_since += 1; /* as a rule would do that this program does not have */
    turns_recorded(SECONDS(1));
    close_recorder();
    assert_int_equal(replay(ring, NULL), EXIT_FAILED);
    expect_said(complained, "input 161, 2023-11-14T22:15:10.250Z: NOT THE SAME RESULT");
}

static void a_monitor_that_can_not_record_goes_on_and_says_so(void **state) {
    (void)state;
    struct reason why = { "" };
    int file = open(ring, O_CREAT | O_WRONLY | O_CLOEXEC, 0600); /* where the folder should be */
    assert_true(file >= 0);
    close(file);
    open_recorder(MEGABYTE);
    record_story();
    for (int i = 0; i < 5000 && !recorder_trouble(recorder, &why); i++)
        usleep(1000);
    assert_true(recorder_trouble(recorder, &why));
    expect_said(why.text, ring);
    assert_int_equal(recorder_wish(recorder), RECORDER_NOTHING);
    close_recorder();
}

static void what_is_no_recording_is_refused(void **state) {
    (void)state;
    assert_int_equal(replay("/etc/passwd", NULL), EXIT_FAILED);
    expect_said(complained, "not a recording of mmm");
    assert_int_equal(replay(folder, NULL), EXIT_FAILED);
    assert_int_equal(replay("/nowhere", NULL), EXIT_FAILED);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_was_decided_is_decided_again),
        TEST(a_program_gets_an_object_for_each_decision),
        TEST(only_what_was_asked_for_is_told),
        TEST(a_person_sees_what_led_to_each_decision),
        TEST(a_full_ring_loses_its_oldest_files_and_replays_the_rest),
        TEST(a_torn_end_is_said_and_accepted),
        TEST(damage_in_the_middle_is_told_with_its_place),
        TEST(a_recording_of_another_build_is_refused),
        TEST(another_result_is_told_with_its_record),
        TEST(a_monitor_that_can_not_record_goes_on_and_says_so),
        TEST(what_is_no_recording_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
