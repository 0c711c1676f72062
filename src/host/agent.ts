/**
 * The one program that runs on a host. It is constant; what is asked arrives on its standard input as data, one field a line, and is only ever
 * expanded inside double quotes (the one exception is the pattern of a pathname expansion, with IFS empty, so nothing else is expanded).
 *
 * Input: nonce, byte limit of one answer, then queries (see frames.ts). Output per query: the command's output, a line `NONCE code N`,
 * its errors, a line `NONCE end`. Output beyond the limit takes the code line with it: its absence means "truncated".
 *
 * POSIX sh (dash, busybox, bash). It writes no file. Only regular files are read: opening a FIFO hangs, opening a watchdog reboots the host.
 * `timeout --foreground` keeps a command in our process group, which is killed when the deadline passes; busybox lacks that option.
 */
export const agent = `
IFS=
LC_ALL=C
PATH="\${PATH:-/usr/bin:/bin}:/usr/sbin:/sbin:/usr/local/sbin"
export LC_ALL PATH
unset GREP_OPTIONS POSIXLY_CORRECT
newline='
'
exec 4>&1
read -r nonce
read -r most

timing=none
if timeout --foreground -k 1 5 true; then timing=foreground
elif timeout -k 1 5 true; then timing=kill
elif timeout 5 true; then timing=plain
fi 2>/dev/null

limited() {
  seconds=$1
  shift
  case $timing in
  foreground) timeout --foreground -k 1 "$seconds" "$@" ;;
  kill) timeout -k 1 "$seconds" "$@" ;;
  plain) timeout "$seconds" "$@" ;;
  none) "$@" ;;
  esac
}

answer() {
  errors=$(
    {
      {
        "$@" </dev/null 2>&5 4>&- 5>&-
        printf '\\n%s code %s\\n' "$nonce" "$?"
      } | head -c "$most" >&4
    } 5>&1 | head -c 65536
  )
  printf '%s\\n%s end\\n' "$errors" "$nonce"
}

refuse() {
  printf '\\n%s code %s\\n%s\\n%s end\\n' "$nonce" 1 "$1" "$nonce"
}

readable() {
  if [ -f "$1" ]; then return 0
  elif [ -d "$1" ]; then refuse "$1: Is a directory"
  elif [ -e "$1" ]; then refuse "$1: not a regular file"
  elif [ -L "$1" ]; then refuse "$1: No such file or directory (a dangling link)"
  else refuse "$1: No such file or directory"
  fi
  return 1
}

list() {
  count=0
  for path in $1; do
    case $path in *"$newline"*) continue ;; esac
    [ -e "$path" ] || [ -L "$path" ] || continue
    printf '%s\\n' "$path"
    count=$((count + 1))
    [ "$count" -lt 50000 ] || break
  done
  printf '\\n%s code 0\\n\\n%s end\\n' "$nonce" "$nonce"
}

search() {
  seconds=$1 expression=$2 pattern=$3 found=1
  set --
  for path in $pattern; do
    [ -f "$path" ] || continue
    case $path in *"$newline"*) continue ;; esac
    set -- "$@" "$path"
    [ "$#" -ge 250 ] || continue
    limited "$seconds" grep -H -e "$expression" -- "$@" /dev/null && found=0
    set --
  done
  [ "$#" -eq 0 ] && return "$found"
  limited "$seconds" grep -H -e "$expression" -- "$@" /dev/null
  last=$?
  [ "$last" -eq 1 ] && return "$found"
  return "$last"
}

printf '\\n%s ready\\n' "$nonce"
while read -r kind; do
  case $kind in
  run)
    read -r seconds
    read -r count
    set --
    while [ "$count" -gt 0 ]; do
      read -r word
      set -- "$@" "$word"
      count=$((count - 1))
    done
    answer limited "$seconds" "$@"
    ;;
  read)
    read -r seconds
    read -r path
    readable "$path" && answer limited "$seconds" cat -- "$path"
    ;;
  tail)
    read -r seconds
    read -r bytes
    read -r path
    readable "$path" && answer limited "$seconds" tail -c "$bytes" -- "$path"
    ;;
  glob)
    read -r pattern
    list "$pattern"
    ;;
  grep)
    read -r seconds
    read -r expression
    read -r pattern
    case $pattern in
    *[*?[]*) answer search "$seconds" "$expression" "$pattern" ;;
    *) readable "$pattern" && answer search "$seconds" "$expression" "$pattern" ;;
    esac
    ;;
  esac
done
`;
