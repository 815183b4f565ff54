/** Promises that a kernel may make: what its results do not depend on, to the last bit (bits.md). */
export type Promised = 'threads' | 'batch' | 'placement' | 'all tiers' | 'fma tiers';
