/* What a function that can fail answers.  The sentence for people travels beside it, in struct reason. */
#ifndef MMM_BASE_RC_H
#define MMM_BASE_RC_H

#define NODISCARD __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((__format__(__printf__, text, first)))
#define CLEANUP(done) __attribute__((cleanup(done)))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum rc {
    RC_OK = 0,
    RC_INVALID,   /* what was given is wrong: text that does not parse, a value out of range */
    RC_REFUSED,   /* understood, and not done: a right, a state or a rule is against it */
    RC_NOT_FOUND, /* the thing named does not exist */
    RC_CONFLICT,  /* somebody else has it: a port, a lock, an address */
    RC_TIMEOUT,   /* the deadline passed first */
    RC_IO,        /* the world failed: file, socket, kernel */
    RC_SERVER,    /* the database server answered with an error */
};

#endif
