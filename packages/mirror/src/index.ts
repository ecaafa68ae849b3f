export {
  compareStores,
  type Comparison,
  type CompareStoresOptions,
  type Difference,
  type Side,
} from './compare-stores.ts';
export { mirror } from './mirror.ts';
export type { ByteKv, Fenced, Mirror, MirrorOptions, MirrorPhase, MirrorStatus } from './contract.ts';
