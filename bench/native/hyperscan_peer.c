/* hyperscan_peer.c - Hyperscan from C, for ctypes; see native_hyperscan.py. */
#include <hs/hs.h>
#include <stddef.h>
#include <stdlib.h>

typedef struct peer {
    hs_database_t *database;
    hs_scratch_t *scratch;
} peer;

void peer_close(peer *p)
{
    if (p == NULL)
        return;
    hs_free_scratch(p->scratch);
    hs_free_database(p->database);
    free(p);
}

/* Literals, or regexes; each with the same flags. NULL when Hyperscan refuses them. */
peer *peer_open(const char *const *patterns, const size_t *lengths, unsigned count, unsigned flags,
                int literal)
{
    peer *const p = calloc(1, sizeof *p);
    unsigned *const each = malloc(count * sizeof *each), *const ids = malloc(count * sizeof *ids);
    hs_compile_error_t *refused = NULL;

    for (unsigned i = 0; i < count; i++) {
        each[i] = flags;
        ids[i] = i;
    }
    const hs_error_t status =
        literal ? hs_compile_lit_multi(patterns, each, ids, lengths, count, HS_MODE_BLOCK, NULL,
                                       &p->database, &refused)
                : hs_compile_multi(patterns, each, ids, count, HS_MODE_BLOCK, NULL, &p->database,
                                   &refused);
    free(each);
    free(ids);
    if (status != HS_SUCCESS || hs_alloc_scratch(p->database, &p->scratch) != HS_SUCCESS) {
        hs_free_compile_error(refused);
        peer_close(p);
        return NULL;
    }
    return p;
}

static int count_one(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                     void *context)
{
    (void)id, (void)from, (void)to, (void)flags;
    ++*(size_t *)context;
    return 0;
}

/* How many matches (all ends of all patterns) the text has. */
size_t peer_count(const peer *p, const char *text, size_t length)
{
    size_t count = 0;
    hs_scan(p->database, text, (unsigned)length, 0, p->scratch, count_one, &count);
    return count;
}

size_t peer_bytes(const peer *p)
{
    size_t bytes = 0;
    hs_database_size(p->database, &bytes);
    return bytes;
}

const char *peer_version(void) { return hs_version(); }
