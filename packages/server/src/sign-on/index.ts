export { createSignOnClient } from './client.js';
export { type Link, listLinks, removeLink } from './links.js';
export { type Provider, type ProviderSource, providersOf } from './provider.js';
export { recordedProviders } from './recorded.js';
export {
  readSignOn,
  type SecretSources,
  type SignOnConfiguration,
  toProvider,
} from './settings.js';
export {
  admit,
  begin,
  finish,
  loginProviders,
  openSession,
  redeemCode,
  type SignOn,
  SignOnFailure,
} from './sign-on.js';
export { browserSecret } from './state.js';
