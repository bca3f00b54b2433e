import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'vite';

/** A test as its file declares it, without running anything. */
export interface DeclaredTest {
  /** Its own title, behind those of the groups that it is in; as they are written, with `%s` and `${…}`. */
  readonly titles: readonly string[];
  /** Whether it, or a group that it is in, may be left out, or is meant to fail. */
  readonly skipped: boolean;
  /** The texts that its table may hold: all of its own, or, where that is made elsewhere, of the file and its support. */
  readonly rows: ReadonlySet<string>;
}

interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

const SKIPS = ['skip', 'todo', 'skipIf', 'runIf', 'fails'];

/** The tests that a file of tests declares. */
export function declaredTests(file: URL): readonly DeclaredTest[] {
  const { source, program } = parse(file);
  const tests: DeclaredTest[] = [];
  const around = lazily(() => new Set([program, ...supportOf(program, file)].flatMap(textsOf)));

  const visit = (node: Node, titles: readonly string[], skipped: boolean): void => {
    const declared = declaration(node, source);
    if (declared === null) {
      for (const child of childrenOf(node)) visit(child, titles, skipped);
      return;
    }
    const within = [...titles, declared.title];
    const left = skipped || declared.modifiers.some((each) => SKIPS.includes(each));
    if (declared.name === 'describe') {
      for (const child of childrenOf(node)) visit(child, within, left);
      return;
    }
    const table = declared.modifiers.includes('each') ? textsOf(node.callee as Node) : [];
    tests.push({ titles: within, skipped: left, rows: table.length > 0 ? new Set(table) : around() });
  };
  visit(program, [], false);
  return tests;
}

/** `test('…')`, `it.each(…)('…')`, `describe.skip('…')`: or null, where a node is none of these. */
function declaration(node: Node, source: string) {
  if (node.type !== 'CallExpression') return null;
  const [title] = node.arguments as readonly Node[];
  const said = title && textOf(title, source);
  const [name, ...modifiers] = chain(node.callee as Node);
  if (said == null || name === undefined || !['test', 'it', 'describe'].includes(name)) return null;
  return { name, modifiers, title: said };
}

/** `test.skip.each(…)` as test, skip, each; nothing where it does not begin with a name. */
function chain(node: Node): readonly string[] {
  if (node.type === 'Identifier') return [node.name as string];
  if (node.type === 'CallExpression') return chain(node.callee as Node);
  if (node.type !== 'MemberExpression') return [];
  const before = chain(node.object as Node);
  return before.length === 0 ? [] : [...before, (node.property as Node).name as string];
}

/** A text, or a template as it is written; null for anything else. */
function textOf(node: Node, source: string): string | null {
  if (node.type === 'Literal' && typeof node.value === 'string') return node.value;
  if (node.type === 'TemplateLiteral') return source.slice((node.start as number) + 1, (node.end as number) - 1);
  return null;
}

function textsOf(node: Node): readonly string[] {
  const own = node.type === 'Literal' && typeof node.value === 'string' ? [node.value] : [];
  return [...own, ...childrenOf(node).flatMap(textsOf)];
}

/** What a file of tests imports from the folder of their support. */
function supportOf(program: Node, file: URL): readonly Node[] {
  return (program.body as readonly Node[])
    .filter(({ type }) => type === 'ImportDeclaration')
    .map(({ source }) => (source as Node).value as string)
    .filter((path) => path.startsWith('./support/'))
    .map((path) => new URL(path.replace(/\.js$/, '.ts'), file))
    .filter((each) => existsSync(fileURLToPath(each)))
    .map((each) => parse(each).program);
}

function parse(file: URL): { readonly source: string; readonly program: Node } {
  const source = readFileSync(file, 'utf8');
  const { program, errors } = parseSync(fileURLToPath(file), source);
  if (errors.length > 0) throw new Error(`${file.pathname}: ${errors[0]?.message}`);
  return { source, program: program as unknown as Node };
}

function childrenOf(node: Node): readonly Node[] {
  return Object.values(node)
    .flat()
    .filter((each): each is Node => typeof (each as Node | null)?.type === 'string');
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
