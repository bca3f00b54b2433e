/** `open-data-capture`, `groupIds` and `InstrumentRecord` as SQL writes them: `open_data_capture`, `group_ids`, … */
export function snakeCase(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase();
}

/** The same words joined by hyphens, as addresses write them. */
export function kebabCase(name: string): string {
  return snakeCase(name).replaceAll('_', '-');
}

/** `groupIds` as `group ids`. */
export function spaced(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/[-_]/g, ' ')
    .toLowerCase();
}
