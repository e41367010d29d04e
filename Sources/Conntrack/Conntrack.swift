// Conntrack
