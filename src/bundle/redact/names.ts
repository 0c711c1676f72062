/** What stands where a secret was. It means nothing to nginx, to a shell or to JSON. */
export const redacted = 'REDACTED';

/** Parts of names that are said of secrets. */
export const secretPart =
  'passw|passphrase|secret|token|credential|authori[sz]ation|cookie|pwd|pass|auth|jwt|psk|sid|otp|hmac|sig|signature|bearer|pin|key|session';

const secretNames = [
  /passw|passphrase|secret|token|credential|authori[sz]ation|cookie/i,
  /(?:^|[-_.$])(?:pwd|pass|auth|jwt|psk|sid|otp|hmac|sig|signature|bearer|apikey|pin|pin-value|session)$/i,
  /(?:api|access|private|auth|signing|encryption|master|fastopen|shared|client|account|psk|wep|wpa|secure|service|license|app|x)[-_]?key\d?$/i,
  /session[-_]?(?:id|key|ticket)/i,
];

/** Names that only sound like a secret's: what they hold is a file, a switch or a number. */
const harmless = /^(?:server_tokens|.*syncookies|.*[-_](?:file|path|dir|zone|timeout|size)|.*certificate_key)$/i;

/** Whether what has this name is to be kept from others: of an option, a header, a variable, a key of a file. */
export function isSecretName(name: string): boolean {
  return secretNames.some((form) => form.test(name)) && !harmless.test(name);
}

/** Keeps quotes, and the lines of what spans several. */
export function cover(held: string): string {
  const quote = /^["']/.test(held) ? held.charAt(0) : '';
  const lines = held.split('\n').length;
  return `${quote}${Array.from({ length: lines }, () => redacted).join('\n')}${quote}`;
}
