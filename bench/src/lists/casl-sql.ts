/** A node of the tree that CASL makes of its rules, as far as the workload has them. */
export type Condition =
  | { readonly operator: 'and' | 'or'; readonly value: readonly Condition[]; readonly field?: never }
  | { readonly operator: 'eq' | 'in'; readonly value: unknown; readonly field: string };

const COLUMNS: Readonly<Record<string, string>> = {
  id: 'id',
  ownerId: 'owner_id',
  organisationId: 'organisation_id',
  teamId: 'team_id',
};

/** The tree as SQL over the alias `t`, a set as one parameter. */
export function conditionSql(condition: Condition, values: unknown[]): string {
  if (condition.field === undefined) {
    return `(${condition.value.map((part) => conditionSql(part, values)).join(` ${condition.operator} `)})`;
  }
  values.push(condition.value);
  const parameter = `$${values.length}::uuid`;
  const column = COLUMNS[condition.field];
  return condition.operator === 'eq' ? `t.${column} = ${parameter}` : `t.${column} = any(${parameter}[])`;
}
