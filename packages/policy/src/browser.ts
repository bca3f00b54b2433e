/** What a browser needs: to receive the rights that a server shipped, and to ask them. */
export { type Received, receive, type Shipment } from './readers/ship.js';
export type { RecordFacts } from './tree/facts.js';
