import { createInterface } from 'node:readline/promises';
import { Failure } from './failure.js';

/** A line for the person who watches: on stderr, so that what a command prints can be piped. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** A line of what the command was asked for. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Asks for a yes. Without a terminal nobody can give one. */
export async function confirm(question: string, option: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new Failure('usage', `Nobody can be asked here: say ${option} to go on.`);
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  // By Ctrl-C, or by the end of the input.
  const stopped = new Promise<never>((_, reject) => {
    reader.once('close', () => {
      say('');
      reject(new Failure('refused', 'Stopped. Nothing was changed.'));
    });
  });
  try {
    return /^y(es)?$/i.test(
      (await Promise.race([reader.question(`${question} [y/N] `).catch(() => stopped), stopped])).trim(),
    );
  } finally {
    reader.removeAllListeners('close');
    reader.close();
  }
}

/** Reads the first line of standard input. */
export async function readLine(): Promise<string> {
  let text = '';
  for await (const chunk of process.stdin) text += chunk;
  return text.split(/\r?\n/, 1)[0] ?? '';
}

/** Asks for a password twice, showing nothing of it. */
export async function askPassword(): Promise<string> {
  const password = await askHidden('Password: ');
  if (password !== (await askHidden('Again: '))) throw new Failure('refused', 'The two passwords differ.');
  return password;
}

const ENTER = ['\r', '\n', '\u0004'];
const ERASE = ['\u007f', '\b'];
const INTERRUPT = '\u0003';

function askHidden(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) throw new Failure('usage', 'Nobody can be asked here: say --password-stdin.');
  stderr.write(prompt);
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.resume();
  return new Promise((resolve, reject) => {
    let typed = '';
    const end = () => {
      stdin.off('data', onData);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write('\n');
    };
    const onData = (data: string) => {
      for (const character of data) {
        if (ENTER.includes(character)) {
          end();
          resolve(typed);
          return;
        }
        if (character === INTERRUPT) {
          end();
          reject(new Failure('refused', 'Stopped. Nothing was changed.'));
          return;
        }
        typed = ERASE.includes(character) ? [...typed].slice(0, -1).join('') : typed + character;
      }
    };
    stdin.on('data', onData);
  });
}
