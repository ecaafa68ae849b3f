/** What brings watchers to the present, in one part (`late.ts`). */
export { CatchUp } from './catch-up.ts';
export { History } from './history.ts';
