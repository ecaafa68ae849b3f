/** Keys and values that the tests say in texts. */
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const b = (text: string): Uint8Array => encoder.encode(text);
export const s = (array: Uint8Array): string => decoder.decode(array);
