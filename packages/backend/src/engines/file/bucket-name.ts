/**
 * The name as the file has it. Names that we make are ASCII; those of a file from elsewhere may be any bytes, and
 * latin1 text stands for them one to one.
 */
export function nameBytes(name: string): Uint8Array {
  return Buffer.from(name, 'latin1');
}

export function nameText(name: Uint8Array): string {
  return Buffer.from(name.buffer, name.byteOffset, name.byteLength).toString('latin1');
}
