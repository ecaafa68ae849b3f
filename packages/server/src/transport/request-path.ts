/**
 * The path of a request, as Go's HTTP server finds it.
 *
 * SVRP1  Escapes are decoded once, before anything is compared: there is one way to write an address, and all others lead to it by
 *     a redirection.
 */

/** The path that was asked for, decoded; undefined: it cannot be. */
export function pathOf(target: string): string | undefined {
  const [, absolute] = /^[a-z][a-z0-9+.-]*:\/\/[^/?]*(.*)$/i.exec(target) ?? [];
  const [path = ''] = (absolute ?? target).split('?', 1);
  if (!path.includes('%')) return path;
  if (/%(?![0-9a-fA-F]{2})/.test(path)) return undefined;
  const bytes = path.replace(/%([0-9a-fA-F]{2})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** Without empty parts and dots. */
export function cleaned(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  const joined = `/${parts.join('/')}`;
  return path.endsWith('/') && joined !== '/' ? `${joined}/` : joined;
}

/** The path as it stands in a header. */
export function encoded(path: string, target: string): string {
  const query = target.includes('?') ? target.slice(target.indexOf('?')) : '';
  const safe = encodeURI(Buffer.from(path).toString('utf8')).replaceAll('#', '%23').replaceAll('?', '%3F');
  return safe + query.replace(/[^\x21-\x7e]/g, '');
}
