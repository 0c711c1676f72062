/** Seconds between two signs of life to a capture that may outlive its connection, and how long it goes on without one. */
export const signEverySeconds = 5;
export const patienceSeconds = 20;

/**
 * Runs a capture, the arguments behind the first, for as long as its own standard input stays open: it ends when tpdoctor says so, but also when
 * tpdoctor is killed or the connection to the host breaks. A link that is cut tells nobody: sshd keeps the input open for hours. So the capture also
 * ends when no line has come in for as many seconds as the first argument says, unless that is 0. Nothing is left on the host then, at most a
 * `sleep` for a second.
 *
 * POSIX sh, where a background command has no standard input but one that is named (`<&3`), and ignores SIGINT: hence SIGTERM, on which
 * tcpdump tells its counts just as well. `read` knows no time limit there, so another process counts the seconds.
 */
export const keeper = `
LC_ALL=C
PATH="\${PATH:-/usr/bin:/bin}:/usr/sbin:/sbin:/usr/local/sbin"
export LC_ALL PATH
patience=$1
shift
command -v "$1" >/dev/null 2>&1 || {
  printf '%s is not installed there\\n' "\${1##*/}" >&2
  exit 127
}
finish() {
  kill -TERM "$capture"
  for second in 1 2 3; do
    sleep 1
    kill -0 "$capture" || exit
  done
  kill -KILL "$capture"
}
exec 3<&0
"$@" </dev/null 3<&- &
capture=$!
{
  trap 'silence=0' USR1
  silence=0
  [ "$patience" -gt 0 ] || exit
  while [ "$silence" -lt "$patience" ]; do
    sleep 1
    silence=$((silence + 1))
  done
  finish
} 3<&- >/dev/null 2>&1 &
clock=$!
{
  while read -r _; do kill -USR1 "$clock"; done
  finish
} <&3 3<&- >/dev/null 2>&1 &
watch=$!
exec 3<&-
wait "$capture"
status=$?
kill "$watch" "$clock" 2>/dev/null
exit "$status"
`;
