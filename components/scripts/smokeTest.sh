# Checks that messages go through the cluster, and that access without a valid token is refused. Uses the proxy and the command-line tools of the
# image (Pulsar 2.7 or 4.0; the options used here have the same names in both).
#
#   ADMIN_URL, SERVICE_URL  of the proxy, for HTTP and for the binary protocol
#   TOKEN_FILE              file with the token of a super user
#   CA_FILE, PLAIN_PORTS    with TLS: file with the CAs' certificates, which PULSAR_CLIENT_CONF trusts, and ports that must be closed
#   WAIT_SECONDS            time limit for the proxy to answer (default: 180); it answers shortly after it is ready
#   CALL_SECONDS            time limit of each command (default: 60)
#
# The last line says what is wrong. Each run deletes its subscription at the end. Tenant, namespace and topic stay for the next run.
set -u
umask 077

partitions=3
messages=4 # to each partition
tenant=test-tenant
namespace=$tenant/test-ns
topic=persistent://$namespace/test-topic
run=smoke-$(od -An -N6 -tx1 /dev/urandom | tr -d ' \n')

work=$(mktemp -d)
said=$work/said # output of the last command
subscribed=

# $1: the file with a token; empty: no token
tool() {
  token=$1 program=$2 option=$3 url=$4
  shift 4
  if [ -n "$token" ]; then
    set -- --auth-plugin org.apache.pulsar.client.impl.auth.AuthenticationToken --auth-params "file://$token" "$@"
  fi
  timeout "${CALL_SECONDS:-60}" "$program" "$option" "$url" "$@" >"$said" 2>&1
}
admin() {
  as=$1
  shift
  tool "$as" bin/pulsar-admin --admin-url "$ADMIN_URL" "$@"
}
client() {
  as=$1
  shift
  tool "$as" bin/pulsar-client --url "$SERVICE_URL" "$@"
}

fail() {
  tail -n 8 "$said" | cut -c 1-300
  echo "smoke test failed: $*"
  exit 1
}

clean_up() {
  if [ -n "$subscribed" ]; then admin "$TOKEN_FILE" topics unsubscribe --subscription "$run" "$topic"; fi
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 143' TERM INT

# Whether the last command was refused for its token. No connection and a timeout do not count.
refused() {
  grep -Eq 'HTTP 401|Unauthorized|AuthenticationException' "$said"
}

deadline=$(($(date +%s) + ${WAIT_SECONDS:-180}))
until admin "$TOKEN_FILE" tenants list; do
  if refused; then fail "the administrators' token is refused at $ADMIN_URL"; fi
  if [ "$(date +%s)" -ge "$deadline" ]; then fail "no answer from $ADMIN_URL within ${WAIT_SECONDS:-180} s"; fi
  sleep 2
done

# Tenant, namespace and topic. Another run may create them at the same time, and a broker may not know yet what another one has created.
topic_is_there() {
  admin "$TOKEN_FILE" topics get-partitioned-topic-metadata "$topic" &&
    tr -d ' \n' <"$said" | grep -q "\"partitions\":$partitions[,}]"
}
create() {
  for pause in 1 2 4 0; do
    if admin "$TOKEN_FILE" "$@" || grep -iq 'already exist' "$said"; then return; fi
    sleep $pause
  done
  fail "cannot create: $*"
}
if ! topic_is_there; then
  admin "$TOKEN_FILE" clusters list || fail "cannot list the clusters"
  clusters=$(sed -n 's/^"\{0,1\}\([-.A-Za-z0-9_]\{1,\}\)"\{0,1\}$/\1/p' "$said" | tr '\n' ',')
  create tenants create "$tenant" --allowed-clusters "${clusters%,}"
  create namespaces create "$namespace"
  create topics create-partitioned-topic --partitions "$partitions" "$topic"
  topic_is_there || fail "$topic does not have $partitions partitions"
fi

# Sends messages to each partition, and consumes exactly these from the topic.
subscribed=yes
admin "$TOKEN_FILE" topics create-subscription --subscription "$run" "$topic" || fail "cannot subscribe to $topic"
partition=0
while [ $partition -lt $partitions ]; do
  list=
  i=0
  while [ $i -lt $messages ]; do
    echo "$run-$partition-$i" >>"$work/sent"
    list=$list${list:+,}$run-$partition-$i
    i=$((i + 1))
  done
  client "$TOKEN_FILE" produce --messages "$list" "$topic-partition-$partition" ||
    fail "cannot produce to partition $partition of $topic at $SERVICE_URL"
  partition=$((partition + 1))
done
count=$((partitions * messages))
client "$TOKEN_FILE" consume --subscription-name "$run" --num-messages $count "$topic" ||
  fail "$count messages were produced to $topic, but fewer were consumed"
# Lines are `key:[...], properties:[...], content:...`; Pulsar 4.0 puts the message's times before them.
grep -E '^(publishTime|key):' "$said" | sed 's/^.*content://' | sort >"$work/received"
sort "$work/sent" | cmp -s - "$work/received" || fail "other messages were consumed from $topic than were produced"
for pause in 1 2 4 0; do
  # Without the option, the brokers answer with the difference of two counters, which may stay above 0 (apache/pulsar#5202).
  admin "$TOKEN_FILE" topics partitioned-stats --get-precise-backlog "$topic" || fail "cannot read how many messages are left in $topic"
  left=$(sed -n "/\"$run\"/,/\"msgBacklog\"/s/.*\"msgBacklog\" *: *\([0-9]*\).*/\1/p" "$said" | head -n 1)
  if [ "$left" = 0 ]; then break; fi
  # Acknowledgements arrive with a delay.
  sleep $pause
done
: >"$said"
if [ "$left" != 0 ]; then fail "$topic has messages that were not produced: ${left:-unknown}"; fi
admin "$TOKEN_FILE" topics unsubscribe --subscription "$run" "$topic" || fail "cannot unsubscribe from $topic"
subscribed=

# No token, and the token with another signature.
token=$(cat "$TOKEN_FILE")
{
  printf '%s.' "${token%.*}"
  printf '%s' "${token##*.}" | tr 'A-Za-z0-9' 'N-ZA-Mn-za-m5-90-4'
} >"$work/wrong"
must_be_refused() {
  what=$1
  shift
  if "$@"; then fail "$what is accepted"; fi
  refused || fail "$what is not refused for its token"
}
must_be_refused "a request without a token to $ADMIN_URL" admin "" tenants list
must_be_refused "a request with a wrong token to $ADMIN_URL" admin "$work/wrong" tenants list
must_be_refused "a client without a token at $SERVICE_URL" client "" produce --messages "$run" "$topic"
must_be_refused "a client with a wrong token at $SERVICE_URL" client "$work/wrong" produce --messages "$run" "$topic"

# With TLS: no port without it, and a client with another CA does not accept the proxy's certificate. Both commands have succeeded before with the
# CA, and Pulsar 2.7 does not always print the reason of a failure.
must_not_be_trusted() {
  if "$@"; then fail "the certificate is trusted without its CA: $*"; fi
}
if [ -n "${CA_FILE:-}" ]; then
  host=${SERVICE_URL#*://}
  host=${host%:*}
  for port in $PLAIN_PORTS; do
    if timeout 5 bash -c ": <'/dev/tcp/$host/$port'" 2>"$said"; then fail "$host accepts connections without TLS on port $port"; fi
  done
  openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=another -keyout "$work/key" -out "$work/ca.crt" >"$said" 2>&1 ||
    fail "cannot create a CA's certificate"
  sed "s|$CA_FILE|$work/ca.crt|" "$PULSAR_CLIENT_CONF" >"$work/client.conf"
  PULSAR_CLIENT_CONF=$work/client.conf
  must_not_be_trusted admin "$TOKEN_FILE" tenants list
  must_not_be_trusted client "$TOKEN_FILE" produce --messages "$run" "$topic"
fi

echo "smoke test passed: $count messages went through $topic, and access without a valid token is refused"
