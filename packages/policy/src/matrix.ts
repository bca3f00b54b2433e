/** What an author needs beside: the table of who may do what, computed from the rules. No browser does, nor a server. */
export { type Cell, type Matrix, matrix, matrixMarkdown, matrixTable } from './readers/matrix.js';
