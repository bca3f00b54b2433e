import { atomsOf, type Condition, operandsOf, type Policy } from '@ostiary/policy';

type FieldsOf = ReadonlyMap<string, ReadonlySet<string>>;

const known = new WeakMap<Policy, FieldsOf>();
const permitting = new WeakMap<Policy, FieldsOf>();

/** The fields of a type that decide about rights: a change of one is a change of rights, and audited with both values. */
export function rightsFields(policy: Policy, type: string): ReadonlySet<string> {
  let found = known.get(policy);
  if (found === undefined) {
    found = collect(policy);
    known.set(policy, found);
  }
  return found.get(type) ?? NONE;
}

const NONE: ReadonlySet<string> = new Set();

/**
 * The fields of a type whose bits say what may be done with the record itself. Every new record begins with some, so only a
 * change of them is a change of rights.
 */
export function permissionFields(policy: Policy, type: string): ReadonlySet<string> {
  const found = permitting.get(policy) ?? permissions(policy);
  permitting.set(policy, found);
  return found.get(type) ?? NONE;
}

/** The fields of a linking record that a condition on it looks at; and those whose bits it looks at. */
function ownFields(where: Condition): { readonly all: ReadonlySet<string>; readonly bits: ReadonlySet<string> } {
  const [all, bits] = [new Set<string>(), new Set<string>()];
  for (const atom of atomsOf(where)) {
    if (atom.op === 'linked' || atom.op === 'may') continue;
    for (const operand of operandsOf(atom)) {
      if (operand.from !== 'record' || operand.path.length !== 1) continue;
      all.add(operand.path[0] ?? '');
      if (atom.op === 'bits') bits.add(operand.path[0] ?? '');
    }
  }
  return { all, bits };
}

function permissions(policy: Policy): FieldsOf {
  const fields = new Map<string, Set<string>>();
  const visit = (type: string, condition: Condition): void => {
    for (const atom of atomsOf(condition)) {
      if (atom.op === 'linked') visit(atom.type, atom.where);
      if (atom.op !== 'bits' || atom.value.from !== 'record') continue;
      const [name, further] = atom.value.path;
      if (name === undefined || further !== undefined) continue;
      fields.set(type, (fields.get(type) ?? new Set()).add(name));
    }
  };
  for (const { type, when } of policy.rules) visit(type, when);
  return fields;
}

function collect(policy: Policy): FieldsOf {
  const { model } = policy;
  const fields = new Map<string, Set<string>>();
  const add = (type: string | null | undefined, ...names: readonly (string | undefined)[]): void => {
    if (type === null || type === undefined) return;
    const set = fields.get(type) ?? new Set();
    for (const name of names) if (name !== undefined && name !== 'id') set.add(name);
    fields.set(type, set);
  };
  const visit = (condition: Condition): void => {
    for (const atom of atomsOf(condition)) {
      if (atom.op === 'linked') {
        visit(atom.where);
        // A link that has bits gives what it leads to a share in the record.
        const names = ownFields(atom.where);
        if (names.bits.size > 0) add(atom.type, atom.via, ...names.all);
      } else if (atom.op !== 'may') {
        for (const operand of operandsOf(atom)) {
          if (operand.from === 'principal') add(model.principals[operand.kind], operand.path[0]);
        }
      }
    }
  };
  for (const rule of policy.rules) visit(rule.when);
  for (const source of model.grants) {
    const role = typeof source.role === 'string' ? undefined : source.role.field;
    add(
      source.in,
      source.holder,
      role,
      source.on?.field,
      source.from,
      source.until,
      ...(source.when ?? []),
      ...(source.unless ?? []),
    );
    if (source.members) add(source.members.in, source.members.group, source.members.member);
  }
  if (model.permissions) add(model.permissions.in, model.permissions.field);
  if (model.types) {
    const { in: table, type, sets = {} } = model.types;
    add(table, type, ...Object.keys(model.typeAttributes ?? {}).filter((name) => !Object.hasOwn(sets, name)));
    for (const set of Object.values(sets)) {
      add(set.in, set.type, set.of, set.bits?.field);
      add(table, set.bits?.otherwise);
    }
  }
  return fields;
}
