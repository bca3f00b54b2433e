/** A model or policy that contradicts itself: a mistake of its author, found when it is made. */
export class ModelError extends TypeError {
  constructor(message: string) {
    super(message);
    this.name = 'ModelError';
  }
}

/** Requires what a model or policy has to fulfil, and says what it is otherwise. */
export function demand(holds: unknown, otherwise: string): asserts holds {
  if (!holds) throw new ModelError(otherwise);
}

/** Says where a mistake is that is found meanwhile. */
export function locate<T>(place: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw error instanceof ModelError ? new ModelError(`${place}: ${error.message}`) : error;
  }
}

/**
 * Checks the names of what was given, as the compiler does where there is one. A misspelt `when`, or one that is
 * undefined, would be a rule that always holds.
 */
export function checkNamesOf(
  place: string,
  given: object,
  known: readonly string[],
  required: readonly string[] = [],
): void {
  for (const name of required) demand(name in given, `${place} needs '${name}'`);
  for (const [name, value] of Object.entries(given)) {
    demand(known.includes(name), `${place}: there is no option '${name}', but ${known.join(', ')}`);
    demand(value !== undefined, `${place}: '${name}' is undefined`);
  }
}
