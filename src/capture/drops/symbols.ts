const addressForm = /^[\da-f]{16}$/;

/** Whether a location is an address: some kernels, as Linux 6.1, print no names. */
export function isKernelAddress(location: string): boolean {
  return addressForm.test(location);
}

/**
 * The functions in which addresses lie, by the text of /proc/kallsyms: the last that begins at or before each. Addresses have sixteen digits there, so that
 * they compare as texts.
 */
export function namesOf(addresses: readonly string[], kallsyms: string): ReadonlyMap<string, string> {
  const wanted = [...new Set(addresses)].filter(isKernelAddress).sort();
  const nearest = wanted.map(() => ({ from: '', name: '' }));
  for (const [, from = '', name = ''] of kallsyms.matchAll(/^([\da-f]{16}) [tTwW] (\S{1,128})/gm)) {
    const place = nearest[firstAtLeast(wanted, from)];
    if (place && from >= place.from) Object.assign(place, { from, name });
  }
  // A function that reaches beyond one address reaches the next, unless another begins between them.
  nearest.forEach((place, i) => {
    if (place.name === '') Object.assign(place, nearest[i - 1]);
  });
  return new Map(wanted.flatMap((address, i) => (nearest[i]?.name ? [[address, nearest[i].name]] : [])));
}

/** Of a sorted list. */
function firstAtLeast(sorted: readonly string[], least: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? '') < least) low = middle + 1;
    else high = middle;
  }
  return low;
}
