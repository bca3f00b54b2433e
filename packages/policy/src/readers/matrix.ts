import { upwardImplications } from '../language/implications.js';
import { actionsOf } from '../language/lookup.js';
import { ModelError } from '../language/mistakes.js';
import { type Policy, type Rule, rulesAbout, sidesOf, verdictOf } from '../language/rule.js';
import type { Condition } from '../tree/condition.js';
import { fold, type Persona, type Personas } from '../tree/fold.js';
import { inWords } from './words.js';

/** What is left of a decision for one kind of person. */
export interface Cell {
  readonly when: Condition;
  readonly rules: readonly string[];
  readonly fields: readonly string[] | null;
  readonly words: string;
}

export interface Matrix {
  readonly personas: readonly string[];
  readonly rows: readonly { readonly type: string; readonly action: string; readonly cells: readonly Cell[] }[];
  /** Rules that no persona reaches: a persona is missing, or the rule is dead. */
  readonly unreached: readonly string[];
}

/** Every persona × resource type × action, computed from the rules alone, without sample data. */
export function matrix(policy: Policy, personas: Personas): Matrix {
  const implications = upwardImplications(policy.model);
  const columns = Object.values(personas).map((persona) => ({
    loggedIn: true,
    ...persona,
    roles: [...persona.roles, ...implications.filter(({ from }) => persona.roles.includes(from)).map(({ to }) => to)],
  }));
  const reached = new Set<string>();
  const rows = Object.keys(policy.model.resources).flatMap((type) =>
    actionsOf(policy.model, type).map((action) => ({
      type,
      action,
      cells: columns.map((persona) => cellFor(rulesAbout(policy.rules, action, type), persona, reached)),
    })),
  );
  const unreached = policy.rules.filter((rule) => !reached.has(rule.id)).map((rule) => rule.id);
  return { personas: Object.keys(personas), rows, unreached };
}

function cellFor(rules: readonly Rule[], persona: Persona, reached: Set<string>): Cell {
  const live = rules
    .map((rule) => ({ ...rule, when: fold(rule.when, { persona }) }))
    .filter(({ when }) => when.op !== 'never');
  for (const { id } of live) reached.add(id);
  const sides = sidesOf(live);
  const { allows, fieldForbids } = sides;
  const when = verdictOf(sides);
  // Where every field is given on every record, that some rule gives some of them says nothing more.
  const whole = allows.some(({ fields, view, when }) => !fields && view === undefined && when.op === 'always');
  const limited = whole ? [] : allows.filter(({ fields }) => fields);
  const onlyFields = allows.length > 0 && limited.length === allows.length;
  const notes = [
    ...new Set([
      ...limited.map(({ fields }) => `${onlyFields ? 'only' : 'of some only'} ${fields?.join(', ')}`),
      ...allows.flatMap(({ view }) => (whole || view === undefined ? [] : [`as ${view}`])),
      ...fieldForbids.map(
        ({ fields, when: on }) =>
          `never ${fields?.join(', ')}${on.op === 'always' ? '' : ` if ${inWords(on, 'they')}`}`,
      ),
    ]),
  ];
  const verdict = when.op === 'always' ? 'yes' : when.op === 'never' ? '–' : `if ${inWords(when, 'they')}`;
  return {
    when,
    rules: live.map(({ id }) => id),
    fields: onlyFields ? limited.flatMap(({ fields = [] }) => fields) : null,
    words: when.op === 'never' || notes.length === 0 ? verdict : `${verdict} (${notes.join('; ')})`,
  };
}

/** The matrix as a table in Markdown. Throws where a rule is in no cell, or the policy has a type without a rule. */
export function matrixMarkdown(policy: Policy, personas: Personas): string {
  const made = matrix(policy, personas);
  if (made.unreached.length > 0) {
    throw new ModelError(
      `no persona reaches ${made.unreached.join(', ')}: give the matrix a persona for whom the rule speaks, or delete it`,
    );
  }
  const silent = Object.keys(policy.model.resources).filter((type) => !policy.rules.some((rule) => rule.type === type));
  if (silent.length > 0) throw new ModelError(`no rule speaks of ${silent.join(', ')}: write one, or delete the type`);
  return matrixTable(made);
}

/** A matrix, or some columns of it, as a table in Markdown. */
export function matrixTable(made: Matrix): string {
  const header = ['', ...made.personas];
  const lines = made.rows.map((row) => [`${row.type}: ${row.action}`, ...row.cells.map((cell) => cell.words)]);
  const cellText = (text: string) => text.replaceAll('|', '\\|');
  return [
    `| ${header.map(cellText).join(' | ')} |`,
    `|${header.map(() => '---').join('|')}|`,
    ...lines.map((line) => `| ${line.map(cellText).join(' | ')} |`),
    '',
  ].join('\n');
}
