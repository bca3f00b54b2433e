/** What a server needs beside: the readers that answer in SQL, and how names are written there. No browser does. */
export * from './readers/filter.js';
export * from './readers/page.js';
export * from './readers/search.js';
export * from './sql/holdings.js';
export * from './sql/names.js';
export * from './sql/paths.js';
export * from './sql/write.js';
