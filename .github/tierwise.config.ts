/** What this project's own gate wants to have seen of its kernels. */

import { defineConfig } from 'tierwise/config';

export default defineConfig({
  providers: ['native'],
  require: [
    // Every machine of the gate has these; avx512 is required as soon as one of them has it.
    { provider: 'native', tiers: ['scalar', 'sse2', 'avx2'] },
    { provider: 'native' },
  ],
  evidence: { cases: 200, elements: 50_000, supported: 1 },
});
