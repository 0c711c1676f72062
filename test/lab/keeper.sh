#!/bin/sh
# Removes a lab when the process that raised it ends in whatever way, SIGKILL included: that closes our standard input.
# Input: one line for everything that was made, `netns NAME` or `directory PATH`, written before it is made.
namespaces= directories=
while read -r kind name; do
  case $kind in
    netns) namespaces="$namespaces $name" ;;
    directory) directories="$directories $name" ;;
  esac
done

for namespace in $namespaces; do
  [ -e "/run/netns/$namespace" ] || continue
  # A process may fork while it is being killed, so ask again until the namespace is empty.
  tries=0
  while pids=$(ip netns pids "$namespace") && [ -n "$pids" ] && [ $tries -lt 100 ]; do
    kill -KILL $pids 2>/dev/null
    tries=$((tries + 1))
    [ $tries -lt 3 ] || sleep 0.02
  done
  ip netns delete "$namespace"
done
for directory in $directories; do rm -rf -- "$directory"; done
