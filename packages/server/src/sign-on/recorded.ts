import type { Context } from '../application/context.js';
import type { SignOnSettings } from '../application/sign-on.js';
import { ConfigurationError } from '../keys/index.js';
import type { Provider, ProviderSource } from './provider.js';
import { toProvider } from './settings.js';

/**
 * Providers that are records of an application, as they are now. One that does not hold together is left out, so that it
 * stands in nobody else's way: check it with `toProvider` when it is written.
 */
export function recordedProviders(context: Context, read: SignOnSettings['connections']): ProviderSource {
  return {
    async list() {
      const written = Object.entries((await read?.(context)) ?? {});
      return written.flatMap(([name, settings]): readonly Provider[] => {
        try {
          return [toProvider(name, settings)];
        } catch (error) {
          if (error instanceof ConfigurationError) return [];
          throw error;
        }
      });
    },
  };
}
