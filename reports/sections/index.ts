/** The sections of the page, in order. Who adds one adds a file and a line. */

import { audit } from './audit.ts';
import { cells } from './cells.ts';
import { edges } from './edges.ts';
import { findings } from './findings.ts';
import { methods } from './methods.ts';
import type { Section } from './section.ts';
import { speed } from './speed.ts';
import { tierMap } from './tier-map.ts';
import { verdict } from './verdict.ts';

export const sections: readonly Section[] = [verdict, audit, tierMap, findings, cells, speed, edges, methods];
