/* Says on which NUMA nodes the pages of a mapping of another process lie, by move_pages(2), which only reports when it is
 * given no nodes: pages PID PATH-OF-THE-MAPPING. Prints `NODE COUNT` for each node, and `absent COUNT`. */
#include <numaif.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NODES = 64, BATCH = 512, PAGE = 4096 };

int main(int count, char **arguments) {
    if (count != 3) return fprintf(stderr, "usage: pages PID PATH\n"), 2;
    int pid = atoi(arguments[1]);
    char path[64], line[4096];
    snprintf(path, sizeof path, "/proc/%d/maps", pid);
    FILE *maps = fopen(path, "r");
    if (!maps) return perror(path), 1;
    long nodes[NODES] = {0}, absent = 0;
    while (fgets(line, sizeof line, maps)) {
        unsigned long start, end;
        if (!strstr(line, arguments[2]) || sscanf(line, "%lx-%lx", &start, &end) != 2) continue;
        for (unsigned long at = start; at < end;) {
            void *pages[BATCH];
            int status[BATCH];
            unsigned long some = 0;
            for (; some < BATCH && at < end; at += PAGE) pages[some++] = (void *)at;
            if (move_pages(pid, some, pages, NULL, status, 0) != 0) return perror("move_pages"), 1;
            for (unsigned long i = 0; i < some; i++) {
                if (status[i] >= 0 && status[i] < NODES) nodes[status[i]]++;
                else absent++;
            }
        }
    }
    for (int node = 0; node < NODES; node++)
        if (nodes[node]) printf("%d %ld\n", node, nodes[node]);
    printf("absent %ld\n", absent);
    return 0;
}
