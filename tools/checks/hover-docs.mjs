// @ts-check
/**
 * Doc comments of published packages cite nothing that a user of the package cannot open. The rules are in lib/hover-docs.mjs.
 * `node tools/checks/hover-docs.mjs [packages/NAME ...]`: some packages, all without a name. `base` is for the other packages only.
 */
import { publishedPackages, textsBelow } from '../run/root.mjs';
import { citationsIn, reachable } from './lib/hover-docs.mjs';

const internal = new Set(['packages/base']);
const wanted = process.argv.slice(2);
let problems = 0;
for (const { dir, manifest } of publishedPackages()) {
  if (wanted.length > 0 ? !wanted.includes(dir) : internal.has(dir)) continue;
  const entries = Object.values(manifest.exports ?? {})
    .filter((path) => path.startsWith('./dist/'))
    .map((path) => path.slice('./dist/'.length).replace(/\.js$/, '.d.ts'));
  const met = reachable(textsBelow(`${dir}/dist`, '.d.ts'), entries);
  let found = 0;
  if (met.size < entries.length) {
    console.log(`${dir}: is not built, so its declarations cannot be checked`);
    found += 1;
  }
  for (const [path, text] of met) {
    for (const { cited, line } of citationsIn(text)) {
      console.log(`${dir}/dist/${path}:${line}: ${cited}`);
      found += 1;
    }
  }
  console.log(`${dir}: ${found} problems`);
  problems += found;
}
console.log(`${problems} problems`);
process.exitCode = problems === 0 ? 0 : 1;
