/** How the tour speaks: headings, checks, sizes. */
import { styleText } from 'node:util';

export function heading(text: string): void {
  console.log(`\n${styleText('bold', text)}`);
}

export function line(text: string): void {
  console.log(`  ${text}`);
}

export function dim(text: string): string {
  return styleText('dim', text);
}

/** What was checked on the way, and what did not hold. */
export class Checks {
  passed = 0;
  readonly failed: string[] = [];

  check(holds: boolean, text: string): void {
    if (holds) this.passed++;
    else this.failed.push(text);
    line(`${holds ? styleText('green', '✓') : styleText('red', '✗')} ${text}`);
  }
}

export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  if (count < 1024 ** 2) return `${(count / 1024).toFixed(1)} KiB`;
  return `${(count / 1024 ** 2).toFixed(1)} MiB`;
}

export function count(value: number): string {
  return value.toLocaleString('en-US');
}

export function seconds(ms: number): string {
  return ms < 1000 ? `${Math.max(1, Math.round(ms))} ms` : `${(ms / 1000).toFixed(1)} s`;
}
