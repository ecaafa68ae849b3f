/** A progress bar on a terminal; a line every quarter elsewhere. */
import { styleText } from 'node:util';

export interface Progress {
  update(done: number, note?: string): void;
  end(note: string): void;
}

const width = 28;
const redrawMs = 80;

export function progress(label: string, total: number, out: NodeJS.WriteStream = process.stdout): Progress {
  let drawn = 0;
  let quarter = 0;
  return {
    update(done, note = '') {
      const part = total === 0 ? 1 : Math.min(1, done / total);
      if (!out.isTTY) {
        const now = Math.floor(part * 4);
        if (now > quarter && now < 4) console.log(`  ${label} ${now * 25} %`);
        quarter = now;
        return;
      }
      const time = performance.now();
      if (time - drawn < redrawMs && part < 1) return;
      drawn = time;
      const filled = Math.round(part * width);
      const bar = styleText('green', '█'.repeat(filled)) + styleText('dim', '░'.repeat(width - filled));
      out.write(
        `\r\x1b[2K  ${label} ${bar} ${String(Math.floor(part * 100)).padStart(3)} %  ${styleText('dim', note)}`,
      );
    },
    end(note) {
      if (out.isTTY) out.write('\r\x1b[2K');
      console.log(`  ${label} ${note}`);
    },
  };
}
