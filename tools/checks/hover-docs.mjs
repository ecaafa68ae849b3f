// @ts-check
/**
 * Doc comments of published packages cite nothing that a user of the package cannot open. The rules are in lib/hover-docs.mjs.
 * `node tools/checks/hover-docs.mjs [packages/NAME ...]`: some packages, all without a name.
 */
import { publishedPackages, textsBelow } from '../run/root.mjs';
import { citationsIn } from './lib/hover-docs.mjs';

const wanted = process.argv.slice(2);
let problems = 0;
for (const { dir } of publishedPackages()) {
  if (wanted.length > 0 && !wanted.includes(dir)) continue;
  let found = 0;
  for (const [path, text] of textsBelow(`${dir}/dist`, '.d.ts')) {
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
