import { InvalidArgumentError, Option } from 'commander';

/** Options that several commands share: each in the same words everywhere. */
export const dataOption = () => new Option('--data <folder>', 'the data folder').default('./data').argParser(folder);
export const appOption = () =>
  new Option(
    '--app <folder>',
    'the application: its folder, or its name under apps/; needed where there are several',
  ).argParser(folder);
export const appsOption = () =>
  new Option('--app <folder>', 'an application that is not under apps/; repeatable')
    .default([], 'those under apps/')
    .argParser((value: string, before: readonly string[]) => [...before, folder(value)]);
export const newOption = () => new Option('--new', 'make an installation without demo data where there is none');

export function folder(text: string): string {
  if (text === '') throw new InvalidArgumentError('It is empty.');
  return text;
}

/** Whether a time in ISO 8601 begins with a day that there is: `Date` takes 31 February for one in March. */
export function isDay(text: string): boolean {
  const day = text.slice(0, 10);
  const date = new Date(day);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
}
