import { Option } from 'commander';

/** Options that several commands share: each in the same words everywhere. */
export const dataOption = () => new Option('--data <folder>', 'the data folder').default('./data');
export const appOption = () =>
  new Option('--app <folder>', 'the application: its folder, or its name under apps/; needed where there are several');
