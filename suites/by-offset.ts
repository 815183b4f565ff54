/** How a tensor is handed over must not matter: DLPack has two ways to say where its first element is. */

import type { Stage } from './stages.ts';

export const byOffset: Stage = {
  name: 'byte offset',
  says: 'where data is the start of the memory and byte_offset leads to the tensor, the same bits',
  ways: 1,
  native: true,
  of: c => (Object.keys(c.buffers).length > 0 ? { manner: { byOffset: true } } : null),
};
