import type { Condition, Operand } from '../tree/condition.js';
import type { Field } from './fields.js';

export type Fields = Readonly<Record<string, Field>>;

/** How a view shows a field: as it is, not at all, or through one of the installation's transforms. */
export type Showing = 'shown' | 'hidden' | (string & {});

export interface ResourceOptions<F extends Fields, A extends readonly string[], V extends string> {
  readonly fields: F;
  /** One sentence for the API's documentation. */
  readonly says?: string;
  /** Named actions beside create, read, update, delete and list. */
  readonly actions?: A;
  /** The last part of the collection's address; by default the name in the plural, `instrument-records`. */
  readonly collection?: string;
  /** The text field, unique and required, by which other programs name its records; by default they use the id. */
  readonly identifiedBy?: string;
  /** Views from the most to the least revealing; a field that a view does not mention is hidden in it. */
  readonly views?: Readonly<Record<V, Readonly<{ [K in keyof F]?: Showing }>>>;
  /** The view that a reader gets without asking for one. */
  readonly defaultView?: NoInfer<V>;
  /** Fields by which long lists are often sorted: an index for each makes a page cost the same however long they are. */
  readonly orders?: readonly ((keyof F & string) | 'createdAt' | 'updatedAt')[];
  /** Sets of fields in which no two records are the same: one link between two others. */
  readonly uniqueTogether?: readonly (readonly (keyof F & string)[])[];
  /**
   * The action on a record of this type that whoever makes a reference to it needs, or takes one away, beside the right
   * to write what refers to it.
   */
  readonly referred?: A[number] | StandardAction;
  /** Each reading of a record of this type is written into the audit trail. */
  readonly sensitive?: boolean;
  /**
   * Not a table of its own: 'audit' is the application's part of the audit trail, which nobody writes; 'decision'
   * stands for decisions themselves, and who may ask for other principals' ones; 'form' for what the model says of the
   * other types to whoever enters data, a record for each, by the name of its collection.
   */
  readonly source?: 'audit' | 'decision' | 'form';
  /**
   * What its records may be counted by, by whoever may do the action `statistics` on them: single instants, dates,
   * choices, booleans and references.
   */
  readonly counts?: { readonly by: readonly ((keyof F & string) | 'createdAt' | 'updatedAt')[] };
  /** What its records are related to through records of other types, of which each links two: by name. */
  readonly relations?: Readonly<Record<string, Relation>>;
}

/** The records of `in` that refer to a record by their field `of`: what each names in its field `to` is related to it. */
export interface Relation {
  readonly in: string;
  readonly of: string;
  readonly to: string;
}

export interface Resource<
  F extends Fields = Fields,
  A extends readonly string[] = readonly string[],
  V extends string = string,
> extends ResourceOptions<F, A, V> {
  readonly actions: A;
}

/** The names of fields that hold one text. */
type TextName<F extends Fields> = { [K in keyof F]: F[K] extends Field<string, null, false> ? K : never }[keyof F];

/** Describes a resource type. */
export function resource<
  const F extends Fields,
  const A extends readonly string[] = readonly [],
  const V extends string = never,
>(
  options: ResourceOptions<F, A, V> & { readonly identifiedBy?: NoInfer<TextName<F>> },
): Resource<F, NoInfer<A>, NoInfer<V>> {
  // What is left out is none: without NoInfer it would be taken from where the result is used, and be any.
  return { ...options, actions: options.actions ?? ([] as readonly string[] as A) };
}

export type Resources = Readonly<Record<string, Resource>>;
export const STANDARD_ACTIONS = ['list', 'read', 'create', 'update', 'delete'] as const;
export type StandardAction = (typeof STANDARD_ACTIONS)[number];

/** Roles by the type of the scope on which they are held; `installation` for those held everywhere. */
export type RoleTable<R extends Resources> = Readonly<{ [S in keyof R | 'installation']?: readonly string[] }>;

/** A role with its scope: `Site admin`, or `superadmin`. */
export type RoleName<S> = {
  [K in keyof S & string]: S[K] extends readonly (infer N extends string)[]
    ? K extends 'installation'
      ? N
      : `${K} ${N}`
    : never;
}[keyof S & string];

/** One way in which principals come to hold roles: the records of `in` say so. */
export interface GrantSource {
  readonly in: string;
  /** The field that names the holder; `id` where the record is the principal itself. */
  readonly holder: string;
  /** Where the holder is a group of principals: who belongs to it. */
  readonly members?: { readonly in: string; readonly group: string; readonly member: string };
  /** The role itself, or the field that names it and which value means which role. */
  readonly role: string | { readonly field: string; readonly is?: Readonly<Record<string, string>> };
  /** The type of the scope, and the field that names it (one or several); left out for the whole installation. */
  readonly on?: { readonly scope: string; readonly field: string };
  /**
   * Fields that say from when and until when the grant holds. Of instants, the first is included and the last is not;
   * of dates, both days are, in UTC.
   */
  readonly from?: string;
  readonly until?: string;
  /** Fields that must be true, and fields that must not be true, for the grant to hold. */
  readonly when?: readonly string[];
  readonly unless?: readonly string[];
}

/** Permissions that are given to one principal at run time, as a list of {action, resource, scope?} on its record. */
export interface PermissionSource<R extends Resources = Resources> {
  readonly in: keyof R & string;
  readonly field: string;
  /** The resource types that can be permitted; all unless given. The word for every type stands for these. */
  readonly resources?: readonly (keyof R & string)[];
  /** The type of scope that an entry may be limited to, and its name in an entry: `group`. */
  readonly scope: keyof R & string;
  readonly scopeKey: string;
  /** For each resource type whose permission can be limited to a scope, the field that names its scope. */
  readonly at: Readonly<{ [T in keyof R]?: string }>;
  /** Words that stand for every action and every resource type. */
  readonly anyAction: string;
  readonly anyResource: string;
}

/** Where the attributes of resource types are kept: each type has a record there, or no attributes. */
export interface TypeSource {
  readonly in: string;
  /** The field with the type's name: a text, unique and required. */
  readonly type: string;
  /** Attributes that are sets of what links of that record name; every other is the field of the same name. */
  readonly sets?: Readonly<Record<string, TypeSet>>;
}

/** The records of `in` that refer by `type` to that of a resource type: what each has in the field `of`. */
export interface TypeSet {
  readonly in: string;
  readonly type: string;
  readonly of: string;
  /** Only where `field` has all of these bits; where it is empty, `otherwise` of the type's record. */
  readonly bits?: { readonly field: string; readonly mask: number; readonly otherwise?: string };
}

/** At most `max` records that fulfil `counting` may have the same value of `per`. Enforced without a race. */
export interface Limit {
  readonly id: string;
  readonly says: string;
  readonly source: string;
  readonly of: string;
  /** The field whose value is counted for. */
  readonly per: string;
  readonly max: number | Operand;
  readonly counting: Condition;
}

export interface ModelDefinition<
  R extends Resources,
  P extends Readonly<Record<string, (keyof R & string) | null>>,
  S extends RoleTable<R>,
  T extends Fields,
> {
  /** The application's name in addresses: `open-data-capture`. */
  readonly name: string;
  readonly title: string;
  readonly resources: R & References<R>;
  /** Kinds of principal, and the resource type whose records they are; null for a kind without records: guests. */
  readonly principals: P;
  readonly roles?: S;
  /** Which role brings which others: along a `parent` reference, in either direction, or on the same scope. */
  readonly implications?: Readonly<{ [N in RoleName<NoInfer<S>>]?: readonly RoleName<NoInfer<S>>[] }>;
  readonly grants?: readonly GrantSource[];
  readonly permissions?: PermissionSource<NoInfer<R>>;
  /** Attributes that the installation keeps for each resource type: rules know them as `type`. */
  readonly typeAttributes?: T;
  /** Where it keeps them. */
  readonly types?: TypeSource;
}

/** A reference to a resource type that does not exist does not compile. */
export type References<R extends Resources> = {
  readonly [N in keyof R]: {
    readonly fields: {
      readonly [F in keyof R[N]['fields']]: R[N]['fields'][F] extends Field<unknown, infer To, boolean>
        ? To extends keyof R | null
          ? unknown
          : { readonly to: keyof R & string }
        : never;
    };
  };
};

/** An application's vocabulary: plain data. */
export interface Model<
  R extends Resources = Resources,
  P extends Readonly<Record<string, string | null>> = Readonly<Record<string, string | null>>,
  S = unknown,
  T extends Fields = Fields,
> {
  readonly name: string;
  readonly title: string;
  readonly resources: R;
  readonly principals: P;
  readonly roles: S;
  readonly implications: Readonly<Record<string, readonly string[]>>;
  readonly grants: readonly GrantSource[];
  readonly permissions?: PermissionSource;
  readonly typeAttributes?: T;
  readonly types?: TypeSource;
}
