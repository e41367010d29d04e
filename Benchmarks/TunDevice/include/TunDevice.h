#pragma once

/// Moves the process into a network namespace of its own. Returns 0, or the number of the error.
int own_network(void);

/// Creates a TUN device of this name; a write to it is a packet that arrives there. Returns its descriptor, or the negative number of the error.
int tun_open(const char *name);
