import { readFile, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { EmbeddedError } from './error.js';

/** The user that PostgreSQL runs as, where that is not the user of this process. */
export interface OtherUser {
  readonly uid: number;
  readonly gid: number;
}

/** Whether this process is root, which PostgreSQL refuses to be. */
export function isRoot(): boolean {
  return process.geteuid?.() === 0;
}

/**
 * Who runs PostgreSQL: the owner of the cluster where there is one; otherwise this process, or for root the user
 * `postgres` or `nobody`. Undefined means the user of this process.
 * Throws EmbeddedError `no_user` when there is nobody, `broken` when the cluster belongs to somebody else.
 */
export async function chooseUser(cluster: string | undefined): Promise<OtherUser | undefined> {
  const owner = cluster === undefined ? undefined : await stat(cluster);
  if (isRoot()) {
    if (owner?.uid === 0) {
      throw new EmbeddedError(
        'broken',
        `The database ${cluster} belongs to root, and PostgreSQL refuses to run as root. Give it back to the user it ` +
          `belonged to, for example: chown -R nobody ${cluster}`,
      );
    }
    return owner ?? (await ordinaryUser());
  }
  if (owner !== undefined && owner.uid !== process.geteuid?.()) {
    throw new EmbeddedError(
      'broken',
      `The database ${cluster} belongs to user ${owner.uid}, and this process is user ${process.geteuid?.()}. ` +
        'Start as that user or as root, or change the owner of the whole data folder.',
    );
  }
  return undefined;
}

/** Throws EmbeddedError `no_user` when this process has a user id without a name, with which no cluster can be made. */
export function requireUserName(): void {
  try {
    userInfo();
  } catch (cause) {
    throw new EmbeddedError(
      'no_user',
      `The user id ${process.geteuid?.()} has no name on this system (no line in /etc/passwd), and PostgreSQL needs one ` +
        'to create a database. Start as a user with a name or as root, or use a PostgreSQL of your own.',
      { cause },
    );
  }
}

async function ordinaryUser(): Promise<OtherUser> {
  const lines = (await readFile('/etc/passwd', 'utf8').catch(() => '')).split('\n').map((line) => line.split(':'));
  for (const wanted of ['postgres', 'nobody']) {
    const [, , uid, gid] = lines.find(([name]) => name === wanted) ?? [];
    // Some systems write the highest numbers as negative ones.
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 };
  }
  throw new EmbeddedError(
    'no_user',
    'PostgreSQL refuses to run as root, and this system has neither a user "postgres" nor a user "nobody" to run it as. ' +
      'Start as an ordinary user, or use a PostgreSQL of your own.',
  );
}
