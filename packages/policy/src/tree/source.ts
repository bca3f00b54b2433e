/**
 * Makes a function of source text: the one place that does, and throws an `EvalError` where the platform does not allow
 * it, as under a strict policy on scripts.
 */
export function functionOf<F>(parameters: readonly string[], body: string): F {
  return new Function(...parameters, body) as F;
}
