/* Lines of requests that anyone can send: how many are written, and what they count. */
#include "common/base/cleanup.h"
#include "common/base/timespan.h"
#include "jwtd/shared/log_limit.h"
#include "jwtd/shared/messages.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>

static struct log_limit limit;
static int was = -1; /* standard error */
static FILE *shown;
static long shown_at; /* where the next line begins */

static void begin(void)
{
    (void)unsetenv("JOURNAL_STREAM");
    limit = (struct log_limit){0};
    shown = tmpfile();
    shown_at = 0;
    ck_assert_ptr_nonnull(shown);
    was = dup(STDERR_FILENO);
    ck_assert_int_eq(dup2(fileno(shown), STDERR_FILENO), STDERR_FILENO);
}

static void end(void)
{
    ck_assert_int_eq(dup2(was, STDERR_FILENO), STDERR_FILENO);
    (void)close(was);
    (void)fclose(shown);
}

/* The lines since the last call; the last of them in ret. */
static unsigned lines(char ret[1200])
{
    unsigned n = 0;

    (void)fflush(stderr);
    ck_assert_int_eq(fseek(shown, shown_at, SEEK_SET), 0);
    while (fgets(ret, 1200, shown))
        n++;
    shown_at = ftell(shown);
    return n;
}

static void event(const char *source, const char *user, uint64_t now)
{
    log_limit_write(&limit,
                    &(struct limited_event){LOG_NOTICE,
                                            MESSAGE_LOGIN_DENIED,
                                            "Login failed",
                                            source,
                                            {{"user", user}, {"source", source}}},
                    now);
}

static void assert_end(const char *line, const char *text)
{
    size_t n = strlen(line), part = strlen(text);

    ck_assert_msg(n > part && strncmp(line + n - part - 1, text, part) == 0, "%s", line);
}

START_TEST(a_source_has_one_line_a_minute_and_a_count)
{
    char line[1200] = "";
    uint64_t t = HOUR;

    begin();
    event("192.0.2.1", "alice", t);
    ck_assert_uint_eq(lines(line), 1);
    assert_end(line, ": Login failed user=alice source=192.0.2.1");
    for (int i = 0; i < 1000; i++)
        event("192.0.2.1", i == 999 ? "carol" : NULL, t + SECOND + (uint64_t)i);
    ck_assert_uint_eq(lines(line), 0);
    log_limit_flush(&limit, t + MINUTE - 1);
    ck_assert_uint_eq(lines(line), 0);
    log_limit_flush(&limit, t + MINUTE);
    ck_assert_uint_eq(lines(line), 1);
    assert_end(line, ": Login failed user=carol source=192.0.2.1 count=1000");
    log_limit_flush(&limit, t + HOUR);
    ck_assert_uint_eq(lines(line), 0);
    event("192.0.2.1", NULL, t + HOUR);
    ck_assert_uint_eq(lines(line), 1);
    assert_end(line, ": Login failed source=192.0.2.1");
    end();
}
END_TEST

START_TEST(a_count_is_in_the_next_line_when_the_timer_is_late)
{
    char line[1200] = "";

    begin();
    for (int i = 0; i < 3; i++)
        event("192.0.2.1", NULL, HOUR);
    event("192.0.2.1", NULL, HOUR + MINUTE);
    ck_assert_uint_eq(lines(line), 2);
    assert_end(line, "source=192.0.2.1 count=3");
    end();
}
END_TEST

/* In every minute, wherever it begins. */
START_TEST(many_sources_have_sixty_lines_a_minute_together)
{
    char line[1200] = "", source[32];
    unsigned minute[61] = {0}, sum = 0, all = 0;

    begin();
    for (unsigned second = 0; second < 600; second++) {
        uint64_t now = HOUR + second * SECOND;

        for (unsigned i = 0; i < 50; i++) {
            (void)snprintf(source, sizeof(source), "10.0.%u.%u", i, second * 7 % 250);
            event(source, NULL, now);
        }
        log_limit_flush(&limit, now);
        sum -= minute[second % 60];
        minute[second % 60] = lines(line);
        sum += minute[second % 60];
        all += minute[second % 60];
        ck_assert_uint_le(sum, LOG_LIMIT_ROWS + 1);
    }
    ck_assert_uint_gt(all, 300);
    end();
}
END_TEST

START_TEST(every_event_is_in_a_count)
{
    char line[1200], source[32];
    unsigned long counted = 0;

    begin();
    for (unsigned i = 0; i < 10000; i++) {
        (void)snprintf(source, sizeof(source), "10.0.%u.1", i % 1000);
        event(source, NULL, HOUR + i * (10 * MILLISECOND));
        if (i % 100 == 0)
            log_limit_flush(&limit, HOUR + i * (10 * MILLISECOND));
    }
    log_limit_end(&limit);
    (void)fflush(stderr);
    rewind(shown);
    while (fgets(line, sizeof(line), shown)) {
        const char *count = strstr(line, "count=");

        counted += count ? strtoul(count + strlen("count="), NULL, 10) : 1;
    }
    ck_assert_uint_eq(counted, 10000);
    end();
}
END_TEST

START_TEST(a_count_is_written_by_the_timer_and_at_the_end)
{
    char line[1200] = "";
    struct timespec t;
    uint64_t now;

    begin();
    ck_assert_int_ge(sd_event_new(&limit.loop), 0);
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    now = (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec / 1000;
    event("192.0.2.1", NULL, now - MINUTE + 100 * MILLISECOND);
    event("192.0.2.1", NULL, now);
    event("192.0.2.2", NULL, now);
    event("192.0.2.2", "alice", now);
    ck_assert_uint_eq(lines(line), 2);
    for (int i = 0; i < 30 && limit.rows[0].count > 0; i++)
        (void)sd_event_run(limit.loop, 100 * MILLISECOND);
    ck_assert_uint_eq(lines(line), 1);
    assert_end(line, "source=192.0.2.1");
    {
        sd_event *loop = limit.loop;

        log_limit_end(&limit);
        sd_event_unref(loop);
    }
    ck_assert_uint_eq(lines(line), 1);
    assert_end(line, "user=alice source=192.0.2.2");
    end();
}
END_TEST

START_TEST(long_values_are_cut_off)
{
    char line[1200] = "", source[300];

    begin();
    memset(source, 'a', sizeof(source) - 1);
    source[sizeof(source) - 1] = '\0';
    for (int i = 0; i < 3; i++)
        event(source, source, HOUR);
    log_limit_end(&limit);
    ck_assert_uint_eq(lines(line), 2);
    ck_assert_uint_lt(strlen(line), 2 * LOG_LIMIT_VALUE + 100);
    end();
}
END_TEST

UNIT_MAIN("log_limit", a_source_has_one_line_a_minute_and_a_count,
          a_count_is_in_the_next_line_when_the_timer_is_late,
          many_sources_have_sixty_lines_a_minute_together, every_event_is_in_a_count,
          a_count_is_written_by_the_timer_and_at_the_end, long_values_are_cut_off)
