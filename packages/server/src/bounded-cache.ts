/** A map that forgets what was not used for the longest time. */
export interface BoundedCache<Value> {
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
  delete(key: string): void;
}

/** Makes an empty cache of at most `capacity` entries. */
export function createBoundedCache<Value>(capacity: number): BoundedCache<Value> {
  // A Map keeps the order of insertion, so its first key is the one that was not used for the longest time.
  const entries = new Map<string, Value>();
  return {
    get(key) {
      const value = entries.get(key);
      if (value !== undefined) {
        entries.delete(key);
        entries.set(key, value);
      }
      return value;
    },
    set(key, value) {
      entries.delete(key);
      entries.set(key, value);
      const oldest = entries.size > capacity ? entries.keys().next() : undefined;
      if (oldest && !oldest.done) entries.delete(oldest.value);
    },
    delete(key) {
      entries.delete(key);
    },
  };
}
