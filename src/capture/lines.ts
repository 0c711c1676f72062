/** Of one line that never ends. */
const longestLine = 4096;

/** Hands on whole lines of a stream as its chunks come, each cut to 4096 characters; the function it returns takes a chunk, or the end. */
export function lines(onLine: (line: string) => void): (chunk: Uint8Array | undefined) => void {
  const decoder = new TextDecoder();
  let rest = '';
  return (chunk) => {
    const parts = (rest + decoder.decode(chunk, { stream: chunk !== undefined })).split('\n');
    const last = parts.pop() ?? '';
    for (const line of parts) onLine(line.slice(0, longestLine));
    if (chunk === undefined && last !== '') onLine(last);
    rest = last.slice(0, longestLine);
  };
}
