import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Place {
  /** Where the server answers on this machine: `http://127.0.0.1:4000`. */
  readonly url: string;
  /** Where people reach it, if that was configured. */
  readonly public: string | undefined;
  /** The application that is served alone, at the root. */
  readonly alone: string | undefined;
}

const FILE = 'served-at.json';

/** Where an application begins, as `serve` serves it. */
export function baseOf({ url, alone }: Pick<Place, 'url' | 'alone'>, application: string): string {
  return alone === undefined ? `${url}/${application}` : url;
}

/** Writes into the data folder where the installation is served, for other commands to say it. */
export async function recordPlace(data: string, place: Place): Promise<void> {
  await writeFile(join(data, FILE), `${JSON.stringify({ ...place, url: place.public ?? place.url })}\n`);
}

/** Where people reached an application when it was served last; undefined where nobody knows. */
export async function recordedBase(data: string, application: string): Promise<string | undefined> {
  try {
    const place = JSON.parse(await readFile(join(data, FILE), 'utf8')) as Place;
    return (place.alone ?? application) === application ? baseOf(place, application) : undefined;
  } catch {
    return undefined;
  }
}
