// A suite as vitest tests, one for each cell and property. In a project that has tierwise and vitest:
//
//   npx vitest run
//
// `library` may be a shared library (docs/add-a-kernel.md) as well.
import { describeSuite } from 'tierwise/vitest';

describeSuite('rms_norm', { library: 'rms_norm.mjs' }, { cases: 400 });
