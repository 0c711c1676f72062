/*
 * Programs that send requests, each for an interpreter that a host may have. They are constant; requests are their arguments:
 *   milliseconds between two requests, milliseconds to wait for each answer,
 *   then for each request: udp or tcp, source address or nothing, destination, port, payload in hexadecimal.
 * For each request they print a line: its number, then `got HEX`, `none`, `closed` or `error WORDS`.
 * Arguments travel as lines, so the programs hold no line break as they are sent.
 */

const node = `
const [gap, limit, ...words] = process.argv.slice(1);
const send = (i, protocol, source, host, port, hex) => {
  const payload = Buffer.from(hex, 'hex');
  const local = source === '' ? {} : protocol === 'udp' ? { address: source } : { localAddress: source };
  let done = () => undefined;
  const tell = (text) => { console.log(i + ' ' + text); tell.told = true; clearTimeout(timer); done(); };
  const once = (text) => { if (!tell.told) tell(text); };
  const timer = setTimeout(() => once('none'), Number(limit));
  const got = (data) => once('got ' + data.subarray(0, 512).toString('hex'));
  const failed = (error) => once('error ' + (error.code || error.message));
  if (protocol === 'udp') {
    const socket = require('node:dgram').createSocket(host.includes(':') ? 'udp6' : 'udp4');
    done = () => socket.close();
    socket.on('error', failed).on('message', got);
    socket.bind({ port: 0, ...local }, () => socket.connect(Number(port), host, (error) => error ? failed(error) : socket.send(payload)));
  } else {
    const socket = require('node:net').connect({ host, port: Number(port), ...local }, () => socket.write(payload));
    done = () => socket.destroy();
    socket.on('error', failed).on('data', got).on('end', () => once('closed'));
  }
};
for (let i = 0; i * 5 < words.length; i++) setTimeout(() => send(i, ...words.slice(i * 5, i * 5 + 5)), i * Number(gap));
`;

const python = `
import errno, socket, sys, threading, time
gap, limit, words = int(sys.argv[1]) / 1000, int(sys.argv[2]) / 1000, sys.argv[3:]

def send(protocol, source, host, port, payload):
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM if protocol == 'udp' else socket.SOCK_STREAM) as s:
        s.settimeout(limit)
        if source: s.bind((source, 0))
        s.connect((host, int(port)))
        s.sendall(bytes.fromhex(payload))
        data = s.recv(512)
        return 'got ' + data.hex() if data else 'closed'

def told(i, words):
    try: text = send(*words)
    except socket.timeout: text = 'none'
    except OSError as error: text = 'error ' + errno.errorcode.get(error.errno, str(error))
    sys.stdout.write('%d %s\\n' % (i, text))
    sys.stdout.flush()

threads = []
for i in range(len(words) // 5):
    threads.append(threading.Thread(target=told, args=(i, words[i * 5:i * 5 + 5])))
    threads[-1].start()
    time.sleep(gap)
for thread in threads: thread.join()
`;

/** bash has no way to choose a source address. Its own printf writes line by line, each of which would be a datagram; that of the system writes all at once. */
const bash = `
gap=$1 limit=$2
shift 2
one() {
  exec 3<>"/dev/$1/$3/$4" || exit 7
  env printf "$(printf %s "$5" | sed 's/../\\\\x&/g')" >&3
  dd bs=512 count=1 <&3 2>/dev/null | od -An -v -tx1 | tr -d ' \\n'
  exit "\${PIPESTATUS[0]}"
}
export -f one
ask() {
  said=$(timeout -k 1 "$(((limit + 999) / 1000))" bash -c 'one "$@"' one "\${@:2}" 2>&1)
  case $? in
  0) if [ -n "$said" ]; then echo "$1 got $said"; else echo "$1 closed"; fi ;;
  124 | 137 | 143) echo "$1 none" ;;
  7) echo "$1 error \${said##*: }" ;;
  *) echo "$1 error ECONNRESET" ;;
  esac
}
for ((i = 0; $# >= 5; i++)); do
  if [ -n "$2" ]; then echo "$i error bash cannot choose a source address"; else ask "$i" "\${@:1:5}" & fi
  shift 5
  sleep "$(printf '%d.%03d' "$((gap / 1000))" "$((gap % 1000))")"
done
wait
`;

/** As bash reads it back: $'…'. */
function ansiQuoted(text: string): string {
  return `$'${text.replace(/[\\']/g, '\\$&').replaceAll('\n', '\\n')}'`;
}

/** The command before the times and the requests, best first. The first is what runs tpdoctor itself, which a host that shares its files has. */
export const carriers: readonly { name: string; command: readonly string[] }[] = [
  { name: 'node', command: [process.execPath, '-e', `eval(${JSON.stringify(node)})`] },
  { name: 'python3', command: ['python3', '-c', `exec(${JSON.stringify(python)})`] },
  { name: 'bash', command: ['bash', '-c', `eval ${ansiQuoted(bash)}`, 'probe'] },
];
