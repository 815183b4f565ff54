/**
 * One run of one kernel, examined: did it survive, answer, stay in its memory, and come close enough?
 */

import { isGeneric } from '../../reference/generic.ts';
import { type Judgement, judge } from '../../reference/judge.ts';
import { type Case, outputElements } from '../case/case.ts';
import { type Kernel, numericsOf } from '../providers/provider.ts';
import { unknownInstruction } from './dispatch.ts';
import type { Lab, Outcome } from './lab.ts';
import { type Breach, elementOf, placeText } from './property.ts';

/** What a run shows. */
export interface Examination {
  readonly outcome: Outcome;
  readonly breaches: readonly Breach[];
  /** One a compared output; empty where the kernel did not do the case. */
  readonly judgements: readonly Judgement[];
  /** Names of the properties that this run answers: it broke them, or they held. */
  readonly answered: readonly (Examined | 'dispatch')[];
}

/** Properties that every run is examined for, without being asked. */
export const examined = {
  survival: 'a call returns: no crash, no hang',
  status: 'run returns ok on a valid call, or unsupported',
  memory:
    'nothing is written but outputs and scratch, nothing is read outside the elements, thread state is kept',
  equivalence: 'every output element is within the hard bound of the float64 reference',
  precision: 'on generic data the error is that of f32 arithmetic, not of less',
  bias: 'on generic data the elements of a row do not err in one direction',
} as const;
type Examined = keyof typeof examined;

export function examine(lab: Lab, kernel: Kernel, c: Case): Examination {
  return examineOutcome(lab, kernel, c, lab.run(kernel, c));
}

/** Examines what came of a run. */
export function examineOutcome(lab: Lab, kernel: Kernel, c: Case, outcome: Outcome): Examination {
  switch (outcome.is) {
    case 'died':
      if (outcome.unknownTo) return failed(outcome, ['dispatch'], unknownInstruction(outcome.unknownTo));
      return failed(outcome, ['survival'], {
        property: 'survival',
        message: outcome.message,
        elements: [],
        fatal: outcome.how,
      });
    case 'nonsense':
      return failed(outcome, ['survival', 'status'], {
        property: 'status',
        message: outcome.message,
        elements: [],
      });
    case 'invalid':
      return failed(outcome, ['survival', 'status'], {
        property: 'status',
        message: 'the kernel calls a valid call invalid',
        elements: [],
      });
    case 'unsupported':
      return { outcome, breaches: trespasses(outcome.trespasses), judgements: [], answered: [...returned] };
    case 'ok': {
      const breaches = trespasses(outcome.trespasses);
      const judgements: Judgement[] = [];
      const answered: Examined[] = [...returned];
      if (outputElements(c) > 0) {
        const generic = isGeneric(c);
        answered.push('equivalence', ...(generic ? (['precision', 'bias'] as const) : []));
        for (const expected of lab.expected(c, numericsOf(kernel))) {
          const judgement = judge(expected, outcome.outputs[expected.role], { generic });
          judgements.push(judgement);
          breaches.push(...breachesOf(c, judgement));
        }
      }
      return { outcome, breaches, judgements, answered };
    }
  }
}

/** What a run answers that came back with a status of its own. */
const returned = ['survival', 'status', 'memory'] as const;

function failed(outcome: Outcome, answered: Examination['answered'], breach: Breach): Examination {
  return { outcome, breaches: [breach], judgements: [], answered };
}

function trespasses(messages: readonly string[]): Breach[] {
  return messages.length ? [{ property: 'memory', message: messages.join('; '), elements: [] }] : [];
}

function breachesOf(c: Case, { role, findings, failing, elements }: Judgement): Breach[] {
  const breaches: Breach[] = [];
  const wrong = findings.filter(finding => finding.property === 'equivalence');
  if (wrong.length > 0) {
    const shown = wrong.map(finding => elementOf(c, finding));
    const [first] = shown;
    breaches.push({
      property: 'equivalence',
      message:
        `${failing} of ${elements} elements of ${role} break the bound; ` +
        `${placeText(role, first.at)} should be ${first.expected} and is ${first.seen}`,
      elements: shown,
    });
  }
  for (const finding of findings) {
    if (finding.property === 'precision') {
      breaches.push({
        property: 'precision',
        message:
          `the error of ${role} is ${finding.statistic.toPrecision(3)} times that of ordinary f32 arithmetic ` +
          `(root mean square over ${finding.elements} elements; the limit is ${finding.limit})`,
        elements: [],
      });
    } else if (finding.property === 'bias') {
      breaches.push({
        property: 'bias',
        message:
          `row ${finding.row} of ${role} errs in one direction by ${finding.bias.toPrecision(3)} half ulps on average ` +
          `(the limit is ${finding.limit.toPrecision(3)})`,
        elements: [],
      });
    }
  }
  return breaches;
}
