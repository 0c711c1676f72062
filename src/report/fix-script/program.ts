/**
 * The part that is the same in every script. Texts come in by here-documents and arguments and are never read by the shell that runs the script, but
 * for commands, which a shell of their own reads. Files are changed in place: a link stays a link, and owner and mode stay as they are.
 */
export const program = String.raw`set -eu
LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL PATH
state=$0.done
verb=show
from=1
taken=
left=

refuse() {
  printf '%s: %s\n' "$name" "$1" >&2
  exit 1
}

stop() {
  if [ ! -s "$state" ]; then rm -f "$state"; fi
  refuse "$1"
}

indented() { printf '%s\n' "$1" | sed 's/^/     /'; }
is_done() { [ -f "$state" ] && grep -q "^$1 " "$state"; }
note() { printf '%s %s\n' "$1" "$2" >>"$state"; }

forget() {
  grep -v "^$1 " "$state" >"$state.new" || true
  cat "$state.new" >"$state"
  rm -f "$state.new"
}

# NUMBER CAUSE: whether the step is to be shown or done
begin() {
  if is_done "$1"; then
    printf 'step %s (%s) is done\n' "$1" "$2"
    return 1
  fi
  [ "$1" -ge "$from" ] || return 1
  printf 'step %s (%s)\n' "$1" "$2"
}

# NUMBER CAUSE [SYSCTL BEFORE AFTER], with the commands as input
run_step() {
  text=$(cat)
  begin "$1" "$2" || return 0
  indented "$text"
  [ "$verb" = apply ] || return 0
  if [ "$#" -gt 2 ]; then
    case $(sysctl -n "$3") in
      "$4" | "$5") ;;
      *) stop "step $1: $3 is no longer $4 but $(sysctl -n "$3")" ;;
    esac
  fi
  sh -ec "$text" </dev/null || stop "step $1 failed; what was done before it can be taken back with undo"
  note "$1" -
}

# FILE LINE TEXT
line_is() {
  TP_LINE=$2 TP_TEXT=$3 awk '
    NR == ENVIRON["TP_LINE"] + 0 { same = ($0 "" == ENVIRON["TP_TEXT"] ""); exit }
    END { exit !same }
  ' <"$1"
}

# KIND LINE TEXT: standard input with that line replaced, or with the text before it
edited() {
  TP_KIND=$1 TP_LINE=$2 TP_TEXT=$3 awk '
    NR == ENVIRON["TP_LINE"] + 0 { print ENVIRON["TP_TEXT"]; if (ENVIRON["TP_KIND"] == "replace") next }
    { print }
  '
}

# NUMBER CAUSE KIND FILE LINE COPY, with the line as it must be and the new one as input
edit_step() {
  IFS= read -r old
  IFS= read -r new
  begin "$1" "$2" || return 0
  printf '     %s:%s\n' "$4" "$5"
  if [ "$3" = replace ]; then printf '     - %s\n' "$old"; fi
  printf '     + %s\n' "$new"
  [ "$verb" = apply ] || return 0
  [ -f "$4" ] || stop "step $1: there is no file $4"
  line_is "$4" "$5" "$old" || stop "step $1: line $5 of $4 differs from what it was: <$(sed -n "$5p" "$4" | tr -d '\000-\010\013-\037\177')> instead of <$old>"
  if [ -e "$6" ] || [ -h "$6" ]; then stop "step $1: $6 is there already"; fi
  cp -p "$4" "$6" || stop "step $1: $4 cannot be copied to $6"
  if ! edited "$3" "$5" "$new" <"$6" >"$4"; then
    cat "$6" >"$4"
    rm -f "$6"
    stop "step $1: $4 cannot be written"
  fi
  note "$1" "$(cksum <"$4")"
}

# NUMBER CAUSE, with what is to be done by hand as input
hand_step() {
  text=$(cat)
  begin "$1" "$2" || return 0
  indented "$text"
  [ "$verb" = show ] || stop "step $1 has to be done by hand; go on behind it with: sh $name apply $(($1 + 1))"
}

# NUMBER, with the commands as input
undo_run() {
  text=$(cat)
  is_done "$1" || return 0
  printf 'step %s is taken back\n' "$1"
  indented "$text"
  sh -ec "$text" </dev/null || stop "step $1 could not be taken back"
  forget "$1"
}

# NUMBER FILE COPY
undo_edit() {
  is_done "$1" || return 0
  [ -f "$2" ] || stop "step $1: there is no file $2; as it was before: $3"
  [ "$1 $(cksum <"$2")" = "$(grep "^$1 " "$state")" ] || stop "step $1: $2 is not as this script left it; as it was before: $3"
  printf 'step %s is taken back\n     %s\n' "$1" "$2"
  cat "$3" >"$2" || stop "step $1: $2 cannot be written; as it was before: $3"
  rm -f "$3"
  forget "$1"
  taken=yes
}

# NUMBER, with the commands as input: a reload, after the files are as they were
undo_reload() {
  text=$(cat)
  if is_done "$1"; then forget "$1"; fi
  [ -n "$taken" ] || return 0
  taken=
  indented "$text"
  if sh -ec "$text" </dev/null; then return 0; fi
  printf 'the files are as they were, but this failed\n' >&2
  left=yes
}

# NUMBER
undo_nothing() {
  is_done "$1" || return 0
  printf 'step %s needs no undo: nginx runs with the files as they are\n' "$1"
  forget "$1"
}

# NUMBER
undo_never() {
  is_done "$1" || return 0
  printf 'step %s cannot be taken back\n' "$1"
  forget "$1"
  left=yes
}

usage() {
  printf 'usage: sh %s [show | apply [FROM-STEP] | undo]\n' "$name" >&2
  exit 64
}

[ "$#" -gt 0 ] || set -- show
case $#:$1 in
  1:show) ;;
  1:apply) verb=apply ;;
  2:apply)
    verb=apply
    from=$2
    ;;
  1:undo) verb=undo ;;
  *) usage ;;
esac
case $from in '' | *[!0-9]* | ??????*) usage ;; esac
if [ "$verb" != show ]; then
  [ -f "$0" ] || refuse "copy this script to the host and run it there: sh $name $verb"
  [ "$(id -u)" -eq 0 ] || refuse 'only root can do this'
  this_host || refuse "this is another host: it has none of the addresses that $host had"
  if [ -h "$state" ]; then refuse "what is done is noted in $state, which is a link"; fi
  touch "$state" || refuse "what is done is noted in $state, which cannot be written"
fi
if [ "$verb" = undo ]; then
  back
  if [ ! -s "$state" ]; then rm -f "$state"; fi
  if [ -n "$left" ]; then stop 'not everything could be taken back'; fi
  printf '%s: nothing is left of what this script did\n' "$name"
else
  steps
  if [ "$verb" = apply ]; then printf '%s: done; taken back by: sh %s undo\n' "$name" "$name"
  else printf '%s: nothing has been changed; the steps are done by: sh %s apply\n' "$name" "$name"; fi
fi`;
