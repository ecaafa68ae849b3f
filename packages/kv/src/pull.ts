/** The iterator of every `Kv` (api/src/pull.ts). */
export { Pull, pullEach, type Source } from '@varve/api/implement';
