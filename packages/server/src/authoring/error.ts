/** An application that can't be served as it is: a mistake of its author. The message names the place and what to do. */
export class ApplicationError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ApplicationError';
  }
}

/** Refuses an application for what is at a place in it. */
export function fail(place: string, message: string): never {
  throw new ApplicationError(`application.${place}: ${message}`);
}
