/*
 * The least a socket-activated daemon can be: takes its listener, says READY=1, accepts one
 * connection, asks the next of its kind when there is one, answers one byte, leaves. Three in a
 * row are what starting three processes under our units costs, whatever the processes do.
 *
 *     empty [SOCKET OF THE NEXT]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTENER 3

static int unix_address(const char *path, struct sockaddr_un *ret)
{
    size_t n = strlen(path);

    if (n >= sizeof(ret->sun_path))
        return -1;
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret->sun_path, path, n);
    return 0;
}

static void say_ready(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (path && fd >= 0 && unix_address(path, &address) == 0)
        (void)sendto(fd, "READY=1", 7, 0, (struct sockaddr *)&address, sizeof(address));
    if (fd >= 0)
        (void)close(fd);
}

static int ask_next(const char *path)
{
    struct sockaddr_un address;
    char answer;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    if (fd < 0 || unix_address(path, &address) < 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        send(fd, "?", 1, 0) != 1 || recv(fd, &answer, 1, 0) != 1)
        return -1;
    return close(fd);
}

int main(int argc, char **argv)
{
    char question[512];
    int client;

    say_ready();
    client = accept(LISTENER, NULL, NULL);
    if (client < 0 || recv(client, question, sizeof(question), 0) < 0)
        return EXIT_FAILURE;
    if (argc > 1 && ask_next(argv[1]) < 0)
        return EXIT_FAILURE;
    return send(client, "!", 1, 0) == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
