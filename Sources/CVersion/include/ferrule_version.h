/* The commit from which the program was built. */
#ifndef FERRULE_VERSION_H
#define FERRULE_VERSION_H

/* The first 48 bits of the commit's name; 0 if it is not known. */
unsigned long long ferrule_commit(void);

#endif
