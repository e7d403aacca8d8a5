#!/bin/sh
# Measures what the proxies of `http-fault` and `tcp-proxy` cost, side by side with no proxy, and
# prints a Markdown table of medians. Run it as root, on a machine that does nothing else:
#
#     cargo build --release && unshare -n tests/bench/proxy.sh [rounds]
#
# nginx with one worker serves in a network namespace of its own, over a veth pair; wrk asks with one
# thread and 16 connections: for 5 bytes, and for 1 MiB. The faults are such as befall no request, and
# then a delay of 50 ms; of its median what is beyond 50 ms and the median of no proxy is shown.
set -eu
rounds=${1:-5}
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
target=$(rustc -vV | sed -n 's/^host: //p')
program=${SHAKEDOWN:-$root/target/$target/release/shakedown}
folder=$(mktemp -d)
export SHAKEDOWN_STATE_DIR="$folder/state"
mkdir -m 700 "$SHAKEDOWN_STATE_DIR"
chmod 755 "$folder"
head -c 1048576 /dev/urandom > "$folder/big"
cat > "$folder/nginx.conf" <<END
daemon off; worker_processes 1; pid $folder/pid; error_log stderr;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 100000000; sendfile on;
  server { listen 8080; root $folder; location = /small { return 200 "hello"; } }
}
END
ip link set lo up
unshare -n sleep 3600 > /dev/null &
there=$!
sleep 0.3
inside() { nsenter --net=/proc/$there/ns/net "$@"; }
ip link add here type veth peer name eth0 netns $there
ip address add 198.51.100.1/24 dev here
ip link set here up
inside ip address add 198.51.100.2/24 dev eth0
inside ip link set eth0 up
inside ip link set lo up
nsenter --net=/proc/$there/ns/net nginx -c "$folder/nginx.conf" -e stderr > /dev/null 2>&1 &
server=$!
trap 'kill $server $there; rm -rf "$folder"' EXIT
url=http://198.51.100.2:8080
until curl -s $url/small > /dev/null; do sleep 0.05; done

# One measurement of each figure, as lines of "what who figure".
measure() {
    wrk -t1 -c16 -d3s $url/small | awk -v who="$1" '/Requests\/sec/ { print "small", who, $2 }'
    wrk -t1 -c16 -d3s $url/big | awk -v who="$1" '
        /Transfer\/sec/ { n = $2 + 0; if ($2 ~ /MB/) n /= 1024; if ($2 ~ /KB/) n /= 1048576; print "big", who, n }'
}
# The median round trip in milliseconds of 100 requests on one connection, with a pause before each:
# a machine that has slept for 50 ms takes its time to wake, with and without a proxy.
trip() {
    python3 - <<END
import http.client, statistics, time
connection = http.client.HTTPConnection("198.51.100.2", 8080)
times = []
for _ in range(100):
    time.sleep($2)
    begin = time.perf_counter()
    connection.request("GET", "/small"); connection.getresponse().read()
    times.append((time.perf_counter() - begin) * 1e3)
print("trip", "$1", statistics.median(times))
END
}
# Measures while a fault is on.
under() {
    who=$1 measure=$2
    shift 2
    rm -f "$folder/log"
    "$program" inject "$@" --pid $there --for 60s > "$folder/log" 2>&1 &
    run=$!
    until grep -qs "process $there (K)" "$folder/log"; do sleep 0.05; done
    $measure "$who" 0
    kill -INT $run
    wait $run || true
}
for _ in $(seq "$rounds"); do
    measure direct
    trip direct 0.05
    under http-fault measure http-fault 'ports=[8080]' delay=1s 'match={paths: [/none]}'
    under tcp-proxy measure tcp-proxy 'ports=[8080]' 'timeout={toxicity: 0.000001%}'
    under http-fault trip http-fault 'ports=[8080]' delay=50ms
    under tcp-proxy trip tcp-proxy 'ports=[8080]' 'latency={delay: 50ms}'
done > "$folder/figures" || { cat "$folder/log" >&2; exit 1; }
python3 - "$folder/figures" <<'END'
import collections, statistics, sys
figures = collections.defaultdict(list)
for line in open(sys.argv[1]):
    what, who, figure = line.split()
    figures[what, who].append(float(figure))
median = {key: statistics.median(values) for key, values in figures.items()}
print("| who | small requests/s | 1 MiB bodies, GiB/s | beyond 50 ms asked |\n|---|---|---|---|")
for who in ["direct", "http-fault", "tcp-proxy"]:
    small, big = median["small", who], median["big", who]
    share = [f"{small:,.0f} ({small / median['small', 'direct']:.0%})", f"{big:.2f} ({big / median['big', 'direct']:.0%})"]
    beyond = "-" if who == "direct" else f"{median['trip', who] - 50 - median['trip', 'direct']:.2f} ms"
    print(f"| {who} | {share[0]} | {share[1]} | {beyond} |")
END
