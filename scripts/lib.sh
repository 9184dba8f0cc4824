# What scripts/up and scripts/down have in common; sourced by both.
data=${BERTH_DATA:-/var/lib/berth}
run=/run/berth
listen=${BERTH_LISTEN:-0.0.0.0:6443}
# Where `make up STORE=etcd` has its etcd; the port behind it is for its peers.
etcd=${BERTH_ETCD:-127.0.0.1:23790}
berth=$PWD/target/release/berth
config=$data/admin.kubeconfig
socket=/run/containerd/containerd.sock

[ "$(id -u)" = 0 ] || {
    echo "containers, links and rules are root's business: run this as root" >&2
    exit 1
}

# A pid alone may be another process' by now: it must run what we started, with our directory among its arguments.
running() {
    [ -f "$data/$1.pid" ] && tr '\0' ' ' <"/proc/$(cat "$data/$1.pid")/cmdline" 2>/dev/null | grep -q "$1 .*$data"
}

# start NAME COMMAND...: in a session of its own, so that it outlives this one; its output goes into $data.
start() {
    name=$1
    shift
    running "$name" && return 0
    : >"$data/$name.out"
    setsid "$@" >"$data/$name.out" 2>"$data/$name.log" </dev/null &
    echo $! >"$data/$name.pid"
}

# until_true SECONDS NAME COMMAND...: waits for a condition; says what NAME logged when it does not come or NAME ends.
until_true() {
    tries=$(($1 * 10))
    name=$2
    shift 2
    until "$@"; do
        tries=$((tries - 1))
        if [ $tries -le 0 ] || ! running "$name"; then
            echo "$name did not come up; the last lines of its log, $data/$name.log:" >&2
            tail -n 5 "$data/$name.log" >&2
            exit 1
        fi
        sleep 0.1
    done
}

# Whether a containerd answers on a socket.
answers() { [ -S "$1" ] && ctr --address "$1" --connect-timeout 2s version >/dev/null 2>&1; }

# A containerd of our own is used where the host runs none.
own=$run/containerd/containerd.sock
[ -S "$own" ] && socket=$own
answers "$socket" || socket=$own

start_containerd() {
    mkdir -p "$run/containerd" "$data/containerd"
    cat >"$data/containerd.toml" <<END
version = 2
root = "$data/containerd"
state = "$run/containerd/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "$socket"
END
    start containerd containerd --config "$data/containerd.toml"
    until_true 30 containerd answers "$socket"
}

start_etcd() {
    host=${etcd%:*}
    peers=http://$host:$((${etcd##*:} + 1))
    start etcd etcd --name berth --data-dir "$data/etcd" --max-request-bytes 8388608 \
        --listen-client-urls "http://$etcd" --advertise-client-urls "http://$etcd" \
        --listen-peer-urls "$peers" --initial-advertise-peer-urls "$peers" --initial-cluster "berth=$peers"
}
