import { type Attributes, type Span, SpanStatusCode, trace } from '@opentelemetry/api';

/*
 * Spans name what was done by words of closed sets: a route's pattern, an action, a kind of statement. They never hold an
 * id, a log-in, an address or content. Without a provider of spans there is none, and all of this does nothing.
 */

/** The tracer of whichever provider is registered when it is used. */
export const tracer = trace.getTracer('ostiary');

/** Does something as a span of the request that is traced, if one is. What it throws is told only to have failed. */
export function traced<T>(name: string, attributes: Attributes, work: () => T): T {
  if (trace.getActiveSpan() === undefined) return work();
  return tracer.startActiveSpan(name, { attributes }, (span) => {
    try {
      const result = work();
      if (!(result instanceof Promise)) {
        span.end();
        return result;
      }
      return result.then(
        (value) => {
          span.end();
          return value;
        },
        (error: unknown) => fail(span, error),
      ) as T;
    } catch (error) {
      return fail(span, error);
    }
  });
}

/** Tells of something that has just ended. */
export function traceEnded(name: string, attributes: Attributes, milliseconds: number, failed: boolean): void {
  if (trace.getActiveSpan() === undefined) return;
  const now = Date.now();
  const span = tracer.startSpan(name, { attributes, startTime: now - milliseconds });
  if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end(now);
}

function fail(span: Span, error: unknown): never {
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
  throw error;
}
