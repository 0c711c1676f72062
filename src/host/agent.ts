/**
 * The one program that runs on a host. It is constant; what is asked arrives on its standard input as data, one field a line, and is only ever
 * expanded inside double quotes (the one exception is the pattern of a pathname expansion, with IFS empty, so that nothing else is expanded).
 *
 * Input: a nonce, then queries (see frames.ts), until it ends. Both output streams carry a line NONCE behind every answer, the error stream the exit code above it.
 * How much is too much is for the reader to judge: it ends this program and asks the rest anew.
 *
 * POSIX sh (dash, busybox, bash). It writes no file. Only regular files are read: opening a FIFO hangs, opening a watchdog reboots the host,
 * and /proc/kmsg takes the lines it shows away from the system's logger.
 * A limit of 0 seconds is none: what the kernel itself answers needs no watch, which would cost as much as the question. Files elsewhere may lie on
 * a server that is gone. `timeout --foreground` keeps a command in our process group, which is killed when the deadline passes; busybox lacks that option.
 */
export const agent = `
IFS=
LC_ALL=C
PATH="\${PATH:-/usr/bin:/bin}:/usr/sbin:/sbin:/usr/local/sbin"
export LC_ALL PATH
unset GREP_OPTIONS POSIXLY_CORRECT
newline='
'
read -r nonce

timing=
find_timing() {
  if timeout --foreground -k 1 5 true; then timing=foreground
  elif timeout -k 1 5 true; then timing=kill
  elif timeout 5 true; then timing=plain
  else timing=none
  fi 2>/dev/null
}

limited() {
  seconds=$1
  shift
  if [ "$seconds" -eq 0 ]; then
    "$@" </dev/null
    return
  fi
  [ -n "$timing" ] || find_timing
  case $timing in
  foreground) timeout --foreground -k 1 "$seconds" "$@" </dev/null ;;
  kill) timeout -k 1 "$seconds" "$@" </dev/null ;;
  plain) timeout "$seconds" "$@" </dev/null ;;
  none) "$@" </dev/null ;;
  esac
}

refuse() {
  printf '%s: %s\\n' "$1" "$2" >&2
  return 1
}

readable() {
  if [ -f "$1" ] && [ "\${1##*/}" != kmsg ]; then return 0
  elif [ -d "$1" ]; then refuse "$1" 'Is a directory'
  elif [ -e "$1" ]; then refuse "$1" 'not a regular file'
  else refuse "$1" 'No such file or directory'
  fi
}

patience() {
  case $2 in
  /proc/*/root/*) seconds=$1 ;;
  /proc/* | /sys/*) seconds=0 ;;
  *) seconds=$1 ;;
  esac
}

show() {
  readable "$2" || return
  patience "$1" "$2"
  limited "$seconds" cat -- "$2"
}

list() {
  for path in $1; do
    case $path in *"$newline"*) continue ;; esac
    [ -e "$path" ] || [ -L "$path" ] || continue
    printf '%s\\n' "$path"
  done
}

search() {
  expression=$2 pattern=$3 found=1
  patience "$1" "$3"
  case $pattern in
  *[*?[]*) ;;
  *) readable "$pattern" || return 2 ;;
  esac
  set --
  for path in $pattern; do
    case $path in *"$newline"*) continue ;; esac
    [ -f "$path" ] && set -- "$@" "$path"
    [ "$#" -ge 250 ] || continue
    limited "$seconds" grep -H -e "$expression" -- "$@" /dev/null && found=0
    set --
  done
  [ "$#" -gt 0 ] || return "$found"
  limited "$seconds" grep -H -e "$expression" -- "$@" /dev/null
  last=$?
  [ "$last" -ne 1 ] || last=$found
  return "$last"
}

finish() {
  printf '\\n%s\\n%s\\n' "$1" "$nonce" >&2
  printf '\\n%s\\n' "$nonce"
}

finish 0
while read -r kind; do
  case $kind in
  run)
    read -r limit
    read -r count
    set --
    while [ "$count" -gt 0 ]; do
      read -r word
      set -- "$@" "$word"
      count=$((count - 1))
    done
    limited "$limit" "$@"
    ;;
  read)
    read -r limit
    read -r file
    show "$limit" "$file"
    ;;
  tail)
    read -r limit
    read -r bytes
    read -r file
    readable "$file" && limited "$limit" tail -c "$bytes" -- "$file"
    ;;
  glob)
    read -r wanted
    list "$wanted"
    ;;
  grep)
    read -r limit
    read -r sought
    read -r wanted
    search "$limit" "$sought" "$wanted"
    ;;
  esac
  finish "$?"
done
`;
