/** What only watchers of the past, and slow ones, need: loaded when there is one, or with the store where code is near (`@varve/base/late`). */
import { Late } from '@varve/base/late';

export const catching: Late<typeof import('./history/parts.ts')> = new Late(() => import('./history/parts.ts'));
