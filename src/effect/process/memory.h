/* A daemon's own memory. */
#ifndef MMM_EFFECT_PROCESS_MEMORY_H
#define MMM_EFFECT_PROCESS_MEMORY_H

/* One heap for all threads, and what is free goes back to the kernel: a daemon allocates little and lives long.  Before
 * the first thread. */
void memory_keep_small(void);

/* Programs and libraries touch far more of their code at the start (OpenSSL's set-up above all) than ever after.  The
 * pages are given back; what is needed again comes from the page cache.  Only code is: it is never written. */
void memory_return_code(void);

/* What many connections at once have left in the heap goes back: an agent that was stopped for some seconds finds all
 * that its peers have asked meanwhile, in 0.9 MB (chaos).  Takes less than 0.1 ms for a heap of a few MB; at most one
 * call in ten seconds does anything. */
void memory_return_heap(void);

#endif
