/** The work of an undo, apart so that it is loaded when it is asked for: most programs never do. */
export { undoPages } from '@varve/api/implement';
