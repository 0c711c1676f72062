const secretParts =
  /passw|passphrase|^pwd$|(?:^|[-_.])(?:pwd|pass)$|secret|token|credential|authori[sz]ation|(?:^|[-_.$])(?:auth|jwt|psk|sid|otp|hmac|sig|signature|bearer|apikey)$|cookie|(?:api|access|private|auth|signing|encryption|master|fastopen|shared|client|account|psk|wep|x|wpa|secure|service|license|app)[-_]?key\d?$|session[-_]?(?:id|key|ticket)/i;

/** Names that only sound like a secret's: what they hold is a file, a switch or a number. */
const harmless = /^(?:server_tokens|tcp_syncookies|.*syncookies|.*_(?:file|path|dir|zone|timeout|size)|.*certificate_key)$/i;

/** Whether what has this name is to be kept from others: of an option, a header, a variable, a key of a file. */
export function isSecretName(name: string): boolean {
  return secretParts.test(name) && !harmless.test(name);
}
