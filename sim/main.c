/* mmm-sim: many seeds, one line of JSON at the end; a seed that fails is shrunk and its story told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "run.h"

enum { STORY_SHOWN = 12 * 1024, STORIES_MOST = 5 };

struct settings {
    uint64_t first, seeds;
    bool one;
    unsigned minutes, twice, stop;
    enum wire_way wire;
    bool shrink, safety, lossless;
};

struct sums {
    uint64_t seeds, violations, readers_twice, forgotten, digests;
    double virtual_s;
};

static const char usage[] =
    "Usage: mmm-sim [--seeds N] [--first S] [--seed S] [--minutes M] [--twice N] [--stop N]\n"
    "               [--whole-wire] [--no-wire] [--safety] [--lossless] [--no-shrink]\n"
    "  --seeds N     so many runs, each under the faults that its seed plans (default 100)\n"
    "  --first S     the first seed (default 1)\n"
    "  --seed S      this seed only, with its story\n"
    "  --minutes M   how long faults happen in each run, in virtual minutes (default 2, 30 at the most)\n"
    "  --twice N     every Nth seed runs a second time, with a quarter of all messages through their text whatever "
    "their\n"
    "                shape, and both runs must come to the same (default 20; 0: none)\n"
    "  --stop N      end when so many seeds have failed (default: run all)\n"
    "  --whole-wire  every message goes through its text, not only those of a new shape\n"
    "  --no-wire     neither messages nor states go through their text\n"
    "  --safety      only while faults happen; not whether every role is served afterwards\n"
    "  --lossless    every cluster is in lossless mode, not only a third of them\n"
    "  --no-shrink   say which seeds fail, and no more\n"
    "The last line is {\"seeds\":…,\"violations\":…,…}; exit status 1 when a seed failed, 2 for wrong usage.\n";

static struct world world;

static void fail_usage(void) {
    fputs(usage, stderr);
    exit(2);
}

static uint64_t number(const char *text, uint64_t least, uint64_t most) {
    char *end = NULL;
    unsigned long long value = text ? strtoull(text, &end, 10) : 0;
    if (!text || end == text || *end || value < least || value > most)
        fail_usage();
    return value;
}

static void read_options(int argc, char **argv, struct settings *settings) {
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        bool valued = true;
        if (text_equal(argv[i], "--seeds"))
            settings->seeds = number(value, 1, 1000000000);
        else if (text_equal(argv[i], "--first"))
            settings->first = number(value, 0, INT64_MAX);
        else if (text_equal(argv[i], "--minutes"))
            settings->minutes = (unsigned)number(value, 1, 30);
        else if (text_equal(argv[i], "--stop"))
            settings->stop = (unsigned)number(value, 1, 1000000000);
        else if (text_equal(argv[i], "--twice"))
            settings->twice = (unsigned)number(value, 0, 1000000000);
        else if (text_equal(argv[i], "--seed")) {
            settings->first = number(value, 0, INT64_MAX);
            settings->seeds = 1;
            settings->one = true;
        } else
            valued = false;
        if (valued) {
            i++;
            continue;
        }
        if (text_equal(argv[i], "--no-wire"))
            settings->wire = WIRE_NONE;
        else if (text_equal(argv[i], "--whole-wire"))
            settings->wire = WIRE_ALL;
        else if (text_equal(argv[i], "--safety"))
            settings->safety = true;
        else if (text_equal(argv[i], "--lossless"))
            settings->lossless = true;
        else if (text_equal(argv[i], "--no-shrink"))
            settings->shrink = false;
        else
            fail_usage();
    }
}

static void show_plan(const struct plan *plan) {
    printf("  %d hosts, lease %lld ms, %d addresses, guard %s, lag %lld ms; faults (at, for):\n",
           plan->cluster.host_count, (long long)plan->cluster.lease.length, plan->cluster.address_count,
           plan->guard ? "on" : "off", (long long)plan->lag);
    for (int i = 0; i < plan->count; i++) {
        char text[FAULT_TEXT_MAX];
        fault_text(plan, &plan->faults[i], text);
        printf("  %s\n", text);
    }
}

/* The end of it: that is where it breaks. */
static void show_story(const struct world *told, size_t most) {
    const char *from = told->story;
    if (told->story_size > most) {
        from = strchr(told->story + told->story_size - most, '\n');
        from = from ? from + 1 : told->story;
    }
    fputs(from, stdout);
}

static void tell_failure(const struct plan *plan, const struct settings *settings) {
    static struct plan smaller;
    smaller = *plan;
    shrink(&world, &smaller, &(struct run_options){ .wire = settings->wire, .safety = settings->safety, .tell = true });
    printf("seed %llu, shrunk: %s\n", (unsigned long long)plan->seed, world.violation);
    show_plan(&smaller);
    show_story(&world, STORY_SHOWN);
}

static void run_seed(const struct settings *settings, uint64_t seed, struct sums *sums) {
    static struct plan plan;
    plan_make(&plan, seed, settings->minutes);
    if (settings->lossless)
        plan.cluster.durability = DURABILITY_LOSSLESS;
    struct run_options options = { .wire = settings->wire, .safety = settings->safety, .tell = settings->one };
    run_plan(&world, &plan, &options);
    sums->seeds++;
    sums->virtual_s += (double)world.now / 1000;
    sums->readers_twice += world.readers[0] != 0;
    sums->forgotten += world.commits_forgotten;
    if (settings->one) {
        show_plan(&plan);
        show_story(&world, STORY_MAX);
    }
    if (world.violation[0]) {
        printf("seed %llu: %s\n", (unsigned long long)seed, world.violation);
        if (++sums->violations <= STORIES_MOST && settings->shrink)
            tell_failure(&plan, settings);
        fflush(stdout);
        return;
    }
    if (!settings->twice || seed % settings->twice)
        return;
    uint64_t digest = world.digest;
    if (settings->wire == WIRE_NEW)
        options.wire = WIRE_MANY;
    run_plan(&world, &plan, &options);
    sums->digests++;
    sums->virtual_s += (double)world.now / 1000;
    if (world.violation[0] || world.digest != digest) {
        printf("seed %llu: a second run comes to something else: %s\n", (unsigned long long)seed, world.violation);
        sums->violations++;
    }
}

static double wall_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    struct settings settings = {
        .first = 1, .seeds = 100, .minutes = 2, .twice = 20, .wire = WIRE_NEW, .shrink = true
    };
    read_options(argc, argv, &settings);
    struct sums sums = { 0 };
    double start = wall_seconds(), cpu = (double)clock() / CLOCKS_PER_SEC;
    for (uint64_t i = 0; i < settings.seeds && (!settings.stop || sums.violations < settings.stop); i++)
        run_seed(&settings, settings.first + i, &sums);
    double wall = wall_seconds() - start;
    cpu = (double)clock() / CLOCKS_PER_SEC - cpu;
    printf("{\"seeds\":%llu,\"violations\":%llu,\"virtual_s\":%.0f,\"wall_s\":%.2f,\"cpu_s\":%.2f,\"times_real\":%.0f,"
           "\"run_twice\":%llu,\"messages\":%llu,\"through_text\":%llu,\"reader_address_twice\":%llu,"
           "\"forgotten_by_a_copy\":%llu}\n",
           (unsigned long long)sums.seeds, (unsigned long long)sums.violations, sums.virtual_s, wall, cpu,
           cpu > 0 ? sums.virtual_s / cpu : 0, (unsigned long long)sums.digests, (unsigned long long)wire_count().all,
           (unsigned long long)wire_count().texts, (unsigned long long)sums.readers_twice,
           (unsigned long long)sums.forgotten);
    return sums.violations != 0;
}
