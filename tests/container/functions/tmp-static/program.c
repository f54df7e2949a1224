#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print(const char *path) {
    char buffer[256];
    int file = open(path, O_RDONLY);
    ssize_t len = file < 0 ? 0 : read(file, buffer, sizeof buffer);
    if (len < 0 || write(1, buffer, len) != len) exit(1);
    close(file);
}

int main(void) {
    const char *query = getenv("Http_Query");
    print("/tmp/x");
    /* As programs do that trust nobody. */
    for (int fd = 3; fd < 2000; fd++) close(fd);
    int file = open("/tmp/x", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (write(1, ",", 1) != 1 || write(file, query, strlen(query)) < 0) return 1;
    print("/var/tmp/x");
    return 0;
}
