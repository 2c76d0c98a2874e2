#include "common/config/pam_stack.h"

#include "tests/unit/place.h"

static void write_text(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

/* The directories in the order of their lines, each with a blank behind it. */
static bool note_dir(void *arg, const char *dir)
{
    char *all = arg;

    (void)strcat(strcat(all, dir), " ");
    return true;
}

static bool refuse_dir(void *arg, const char *dir)
{
    (void)note_dir(arg, dir);
    return false;
}

/* The file is read from the current directory. */
static const char *dirs_of(const char *text)
{
    static char dirs[1024];

    dirs[0] = '\0';
    write_text("svc", text);
    ck_assert(pam_stack_each_faillock("svc", ".", note_dir, dirs));
    return dirs;
}

START_TEST(a_stack_without_the_module_has_none)
{
    CLEANUP(place_leave) struct place p = place_enter();

    ck_assert_str_eq(dirs_of("auth required pam_unix.so\naccount required pam_faillock.so\n"
                             "#auth required pam_faillock.so\n"
                             "auth required pam_unix.so # pam_faillock.so\n"
                             "session include none\n"),
                     "");
    ck_assert_str_eq(dirs_of(""), "");
    ck_assert_str_eq(dirs_of("\\"), "");
}
END_TEST

START_TEST(each_form_of_a_line_is_found)
{
    CLEANUP(place_leave) struct place p = place_enter();
    static const char *const lines[] = {
        "auth required pam_faillock.so preauth\n",
        "auth\trequired\tpam_faillock.so",
        "-AUTH [success=1 default=ignore] pam_faillock.so preauth # text\n",
        "auth [success=1 default=die] /lib/security/pam_faillock.so authfail\n",
        "auth required \\\n  pam_faillock.so preauth\n",
    };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        ck_assert_str_eq(dirs_of(lines[i]), "/run/faillock ");
}
END_TEST

START_TEST(the_directory_is_that_of_the_line_of_the_file_or_the_default)
{
    CLEANUP(place_leave) struct place p = place_enter();

    write_text("f.conf", "# dir = /comment\ndeny = 3\ndir = /from/file # text\n");
    ck_assert_str_eq(dirs_of("auth required pam_faillock.so dir=/a deny=3\n"
                             "auth required pam_faillock.so conf=f.conf preauth\n"
                             "auth required pam_faillock.so dir=/b conf=f.conf\n"
                             "auth required pam_faillock.so [dir=/c] conf=missing\n"
                             "auth required pam_faillock.so dir=relative conf=missing\n"),
                     "/a /from/file /b /c /run/faillock ");
}
END_TEST

/* "FILE:LINE(FROM) SUBSTACKS CONTROL MODULE ARGUMENTS" of each line. */
static bool note_line(void *arg, const struct pam_line *line)
{
    char *all = arg;

    (void)sprintf(all + strlen(all), "%s:%u(%u) %u %s %s %s\n", line->file, line->line,
                  line->from_line, line->substacks, line->control, line->module,
                  line->arguments);
    return true;
}

START_TEST(each_line_has_its_place_and_its_words)
{
    CLEANUP(place_leave) struct place p = place_enter();
    char lines[1024] = "";

    write_text("svc", "# text\n"
                      "account required pam_a.so one [two words]\n"
                      "auth required pam_b.so\n"
                      "account [success=1 \\\ndefault=die] \\\n pam_c.so\n"
                      "@include in\n"
                      "account substack sub\n"
                      "account optional pam_z.so\n");
    write_text("in", "\naccount include deep\n");
    write_text("deep", "account requisite pam_d.so\n");
    write_text("sub", "account required pam_e.so\n");
    ck_assert(
        pam_stack_each(&(struct pam_stack){.service = "svc", .confdir = ".", .type = "account"},
                       note_line, lines));
    ck_assert_str_eq(lines, "./svc:2(0) 0 required pam_a.so one [two words]\n"
                            "./svc:4(0) 0 success=1   default=die pam_c.so \n"
                            "./deep:1(7) 0 requisite pam_d.so \n"
                            "./svc:8(0) 0 substack  \n"
                            "./sub:1(8) 1 required pam_e.so \n"
                            "./svc:9(0) 0 optional pam_z.so \n");
}
END_TEST

START_TEST(words_are_separated_by_blanks_or_brackets)
{
    char text[] = " a [b c]\td [", *rest = text;

    ck_assert_str_eq(pam_stack_word(&rest), "a");
    ck_assert_str_eq(pam_stack_word(&rest), "b c");
    ck_assert_str_eq(pam_stack_word(&rest), "d");
    ck_assert_str_eq(pam_stack_word(&rest), "");
    ck_assert_ptr_null(pam_stack_word(&rest));
}
END_TEST

START_TEST(includes_are_followed)
{
    CLEANUP(place_leave) struct place p = place_enter();
    char text[64];

    write_text("one", "auth substack two\n");
    write_text("two", "auth required pam_faillock.so dir=/two\n");
    ck_assert_str_eq(dirs_of("@include one\n"), "/two ");
    ck_assert_str_eq(dirs_of("auth include one\n"), "/two ");
    ck_assert_str_eq(dirs_of("auth SUBSTACK two\naccount include two\n"), "/two ");
    (void)snprintf(text, sizeof(text), "auth include %s/two\n", p.path);
    ck_assert_str_eq(dirs_of(text), "/two ");
    ck_assert_str_eq(dirs_of("auth include missing\n"), "");
}
END_TEST

START_TEST(a_service_without_auth_lines_uses_other)
{
    CLEANUP(place_leave) struct place p = place_enter();
    char dirs[256] = "";

    write_text("other", "auth required pam_faillock.so dir=/other\n");
    ck_assert_str_eq(dirs_of("account required pam_unix.so\n"), "/other ");
    ck_assert_str_eq(dirs_of("auth required pam_unix.so\n"), "");
    ck_assert(pam_stack_each_faillock("missing", ".", note_dir, dirs));
    ck_assert_str_eq(dirs, "/other ");
}
END_TEST

START_TEST(a_refused_directory_ends_the_walk)
{
    CLEANUP(place_leave) struct place p = place_enter();
    char dirs[256] = "";

    write_text("in", "auth required pam_faillock.so dir=/1\nauth required pam_faillock.so\n");
    write_text("svc", "@include in\nauth required pam_faillock.so dir=/2\n");
    ck_assert(!pam_stack_each_faillock("svc", ".", refuse_dir, dirs));
    ck_assert_str_eq(dirs, "/1 ");
}
END_TEST

START_TEST(a_stack_that_cannot_be_read_is_an_error)
{
    CLEANUP(place_leave) struct place p = place_enter();
    char dirs[256] = "";

    write_text("loop", "auth include loop\n");
    ck_assert(!pam_stack_each_faillock("loop", ".", note_dir, dirs));
    ck_assert_int_eq(symlink("itself", "itself"), 0);
    ck_assert(!pam_stack_each_faillock("itself", ".", note_dir, dirs));
    ck_assert_int_eq(mkdir("dir", 0700), 0);
    ck_assert(!pam_stack_each_faillock("dir", ".", note_dir, dirs));
}
END_TEST

UNIT_MAIN("pam_stack", a_stack_without_the_module_has_none, each_form_of_a_line_is_found,
          the_directory_is_that_of_the_line_of_the_file_or_the_default,
          each_line_has_its_place_and_its_words, words_are_separated_by_blanks_or_brackets,
          includes_are_followed, a_service_without_auth_lines_uses_other,
          a_refused_directory_ends_the_walk, a_stack_that_cannot_be_read_is_an_error)
