import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ROOT } from './command.js';

/** A piece of code in a guide, as its fence names it: a language, and for a file its name. */
export interface Block {
  readonly language: string;
  readonly file: string | undefined;
  readonly text: string;
}

/** A line that is typed, and what is shown to come of it. */
export interface Step {
  readonly command: string;
  readonly shown: string;
}

/** All code of a guide, in its order. */
export async function blocksOf(guide: string): Promise<readonly Block[]> {
  const markdown = await readFile(join(ROOT, 'docs', guide), 'utf8');
  return [...markdown.matchAll(/^```(\w+)(?: (\S+))?\n([\s\S]*?)^```$/gm)].map(
    ([, language = '', file, text = '']) => ({
      language,
      file,
      text,
    }),
  );
}

/** The lines of a console that begin with a dollar, each with what stands below it. */
export function stepsOf({ text }: Block): readonly Step[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [command = '', ...rest] = part.split('\n');
      return { command, shown: rest.join('\n').trimEnd() };
    });
}

export async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
}

/** One shell for all lines of a guide, so that what one sets the next one finds. */
export interface Shell {
  run(command: string): Promise<{ readonly code: number; readonly out: string }>;
  close(): void;
}

const END = '--- the end of this line:';

export function openShell(cwd: string, home: string): Shell {
  const child: ChildProcess = spawn('bash', ['--norc', '--noprofile'], {
    cwd,
    env: { PATH: process.env.PATH ?? '', HOME: home, npm_config_update_notifier: 'false' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let said = '';
  let heard = () => {};
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    heard();
  });
  child.on('close', () => heard());
  child.stdin?.write('exec 2>&1\n');
  return {
    async run(command) {
      said = '';
      child.stdin?.write(`${command} </dev/null\necho "${END} $?"\n`);
      const end = new RegExp(`${END} (\\d+)\\n`);
      while (!end.test(said)) {
        if (child.exitCode !== null) throw new Error(`The shell ended. It said:\n${said}`);
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
      }
      const [whole, code] = end.exec(said) ?? [''];
      return { code: Number(code), out: said.replace(whole, '').trimEnd() };
    },
    close: () => void child.kill(),
  };
}

/** Whether an answer is the one that is shown: JSON by its values, other text by its lines; `…` stands for anything. */
export function isAsShown(answer: string, shown: string): boolean {
  const [is, asShown] = [parsed(answer), parsed(shown)];
  if (is !== undefined && asShown !== undefined) return alike(is, asShown);
  const pattern = shown
    .split('…')
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('[^\\n]*');
  return new RegExp(`^${pattern}$`).test(answer.trim());
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function alike(value: unknown, shown: unknown): boolean {
  if (shown === '…') return typeof value === 'string';
  if (typeof shown !== 'object' || shown === null) return value === shown;
  if (typeof value !== 'object' || value === null) return false;
  const names = Object.keys(shown);
  const same = Object.keys(value).sort().join() === [...names].sort().join();
  const of = (from: object, name: string) => (from as Readonly<Record<string, unknown>>)[name];
  return same && names.every((name) => alike(of(value, name), of(shown, name)));
}
