/**
 * Runs a capture, the arguments, for as long as its own standard input stays open: it ends when tpdoctor says so, but also when tpdoctor is
 * killed or the connection to the host breaks. Nothing is left on the host then, at most a `sleep` for a second.
 *
 * POSIX sh, where a background command has no standard input but one that is named (`<&3`), and ignores SIGINT: hence SIGTERM, on which
 * tcpdump tells its counts just as well.
 */
export const keeper = `
LC_ALL=C
PATH="\${PATH:-/usr/bin:/bin}:/usr/sbin:/sbin:/usr/local/sbin"
export LC_ALL PATH
command -v "$1" >/dev/null 2>&1 || {
  printf '%s is not installed there\\n' "\${1##*/}" >&2
  exit 127
}
exec 3<&0
"$@" </dev/null 3<&- &
capture=$!
{
  while read -r _; do :; done
  kill -TERM "$capture"
  for second in 1 2 3; do
    sleep 1
    kill -0 "$capture" || exit
  done
  kill -KILL "$capture"
} <&3 3<&- >/dev/null 2>&1 &
watch=$!
exec 3<&-
wait "$capture"
status=$?
kill "$watch" 2>/dev/null
exit "$status"
`;
