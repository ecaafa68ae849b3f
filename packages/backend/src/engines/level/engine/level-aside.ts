/** The files beside a LevelDB: in its folder, under names that LevelDB takes for nobody's and leaves alone. */
import { AsideFiles } from '../../aside-files.ts';
import type { Files } from '../files.ts';
import { LITTER } from '../names.ts';
import type { HeldFolder } from '../opening/held-folder.ts';

/** @param assertOpen throws where nothing may be touched. @returns undefined for a store that does not say which one it is */
export function levelAside(
  { files, path, storeId }: { readonly files: Files; readonly path: string; readonly storeId: string | undefined },
  held: HeldFolder,
  assertOpen: () => void,
): AsideFiles | undefined {
  if (storeId === undefined) return undefined;
  const require = (): void => {
    assertOpen();
    held.require();
  };
  const temporary = (): string => `${LITTER}aside-${files.random.unique()}`;
  return new AsideFiles({ folders: files.folders, folder: path, id: storeId, readOnly: false, temporary, require });
}
