import { say } from '../terminal.js';

/** How long the last spans may take to be delivered when the server stops. */
const LAST_SPANS_MILLISECONDS = 3_000;

/** Whether spans are to be sent somewhere, as OpenTelemetry's own variables say. */
export function tracingIsConfigured(environment: NodeJS.ProcessEnv): boolean {
  const { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_SDK_DISABLED } = environment;
  return Boolean(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || OTEL_EXPORTER_OTLP_ENDPOINT) && OTEL_SDK_DISABLED !== 'true';
}

/**
 * Sends spans to the endpoint that the environment names, by OTLP over HTTP. Everything for it is loaded only now: a
 * server without traces starts without. Returns what delivers the last spans.
 */
export async function startTracing(version: string, environment: NodeJS.ProcessEnv): Promise<() => Promise<void>> {
  const [api, hooks, core, resources, sdk, otlp] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/context-async-hooks'),
    import('@opentelemetry/core'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-http'),
  ]);
  warnOnce(core.setGlobalErrorHandler);
  const share = Number(environment.OTEL_TRACES_SAMPLER_ARG || 1);
  const named = resources.resourceFromAttributes({ 'service.name': 'ostiary', 'service.version': version });
  const provider = new sdk.TracerProvider({
    resource: named.merge(resources.detectResources({ detectors: [resources.envDetector] })),
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(Number.isNaN(share) ? 1 : share) }),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter: new otlp.OTLPTraceExporter() })],
  });
  api.context.setGlobalContextManager(new hooks.AsyncLocalStorageContextManager().enable());
  api.propagation.setGlobalPropagator(new core.W3CTraceContextPropagator());
  api.trace.setGlobalTracerProvider(provider);
  return async () => {
    const late = new Promise((done) => setTimeout(done, LAST_SPANS_MILLISECONDS).unref());
    await Promise.race([provider.shutdown().catch(() => {}), late]);
  };
}

/** Without the error itself: it may hold the endpoint, and its address the credentials. */
function warnOnce(setHandler: (handler: () => void) => void): void {
  let warned = false;
  setHandler(() => {
    if (!warned) say('Warning: spans could not be delivered to the endpoint of OTEL_EXPORTER_OTLP_ENDPOINT.');
    warned = true;
  });
}
