#!/bin/sh
# Starts the vendor on 127.0.0.1:$PORT. The process started here becomes php itself (exec), so killing
# its pid stops the server. A small watcher prints "listening" and removes the state directory afterwards.
here=$(cd "$(dirname "$0")" && pwd)
PORT=${PORT:-8692}
STATE=$(mktemp -d -p /dev/shm vendorphp.XXXXXX 2>/dev/null || mktemp -d)
export PORT STATE
mkdir "$STATE/www"
: >"$STATE/log"
alive() { [ -e "/proc/$$/status" ] && ! grep -q '^State:.Z' "/proc/$$/status" 2>/dev/null; }
(
  while alive && ! grep -q 'Development Server.*started' "$STATE/log"; do sleep 0.05; done
  if alive; then echo listening; else cat "$STATE/log" >&2; fi
  exec >/dev/null 2>&1
  while alive; do sleep 1; done
  rm -rf "$STATE"
) &
exec php -d display_errors=0 -d log_errors=1 -d post_max_size=64M -d max_input_vars=1000 \
  -S "127.0.0.1:$PORT" -t "$STATE/www" "$here/vendor.php" </dev/null >/dev/null 2>>"$STATE/log"
