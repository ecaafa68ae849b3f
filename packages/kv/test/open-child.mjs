// Opens a store in a process of its own and prints the code of what went wrong, or "opened".
// With a second argument it gives up the superuser's rights first, if it has them.
import { open } from '@varve/kv';

const [folder, unprivileged] = process.argv.slice(2);
if (unprivileged !== undefined && process.getuid?.() === 0) {
  try {
    process.setgid(65534);
    process.setuid(65534);
  } catch {
    console.log('no other user');
    process.exit(0);
  }
}
try {
  const kv = await open(folder);
  await kv.put('child', 'was here');
  await kv.close();
  console.log('opened');
} catch (error) {
  console.log(error.code ?? error.message);
}
