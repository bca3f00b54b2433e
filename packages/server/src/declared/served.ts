import type { Context } from '../application/context.js';
import { installedPolicy, type LeftOut, loadDeclarations, withPolicy } from './load.js';

/**
 * An application as it is served: its context now. Where types can be declared, every write of a declaration raises the
 * version of the application's rights, which each request learns as it is authenticated: so what was declared is served
 * from the next request on, by every server. A request goes on with the context that it began with.
 */
export class Served {
  #rightsVersion = -1n;
  #loading: Promise<void> | null = null;

  /** @param contexts where the application's context is found now, and is put when there is another one. */
  constructor(
    readonly contexts: Map<string, Context>,
    readonly name: string,
    readonly leftOut: LeftOut,
  ) {}

  get current(): Context {
    const context = this.contexts.get(this.name);
    if (context === undefined) throw new TypeError(`there is no application ${this.name}`);
    return context;
  }

  /** As it is in the database now; asked there only where types can be declared. */
  async latest(): Promise<Context> {
    if (this.current.application.declared !== undefined) await this.#load();
    return this.current;
  }

  /**
   * As it is at a version of its rights or later, with the attributes of its types.
   * @param rightsVersion as requests learn it, the application's part last; null for whatever it is now
   */
  async upTo(rightsVersion: string | null): Promise<Context> {
    if (rightsVersion === null) await this.latest();
    else if (this.current.application.declared !== undefined) {
      const version = BigInt(rightsVersion.slice(rightsVersion.lastIndexOf('.') + 1));
      if (this.#rightsVersion < version) await this.#loadOnce();
      // One that had begun before may not have seen it yet.
      if (this.#rightsVersion < version) await this.#load();
    }
    const { current } = this;
    await current.types.upTo(current.database.db, rightsVersion);
    return current;
  }

  /** For all that ask for it meanwhile. */
  #loadOnce(): Promise<void> {
    this.#loading ??= this.#load().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  async #load(): Promise<void> {
    const { application, database } = this.current;
    const { rows, key, rightsVersion } = await loadDeclarations(database.db, application);
    if (rightsVersion <= this.#rightsVersion) return;
    if (key !== this.current.declarations) {
      const installed = await installedPolicy(database, application, rows, this.current.misfits, this.leftOut);
      // Another request may have loaded newer ones meanwhile.
      if (rightsVersion <= this.#rightsVersion) return;
      this.contexts.set(this.name, withPolicy(this.current, installed, key));
    }
    this.#rightsVersion = rightsVersion;
  }
}
