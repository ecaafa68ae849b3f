// Opens a cluster's name where a package is hidden from this process, as if it were not installed; prints what it is told.
import { register } from 'node:module';

const [, , hidden = '@varve/etcd'] = process.argv;
const hook = `export async function resolve(specifier, context, next) {
  if (specifier !== ${JSON.stringify(hidden)}) return next(specifier, context);
  throw Object.assign(new Error("Cannot find package '${hidden}' imported from " + context.parentURL), { code: 'ERR_MODULE_NOT_FOUND' });
}`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
const { open } = await import('@varve/kv');
try {
  await open('etcd://127.0.0.1:1');
} catch (error) {
  console.log(JSON.stringify({ code: error.code, message: error.message, cause: error.cause?.code }));
}
