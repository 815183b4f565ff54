/** What outputs owe each other and their values as numbers, each within its bound. */

import type { Law } from '../law.ts';

export const laws: readonly Law[] = [];
